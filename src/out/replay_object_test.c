#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "out/replay_object.h"

#define OURS                                                                                                                                         \
	"\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,\"timed_out\":false,\"transport_error\":true,\"response_bytes\":5,\"in_flight_ops\":" \
	"6,"                                                                                                                                         \
	"\"due_ns\":1000000,\"ready_ns\":1,\"sent_ns\":2,\"written_ns\":3,\"first_byte_ns\":4,\"done_ns\":5,\"dns_ns\":6,\"connect_ns\":7,"          \
	"\"tls_ns\":8,\"retry_ns\":9,\"outcome\":\"ok\",\"reason\":\"none\",\"step\":1,\"protocol\":\"h2\",\"connection\":2,\"bytes\":3,\"url\":4"
#define OUR_LINE "1,2,200,0,1,5,6,1000000,1,2,3,4,5,6,7,8,9,ok,none,1,h2,2,3,4"

/* By hand. A line of NULL: no record, as `what` says. Beside each that has the usual form stands one that has not. */
static const struct {
	const char *text;
	enum replay_object what;
	const char *line;
} cases[] = {
	{"{" OURS "}", OBJECT_RECORD, OUR_LINE},
	{"{" OURS ",\"step_name\":\"a, b\"}", OBJECT_RECORD, OUR_LINE},
	{"{" OURS ",\"step_name\":\"\\\"\"}", OBJECT_RECORD, OUR_LINE},
	{"{" OURS ",\"x\":{\"elapsed_ms\":[9]}}", OBJECT_RECORD, OUR_LINE},
	{"{" OURS ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1}", OBJECT_RECORD, OUR_LINE},
	{"{ \"type\" : \"record\" ,\r\n\t" OURS " }", OBJECT_RECORD, OUR_LINE},
	{"{\"status_code\":200,\"latency_ms\":2,\"elapsed_ms\":1}", OBJECT_RECORD, "1,2,200,0,0,0,0"},
	{"{\"status_code\":200,\"latency_\\u006ds\":2,\"elapsed_ms\":1}", OBJECT_RECORD, "1,2,200,0,0,0,0"},
	{"{\"elapsed_ms\":1,\"latency_ms\":-2,\"status_code\":200}", OBJECT_RECORD,
		"1,-2,200,0,0,0,0"}, /* no record, but that is for others to see */
	{"{\"elapsed_ms\":1234567890123456789,\"latency_ms\":2,\"status_code\":200}", OBJECT_RECORD, "1234567890123456789,2,200,0,0,0,0"},
	{"{\"type\":\"summary\",\"elapsed_ms\":1}", OBJECT_OTHER, NULL},
	{"{\"type\":7,\"elapsed_ms\":1}", OBJECT_OTHER, NULL},
	{"{\"type\":null,\"elapsed_ms\":1}", OBJECT_OTHER, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,\"due_ns\":1}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2.5,\"status_code\":200}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":02,\"status_code\":200}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,\"elapsed_ms\":1}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,\"x\":1,\"x\":1}", OBJECT_BAD, NULL},
	{"{\"type\":\"record\",\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,\"type\":\"record\"}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200,}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200} {}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":200", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":tru,\"status_code\":200}", OBJECT_BAD, NULL},
	{"{\"elapsed_ms\":1,\"latency_ms\":,\"status_code\":200}", OBJECT_BAD, NULL},
	{"{}", OBJECT_BAD, NULL},
	{"[1]", OBJECT_BAD, NULL},
	{"", OBJECT_BAD, NULL},
};

static void objects_are_lines(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct replay_line line = {0};
		enum replay_object what = replay_object_read(slice_of(cases[i].text), &line);
		if (what != cases[i].what) fail_msg("%s: %d", cases[i].text, (int)what);
		if (!cases[i].line) continue;
		if (!slice_equal((struct slice){line.at, line.size}, slice_of(cases[i].line)))
			fail_msg("%s: %.*s", cases[i].text, (int)line.size, line.at);
	}
}

static void a_line_has_an_end(void **state) {
	(void)state;
	char text[2000];
	struct replay_line line;
	snprintf(text, sizeof(text), "{\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":\"%0600d\"}", 7);
	assert_int_equal(replay_object_read(slice_of(text), &line), OBJECT_BAD);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_lines),
		cmocka_unit_test(a_line_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
