/* The comparison with the last heads, and that it never decides otherwise than the parser would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/h1_probe.h"
#include "http/head.h"

static struct head_memory memory;

#define LINE "HTTP/1.1 200 OK\r\n"

static void an_equal_head_is_found_whatever_follows(void **state) {
	(void)state;
	struct slice head = SLICE(LINE "Content-Length: 2\r\n\r\n");
	head_init(&memory);
	assert_int_equal(head_find(&memory, head), -1);
	int number = head_keep(&memory, head);
	assert_int_equal(head_size(&memory, number), head.size);
	assert_int_equal(head_find(&memory, head), number);
	assert_int_equal(head_find(&memory, SLICE(LINE "Content-Length: 2\r\n\r\nhi and more")), number);
	assert_int_equal(head_find(&memory, SLICE(LINE "Content-Length: 3\r\n\r\n")), -1);
	assert_int_equal(head_find(&memory, (struct slice){head.at, head.size - 1}), -1);
	assert_int_equal(head_find(&memory, SLICE("")), -1);
}

static void values_that_change_nothing_become_gaps(void **state) {
	(void)state;
	head_init(&memory);
	int number = head_keep(&memory, SLICE(LINE "Date: 10:00:00\r\nContent-Length: 2\r\nX-Id: 17\r\n\r\n"));
	assert_true(head_loosen(&memory, number, SLICE(LINE "Date: 10:00:01\r\nContent-Length: 2\r\nX-Id: 17\r\n\r\n")));
	assert_int_equal(head_find(&memory, SLICE(LINE "Date: 23:59:59\r\nContent-Length: 2\r\nX-Id: 17\r\n\r\n")), number);
	assert_int_equal(head_find(&memory, SLICE(LINE "Date: 23:59:59\r\nContent-Length: 2\r\nX-Id: 18\r\n\r\n")), -1);
	assert_true(head_loosen(&memory, number, SLICE(LINE "Date: 23:59:59\r\nContent-Length: 2\r\nX-Id: 18\r\n\r\n")));
	assert_int_equal(head_find(&memory, SLICE(LINE "Date: 00:00:00\r\nContent-Length: 2\r\nX-Id: ab\r\n\r\n")), number);
	assert_int_equal(head_find(&memory, SLICE(LINE "Date: 00:00:00\r\nContent-Length: 3\r\nX-Id: ab\r\n\r\n")), -1);
	/* what a parser may refuse or end a line with is never taken for a value */
	for (int byte = 0; byte < 256; byte++) {
		char text[] = LINE "Date: 00:00:00\r\nContent-Length: 2\r\nX-Id: ab\r\n\r\n";
		for (size_t at = sizeof(LINE) + 5; at < sizeof(LINE) + 12; at++) {
			text[at] = (char)byte;
			assert_int_equal(head_find(&memory, slice_of(byte ? text : "")), byte >= ' ' && byte <= '~' ? number : -1);
			text[at] = '0';
		}
	}
}

static void what_matters_never_becomes_a_gap(void **state) {
	(void)state;
	static const char *const pairs[][2] = {
		{LINE "Content-Length: 2\r\n\r\n", LINE "Content-Length: x\r\n\r\n"},
		{LINE "Content-Length: 12\r\n\r\n", LINE "Content-Length:  3\r\n\r\n"},
		{LINE "Content-Length: 12\r\n\r\n", LINE "Content-Length: +3\r\n\r\n"},
		{LINE "Content-Length: 1000000000000000000\r\n\r\n", LINE "Content-Length: 1000000000000000001\r\n\r\n"}, /* 19 digits */
		{LINE "CONNECTION: aaaaa\r\n\r\n", LINE "CONNECTION: close\r\n\r\n"},
		{LINE "Transfer-Encoding: chunked\r\n\r\n", LINE "Transfer-Encoding: chunkex\r\n\r\n"},
		{LINE "Proxy-Connection: aaaaa\r\n\r\n", LINE "Proxy-Connection: close\r\n\r\n"},
		{LINE "Upgrade: a\r\n\r\n", LINE "Upgrade: b\r\n\r\n"},
		{LINE "Keep-Alive: 1\r\n\r\n", LINE "Keep-Alive: 2\r\n\r\n"},
		{LINE "Expect: 100-continue\r\n\r\n", LINE "Expect: 100-continux\r\n\r\n"},
		{LINE "A: b\r\n\r\n", LINE "B: b\r\n\r\n"},
		{LINE "A: b\r\n\r\n", LINE "A: bc\r\n\r\n"},
		{LINE "A: b\r\n c\r\n\r\n", LINE "A: x\r\n c\r\n\r\n"},
		{LINE "A: b\r\n\tc\r\n\r\n", LINE "A: b\r\n\td\r\n\r\n"},
		{LINE ": a\r\n\r\n", LINE ": b\r\n\r\n"},
		{LINE "A: \t\r\n\r\n", LINE "A: b\r\n\r\n"},
		{LINE "A: \xe4\r\n\r\n", LINE "A: b\r\n\r\n"},
		{LINE "A: b\r\n\r\n", LINE "A: \xe4\r\n\r\n"},
		{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 201 OK\r\n\r\n"},
		{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 ok\r\n\r\n"},
		{"GET /a HTTP/1.1\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"},
	};
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		head_init(&memory);
		int number = head_keep(&memory, slice_of(pairs[i][0]));
		if (head_loosen(&memory, number, slice_of(pairs[i][1]))) fail_msg("loosened: %s", pairs[i][1]);
		assert_int_equal(head_find(&memory, slice_of(pairs[i][1])), -1);
		assert_int_equal(head_find(&memory, slice_of(pairs[i][0])), number);
	}
}

static void the_digits_of_a_length_may_differ(void **state) {
	(void)state;
	head_init(&memory);
	int number = head_keep(&memory, SLICE(LINE "content-length: 1000\r\nA: b\r\n\r\n"));
	assert_false(head_differs_in_length(&memory, number));
	assert_int_equal(head_find(&memory, SLICE(LINE "content-length: 1999\r\nA: b\r\n\r\n")), -1);
	assert_true(head_loosen(&memory, number, SLICE(LINE "content-length: 1999\r\nA: b\r\n\r\n")));
	struct slice other = SLICE(LINE "content-length: 0452\r\nA: b\r\n\r\nbody");
	assert_int_equal(head_find(&memory, other), number);
	assert_true(head_differs_in_length(&memory, number));
	assert_int_equal(head_length(&memory, number, other), 452);
	assert_int_equal(head_find(&memory, SLICE(LINE "content-length: 045x\r\nA: b\r\n\r\n")), -1);
	assert_int_equal(head_find(&memory, SLICE(LINE "content-length:  452\r\nA: b\r\n\r\n")), -1);
	assert_int_equal(head_find(&memory, SLICE(LINE "content-length: 452\r\nA: b\r\n\r\n")), -1);
}

static void the_oldest_head_makes_room_but_never_the_last_one(void **state) {
	(void)state;
	char text[] = LINE "Content-Length: 00\r\n\r\n";
	size_t digit = sizeof(LINE) - 1 + 17;
	struct slice often = SLICE(LINE "\r\n");
	head_init(&memory);
	int number = head_keep(&memory, often);
	for (int i = 0; i < 10; i++) {
		text[digit] = (char)('0' + i);
		assert_true(head_keep(&memory, slice_of(text)) >= 0);
		assert_int_equal(head_find(&memory, slice_of(text)) >= 0, true);
		assert_int_equal(head_find(&memory, often), number);
	}
	text[digit] = '0';
	assert_int_equal(head_find(&memory, slice_of(text)), -1);
	static char large[HEAD_SIZE_MAX + 1];
	memset(large, 'a', sizeof(large));
	assert_int_equal(head_keep(&memory, (struct slice){large, sizeof(large)}), -1);
	assert_true(head_keep(&memory, (struct slice){large, sizeof(large) - 1}) >= 0);
	assert_true(head_find(&memory, (struct slice){large, sizeof(large)}) >= 0);
}

/* xorshift64: the same sequence every time */
static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned below) {
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % below);
}

