#include "stats/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"

#define EARLY_LEAST SEC         /* nothing is judged before, ... */
#define EARLY_ENOUGH (10 * SEC) /* ... from here on always, between them from ... */
#define EARLY_SHARE 10          /* ... this fraction of the window on */
#define EARLY_REQUESTS 100

/* What a threshold is compared with: the requests of the run, of one stage or of one step, or the iterations. */
struct judge_facts {
	bool known;               /* there is such a stage or step, and its requests are counted */
	uint64_t planned, ok;     /* planned: at least ok */
	const struct hist *exact; /* response times of the ok ones: one of the two */
	const struct histlet *rounded;
	nsec max;     /* the longest of them */
	double per_s; /* complete responses; under 0: not known */
};

static nsec later(nsec a, nsec b) {
	return a > b ? a : b;
}

/* Returns the row of a stage in the table; 0: there is no such stage. */
static size_t stage_row(const struct group_table *groups, unsigned stage) {
	char name[16];
	snprintf(name, sizeof(name), "%u", stage);
	for (size_t i = groups->first_stage; i < groups->first_step; i++)
		if (slice_equal(slice_of(groups->rows[i].name), slice_of(name))) return i;
	return 0;
}

/* Returns the row of a step in the table; 0: there is no such step. */
static size_t step_row(const struct group_table *groups, struct slice step) {
	for (size_t i = groups->first_step; i < groups->first_scenario; i++)
		if (slice_equal(slice_of(groups->rows[i].name), step)) return i;
	return 0;
}

/* Adds up what thresholds on iterations are about: those of all scenarios. free() it. */
static struct cell *iterations_sum(const struct group_table *groups, const struct tally *tally) {
	struct cell *all = mem_zeroed(1, sizeof(*all));
	for (size_t i = groups->first_scenario; i < groups->count; i++) cell_merge(all, &tally->cells[i]);
	return all;
}

static void facts_of_cell(const struct cell *cell, struct judge_facts *ret) {
	*ret = (struct judge_facts){.known = true,
		.ok = cell->ok,
		.rounded = &cell->response_ok,
		.max = cell->response_ok.count > 0 ? cell->response_ok.max : 0,
		.per_s = -1};
}

static void facts_of_stage(const struct report *report, unsigned stage, struct judge_facts *ret) {
	const struct group_table *groups = &report->run.groups;
	size_t row = stage_row(groups, stage);
	*ret = (struct judge_facts){0};
	if (row == 0) return;
	const struct cell *cell = &report->tally->cells[row];
	facts_of_cell(cell, ret);
	ret->planned = cell->ok + cell->failed + cell->open + cell->unsent;
	nsec window_end = report->run.warmup + report->window;
	nsec begin = later(groups->rows[row].begin, report->run.warmup);
	nsec end = groups->rows[row].end < window_end ? groups->rows[row].end : window_end;
	if (end > begin) ret->per_s = (double)cell->complete * (double)SEC / (double)(end - begin);
}

static void facts_of_step(const struct report *report, struct slice step, struct judge_facts *ret) {
	size_t row = step_row(&report->run.groups, step);
	*ret = (struct judge_facts){0};
	if (row == 0) return;
	const struct cell *cell = &report->tally->cells[row];
	facts_of_cell(cell, ret);
	ret->planned = cell->ok + cell->failed + cell->open + cell->unsent;
	if (report->window > 0) ret->per_s = (double)cell->complete * (double)SEC / (double)report->window;
}

/* `all`: of iterations_sum. */
static void facts_of_iterations(const struct report *report, const struct cell *all, struct judge_facts *ret) {
	facts_of_cell(all, ret);
	ret->known = report->run.groups.first_scenario < report->run.groups.count;
	ret->planned = all->ok + all->failed + all->unsent;
	if (report->window > 0) ret->per_s = (double)all->complete * (double)SEC / (double)report->window;
}

static void facts_of_run(const struct report *report, struct judge_facts *ret) {
	const struct hist *ok = &report->totals->response_ok;
	*ret = (struct judge_facts){
		.known = true,
		.planned = report->ok + report->never,
		.ok = report->ok,
		.exact = ok,
		.max = ok->count > 0 ? ok->max : 0,
		.per_s = report->window > 0 ? report->throughput_per_s : -1,
	};
}

