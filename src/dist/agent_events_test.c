/* The rows of spec 1.6 that the agent answers, as amended by docs/architecture.md 11:
 * controller dies or Ctrl-C on it        a_lost_controller_does_not_end_the_run_at_once, the_load_ends_when_the_controller_stays_away,
 *                                        an_idle_agent_leaves_with_its_controller
 * controller silent                      a_silent_controller_ends_the_load_after_fifteen_seconds, a_long_timeout_makes_a_long_silence
 * report kept and offered again, 30 s    a_report_is_offered_again, a_report_that_nobody_takes_is_given_up
 * Ctrl-C on an agent in RUN              an_interrupt_ends_the_run_and_reports
 * Ctrl-C on an idle standby agent        an_interrupt_ends_an_idle_agent_at_once, a_second_interrupt_does_not_wait
 * wrong or missing token                 a_refused_agent_leaves_or_tries_again
 * duplicate agent id                     a_refused_agent_leaves_or_tries_again
 * malformed message                      a_malformed_message_is_a_session_error
 * message kind not allowed               a_message_in_the_wrong_direction_is_a_session_error
 * and: the clock of the controller, late starts, parts of a report, stripes */
#include "dist/agent_clock.h"
#include "dist/agent_fixture.h"

/* How far the clocks are apart, and how long the ways are. */
static const struct {
	nsec skew, ahead, out, back;
} clocks[] = {
	{0, 0, 0, 0},
	{50 * MSEC, 0, 300 * USEC, 300 * USEC},
	{-50 * MSEC, 0, 300 * USEC, 300 * USEC},
	{5 * SEC, 0, 2 * MSEC, 2 * MSEC},
	{-5 * SEC, 7 * SEC, 2 * MSEC, 2 * MSEC},
	{5 * SEC, -3 * SEC, 0, 8 * MSEC}, /* ways of different length: wrong by half the round trip */
	{50 * MSEC, 0, 9 * MSEC, MSEC},
};

static void the_start_is_mapped_into_the_agents_clock(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(clocks); i++) {
		struct post post;
		struct agent_rules rules = post_rules(true);
		nsec offset, round_trip;
		rules.skew = clocks[i].skew;
		post_open(&post, &rules);
		post.ahead = clocks[i].ahead;
		post.out = clocks[i].out;
		post.back = clocks[i].back;
		post_up(&post);
		post.now += 20 * MSEC; /* WELCOME is slow: not the best sample */
		post_welcome(&post);
		post_wait(&post, 300 * MSEC);
		assert_true(agent_clock(post.a, &offset, &round_trip));
		assert_int_equal(round_trip, clocks[i].out + clocks[i].back);
		nsec wrong = offset - (clocks[i].ahead - clocks[i].skew), half = round_trip / 2;
		assert_true(wrong >= -half && wrong <= half);
		assert_int_equal(wrong, (clocks[i].out - clocks[i].back) / 2); /* RFC 5905 */
		post_config(&post, "r1", 1);
		agent_prepared(post.a, &(struct agent_prepared){.threads = 1}, post.now);
		post_clear(&post);
		nsec at = post.now + 3 * SEC; /* in true time */
		post_order(&post, LINK_START, "r1", at + clocks[i].ahead);
		char want[80];
		snprintf(want, sizeof(want), "start at %lld us, late 0 us\n", (long long)((at - wrong) / USEC));
		post_expect(&post, want);
		post_close(&post);
	}
}

static void the_shortest_way_is_believed(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	nsec offset, round_trip;
	(void)state;
	post_open(&post, &rules);
	post.ahead = SEC;
	post_up(&post);
	post.now += 30 * MSEC;
	post_welcome(&post);
	for (int i = 0; i < 5; i++) {
		post.out = (i == 3 ? 1 : 40) * MSEC; /* the answers come at once */
		post_wait(&post, 20 * MSEC);
	}
	assert_true(agent_clock(post.a, &offset, &round_trip));
	assert_int_equal(round_trip, MSEC);
	assert_int_equal(offset, SEC + MSEC / 2);
	post_close(&post);
}

