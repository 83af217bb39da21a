/* The rows of spec 1.6 that the controller answers (the agent's: agent_events_test.c):
 * agent killed mid-run                   a_killed_agent_is_lost_and_the_others_go_on, who_comes_back_at_once_is_not_too_late
 * agent frozen / network cut             a_frozen_agent_is_noticed_within_one_and_a_half_timeouts
 * heartbeat late, agent comes back       who_is_heard_again_may_still_report
 * all agents dead                        without_agents_the_run_fails
 * Ctrl-C on the controller               controller_manual_test.c
 * Ctrl-C on an agent in RUN              an_early_report_is_told_and_counts
 * wrong token                            the carriers
 * no hello in 10 s, another message first a_connection_must_say_hello
 * duplicate agent id                     controller_auto_test.c; a_silent_agent_is_replaced_by_its_successor
 * agent reconnects with its old id       the_ghost_takes_part_in_the_next_run, a_reconnected_agent_keeps_its_seat
 * agent joins mid-run                    who_comes_during_a_run_waits_for_the_next
 * message > 4 MiB                        the carriers
 * malformed message                      a_malformed_message_ends_the_connection
 * message kind not allowed               a_message_in_the_wrong_direction_ends_the_connection
 * report/stream with wrong run id        numbers_of_another_run_are_ignored
 * report/stream naming another agent     messages name none
 * histogram undecodable                  the caller's, behind ops.report
 * deadline passes                        controller_auto_test.c
 * run cannot be set up on an agent       controller_auto_test.c (below_min_agents...)
 * preflight fails on an agent            errors_of_a_report_are_errors_of_the_run
 * and: heartbeats, versions; parts, stripes and --on-agent-loss: controller_loss_test.c */
#include "dist/controller_fixture.h"

static void a_killed_agent_is_lost_and_the_others_go_on(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_wait(&desk, 5 * SEC, "12");
	desk_down(&desk, 1);
	desk_expect(&desk, "say: agent 'a' is lost: closed\nlost 0: closed\n");
	desk_wait(&desk, 10 * SEC, "2");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	desk_expect(&desk, "report 1: B\n2: TAKEN r1\nerror: agent 'a': closed\nover done: 1 of 2\n");
	assert_int_equal(desk.outcome.errors, 1);
	desk_close(&desk);
}

static void who_comes_back_at_once_is_not_too_late(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_report_in(&desk, 2, "r1", "B");
	desk_down(&desk, 1);
	desk_wait(&desk, 2 * SEC, "2");
	assert_int_equal(desk.overs, 0); /* nobody runs any more, but the link may be open again soon */
	desk_clear(&desk);
	desk_hello(&desk, 3, "a", "r1");
	desk_report_in(&desk, 3, "r1", "A");
	desk_tick(&desk);
	desk_expect(
		&desk, "3: WELCOME\nsay: agent 'a' is back; its report is taken if it comes in time\nreport 0: A\n3: TAKEN r1\nover done: 2 of 2\n");
	desk_close(&desk);
}

static void a_frozen_agent_is_noticed_within_one_and_a_half_timeouts(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_wait(&desk, 1 * SEC, "12");
	desk_wait(&desk, 2900 * MSEC, "2");
	desk_expect(&desk, "");
	desk_wait(&desk, 1600 * MSEC, "2"); /* 4.5 s */
	if (strncmp(buf_text(&desk.text), "say: agent 'a' is lost: nothing was heard for ", 45) != 0) fail_msg("%s", buf_text(&desk.text));
	assert_non_null(strstr(buf_text(&desk.text), "lost 0: "));
	desk_close(&desk);
}

static void a_short_timeout_is_checked_as_a_whole(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.manual = true;
	rules.heartbeat_timeout = 300 * MSEC; /* half of it is less than 200 ms */
	desk_open(&desk, &rules);
	controller_tick(desk.c, desk.now); /* checks now, then every 300 ms */
	desk_hello(&desk, 1, "a", "");
	desk_clear(&desk);
	desk_wait(&desk, 500 * MSEC, "");
	desk_expect(&desk, "");
	desk_wait(&desk, 100 * MSEC, "");
	desk_expect(&desk, "say: agent 'a': nothing was heard for 600 ms\n");
	desk_close(&desk);
}

