#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/threshold.h"

static void a_rule_is_read_into_its_parts(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum threshold_metric metric;
		enum threshold_relation relation;
		double quantile;
		unsigned stage;
		bool is_share;
		double limit;
	} cases[] = {
		{"p99<250ms", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.99, 0, false, 250e6},
		{"p50<=1s", THRESHOLD_QUANTILE, THRESHOLD_LESS_EQUAL, 0.5, 0, false, 1e9},
		{"p5<7us", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.05, 0, false, 7e3},
		{"p99.9<1.5s", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.999, 0, false, 1.5e9},
		{"p99_9<1m", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.999, 0, false, 60e9},
		{"p99.99>=10ns", THRESHOLD_QUANTILE, THRESHOLD_MORE_EQUAL, 0.9999, 0, false, 10},
		{"p0.1>1h", THRESHOLD_QUANTILE, THRESHOLD_MORE, 0.001, 0, false, 3600e9},
		{"p99.99999999<1s", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.9999999999, 0, false, 1e9},
		{"max<2s", THRESHOLD_MAX, THRESHOLD_LESS, 0, 0, false, 2e9},
		{"errors<1%", THRESHOLD_ERRORS, THRESHOLD_LESS, 0, 0, true, 0.01},
		{"errors<0.5 %", THRESHOLD_ERRORS, THRESHOLD_LESS, 0, 0, true, 0.005},
		{"errors<=0.7%", THRESHOLD_ERRORS, THRESHOLD_LESS_EQUAL, 0, 0, true, 0.007}, /* not 0.7 / 100, which is 0.006999999999999999 */
		{"errors<=1e-1%", THRESHOLD_ERRORS, THRESHOLD_LESS_EQUAL, 0, 0, true, 0.001},
		{"errors<=100%", THRESHOLD_ERRORS, THRESHOLD_LESS_EQUAL, 0, 0, true, 1},
		{"errors<10", THRESHOLD_ERRORS, THRESHOLD_LESS, 0, 0, false, 10},
		{"errors<=0", THRESHOLD_ERRORS, THRESHOLD_LESS_EQUAL, 0, 0, false, 0},
		{"rps>900", THRESHOLD_RPS, THRESHOLD_MORE, 0, 0, false, 900},
		{"rps>=1.5e3", THRESHOLD_RPS, THRESHOLD_MORE_EQUAL, 0, 0, false, 1500},
		{"stage.2.p95<300ms", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.95, 2, false, 300e6},
		{"stage.256.p99.9<300ms", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.999, 256, false, 300e6},
		{"stage.1.errors<1%", THRESHOLD_ERRORS, THRESHOLD_LESS, 0, 1, true, 0.01},
		{" \tp99 < 250ms\t", THRESHOLD_QUANTILE, THRESHOLD_LESS, 0.99, 0, false, 250e6},
		{"  stage.3.rps  >=  7  ", THRESHOLD_RPS, THRESHOLD_MORE_EQUAL, 0, 3, false, 7},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct threshold got = {.limit = -1};
		enum threshold_fault fault = threshold_parse(slice_of(cases[i].text), &got);
		if (fault != THRESHOLD_GOOD) fail_msg("'%s' %s", cases[i].text, threshold_fault_words(fault));
		assert_int_equal(got.metric, cases[i].metric);
		assert_int_equal(got.relation, cases[i].relation);
		assert_true(got.quantile == cases[i].quantile);
		assert_int_equal(got.stage, cases[i].stage);
		assert_int_equal(got.is_share, cases[i].is_share);
		assert_true(got.limit == cases[i].limit);
		assert_null(got.text);
	}
}

