/* The rows of spec 1.3 (controller, auto):
 * BIND                                     the carriers, dist/link_http.h
 * WAIT_AGENTS, a refused agent             a_refused_agent_does_not_count
 * WAIT_AGENTS, one connection at a time    a_silent_connection_keeps_nobody_waiting
 * WAIT_AGENTS, count == min_agents         the_run_begins_with_all_who_are_there
 * WAIT_AGENTS, wait timeout                too_few_agents_in_time_end_it
 * DISTRIBUTE, config then start            everybody_is_ready_before_anybody_starts
 * DISTRIBUTE, a send fails                 who_cannot_be_told_is_left_out_and_the_rest_shares_anew, below_min_agents_the_run_is_given_up,
 *                                          an_agent_that_dies_while_others_are_awaited_does_not_count, who_is_not_ready_in_time_is_left_out
 * RUNNING, every agent reported            all_reports_end_the_run
 * RUNNING, failed or died                  controller_events_test.c
 * RUNNING, deadline                        the_deadline_counts_from_the_start, a_late_start_does_not_shorten_the_run
 * FINALIZE, EXIT                           all_reports_end_the_run (over is told once) */
#include "dist/controller_fixture.h"

static void a_refused_agent_does_not_count(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "a", "");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_WAIT);
	desk_expect(&desk, "1: WELCOME\n"
			   "say: a connection from 192.0.2.1:5000 is refused: an agent 'a' is there already; give each agent its own --agent-id\n"
			   "2: dropped: an agent 'a' is there already; give each agent its own --agent-id\n");
	desk_close(&desk);
}

static void a_silent_connection_keeps_nobody_waiting(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_up(&desk, 9);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_DISTRIBUTE);
	desk_close(&desk);
}

static void the_run_begins_with_all_who_are_there(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 7, "a", "");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_WAIT);
	desk_hello(&desk, 5, "b", "");
	desk_hello(&desk, 6, "c", "");
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "7: CONFIG r1 0 of 1,1,1 requests 4\n5: CONFIG r1 1 of 1,1,1 requests 3\n6: CONFIG r1 2 of 1,1,1 requests 3\n");
	desk_close(&desk);
}

static void too_few_agents_in_time_end_it(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.wait = 5 * SEC;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_clear(&desk);
	desk_wait(&desk, 5 * SEC - CONTROLLER_TICK, "1");
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "1");
	desk_expect(&desk, "over failed: 0 of 0, 2 agents were wanted, 1 came\n");
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	desk_close(&desk);
}

static void everybody_is_ready_before_anybody_starts(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_clear(&desk);
	desk_ready(&desk, 1, 1);
	desk_ready(&desk, 1, 1);
	desk_tick(&desk);
	desk_expect(&desk, "");
	desk_ready(&desk, 2, 1);
	desk_tick(&desk);
	desk_expect(&desk, "began: a b\n1: START at 1003300 ms\n2: START at 1003300 ms\n");
	assert_int_equal(desk.addresses, 1); /* both have the same */
	desk_wait(&desk, 3 * SEC, "12");
	assert_int_equal(controller_state(desk.c), CONTROLLER_RUNNING);
	desk_close(&desk);
}

static void who_cannot_be_told_is_left_out_and_the_rest_shares_anew(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_hello(&desk, 3, "c", "");
	desk_clear(&desk);
	desk.deaf = 1;
	desk_tick(&desk);
	desk_expect(&desk,
		"error: agent 'a': its configuration could not be sent\n2: CONFIG r1 1 of 1,1,1 requests 3\n3: CONFIG r1 2 of 1,1,1 requests 3\n");
	desk_ready(&desk, 2, 1);
	desk_tick(&desk);
	desk_expect(&desk, ""); /* until it is known who else cannot */
	desk_ready(&desk, 3, 1);
	desk_tick(&desk);
	desk_expect(&desk, "say: the run is shared anew by 2 agents\n"
			   "2: STOP r1\n2: CONFIG r1 0 of 1,1 requests 5\n3: STOP r1\n3: CONFIG r1 1 of 1,1 requests 5\n");
	desk_ready(&desk, 3, 1); /* of the attempt before */
	desk_ready(&desk, 2, 2);
	desk_tick(&desk);
	desk_expect(&desk, "");
	desk_ready(&desk, 3, 2);
	desk_tick(&desk);
	desk_expect(&desk, "began: b c\n2: START at 1003500 ms\n3: START at 1003500 ms\n");
	desk_close(&desk);
}

