#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "stats/judge_fixture.h"

/* 1,000 requests of 1 .. 1000 us, all ok, within 20 s. */
static void a_good_run_is_compared_by_nearest_rank(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 1000; i++) add(box, i * USEC, REASON_NONE, 0);
	static const struct expectation cases[] = {
		{"p50<501us", true, false, false, 500e3, 500.5e3},
		{"p50<500us", false, false, false, 500e3, 500.5e3},
		{"p99<1ms", true, false, false, 990e3, 991e3},
		{"p99.9<1ms", true, true, false, 999e3, 1000e3},
		{"p99.95<1ms", false, true, false, 1e6, 1e6}, /* rank 1000 */
		{"p99.95<=1ms", true, true, false, 1e6, 1e6},
		{"p12.3<124us", true, false, false, 123e3, 123.2e3},
		{"p0.1<=1us", true, false, false, 1e3, 1e3},
		{"p50>400us", true, false, false, 500e3, 500.5e3},
		{"p50>=600us", false, false, false, 500e3, 500.5e3},
		{"max<=1ms", true, false, false, 1e6, 1e6},
		{"max<1ms", false, false, false, 1e6, 1e6},
		{"errors<1", true, false, false, 0, 0},
		{"errors<=0%", true, false, false, 0, 0},
		{"errors<0%", false, false, false, 0, 0},
		{"rps>=50", true, false, false, 50, 50}, /* 1000 / 20 s */
		{"rps>50", false, false, false, 50, 50},
	};
	check(box, cases, LENGTH(cases));
}

/* 1,000 planned: 950 ok in 1 .. 950 us, 30 failed, 10 open, 10 never sent. */
static void what_is_not_ok_is_never(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 950; i++) add(box, i * USEC, REASON_NONE, 0);
	for (int i = 0; i < 30; i++) add(box, 1, REASON_RESET, 0);
	for (int i = 0; i < 10; i++) add(box, 1, REASON_OPEN, 0);
	add_unsent(box, 10, STAGE_1);
	static const struct expectation cases[] = {
		{"p95<=950us", true, false, false, 950e3, 950e3}, {"p95.1<1h", false, false, false, INFINITY, INFINITY},
		{"p99<100h", false, false, false, INFINITY, INFINITY}, {"p99.9<100h", false, true, false, INFINITY, INFINITY},
		{"p99>1s", true, false, false, INFINITY, INFINITY}, {"max<1h", false, false, false, INFINITY, INFINITY},
		{"errors<=5%", true, false, false, 0.05, 0.05}, {"errors<5%", false, false, false, 0.05, 0.05},
		{"errors<=50", true, false, false, 50, 50}, {"errors<50", false, false, false, 50, 50},
		{"rps<48", true, false, false, 47.5, 47.5}, /* 950 complete responses */
	};
	check(box, cases, LENGTH(cases));
}

static void a_run_without_requests_passes_nothing_but_low_rates(void **state) {
	struct box *box = *state;
	static const struct expectation cases[] = {
		{"p99<1s", false, false, true, 0, 0},
		{"p99>=0ms", false, false, true, 0, 0},
		{"max<1s", false, false, true, 0, 0},
		{"errors<1%", false, false, true, 0, 0},
		{"errors<1", false, false, true, 0, 0},
		{"rps>0", false, false, false, 0, 0},
		{"rps>=0", true, false, false, 0, 0},
	};
	check(box, cases, LENGTH(cases));
	box->result.window = 0;
	static const struct expectation without_window[] = {{"rps>=0", false, false, true, 0, 0}};
	check(box, without_window, 1);
}

