#include "dist/control_words.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/json_read.h"

static void check(char *text, const char *expected) {
	struct tree_fault fault;
	struct arena arena;
	struct tree *root;
	arena_init(&arena);
	if (!json_read(slice_of(text), &arena, &root, &fault)) fail_msg("%s: %s", text, fault.text);
	assert_string_equal(text, expected);
	arena_fini(&arena);
	free(text);
}

static const struct controller_agent agents[] = {
	{.id = "a\"1",
		.host = "one",
		.weight = 2,
		.cpus = 8,
		.offset = -1500000,
		.state = "running",
		.last_seen = 7 * SEC,
		.cpu = 12.5,
		.in_flight = 40},
	{.id = "b", .host = "two", .weight = 1, .cpus = 4, .state = "lost", .last_seen = 0},
};

static void agents_are_told(void **state) {
	(void)state;
	check(control_words_agents(NULL, 0, SEC), "{\"agents\":[]}");
	check(control_words_agents(agents, 2, 7 * SEC + 250 * MSEC),
		"{\"agents\":["
		"{\"id\":\"a\\\"1\",\"hostname\":\"one\",\"weight\":2,\"cpus\":8,\"state\":\"running\",\"last_seen_ms\":250,\"cpu_percent\":12.5,"
		"\"in_flight\":40,\"clock_offset_ms\":-1.5},"
		"{\"id\":\"b\",\"hostname\":\"two\",\"weight\":1,\"cpus\":4,\"state\":\"lost\",\"last_seen_ms\":null,\"cpu_percent\":0.0,"
		"\"in_flight\":0,\"clock_offset_ms\":0.0}]}");
	check(control_words_agents(agents, 1, 6 * SEC), /* seen after the moment that is told */
		"{\"agents\":[{\"id\":\"a\\\"1\",\"hostname\":\"one\",\"weight\":2,\"cpus\":8,\"state\":\"running\",\"last_seen_ms\":0,"
		"\"cpu_percent\":12.5,\"in_flight\":40,\"clock_offset_ms\":-1.5}]}");
}

static void a_state_is_told(void **state) {
	static const char *const words[] = {"idle", "waiting", "preparing", "starting", "running", "over"};
	(void)state;
	for (int i = CONTROLLER_IDLE; i <= CONTROLLER_OVER; i++) {
		char expected[200];
		struct control_status status = {.state = (enum controller_state)i, .elapsed = -1};
		snprintf(expected, sizeof(expected),
			"{\"state\":\"%s\",\"run_id\":null,\"elapsed_ms\":null,\"agents_expected\":0,\"agents_reported\":0,\"agents\":[],"
			"\"last_summary\":null}",
			words[i]);
		check(control_words_status(&status, SEC), expected);
	}
	struct control_status status = {.state = CONTROLLER_RUNNING,
		.run_id = "17-4",
		.elapsed = 1999 * MSEC,
		.expected = 3,
		.reported = 1,
		.agents = agents + 1,
		.agent_count = 1,
		.summary = "{\"requests\":{\"ok\":7}}"};
	check(control_words_status(&status, SEC),
		"{\"state\":\"running\",\"run_id\":\"17-4\",\"elapsed_ms\":1999,\"agents_expected\":3,\"agents_reported\":1,"
		"\"agents\":[{\"id\":\"b\",\"hostname\":\"two\",\"weight\":1,\"cpus\":4,\"state\":\"lost\",\"last_seen_ms\":null,\"cpu_percent\":0.0,"
		"\"in_flight\":0,\"clock_offset_ms\":0.0}],\"last_summary\":{\"requests\":{\"ok\":7}}}");
}

static void answers_to_orders(void **state) {
	(void)state;
	check(control_words_done("started", "17-4"), "{\"status\":\"started\",\"run_id\":\"17-4\"}");
	check(control_words_done("idle", NULL), "{\"status\":\"idle\",\"run_id\":null}");
	check(control_words_error("no \"x\""), "{\"error\":\"no \\\"x\\\"\"}");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agents_are_told),
		cmocka_unit_test(a_state_is_told),
		cmocka_unit_test(answers_to_orders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
