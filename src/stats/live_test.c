#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stats/live.h"

#define TICK (100 * MSEC)

static const struct group rows[] = {{GROUP_BY_ALL, "all", 0, 0}, {GROUP_BY_CONNECTION, "new", 0, 0}, {GROUP_BY_CONNECTION, "reused", 0, 0},
	{GROUP_BY_STAGE, "1", 0, NSEC_NEVER}, {GROUP_BY_STEP, "log in", 0, 0}};
static const struct group_table groups = {.count = 5, .rows = rows, .first_address = 3, .first_stage = 3, .first_step = 4, .first_scenario = 5};

static struct live *live;
static struct tally *tick;
static struct frame frame;
static struct live_moment moment;

static int tear_down(void **state) {
	(void)state;
	live_free(live);
	free(tick);
	live = NULL;
	tick = NULL;
	return 0;
}

/* Also in the midst of a test, for a run of its own. */
static int set_up(void **state) {
	static const struct live_setup setup = {.duration = 3600 * SEC, .threads = 2, .in_flight_most = 64, .groups = &groups};
	tear_down(state);
	live = live_new(&setup);
	tick = tally_new(groups.count);
	moment = (struct live_moment){.phase = FRAME_STEADY, .asked_per_s = 1000};
	return 0;
}

/* Adds ticks up to `until`, each with `ok` requests that took `time` and `failed` ones that took a second. */
static void run_until(nsec until, uint64_t ok, uint64_t failed, nsec time) {
	while (moment.elapsed < until) {
		tally_clear(tick);
		tick->attempts = ok + failed;
		tick->ok = tick->cells[0].ok = tick->cells[3].ok = ok;
		tick->failed = tick->cells[0].failed = tick->cells[3].failed = failed;
		tick->status[200] = ok;
		tick->status[0] = failed;
		tick->reasons[REASON_RESET] = failed;
		tick->wire_area = (uint64_t)(10 * TICK); /* of two threads, with five each */
		tick->wire_span = 2 * TICK;
		for (size_t i = 0; i <= 3; i += 3) {
			if (ok) histlet_record(&tick->cells[i].response_ok, time, ok);
			if (failed) histlet_record(&tick->cells[i].response_other, SEC, failed);
		}
		moment.elapsed += TICK;
		live_add(live, &moment, tick);
	}
}

static void assert_about(nsec time, nsec want) {
	assert_in_range(time, want - want / 100, want + want / 100);
}

static void before_the_start_nothing_is_known(void **state) {
	(void)state;
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.phase, FRAME_CONNECT);
	assert_int_equal(frame.column_count, 0);
	assert_true(frame.window_ok.p50 == -1 && frame.run_all.p99 == -1 && frame.rps == 0);
}

static void rates_and_counts_are_those_of_the_ticks(void **state) {
	(void)state;
	run_until(20 * SEC, 80, 20, 5 * MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.ok, 16000);
	assert_int_equal(frame.failed, 4000);
	assert_int_equal(frame.transport, 4000);
	assert_int_equal(frame.timeouts + frame.unexpected, 0);
	assert_float_equal(frame.rps, 1000, 0.5);
	assert_float_equal(frame.sent_per_s, 1000, 0.5);
	assert_int_equal(frame.in_flight, 10);
	assert_int_equal(frame.classes[0], 16000);
	assert_int_equal(frame.classes[4], 4000);
	assert_int_equal(frame.reason_count, 1);
	assert_int_equal(frame.reasons[0].reason, REASON_RESET);
	assert_about(frame.window_ok.p99, 5 * MSEC);
	assert_about(frame.window_all.p50, 5 * MSEC); /* one of five failed, after a second */
	assert_about(frame.window_all.p90, SEC);
	assert_about(frame.run_all.p90, SEC);
	assert_string_equal(frame.light, "target");
}

