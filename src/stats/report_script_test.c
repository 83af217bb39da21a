#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "stats/report.h"

enum { P50, P75, P90, P95 };

/* Two scenarios, of two steps and of one. */
enum { LOGIN = 4, PAY, LIST, BUY, LOOK, SCRIPT_ROWS };
static const struct group script_rows[SCRIPT_ROWS] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"},
	{GROUP_BY_ADDRESS, "[::1]:3000"}, {GROUP_BY_STEP, "buy/login"}, {GROUP_BY_STEP, "buy/pay"}, {GROUP_BY_STEP, "look/list"},
	{GROUP_BY_SCENARIO, "buy"}, {GROUP_BY_SCENARIO, "look"}};

struct box {
	struct arena arena;
	struct tally *tally;
	struct totals *totals;
	struct run_info run;
	struct run_result result;
	struct report report;
};

static int setup(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	arena_init(&box->arena);
	box->tally = tally_new(SCRIPT_ROWS);
	box->totals = mem_zeroed(1, sizeof(*box->totals));
	box->run.groups = (struct group_table){SCRIPT_ROWS, script_rows, 3, LOGIN, LOGIN, BUY};
	box->run.scenario_count = 2;
	box->result = (struct run_result){.window = 2 * SEC, .tally = box->tally, .totals = box->totals};
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	free(box->tally);
	free(box->totals);
	arena_fini(&box->arena);
	free(box);
	return 0;
}

static void add_step(struct box *box, uint16_t step, nsec wait, enum reason reason) {
	struct sample sample = {.first = wait, .done = wait, .status = 200, .reason = (uint8_t)reason, .row = step};
	if (reason == REASON_OPEN) sample.flags = SAMPLE_OPEN;
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	box->result.planned++;
}

static void add_iteration(struct box *box, size_t scenario, nsec time, bool ok, bool open) {
	tally_record_iteration(box->tally, &box->run.groups, scenario, &(struct iteration){.due = 1, .done = 1 + time, .ok = ok, .open = open});
	box->result.iterations_planned++;
}

static const struct report *build(struct box *box) {
	report_build(&box->run, &box->result, &box->arena, &box->report);
	return &box->report;
}

/* Of "buy/login" 90 are ok in 1 .. 90 ms, 5 failed, 1 is open, 4 were never sent. */
static void steps_have_books_times_and_reasons(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 90; i++) add_step(box, 0, i * MSEC, REASON_NONE);
	for (int i = 0; i < 3; i++) add_step(box, 0, SEC, REASON_STATUS);
	for (int i = 0; i < 2; i++) add_step(box, 0, SEC, REASON_ASSERT_BODY);
	add_step(box, 0, 2 * SEC, REASON_OPEN);
	add_step(box, 2, 7 * MSEC, REASON_NONE);
	box->tally->unsent = box->tally->cells[0].unsent = box->tally->cells[LOGIN].unsent = 4;
	box->result.planned += 4;
	static const uint64_t reasons[3][REASON_COUNT] = {{[REASON_NONE] = 90, [REASON_STATUS] = 3, [REASON_ASSERT_BODY] = 2}};
	box->result.step_reasons = reasons;
	const struct report *report = build(box);
	assert_true(report->balanced);
	assert_int_equal(report->group_count, 4); /* steps and scenarios are no groups */
	assert_int_equal(report->step_count, 3);
	const struct step_report *login = &report->steps[0];
	assert_string_equal(login->group.group.name, "buy/login");
	assert_int_equal(login->planned, 100);
	assert_int_equal(login->group.ok, 90);
	assert_int_equal(login->group.failed, 5);
	assert_int_equal(login->group.open, 1);
	assert_int_equal(login->group.unsent, 4);
	assert_int_equal(login->group.response.count, 96);
	assert_int_equal(login->group.never, 10);
	assert_int_equal(login->group.slo.count, 100);
	assert_in_range(login->group.slo.at[P50].value, 50 * MSEC, 50 * MSEC + 500 * USEC); /* rank 50 of 100 */
	assert_int_equal(login->group.slo.at[P95].value, NSEC_NEVER);
	assert_int_equal(login->reasons[REASON_NONE], 0);
	assert_int_equal(login->reasons[REASON_STATUS], 3);
	assert_int_equal(login->reasons[REASON_ASSERT_BODY], 2);
	assert_int_equal(login->reasons[REASON_OPEN], 1);
	assert_int_equal(report->steps[1].planned, 0);
	assert_int_equal(report->steps[2].planned, 1);
	assert_string_equal(report->steps[2].group.group.name, "look/list");
}

