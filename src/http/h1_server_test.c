/* The request side of RFC 9112: framing, pipelining, every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/h1_server.h"

#define LOG_MAX 4096

/* Everything the server was told, as one text: "head GET /x\nbody abc\nrequest GET /x keep 3\n"; pieces of a body are joined. */
struct told {
	char text[LOG_MAX];
	size_t size;
	size_t body;      /* bytes of the body of the current request */
	char bodies[256]; /* its first bytes */
};

static void tell(struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct told *told, const char *format, ...) {
	va_list list;
	va_start(list, format);
	int size = vsnprintf(told->text + told->size, LOG_MAX - told->size, format, list);
	va_end(list);
	assert_true(size >= 0 && told->size + (size_t)size < LOG_MAX);
	told->size += (size_t)size;
}

static void tell_request(struct told *told, const char *what, const struct h1_server_request *request) {
	tell(told, "%s %.*s %.*s%s%s%s", what, (int)request->method.size, request->method.at, (int)request->path.size, request->path.at,
		request->keep_alive ? " keep" : "", request->is_head ? " is_head" : "", request->expects_continue ? " expects" : "");
	if (request->authorization.size > 0) tell(told, " a<%.*s>", (int)request->authorization.size, request->authorization.at);
	if (request->cookie.size > 0) tell(told, " c<%.*s>", (int)request->cookie.size, request->cookie.at);
}

static void on_head(void *owner, const struct h1_server_request *request) {
	struct told *told = owner;
	tell_request(told, "head", request);
	tell(told, "\n");
	told->body = 0;
}

static void on_body(void *owner, struct slice bytes) {
	struct told *told = owner;
	assert_true(bytes.size > 0 && told->body + bytes.size <= sizeof(told->bodies));
	memcpy(told->bodies + told->body, bytes.at, bytes.size);
	told->body += bytes.size;
}

static const struct h1_server_events events = {on_head, on_body};

/* Feeds one piece, from memory of exactly this size. Returns false when the server refuses. */
static bool feed_piece(struct told *told, void *state, struct slice piece) {
	char *copy = malloc(piece.size ? piece.size : 1);
	assert_non_null(copy);
	if (piece.size) memcpy(copy, piece.at, piece.size);
	struct slice rest = {copy, piece.size};
	enum h1_server_result result = H1_SERVER_MORE;
	while (rest.size && result != H1_SERVER_BAD) {
		size_t used = 0;
		struct h1_server_request request;
		result = h1_server_feed(state, rest, &used, &request, told);
		assert_true(used <= rest.size);
		if (result == H1_SERVER_MORE) assert_int_equal(used, rest.size);
		if (result == H1_SERVER_REQUEST) {
			tell_request(told, "request", &request);
			assert_int_equal(request.body_bytes, told->body);
			tell(told, " %.*s\n", (int)told->body, told->bodies);
		}
		rest = (struct slice){rest.at + used, rest.size - used};
	}
	if (result == H1_SERVER_BAD) tell(told, "bad\n");
	free(copy);
	return result != H1_SERVER_BAD;
}

static void run(struct told *told, struct h1_server_shared *shared, struct slice bytes, const size_t *cuts) {
	void *state = malloc(h1_server_state_bytes());
	assert_non_null(state);
	memset(state, 0xa5, h1_server_state_bytes());
	h1_server_start(state, shared);
	told->size = told->body = 0;
	told->text[0] = 0;
	bool good = true;
	for (size_t from = 0; good && from < bytes.size;) {
		size_t to = *cuts ? *cuts++ : bytes.size;
		good = feed_piece(told, state, (struct slice){bytes.at + from, to - from});
		from = to;
	}
	free(state);
}