static void what_is_asked_is_of_the_time_that_the_rates_are_of(void **state) {
	(void)state;
	run_until(4 * SEC, 100, 0, MSEC);
	moment.asked_per_s = 2000;
	run_until(4500 * MSEC, 100, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_float_equal(frame.asked_per_s, 1450, 0.5); /* five ticks of 1000, a step between, four of 2000 */
	moment.asked_per_s = -1;
	run_until(5 * SEC, 100, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_true(frame.asked_per_s == -1);
}

static void columns_are_the_slots_of_the_window(void **state) {
	(void)state;
	run_until(20 * SEC, 80, 20, 5 * MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.column_count, 100);
	assert_int_equal(frame.columns[0].start, 10 * SEC);
	assert_int_equal(frame.columns[99].start, 19900 * MSEC);
	for (size_t i = 0; i < 100; i++) {
		const struct frame_column *column = &frame.columns[i];
		assert_int_equal(column->width, TICK);
		assert_float_equal(column->done_per_s, 1000, 0.5);
		assert_float_equal(column->failed_per_s, 200, 0.5);
		assert_float_equal(column->asked_per_s, 1000, 0.5);
		assert_int_equal(column->bands[frame_band(5 * MSEC)], 80);
		assert_about(column->ok.p99, 5 * MSEC);
	}
}

static void ok_percentiles_age_out_in_an_outage(void **state) {
	(void)state;
	run_until(20 * SEC, 100, 0, 5 * MSEC);
	run_until(31 * SEC, 0, 100, 0);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.window_ok.p50, -1);
	assert_about(frame.window_all.p50, SEC);
	assert_about(frame.run_ok.p50, 5 * MSEC);
}

static void a_long_window_has_no_more_columns_than_there_is_room_for(void **state) {
	(void)state;
	run_until(700 * SEC, 10, 0, 5 * MSEC);
	for (nsec window = 0; window <= 800 * SEC; window += 7 * SEC) {
		live_frame(live, window, &frame);
		assert_in_range(frame.column_count, 1, FRAME_COLUMNS);
	}
	live_frame(live, 600 * SEC, &frame);
	assert_int_equal(frame.column_count, 300); /* two seconds each; the window moves on by 30 s */
	assert_int_equal(frame.columns[299].start, 718 * SEC);
	assert_int_equal(frame.columns[290].width, 0);
	assert_int_equal(frame.columns[289].start, 698 * SEC);
	assert_int_equal(frame.columns[289].width, 2 * SEC);
	assert_int_equal(frame.columns[0].start, 120 * SEC);
	assert_float_equal(frame.columns[0].done_per_s, 100, 0.5);
}

/* A window of 10 s moves by half a second. */
static void the_window_moves_in_steps(void **state) {
	(void)state;
	run_until(20100 * MSEC, 10, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.column_count, 100);
	assert_int_equal(frame.columns[0].start, 10500 * MSEC);
	assert_int_equal(frame.columns[95].width, TICK);
	assert_int_equal(frame.columns[96].width, 0);
	run_until(20500 * MSEC, 10, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.columns[0].start, 10500 * MSEC);
	assert_int_equal(frame.columns[99].width, TICK);
	run_until(20600 * MSEC, 10, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.columns[0].start, 11 * SEC);
}

/* What one that made a frame at every tick has kept of its columns is what another works out at once. */
static void columns_are_the_same_whoever_asked_before(void **state) {
	static const nsec windows[] = {SEC, 10 * SEC, 20 * SEC, 10 * SEC, 600 * SEC, 30 * SEC, 31 * SEC, 10 * SEC};
	(void)state;
	for (size_t i = 0; i < 8 * 20; i++) {
		struct live *often = live;
		struct live_setup setup = {.duration = 3600 * SEC, .threads = 2, .in_flight_most = 64, .groups = &groups};
		struct frame fresh;
		run_until(moment.elapsed + (i % 7 == 3 ? 3 : 1) * TICK, 10 + i % 5, i % 3, (1 + (nsec)i) * MSEC);
		live_frame(often, windows[i / 20], &frame);
		if (i % 9 != 0) continue;
		live = live_new(&setup);
		struct live_moment now = moment;
		moment.elapsed = 0;
		for (size_t k = 0; k <= i; k++) run_until(moment.elapsed + (k % 7 == 3 ? 3 : 1) * TICK, 10 + k % 5, k % 3, (1 + (nsec)k) * MSEC);
		assert_true(moment.elapsed == now.elapsed);
		live_frame(live, windows[i / 20], &fresh);
		assert_int_equal(frame.column_count, fresh.column_count);
		assert_memory_equal(frame.columns, fresh.columns, fresh.column_count * sizeof(fresh.columns[0]));
		live_free(live);
		live = often;
	}
}

static void a_pause_of_strest_is_a_gap(void **state) {
	(void)state;
	run_until(5 * SEC, 10, 0, MSEC);
	moment.elapsed = 8 * SEC; /* as after SIGSTOP */
	live_add(live, &moment, tick);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.column_count, 80);
	assert_int_equal(frame.columns[60].width, 0);
	assert_true(frame.columns[79].is_gap);
}