static void a_controller_that_slept_blames_nobody(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk.now += 7 * SEC;
	desk_tick(&desk);
	desk_wait(&desk, 2800 * MSEC, "");
	desk_expect(&desk, "");
	desk_close(&desk);
}

static void who_is_heard_again_may_still_report(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_wait(&desk, 8 * SEC, "2");
	desk_clear(&desk);
	desk_report_in(&desk, 1, "r1", "A");
	desk_expect(
		&desk, "say: agent 'a' is heard again\nsay: agent 'a' is back; its report is taken if it comes in time\nreport 0: A\n1: TAKEN r1\n");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	assert_int_equal(desk.outcome.reported, 2);
	assert_int_equal(desk.outcome.errors, 0); /* a warning, no error */
	desk_close(&desk);
}

static void who_falls_silent_before_the_start_is_told_to_stop(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.min_agents = 1;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_clear(&desk);
	desk_wait(&desk, 4500 * MSEC, "2");
	assert_non_null(strstr(buf_text(&desk.text), "1: STOP r1\nerror: agent 'a': nothing was heard for "));
	desk_close(&desk);
}

static void without_agents_the_run_fails(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_down(&desk, 1);
	desk_take(&desk, 2, &(struct message){LINK_GOODBYE, .order = {.run_id = "r1", .words = "enough"}});
	desk_expect(&desk, "say: agent 'a' is lost: closed\nlost 0: closed\nsay: agent 'b' is lost: it left: enough\nlost 1: it left: enough\n2: "
			   "dropped: goodbye\n");
	desk_wait(&desk, 3 * SEC, "");
	desk_expect(&desk, "error: agent 'a': closed\nerror: agent 'b': it left: enough\nover failed: 0 of 2, no agent has reported\n");
	desk_close(&desk);
}

static void an_early_report_is_told_and_counts(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_take(&desk, 1,
		&(struct message){LINK_REPORT, .report = {.run_id = "r1", .parts = 1, .early = true, .reason = "interrupted", .bytes = SLICE("A")}});
	desk_expect(&desk, "report 0: A early interrupted\n1: TAKEN r1\nsay: agent 'a' ended early: interrupted\n");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	assert_int_equal(desk.outcome.early, 1);
	assert_int_equal(desk.outcome.reported, 2);
	assert_int_equal(desk.outcome.errors, 0);
	desk_close(&desk);
}

static void a_connection_must_say_hello(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_up(&desk, 1);
	desk_up(&desk, 2);
	desk_beat(&desk, 2);
	desk_expect(&desk,
		"say: a connection from 192.0.2.1:5000 is refused: the first message must be HELLO\n2: dropped: the first message must be HELLO\n");
	desk_wait(&desk, 10 * SEC, "");
	desk_expect(&desk, "");
	desk_wait(&desk, CONTROLLER_TICK, "");
	desk_expect(&desk, "say: a connection from 192.0.2.1:5000 is refused: no HELLO came within 10 s\n1: dropped: no HELLO came within 10 s\n");
	desk_hello(&desk, 3, "a", "");
	desk_take(&desk, 3, &(struct message){LINK_HELLO, .hello = {MESSAGE_PROTOCOL, "1", "b", "h", 1, 1, ""}});
	assert_non_null(strstr(buf_text(&desk.text), "3: dropped: a second HELLO on one connection"));
	desk_close(&desk);
}

static void another_protocol_is_refused_and_another_version_warned_of(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_open(&desk, &rules);
	desk_up(&desk, 1);
	desk_raw(&desk, 1, LINK_HELLO, SLICE("{\"protocol\":2,\"program\":\"9.9\"}"));
	assert_non_null(strstr(buf_text(&desk.text), "1: dropped: the agent (strest 9.9) speaks protocol 2, the controller (strest 1.2.3) speaks 1; "
						     "use the same version on all machines\n"));
	desk_clear(&desk);
	desk_up(&desk, 2);
	desk_take(&desk, 2, &(struct message){LINK_HELLO, .hello = {MESSAGE_PROTOCOL, "1.2.4", "b", "h", 1, 0, ""}});
	desk_expect(&desk, "say: agent 'b' is strest 1.2.4, the controller is 1.2.3; results may differ\n2: WELCOME\n");
	desk_close(&desk);
}