static void a_start_that_has_passed_is_now_and_its_delay_is_reported(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_ready(&post, &rules);
	post_order(&post, LINK_START, "r1", post.now - 250 * MSEC);
	post_expect(&post, "say: run r1: the start was 250 ms ago\nstart at 1000200000 us, late 250000 us\n");
	agent_tick(post.a, post.now);
	agent_finished(post.a, &(struct agent_finished){.started_late = 1000}, post.now);
	post_expect(&post, "REPORT r1 0/1 0 late 250001000 errors 0\n");
	post_close(&post);
}

static void a_lost_controller_does_not_end_the_run_at_once(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_down(&post);
	post_expect(&post, "disconnect\nsay: no connection to the controller: closed\n");
	post_wait(&post, 1220 * MSEC);
	post_up(&post);
	post_expect(&post, "connect\nHELLO a run 'r1'\n");
	post_welcome(&post);
	post_wait(&post, 30 * SEC);
	post_expect(&post, "");
	assert_int_equal(agent_state(post.a), AGENT_RUN);
	post_close(&post);
}

static void the_load_ends_when_the_controller_stays_away(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_down(&post);
	for (int i = 0; i < 14; i++) {
		post_wait(&post, SEC);
		if (agent_state(post.a) == AGENT_RUN) post_down(&post); /* nobody listens */
	}
	assert_null(strstr(buf_text(&post.text), "stop"));
	post_wait(&post, 2 * SEC);
	assert_non_null(strstr(buf_text(&post.text), "stop: the controller was silent\n"));
	post_finish(&post, "numbers");
	post_clear(&post);
	for (int i = 0; i < 20; i++) {
		post_wait(&post, SEC);
		post_down(&post);
	}
	assert_int_equal(agent_state(post.a), AGENT_REPORT);
	post_wait(&post, 3 * SEC);
	post_up(&post);
	post_welcome(&post);
	assert_non_null(strstr(buf_text(&post.text), "HELLO a run 'r1'\nREPORT r1 0/1 7 early the controller was silent late 0 errors 0\n"));
	post_close(&post);
}

static void an_idle_agent_leaves_with_its_controller(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_join(&post, &rules);
	post_down(&post);
	assert_int_equal(agent_state(post.a), AGENT_LEFT);
	post_close(&post);
	post_ready(&post, &rules);
	post_down(&post);
	post_expect(&post, "disconnect\nsay: no connection to the controller: closed\ncancel\ndisconnect\nleave 1\n");
	post_close(&post);
	rules.standby = true;
	post_ready(&post, &rules);
	post_down(&post);
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	post_close(&post);
}

static void a_silent_controller_ends_the_load_after_fifteen_seconds(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post.mute = true;
	post_wait(&post, 14 * SEC);
	post_expect(&post, "");
	post_wait(&post, 1100 * MSEC);
	post_expect(&post, "disconnect\nsay: no connection to the controller: nothing was heard of it for too long\n"
			   "say: run r1 ends: the controller has been silent for 15 s\nstop: the controller was silent\n");
	post_close(&post);
}

static void a_long_timeout_makes_a_long_silence(void **state) {
	static const uint32_t weights[] = {1};
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	post_take(&post, &(struct message){LINK_CONFIG, .config = {"r1", 1, false, 1000, 10000, "{}", {NULL, 0}, {weights, 1}, 0, 0}});
	agent_prepared(post.a, &(struct agent_prepared){.threads = 1}, post.now);
	post_order(&post, LINK_START, "r1", post.now);
	post_clear(&post);
	post.mute = true;
	post_wait(&post, 29 * SEC); /* three timeouts of 10 s */
	post_expect(&post, "");
	post_wait(&post, 1100 * MSEC);
	assert_non_null(strstr(buf_text(&post.text), "stop: "));
	post_close(&post);
}

static void an_agent_that_slept_blames_nobody(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post.now += 60 * SEC; /* SIGSTOP, SIGCONT */
	post_wait(&post, SEC);
	post_expect(&post, "");
	post_close(&post);
}

