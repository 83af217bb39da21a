#include "out/figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { P50 = 0, P90 = 2, P95 = 3, P99 = 4 };

/* Half a millisecond to a minute, three in a decade. */
const nsec figures_bounds[FIGURES_BUCKETS] = {500 * USEC, MSEC, 2500 * USEC, 5 * MSEC, 10 * MSEC, 25 * MSEC, 50 * MSEC, 100 * MSEC, 250 * MSEC,
	500 * MSEC, SEC, 2500 * MSEC, 5 * SEC, 10 * SEC, 30 * SEC, 60 * SEC};

static uint64_t outcome_sum(const uint64_t *reasons, enum outcome outcome) {
	uint64_t sum = 0;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++)
		if (reason != REASON_NONE && reason_outcome(reason) == outcome) sum += reasons[reason];
	return sum;
}

static void count_errors(const uint64_t *reasons, struct figures *into) {
	static const enum outcome transports[] = {OUTCOME_CONNECT, OUTCOME_TLS, OUTCOME_PROTOCOL, OUTCOME_RESET, OUTCOME_STALE};
	for (size_t i = 0; i < LENGTH(transports); i++) into->transport += outcome_sum(reasons, transports[i]);
	into->timeouts = outcome_sum(reasons, OUTCOME_TIMEOUT);
	into->unexpected = outcome_sum(reasons, OUTCOME_STATUS) + outcome_sum(reasons, OUTCOME_ASSERT);
}

static enum status_class class_of(unsigned status) {
	static const enum status_class classes[] = {[2] = STATUS_2XX, [3] = STATUS_3XX, [4] = STATUS_4XX, [5] = STATUS_5XX};
	if (status == 0) return STATUS_NONE;
	return status >= 200 && status <= 599 ? classes[status / 100] : STATUS_OTHER;
}

/* Counts and what follows from them: everything is cut off, never rounded, that is how the lines are defined. */
static void fill_counts(const uint64_t *reasons, const uint64_t *status, struct figures *into) {
	uint64_t window_ms = into->window > MSEC ? (uint64_t)(into->window / MSEC) : 1;
	into->total = into->ok + into->errors;
	into->success_x100 = into->total > 0 ? 10000 * into->ok / into->total : 0;
	into->rps_x100 = 100000 * into->total / window_ms;
	into->rpm_x100 = 60 * into->rps_x100;
	count_errors(reasons, into);
	for (unsigned i = 0; i < TALLY_STATUSES; i++) into->classes[class_of(i)] += status[i];
}

static void fill_times(const struct distribution *times, nsec sum, struct figures_times *ret) {
	*ret = (struct figures_times){
		.count = times->count,
		.min = times->min,
		.max = times->max,
		.p50 = times->at[P50].rank,
		.p90 = times->at[P90].rank,
		.p99 = times->at[P99].rank,
		.mean = times->mean,
		.sum = sum,
	};
}

/* A slot counts into the bucket that all of it lies in; the last slot of those that begin below the highest bound ends the walk. */
static void fill_buckets(const struct histlet *times, struct figures *into) {
	uint64_t below = 0;
	uint32_t slot = 0;
	for (size_t i = 0; i < FIGURES_BUCKETS; i++) {
		for (; slot < HISTLET_SLOTS && histlet_slot_high(slot) <= figures_bounds[i]; slot++) below += times->slots[slot];
		into->buckets[i] = below;
	}
}

/* Returns all response times of a cell; free() it. */
static struct histlet *all_times(const struct cell *cell) {
	struct histlet *all = mem_alloc(sizeof(*all));
	*all = cell->response_ok;
	histlet_merge(all, &cell->response_other);
	return all;
}

static void fill_row(const struct group *group, const struct cell *cell, struct figures_row *ret) {
	struct distribution times;
	*ret = (struct figures_row){.name = group->name, .ok = cell->ok, .errors = cell->failed};
	if (group->dimension == GROUP_BY_STEP) ret->errors += cell->open;
	if (cell->response_ok.count + cell->response_other.count == 0) return;
	struct histlet *all = all_times(cell);
	distribution_from_histlet(all, 0, &times);
	ret->p50 = times.at[P50].rank;
	ret->p95 = times.at[P95].rank;
	ret->p99 = times.at[P99].rank;
	ret->times = all->count;
	ret->sum = all->sum;
	free(all);
}

static size_t fill_rows(const struct tally *tally, const struct group_table *groups, size_t first, size_t count, struct figures_row *ret) {
	for (size_t i = 0; i < count; i++) fill_row(&groups->rows[first + i], &tally->cells[first + i], &ret[i]);
	return count;
}

void figures_of_script(const struct tally *tally, const struct group_table *groups, struct figures_script *ret) {
	size_t steps = groups->first_scenario - groups->first_step, scenarios = groups->count - groups->first_scenario;
	if (steps > FIGURES_STEPS_MAX) steps = FIGURES_STEPS_MAX;
	if (scenarios > FIGURES_SCENARIOS_MAX) scenarios = FIGURES_SCENARIOS_MAX;
	ret->step_count = fill_rows(tally, groups, groups->first_step, steps, ret->steps);
	ret->scenario_count = fill_rows(tally, groups, groups->first_scenario, scenarios, ret->scenarios);
}

void figures_from_report(const struct report *report, struct figures *ret) {
	*ret = (struct figures){.window = report->window, .ok = report->ok, .errors = report->failed + report->open};
	struct histlet *all = all_times(&report->tally->cells[0]); /* what was shown before came from here, and what counts must not go back */
	fill_counts(report->reasons, report->status, ret);
	fill_times(&report->response_all, all->sum, &ret->all);
	fill_times(&report->response_ok, report->tally->cells[0].response_ok.sum, &ret->good);
	fill_buckets(all, ret);
	free(all);
}

void figures_from_tally(const struct tally *tally, nsec window, struct figures *ret) {
	const struct histlet *good = &tally->cells[0].response_ok;
	struct distribution times;
	*ret = (struct figures){.window = window > 0 ? window : 0, .ok = tally->ok, .errors = tally->failed + tally->open};
	struct histlet *all = all_times(&tally->cells[0]);
	fill_counts(tally->reasons, tally->status, ret);
	distribution_from_histlet(all, 0, &times);
	fill_times(&times, all->sum, &ret->all);
	distribution_from_histlet(good, 0, &times);
	fill_times(&times, good->sum, &ret->good);
	fill_buckets(all, ret);
	free(all);
}