static void a_silent_agent_is_replaced_by_its_successor(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.manual = true;
	desk_open(&desk, &rules);
	desk_hello(&desk, 1, "a", "");
	desk_wait(&desk, 5 * SEC, "");
	desk_clear(&desk);
	desk_hello(&desk, 2, "a", "");
	desk_expect(&desk, "1: dropped: the agent has connected anew\n2: WELCOME\n");
	desk_close(&desk);
}

static void the_ghost_takes_part_in_the_next_run(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.manual = true;
	rules.min_agents = 1;
	desk_run(&desk, &rules);
	desk_down(&desk, 1);
	desk_hello(&desk, 3, "a", ""); /* started anew: it does not know the run */
	desk_report_in(&desk, 2, "r1", "B");
	desk_wait(&desk, 3 * SEC, "23");
	assert_int_equal(desk.overs, 1);
	desk_clear(&desk);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "2: CONFIG r1 0 of 1,1 requests 5\n3: CONFIG r1 1 of 1,1 requests 5\n");
	desk_ready(&desk, 2, 1);
	desk_ready(&desk, 3, 1);
	desk_tick(&desk);
	desk_clear(&desk);
	desk_report_in(&desk, 3, "r1", "A");
	desk_expect(&desk, "report 1: A\n3: TAKEN r1\n");
	desk_close(&desk);
}

static void a_reconnected_agent_keeps_its_seat(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_hello(&desk, 3, "a", "r1"); /* the end of the old connection has not been seen */
	desk_expect(&desk, "1: dropped: the agent has connected anew\n3: WELCOME\n");
	desk_report_in(&desk, 3, "r1", "A");
	desk_report_in(&desk, 3, "r1", "A");
	desk_expect(&desk, "report 0: A\n3: TAKEN r1\n3: TAKEN r1\n"); /* counted once, acknowledged again */
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	desk_clear(&desk);
	desk_report_in(&desk, 3, "r1", "A");
	desk_expect(&desk, "3: TAKEN r1\n");
	desk_close(&desk);
}

static void who_comes_during_a_run_waits_for_the_next(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_hello(&desk, 3, "c", "");
	desk_expect(&desk, "3: WELCOME busy\n");
	desk_report_in(&desk, 1, "r1", "A");
	desk_report_in(&desk, 2, "r1", "B");
	desk_tick(&desk);
	assert_int_equal(desk.outcome.agents, 2);
	desk_close(&desk);
}

static void many_refusals_are_told_once_a_minute(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	size_t told = 0;
	(void)state;
	desk_open(&desk, &rules);
	for (uint64_t peer = 1; peer <= 100; peer++) {
		desk_up(&desk, peer);
		desk_beat(&desk, peer);
		desk.now += SEC;
	}
	for (const char *at = buf_text(&desk.text); (at = strstr(at, "say: ")); at++) told++;
	assert_int_equal(told, 6); /* five, and one after a minute */
	assert_non_null(strstr(buf_text(&desk.text), "the first message must be HELLO (and 59 more since the last warning)\n"));
	desk_close(&desk);
}

static void a_malformed_message_ends_the_connection(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_raw(&desk, 1, LINK_BEAT, SLICE("\xff"));
	desk_expect(&desk, "say: agent 'a' from 192.0.2.1:5000 is refused: message BEAT: bytes that are not UTF-8\n"
			   "1: dropped: message BEAT: bytes that are not UTF-8\n"
			   "say: agent 'a' is lost: message BEAT: bytes that are not UTF-8\nlost 0: message BEAT: bytes that are not UTF-8\n");
	desk_raw(&desk, 1, LINK_BEAT, SLICE("{}")); /* after the drop: nobody */
	desk_expect(&desk, "");
	desk_close(&desk);
}

static void a_message_in_the_wrong_direction_ends_the_connection(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_take(&desk, 2, &(struct message){LINK_STOP, .order = {.run_id = "r1"}});
	assert_non_null(strstr(buf_text(&desk.text), "2: dropped: message STOP is not for a controller\n"));
	assert_non_null(strstr(buf_text(&desk.text), "lost 1: "));
	desk_close(&desk);
}

