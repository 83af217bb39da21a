/* Reports in parts, and what --on-agent-loss does (spec 1.6, 2.4 (e) as amended; the start spread of part III). */
#include "dist/controller_fixture.h"

static void send_part(struct desk *desk, int64_t part, int64_t parts, const char *bytes) {
	desk_take(desk, 1, &(struct message){LINK_REPORT, .report = {.run_id = "r1", .part = part, .parts = parts, .bytes = slice_of(bytes)}});
}

static void parts_are_joined_in_order_and_once(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	send_part(&desk, 1, 2, "zz"); /* cut in another way, then begun anew */
	send_part(&desk, 2, 3, "C");
	send_part(&desk, 0, 3, "A");
	send_part(&desk, 0, 3, "X");
	desk_expect(&desk, "");
	send_part(&desk, 1, 3, "B");
	send_part(&desk, 1, 3, "B");
	desk_expect(&desk, "report 0: ABC\n1: TAKEN r1\n1: TAKEN r1\n");
	desk_close(&desk);
}

static void parts_of_all_agents_have_one_limit(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	char *much = calloc(1, MESSAGE_PART_MAX), id[8];
	(void)state;
	rules.min_agents = 5;
	desk_open(&desk, &rules);
	for (int i = 1; i <= 5; i++) snprintf(id, sizeof(id), "%d", i), desk_hello(&desk, (uint64_t)i, id, "");
	desk_tick(&desk);
	for (uint64_t i = 1; i <= 5; i++) desk_ready(&desk, i, 1);
	desk_tick(&desk);
	desk_clear(&desk);
	struct message part = {LINK_REPORT, .report = {.run_id = "r1", .parts = 64, .bytes = {much, MESSAGE_PART_MAX}}};
	for (uint64_t peer = 1; peer <= 5; peer++) /* 63 MiB each: the fifth does not fit into 256 */
		for (part.report.part = 0; part.report.part < 63; part.report.part++)
			if (peer < 5 || part.report.part < 5) desk_take(&desk, peer, &part);
	desk_expect(&desk, "say: agent '5': no room for a part of its report now\n");
	part.report.part = 63;
	desk_take(&desk, 1, &part);
	desk_expect(&desk, "report 0: \n1: TAKEN r1\n");
	desk_close(&desk);
	free(much);
}

static void the_others_take_over_when_told_so(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.on_loss = CONTROLLER_REDISTRIBUTE;
	rules.min_agents = 3;
	desk_open(&desk, &rules);
	for (int i = 1; i <= 3; i++) desk_hello(&desk, (uint64_t)i, (const char *[]){"a", "b", "c"}[i - 1], "");
	desk_tick(&desk);
	for (uint64_t i = 1; i <= 3; i++) desk_ready(&desk, i, 1);
	desk_tick(&desk);
	desk_wait(&desk, 5 * SEC, "123");
	desk_down(&desk, 2);
	desk_clear(&desk);
	desk_tick(&desk); /* 1005.3 s; 2 s ahead */
	desk_expect(
		&desk, "1: STRIPE at 1007300 ms 0 of 1,1\n3: STRIPE at 1007300 ms 1 of 1,1\nsay: 2 agents share the whole load from 2000 ms on\n");
	desk_hello(&desk, 4, "b", "r1"); /* it must not send what others send now */
	desk_expect(&desk, "4: WELCOME\nsay: agent 'b' is back; its report is taken if it comes in time\n4: STOP r1\n");
	desk_report_in(&desk, 4, "r1", "B");
	desk_tick(&desk);
	desk_expect(&desk, "report 1: B\n4: TAKEN r1\n");
	desk_close(&desk);
}

static void a_closed_loop_is_not_shared_anew(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.on_loss = CONTROLLER_REDISTRIBUTE;
	desk_open(&desk, &rules);
	desk.run.open_loop = false;
	desk_hello(&desk, 1, "a", "");
	desk_hello(&desk, 2, "b", "");
	desk_tick(&desk);
	desk_ready(&desk, 1, 1);
	desk_ready(&desk, 2, 1);
	desk_tick(&desk);
	desk_down(&desk, 1);
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "");
	desk_close(&desk);
}

static void a_loss_ends_the_run_when_told_so(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.on_loss = CONTROLLER_ABORT;
	desk_run(&desk, &rules);
	desk_down(&desk, 1);
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "say: the run ends: agent 'a' was lost\n2: STOP r1\n");
	desk_report_in(&desk, 2, "r1", "B");
	desk_wait(&desk, 3 * SEC, "2");
	desk_expect(&desk, "report 1: B\n2: TAKEN r1\nerror: agent 'a': closed\nover done: 1 of 2, agent 'a' was lost\n");
	desk_close(&desk);
}

