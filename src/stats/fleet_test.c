#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stats/fleet.h"
#include "stats/judge_fixture.h"

/* 2,000 requests of 1 ms to 2,000 ms, each 20 ms late: 1,920 ok, 60 failed, 20 open, and 100 that were not sent. */
static void fill(struct box *box) {
	for (int i = 1; i <= 2000; i++) {
		struct sample sample = {
			.sent = 20 * MSEC, .written = 20 * MSEC, .first = 20 * MSEC + i * MSEC, .done = 20 * MSEC + i * MSEC, .status = 200};
		if (i % 25 == 0) sample.reason = REASON_CUT;
		if (i % 100 == 0) sample.flags = SAMPLE_OPEN;
		tally_record(box->tally, box->totals, &sample, &box->run.groups, STAGE_1);
	}
	box->tally->done_in_window = 1900;
	box->tally->unsent = 100;
	box->run.open_loop = true;
}

/* Sends what was counted through a parcel, into `sum`. */
static void travel(const struct box *box, bool with_totals, struct parcel_sum *sum) {
	struct buf buf;
	struct err err;
	buf_init(&buf, 1 << 20);
	struct parcel parcel = {.tally = box->tally, .totals = with_totals ? box->totals : NULL, .facts = {.planned = 2100, .window = 20 * SEC}};
	parcel.facts.strain = (struct strain){.wall = 20 * SEC, .pauses = 3, .longest_pause = 70 * MSEC};
	assert_true(parcel_write(&parcel, &buf));
	assert_true(parcel_add((struct slice){buf.at, buf.size}, &(struct parcel_map){.count = ROWS}, sum, &err));
	buf_fini(&buf);
}

static void check_books(const struct fleet_agent *agent) {
	assert_true(agent->has_figures);
	assert_int_equal(agent->planned, 2100);
	assert_int_equal(agent->ok, 1920);
	assert_int_equal(agent->failed, 60);
	assert_int_equal(agent->open, 20);
	assert_int_equal(agent->unsent, 100);
	assert_true(agent->throughput_per_s == 95);
	assert_string_equal(agent->id, "east-1");
}

static void the_figures_of_a_report_are_exact(void **state) {
	struct box *box = *state;
	struct fleet_agent agent = {.id = "east-1"};
	struct parcel_sum sum = {.tally = tally_new(ROWS), .totals = mem_zeroed(1, sizeof(struct totals))};
	fill(box);
	travel(box, true, &sum);
	fleet_agent_from_parcel(&box->run, &sum, &agent);
	check_books(&agent);
	/* 20 ms and the 1,000th and 1,980th of 1, 2, ... ms, to 0.1 % */
	assert_in_range(agent.response[FLEET_P50].value, 1020 * MSEC, 1021020 * USEC);
	assert_in_range(agent.response[FLEET_P99].value, 2000 * MSEC, 2002 * MSEC);
	assert_false(agent.response[FLEET_P99].few);
	assert_int_equal(agent.late[FLEET_P99].value, 20 * MSEC);
	assert_int_equal(agent.verdict.count, 1); /* 20 ms late is under a tenth of 2 s */
	assert_int_equal(agent.verdict.at[0].cause, CAUSE_PAUSED);
	free(sum.tally);
	free(sum.totals);
}

static void a_snapshot_gives_figures_to_one_percent(void **state) {
	struct box *box = *state;
	struct fleet_agent agent = {.id = "east-1", .state = FLEET_LOST, .last_heard = 7 * SEC};
	struct parcel_sum sum = {.tally = tally_new(ROWS), .totals = mem_zeroed(1, sizeof(struct totals))};
	fill(box);
	travel(box, false, &sum);
	fleet_agent_from_parcel(&box->run, &sum, &agent);
	check_books(&agent);
	assert_in_range(agent.response[FLEET_P50].value, 1020 * MSEC, 1030200 * USEC);
	assert_in_range(agent.response[FLEET_P99].value, 2000 * MSEC, 2020 * MSEC);
	assert_in_range(agent.late[FLEET_P99].value, 20 * MSEC, 20200 * USEC);
	assert_int_equal(agent.last_heard, 7 * SEC);
	assert_int_equal(sum.totals->response_ok.count, 0); /* nothing is added to what others sum up */
	free(sum.tally);
	free(sum.totals);
}

static void an_agent_without_requests_has_figures_of_none(void **state) {
	struct box *box = *state;
	struct fleet_agent agent = {.id = "east-1"};
	struct parcel_sum sum = {.tally = box->tally};
	fleet_agent_from_parcel(&box->run, &sum, &agent);
	assert_true(agent.has_figures);
	assert_int_equal(agent.planned, 0);
	assert_int_equal(agent.response[FLEET_P99].value, 0);
	assert_true(agent.response[FLEET_P50].few);
	assert_true(agent.throughput_per_s == 0);
	assert_int_equal(agent.verdict.count, 0);
}

static void states_have_the_names_of_the_json(void **state) {
	(void)state;
	static const char *const names[FLEET_STATES] = {"reported", "lost", "unable", "refused"};
	for (enum fleet_state i = 0; i < FLEET_STATES; i++) assert_string_equal(fleet_state_name(i), names[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_figures_of_a_report_are_exact, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(a_snapshot_gives_figures_to_one_percent, judge_setup, judge_teardown),
		cmocka_unit_test_setup_teardown(an_agent_without_requests_has_figures_of_none, judge_setup, judge_teardown),
		cmocka_unit_test(states_have_the_names_of_the_json),
	};
	return cmocka_run_group_tests_name("stats/fleet", tests, NULL, NULL);
}