static void a_rule_on_a_step_names_it_whatever_is_in_its_name(void **state) {
	(void)state;
	static const struct {
		const char *text, *step;
		enum threshold_metric metric;
		double quantile;
	} cases[] = {
		{"step.login.p95<400ms", "login", THRESHOLD_QUANTILE, 0.95},
		{"step.login.p99.9<400ms", "login", THRESHOLD_QUANTILE, 0.999},
		{"step.login.p99_9<400ms", "login", THRESHOLD_QUANTILE, 0.999},
		{"step.login.max<1s", "login", THRESHOLD_MAX, 0},
		{"step.login.errors<1%", "login", THRESHOLD_ERRORS, 0},
		{"step.login.rps>5", "login", THRESHOLD_RPS, 0},
		{"step.buy/log-in.p95<1s", "buy/log-in", THRESHOLD_QUANTILE, 0.95},
		{"step.step 2.p95<1s", "step 2", THRESHOLD_QUANTILE, 0.95},
		{" step.a  b.p95 < 1s", "a  b", THRESHOLD_QUANTILE, 0.95},
		{"step.v1.login.p95<1s", "v1.login", THRESHOLD_QUANTILE, 0.95},
		{"step.v1.2.p95<1s", "v1.2", THRESHOLD_QUANTILE, 0.95},
		{"step.v1.2.p99.9<1s", "v1.2", THRESHOLD_QUANTILE, 0.999},
		{"step.p95.p9<1s", "p95", THRESHOLD_QUANTILE, 0.09},
		{"step.p95.p99.9<1s", "p95", THRESHOLD_QUANTILE, 0.999},
		{"step.stage.1.max<1s", "stage.1", THRESHOLD_MAX, 0},
		{"step.step.max<1s", "step", THRESHOLD_MAX, 0},
		{"step.max.max<1s", "max", THRESHOLD_MAX, 0},
		{"step.iteration.max<1s", "iteration", THRESHOLD_MAX, 0},
		{"step.\xc3\xbc.max<1s", "\xc3\xbc", THRESHOLD_MAX, 0},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct threshold got;
		enum threshold_fault fault = threshold_parse(slice_of(cases[i].text), &got);
		if (fault != THRESHOLD_GOOD) fail_msg("'%s' %s", cases[i].text, threshold_fault_words(fault));
		if (!slice_equal(got.step, slice_of(cases[i].step))) fail_msg("'%s': '%.*s'", cases[i].text, (int)got.step.size, got.step.at);
		assert_int_equal(got.metric, cases[i].metric);
		assert_true(got.quantile == cases[i].quantile);
		assert_true(got.stage == 0 && !got.is_iteration);
	}
}

static void a_rule_on_iterations_is_about_no_step(void **state) {
	(void)state;
	struct threshold got;
	assert_int_equal(threshold_parse(SLICE("iteration.p99.9<5s"), &got), THRESHOLD_GOOD);
	assert_true(got.is_iteration && !got.step.at && got.stage == 0 && got.quantile == 0.999);
	assert_int_equal(threshold_parse(SLICE("iteration.errors<1%"), &got), THRESHOLD_GOOD);
	assert_true(got.is_iteration && got.is_share && got.limit == 0.01);
	assert_int_equal(threshold_parse(SLICE("p99<5s"), &got), THRESHOLD_GOOD);
	assert_false(got.is_iteration);
}

