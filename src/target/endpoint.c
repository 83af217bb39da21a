#include "target/endpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "target/server.h"
#include "target/shop.h"

#define BYTES_MAX ((uint64_t)1 << 30)
#define BIG_HEAD_BYTES 1000000000u
#define CUT_PROMISED 1000
#define STEP_TIME_MAX (24 * 3600 * SEC)

static void give_body(struct answer *ret, struct slice body) {
	ret->body = body;
	ret->body_bytes = body.size;
}

static void answer_bad(struct answer *ret, const char *words) {
	ret->status = 400;
	give_body(ret, slice_of(words));
}

static void answer_plain(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->is_plain = true;
	give_body(ret, SLICE(ANSWER_BODY));
}

static void answer_delay(const struct endpoint_request *request, struct answer *ret) {
	if (!units_parse_duration(request->rest, &ret->delay)) {
		answer_bad(ret, "not a duration; write e.g. /delay/5ms\n");
		return;
	}
	answer_plain(request, ret);
}

static void answer_bytes(const struct endpoint_request *request, struct answer *ret) {
	uint64_t bytes;
	if (!units_parse_count(request->rest, &bytes) || bytes > BYTES_MAX) {
		answer_bad(ret, "not a number up to 1073741824; write e.g. /bytes/1000\n");
		return;
	}
	ret->body_bytes = bytes;
	ret->stream = (struct stream){.form = STREAM_PLAIN, .bytes = bytes};
}

static void answer_chunked(const struct endpoint_request *request, struct answer *ret) {
	uint64_t bytes;
	if (!units_parse_count(request->rest, &bytes) || bytes > BYTES_MAX) {
		answer_bad(ret, "not a number up to 1073741824; write e.g. /chunked/1000\n");
		return;
	}
	ret->framing = ANSWER_CHUNKED;
	ret->stream = (struct stream){.form = STREAM_CHUNKED, .bytes = bytes};
}

static void answer_status(const struct endpoint_request *request, struct answer *ret) {
	uint64_t status;
	if (!units_parse_count(request->rest, &status) || status < 100 || status > 599) {
		answer_bad(ret, "not a status from 100 to 599; write e.g. /status/503\n");
		return;
	}
	give_body(ret, SLICE(ANSWER_BODY));
	if (status < 200) {
		int size = snprintf(request->text, ENDPOINT_TEXT_MAX, "HTTP/1.1 %u %s\r\n\r\n", (unsigned)status, answer_phrase((unsigned)status));
		ret->before = (struct slice){request->text, (size_t)size};
		return;
	}
	ret->status = (unsigned)status;
	if (status == 205) give_body(ret, SLICE("")); /* RFC 9110 section 15.3.6: no content */
	if (status == 204 || status == 304) {
		ret->framing = ANSWER_NO_BODY;
		give_body(ret, SLICE(""));
	}
}

static void answer_slow_body(const struct endpoint_request *request, struct answer *ret) {
	struct slice bytes_text = endpoint_find_value(request->query, SLICE("bytes")), time_text = endpoint_find_value(request->query, SLICE("time"));
	uint64_t bytes = 100;
	nsec time = SEC;
	bool fine = bytes_text.size == 0 || (units_parse_count(bytes_text, &bytes) && bytes <= BYTES_MAX);
	fine = fine && (time_text.size == 0 || (units_parse_duration(time_text, &time) && time <= STEP_TIME_MAX));
	if (!fine) {
		answer_bad(ret, "write e.g. /slow-body?bytes=100&time=1s\n");
		return;
	}
	ret->body_bytes = bytes;
	ret->stream = (struct stream){.form = STREAM_SLOW, .bytes = bytes, .start = request->read, .time = time};
}

static void answer_close(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->end = ANSWER_CLOSE;
	give_body(ret, SLICE(ANSWER_BODY));
}

static void answer_reset(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->end = ANSWER_RESET;
}

static void answer_hang(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->end = ANSWER_HANG;
}

static void answer_echo(const struct endpoint_request *request, struct answer *ret) {
	if (request->body && request->body->full) {
		ret->status = 413;
		give_body(ret, SLICE("more than 16 MiB\n"));
		return;
	}
	struct slice body = request->body ? (struct slice){request->body->at, request->body->size} : SLICE("");
	int size = snprintf(request->text, ENDPOINT_TEXT_MAX, "X-Method: %.*s\r\nX-Body-Bytes: %zu\r\n", (int)request->method.size,
		request->method.at, body.size);
	ret->fields = (struct slice){request->text, (size_t)size};
	give_body(ret, body);
}

static void answer_garbage(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->framing = ANSWER_BARE;
	ret->end = ANSWER_CLOSE;
	ret->is_partial = true;
	ret->body = SLICE("\x01\x7f\xff these bytes are not HTTP\n\n\r\r\xfe\n");
}

static void answer_endless(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->framing = ANSWER_UNTIL_CLOSE;
	ret->end = ANSWER_CLOSE;
	ret->stream = (struct stream){.form = STREAM_PLAIN, .bytes = STREAM_ENDLESS};
}

static void answer_big_head(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->framing = ANSWER_OPEN;
	ret->body_bytes = sizeof(ANSWER_BODY) - 1;
	struct slice tail = ret->is_head ? SLICE("\r\n\r\n") : SLICE("\r\n\r\n" ANSWER_BODY);
	ret->stream = (struct stream){.form = STREAM_PLAIN, .bytes = BIG_HEAD_BYTES, .tail = tail};
}