static void a_report_is_offered_again(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	post_clear(&post);
	post_wait(&post, 4900 * MSEC);
	post_expect(&post, "");
	post_wait(&post, 200 * MSEC); /* five seconds without TAKEN */
	post_expect(&post, "REPORT r1 0/1 7 late 0 errors 0\n");
	post_down(&post);
	post_wait(&post, 1220 * MSEC);
	post_up(&post);
	post_welcome(&post);
	post_expect(&post, "disconnect\nsay: no connection to the controller: closed\nconnect\nHELLO a run 'r1'\nREPORT r1 0/1 7 late 0 errors 0\n");
	post_order(&post, LINK_TAKEN, "r1", 0);
	post_expect(&post, "GOODBYE 'r1' its run is over\ndisconnect\nleave 0\n");
	post_close(&post);
}

static void a_report_that_nobody_takes_is_given_up(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	post_down(&post);
	for (int i = 0; i < 29; i++) {
		post_wait(&post, SEC);
		post_down(&post);
	}
	assert_int_equal(agent_state(post.a), AGENT_REPORT);
	post_clear(&post);
	post_wait(&post, 1200 * MSEC);
	assert_non_null(strstr(buf_text(&post.text), "say: run r1: its report is given up\ndisconnect\nleave 1\n"));
	post_close(&post);
	rules.standby = true; /* connected, but never acknowledged: 120 s */
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	post_wait(&post, 119 * SEC);
	assert_int_equal(agent_state(post.a), AGENT_REPORT);
	post_wait(&post, 1100 * MSEC);
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	post_close(&post);
}

static void a_report_that_came_too_late_is_given_up(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post_finish(&post, "numbers");
	post_clear(&post);
	post_order(&post, LINK_FAULT, "r1", 0);
	post_expect(&post, "say: the controller says: asked\nsay: run r1: its report is given up\n");
	assert_int_equal(agent_state(post.a), AGENT_IDLE);
	post_close(&post);
}

static void parts_go_out_as_they_arrive(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	static const char *const errors[] = {"one"};
	char *much = calloc(1, 64 * MESSAGE_PART_MAX + 1);
	size_t count = 0;
	(void)state;
	post_run(&post, &rules);
	post.mute = true;
	agent_finished(post.a, &(struct agent_finished){.bytes = {much, 9 * MESSAGE_PART_MAX + 1}, .errors = {errors, 1}}, post.now);
	for (const char *at = buf_text(&post.text); (at = strstr(at, "REPORT r1 ")); at++) count++;
	assert_int_equal(count, 8); /* less than a link lets wait */
	post_clear(&post);
	post.mute = false;
	post_answer(&post);
	post_expect(&post, "REPORT r1 8/10 1048576 late 0 errors 0\nREPORT r1 9/10 1 late 0 errors 0\n");
	post_close(&post);
	post_run(&post, &rules);
	agent_finished(post.a, &(struct agent_finished){.bytes = {much, 64 * MESSAGE_PART_MAX + 1}}, post.now);
	post_expect(&post, "REPORT r1 0/1 0 late 0 errors 1\n"); /* too long: said instead */
	post_close(&post);
	free(much);
}

static void an_interrupt_ends_the_run_and_reports(void **state) {
	for (int standby = 0; standby < 2; standby++) {
		struct post post;
		struct agent_rules rules = post_rules(standby);
		(void)state;
		post_run(&post, &rules);
		agent_interrupt(post.a, post.now);
		post_expect(&post, "stop: interrupted\n");
		post_finish(&post, "numbers");
		post_expect(&post, "REPORT r1 0/1 7 early interrupted late 0 errors 0\n");
		post_order(&post, LINK_TAKEN, "r1", 0);
		post_expect(&post, "GOODBYE 'r1' interrupted\ndisconnect\nleave 0\n");
		post_close(&post);
	}
}

