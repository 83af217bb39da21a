/* The rows of spec 1.5 (agent):
 * CONNECT, fails                          without_a_controller_it_leaves, or_in_standby_tries_again
 * HELLO                                   it_says_who_it_is, a_controller_that_does_not_answer_is_none, another_protocol_is_refused
 * HELLO, heartbeats at once               beats_begin_fast_and_go_on_steadily
 * IDLE, config                            a_config_arms_it
 * IDLE, stop ignored, start an error      an_idle_agent_ignores_a_stop, a_start_without_config_is_a_session_error
 * ARMED, start                            a_start_begins_the_run_at_its_moment
 * ARMED, second config or another run     a_second_config_is_a_session_error
 * ARMED, stop                             a_stop_before_the_start_cancels [B: /stop works before the start, too]
 * DELAY                                   a_stop_works_during_the_delay [B]
 * RUN, end of run                         a_report_is_handed_over_and_it_leaves, or_in_standby_waits_for_the_next_run
 * RUN, stop                               a_stop_ends_the_run_gracefully
 * RUN, connection lost                    agent_events_test.c [B: the report is kept]
 * RUN, config or start                    a_config_during_a_run_breaks_it_off
 * RUN, streams if asked                   snapshots_are_numbered
 * REPORT, could not be set up             what_cannot_be_prepared_is_told
 * RECONNECT                               or_in_standby_tries_again */
#include "dist/agent_fixture.h"

static void without_a_controller_it_leaves(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_open(&post, &rules);
	assert_int_equal(agent_state(post.a), AGENT_CONNECT);
	post_down(&post);
	post_expect(&post, "connect\ndisconnect\nsay: no connection to the controller: closed\ndisconnect\nleave 1\n");
	assert_int_equal(agent_state(post.a), AGENT_LEFT);
	post_close(&post);
}

static void or_in_standby_tries_again(void **state) {
	/* Of the interval of 1 s: 1, 2, 4, 8, 10, 10; each +-20 %. */
	static const nsec factors[] = {1, 2, 4, 8, 10, 10};
	struct post post;
	struct agent_rules rules = post_rules(true);
	nsec shortest = NSEC_NEVER, longest = 0;
	(void)state;
	for (rules.seed = 0; rules.seed < 50; rules.seed++) {
		post_open(&post, &rules);
		for (size_t i = 0; i < LENGTH(factors); i++) {
			post_down(&post);
			assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
			nsec from = post.now;
			while (agent_state(post.a) == AGENT_RECONNECT && post.now < from + 20 * SEC) post_wait(&post, 20 * MSEC);
			nsec one = (post.now - from) / factors[i];
			assert_in_range(one, 800 * MSEC, 1220 * MSEC);
			if (i == 0 && one < shortest) shortest = one;
			if (i == 0 && one > longest) longest = one;
		}
		post_close(&post);
	}
	assert_true(longest - shortest > 250 * MSEC); /* it does vary */
}

static void it_says_who_it_is(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	assert_int_equal(agent_state(post.a), AGENT_HELLO);
	post_welcome(&post);
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_expect(&post, "connect\nHELLO a run ''\n");
	post_close(&post);
}

static void a_controller_that_does_not_answer_is_none(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_clear(&post);
	post_wait(&post, 9980 * MSEC);
	post_expect(&post, "");
	post_wait(&post, 20 * MSEC);
	post_expect(&post, "disconnect\nsay: no connection to the controller: it did not answer within 10 s\ndisconnect\nleave 1\n");
	post_close(&post);
}

static void another_protocol_is_refused(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_clear(&post);
	post_take(&post, &(struct message){LINK_WELCOME, .welcome = {2, "9.9", 1, 3000, false}});
	post_expect(&post,
		"disconnect\nsay: no connection to the controller: the controller (strest 9.9) speaks protocol 2, this agent (strest 1.2.3) speaks 1;"
		" use the same version on all machines\ndisconnect\nleave 1\n");
	post_close(&post);
}

static void beats_begin_fast_and_go_on_steadily(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_welcome(&post);
	post_clear(&post);
	post.beats_shown = true;
	post_wait(&post, 100 * MSEC);
	post_expect(&post, "BEAT 1\nBEAT 2\nBEAT 3\nBEAT 4\nBEAT 5\n");
	post_wait(&post, 2 * SEC);
	post_expect(&post, "BEAT 6\nBEAT 7\n");
	post_close(&post);
}