/* The limits are those of docs/architecture.md, "Verdict". */
static void the_light_is_the_verdict_of_the_run_so_far(void **state) {
	static const struct {
		struct strain strain;
		const char *light;
	} cases[] = {
		{{.wall = 5 * SEC}, "target"}, {{.wall = 5 * SEC, .busiest_cpu = 44 * SEC / 10, .busiest_wall = 5 * SEC}, "target"},
		{{.wall = 5 * SEC, .busiest_cpu = 46 * SEC / 10, .busiest_wall = 5 * SEC}, "cpu"},
		{{.wall = 5 * SEC, .busiest_cpu = SEC / 2, .busiest_wall = SEC / 2}, "target"}, /* too short to say */
		{{.wall = 5 * SEC, .pauses = 1, .longest_pause = 60 * MSEC}, "paused"}, {{.wall = 5 * SEC, .no_port = 3}, "ports"},
		{{.wall = 5 * SEC, .no_descriptor = 3}, "descriptors"}, {{.wall = 5 * SEC, .shed = 4}, "log"},
		{{.wall = 5 * SEC, .shed = 4, .pauses = 1, .longest_pause = SEC}, "paused, log"}, /* 20 % of the run, 0.1 % of its requests */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_up(state);
		run_until(5 * SEC, 80, 0, 5 * MSEC);
		live_heed(live, &cases[i].strain);
		live_frame(live, 10 * SEC, &frame);
		assert_string_equal(frame.light, cases[i].light);
		assert_int_equal(frame.limited, strcmp(cases[i].light, "target") != 0);
		assert_int_equal(frame.words != NULL, frame.limited);
		tear_down(state);
	}
	set_up(state);
}

static void a_closed_loop_is_not_limited_by_a_busy_worker(void **state) {
	struct strain strain = {.wall = 5 * SEC, .busiest_cpu = 5 * SEC, .busiest_wall = 5 * SEC};
	(void)state;
	moment.asked_per_s = -1;
	run_until(5 * SEC, 80, 0, 5 * MSEC);
	live_heed(live, &strain);
	live_frame(live, 10 * SEC, &frame);
	assert_string_equal(frame.light, "target");
}

