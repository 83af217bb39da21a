#include "stats/fleet.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

enum { P50 = 0, P99 = 4 }; /* among report_quantiles */

const char *fleet_state_name(enum fleet_state state) {
	static const char *const names[FLEET_STATES] = {"reported", "lost", "unable", "refused"};
	assert(state < FLEET_STATES);
	return names[state];
}

static bool totals_are_there(const struct totals *totals) {
	return totals && totals->response_ok.count + totals->response_failed.count + totals->response_open.count > 0;
}

void fleet_agent_from_parcel(const struct run_info *run, const struct parcel_sum *sum, struct fleet_agent *ret) {
	struct totals *made = totals_are_there(sum->totals) ? NULL : mem_zeroed(1, sizeof(*made));
	if (made) parcel_totals_from_tally(sum->tally, made);
	struct run_info info = *run;
	info.threshold_count = 0; /* they are the fleet's */
	const struct run_result result = {.window = sum->facts.window,
		.planned = sum->facts.planned,
		.iterations_planned = sum->facts.iterations_planned,
		.tally = sum->tally,
		.totals = made ? made : sum->totals,
		.strain = sum->facts.strain};
	struct arena arena;
	struct report *report = mem_alloc(sizeof(*report));
	arena_init(&arena);
	report_build(&info, &result, &arena, report);
	ret->has_figures = true;
	ret->planned = report->planned;
	ret->ok = report->ok;
	ret->failed = report->failed;
	ret->open = report->open;
	ret->unsent = report->unsent;
	ret->throughput_per_s = report->throughput_per_s;
	ret->response[FLEET_P50] = report->response_all.at[P50];
	ret->response[FLEET_P99] = report->response_all.at[P99];
	ret->late[FLEET_P50] = report->parts[PART_LATE].at[P50];
	ret->late[FLEET_P99] = report->parts[PART_LATE].at[P99];
	ret->verdict = report->verdict;
	arena_fini(&arena);
	free(report);
	free(made);
}