static void an_interrupt_ends_an_idle_agent_at_once(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	agent_interrupt(post.a, post.now);
	post_expect(&post, "GOODBYE '' interrupted\ndisconnect\nleave 0\n");
	post_close(&post);
	post_ready(&post, &rules);
	agent_interrupt(post.a, post.now);
	post_expect(&post, "cancel\nGOODBYE '' interrupted\ndisconnect\nleave 0\n");
	post_close(&post);
	post_open(&post, &rules); /* while it tries to connect */
	post_down(&post);
	post_clear(&post);
	agent_interrupt(post.a, post.now);
	post_expect(&post, "disconnect\nleave 0\n");
	post_close(&post);
}

static void a_second_interrupt_does_not_wait(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	agent_interrupt(post.a, post.now);
	post_clear(&post);
	agent_interrupt(post.a, post.now);
	post_expect(&post, "GOODBYE 'r1' interrupted twice\ndisconnect\nleave 130\n");
	agent_interrupt(post.a, post.now);
	post_finish(&post, "numbers");
	post_wait(&post, SEC);
	post_expect(&post, ""); /* nothing after it has left */
	post_close(&post);
}

static void a_refused_agent_leaves_or_tries_again(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(false);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_clear(&post);
	struct link_event fault = {.what = LINK_MESSAGE, .peer = 1, .kind = LINK_FAULT, .body = SLICE("the id is\x1btaken"), .at = post.now};
	agent_event(post.a, &fault, post.now);
	post_expect(&post, "say: the controller says: the id is?taken\ndisconnect\nsay: no connection to the controller: the id "
			   "is?taken\ndisconnect\nleave 1\n");
	post_close(&post);
	rules.standby = true;
	post_open(&post, &rules);
	agent_event(post.a, &(struct link_event){.what = LINK_DOWN, .peer = 1, .words = "wrong token", .refused = true, .at = post.now}, post.now);
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	post_wait(&post, 1220 * MSEC);
	assert_int_equal(agent_state(post.a), AGENT_CONNECT);
	post_close(&post);
}

static void many_failures_are_told_once_a_minute(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	size_t told = 0;
	(void)state;
	post_open(&post, &rules);
	for (nsec end = post.now + 145 * SEC; post.now < end;) { /* five within the first 20 s */
		post_down(&post);
		post_wait(&post, 100 * MSEC);
	}
	for (const char *at = buf_text(&post.text); (at = strstr(at, "say: ")); at++) told++;
	assert_int_equal(told, 6); /* and one more than a minute later */
	post_close(&post);
}

static void a_malformed_message_is_a_session_error(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	agent_event(post.a, &(struct link_event){.what = LINK_MESSAGE, .peer = 1, .kind = LINK_STOP, .body = SLICE("{}"), .at = post.now}, post.now);
	post_expect(&post, "say: message STOP: 'run_id' is missing\nFAULT '' message STOP: 'run_id' is missing\ndisconnect\n");
	assert_int_equal(agent_state(post.a), AGENT_RECONNECT);
	post_close(&post);
}

static void a_message_in_the_wrong_direction_is_a_session_error(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_join(&post, &rules);
	post_order(&post, LINK_GOODBYE, "", 0);
	post_expect(&post, "say: message GOODBYE is not for an agent\nFAULT '' message GOODBYE is not for an agent\ndisconnect\n");
	post_close(&post);
}

static void a_new_share_is_handed_on(void **state) {
	static const uint32_t weights[] = {1, 2, 3};
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_run(&post, &rules);
	post_take(&post, &(struct message){LINK_STRIPE, .stripe = {"r1", post.now + 2 * SEC, {weights, 3}, 1}});
	post_expect(&post, "say: run r1: share 2 of 3 agents from now on\nrestripe at 3000000 us: 1 of 3, late 0 us\n");
	post_take(&post, &(struct message){LINK_STRIPE, .stripe = {"r1", post.now - 5 * MSEC, {weights, 3}, 1}});
	post_expect(&post, "say: run r1: share 2 of 3 agents from now on\nrestripe at 995000 us: 1 of 3, late 5000 us\n");
	post_take(&post, &(struct message){LINK_STRIPE, .stripe = {"r2", post.now, {weights, 3}, 1}});
	post_expect(&post, "say: a new share of run r2, which is not in progress here, is ignored\n");
	post_close(&post);
}

