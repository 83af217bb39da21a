/* The rows of spec 1.4 (controller, manual):
 * IDLE, agent hello                       agents_wait_in_the_pool
 * IDLE, /start with too few agents        a_start_with_too_few_agents_is_refused
 * IDLE, /start with a wait                a_start_may_wait_for_agents, a_start_that_waits_too_long_is_refused
 * IDLE / WAIT_MIN, enough agents          a_start_may_wait_for_agents
 * RUNNING, /start                         a_second_start_is_refused
 * RUNNING, /stop                          a_stop_asks_for_the_reports
 * RUNNING, all reported, or deadline      after_a_run_the_next_one_may_come
 * IDLE, /stop                             a_stop_without_a_run_does_nothing
 * any, heartbeat timeout or disconnect    who_is_gone_is_not_in_the_pool
 * WAIT_MIN is a state [B]                 a_stop_withdraws_a_start_that_waits, a_second_start_is_refused
 * DISTRIBUTE, /stop [B]                   a_stop_before_the_start_cancels_the_run
 * ends only by signal                     the_first_interrupt_ends_the_run_and_the_second_everything */
#include "dist/controller_fixture.h"

static struct controller_rules manual_rules(void) {
	struct controller_rules rules = desk_rules();
	rules.manual = true;
	return rules;
}

static void agents_wait_in_the_pool(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	struct controller_agent agents[3];
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 2, "a", "");
	desk_hello(&desk, 1, "b", "");
	desk_wait(&desk, 20 * SEC, "12");
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	assert_int_equal(controller_list(desk.c, agents, 3), 2);
	assert_string_equal(agents[0].id, "a");
	assert_string_equal(agents[1].id, "b");
	assert_string_equal(agents[1].state, "idle");
	assert_true(agents[1].last_seen == desk.now);
	assert_null(controller_run_id(desk.c));
	desk_close(&desk);
}

static void a_start_with_too_few_agents_is_refused(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_clear(&desk);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "answer too few: 1 agents are there, at least 2 are needed\n");
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	desk_close(&desk);
}

static void a_start_may_wait_for_agents(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	controller_start(desk.c, 500 * MSEC, 10 * SEC, desk.now);
	assert_int_equal(controller_state(desk.c), CONTROLLER_WAIT);
	desk_wait(&desk, 9 * SEC, "");
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_ready(&desk, 1, 1);
	desk_ready(&desk, 2, 1);
	desk_clear(&desk);
	desk_tick(&desk); /* at 1009.2 s */
	desk_expect(&desk, "began: a b\n1: START at 1009700 ms\n2: START at 1009700 ms\nanswer started: r1\n");
	assert_string_equal(controller_run_id(desk.c), "r1");
	desk_close(&desk);
}

static void a_start_that_waits_too_long_is_refused(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	rules.wait = 4 * SEC; /* the option, when the order says nothing */
	desk_open(&desk, &rules);
	controller_start(desk.c, -1, 0, desk.now);
	desk_wait(&desk, 4 * SEC - CONTROLLER_TICK, "");
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "");
	desk_expect(&desk, "answer too few: 2 agents were wanted, 0 came\n");
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	desk_close(&desk);
}

static void a_second_start_is_refused(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_run(&desk, &rules);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "answer busy: a run is in progress\n");
	desk_close(&desk);
	desk_open(&desk, &rules);
	controller_start(desk.c, -1, 10 * SEC, desk.now);
	controller_start(desk.c, -1, 10 * SEC, desk.now);
	desk_expect(&desk, "answer busy: a start is waiting for agents\n");
	desk_close(&desk);
}

static void a_stop_withdraws_a_start_that_waits(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	controller_start(desk.c, -1, 10 * SEC, desk.now);
	assert_int_equal(controller_stop(desk.c, desk.now), CONTROLLER_STOP_WITHDRAWN);
	desk_expect(&desk, "answer withdrawn: stopped before the start\n");
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	desk_close(&desk);
}

static void a_stop_before_the_start_cancels_the_run(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	controller_start(desk.c, -1, 0, desk.now);
	desk_clear(&desk);
	assert_int_equal(controller_stop(desk.c, desk.now), CONTROLLER_STOP_WITHDRAWN);
	desk_expect(&desk, "1: STOP r1\n2: STOP r1\nanswer withdrawn: stopped before the start\nover cancelled: 0 of 2, stopped before the start\n");
	desk_ready(&desk, 1, 1); /* on its way when the stop came */
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "1: CONFIG r1 0 of 1,1 requests 5\n2: CONFIG r1 1 of 1,1 requests 5\n");
	desk_close(&desk);
}

static void a_stop_asks_for_the_reports(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_wait(&desk, 5 * SEC, "12");
	assert_int_equal(controller_stop(desk.c, desk.now), CONTROLLER_STOPPING);
	desk_expect(&desk, "1: STOP r1\n2: STOP r1\n");
	assert_int_equal(controller_stop(desk.c, desk.now), CONTROLLER_STOPPING);
	desk_expect(&desk, "");
	desk_report_in(&desk, 1, "r1", "A");
	desk_clear(&desk);
	desk_wait(&desk, 30 * SEC - CONTROLLER_TICK, "12");
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "12");
	desk_expect(&desk, "error: agent 'b': it has not reported: the deadline has passed\n2: STOP r1\nover done: 1 of 2\n");
	assert_true(desk.outcome.stopped);
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	desk_close(&desk);
}