/* The nearest rank of a quantile over the planned requests; INFINITY where it falls on one that was not ok. A rounded time is no less than *ret_low. */
static double facts_quantile(const struct judge_facts *facts, double quantile, double *ret_low) {
	uint64_t rank = hist_rank(facts->planned, quantile);
	if (rank > facts->ok) return *ret_low = INFINITY;
	nsec time = facts->exact ? hist_at_rank(facts->exact, rank) : histlet_at_rank(facts->rounded, rank);
	double value = (double)(time < facts->max ? time : facts->max);
	*ret_low = facts->exact ? value : (double)later(histlet_slot_low(histlet_slot(time)), facts->rounded->min);
	return value;
}

/* Whether a value from `low` to `high` may keep a rule: only what misses it for certain does not hold. */
static bool holds(const struct threshold *threshold, double low, double high) {
	switch (threshold->relation) {
	case THRESHOLD_LESS: return low < threshold->limit;
	case THRESHOLD_LESS_EQUAL: return low <= threshold->limit;
	case THRESHOLD_MORE: return high > threshold->limit;
	case THRESHOLD_MORE_EQUAL: return high >= threshold->limit;
	}
	return false;
}

static struct judged judge(const struct threshold *threshold, const struct judge_facts *facts) {
	struct judged judged = {.threshold = threshold, .unknown = !facts->known || facts->planned == 0};
	double low = INFINITY; /* where it is not set, the value is exact */
	switch (threshold->metric) {
	case THRESHOLD_QUANTILE:
		if (judged.unknown) break;
		judged.value = facts_quantile(facts, threshold->quantile, &low);
		judged.few = facts->planned - hist_rank(facts->planned, threshold->quantile) < FEW_BEYOND;
		break;
	case THRESHOLD_MAX: judged.value = facts->ok < facts->planned ? INFINITY : (double)facts->max; break;
	case THRESHOLD_ERRORS:
		judged.value = (double)(facts->planned - facts->ok);
		if (threshold->is_share && !judged.unknown) judged.value /= (double)facts->planned;
		break;
	case THRESHOLD_RPS:
		judged.unknown = !facts->known || facts->per_s < 0;
		judged.value = facts->per_s;
		break;
	}
	if (judged.unknown) judged.value = 0;
	judged.passed = !judged.unknown && holds(threshold, low < judged.value ? low : judged.value, judged.value);
	return judged;
}

void judge_report(const struct report *report, struct judged *ret) {
	struct cell *iterations = iterations_sum(&report->run.groups, report->tally);
	for (size_t i = 0; i < report->run.threshold_count; i++) {
		const struct threshold *threshold = &report->run.thresholds[i];
		struct judge_facts facts;
		if (threshold->stage > 0)
			facts_of_stage(report, threshold->stage, &facts);
		else if (threshold->step.at)
			facts_of_step(report, threshold->step, &facts);
		else if (threshold->is_iteration)
			facts_of_iterations(report, iterations, &facts);
		else
			facts_of_run(report, &facts);
		ret[i] = judge(threshold, &facts);
	}
	free(iterations);
}

/* Whether what ended so far says nothing about the end: the longest time and a count of errors can still grow. */
static bool may_yet_hold(const struct threshold *threshold) {
	bool grows = threshold->metric == THRESHOLD_MAX || (threshold->metric == THRESHOLD_ERRORS && !threshold->is_share);
	bool lower = threshold->relation == THRESHOLD_MORE || threshold->relation == THRESHOLD_MORE_EQUAL;
	return threshold->metric == THRESHOLD_RPS || (grows && lower);
}

/* Whether a cell's requests that have ended miss a rule. `late_enough`: so much time has passed that they stand for the others, too. */
static bool misses_already(const struct threshold *threshold, const struct cell *cell, bool late_enough) {
	struct judge_facts facts;
	facts_of_cell(cell, &facts);
	facts.planned = cell->ok + cell->failed;
	struct judged judged = judge(threshold, &facts);
	if (judged.unknown || judged.passed) return false;
	if (threshold->metric == THRESHOLD_MAX) return true; /* it cannot become better */
	return late_enough && facts.planned >= EARLY_REQUESTS && !judged.few;
}

