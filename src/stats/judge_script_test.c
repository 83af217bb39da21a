#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "stats/judge_fixture.h"

/* The same for a step, counted from 0. */
static void add_step(struct box *box, nsec time, enum reason reason, uint16_t step) {
	struct sample sample = {.first = time, .done = time, .status = 200, .reason = (uint8_t)reason, .row = step};
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	box->result.planned++;
}

static void add_iteration(struct box *box, size_t scenario, nsec time, bool ok, bool open) {
	tally_record_iteration(box->tally, &box->run.groups, scenario, &(struct iteration){.done = time, .ok = ok, .open = open});
	box->result.iterations_planned++;
}

/* "buy/v1.login": 95 of 10 ms, 5 failed, 100 never sent. "buy/step 2": 40 of 30 ms. In 20 s. */
static void steps_are_judged_on_their_own(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 95; i++) add_step(box, 10 * MSEC, REASON_NONE, 0);
	for (int i = 0; i < 5; i++) add_step(box, 10 * MSEC, REASON_ASSERT_JSON, 0);
	add_unsent(box, 100, LOGIN);
	for (int i = 0; i < 40; i++) add_step(box, 30 * MSEC, REASON_NONE, 1);
	static const struct expectation cases[] = {
		{"step.buy/v1.login.p40<=10ms", true, false, false, 10e6, 10e6},
		{"step.buy/v1.login.p50<1h", false, false, false, INFINITY, INFINITY}, /* rank 100 of 200 */
		{"step.buy/v1.login.max<1h", false, false, false, INFINITY, INFINITY},
		{"step.buy/v1.login.errors<=105", true, false, false, 105, 105},
		{"step.buy/v1.login.rps>=5", true, false, false, 5, 5}, /* 100 complete responses */
		{"step.buy/step 2.p50<30.1ms", true, false, false, 30e6, 30e6},
		{"step.buy/step 2.p99.9<30ms", false, true, false, 30e6, 30e6},
		{"step.buy/step 2.errors<1%", true, false, false, 0, 0},
		{"step.buy/step 2.rps>2", false, false, false, 2, 2},
		{"step.buy/step 3.rps>=0", false, false, true, 0, 0},
		{"step.buy.p50<1h", false, false, true, 0, 0},
	};
	check(box, cases, LENGTH(cases));
}

/* "buy": 50 of 2 s, 10 failed, 7 cut off; "look": 30 of 1 s, 10 never begun. 100 count, in 20 s. */
static void iterations_are_judged_without_those_that_were_cut_off(void **state) {
	struct box *box = *state;
	static const struct expectation none[] = {{"iteration.p50<1s", false, false, true, 0, 0}};
	check(box, none, 1);
	for (int i = 0; i < 50; i++) add_iteration(box, 0, 2 * SEC, true, false);
	for (int i = 0; i < 10; i++) add_iteration(box, 0, 1 * SEC, false, false);
	for (int i = 0; i < 7; i++) add_iteration(box, 0, 9 * SEC, true, true);
	for (int i = 0; i < 30; i++) add_iteration(box, 1, 1 * SEC, true, false);
	box->tally->cells[LOOK].unsent = 10;
	box->result.iterations_planned += 10;
	static const struct expectation cases[] = {
		{"iteration.p30<1.01s", true, false, false, 1e9, 1.01e9}, {"iteration.p80<=2s", true, false, false, 2e9, 2e9}, /* rank 80 of 100 */
		{"iteration.p81<1h", false, false, false, INFINITY, INFINITY}, {"iteration.errors<=20%", true, false, false, 0.2, 0.2},
		{"iteration.errors<20", false, false, false, 20, 20}, {"iteration.rps>=4.5", true, false, false, 4.5, 4.5}, /* 90 came to their end */
	};
	check(box, cases, LENGTH(cases));
}

static void steps_and_iterations_are_seen_early_too(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 99; i++) add_step(box, 10 * MSEC, REASON_NONE, 1);
	assert_false(early(box, "step.buy/step 2.p50<1ms", 5 * SEC, 20 * SEC)); /* only 99 */
	add_step(box, 10 * MSEC, REASON_RESET, 1);
	assert_true(early(box, "step.buy/step 2.p50<1ms", 5 * SEC, 20 * SEC));
	assert_true(early(box, "step.buy/step 2.errors<1%", 5 * SEC, 20 * SEC));
	assert_true(early(box, "step.buy/step 2.max<1h", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "step.buy/step 2.rps>1000", 5 * SEC, 20 * SEC));
	assert_false(early(box, "step.buy/v1.login.p50<1ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "step.nowhere.p50<1ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "iteration.max<1s", 5 * SEC, 20 * SEC));
	for (int i = 0; i < 60; i++) add_iteration(box, 0, 2 * SEC, true, false);
	assert_true(early(box, "iteration.max<1s", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "iteration.p50<1s", 5 * SEC, 20 * SEC));
	for (int i = 0; i < 60; i++) add_iteration(box, 1, 2 * SEC, true, false);
	assert_true(early(box, "iteration.p50<1s", 5 * SEC, 20 * SEC)); /* those of both together */
	assert_false(early(box, "iteration.p50<3s", 5 * SEC, 20 * SEC));
}

static void a_threshold_on_what_is_not_there_is_refused_with_the_nearest_name(void **state) {
	struct box *box = *state;
	static const struct {
		const char *rule, *want; /* NULL: it is fine */
	} cases[] = {
		{"p50<1s", NULL},
		{"stage.9.p50<1s", NULL}, /* config/check.c has said so */
		{"step.buy/v1.login.p50<1s", NULL},
		{"step.buy/step 2.p99.9<1s", NULL},
		{"iteration.p50<1s", NULL},
		{"step.buy/v1.logn.p50<1s", "threshold 'step.buy/v1.logn.p50<1s': there is no step 'buy/v1.logn'; did you mean 'buy/v1.login'?"},
		{"step.step 2.p50<1s", "threshold 'step.step 2.p50<1s': there is no step 'step 2'; did you mean 'buy/step 2'?"},
		{"step.xyz.p50<1s", "threshold 'step.xyz.p50<1s': there is no step 'xyz'; the first one is 'buy/v1.login'"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = {0};
		rule(box, cases[i].rule);
		bool good = judge_check(&box->threshold, 1, &box->run.groups, &err);
		assert_int_equal(good, cases[i].want == NULL);
		if (cases[i].want) assert_string_equal(err.text, cases[i].want);
	}
	struct group_table plain = {.count = LOGIN, .rows = rows, .first_address = 3, .first_stage = 4, .first_step = LOGIN, .first_scenario = LOGIN};
	struct err err = {0};
	rule(box, "step.login.p50<1s");
	assert_false(judge_check(&box->threshold, 1, &plain, &err));
	assert_string_equal(err.text, "threshold 'step.login.p50<1s' asks about a step, but the run has no scenario; add e.g. [scenario]");
	rule(box, "iteration.p50<1s");
	assert_false(judge_check(&box->threshold, 1, &plain, &err));
	assert_string_equal(err.text, "threshold 'iteration.p50<1s' asks about iterations, but the run has no scenario; add e.g. [scenario]");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steps_are_judged_on_their_own, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(iterations_are_judged_without_those_that_were_cut_off, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(steps_and_iterations_are_seen_early_too, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_threshold_on_what_is_not_there_is_refused_with_the_nearest_name, judge_setup, judge_teardown),
	};
	return cmocka_run_group_tests_name("stats/judge_script", tests, NULL, NULL);
}