static void starts_that_lie_apart_are_told(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	desk_take(&desk, 1, &(struct message){LINK_REPORT, .report = {.run_id = "r1", .parts = 1, .started_late_ns = 3 * MSEC}});
	desk_take(&desk, 2, &(struct message){LINK_REPORT, .report = {.run_id = "r1", .parts = 1, .started_late_ns = 54 * MSEC}});
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "say: the agents did not start together: the last one 51 ms after the first one\nover done: 2 of 2\n");
	assert_int_equal(desk.outcome.spread, 51 * MSEC);
	desk_close(&desk);
}

static void snapshots_never_go_back(void **state) {
	static const int64_t seq[] = {1, 3, 2, 3, 4};
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	desk_run(&desk, &rules);
	for (size_t i = 0; i < LENGTH(seq); i++) desk_take(&desk, 2, &(struct message){LINK_SNAPSHOT, .snapshot = {"r1", seq[i], 0, SLICE("x")}});
	desk_expect(&desk, "snapshot 1: 1\nsnapshot 1: 3\nsnapshot 1: 4\n");
	desk_close(&desk);
}

static void a_new_share_does_not_begin_before_the_run(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	(void)state;
	rules.on_loss = CONTROLLER_REDISTRIBUTE;
	rules.start_after = 30 * SEC;
	desk_run(&desk, &rules); /* to start at 1030.2 s */
	desk_down(&desk, 2);
	desk_clear(&desk);
	desk_tick(&desk);
	desk_expect(&desk, "1: STRIPE at 1030200 ms 0 of 1\nsay: 1 agents share the whole load from 29900 ms on\n");
	desk_close(&desk);
}

static void attempts_have_a_limit(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	char id[8];
	(void)state;
	rules.min_agents = 1;
	desk_open(&desk, &rules);
	for (uint64_t i = 1; i <= 30; i++) snprintf(id, sizeof(id), "%d", (int)i), desk_hello(&desk, i, id, "");
	desk_tick(&desk);
	for (uint64_t failed = 1; failed <= 16; failed++) {
		assert_int_equal(desk.overs, 0);
		desk_take(&desk, failed, &(struct message){LINK_FAULT, .order = {.run_id = "r1", .attempt = (int64_t)failed, .words = "no"}});
		for (uint64_t i = failed + 1; i <= 30; i++) desk_ready(&desk, i, (int64_t)failed);
		desk_tick(&desk);
	}
	assert_int_equal(desk.outcome.end, CONTROLLER_FAILED);
	assert_non_null(strstr(buf_text(&desk.text), "over failed: 0 of 14, agents failed again and again before the start\n"));
	desk_close(&desk);
}

static void connections_and_agents_have_a_limit(void **state) {
	struct desk desk;
	struct controller_rules rules = desk_rules();
	char id[8];
	(void)state;
	rules.manual = true;
	desk_open(&desk, &rules);
	for (uint64_t i = 1; i <= CONTROLLER_GUESTS_MAX + 1; i++) desk_up(&desk, i);
	desk_expect(&desk, "1001: dropped: too many connections that have not said HELLO\n");
	for (uint64_t i = 2001; i <= 12001; i++) {
		if (i == 2001) desk_down(&desk, 1);
		snprintf(id, sizeof(id), "%d", (int)i);
		desk_clear(&desk);
		desk_hello(&desk, i, id, "");
	}
	assert_non_null(strstr(buf_text(&desk.text), "12001: dropped: 10000 agents are there, which is the most\n"));
	assert_int_equal(controller_list(desk.c, NULL, 0), MESSAGE_AGENTS_MAX);
	desk_close(&desk);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_share_does_not_begin_before_the_run),
		cmocka_unit_test(attempts_have_a_limit),
		cmocka_unit_test(connections_and_agents_have_a_limit),
		cmocka_unit_test(parts_are_joined_in_order_and_once),
		cmocka_unit_test(parts_of_all_agents_have_one_limit),
		cmocka_unit_test(the_others_take_over_when_told_so),
		cmocka_unit_test(a_closed_loop_is_not_shared_anew),
		cmocka_unit_test(a_loss_ends_the_run_when_told_so),
		cmocka_unit_test(starts_that_lie_apart_are_told),
		cmocka_unit_test(snapshots_never_go_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