/* Stage 1: 400 of 10 ms in the 4 s after the warm-up. Stage 2: 900 of 20 ms, 50 failed, 50 never sent, in 10 s. Hold: 60 of 1 s in 6 s. */
static void stages_are_judged_on_their_own(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_NONE, STAGE_1);
	for (int i = 0; i < 900; i++) add(box, 20 * MSEC, REASON_NONE, STAGE_2);
	for (int i = 0; i < 50; i++) add(box, 5 * MSEC, REASON_STATUS, STAGE_2);
	add_unsent(box, 50, STAGE_2);
	for (int i = 0; i < 60; i++) add(box, 1 * SEC, REASON_NONE, HOLD);
	static const struct expectation cases[] = {
		{"stage.1.p95<10.1ms", true, false, false, 10e6, 10e6},
		{"stage.1.p99<10.1ms", true, true, false, 10e6, 10e6}, /* rank 396 of 400 */
		{"stage.1.max<=10ms", true, false, false, 10e6, 10e6},
		{"stage.1.errors<1", true, false, false, 0, 0},
		{"stage.1.rps>=100", true, false, false, 100, 100},
		{"stage.2.p90<=20ms", true, false, false, 20e6, 20e6},
		{"stage.2.p91<1h", false, false, false, INFINITY, INFINITY},
		{"stage.2.max<1h", false, false, false, INFINITY, INFINITY},
		{"stage.2.errors<=10%", true, false, false, 0.1, 0.1},
		{"stage.2.errors<100", false, false, false, 100, 100},
		{"stage.2.rps>=95", true, false, false, 95, 95},
		{"stage.3.p50<1h", false, false, true, 0, 0}, /* the hold is no stage of the user */
		{"stage.3.rps>=0", false, false, true, 0, 0},
		{"p50<20.1ms", true, false, false, 20e6, 20.1e6},
	};
	check(box, cases, LENGTH(cases));
	assert_int_equal(box->report.groups[STAGE_2].never, 100);
	assert_int_equal(box->report.groups[STAGE_2].slo.count, 1000);
	assert_int_equal(box->report.groups[STAGE_2].slo.at[2].value, 20 * MSEC); /* p90: rank 900 */
	assert_int_equal(box->report.groups[STAGE_2].slo.at[3].value, NSEC_NEVER);
}

/* A response of an unexpected status is a response; a reset, a time-out or a refused connection is none. */
static void a_rate_counts_complete_responses_only(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 100; i++) add(box, 10 * MSEC, REASON_NONE, STAGE_2);
	for (int i = 0; i < 50; i++) add(box, 10 * MSEC, REASON_STATUS, STAGE_2);
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_RESET, STAGE_2);
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_TIMEOUT_RESPONSE, STAGE_2);
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_REFUSED, STAGE_2);
	static const struct expectation cases[] = {
		{"stage.2.rps>=15", true, false, false, 15, 15}, /* 150 / 10 s */
		{"stage.2.rps>15", false, false, false, 15, 15},
		{"rps>=7.5", true, false, false, 7.5, 7.5}, /* 150 / 20 s */
		{"stage.1.rps>0", false, false, false, 0, 0},
	};
	check(box, cases, LENGTH(cases));
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_RESET, STAGE_1);
	static const struct expectation resets[] = {{"stage.1.rps>0", false, false, false, 0, 0}, {"stage.1.errors<=100%", true, false, false, 1, 1}};
	check(box, resets, LENGTH(resets));
}

/* 100.07 ms lies in the bucket from 99.84 to 100.352 ms: 2 digits (256 sub-buckets) of 2^9 us. */
static void a_limit_inside_the_bucket_of_a_stage_is_kept(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 600; i++) add(box, 100070 * USEC, REASON_NONE, STAGE_1);
	for (int i = 0; i < 300; i++) add(box, 90 * MSEC, REASON_NONE, STAGE_1);
	for (int i = 0; i < 300; i++) add(box, 110 * MSEC, REASON_NONE, STAGE_1);
	double high = 100352e3 - 1; /* shown as ever */
	const struct expectation cases[] = {
		{"stage.1.p50<100.3ms", true, false, false, high, high},
		{"stage.1.p50<=100.3ms", true, false, false, high, high},
		{"stage.1.p50<=99.84ms", true, false, false, high, high},
		{"stage.1.p50<99.84ms", false, false, false, high, high},
		{"stage.1.p50<=99.839ms", false, false, false, high, high},
		{"stage.1.p50>100.3ms", true, false, false, high, high},
		{"stage.1.p50>=100.3ms", true, false, false, high, high},
		{"stage.1.p50>100352us", false, false, false, high, high},
		{"stage.1.p50>=100352us", false, false, false, high, high},
		{"p50<100.3ms", true, false, false, 100070e3, 100170e3}, /* the whole run is known to 0.1 % */
		{"p50>100.3ms", false, false, false, 100070e3, 100170e3},
	};
	check(box, cases, LENGTH(cases));
}

/* Where the bucket's edges are known to be no times that occurred, the exact extremes take their place. */
static void the_bucket_of_a_stage_ends_at_its_extremes(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 600; i++) add(box, 100070 * USEC, REASON_NONE, STAGE_1);
	static const struct expectation cases[] = {
		{"stage.1.p50<100.07ms", false, false, false, 100070e3, 100070e3},
		{"stage.1.p50<=100.07ms", true, false, false, 100070e3, 100070e3},
		{"stage.1.p50>100.07ms", false, false, false, 100070e3, 100070e3},
	};
	check(box, cases, LENGTH(cases));
}

static void a_stage_that_the_run_did_not_reach_has_no_value(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_NONE, STAGE_1);
	box->result.window = 2 * SEC; /* stopped 3 s after the start */
	static const struct expectation cases[] = {
		{"stage.2.p50<1h", false, false, true, 0, 0},
		{"stage.2.rps>=0", false, false, true, 0, 0},
		{"stage.1.rps>=200", true, false, false, 200, 200},
	};
	check(box, cases, LENGTH(cases));
}