static void another_controller_has_another_clock(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	nsec offset, round_trip;
	(void)state;
	post_join(&post, &rules); /* without delay */
	post_down(&post);
	post_wait(&post, 1220 * MSEC);
	post.ahead = 60 * SEC;
	post.out = post.back = MSEC;
	post_up(&post);
	post.now += 10 * MSEC;
	post_welcome(&post);
	post_wait(&post, 200 * MSEC);
	assert_true(agent_clock(post.a, &offset, &round_trip));
	assert_int_equal(offset, 60 * SEC);
	post_close(&post);
}

static void after_a_connection_the_attempts_begin_anew(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_open(&post, &rules);
	for (int i = 0; i < 6; i++) {
		post_down(&post);
		post_wait(&post, 12100 * MSEC);
	}
	post_up(&post);
	post_welcome(&post);
	post_down(&post);
	post_wait(&post, 1220 * MSEC);
	assert_int_equal(agent_state(post.a), AGENT_CONNECT);
	post_close(&post);
}

static void heartbeats_suit_the_controllers_timeout(void **state) {
	struct post post;
	struct agent_rules rules = post_rules(true);
	(void)state;
	post_open(&post, &rules);
	post_up(&post);
	post_take(&post, &(struct message){LINK_WELCOME, .welcome = {MESSAGE_PROTOCOL, "1.2.3", post.now, 600, false}});
	post_wait(&post, SEC);
	post_clear(&post);
	post.beats_shown = true;
	post_wait(&post, SEC); /* every 200 ms, a third of 600 */
	size_t beats = 0;
	for (const char *at = buf_text(&post.text); (at = strstr(at, "BEAT")); at++) beats++;
	assert_int_equal(beats, 5);
	post_close(&post);
}

static void moments_that_cannot_be_are_no_sample(void **state) {
	static const nsec cases[][4] = {
		{10, 5, 4, 11}, {10, 5, 5, 9}, {-1, 5, 5, 9}, {10, 5, 9, 12}, {NSEC_NEVER, 0, 0, NSEC_NEVER}, {0, NSEC_NEVER, NSEC_NEVER, 5}};
	struct agent_clock clock = {0};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		if (agent_clock_add(&clock, cases[i])) fail_msg("case %zu was taken", i);
	assert_null(agent_clock_best(&clock));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_controller_has_another_clock),
		cmocka_unit_test(after_a_connection_the_attempts_begin_anew),
		cmocka_unit_test(heartbeats_suit_the_controllers_timeout),
		cmocka_unit_test(moments_that_cannot_be_are_no_sample),
		cmocka_unit_test(the_start_is_mapped_into_the_agents_clock),
		cmocka_unit_test(the_shortest_way_is_believed),
		cmocka_unit_test(a_start_that_has_passed_is_now_and_its_delay_is_reported),
		cmocka_unit_test(a_lost_controller_does_not_end_the_run_at_once),
		cmocka_unit_test(the_load_ends_when_the_controller_stays_away),
		cmocka_unit_test(an_idle_agent_leaves_with_its_controller),
		cmocka_unit_test(a_silent_controller_ends_the_load_after_fifteen_seconds),
		cmocka_unit_test(a_long_timeout_makes_a_long_silence),
		cmocka_unit_test(an_agent_that_slept_blames_nobody),
		cmocka_unit_test(a_report_is_offered_again),
		cmocka_unit_test(a_report_that_nobody_takes_is_given_up),
		cmocka_unit_test(a_report_that_came_too_late_is_given_up),
		cmocka_unit_test(parts_go_out_as_they_arrive),
		cmocka_unit_test(an_interrupt_ends_the_run_and_reports),
		cmocka_unit_test(an_interrupt_ends_an_idle_agent_at_once),
		cmocka_unit_test(a_second_interrupt_does_not_wait),
		cmocka_unit_test(a_refused_agent_leaves_or_tries_again),
		cmocka_unit_test(many_failures_are_told_once_a_minute),
		cmocka_unit_test(a_malformed_message_is_a_session_error),
		cmocka_unit_test(a_message_in_the_wrong_direction_is_a_session_error),
		cmocka_unit_test(a_new_share_is_handed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
