#include "target/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"

static char text[ENDPOINT_TEXT_MAX];

/* The answer to a GET of `target`. */
static struct answer ask(const char *target) {
	struct endpoint_request request = {.method = SLICE("GET"), .read = 1000, .text = text};
	struct answer answer = {.status = 200, .keep_alive = true};
	endpoint_split(slice_of(target), &request.path, &request.query);
	const struct endpoint *row = endpoint_find(request.path);
	request.rest = (struct slice){request.path.at + row->name.size, request.path.size - row->name.size};
	row->answer(&request, &answer);
	return answer;
}

static void a_path_finds_its_row(void **state) {
	(void)state;
	static const struct {
		const char *target, *name; /* "": the row for unknown paths */
	} cases[] = {{"/", "/"}, {"/?a=/health", "/"}, {"/health", "/health"}, {"/healthy", ""}, {"/heal", ""}, {"/delay/5ms", "/delay/"},
		{"/delay", ""}, {"/delay/", "/delay/"}, {"/status/200?x", "/status/"}, {"/stats", "/stats"}, {"/echo", "/echo"}, {"/echo/1", ""},
		{"", ""}, {"*", ""}, {"http://host:1/health", "/health"}, {"http://host", "/"}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct slice path, query;
		endpoint_split(slice_of(cases[i].target), &path, &query);
		struct slice name = endpoint_find(path)->name;
		assert_int_equal(name.size, strlen(cases[i].name));
		assert_memory_equal(name.size ? name.at : "", cases[i].name, name.size);
	}
}

static void delays_are_read_with_their_units(void **state) {
	(void)state;
	assert_int_equal(ask("/delay/5ms").delay, 5 * MSEC);
	assert_int_equal(ask("/delay/100us").delay, 100 * USEC);
	assert_int_equal(ask("/delay/1.5s").delay, 1500 * MSEC);
	assert_true(ask("/delay/5ms").is_plain);
	assert_int_equal(ask("/delay/soon").status, 400);
	assert_int_equal(ask("/delay/").status, 400);
}

static void statuses_without_a_body_have_none(void **state) {
	(void)state;
	assert_int_equal(ask("/status/503").status, 503);
	assert_int_equal(ask("/status/204").framing, ANSWER_NO_BODY);
	assert_int_equal(ask("/status/304").framing, ANSWER_NO_BODY);
	assert_int_equal(ask("/status/205").body_bytes, 0);
	assert_int_equal(ask("/status/99").status, 400);
	assert_int_equal(ask("/status/600").status, 400);
	struct answer interim = ask("/status/103");
	assert_int_equal(interim.status, 200);
	assert_true(slice_equal(interim.before, SLICE("HTTP/1.1 103 Early Hints\r\n\r\n")));
}

static void sizes_over_one_gibibyte_are_refused(void **state) {
	(void)state;
	assert_int_equal(ask("/bytes/1073741824").body_bytes, 1073741824);
	assert_int_equal(ask("/bytes/1073741825").status, 400);
	assert_int_equal(ask("/bytes/-1").status, 400);
	assert_int_equal(ask("/chunked/x").status, 400);
}

static void slow_body_reads_its_query(void **state) {
	(void)state;
	struct answer answer = ask("/slow-body?time=2s&bytes=7");
	assert_int_equal(answer.stream.bytes, 7);
	assert_int_equal(answer.stream.time, 2 * SEC);
	assert_int_equal(ask("/slow-body?bytes=x").status, 400);
	assert_int_equal(ask("/slow-body").stream.bytes, 100);
}

static void an_unknown_path_is_told_which_there_are(void **state) {
	(void)state;
	struct answer answer = ask("/nowhere");
	assert_int_equal(answer.status, 404);
	for (size_t i = 0; i + 1 < endpoint_count; i++)
		assert_non_null(memmem(answer.body.at, answer.body.size, endpoints[i].name.at, endpoints[i].name.size));
}

static void a_head_is_as_http_wants_it(void **state) {
	(void)state;
	struct answer answer = {.status = 404, .keep_alive = true, .body_bytes = 12};
	char head[ANSWER_HEAD_MAX];
	size_t truth, size = answer_format_head(&answer, head, &truth);
	static const char want[] = "HTTP/1.1 404 Not Found\r\nX-Strest: 0000000000000000 0000000000000000 -\r\nServer: strest-target\r\n"
				   "Content-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 12\r\n\r\n";
	assert_int_equal(size, sizeof(want) - 1);
	assert_memory_equal(head, want, size);
	assert_int_equal(truth, 34);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_row),
		cmocka_unit_test(delays_are_read_with_their_units),
		cmocka_unit_test(statuses_without_a_body_have_none),
		cmocka_unit_test(sizes_over_one_gibibyte_are_refused),
		cmocka_unit_test(slow_body_reads_its_query),
		cmocka_unit_test(an_unknown_path_is_told_which_there_are),
		cmocka_unit_test(a_head_is_as_http_wants_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