static void the_threshold_that_ended_the_run_is_missed(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 400; i++) add(box, 10 * MSEC, REASON_NONE, 0);
	assert_true(judge_one(box, "p50<11ms")->passed);
	box->result.cause = STOP_THRESHOLD;
	box->result.aborted_by = &box->threshold;
	assert_false(judge_one(box, "p50<11ms")->passed);
	assert_ptr_equal(box->report.aborted_by, &box->threshold);
}

static void without_thresholds_all_hold(void **state) {
	struct box *box = *state;
	box->run.threshold_count = 0;
	report_build(&box->run, &box->result, &box->arena, &box->report);
	assert_int_equal(box->report.threshold_count, 0);
	assert_true(box->report.thresholds_hold);
}

/* The run of a_limit_inside_the_bucket_of_a_stage_is_kept: what may be kept at the end ends nothing. */
static void only_a_certain_miss_is_seen_early(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 600; i++) add(box, 100070 * USEC, REASON_NONE, 0);
	for (int i = 0; i < 300; i++) add(box, 90 * MSEC, REASON_NONE, 0);
	for (int i = 0; i < 300; i++) add(box, 110 * MSEC, REASON_NONE, 0);
	assert_false(early(box, "p50<100.3ms", 5 * SEC, 20 * SEC));
	assert_true(judge_one(box, "p50<100.3ms")->passed);
	assert_false(early(box, "p50<100ms", 5 * SEC, 20 * SEC));
	assert_false(judge_one(box, "p50<100ms")->passed); /* at the end it is known better */
	assert_true(early(box, "p50<99.84ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "p50>100.3ms", 5 * SEC, 20 * SEC));
	assert_true(early(box, "p50>=100352us", 5 * SEC, 20 * SEC));
}

/* 1,500 requests may have one of 400 ms and keep a p99.9 of 300 ms (rank 1,499). */
static void one_slow_request_misses_no_high_percentile_early(void **state) {
	struct box *box = *state;
	add(box, 400 * MSEC, REASON_NONE, 0);
	for (int i = 0; i < 999; i++) add(box, 1 * MSEC, REASON_NONE, 0);
	assert_false(early(box, "p99.9<300ms", 5 * SEC, 20 * SEC)); /* rank 999 */
	for (int i = 0; i < 5; i++) add(box, 400 * MSEC, REASON_NONE, 0);
	assert_false(early(box, "p99.9<300ms", 5 * SEC, 20 * SEC)); /* missed so far, with one beyond */
	assert_false(early(box, "p99.6<300ms", 5 * SEC, 20 * SEC)); /* rank 1,001 of 1,005, with 4 beyond */
	for (int i = 0; i < 9; i++) add(box, 400 * MSEC, REASON_NONE, 0);
	assert_false(early(box, "p99.1<300ms", 5 * SEC, 20 * SEC)); /* rank 1,005 of 1,014: 9 beyond */
	add(box, 400 * MSEC, REASON_NONE, 0);
	assert_true(early(box, "p99<300ms", 5 * SEC, 20 * SEC)); /* rank 1,005 of 1,015: 10 beyond */
}

/* The longest time and "never" cannot become better: neither time nor number is waited for. */
static void a_missed_max_is_seen_at_once(void **state) {
	struct box *box = *state;
	assert_false(early(box, "max<1s", 1 * MSEC, 20 * SEC));
	add(box, 300 * MSEC, REASON_NONE, STAGE_1);
	assert_false(early(box, "max<301ms", 1 * MSEC, 20 * SEC));
	assert_true(early(box, "max<300ms", 1 * MSEC, 20 * SEC));
	assert_true(early(box, "stage.1.max<300ms", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "stage.2.max<300ms", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "max>1s", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "errors<0", 20 * SEC, 20 * SEC)); /* 1 of at least 100 */
	add(box, 1 * MSEC, REASON_RESET, STAGE_2);
	assert_true(early(box, "max<1h", 1 * MSEC, 20 * SEC));
	assert_true(early(box, "stage.2.max<1h", 1 * MSEC, 20 * SEC));
	assert_false(early(box, "stage.1.max<1h", 1 * MSEC, 20 * SEC));
}

/* 90 ok of 1 .. 90 ms and 10 failed so far. */
static void a_missed_threshold_is_seen_early(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 89; i++) add(box, i * MSEC, REASON_NONE, STAGE_1);
	for (int i = 0; i < 10; i++) add(box, 1, REASON_RESET, STAGE_1);
	assert_false(early(box, "p50<1ms", 5 * SEC, 20 * SEC)); /* only 99 */
	add(box, 90 * MSEC, REASON_NONE, STAGE_2);
	assert_true(early(box, "p50<1ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "p50<60ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "p90<=90ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "p91<1h", 5 * SEC, 20 * SEC)); /* 9 beyond */
	assert_true(early(box, "p90<89ms", 5 * SEC, 20 * SEC));
	assert_true(early(box, "max<1h", 5 * SEC, 20 * SEC));
	assert_true(early(box, "errors<10%", 5 * SEC, 20 * SEC));
	assert_false(early(box, "errors<=10%", 5 * SEC, 20 * SEC));
	assert_true(early(box, "errors<10", 5 * SEC, 20 * SEC));
	assert_false(early(box, "errors<=10", 5 * SEC, 20 * SEC));
	assert_false(early(box, "errors>10", 5 * SEC, 20 * SEC)); /* there may be more */
	assert_false(early(box, "max>10m", 5 * SEC, 20 * SEC));
	assert_false(early(box, "rps>1000000", 5 * SEC, 20 * SEC));     /* at the end only */
	assert_false(early(box, "stage.1.p50<1ms", 5 * SEC, 20 * SEC)); /* 99 of its own */
	assert_false(early(box, "stage.9.p50<1ms", 5 * SEC, 20 * SEC));
	add(box, 89 * MSEC, REASON_NONE, STAGE_1);
	assert_true(early(box, "stage.1.p50<1ms", 5 * SEC, 20 * SEC));
	assert_false(early(box, "stage.2.p50<1ms", 5 * SEC, 20 * SEC));
}

static void nothing_is_judged_before_its_time(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 200; i++) add(box, SEC, REASON_NONE, 0);
	static const struct {
		nsec window, from;
	} cases[] = {{2 * SEC, 1 * SEC}, {10 * SEC, 1 * SEC}, {30 * SEC, 3 * SEC}, {100 * SEC, 10 * SEC}, {3600 * SEC, 10 * SEC}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_false(early(box, "p50<1ms", cases[i].from - 1, cases[i].window));
		assert_true(early(box, "p50<1ms", cases[i].from, cases[i].window));
	}
}

static void the_first_missed_threshold_is_returned(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 200; i++) add(box, SEC, REASON_NONE, 0);
	struct threshold rules[3];
	threshold_parse(SLICE("p50<2s"), &rules[0]);
	threshold_parse(SLICE("p50<1ms"), &rules[1]);
	threshold_parse(SLICE("p90<1ms"), &rules[2]);
	struct judge_moment moment = {.elapsed = 5 * SEC, .window = 10 * SEC, .tally = box->tally, .groups = &box->run.groups};
	assert_ptr_equal(judge_early(rules, 3, &moment), &rules[1]);
	assert_null(judge_early(rules, 1, &moment));
}