/* The same for what the rule is about. */
static bool misses_now(const struct threshold *threshold, const struct judge_moment *moment, bool late_enough) {
	const struct group_table *groups = moment->groups;
	bool missed;
	if (threshold->is_iteration) {
		struct cell *all = iterations_sum(groups, moment->tally);
		missed = misses_already(threshold, all, late_enough);
		free(all);
		return missed;
	}
	size_t row = threshold->stage > 0 ? stage_row(groups, threshold->stage) : threshold->step.at ? step_row(groups, threshold->step) : 0;
	if (row == 0 && (threshold->stage > 0 || threshold->step.at)) return false;
	return misses_already(threshold, &moment->tally->cells[row], late_enough); /* row 0: all */
}

const struct threshold *judge_early(const struct threshold *thresholds, size_t count, const struct judge_moment *moment) {
	nsec from = moment->window / EARLY_SHARE < EARLY_ENOUGH ? later(moment->window / EARLY_SHARE, EARLY_LEAST) : EARLY_ENOUGH;
	bool late_enough = moment->elapsed >= from;
	for (size_t i = 0; i < count; i++)
		if (!may_yet_hold(&thresholds[i]) && misses_now(&thresholds[i], moment, late_enough)) return &thresholds[i];
	return NULL;
}

/* Returns the name of a step that was meant by `step`, or NULL: it is written without its scenario, or with a slip or two. */
static const char *nearest_step(const struct group_table *groups, const char *step) {
	const char *nearest = NULL;
	size_t size = strlen(step);
	unsigned limit = size < 5 ? 1 : size < 9 ? 2 : 3, least = limit + 1;
	for (size_t i = groups->first_step; i < groups->first_scenario; i++) {
		const char *name = groups->rows[i].name, *slash = strchr(name, '/');
		unsigned distance = slash && strcmp(slash + 1, step) == 0 ? 0 : str_distance(step, name, limit);
		if (distance >= least) continue;
		least = distance;
		nearest = name;
	}
	return nearest;
}

static bool refuse_step(const struct threshold *threshold, const struct group_table *groups, struct err *err) {
	char step[120];
	snprintf(step, sizeof(step), "%.*s", (int)threshold->step.size, threshold->step.at);
	const char *nearest = nearest_step(groups, step);
	if (nearest)
		return err_set(err, ERR_FAILED, "threshold '%.100s': there is no step '%s'; did you mean '%.100s'?", threshold->text, step, nearest);
	return err_set(err, ERR_FAILED, "threshold '%.100s': there is no step '%s'; the first one is '%.100s'", threshold->text, step,
		groups->rows[groups->first_step].name);
}

bool judge_check(const struct threshold *thresholds, size_t count, const struct group_table *groups, struct err *err) {
	bool has_steps = groups->first_step < groups->first_scenario;
	for (size_t i = 0; i < count; i++) {
		const struct threshold *threshold = &thresholds[i];
		if (!threshold->step.at && !threshold->is_iteration) continue;
		if (!has_steps)
			return err_set(err, ERR_FAILED, "threshold '%.100s' asks about %s, but the run has no scenario; add e.g. [scenario]",
				threshold->text, threshold->is_iteration ? "iterations" : "a step");
		if (threshold->step.at && step_row(groups, threshold->step) == 0) return refuse_step(threshold, groups, err);
	}
	return true;
}

const char *judge_format(const struct threshold *threshold, double value, char *text, unsigned size) {
	switch (threshold->metric) {
	case THRESHOLD_QUANTILE:
	case THRESHOLD_MAX: return units_format_duration(isinf(value) || value >= (double)NSEC_NEVER ? NSEC_NEVER : (nsec)value, text, size);
	case THRESHOLD_ERRORS:
		if (threshold->is_share)
			snprintf(text, size, "%.3g %%", value * 100);
		else
			snprintf(text, size, "%.0f", value);
		return text;
	case THRESHOLD_RPS: snprintf(text, size, value < 1000 ? "%.4g/s" : "%.0f/s", value); return text;
	}
	return text;
}