static const struct {
	const char *text, *want;
} cases[] = {
	{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "head GET / keep\nrequest GET / keep \n"},
	{"GET /bytes/100?x=1 HTTP/1.1\r\nHost: h\r\n\r\n", "head GET /bytes/100?x=1 keep\nrequest GET /bytes/100?x=1 keep \n"},
	{"HEAD /x HTTP/1.1\r\n\r\n", "head HEAD /x keep is_head\nrequest HEAD /x keep is_head \n"},
	{"OPTIONS * HTTP/1.1\r\n\r\n", "head OPTIONS * keep\nrequest OPTIONS * keep \n"},
	{"GET http://h:80/a?b HTTP/1.1\r\n\r\n", "head GET /a?b keep\nrequest GET /a?b keep \n"},
	{"\r\nGET / HTTP/1.1\r\n\r\n", "head GET / keep\nrequest GET / keep \n"},
	{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "head GET /\nrequest GET / \n"},
	{"GET / HTTP/1.0\r\n\r\n", "head GET /\nrequest GET / \n"},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "head GET / keep\nrequest GET / keep \n"},
	{"POST /e HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "head POST /e keep\nrequest POST /e keep hello\n"},
	{"POST /e HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "head POST /e keep\nrequest POST /e keep \n"},
	{"PUT /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n",
		"head PUT /e keep\nrequest PUT /e keep hello\n"},
	{"PATCH /e HTTP/1.1\r\nContent-Length: 1\r\nexpect: 100-Continue\r\n\r\nx", "head PATCH /e keep expects\nrequest PATCH /e keep expects x\n"},
	{"POST /e HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continued\r\nExpected: 100-continue\r\n\r\nx",
		"head POST /e keep\nrequest POST /e keep x\n"},
	/* an upgrade that is not accepted changes nothing */
	{"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
		"head GET / keep\nrequest GET / keep \nhead GET /2 keep\nrequest GET /2 keep \n"},
	/* pipelining */
	{"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\n",
		"head GET /1 keep\nrequest GET /1 keep \nhead GET /2 keep\nrequest GET /2 keep \nhead GET /1 keep\nrequest GET /1 keep \n"},
	{"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabPOST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\ncdPOST /3 HTTP/1.1\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n1\r\ne\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"head POST /1 keep\nrequest POST /1 keep ab\nhead POST /1 keep\nrequest POST /1 keep cd\nhead POST /3 keep\nrequest POST /3 keep e\n"
		"head GET / keep\nrequest GET / keep \n"},
	/* values that are kept: other ones of the same length, with other blanks, and none, in heads that look alike */
	{"GET / HTTP/1.1\r\nAuthorization: Bearer 1\r\n\r\nGET / HTTP/1.1\r\nAuthorization: Bearer 2\r\n\r\nGET / HTTP/1.1\r\nAuthorization:Bearer "
	 "34 "
	 "\r\n\r\nGET / HTTP/1.1\r\nAuthorization:         \r\n\r\nGET / HTTP/1.1\r\nButhorization: Bearer 1\r\n\r\n",
		"head GET / keep a<Bearer 1>\nrequest GET / keep a<Bearer 1> \nhead GET / keep a<Bearer 2>\nrequest GET / keep a<Bearer 2> \n"
		"head GET / keep a<Bearer 34>\nrequest GET / keep a<Bearer 34> \nhead GET / keep\nrequest GET / keep \n"
		"head GET / keep\nrequest GET / keep \n"},
	{"POST /e HTTP/1.1\r\nCOOKIE: a=1; b=2\r\nauthorization: Basic eA==\r\nCookie: c=3\r\nContent-Length: 2\r\n\r\nhi",
		"head POST /e keep a<Basic eA==> c<a=1; b=2>\nrequest POST /e keep a<Basic eA==> c<a=1; b=2> hi\n"},
	{"PUT /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ne\r\n0\r\nCookie: a\r\nExpect: 100-continue\r\n\r\n",
		"head PUT /e keep\nrequest PUT /e keep e\n"},
	/* RFC 9112 section 6.3: what cannot be framed is refused */
	{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "bad\n"},
	{"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad\n"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "bad\n"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "bad\n"},
	{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "bad\n"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "head POST / keep\nbad\n"},
	{"garbage\r\n\r\n", "bad\n"},
	{"GET / HTTP/2.0\r\n\r\n", "bad\n"},
	{"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "bad\n"},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad\n"},
	{"GET / HTTP/1.1\r\nA\x01: b\r\n\r\n", "bad\n"},
};

static void expect(const struct told *told, size_t i, const char *how) {
	if (strcmp(told->text, cases[i].want) != 0) fail_msg("%s: %s\ngot:\n%s", how, cases[i].text, told->text);
}

static void requests_are_understood_however_they_are_cut(void **state) {
	(void)state;
	static struct told told;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct slice bytes = slice_of(cases[i].text);
		struct h1_server_shared *warm = h1_server_new_shared(&events);
		size_t each[512];
		assert_true(bytes.size < LENGTH(each));
		for (size_t k = 0; k + 1 < bytes.size; k++) each[k] = k + 1;
		each[bytes.size - 1] = 0;
		for (size_t cut = 0; cut < bytes.size; cut++) {
			struct h1_server_shared *cold = h1_server_new_shared(&events);
			run(&told, cold, bytes, (size_t[]){cut, 0});
			expect(&told, i, "cut");
			run(&told, warm, bytes, (size_t[]){cut, 0});
			expect(&told, i, "cut, again");
			h1_server_free_shared(cold);
		}
		run(&told, warm, bytes, each);
		expect(&told, i, "byte by byte");
		h1_server_free_shared(warm);
	}
}

