#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tui/recent.h"

#define TICK (100 * MSEC)

static struct recent *recent;
static struct tally *tick;

static int set_up(void **state) {
	(void)state;
	recent = recent_new(true);
	tick = tally_new(1);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	recent_free(recent);
	free(tick);
	return 0;
}

/* Adds ticks up to `until`, each with `sent` requests that all took `time`; returns the figures. */
static struct recent_figures run_until(nsec *now, nsec until, uint64_t sent, nsec time) {
	struct recent_figures figures;
	while (*now < until) {
		tally_clear(tick);
		tick->attempts = tick->ok = tick->cells[0].ok = sent;
		if (sent) histlet_record(&tick->cells[0].response_ok, time, sent);
		*now += TICK;
		recent_add(recent, *now, 1000, tick);
	}
	recent_read(recent, &figures);
	return figures;
}

static void nothing_is_nothing(void **state) {
	struct recent_figures figures;
	(void)state;
	recent_read(recent, &figures);
	assert_true(figures.sent_per_s == 0 && figures.asked_per_s == 0 && figures.count == 0 && figures.time == 0);
	recent_add(recent, 0, 1000, NULL);
	recent_read(recent, &figures);
	assert_true(figures.sent_per_s == 0 && figures.asked_per_s == 0 && figures.count == 0 && figures.time == 0);
}

static void rates_are_those_of_the_time_that_was(void **state) {
	nsec now = 0;
	(void)state;
	struct recent_figures figures = run_until(&now, 300 * MSEC, 50, MSEC);
	assert_float_equal(figures.sent_per_s, 500, 0.001);
	assert_float_equal(figures.asked_per_s, 1000, 0.001);
	assert_int_equal(figures.count, 150);
}

static void what_is_older_than_ten_seconds_is_forgotten(void **state) {
	nsec now = 0;
	(void)state;
	run_until(&now, 60 * SEC, 100, SEC);
	struct recent_figures figures = run_until(&now, 65 * SEC, 50, MSEC);
	assert_float_equal(figures.sent_per_s, 750, 30); /* five seconds of each; the oldest slot ends up to a second early */
	assert_true(figures.time >= SEC);
	figures = run_until(&now, 70 * SEC + TICK, 50, MSEC);
	assert_float_equal(figures.sent_per_s, 500, 0.001);
	assert_true(figures.time >= MSEC && figures.time <= MSEC + MSEC / 100);
	assert_in_range(figures.count, 4500, 5050);
}

static void an_outage_lets_the_times_age_out(void **state) {
	nsec now = 0;
	(void)state;
	run_until(&now, 20 * SEC, 100, MSEC);
	struct recent_figures figures = run_until(&now, 30 * SEC + TICK, 0, 0);
	assert_true(figures.sent_per_s == 0);
	assert_int_equal(figures.count, 0);
	assert_int_equal(figures.time, 0);
}

/* 999 times of 1 ms and one of 1 s: the rank of p99 is ceil(0.99 n), and ten must lie beyond it. */
static void the_quantile_is_the_highest_that_ten_requests_lie_beyond(void **state) {
	static const struct {
		uint64_t count;
		unsigned want;
	} cases[] = {{1, 100}, {19, 100}, {20, 50}, {99, 50}, {100, 90}, {999, 90}, {1000, 99}, {5000, 99}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct recent_figures figures;
		struct recent *one = recent_new(true);
		tally_clear(tick);
		tick->ok = tick->cells[0].ok = cases[i].count;
		if (cases[i].count > 1) histlet_record(&tick->cells[0].response_ok, MSEC, cases[i].count - 1);
		histlet_record(&tick->cells[0].response_ok, SEC, 1);
		recent_add(one, TICK, 0, tick);
		recent_read(one, &figures);
		assert_int_equal(figures.quantile, cases[i].want);
		if (cases[i].want == 100)
			assert_int_equal(figures.time, SEC);
		else
			assert_true(figures.time >= MSEC && figures.time <= MSEC + MSEC / 100);
		recent_free(one);
	}
}

static void failures_count_in_an_open_loop_and_service_times_in_a_closed_one(void **state) {
	struct recent_figures figures;
	struct recent *closed = recent_new(false);
	(void)state;
	tick->ok = tick->cells[0].ok = 1;
	tick->failed = tick->cells[0].failed = 1;
	tick->attempts = 3;
	tick->retries = 1;
	histlet_record(&tick->cells[0].response_ok, 2 * MSEC, 1);
	histlet_record(&tick->cells[0].response_other, 5 * MSEC, 1);
	histlet_record(&tick->cells[0].service, MSEC, 2);
	recent_add(recent, TICK, 0, tick);
	recent_read(recent, &figures);
	assert_int_equal(figures.count, 2);
	assert_int_equal(figures.time, 5 * MSEC);
	assert_float_equal(figures.sent_per_s, 20, 0.001); /* a second send is no request */
	recent_add(closed, TICK, 0, tick);
	recent_read(closed, &figures);
	assert_int_equal(figures.count, 2);
	assert_int_equal(figures.time, MSEC);
	recent_free(closed);
}

static void a_long_pause_is_part_of_the_time(void **state) {
	nsec now = 0;
	struct recent_figures figures;
	(void)state;
	run_until(&now, 2 * SEC, 100, MSEC);
	now = 42 * SEC; /* as after SIGSTOP */
	recent_add(recent, now, 1000, NULL);
	recent_read(recent, &figures);
	assert_true(figures.sent_per_s < 50);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rates_are_those_of_the_time_that_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_older_than_ten_seconds_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_outage_lets_the_times_age_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_quantile_is_the_highest_that_ten_requests_lie_beyond, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures_count_in_an_open_loop_and_service_times_in_a_closed_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_pause_is_part_of_the_time, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