static void answer_cut(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->end = ANSWER_CLOSE;
	ret->is_partial = !ret->is_head;
	ret->body = SLICE("0123456789");
	ret->body_bytes = CUT_PROMISED;
}

static void answer_interim(const struct endpoint_request *request, struct answer *ret) {
	(void)request;
	ret->before = SLICE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
	give_body(ret, SLICE(ANSWER_BODY));
}

static void answer_stats(const struct endpoint_request *request, struct answer *ret) {
	ret->owned = server_format_stats(request->server);
	give_body(ret, slice_of(ret->owned));
}

static void answer_unknown(const struct endpoint_request *request, struct answer *ret) {
	size_t size = (size_t)snprintf(request->text, ENDPOINT_TEXT_MAX, "no such path; there are:\n");
	for (size_t i = 0; i + 1 < endpoint_count && size < ENDPOINT_TEXT_MAX; i++)
		size += (size_t)snprintf(request->text + size, ENDPOINT_TEXT_MAX - size, "%s\n", endpoints[i].help);
	ret->status = 404;
	give_body(ret, (struct slice){request->text, size < ENDPOINT_TEXT_MAX ? size : ENDPOINT_TEXT_MAX - 1});
}

#define NAME(text) .name = {text, sizeof(text) - 1}

/* The most used first: the search is a walk. */
const struct endpoint endpoints[] = {
	{NAME("/"), .is_plain = true, .help = "/                    200, a small body", .answer = answer_plain},
	{NAME("/health"), .is_plain = true, .help = "/health              the same", .answer = answer_plain},
	{NAME("/delay/"), .takes_rest = true, .help = "/delay/5ms           the same, so long after the request was read", .answer = answer_delay},
	{NAME("/bytes/"), .takes_rest = true, .help = "/bytes/N             a body of N bytes, up to 1 GiB", .answer = answer_bytes},
	{NAME("/status/"), .takes_rest = true, .help = "/status/N            status N, 100..599; 1xx: that interim response, then 200",
		.answer = answer_status},
	{NAME("/chunked/"), .takes_rest = true, .help = "/chunked/N           N bytes in chunks, and a trailer", .answer = answer_chunked},
	{NAME("/slow-body"), .help = "/slow-body?bytes=100&time=1s   a body that trickles", .answer = answer_slow_body},
	{NAME("/echo"), .wants_body = true, .help = "/echo                the request's body; its method and size in the head",
		.answer = answer_echo},
	{NAME("/interim"), .help = "/interim             100 and 103, then 200", .answer = answer_interim},
	{NAME("/close"), .help = "/close               200, and the connection is closed", .answer = answer_close},
	{NAME("/reset"), .help = "/reset               the connection is reset after the request was read", .answer = answer_reset},
	{NAME("/hang"), .help = "/hang                no answer at all", .answer = answer_hang},
	{NAME("/cut"), .help = "/cut                 1000 bytes promised, 10 sent, closed", .answer = answer_cut},
	{NAME("/garbage"), .help = "/garbage             bytes that are not HTTP", .answer = answer_garbage},
	{NAME("/endless"), .help = "/endless             a body without an end", .answer = answer_endless},
	{NAME("/big-head"), .help = "/big-head            a header of 1 GB", .answer = answer_big_head},
	{NAME("/login"), .wants_body = true, .help = "/login               POST, JSON: a token, and the cookie session", .answer = shop_answer_login},
	{NAME("/profile"), .help = "/profile             who logged in: by Authorization or that cookie, 401 without", .answer = shop_answer_profile},
	{NAME("/search"), .help = "/search?q=WORDS      three items", .answer = shop_answer_search},
	{NAME("/items/"), .takes_rest = true, .help = "/items/N             item N, 1..1000000", .answer = shop_answer_item},
	{NAME("/checkout"), .help = "/checkout            POST: an order; 401 as /profile. All five: ?refuse=5 refuses 5 % with 401",
		.answer = shop_answer_checkout},
	{NAME("/shop/stats"), .is_hidden = true, .help = "/shop/stats          what these five counted, as JSON; not counted itself",
		.answer = shop_answer_stats},
	{NAME("/stats"), .is_hidden = true, .help = "/stats               what was counted since the start, as JSON; not counted itself",
		.answer = answer_stats},
	{.takes_rest = true, .help = "", .answer = answer_unknown},
};

const size_t endpoint_count = LENGTH(endpoints);
_Static_assert(LENGTH(endpoints) <= ENDPOINT_COUNT_MAX, "ENDPOINT_COUNT_MAX is too small");

void endpoint_split(struct slice target, struct slice *ret_path, struct slice *ret_query) {
	if (target.size > 7 && memcmp(target.at, "http://", 7) == 0) {
		const char *path = memchr(target.at + 7, '/', target.size - 7);
		target = path ? (struct slice){path, target.size - (size_t)(path - target.at)} : SLICE("/");
	}
	*ret_path = slice_cut(target, '?', ret_query);
}

struct slice endpoint_find_value(struct slice query, struct slice name) {
	while (query.size > 0) {
		struct slice value, field = slice_cut(query, '&', &query), key = slice_cut(field, '=', &value);
		if (slice_equal(key, name)) return value;
	}
	return (struct slice){NULL, 0};
}

const struct endpoint *endpoint_find(struct slice path) {
	const struct endpoint *row = endpoints;
	for (; row->name.size > 0; row++) {
		if (row->takes_rest ? path.size < row->name.size : path.size != row->name.size) continue;
		if (memcmp(path.at, row->name.at, row->name.size) == 0) break;
	}
	return row;
}