static void below_min_agents_the_run_is_given_up(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_clear(&desk);
	desk_take(&desk, 1, &(struct message){LINK_FAULT, .order = {.run_id = "r1", .attempt = 1, .words = "no such file"}});
	desk_tick(&desk);
	desk_expect(&desk, "1: STOP r1\nerror: agent 'a': no such file\n2: STOP r1\nover failed: 0 of 1, 1 agent is left, at least 2 are needed\n");
	desk_close(&desk);
}

static void an_agent_that_dies_while_others_are_awaited_does_not_count(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_down(&desk, 1);
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_WAIT);
	desk_hello(&desk, 3, "c", "");
	desk_wait(&desk, 5 * SEC, "3"); /* b is silent now, too, but was there */
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	desk_close(&desk);
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_wait(&desk, 5 * SEC, "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_WAIT); /* a is silent */
	desk_close(&desk);
}

static void who_is_not_ready_in_time_is_left_out(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.min_agents = 1;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_ready(&desk, 2, 1);
	desk_clear(&desk);
	desk_wait(&desk, 32 * SEC - CONTROLLER_TICK, "12"); /* 30 s and the connect timeout of 2 s */
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "12");
	desk_expect(&desk, "1: STOP r1\nerror: agent 'a': it was not ready in time\nsay: the run is shared anew by 1 agents\n2: STOP r1\n"
			   "2: CONFIG r1 0 of 1 requests 10\n");
	desk_close(&desk);
}

static void all_reports_end_the_run(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_wait(&desk, 13 * SEC, "12");
	desk_report_in(&desk, 1, "r1", "A");
	desk_tick(&desk);
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	desk_expect(&desk, "report 0: A\n1: TAKEN r1\nreport 1: B\n2: TAKEN r1\nover done: 2 of 2\n");
	assert_int_equal(desk.outcome.errors, 0);
	assert_int_equal(desk.outcome.clock_doubt, 500);
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	desk_wait(&desk, 60 * SEC, "");
	controller_interrupt(desk.c, desk.now);
	assert_int_equal(desk.overs, 1);
	desk_close(&desk);
}

static void the_deadline_counts_from_the_start(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_report_in(&desk, 1, "r1", "A");
	desk_clear(&desk);
	/* START at 1000.2 s, start 3 s later, 10 s long, 30 s more. */
	desk_wait(&desk, 43 * SEC - CONTROLLER_TICK, "12");
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "12");
	desk_expect(&desk, "error: agent 'b': it has not reported: the deadline has passed\n2: STOP r1\nover done: 1 of 2\n");
	desk_close(&desk);
}

static void a_late_start_does_not_shorten_the_run(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.start_after = 31 * SEC;
	desk_open(&desk, &rules);
	desk.run.duration = 1 * SEC;
	desk.run.request_timeout = 60 * SEC; /* and 5 s are more than 30 s */
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_ready(&desk, 1, 1);
	desk_ready(&desk, 2, 1);
	desk_tick(&desk);
	desk_wait(&desk, 97 * SEC - CONTROLLER_TICK, "12");
	assert_int_equal(desk.overs, 0);
	desk_wait(&desk, CONTROLLER_TICK, "12");
	assert_int_equal(desk.overs, 1);
	desk_close(&desk);
}

static void what_cannot_be_prepared_is_over(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk.prepare_fault = "no URL";
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "over failed: 0 of 0, no URL\n");
	desk_close(&desk);
}

static void a_plan_that_is_refused_stops_the_agents(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk.began_fault = "no plan";
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_ready(&desk, 1, 1);
	desk_ready(&desk, 2, 1);
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "1: STOP r1\n2: STOP r1\nover failed: 0 of 2, no plan\n");
	desk_close(&desk);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_agent_does_not_count),
		cmocka_unit_test(a_silent_connection_keeps_nobody_waiting),
		cmocka_unit_test(the_run_begins_with_all_who_are_there),
		cmocka_unit_test(too_few_agents_in_time_end_it),
		cmocka_unit_test(everybody_is_ready_before_anybody_starts),
		cmocka_unit_test(who_cannot_be_told_is_left_out_and_the_rest_shares_anew),
		cmocka_unit_test(below_min_agents_the_run_is_given_up),
		cmocka_unit_test(an_agent_that_dies_while_others_are_awaited_does_not_count),
		cmocka_unit_test(who_is_not_ready_in_time_is_left_out),
		cmocka_unit_test(all_reports_end_the_run),
		cmocka_unit_test(the_deadline_counts_from_the_start),
		cmocka_unit_test(a_late_start_does_not_shorten_the_run),
		cmocka_unit_test(what_cannot_be_prepared_is_over),
		cmocka_unit_test(a_plan_that_is_refused_stops_the_agents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