static void a_rule_that_is_none_is_refused_with_its_fault(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum threshold_fault want;
	} cases[] = {
		{"", THRESHOLD_NO_RELATION},
		{"p99", THRESHOLD_NO_RELATION},
		{"p99=250ms", THRESHOLD_NO_RELATION},
		{"<250ms", THRESHOLD_NO_METRIC},
		{"p<250ms", THRESHOLD_NO_METRIC},
		{"P99<250ms", THRESHOLD_NO_METRIC},
		{"mean<250ms", THRESHOLD_NO_METRIC},
		{"step<250ms", THRESHOLD_NO_METRIC},
		{"step.login<250ms", THRESHOLD_NO_METRIC},
		{"step.login.<250ms", THRESHOLD_NO_METRIC},
		{"step.login.9<250ms", THRESHOLD_NO_METRIC},
		{"step.v1.2<250ms", THRESHOLD_NO_METRIC},
		{"step.login.mean<250ms", THRESHOLD_NO_METRIC},
		{"iteration<250ms", THRESHOLD_NO_METRIC},
		{"iteration.<250ms", THRESHOLD_NO_METRIC},
		{"iteration.login.p99<1s", THRESHOLD_NO_METRIC},
		{"stage.1.step.login.p99<1s", THRESHOLD_NO_METRIC},
		{"errors %<1", THRESHOLD_NO_METRIC},
		{"stage.2<250ms", THRESHOLD_NO_METRIC},
		{"stage.2.<250ms", THRESHOLD_NO_METRIC},
		{"stage<250ms", THRESHOLD_NO_METRIC},
		{"stage.1.stage.2.p99<1s", THRESHOLD_NO_METRIC},
		{"p0<250ms", THRESHOLD_NO_QUANTILE},
		{"p0.0<250ms", THRESHOLD_NO_QUANTILE},
		{"p100<250ms", THRESHOLD_NO_QUANTILE},
		{"p999<250ms", THRESHOLD_NO_QUANTILE},
		{"p99.<250ms", THRESHOLD_NO_QUANTILE},
		{"p99.9.9<250ms", THRESHOLD_NO_QUANTILE},
		{"p9e1<250ms", THRESHOLD_NO_QUANTILE},
		{"p99.999999999<1s", THRESHOLD_NO_QUANTILE},
		{"stage.0.p99<1s", THRESHOLD_NO_STAGE},
		{"stage.257.p99<1s", THRESHOLD_NO_STAGE},
		{"stage.+1.p99<1s", THRESHOLD_NO_STAGE},
		{"stage.a.p99<1s", THRESHOLD_NO_STAGE},
		{"stage..p99<1s", THRESHOLD_NO_STAGE},
		{"stage.p99<1s", THRESHOLD_NO_STAGE},
		{"step.p99<1s", THRESHOLD_NO_STEP},
		{"step.p99.9<1s", THRESHOLD_NO_STEP},
		{"step..p99<1s", THRESHOLD_NO_STEP},
		{"step..p99.9<1s", THRESHOLD_NO_STEP},
		{"step.login.p100<1s", THRESHOLD_NO_QUANTILE},
		{"step.login.p99<1", THRESHOLD_NO_TIME},
		{"p99<", THRESHOLD_NO_TIME},
		{"p99<250", THRESHOLD_NO_TIME}, /* ms or s? */
		{"p99<250.", THRESHOLD_NO_TIME},
		{"p99<250 ms", THRESHOLD_NO_TIME},
		{"p99<-1ms", THRESHOLD_NO_TIME},
		{"p99<1%", THRESHOLD_NO_TIME},
		{"p99<<1ms", THRESHOLD_NO_TIME},
		{"p99<==1ms", THRESHOLD_NO_TIME},
		{"p99<1ms<2ms", THRESHOLD_NO_TIME},
		{"max<1", THRESHOLD_NO_TIME},
		{"errors<", THRESHOLD_NO_SHARE},
		{"errors<%", THRESHOLD_NO_SHARE},
		{"errors<101%", THRESHOLD_NO_SHARE},
		{"errors<0.01", THRESHOLD_NO_SHARE}, /* a share or a count? */
		{"errors<-1", THRESHOLD_NO_SHARE},
		{"errors<1%%", THRESHOLD_NO_SHARE},
		{"rps>", THRESHOLD_NO_NUMBER},
		{"rps>nan", THRESHOLD_NO_NUMBER},
		{"rps>9/s", THRESHOLD_NO_NUMBER},
		{"rps>1ms", THRESHOLD_NO_NUMBER},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct threshold got = {.limit = 123, .stage = 45};
		enum threshold_fault fault = threshold_parse(slice_of(cases[i].text), &got);
		if (fault != cases[i].want) fail_msg("'%s' gives %d, not %d", cases[i].text, fault, cases[i].want);
		assert_true(got.limit == 123 && got.stage == 45);
	}
}

static void every_fault_says_what_to_write(void **state) {
	(void)state;
	for (enum threshold_fault fault = THRESHOLD_NO_RELATION; fault <= THRESHOLD_NO_NUMBER; fault++) {
		assert_non_null(threshold_fault_words(fault));
		assert_non_null(strstr(threshold_fault_words(fault), "; write "));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_read_into_its_parts),
		cmocka_unit_test(a_rule_on_a_step_names_it_whatever_is_in_its_name),
		cmocka_unit_test(a_rule_on_iterations_is_about_no_step),
		cmocka_unit_test(a_rule_that_is_none_is_refused_with_its_fault),
		cmocka_unit_test(every_fault_says_what_to_write),
	};
	return cmocka_run_group_tests_name("base/threshold", tests, NULL, NULL);
}