static void a_config_arms_it(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	post_config(&post, "r1", 3);
	assert_int_equal(agent_state(post.a), AGENT_ARMED);
	post_expect(&post, "prepare r1: 1 of 2\n");
	agent_prepared(post.a, &(struct agent_prepared){.threads = 1}, post.now);
	assert_int_equal(agent_state(post.a), AGENT_READY);
	post_expect(&post, "READY r1 attempt 3\n");
	post_close(&post);
}

static void it_is_ready_when_it_knows_the_clock(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_welcome(&post);
	post_config(&post, "r1", 1);
	agent_prepared(post.a, &(struct agent_prepared){.threads = 1}, post.now);
	post_clear(&post);
	post_wait(&post, 60 * MSEC);
	post_expect(&post, "");
	post_wait(&post, 60 * MSEC);
	post_expect(&post, "READY r1 attempt 1\n");
	post_close(&post);
}

static void an_idle_agent_ignores_a_stop(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_join(&post, &rules);
	post_order(&post, LINK_STOP, "r1", 0);
	post_expect(&post, "");
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_close(&post);
}

static void a_start_without_config_is_a_session_error(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_join(&post, &rules);
	post_order(&post, LINK_START, "r1", 1);
	post_expect(&post, "say: the controller sent START without CONFIG\nFAULT '' the controller sent START without "
			   "CONFIG\ndisconnect\ndisconnect\nleave 1\n");
	post_close(&post);
	rules.standby = true;
	post_ready(&post, &rules);
	post_order(&post, LINK_START, "r2", 1); /* another run */
	post_expect(&post,
		"say: the controller sent START for a run that is not ready\nFAULT '' the controller sent START for a run that is not ready\n"
		"disconnect\ncancel\n");
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	post_close(&post);
}

static void a_start_begins_the_run_at_its_moment(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	rules.monotonic_behind = 900 * SEC;
	post_ready(&post, &rules);
	post_order(&post, LINK_START, "r1", post.now + 3 * SEC);
	assert_int_equal(agent_state(post.a), AGENT_DELAY);
	post_expect(&post, "start at 103200000 us, late 0 us\n"); /* 1000.2 + 3 - 900 s */
	post_wait(&post, 2980 * MSEC);
	assert_int_equal(agent_state(post.a), AGENT_DELAY);
	post_wait(&post, 20 * MSEC);
	assert_int_equal(agent_state(post.a), AGENT_RUN);
	post_close(&post);
}

static void a_second_config_is_a_session_error(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_ready(&post, &rules);
	post_config(&post, "r2", 1);
	post_expect(&post, "say: the controller sent a second CONFIG before the run was over\nFAULT '' the controller sent a second CONFIG before "
			   "the run was over\n"
			   "disconnect\ncancel\ndisconnect\nleave 1\n");
	post_close(&post);
}

static void a_stop_before_the_start_cancels(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_ready(&post, &rules);
	post_order(&post, LINK_STOP, "r9", 0);
	post_expect(&post, "say: a stop of run r9, which is not ours, is ignored\n");
	post_order(&post, LINK_STOP, "r1", 0);
	post_expect(&post, "cancel\n");
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_config(&post, "r1", 2); /* the shares are given out anew */
	post_expect(&post, "prepare r1: 1 of 2\n");
	post_close(&post);
}

static void a_stop_works_during_the_delay(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_ready(&post, &rules);
	post_order(&post, LINK_START, "r1", post.now + 60 * SEC);
	post_clear(&post);
	post_order(&post, LINK_STOP, "r1", 0);
	post_expect(&post, "stop: asked\n");
	post_finish(&post, "");
	post_expect(&post, "REPORT r1 0/1 0 late 0 errors 0\n");
	post_close(&post);
}

static void a_report_is_handed_over_and_it_leaves(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	assert_int_equal(agent_state(post.a), AGENT_REPORT);
	post_expect(&post, "REPORT r1 0/1 7 late 0 errors 0\n");
	post_order(&post, LINK_TAKEN, "r0", 0);
	assert_int_equal(agent_state(post.a), AGENT_REPORT);
	post_order(&post, LINK_TAKEN, "r1", 0);
	post_expect(&post, "GOODBYE 'r1' its run is over\ndisconnect\nleave 0\n");
	post_close(&post);
}