/* "buy": 6 ok of 1 .. 6 s, 2 failed of 10 s, 1 cut off; "look": 2 ok of 100 ms, 3 never begun. */
static void iterations_have_books_and_durations(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 6; i++) add_iteration(box, 0, i * SEC, true, false);
	for (int i = 0; i < 2; i++) add_iteration(box, 0, 10 * SEC, false, false);
	add_iteration(box, 0, 90 * SEC, true, true);
	for (int i = 0; i < 2; i++) add_iteration(box, 1, 100 * MSEC, true, false);
	box->tally->cells[LOOK].unsent = 3;
	box->result.iterations_planned += 3;
	const struct report *report = build(box);
	assert_true(report->balanced && report->iterations_balanced);
	assert_int_equal(report->scenario_count, 2);
	const struct iterations_report *buy = &report->scenarios[0], *look = &report->scenarios[1], *all = &report->iterations;
	assert_string_equal(buy->name, "buy");
	assert_int_equal(buy->planned, 9);
	assert_int_equal(buy->ok, 6);
	assert_int_equal(buy->failed, 2);
	assert_int_equal(buy->open, 1);
	assert_true(buy->success == 0.75);
	assert_int_equal(buy->duration.count, 8);
	assert_int_equal(buy->duration.min, SEC);
	assert_int_equal(buy->duration.max, 10 * SEC); /* not that of the one cut off */
	assert_true(buy->duration.mean == 41e9 / 8);
	assert_int_equal(look->planned, 5);
	assert_int_equal(look->unsent, 3);
	assert_true(look->success == 1);
	assert_null(all->name);
	assert_int_equal(all->planned, 14);
	assert_int_equal(all->ok, 8);
	assert_int_equal(all->duration.count, 10);
	assert_int_equal(all->duration.min, 100 * MSEC);
	assert_true(all->success == 0.8);
}

static void iterations_that_are_missing_unbalance_the_books(void **state) {
	struct box *box = *state;
	add_iteration(box, 0, SEC, true, false);
	assert_true(build(box)->balanced);
	box->result.iterations_planned++;
	assert_false(build(box)->iterations_balanced);
	assert_false(build(box)->balanced);
	assert_int_equal(build(box)->planned, 0);
}

/* The table of a run without them, and the same rows. */
static void a_run_without_scenarios_has_no_iterations(void **state) {
	struct box *box = *state;
	struct tally *plain = tally_new(LOGIN);
	box->result.tally = plain;
	box->run.groups = (struct group_table){LOGIN, script_rows, 3, LOGIN, LOGIN, LOGIN};
	box->run.scenario_count = 0;
	const struct report *report = build(box);
	assert_int_equal(report->step_count + report->scenario_count + report->iterations.planned, 0);
	assert_true(report->balanced && report->iterations_balanced);
	free(plain);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steps_have_books_times_and_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(iterations_have_books_and_durations, setup, teardown),
		cmocka_unit_test_setup_teardown(iterations_that_are_missing_unbalance_the_books, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_without_scenarios_has_no_iterations, setup, teardown),
	};
	return cmocka_run_group_tests_name("stats/report_script", tests, NULL, NULL);
}