static const char *const stems[] = {
	LINE "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\nX-Stamp: 123 456\r\nConnection: keep-alive\r\n\r\nhi",
	LINE "Server: s\r\nContent-Length: 0\r\nX: y\r\n\r\n",
	LINE "Transfer-Encoding: chunked\r\nDate: 00:00\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	LINE "Set-Cookie: a=b\r\n folded\r\nContent-Length: 1\r\n\r\nx",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\nX:\r\n\r\nx",
	"HTTP/1.1 204 No Content\r\nX-Id: 12345678\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nETag: \"12\"\r\nContent-Length: 12\r\n\r\n",
	LINE "Date: 00:00\r\n\r\nuntil close",
};

/* Changes a few bytes: mostly within values, sometimes to what ends or breaks a line, sometimes lengthening or shortening. */
static size_t mutate(const char *stem, char *text) {
	static const char drastic[] = "\r\n\t :,;0123456789\x01\x7f\x80\xff"
				      "celoskhunkdp";
	size_t size = strlen(stem);
	memcpy(text, stem, size);
	for (unsigned n = draw(4); n; n--) {
		size_t at = draw((unsigned)size);
		switch (draw(8)) {
		case 0:
			memmove(text + at, text + at + 1, size - at - 1);
			size--;
			break;
		case 1:
			memmove(text + at + 1, text + at, size - at);
			text[at] = drastic[draw(sizeof(drastic))];
			size++;
			break;
		case 2:
		case 3: text[at] = drastic[draw(sizeof(drastic))]; break;
		default:
			if (text[at] >= '0' && text[at] <= '9') text[at] = (char)('0' + draw(10));
		}
	}
	return size;
}

static void the_memory_never_decides_otherwise_than_the_parser(void **state) {
	(void)state;
	static struct probe warm_probe, cold_probe;
	struct http_shared *warm = h1_ops.new_shared(&probe_events);
	for (unsigned i = 0; i < 60000; i++) {
		char text[512];
		size_t size = mutate(stems[(i / 64) % LENGTH(stems)], text);
		struct probe_input input = {{text, size}, .is_head = draw(8) == 0, .then = (enum probe_then)draw(3)};
		struct http_shared *cold = h1_ops.new_shared(&probe_events);
		probe_run(&warm_probe, warm, &input, NULL);
		probe_run(&cold_probe, cold, &input, NULL);
		h1_ops.free_shared(cold);
		if (!probe_equal(&warm_probe, &cold_probe)) fail_msg("round %u: '%.*s'", i, (int)size, text);
	}
	h1_ops.free_shared(warm);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_equal_head_is_found_whatever_follows),
		cmocka_unit_test(values_that_change_nothing_become_gaps),
		cmocka_unit_test(what_matters_never_becomes_a_gap),
		cmocka_unit_test(the_digits_of_a_length_may_differ),
		cmocka_unit_test(the_oldest_head_makes_room_but_never_the_last_one),
		cmocka_unit_test(the_memory_never_decides_otherwise_than_the_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
