#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/replay_frame.h"

static const struct group rows[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"}, {GROUP_BY_ADDRESS, "a"},
	{GROUP_BY_STAGE, "1", 0, 2 * SEC}, {GROUP_BY_STAGE, "2", 2 * SEC, NSEC_NEVER}, {GROUP_BY_STEP, "x"}, {GROUP_BY_STEP, "y"},
	{GROUP_BY_SCENARIO, "s"}};
static const struct group_table plain = {4, rows, 3, 4, 4, 4}, full = {9, rows, 3, 4, 6, 8};

static struct frame frame;

static struct logged record(nsec due, nsec time, enum reason reason, unsigned row) {
	return (struct logged){.sample = {.due = due,
				       .ready = due,
				       .sent = due,
				       .written = due,
				       .first = due + time,
				       .done = due + time,
				       .status = reason == REASON_NONE     ? 200
						 : reason == REASON_STATUS ? 503
									   : 0,
				       .reason = (uint8_t)reason,
				       .row = (uint16_t)row}};
}

static void assert_about(nsec time, nsec want) {
	assert_in_range(time, want - want / 100, want + want / 100);
}

/* 100 requests/s from 10 s to 20 s of the log, of 5 ms; from 15 s to 16 s every second one fails after 2 s. */
static struct replay_frame *made(bool open_loop) {
	const struct replay_frame_setup setup = {{&plain, 0, 0}, open_loop, 10 * SEC};
	struct replay_frame *frames = replay_frame_new(&setup);
	for (nsec i = 999; i >= 0; i--) {
		bool bad = i >= 500 && i < 600 && i % 2 == 0;
		struct logged each = record(10 * SEC + i * 10 * MSEC, bad ? 2 * SEC : 5 * MSEC, bad ? REASON_TIMEOUT_RESPONSE : REASON_NONE, 0);
		replay_frame_add(frames, &each);
	}
	assert_int_equal(replay_frame_close(frames, 20 * SEC), 20 * SEC);
	return frames;
}

static void at_the_start_nothing_has_happened(void **state) {
	(void)state;
	struct replay_frame *frames = made(true);
	replay_frame_fill(frames, 10 * SEC, 10 * SEC, &frame);
	assert_int_equal(frame.phase, FRAME_REPLAY);
	assert_int_equal(frame.ok + frame.failed + frame.open + frame.in_flight, 0);
	assert_int_equal(frame.column_count, 0);
	assert_true(frame.run_all.p50 == -1 && frame.window_ok.max == -1 && frame.rps == 0);
	assert_true(frame.from == 10 * SEC && frame.to == 20 * SEC && frame.cursor == 10 * SEC);
	replay_frame_free(frames);
}

static void at_the_end_everything_has(void **state) {
	(void)state;
	struct replay_frame *frames = made(true);
	replay_frame_fill(frames, 20 * SEC, 10 * SEC, &frame);
	assert_int_equal(frame.ok, 950);
	assert_int_equal(frame.failed, 50);
	assert_int_equal(frame.timeouts, 50);
	assert_int_equal(frame.transport + frame.unexpected + frame.open, 0);
	assert_int_equal(frame.classes[0], 950);
	assert_int_equal(frame.classes[4], 50);
	assert_int_equal(frame.reason_count, 1);
	assert_int_equal(frame.reasons[0].count, 50);
	assert_about(frame.run_ok.p99, 5 * MSEC);
	assert_about(frame.run_all.p99, 2 * SEC);
	assert_int_equal(frame.run_all.max, 2 * SEC);
	assert_int_equal(frame.column_count, 100);
	replay_frame_free(frames);
}

static void a_frame_has_what_was_over_by_then(void **state) {
	(void)state;
	struct replay_frame *frames = made(true);
	for (int again = 0; again < 2; again++) { /* backwards it is the same */
		replay_frame_fill(frames, 16 * SEC, 2 * SEC, &frame);
		assert_int_equal(frame.ok, 550);
		assert_int_equal(frame.failed, 0);
		assert_int_equal(frame.in_flight, 26); /* those that fail 25.5 in the mean of the last second, the others 0.25 */
		assert_float_equal(frame.rps, 50, 0.1);
		assert_float_equal(frame.sent_per_s, 100, 0.1);
		assert_float_equal(frame.asked_per_s, 100, 0.1);
		assert_int_equal(frame.window, 2 * SEC);
		assert_int_equal(frame.column_count, 20);
		assert_int_equal(frame.columns[0].start, 14 * SEC);
		assert_int_equal(frame.columns[19].start, 15900 * MSEC);
		assert_float_equal(frame.columns[0].done_per_s, 100, 0.1);
		assert_float_equal(frame.columns[19].done_per_s, 50, 0.1);
		assert_about(frame.columns[0].all.p50, 5 * MSEC);
		replay_frame_fill(frames, 17500 * MSEC, SEC, &frame);
		assert_int_equal(frame.failed, 25);
		assert_float_equal(frame.columns[9].failed_per_s, 50, 0.1);
		assert_about(frame.window_all.max, 2 * SEC);
		assert_about(frame.window_ok.max, 5 * MSEC);
	}
	replay_frame_free(frames);
}

