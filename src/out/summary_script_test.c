#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "out/summary_fixture.h"
#include "out/summary_inner.h"

static const char *script(struct report_sample *sample, bool open_loop) {
	report_sample_init(sample, open_loop);
	report_sample_script(sample);
	return block(sample);
}

static void iterations_have_a_table_and_books(void **state) {
	const char *text = script(*state, true);
	assert_has(text, "\n2 scenarios of 3 steps, 1.5 an iteration\nopen loop at 100.0 iterations/s, even arrivals;");
	assert_has(text, "\nIterations       complete   ok %  failed       p50       p95       p99       max\n"
			 "all                   299  98.32       5   5.02 ms    1.00 s         -    2.00 s\n"
			 "buy                    99  94.94       5    1.00 s         -         -    2.00 s\n"
			 "look                  200 100.00       0   5.00 ms   5.00 ms         -   5.00 ms\n");
	assert_has(text, ", 100.0 iterations/s asked; ");
	assert_has(text, "\nIterations   310 planned = 294 ok + 5 failed + 1 open + 10 unsent\n"
			 "             buy: 110 planned = 94 ok + 5 failed + 1 open + 10 unsent\n"
			 "             look: 200 planned = 200 ok + 0 failed + 0 open + 0 unsent\n");
	assert_no_line_over_100_columns(text);
}

static void steps_have_their_times_and_why_they_failed(void **state) {
	const char *text = script(*state, true);
	assert_has(text, "\nSteps            requests   ok %  failed       p50       p95       p99       max\n"
			 "buy/login             100  96.00       4   20.1 ms         -         -   30.0 ms\n"
			 "             3  status: status not in --status\n"
			 "             1  assert: the body does not contain what the step asserts\n"
			 "buy/put something into the basket, then..., \"again\", at all that is in there now\n"
			 "                       97  97.93       1   50.2 ms         -         -   60.0 ms\n"
			 "             1  timeout: still without a complete response when the run ended\n"
			 "             1  assert: the answer does not hold a value that the step extracts\n"
			 "look/list             200 100.00       0   5.00 ms   5.00 ms         -   5.00 ms\n"
			 "  The times are response times.\n");
	assert_lacks(text, "per step");
}

static void a_closed_loop_shows_service_times_of_steps(void **state) {
	const char *text = script(*state, false);
	assert_has(text, "closed loop, each task begins its next iteration as soon as it may;");
	assert_has(text, "\n  The times are service times.\n");
	assert_lacks(text, "asked");
}

static void a_single_scenario_needs_no_row_of_its_own(void **state) {
	struct report_sample *sample = *state;
	script(sample, true);
	sample->report.scenario_count = sample->report.run.scenario_count = 1;
	buf_fini(&sample->text);
	summary_write_block(&sample->report, &sample->text);
	assert_has(buf_text(&sample->text), "\na scenario of 3 steps\n");
	assert_has(buf_text(&sample->text), "\nall                   299 ");
	assert_lacks(buf_text(&sample->text), "\nbuy    ");
	assert_lacks(buf_text(&sample->text), " buy: ");
}

static void a_step_that_nobody_came_to_has_no_times(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_script(sample);
	memset(&sample->tally->cells[sample->run.groups.first_step + 2], 0, sizeof(struct cell));
	assert_has(block(sample), "\nlook/list               0      -       0         -         -         -         -\n");
}

static void iterations_that_are_missing_are_told(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_script(sample);
	sample->result.iterations_planned++;
	const char *text = block(sample);
	assert_has(text, "THE BOOKS DO NOT BALANCE: 311 iterations were planned, 310 are accounted for.\nDo not trust these results.\n");
	assert_lacks(text, "requests were planned");
}

static void a_run_without_scenarios_says_nothing_of_them(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_lacks(block(sample), "teration");
	assert_lacks(block(sample), "\nSteps");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(iterations_have_a_table_and_books, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(steps_have_their_times_and_why_they_failed, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_closed_loop_shows_service_times_of_steps, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_single_scenario_needs_no_row_of_its_own, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_step_that_nobody_came_to_has_no_times, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(iterations_that_are_missing_are_told, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_run_without_scenarios_says_nothing_of_them, summary_setup, summary_teardown),
	};
	return cmocka_run_group_tests_name("out/summary_script", tests, NULL, NULL);
}