static void values_are_written_in_their_unit(void **state) {
	(void)state;
	static const struct {
		const char *rule;
		double value;
		const char *want;
	} cases[] = {
		{"p99<1s", 12.3e6, "12.3 ms"},
		{"p99<1s", INFINITY, "never"},
		{"max<1s", 1.5e9, "1.50 s"},
		{"errors<1%", 0.0052, "0.52 %"},
		{"errors<1%", 1, "100 %"},
		{"errors<10", 12, "12"},
		{"rps>900", 899.96, "900/s"},
		{"rps>900", 12.34, "12.34/s"},
		{"rps>900", 123456, "123456/s"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct threshold threshold;
		char text[32];
		assert_int_equal(threshold_parse(slice_of(cases[i].rule), &threshold), THRESHOLD_GOOD);
		assert_string_equal(judge_format(&threshold, cases[i].value, text, sizeof(text)), cases[i].want);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_run_is_compared_by_nearest_rank, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_ok_is_never, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_run_without_requests_passes_nothing_but_low_rates, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(stages_are_judged_on_their_own, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_rate_counts_complete_responses_only, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_limit_inside_the_bucket_of_a_stage_is_kept, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(the_bucket_of_a_stage_ends_at_its_extremes, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_stage_that_the_run_did_not_reach_has_no_value, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(the_threshold_that_ended_the_run_is_missed, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(without_thresholds_all_hold, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_missed_threshold_is_seen_early, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(only_a_certain_miss_is_seen_early, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(one_slow_request_misses_no_high_percentile_early, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_missed_max_is_seen_at_once, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_judged_before_its_time, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(the_first_missed_threshold_is_returned, judge_setup, judge_teardown),
		cmocka_unit_test(values_are_written_in_their_unit),
	};
	return cmocka_run_group_tests_name("stats/judge", tests, NULL, NULL);
}
