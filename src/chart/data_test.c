#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/str.h"
#include "chart/data.h"
#include "chart/table.h"
#include "stats/fleet.h"

static struct arena arena;
static struct tally *tick;
static struct series *series;
static struct report report;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	tick = tally_new(1);
	series = series_new(SEC, 1);
	report = (struct report){.series = series};
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	free(tick);
	series_free(series);
	return 0;
}

/* A tick that ended at `at` ms, in which `ok` requests took 10 ms and `failed` ones 1 s. */
static void add(nsec at, uint64_t ok, uint64_t failed) {
	tally_clear(tick);
	tick->ok = tick->cells[0].ok = ok;
	tick->failed = tick->cells[0].failed = failed;
	tick->reasons[REASON_TIMEOUT_RESPONSE] = failed;
	tick->status[200] = ok;
	tick->status[0] = failed;
	tick->sent_in_window = ok + failed;
	if (ok > 0) histlet_record(&tick->cells[0].response_ok, 10 * MSEC, ok);
	if (failed > 0) histlet_record(&tick->cells[0].response_other, SEC, failed);
	report.ok += ok;
	report.failed += failed;
	series_add(series, at * MSEC, tick);
}

/* A histogram of a slot knows a time to 1 %, and says the upper end. */
static bool is_near(double time, double want) {
	return time >= want && time <= want * 1.01;
}

static double value(const char *file, size_t line, const struct point *point) {
	for (size_t i = 0; i < CHART_COUNT; i++)
		if (strcmp(chart_file(i), file) == 0) return chart_table[i].lines[line].value(point);
	fail_msg("%s", file);
	return 0;
}

/* A warm-up of 500 ms, load up to 3 s, and a drain of 200 ms. */
static void points_begin_behind_the_warm_up_and_end_with_the_drain(void **state) {
	struct chart_data data;
	(void)state;
	report.run.warmup = 500 * MSEC;
	report.window = 2500 * MSEC;
	add(400, 0, 0);
	add(1000, 50, 0);
	add(2000, 90, 10);
	add(3000, 0, 0);
	add(3200, 0, 4);
	assert_true(data_read(&report, &arena, &data));
	assert_true(data.end == 2.7e9 && data.window == 2.5e9);
	assert_int_equal(data.count, 4);
	static const double bounds[][2] = {{0, 0.5e9}, {0.5e9, 1.5e9}, {1.5e9, 2.5e9}, {2.5e9, 2.7e9}};
	for (size_t i = 0; i < LENGTH(bounds); i++) assert_true(data.points[i].from == bounds[i][0] && data.points[i].to == bounds[i][1]);
	static const double totals[] = {50, 150, 150, 154};
	for (size_t i = 0; i < LENGTH(totals); i++) assert_true(data.points[i].total == totals[i]);
	assert_true(data.points[0].seconds == 0.5 && !data.points[0].is_short);
	assert_true(data.points[3].is_short);
	assert_true(value("requests_per_second.png", 0, &data.points[0]) == 100); /* 50 in half a second */
	assert_true(value("requests_per_second.png", 0, &data.points[2]) == 0);
	assert_true(isnan(value("requests_per_second.png", 0, &data.points[3]))); /* no load any more */
	assert_true(isnan(value("status_code_distribution.png", 0, &data.points[3])));
	assert_true(value("timeouts_per_second.png", 0, &data.points[1]) == 10);
	assert_true(value("timeouts_per_second.png", 0, &data.points[3]) == 4); /* as if the rest were a whole second */
	assert_float_equal(value("cumulative_error_rate.png", 0, &data.points[3]), 100.0 * 14 / 154, 1e-4);
}

/* Requests of a part of a run, from 4 s after a warm-up of 1 s to 6 s: its charts begin with it. */
static void of_a_part_of_a_run_nothing_is_drawn_before_it(void **state) {
	struct chart_data data;
	(void)state;
	report.run.warmup = SEC;
	report.run.part_from = 4 * SEC;
	report.window = 2 * SEC;
	add(5000, 0, 0);
	add(6000, 70, 0);
	add(7000, 80, 0);
	assert_true(data_read(&report, &arena, &data));
	assert_true(data.end == 2e9 && data.window == 2e9);
	assert_int_equal(data.count, 2);
	assert_true(data.points[0].from == 0 && data.points[1].to == 2e9);
	assert_true(value("requests_per_second.png", 0, &data.points[0]) == 70);
	assert_true(value("requests_per_second.png", 0, &data.points[1]) == 80);
}

static void what_is_not_there_is_a_gap(void **state) {
	struct chart_data data;
	(void)state;
	report.window = 3 * SEC;
	add(1000, 90, 10);
	add(2000, 0, 0);
	add(3000, 0, 5);
	assert_true(data_read(&report, &arena, &data));
	assert_int_equal(data.count, 3);
	assert_true(is_near(value("latency_percentiles_P50.png", 0, &data.points[0]), 10e6));
	assert_true(value("latency_percentiles_P99.png", 0, &data.points[0]) == 1e9);
	assert_true(value("latency_percentiles_P99.png", 1, &data.points[0]) == 10e6);
	assert_true(value("average_response_time.png", 0, &data.points[0]) == (90 * 10e6 + 10 * 1e9) / 100);
	assert_true(isnan(value("average_response_time.png", 0, &data.points[1])));
	assert_true(isnan(value("latency_percentiles_P50.png", 0, &data.points[1])));
	assert_true(value("latency_percentiles_P50.png", 0, &data.points[2]) == 1e9);
	assert_true(isnan(value("latency_percentiles_P50.png", 1, &data.points[2]))); /* none was ok */
}