static void a_stop_without_a_run_does_nothing(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	assert_int_equal(controller_stop(desk.c, desk.now), CONTROLLER_STOP_IDLE);
	desk_expect(&desk, "");
	desk_close(&desk);
}

static void after_a_run_the_next_one_may_come(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_report_in(&desk, 1, "r1", "A");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	assert_int_equal(desk.overs, 1);
	assert_int_equal(controller_state(desk.c), CONTROLLER_IDLE);
	desk_clear(&desk);
	desk.run.run_id = "r2";
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "1: CONFIG r2 0 of 1,1 requests 5\n2: CONFIG r2 1 of 1,1 requests 5\n");
	desk_close(&desk);
}

static void who_is_gone_is_not_in_the_pool(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_hello(&desk, 3, "c", "");
	desk_down(&desk, 3);
	desk_clear(&desk);
	desk_wait(&desk, 5 * SEC, "2"); /* a is silent */
	desk_expect(&desk, "say: agent 'a': nothing was heard for 3100 ms\n");
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "answer too few: 1 agents are there, at least 2 are needed\n");
	desk_beat(&desk, 1); /* it is heard again */
	desk_clear(&desk);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "1: CONFIG r1 0 of 1,1 requests 5\n2: CONFIG r1 1 of 1,1 requests 5\n");
	desk_close(&desk);
}

static void the_first_interrupt_ends_the_run_and_the_second_everything(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_run(&desk, &rules);
	controller_interrupt(desk.c, desk.now);
	desk_expect(&desk, "1: STOP r1\n2: STOP r1\n");
	desk_report_in(&desk, 1, "r1", "A");
	desk_clear(&desk);
	controller_interrupt(desk.c, desk.now);
	desk_expect(&desk, "error: agent 'b': it has not reported: interrupted twice\n2: STOP r1\nover done: 1 of 2\n");
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	desk_close(&desk);
	desk_open(&desk, &rules);
	controller_interrupt(desk.c, desk.now);
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	assert_int_equal(desk.overs, 0);
	desk_close(&desk);
	desk_run(&desk, &rules);
	controller_interrupt(desk.c, desk.now);
	desk_report_in(&desk, 1, "r1", "A");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	assert_int_equal(controller_state(desk.c), CONTROLLER_OVER);
	assert_int_equal(desk.outcome.errors, 0); /* exit 0 */
	desk_close(&desk);
}

static void an_agent_that_stays_silent_is_forgotten(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_wait(&desk, 59 * SEC, "");
	assert_int_equal(controller_list(desk.c, NULL, 0), 1);
	desk_clear(&desk);
	desk_wait(&desk, 3 * SEC, ""); /* twenty timeouts of 3 s, seen at the next check */
	assert_int_equal(controller_list(desk.c, NULL, 0), 0);
	assert_non_null(strstr(buf_text(&desk.text), "1: dropped: nothing was heard for too long\n"));
	desk_close(&desk);
}

static void a_weight_of_nothing_is_one(void **state) {
	struct desk desk;
	struct controller_rules rules = manual_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_up(&desk, 1);
	desk_take(&desk, 1, &(struct message){LINK_HELLO, .hello = {MESSAGE_PROTOCOL, "1.2.3", "a", "h", 1, 0, ""}});
	desk_up(&desk, 2);
	desk_take(&desk, 2, &(struct message){LINK_HELLO, .hello = {MESSAGE_PROTOCOL, "1.2.3", "b", "h", 1, 4, ""}});
	desk_clear(&desk);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "1: CONFIG r1 0 of 1,4 requests 2\n2: CONFIG r1 1 of 1,4 requests 8\n");
	desk_close(&desk);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_that_stays_silent_is_forgotten),
		cmocka_unit_test(a_weight_of_nothing_is_one),
		cmocka_unit_test(agents_wait_in_the_pool),
		cmocka_unit_test(a_start_with_too_few_agents_is_refused),
		cmocka_unit_test(a_start_may_wait_for_agents),
		cmocka_unit_test(a_start_that_waits_too_long_is_refused),
		cmocka_unit_test(a_second_start_is_refused),
		cmocka_unit_test(a_stop_withdraws_a_start_that_waits),
		cmocka_unit_test(a_stop_before_the_start_cancels_the_run),
		cmocka_unit_test(a_stop_asks_for_the_reports),
		cmocka_unit_test(a_stop_without_a_run_does_nothing),
		cmocka_unit_test(after_a_run_the_next_one_may_come),
		cmocka_unit_test(who_is_gone_is_not_in_the_pool),
		cmocka_unit_test(the_first_interrupt_ends_the_run_and_the_second_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
