/* Framing of responses, RFC 9112 section 6, as the owner of a connection sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/h1_probe.h"

#define H(status) "HTTP/1.1 " status "\r\n"
#define CHUNKED H("200 OK") "Transfer-Encoding: chunked\r\n\r\n"
#define GET false
#define HEAD true

struct framing {
	const char *text;
	bool is_head;
	enum probe_then then;
	/* what must come out */
	enum reason reason;
	uint16_t status;
	bool reusable;
	const char *body;
};

/* Complete responses. */
static const struct framing complete[] = {
	{H("200 OK") "Content-Length: 5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_NONE, 200, true, "hello"},
	{H("200") "Content-Length: 2\r\n\r\nhi", GET, PROBE_NOTHING, REASON_NONE, 200, true, "hi"},
	{H("200 OK") "content-LENGTH:\t5 \r\n\r\nhello", GET, PROBE_NOTHING, REASON_NONE, 200, true, "hello"},
	{H("404 Not Found") "Content-Length: 0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 404, true, ""},
	{H("204 No Content") "\r\n", GET, PROBE_NOTHING, REASON_NONE, 204, true, ""},
	{H("204 No Content") "Content-Length: 7\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 204, true, ""},
	{H("304 Not Modified") "Content-Length: 7\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 304, true, ""},
	{H("304 Not Modified") "Transfer-Encoding: chunked\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 304, true, ""},
	{H("200 OK") "Content-Length: 7\r\n\r\n", HEAD, PROBE_NOTHING, REASON_NONE, 200, true, ""},
	{H("200 OK") "Transfer-Encoding: chunked\r\n\r\n", HEAD, PROBE_NOTHING, REASON_NONE, 200, true, ""},
	{H("200 OK") "\r\n", HEAD, PROBE_NOTHING, REASON_NONE, 200, true, ""},
	{H("200 OK") "Connection: close\r\n\r\n", HEAD, PROBE_NOTHING, REASON_NONE, 200, false, ""},
	/* the example of RFC 9112 section 7.1 in spirit: chunks, extension, upper and lower case digits */
	{CHUNKED "4\r\nWiki\r\nB;x=\"y\"\r\npedia in chu\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, "Wikipedia in ch"},
	{CHUNKED "4\r\nWiki\r\n00b;x=\"y\"\r\npedia in ch\r\nA\r\nunks.12345\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 200, true,
		"Wikipedia in chunks.12345"},
	{CHUNKED "0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 200, true, ""},
	{CHUNKED "1\r\nx\r\n0\r\nExpires: never\r\nX: y\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{H("200 OK") "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{H("200 OK") "\r\nall the rest", GET, PROBE_EOF, REASON_NONE, 200, false, "all the rest"},
	{H("200 OK") "\r\n", GET, PROBE_EOF, REASON_NONE, 200, false, ""},
	{H("200 OK") "Connection: keep-alive\r\n\r\nrest", GET, PROBE_EOF, REASON_NONE, 200, false, "rest"},
	{H("200 OK") "Transfer-Encoding: gzip\r\n\r\nrest", GET, PROBE_EOF, REASON_NONE, 200, false, "rest"},
	{H("200 OK") "Transfer-Encoding: chunked, gzip\r\n\r\nrest", GET, PROBE_EOF, REASON_NONE, 200, false, "rest"},
	{H("200 OK") "Connection: close\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_EOF, REASON_NONE, 200, false, "x"},
	{H("200 OK") "Connection: foo, Close\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, false, "x"},
	{H("200 OK") "Connection: closed\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, false, "x"},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 200, false, ""},
	{H("100 Continue") "\r\n" H("200 OK") "Content-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{H("103 Early Hints") "Link: </a>; rel=preload\r\n\r\n" H("102 Processing") "\r\n" H("200 OK") "Content-Length: 1\r\n\r\nx", GET,
		PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{H("100 Continue") "Content-Length: 9\r\n\r\n" H("204 No Content") "\r\n", GET, PROBE_NOTHING, REASON_NONE, 204, true, ""},
	{H("200 OK") "A: b\r\n folded\r\nContent-Length: 1\r\n\r\nx", GET, PROBE_NOTHING, REASON_NONE, 200, true, "x"},
	{H("999 Odd") "Content-Length: 0\r\n\r\n", GET, PROBE_NOTHING, REASON_NONE, 999, true, ""},
};

/* Responses that are cut off, or no HTTP/1.1. */
static const struct framing broken[] = {
	{"", GET, PROBE_EOF, REASON_CLOSED, 0, false, ""},
	{"", GET, PROBE_RESET, REASON_RESET, 0, false, ""},
	{"H", GET, PROBE_EOF, REASON_CUT, 0, false, ""},
	{H("200 OK") "Content-Le", GET, PROBE_EOF, REASON_CUT, 200, false, ""},
	{H("200 OK") "Content-Length: 6\r\n\r\nhello", GET, PROBE_EOF, REASON_CUT, 200, false, "hello"},
	{H("200 OK") "Content-Length: 6\r\n\r\nhello", GET, PROBE_RESET, REASON_RESET, 200, false, "hello"},
	{H("200 OK") "\r\nhello", GET, PROBE_RESET, REASON_RESET, 200, false, "hello"},
	{CHUNKED "5\r\nhel", GET, PROBE_EOF, REASON_CUT, 200, false, "hel"},
	{CHUNKED "5\r\nhello\r\n0\r\n", GET, PROBE_EOF, REASON_CUT, 200, false, "hello"},
	{H("100 Continue") "\r\n", GET, PROBE_EOF, REASON_CUT, 0, false, ""},
	{H("100 Continue") "\r\n", GET, PROBE_RESET, REASON_RESET, 0, false, ""},
	{H("101 Switching Protocols") "Upgrade: x\r\nConnection: upgrade\r\n\r\n", GET, PROBE_NOTHING, REASON_UPGRADE, 101, false, ""},
	{H("101 Switching Protocols") "\r\n", GET, PROBE_NOTHING, REASON_UPGRADE, 101, false, ""},
	{"garbage", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{"\r\n" H("200 OK") "Content-Length: 0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{"HTTP/1.1  200 OK\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{"HTTP/1.2 200 OK\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{"HTTP/2.0 200 OK\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{"HTTP/0.9 200 OK\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("20 OK") "\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{H("099 OK") "\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{H("2000 OK") "\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 0, false, ""},
	{"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 0\n\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "A: b\nContent-Length: 0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "A: b\rc\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "A: \x01\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "A b: c\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length : 5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 5, 5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: +5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: -5\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length:\r\n\r\nhello", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 18446744073709551616\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{H("200 OK") "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "x\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "-1\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "11111111111111111\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "5\nhello\r\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, ""},
	{CHUNKED "5\r\nhello0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, "hello"},
	{CHUNKED "5\r\nhello\n0\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, "hello"},
	{CHUNKED "1\r\nx\r\n0\r\nbad trailer\r\n\r\n", GET, PROBE_NOTHING, REASON_MALFORMED, 200, false, "x"},
};

/* Where the final response begins: behind all heads of status 1xx. */
static const char *final_head(const char *text) {
	while (strncmp(text, "HTTP/1.1 1", 10) == 0) text = strstr(text, "\r\n\r\n") + 4;
	return text;
}

static void expect(const struct framing *want, const struct probe *got, const char *how) {
	const char *head = final_head(want->text);
	bool equal = got->order &&
		     (!got->heads || (got->head_size > 0 && strncmp(head, got->head, got->head_size) == 0 &&
					     strstr(head, "\r\n\r\n") + 4 == head + got->head_size)) &&
		     got->ends == 1 && got->end.reason == want->reason && got->end.status == want->status && got->end.reusable == want->reusable &&
		     got->end.body_bytes == strlen(want->body) && got->body_size == strlen(want->body) &&
		     memcmp(got->body, want->body, got->body_size) == 0 && got->end.any_byte == (want->text[0] != 0);
	if (equal) return;
	fail_msg("%s: %.120s: order %d ends %u %s status %u reusable %d any_byte %d body %llu '%.*s'", how, want->text, got->order, got->ends,
		reason_name(got->end.reason), got->end.status, got->end.reusable, got->end.any_byte, (unsigned long long)got->end.body_bytes,
		(int)got->body_size, got->body);
}

/* Whole, cut in two at every place, and byte by byte: always with a memory that knows nothing, and with one that has seen it all. */
static void check_framing(const struct framing *want) {
	static struct probe probe;
	struct probe_input input = {slice_of(want->text), want->is_head, want->then};
	size_t size = input.bytes.size;
	size_t each[512];
	assert_true(size < LENGTH(each));
	for (size_t i = 0; i + 1 < size; i++) each[i] = i + 1;
	each[size ? size - 1 : 0] = 0;
	struct http_shared *warm = h1_ops.new_shared(&probe_events);
	for (size_t cut = 0; cut < size || cut == 0; cut++) {
		struct http_shared *cold = h1_ops.new_shared(&probe_events);
		probe_run(&probe, cold, &input, (size_t[]){cut, 0});
		expect(want, &probe, cut ? "in two" : "whole");
		probe_run(&probe, warm, &input, (size_t[]){cut, 0});
		expect(want, &probe, cut ? "in two, again" : "whole, again");
		h1_ops.free_shared(cold);
	}
	probe_run(&probe, warm, &input, each);
	expect(want, &probe, "byte by byte");
	h1_ops.free_shared(warm);
}

static void complete_responses_end_well_however_they_are_cut(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(complete); i++) check_framing(&complete[i]);
}

static void broken_responses_say_why_however_they_are_cut(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(broken); i++) check_framing(&broken[i]);
}

static void bytes_behind_the_response_are_refused(void **state) {
	(void)state;
	static const char *const texts[] = {
		H("200 OK") "Content-Length: 5\r\n\r\nhelloX",
		H("204 No Content") "\r\nX",
		CHUNKED "0\r\n\r\nX",
		H("200 OK") "Content-Length: 0\r\n\r\n" H("200 OK") "Content-Length: 0\r\n\r\n",
		H("200 OK") "Connection: close\r\nContent-Length: 1\r\n\r\nx\r\n",
	};
	static struct probe probe;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct http_shared *shared = h1_ops.new_shared(&probe_events);
		for (int again = 0; again < 2; again++) {
			probe_run(&probe, shared, &(struct probe_input){.bytes = slice_of(texts[i])}, NULL);
			assert_int_equal(probe.ends, 1);
			assert_int_equal(probe.end.reason, REASON_LEFTOVER);
			assert_false(probe.end.reusable);
			assert_false(probe.alive);
		}
		h1_ops.free_shared(shared);
	}
	/* a body in answer to HEAD is no body */
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	probe_run(&probe, shared, &(struct probe_input){slice_of(H("200 OK") "Content-Length: 1\r\n\r\nx"), .is_head = true}, NULL);
	assert_int_equal(probe.end.reason, REASON_LEFTOVER);
	h1_ops.free_shared(shared);
}

static void bytes_without_a_request_close_the_connection(void **state) {
	(void)state;
	static struct probe probe;
	_Alignas(max_align_t) char conn[PROBE_STATE_MAX];
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	h1_ops.start(conn, shared, &probe);
	assert_int_equal(h1_ops.room(conn), 1);
	assert_false(h1_ops.feed(conn, SLICE("HTTP/1.1 408 Request Timeout\r\n\r\n"), 1));
	assert_int_equal(h1_ops.room(conn), 0);

	probe_begin(&probe, conn, shared, false);
	probe_feed(&probe, conn, SLICE(H("200 OK") "Content-Length: 2\r\n\r\nhi"), 1);
	assert_true(probe.alive);
	assert_int_equal(h1_ops.room(conn), 1);
	probe_feed(&probe, conn, SLICE("\r\n"), 2);
	assert_false(probe.alive);
	assert_int_equal(h1_ops.room(conn), 0);
	assert_int_equal(probe.ends, 1);
	h1_ops.finish(conn, false, 3);
	assert_int_equal(probe.ends, 1);
	h1_ops.free_shared(shared);
}

static void first_is_the_first_byte_of_the_final_response(void **state) {
	(void)state;
	static const char text[] = H("100 Continue") "\r\n" H("200 OK") "Content-Length: 2\r\n\r\nhi";
	static struct probe probe;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	struct probe_input input = {.bytes = slice_of(text)};
	for (int again = 0; again < 2; again++) {
		probe_run(&probe, shared, &input, (size_t[]){10, 25, 26, 30, 60, 0}); /* the 1xx head has 25 bytes */
		assert_int_equal(probe.end.first, 3);
		probe_run(&probe, shared, &input, (size_t[]){10, 24, 0});
		assert_int_equal(probe.end.first, 3);
		probe_run(&probe, shared, &input, (size_t[]){10, 26, 0});
		assert_int_equal(probe.end.first, 2);
		probe_run(&probe, shared, &input, NULL);
		assert_int_equal(probe.end.first, 1);
	}
	input.bytes = slice_of("");
	input.then = PROBE_EOF;
	probe_run(&probe, shared, &input, NULL);
	assert_int_equal(probe.end.first, 0);
	h1_ops.free_shared(shared);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_responses_end_well_however_they_are_cut),
		cmocka_unit_test(broken_responses_say_why_however_they_are_cut),
		cmocka_unit_test(bytes_behind_the_response_are_refused),
		cmocka_unit_test(bytes_without_a_request_close_the_connection),
		cmocka_unit_test(first_is_the_first_byte_of_the_final_response),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