static void the_path_outlives_the_bytes_it_came_in(void **state) {
	(void)state;
	static struct told told;
	struct h1_server_shared *shared = h1_server_new_shared(&events);
	struct slice bytes = SLICE("POST /some/path HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd");
	for (int again = 0; again < 3; again++) {
		run(&told, shared, bytes, (size_t[]){bytes.size - 3, bytes.size - 1, 0});
		assert_string_equal(told.text, "head POST /some/path keep\nrequest POST /some/path keep abcd\n");
	}
	h1_server_free_shared(shared);
}

/* Returns what a server that knows nothing says to a head of `size` bytes whose path has `path` bytes. */
static enum h1_server_result long_head(size_t size, size_t path, size_t *ret_path) {
	char *text = malloc(size);
	void *conn = malloc(h1_server_state_bytes());
	assert_true(text && conn);
	memset(text, 'a', size);
	memcpy(text, "GET /", 5);
	memcpy(text + 4 + path, " HTTP/1.1\r\nX: ", 14);
	memcpy(text + size - 4, "\r\n\r\n", 4);
	struct h1_server_shared *shared = h1_server_new_shared(NULL);
	h1_server_start(conn, shared);
	size_t used;
	struct h1_server_request request = {0};
	enum h1_server_result result = h1_server_feed(conn, (struct slice){text, size}, &used, &request, NULL);
	*ret_path = request.path.size;
	h1_server_free_shared(shared);
	free(conn);
	free(text);
	return result;
}

static void long_paths_are_cut_and_long_heads_refused(void **state) {
	(void)state;
	size_t path;
	assert_int_equal(long_head(4000, 1024, &path), H1_SERVER_REQUEST);
	assert_int_equal(path, 1024);
	assert_int_equal(long_head(4000, 3000, &path), H1_SERVER_REQUEST);
	assert_int_equal(path, 1024);
	assert_int_equal(long_head(H1_SERVER_HEAD_MAX, 10, &path), H1_SERVER_REQUEST);
	assert_int_equal(path, 10);
	assert_int_equal(long_head(H1_SERVER_HEAD_MAX + 1, 10, &path), H1_SERVER_BAD);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_understood_however_they_are_cut),
		cmocka_unit_test(the_path_outlives_the_bytes_it_came_in),
		cmocka_unit_test(long_paths_are_cut_and_long_heads_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