/* 1 request beside 99: the 99th of 100 is still fast, the mean knows both. */
static void times_of_a_short_rest_count_with_the_slot_before(void **state) {
	struct chart_data data;
	(void)state;
	report.window = SEC;
	add(1000, 99, 0);
	add(1100, 0, 1);
	assert_true(data_read(&report, &arena, &data));
	assert_int_equal(data.count, 2);
	assert_true(is_near(data.points[0].all[DATA_P99], 10e6));
	assert_true(data.points[0].mean == (99 * 10e6 + 1e9) / 100);
	assert_true(isnan(data.points[1].mean));
}

static void the_heat_map_has_every_request(void **state) {
	struct chart_data data;
	double sum = 0, at_10_ms = 0;
	(void)state;
	report.window = 2 * SEC;
	add(1000, 90, 10);
	add(2000, 7, 0);
	assert_true(data_read(&report, &arena, &data));
	assert_int_equal(data.columns, 2);
	for (size_t i = 0; i < data.columns; i++)
		for (size_t row = 0; row < DATA_ROWS; row++) sum += data.heat[i][row];
	for (size_t row = 4 * DATA_STEPS - 1; row <= 4 * DATA_STEPS; row++) at_10_ms += data.heat[1][row]; /* 10 ms is 10^4 us */
	assert_float_equal(sum, 107, 1e-6);
	assert_float_equal(at_10_ms, 7, 1e-6);
}

static void without_a_request_there_is_nothing(void **state) {
	struct chart_data data;
	(void)state;
	assert_false(data_read(&report, &arena, &data));
	add(1000, 0, 0);
	assert_false(data_read(&report, &arena, &data));
}

/* Those beyond the end of the time axis stand at its end, those of the warm-up at its start. */
static void lost_agents_are_marked_in_order_of_time(void **state) {
	static const struct fleet_agent agents[] = {{.id = "late", .state = FLEET_LOST, .last_heard = 9 * SEC}, {.id = "there", .last_heard = SEC},
		{.id = "middle", .state = FLEET_LOST, .last_heard = 1500 * MSEC}, {.id = "early", .state = FLEET_LOST, .last_heard = 100 * MSEC},
		{.id = "unable", .state = FLEET_UNABLE}};
	static const struct fleet_report fleet = {.expected = LENGTH(agents), .count = LENGTH(agents), .at = agents};
	struct chart_data data;
	(void)state;
	report.run.warmup = 500 * MSEC;
	report.window = 1500 * MSEC;
	report.fleet = &fleet;
	add(2000, 10, 0);
	assert_true(data_read(&report, &arena, &data));
	assert_int_equal(data.loss_count, 3);
	assert_string_equal(data.losses[0].id, "early");
	assert_true(data.losses[0].at == 0);
	assert_string_equal(data.losses[1].id, "middle");
	assert_true(data.losses[1].at == 1e9);
	assert_string_equal(data.losses[2].id, "late");
	assert_true(data.losses[2].at == 1.5e9);
}

/* Agent i is lost as the (i * 7 % 31)th: the marked ones are the first, each once. */
static void of_many_lost_agents_the_first_are_marked(void **state) {
	struct fleet_agent agents[31];
	const struct fleet_report fleet = {.expected = LENGTH(agents), .count = LENGTH(agents), .at = agents};
	struct chart_data data;
	(void)state;
	for (size_t i = 0; i < LENGTH(agents); i++)
		agents[i] = (struct fleet_agent){.id = "a", .state = FLEET_LOST, .last_heard = (nsec)(i * 7 % LENGTH(agents)) * 10 * MSEC};
	report.window = SEC;
	report.fleet = &fleet;
	add(1000, 10, 0);
	assert_true(data_read(&report, &arena, &data));
	assert_int_equal(data.loss_count, DATA_LOSSES);
	for (size_t i = 0; i < DATA_LOSSES; i++) assert_true(data.losses[i].at == (double)i * 1e7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(points_begin_behind_the_warm_up_and_end_with_the_drain),
		TEST(of_a_part_of_a_run_nothing_is_drawn_before_it),
		TEST(what_is_not_there_is_a_gap),
		TEST(times_of_a_short_rest_count_with_the_slot_before),
		TEST(the_heat_map_has_every_request),
		TEST(without_a_request_there_is_nothing),
		TEST(lost_agents_are_marked_in_order_of_time),
		TEST(of_many_lost_agents_the_first_are_marked),
	};
	return cmocka_run_group_tests_name("chart/data", tests, NULL, NULL);
}