static void numbers_of_another_run_are_ignored(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_report_in(&desk, 1, "r0", "old");
	desk_expect(&desk, "say: agent 'a': its report of run 'r0' is ignored: that is another run\n1: FAULT r0\n");
	desk_take(&desk, 1, &(struct message){LINK_SNAPSHOT, .snapshot = {"r0", 1, 0, SLICE("x")}});
	desk_expect(&desk, "say: agent 'a': a snapshot of another run is ignored\n");
	desk_report_in(&desk, 1, "r1", "A");
	desk_expect(&desk, "report 0: A\n1: TAKEN r1\n");
	desk_close(&desk);
}

static void errors_of_a_report_are_errors_of_the_run(void **state) {
	static const char *const errors[] = {"target unreachable"};
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_take(&desk, 1, &(struct message){LINK_REPORT, .report = {.run_id = "r1", .parts = 1, .errors = {errors, 1}}});
	desk_expect(&desk, "error: agent 'a': target unreachable\nreport 0: \n1: TAKEN r1\n");
	desk_close(&desk);
}

static void a_beat_is_answered_with_both_moments(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	struct link_event event = {.what = LINK_MESSAGE, .peer = 1, .kind = LINK_BEAT, .body = SLICE("{\"t1\":77,\"seq\":1}"), .at = 5000};
	controller_event(desk.c, &event, 6000);
	desk_expect(&desk, "1: BEAT 77 5000 6000\n");
	desk_close(&desk);
}

static void who_is_still_busy_with_a_former_run_is_stopped_and_not_asked(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.manual = true;
	rules.min_agents = 1;
	desk_run(&desk, &rules);
	desk_report_in(&desk, 2, "r1", "B");
	desk_clear(&desk);
	controller_stop(desk.c, desk.now);
	desk_wait(&desk, 30 * SEC, "12");
	assert_int_equal(desk.overs, 1);
	desk_clear(&desk);
	desk_hello(&desk, 3, "c", "r0"); /* of a controller that is no more */
	desk_expect(&desk, "3: WELCOME\n3: STOP r0\n");
	desk_wait(&desk, 5 * SEC, "23"); /* a sleeps */
	desk_clear(&desk);
	desk_take(&desk, 1, &(struct message){LINK_SNAPSHOT, .snapshot = {"r1", 1, 0, SLICE("x")}});
	desk_expect(&desk, "say: agent 'a' is heard again\n1: STOP r1\nsay: agent 'a': a snapshot of another run is ignored\n");
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "2: CONFIG r1 0 of 1 requests 10\n");
	desk_report_in(&desk, 3, "r0", "old"); /* now it is free */
	controller_stop(desk.c, desk.now);
	desk_clear(&desk);
	controller_start(desk.c, -1, 0, desk.now);
	desk_expect(&desk, "2: CONFIG r1 0 of 1,1 requests 5\n3: CONFIG r1 1 of 1,1 requests 5\n");
	desk_close(&desk);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_agent_is_lost_and_the_others_go_on),
		cmocka_unit_test(who_comes_back_at_once_is_not_too_late),
		cmocka_unit_test(a_frozen_agent_is_noticed_within_one_and_a_half_timeouts),
		cmocka_unit_test(a_short_timeout_is_checked_as_a_whole),
		cmocka_unit_test(a_controller_that_slept_blames_nobody),
		cmocka_unit_test(who_is_heard_again_may_still_report),
		cmocka_unit_test(who_falls_silent_before_the_start_is_told_to_stop),
		cmocka_unit_test(without_agents_the_run_fails),
		cmocka_unit_test(an_early_report_is_told_and_counts),
		cmocka_unit_test(a_connection_must_say_hello),
		cmocka_unit_test(another_protocol_is_refused_and_another_version_warned_of),
		cmocka_unit_test(a_silent_agent_is_replaced_by_its_successor),
		cmocka_unit_test(the_ghost_takes_part_in_the_next_run),
		cmocka_unit_test(a_reconnected_agent_keeps_its_seat),
		cmocka_unit_test(who_comes_during_a_run_waits_for_the_next),
		cmocka_unit_test(many_refusals_are_told_once_a_minute),
		cmocka_unit_test(a_malformed_message_ends_the_connection),
		cmocka_unit_test(a_message_in_the_wrong_direction_ends_the_connection),
		cmocka_unit_test(numbers_of_another_run_are_ignored),
		cmocka_unit_test(errors_of_a_report_are_errors_of_the_run),
		cmocka_unit_test(a_beat_is_answered_with_both_moments),
		cmocka_unit_test(who_is_still_busy_with_a_former_run_is_stopped_and_not_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
