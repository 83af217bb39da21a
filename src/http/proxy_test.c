#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/http.h"
#include "http/proxy.h"

#define H(status) "HTTP/1.1 " status "\r\n"
#define OPEN H("200 Connection established") "\r\n"

struct answer {
	const char *text;   /* up to where the answer ends, if it opens the tunnel */
	const char *behind; /* the tunnel's first bytes */
	enum proxy_state state;
	enum reason reason;
	unsigned status;
};

static const struct answer answers[] = {
	{OPEN, "", PROXY_OPEN, REASON_NONE, 200},
	{OPEN, "\x16\x03\x01", PROXY_OPEN, REASON_NONE, 200},
	{OPEN, "HTTP/1.1 200 OK\r\n\r\n", PROXY_OPEN, REASON_NONE, 200},
	{OPEN, "\r\n\r\n", PROXY_OPEN, REASON_NONE, 200},
	{"HTTP/1.0 200 Connection established\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200") "\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("204 No Content") "\r\n", "x", PROXY_OPEN, REASON_NONE, 204},
	{H("299 Odd") "Connection: close\r\nVia: a\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 299},
	/* RFC 9110 section 9.3.6: such fields MUST be ignored in a successful response to CONNECT */
	{H("200 OK") "Content-Length: 5\r\n\r\n", "hello", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Content-Length: 0\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "content-length: 18446744073709551616\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Content-Length: five\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Connection: upgrade\r\nUpgrade: x\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "Content-Length:\r\n\r\n", "x", PROXY_OPEN, REASON_NONE, 200},
	/* RFC 9112 section 2.2: a single LF may be taken for the end of a line; llhttp does so for these two */
	{"HTTP/1.1 200 OK\n\n", "x", PROXY_OPEN, REASON_NONE, 200},
	{H("200 OK") "\n", "x", PROXY_OPEN, REASON_NONE, 200},
	/* interim answers */
	{H("100 Continue") "\r\n" OPEN, "x", PROXY_OPEN, REASON_NONE, 200},
	{H("102 Processing") "A: b\r\n\r\n" H("103 Early Hints") "Content-Length: 3\r\n\r\n" OPEN, "x", PROXY_OPEN, REASON_NONE, 200},
	{H("100 Continue") "Connection: close\r\n\r\n" H("407 X") "\r\n", "", PROXY_FAILED, REASON_PROXY_AUTH, 407},
	{H("100 Continue") "\r\n\r\n" OPEN, "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	/* the proxy will not */
	{H("407 Proxy Authentication Required") "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 3\r\n\r\n", "no\n", PROXY_FAILED,
		REASON_PROXY_AUTH, 407},
	{H("403 Forbidden") "\r\n", "", PROXY_FAILED, REASON_PROXY_REFUSED, 403},
	{H("502 Bad Gateway") "Transfer-Encoding: chunked\r\n\r\n", "3\r\nno\n\r\n0\r\n\r\n", PROXY_FAILED, REASON_PROXY_REFUSED, 502},
	{H("301 Moved") "Location: http://h/\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_REFUSED, 301},
	{H("401 Unauthorized") "\r\n", "", PROXY_FAILED, REASON_PROXY_REFUSED, 401},
	{H("101 Switching Protocols") "Upgrade: x\r\nConnection: upgrade\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_REFUSED, 101},
	{H("999 Odd") "\r\n", "", PROXY_FAILED, REASON_PROXY_REFUSED, 999},
	/* not complete */
	{"", "", PROXY_WAITS, REASON_NONE, 0},
	{"H", "", PROXY_WAITS, REASON_NONE, 0},
	{H("407 Proxy Authentication Required"), "", PROXY_WAITS, REASON_NONE, 0},
	{H("200 OK") "A: b\r\n", "", PROXY_WAITS, REASON_NONE, 0},
	{H("100 Continue") "\r\n", "", PROXY_WAITS, REASON_NONE, 0},
	/* no HTTP/1.1 */
	{"garbage", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{"\r\n" OPEN, "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{"\x15\x03\x01\x00\x02\x02\x46", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{"SSH-2.0-OpenSSH_9.2\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{"HTTP/2.0 200 OK\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{"HTTP/1.2 200 OK\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{H("20 OK") "\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{H("099 OK") "\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{H("2000 OK") "\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{H("200 OK") "no field\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
	{H("200 OK") "A: \x01\r\n\r\n", "", PROXY_FAILED, REASON_PROXY_MALFORMED, 0},
};

static _Alignas(max_align_t) char memory[PROXY_STATE_BYTES];
static struct proxy *const proxy = (struct proxy *)memory;

/* Feeds the text cut into pieces of [0, cut) and [cut, end), or of one byte each (cut 0); returns how many bytes the answer took. */
static size_t feed(struct slice text, size_t cut) {
	memset(memory, 0xa5, sizeof(memory));
	proxy_begin(proxy);
	enum proxy_state state = PROXY_WAITS;
	size_t from = 0, used = 0;
	for (size_t taken; from < text.size && state == PROXY_WAITS; from += taken, used += taken) {
		size_t size = cut == 0 ? 1 : from < cut ? cut - from : text.size - from;
		char *copy = malloc(size);
		assert_non_null(copy);
		memcpy(copy, text.at + from, size);
		state = proxy_feed(proxy, (struct slice){copy, size}, &taken);
		assert_true(state == PROXY_OPEN ? taken <= size : taken == size);
		free(copy);
	}
	return used;
}

static void check(const struct answer *want, size_t cut) {
	struct slice text = slice_of(want->text);
	char all[1024];
	int size = snprintf(all, sizeof(all), "%s%s", want->text, want->behind);
	assert_true(size >= 0 && (size_t)size < sizeof(all));
	size_t used = feed((struct slice){all, (size_t)size}, cut);
	if (proxy_reason(proxy) != want->reason || proxy_status(proxy) != want->status)
		fail_msg("%s, cut %zu: %s, status %u", want->text, cut, reason_name(proxy_reason(proxy)), proxy_status(proxy));
	if (want->state == PROXY_OPEN && used != text.size) fail_msg("%s, cut %zu: took %zu", want->text, cut, used);
	if (want->state != PROXY_WAITS) return;
	/* it waits: the next byte is taken */
	assert_int_equal(used, text.size);
	size_t taken;
	proxy_feed(proxy, SLICE("H"), &taken);
	assert_int_equal(taken, 1);
}

static void an_answer_is_understood_however_it_is_cut(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(answers); i++)
		for (size_t cut = 0; cut <= strlen(answers[i].text) + strlen(answers[i].behind); cut++) check(&answers[i], cut);
}

static void a_refusal_fails_with_the_last_byte_of_its_head(void **state) {
	(void)state;
	static const char text[] = H("502 Bad Gateway") "Content-Length: 3\r\n\r\n";
	size_t taken;
	proxy_begin(proxy);
	assert_int_equal(proxy_feed(proxy, (struct slice){text, sizeof(text) - 2}, &taken), PROXY_WAITS);
	assert_int_equal(proxy_feed(proxy, SLICE("\n"), &taken), PROXY_FAILED);
	assert_int_equal(proxy_status(proxy), 502);
}

static void a_head_without_end_is_malformed_at_the_same_byte_always(void **state) {
	(void)state;
	static char text[HTTP_HEAD_MAX + 64];
	static const char begin[] = H("200 OK") "X: ";
	static const size_t cuts[] = {0, 10, 4096, HTTP_HEAD_MAX - 1, HTTP_HEAD_MAX, HTTP_HEAD_MAX + 1, sizeof(text)};
	for (size_t more = 0; more < 2; more++) {
		size_t size = HTTP_HEAD_MAX + more;
		memset(text, 'a', sizeof(text));
		memcpy(text, begin, sizeof(begin) - 1);
		memcpy(text + size - 4, "\r\n\r\n", 4);
		for (size_t i = 0; i < LENGTH(cuts); i++) {
			size_t used = feed((struct slice){text, sizeof(text)}, cuts[i]);
			assert_int_equal(proxy_reason(proxy), more ? REASON_PROXY_MALFORMED : REASON_NONE);
			assert_int_equal(proxy_status(proxy), more ? 0 : 200);
			if (!more) assert_int_equal(used, HTTP_HEAD_MAX);
		}
	}
	/* interim answers count together: 25 bytes each */
	size_t fed = 0, taken;
	proxy_begin(proxy);
	while (fed < 10000 && proxy_feed(proxy, SLICE(H("100 Continue") "\r\n"), &taken) == PROXY_WAITS) fed++;
	assert_int_equal(fed, HTTP_HEAD_MAX / 25);
	assert_int_equal(proxy_reason(proxy), REASON_PROXY_MALFORMED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_understood_however_it_is_cut),
		cmocka_unit_test(a_refusal_fails_with_the_last_byte_of_its_head),
		cmocka_unit_test(a_head_without_end_is_malformed_at_the_same_byte_always),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