static void or_in_standby_waits_for_the_next_run(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	post_order(&post, LINK_TAKEN, "r1", 0);
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_clear(&post);
	post_config(&post, "r2", 1);
	post_expect(&post, "prepare r2: 1 of 2\n");
	post_close(&post);
}

static void a_stop_ends_the_run_gracefully(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post_order(&post, LINK_STOP, "r1", 0);
	assert_int_equal(agent_state(post.a), AGENT_RUN);
	post_finish(&post, "numbers");
	post_expect(&post, "stop: asked\nREPORT r1 0/1 7 late 0 errors 0\n");
	post_close(&post);
}

static void a_config_during_a_run_breaks_it_off(void **state) {
	static const char end[] = "disconnect\nstop: the controller sent a second CONFIG before the run was over\n";
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_config(&post, "r2", 1);
	assert_non_null(strstr(buf_text(&post.text), end));
	post_clear(&post);
	post_wait(&post, 5 * SEC); /* it waits for its load */
	post_expect(&post, "");
	post_finish(&post, "numbers");
	post_expect(&post, "disconnect\nleave 1\n");
	post_close(&post);
	rules.standby = true;
	post_run(&post, &rules);
	post_config(&post, "r2", 1);
	post_finish(&post, "numbers");
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	assert_null(strstr(buf_text(&post.text), "REPORT"));
	post_clear(&post);
	post_wait(&post, 1220 * MSEC);
	post_up(&post);
	post_expect(&post, "connect\nHELLO a run ''\n");
	post_close(&post);
}

static void snapshots_are_numbered(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	agent_snapshot(post.a, 0, SLICE("x"));
	post_expect(&post, ""); /* no run */
	post_close(&post);
	post_run(&post, &rules);
	agent_snapshot(post.a, 0, SLICE("x"));
	agent_snapshot(post.a, SEC, SLICE("y"));
	post_expect(&post, "SNAPSHOT 1 x\nSNAPSHOT 2 y\n");
	post_close(&post);
}

static void what_cannot_be_prepared_is_told(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_join(&post, &rules);
	post_config(&post, "r1", 1);
	post_clear(&post);
	agent_prepared(post.a, &(struct agent_prepared){.fault = "no such file"}, post.now);
	post_expect(&post, "say: run r1: no such file\nFAULT 'r1' no such file\nGOODBYE '' the run cannot be prepared\ndisconnect\nleave 1\n");
	post_close(&post);
	rules.standby = true;
	post_join(&post, &rules);
	post_config(&post, "r1", 1);
	agent_prepared(post.a, &(struct agent_prepared){.fault = "no such file"}, post.now);
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_close(&post);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_controller_it_leaves),
		cmocka_unit_test(or_in_standby_tries_again),
		cmocka_unit_test(it_says_who_it_is),
		cmocka_unit_test(a_controller_that_does_not_answer_is_none),
		cmocka_unit_test(another_protocol_is_refused),
		cmocka_unit_test(beats_begin_fast_and_go_on_steadily),
		cmocka_unit_test(a_config_arms_it),
		cmocka_unit_test(it_is_ready_when_it_knows_the_clock),
		cmocka_unit_test(an_idle_agent_ignores_a_stop),
		cmocka_unit_test(a_start_without_config_is_a_session_error),
		cmocka_unit_test(a_start_begins_the_run_at_its_moment),
		cmocka_unit_test(a_second_config_is_a_session_error),
		cmocka_unit_test(a_stop_before_the_start_cancels),
		cmocka_unit_test(a_stop_works_during_the_delay),
		cmocka_unit_test(a_report_is_handed_over_and_it_leaves),
		cmocka_unit_test(or_in_standby_waits_for_the_next_run),
		cmocka_unit_test(a_stop_ends_the_run_gracefully),
		cmocka_unit_test(a_config_during_a_run_breaks_it_off),
		cmocka_unit_test(snapshots_are_numbered),
		cmocka_unit_test(what_cannot_be_prepared_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