/* More than 1 ms, and more than a tenth of the response time. */
static void requests_sent_late_show_in_the_light(void **state) {
	static const struct {
		nsec late;
		const char *light;
	} cases[] = {{900 * USEC, "target"}, {1200 * USEC, "late"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_up(state);
		run_until(5 * SEC, 80, 0, 5 * MSEC);
		tally_clear(tick);
		histlet_record(&tick->late, cases[i].late, 2000);
		moment.elapsed += TICK;
		live_add(live, &moment, tick);
		live_frame(live, 10 * SEC, &frame);
		assert_string_equal(frame.light, cases[i].light);
		tear_down(state);
	}
	set_up(state);
}

/* 1,000 are asked for in a second and 900 are sent, with 64 at once at most. */
static void a_full_house_and_a_queue_before_it_show_in_the_light(void **state) {
	static const struct {
		uint64_t in_flight, sent;
		const char *light;
	} cases[] = {{64, 90, "target, or --max-tasks"}, {64, 100, "target"}, {30, 90, "target"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_up(state);
		while (moment.elapsed < 5 * SEC) {
			tally_clear(tick);
			tick->attempts = tick->ok = cases[i].sent;
			tick->wire_area = cases[i].in_flight * (uint64_t)TICK;
			tick->wire_span = 2 * TICK; /* of two threads */
			moment.elapsed += TICK;
			live_add(live, &moment, tick);
		}
		live_frame(live, 10 * SEC, &frame);
		assert_string_equal(frame.light, cases[i].light);
		assert_false(frame.limited);
		tear_down(state);
	}
	set_up(state);
}

static void what_fails_now_is_told_apart(void **state) {
	(void)state;
	run_until(5 * SEC, 100, 0, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_true(frame.failed_per_s == 0);
	run_until(7 * SEC, 75, 25, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_float_equal(frame.failed_per_s, 250, 0.5);
	assert_float_equal(frame.rps, 1000, 0.5);
}

static void stages_and_steps_are_rows(void **state) {
	(void)state;
	run_until(5 * SEC, 9, 1, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.row_count, 2);
	assert_string_equal(frame.rows[0].kind, "stage");
	assert_int_equal(frame.rows[0].ok, 450);
	assert_about(frame.rows[0].times.p99, SEC);
	assert_string_equal(frame.rows[1].name, "log in");
	assert_int_equal(frame.rows[1].times.p50, -1);
}

/* They change between frames, as their agents tell more. */
static void agents_are_rows_behind_the_others(void **state) {
	struct frame_row agents[] = {{.kind = "agent", .name = "a1", .ok = 5}, {.kind = "agent", .name = "a2", .failed = 2}};
	(void)state;
	live_tell_agents(live, agents, 2);
	run_until(5 * SEC, 9, 1, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.row_count, 4);
	assert_string_equal(frame.rows[1].name, "log in");
	assert_string_equal(frame.rows[2].kind, "agent");
	assert_string_equal(frame.rows[2].name, "a1");
	assert_int_equal(frame.rows[3].failed, 2);
	agents[0].ok = 70;
	agents[1].name = "a2 (lost)";
	run_until(6 * SEC, 9, 1, MSEC);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.rows[2].ok, 70);
	assert_string_equal(frame.rows[3].name, "a2 (lost)");
}

static void the_most_frequent_reasons_come_first(void **state) {
	(void)state;
	tally_clear(tick);
	for (int i = 0; i < REASON_COUNT; i++) tick->reasons[i] = (uint64_t)i;
	tick->failed = 1;
	moment.elapsed = TICK;
	live_add(live, &moment, tick);
	live_frame(live, 10 * SEC, &frame);
	assert_int_equal(frame.reason_count, FRAME_REASONS);
	for (size_t i = 0; i < FRAME_REASONS; i++) assert_int_equal(frame.reasons[i].count, REASON_COUNT - 1 - i);
}

static void a_warning_is_kept(void **state) {
	char text[] = "the disk is full";
	(void)state;
	live_warn(live, text);
	memset(text, 'x', sizeof(text) - 1);
	live_frame(live, 10 * SEC, &frame);
	assert_string_equal(frame.warning, "the disk is full");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(before_the_start_nothing_is_known),
		TEST(rates_and_counts_are_those_of_the_ticks),
		TEST(what_is_asked_is_of_the_time_that_the_rates_are_of),
		TEST(columns_are_the_slots_of_the_window),
		TEST(ok_percentiles_age_out_in_an_outage),
		TEST(a_long_window_has_no_more_columns_than_there_is_room_for),
		TEST(the_window_moves_in_steps),
		TEST(columns_are_the_same_whoever_asked_before),
		TEST(a_pause_of_strest_is_a_gap),
		TEST(the_light_is_the_verdict_of_the_run_so_far),
		TEST(a_closed_loop_is_not_limited_by_a_busy_worker),
		TEST(requests_sent_late_show_in_the_light),
		TEST(a_full_house_and_a_queue_before_it_show_in_the_light),
		TEST(what_fails_now_is_told_apart),
		TEST(stages_and_steps_are_rows),
		TEST(agents_are_rows_behind_the_others),
		TEST(the_most_frequent_reasons_come_first),
		TEST(a_warning_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