static void in_a_closed_loop_nothing_is_asked_for(void **state) {
	(void)state;
	struct replay_frame *frames = made(false);
	replay_frame_fill(frames, 16 * SEC, 2 * SEC, &frame);
	assert_true(frame.asked_per_s == -1 && frame.columns[3].asked_per_s == -1);
	replay_frame_free(frames);
}

static void the_next_failure_is_found(void **state) {
	(void)state;
	struct replay_frame *frames = made(true);
	nsec at = replay_frame_next_failure(frames, 10 * SEC);
	assert_int_equal(at, 17100 * MSEC); /* the first ended at 17.000 */
	replay_frame_fill(frames, at, SEC, &frame);
	assert_int_equal(frame.failed, 5);
	assert_int_equal(replay_frame_next_failure(frames, at), 17200 * MSEC);
	assert_int_equal(replay_frame_next_failure(frames, 18 * SEC), -1);
	assert_int_equal(replay_frame_next_failure(frames, 20 * SEC), -1);
	replay_frame_free(frames);
}

static void stages_and_steps_are_rows_and_scenarios_are_not(void **state) {
	(void)state;
	const struct replay_frame_setup setup = {{&full, SEC, 0}, true, 0};
	struct replay_frame *frames = replay_frame_new(&setup);
	const struct logged some[] = {record(500 * MSEC, MSEC, REASON_NONE, 0), record(900 * MSEC, 200 * MSEC, REASON_STATUS, 1),
		record(1500 * MSEC, 3 * MSEC, REASON_NONE, 99)}; /* a step that the head does not know is the last one */
	for (size_t i = 0; i < LENGTH(some); i++) replay_frame_add(frames, &some[i]);
	assert_int_equal(replay_frame_close(frames, 1500 * MSEC), 1504 * MSEC);
	replay_frame_fill(frames, 1504 * MSEC, SEC, &frame);
	assert_int_equal(frame.row_count, 4);
	assert_string_equal(frame.rows[0].kind, "stage");
	assert_int_equal(frame.rows[0].ok, 1); /* until a second behind the warm-up */
	assert_int_equal(frame.rows[0].failed, 1);
	assert_int_equal(frame.rows[1].ok, 1);
	assert_string_equal(frame.rows[2].name, "x");
	assert_int_equal(frame.rows[2].ok, 1);
	assert_int_equal(frame.rows[3].ok, 1);
	assert_int_equal(frame.rows[3].failed, 1);
	assert_int_equal(frame.rows[3].times.max, 200 * MSEC);
	assert_int_equal(frame.unexpected, 1);
	replay_frame_fill(frames, 1200 * MSEC, SEC, &frame);
	assert_int_equal(frame.ok + frame.failed, 2);
	assert_int_equal(frame.rows[0].ok, 1);
	assert_int_equal(frame.rows[0].failed, 1);
	replay_frame_fill(frames, 1100 * MSEC, SEC, &frame);
	assert_int_equal(frame.rows[0].failed + frame.failed, 0);
	replay_frame_free(frames);
}

static void what_was_cut_off_is_open(void **state) {
	(void)state;
	const struct replay_frame_setup setup = {{&plain, 0, 0}, true, 0};
	struct replay_frame *frames = replay_frame_new(&setup);
	struct logged cut = record(SEC, SEC, REASON_OPEN, 0);
	cut.sample.flags = SAMPLE_OPEN;
	replay_frame_add(frames, &cut);
	nsec end = replay_frame_close(frames, SEC);
	replay_frame_fill(frames, 1900 * MSEC, SEC, &frame);
	assert_int_equal(frame.in_flight, 1);
	assert_int_equal(frame.open, 0);
	replay_frame_fill(frames, end, SEC, &frame);
	assert_int_equal(frame.open, 1);
	assert_int_equal(frame.ok + frame.failed, 0);
	replay_frame_free(frames);
}

static void a_day_can_be_looked_at_too(void **state) {
	(void)state;
	const struct replay_frame_setup setup = {{&plain, 0, 0}, true, 0};
	struct replay_frame *frames = replay_frame_new(&setup);
	for (nsec i = 0; i < 86400; i++) {
		struct logged each = record(i * SEC, MSEC, REASON_NONE, 0);
		replay_frame_add(frames, &each);
	}
	nsec end = replay_frame_close(frames, 86399 * SEC);
	for (nsec window = 0; window <= 700 * SEC; window += 7 * SEC) {
		replay_frame_fill(frames, 43200 * SEC, window, &frame);
		assert_in_range(frame.column_count, 1, FRAME_COLUMNS);
		assert_in_range(frame.ok, 43190, 43200);
		assert_float_equal(frame.rps, 1, 0.5);
	}
	replay_frame_fill(frames, end, SEC, &frame);
	assert_int_equal(frame.ok, 86400);
	replay_frame_free(frames);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_start_nothing_has_happened),
		cmocka_unit_test(at_the_end_everything_has),
		cmocka_unit_test(a_frame_has_what_was_over_by_then),
		cmocka_unit_test(in_a_closed_loop_nothing_is_asked_for),
		cmocka_unit_test(the_next_failure_is_found),
		cmocka_unit_test(stages_and_steps_are_rows_and_scenarios_are_not),
		cmocka_unit_test(what_was_cut_off_is_open),
		cmocka_unit_test(a_day_can_be_looked_at_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
