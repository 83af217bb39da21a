/* For the tests of thresholds: a run made up by hand, and what a rule says of it.
 * In: requests, rules. Out: failures of the test that asks. One thread. Included by *_test.c behind cmocka.h, whose fail_msg the macro uses. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "stats/judge.h"

enum { STAGE_1 = 4, STAGE_2 = 5, HOLD = 6, LOGIN = 7, PAY = 8, BUY = 9, LOOK = 10, ROWS = 11 };

/* A warm-up of 1 s, stages of 5 and 10 s, then a hold; measured until 21 s. */
static const struct group rows[ROWS] = {
	{.dimension = GROUP_BY_ALL, .name = "all"},
	{.dimension = GROUP_BY_CONNECTION, .name = "new"},
	{.dimension = GROUP_BY_CONNECTION, .name = "reused"},
	{.dimension = GROUP_BY_ADDRESS, .name = "127.0.0.1:80"},
	{GROUP_BY_STAGE, "1", 0, 5 * SEC},
	{GROUP_BY_STAGE, "2", 5 * SEC, 15 * SEC},
	{GROUP_BY_STAGE, "hold", 15 * SEC, NSEC_NEVER},
	{.dimension = GROUP_BY_STEP, .name = "buy/v1.login"},
	{.dimension = GROUP_BY_STEP, .name = "buy/step 2"},
	{.dimension = GROUP_BY_SCENARIO, .name = "buy"},
	{.dimension = GROUP_BY_SCENARIO, .name = "look"},
};

struct box {
	struct arena arena;
	struct tally *tally;
	struct totals *totals;
	struct threshold threshold;
	struct run_info run;
	struct run_result result;
	struct report report;
};

static inline int judge_setup(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	arena_init(&box->arena);
	box->tally = tally_new(ROWS);
	box->totals = mem_zeroed(1, sizeof(*box->totals));
	box->run.groups =
		(struct group_table){.count = ROWS, .rows = rows, .first_address = 3, .first_stage = 4, .first_step = LOGIN, .first_scenario = BUY};
	box->run.warmup = 1 * SEC;
	box->run.threshold_count = 1;
	box->run.thresholds = &box->threshold;
	box->result = (struct run_result){.window = 20 * SEC, .tally = box->tally, .totals = box->totals};
	*state = box;
	return 0;
}

static inline int judge_teardown(void **state) {
	struct box *box = *state;
	free(box->tally);
	free(box->totals);
	arena_fini(&box->arena);
	free(box);
	return 0;
}

static inline void add(struct box *box, nsec time, enum reason reason, size_t stage) {
	struct sample sample = {.first = time, .done = time, .status = 200, .reason = (uint8_t)reason};
	if (reason == REASON_OPEN) sample.flags = SAMPLE_OPEN;
	tally_record(box->tally, box->totals, &sample, &box->run.groups, stage);
	box->tally->done_in_window += reason == REASON_NONE || reason == REASON_STATUS;
	box->result.planned++;
}

/* Never sent. */
static inline void add_unsent(struct box *box, uint64_t count, size_t stage) {
	box->tally->unsent += count;
	box->tally->cells[0].unsent += count;
	box->tally->cells[stage].unsent += count;
	box->result.planned += count;
}

static inline void rule(struct box *box, const char *text) {
	enum threshold_fault fault = threshold_parse(slice_of(text), &box->threshold);
	assert(fault == THRESHOLD_GOOD);
	box->threshold.text = text;
}

static inline const struct judged *judge_one(struct box *box, const char *text) {
	rule(box, text);
	report_build(&box->run, &box->result, &box->arena, &box->report);
	assert(box->report.threshold_count == 1 && box->report.thresholds[0].threshold == &box->threshold);
	assert(box->report.thresholds_hold == box->report.thresholds[0].passed);
	return &box->report.thresholds[0];
}

struct expectation {
	const char *rule;
	bool passed, few, unknown;
	double low, high; /* of the value */
};

#define check(box, cases, count)                                                                                                                     \
	do {                                                                                                                                         \
		for (const struct expectation *want_ = (cases), *end_ = want_ + (count); want_ < end_; want_++) {                                    \
			const struct judged *judged_ = judge_one(box, want_->rule);                                                                  \
			if (judged_->passed != want_->passed || judged_->few != want_->few || judged_->unknown != want_->unknown ||                  \
				judged_->value < want_->low || judged_->value > want_->high)                                                         \
				fail_msg("%s: passed %d, few %d, unknown %d, value %.9g", want_->rule, judged_->passed, judged_->few,                \
					judged_->unknown, judged_->value);                                                                           \
		}                                                                                                                                    \
	} while (0)

static inline bool early(struct box *box, const char *text, nsec elapsed, nsec window) {
	rule(box, text);
	struct judge_moment moment = {.elapsed = elapsed, .window = window, .tally = box->tally, .groups = &box->run.groups};
	const struct threshold *found = judge_early(&box->threshold, 1, &moment);
	assert(!found || found == &box->threshold);
	return found;
}
