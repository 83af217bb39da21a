#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/replay.h"

static const struct group rows[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"}, {GROUP_BY_ADDRESS, "a"},
	{GROUP_BY_STAGE, "1", 0, 2 * SEC}, {GROUP_BY_STAGE, "2", 2 * SEC, NSEC_NEVER}, {GROUP_BY_STEP, "x"}, {GROUP_BY_STEP, "y"}};
static const struct group_table plain = {4, rows, 3, 4, 4, 4}, full = {8, rows, 3, 4, 6, 8};

static struct logged record(nsec due, nsec time, enum reason reason, unsigned row) {
	return (struct logged){.sample = {.due = due,
				       .ready = due,
				       .sent = due,
				       .written = due,
				       .first = due + time,
				       .done = due + time,
				       .status = reason == REASON_NONE ? 200 : 0,
				       .reason = (uint8_t)reason,
				       .row = (uint16_t)row}};
}

static void counts_and_times_are_those_of_the_records(void **state) {
	(void)state;
	struct replay *replay = replay_new(&(struct replay_setup){&plain, SEC});
	const struct logged some[] = {record(500 * MSEC, 10 * MSEC, REASON_NONE, 0), record(0, 20 * MSEC, REASON_NONE, 9),
		record(1999 * MSEC, 30 * MSEC, REASON_TIMEOUT_RESPONSE, 0)};
	for (size_t i = 0; i < LENGTH(some); i++) replay_add(replay, &some[i]);
	assert_int_equal(replay->records, 3);
	assert_int_equal(replay->first_ms, 0);
	assert_int_equal(replay->last_ms, 1999);
	assert_int_equal(replay->last_done, 2029 * MSEC);
	assert_int_equal(replay->tally->ok, 2);
	assert_int_equal(replay->tally->failed, 1);
	assert_int_equal(replay->tally->reasons[REASON_TIMEOUT_RESPONSE], 1);
	assert_int_equal(replay->tally->status[200], 2);
	assert_int_equal(replay->tally->status[0], 1);
	assert_int_equal(replay->tally->done_in_window, 2);
	assert_int_equal(replay->totals->response_ok.sum, 30 * MSEC);
	assert_int_equal(replay->totals->response_failed.max, 30 * MSEC);
	replay_free(replay);
}

static void stages_begin_before_the_warm_up_and_steps_have_their_reasons(void **state) {
	(void)state;
	struct replay *replay = replay_new(&(struct replay_setup){&full, SEC});
	const struct logged some[] = {record(999 * MSEC, MSEC, REASON_NONE, 0), record(SEC, MSEC, REASON_NONE, 1),
		record(SEC, MSEC, REASON_STATUS, 1), record(SEC, MSEC, REASON_NONE, 500)}; /* a step that the head does not know */
	for (size_t i = 0; i < LENGTH(some); i++) replay_add(replay, &some[i]);
	assert_int_equal(replay->tally->cells[4].ok, 1);
	assert_int_equal(replay->tally->cells[5].ok + replay->tally->cells[5].failed, 3);
	assert_int_equal(replay->tally->cells[6].ok, 1);
	assert_int_equal(replay->tally->cells[7].ok, 2);
	assert_int_equal(replay->step_reasons[1][REASON_STATUS], 1);
	replay_free(replay);
}

struct course {
	size_t slots;
	struct series_counts sum, at[8];
};

static void see(void *user, const struct series_slot *slot) {
	struct course *course = user;
	if (course->slots < 8) course->at[course->slots] = slot->counts;
	course->slots++;
	course->sum.ok += slot->counts.ok;
	course->sum.sent += slot->counts.sent;
	course->sum.wire_area += slot->counts.wire_area;
}

static void the_course_has_each_request_where_it_ended_and_its_time_where_it_was(void **state) {
	(void)state;
	struct replay *replay = replay_new(&(struct replay_setup){&plain, 0});
	const struct logged some[] = {record(2500 * MSEC, SEC, REASON_NONE, 0), record(100 * MSEC, 100 * MSEC, REASON_NONE, 0)}; /* in any order */
	struct course course = {0};
	for (size_t i = 0; i < LENGTH(some); i++) replay_add(replay, &some[i]);
	struct series *series = replay_series(replay, 4 * SEC);
	series_walk(series, see, &course);
	assert_int_equal(course.slots, 4);
	assert_int_equal(course.at[0].ok, 1);
	assert_int_equal(course.at[2].ok, 0);
	assert_int_equal(course.at[2].sent, 1);
	assert_int_equal(course.at[3].ok, 1);
	assert_int_equal(course.at[0].wire_area, 100 * MSEC);
	assert_int_equal(course.at[2].wire_area, 500 * MSEC);
	assert_int_equal(course.at[3].wire_area, 500 * MSEC);
	series_free(series);
	replay_free(replay);
}

static void a_long_run_has_wider_slots_and_loses_nothing(void **state) {
	(void)state;
	struct replay *replay = replay_new(&(struct replay_setup){&plain, 0});
	struct course course = {0};
	for (int i = 0; i < 1000; i++) {
		struct logged one = record((nsec)((i * 7) % 1000) * SEC, MSEC, REASON_NONE, 0);
		replay_add(replay, &one);
	}
	struct logged last = record(INT64_MAX / 8, MSEC, REASON_NONE, 0);
	struct series *series = replay_series(replay, 1000 * SEC);
	series_walk(series, see, &course);
	assert_int_equal(series_width(series), 4 * SEC);
	assert_int_equal(course.slots, 250);
	assert_int_equal(course.sum.ok, 1000);
	assert_int_equal(course.sum.sent, 1000);
	assert_int_equal(course.sum.wire_area, SEC);
	series_free(series);
	replay_add(replay, &last); /* 36 years: no end of slots */
	replay_free(replay);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_times_are_those_of_the_records),
		cmocka_unit_test(stages_begin_before_the_warm_up_and_steps_have_their_reasons),
		cmocka_unit_test(the_course_has_each_request_where_it_ended_and_its_time_where_it_was),
		cmocka_unit_test(a_long_run_has_wider_slots_and_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
