#include "stats/judge.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

#define EARLY_LEAST SEC         /* nothing is judged before, ... */
#define EARLY_ENOUGH (10 * SEC) /* ... from here on always, between them from ... */
#define EARLY_SHARE 10          /* ... this fraction of the window on */
#define EARLY_REQUESTS 100

/* What a threshold is compared with: the requests of the run or of one stage. */
struct judge_facts {
	bool known;               /* there is such a stage, and its requests are counted */
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
	for (size_t i = groups->first_stage; i < groups->count; i++)
		if (slice_equal(slice_of(groups->rows[i].name), slice_of(name))) return i;
	return 0;
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
	for (size_t i = 0; i < report->run.threshold_count; i++) {
		const struct threshold *threshold = &report->run.thresholds[i];
		struct judge_facts facts;
		if (threshold->stage > 0)
			facts_of_stage(report, threshold->stage, &facts);
		else
			facts_of_run(report, &facts);
		ret[i] = judge(threshold, &facts);
	}
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

const struct threshold *judge_early(const struct threshold *thresholds, size_t count, const struct judge_moment *moment) {
	nsec from = moment->window / EARLY_SHARE < EARLY_ENOUGH ? later(moment->window / EARLY_SHARE, EARLY_LEAST) : EARLY_ENOUGH;
	bool late_enough = moment->elapsed >= from;
	for (size_t i = 0; i < count; i++) {
		size_t row = thresholds[i].stage > 0 ? stage_row(moment->groups, thresholds[i].stage) : 0;
		if (may_yet_hold(&thresholds[i]) || (thresholds[i].stage > 0 && row == 0)) continue;
		if (misses_already(&thresholds[i], &moment->tally->cells[row], late_enough)) return &thresholds[i]; /* row 0: all */
	}
	return NULL;
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
