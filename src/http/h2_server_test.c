/* HTTP/2's server side met by the client of http_ops, frame by frame: what one says the other hears. */
#include "http/h2_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "http/h2_probe.h"

struct mark {
	int32_t stream;
	uint64_t body;
	size_t left;
};

static struct h2_server *server;
static struct h2_server_shared *shared;
static struct h2_probes probes;
static struct arena arena;
static unsigned heads, requests, closed;
static size_t answer_bytes;
static bool has_trailers, is_hidden;
static char path[64], authorization[64], cookie[64];
static uint64_t body_bytes;

static void keep_text(char *into, size_t room, struct slice text) {
	assert_true(text.size < room);
	memcpy(into, text.at, text.size);
	into[text.size] = 0;
}

static void take_head(void *owner, void *mark, int32_t stream, const struct h2_server_request *request) {
	(void)owner;
	((struct mark *)mark)->stream = stream;
	keep_text(path, sizeof(path), request->path);
	keep_text(authorization, sizeof(authorization), request->authorization);
	keep_text(cookie, sizeof(cookie), request->cookie);
	heads++;
}

static void take_body(void *owner, void *mark, struct slice bytes) {
	(void)owner;
	((struct mark *)mark)->body += bytes.size;
}

static void take_request(void *owner, void *at, const struct h2_server_request *request) {
	struct mark *mark = at;
	(void)owner;
	requests++;
	body_bytes = mark->body;
	mark->left = request->is_head ? 0 : answer_bytes;
	const struct h2_server_fields head = {200, 1, {{SLICE("x-a"), SLICE("b"), true}}};
	h2_server_answer(server, mark->stream, &head, mark->left > 0);
}

static size_t read_body(void *owner, void *at, char *into, size_t room, enum h2_server_more *ret) {
	struct mark *mark = at;
	size_t size = mark->left < room ? mark->left : room;
	(void)owner;
	memset(into, 'x', size);
	mark->left -= size;
	*ret = mark->left > 0 ? H2_SERVER_MORE : H2_SERVER_END;
	if (mark->left == 0 && has_trailers)
		h2_server_trailers(server, mark->stream, &(struct h2_server_fields){.count = 1, .at = {{SLICE("t"), SLICE("u"), false}}});
	return size;
}

static bool take_ended(void *owner, void *mark) {
	(void)owner, (void)mark;
	return !is_hidden;
}

static void take_closed(void *owner, void *mark) {
	(void)owner, (void)mark;
	closed++;
}

static const struct h2_server_events events = {sizeof(struct mark), take_head, take_body, take_request, read_body, take_ended, take_closed};

static int begin(void **state) {
	(void)state;
	heads = requests = closed = 0;
	answer_bytes = 3;
	has_trailers = is_hidden = false;
	arena_init(&arena);
	shared = h2_server_new_shared(&events);
	server = h2_server_new(shared, NULL, 5);
	h2_probes_start(&probes);
	return 0;
}

static int end(void **state) {
	(void)state;
	for (size_t i = 0; i < H2_PROBES; i++) assert_true(probes.at[i].order);
	h2_server_free(server);
	assert_int_equal(closed, heads);
	h2_server_free_shared(shared);
	h2_probes_stop(&probes);
	arena_fini(&arena);
	return 0;
}

/* Carries bytes to and fro until both are silent; returns the answers that the server counts. */
static unsigned talk(void) {
	unsigned answers = 0;
	for (unsigned rounds = 0; rounds < 1000; rounds++) {
		probes.out_size = 0;
		h2_probes_drain(&probes, SIZE_MAX, 1);
		if (probes.out_size > 0) assert_true(h2_server_feed(server, (struct slice){probes.out, probes.out_size}));
		struct slice back = h2_server_drain(server);
		if (probes.out_size == 0 && back.size == 0) return answers;
		if (back.size > 0) assert_true(h2_ops.feed(probes.state, back, 2));
		if (back.size > 0) answers += h2_server_drained(server, back.size);
	}
	fail_msg("they never end");
	return 0;
}

static void ask(struct http_request *request, uint32_t id, const char *head) {
	*request = (struct http_request){.head = slice_of(head), .is_head = head[0] == 'H'};
	request->h2 = h2_head_make(request->head, false, &arena);
	h2_ops.submit(probes.state, id, request);
}

static void requests_are_answered(void **state) {
	(void)state;
	struct http_request request[3];
	ask(&request[0], 0, "GET /one?x HTTP/1.1\r\nHost: h\r\n\r\n");
	ask(&request[1], 1, "HEAD /two HTTP/1.1\r\nHost: h\r\n\r\n");
	ask(&request[2], 2, "GET /three HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(talk(), 3);
	assert_int_equal(heads, 3);
	assert_int_equal(requests, 3);
	assert_string_equal(path, "/three");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(probes.at[i].end.reason, REASON_NONE);
		assert_int_equal(probes.at[i].end.status, 200);
		assert_int_equal(probes.at[i].end.body_bytes, i == 1 ? 0 : 3);
	}
	assert_int_equal(h2_ops.limit(probes.state), 5);
}

/* RFC 9113 section 8.2.3: cookies may come in crumbs. */
static void credentials_are_told(void **state) {
	(void)state;
	struct http_request request[3];
	ask(&request[0], 0, "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\nCookie: a=1; b=2\r\n\r\n");
	talk();
	assert_string_equal(authorization, "Bearer x");
	assert_string_equal(cookie, "a=1; b=2");
	ask(&request[1], 1, "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nCookie: c=3\r\n\r\n");
	talk();
	assert_string_equal(authorization, "");
	assert_string_equal(cookie, "a=1; c=3");
	ask(&request[2], 2, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	talk();
	assert_string_equal(cookie, "");
}

static void bodies_pass_both_ways(void **state) {
	(void)state;
	static char body[300000];
	struct http_request request = {.head = SLICE("POST / HTTP/1.1\r\nHost: h\r\n\r\n"), .body = {body, sizeof(body)}, .body_bytes = sizeof(body)};
	request.h2 = h2_head_make(request.head, false, &arena);
	answer_bytes = 200000;
	has_trailers = true;
	h2_ops.submit(probes.state, 4, &request);
	assert_int_equal(talk(), 1);
	assert_int_equal(body_bytes, sizeof(body));
	assert_int_equal(probes.at[4].end.reason, REASON_NONE);
	assert_int_equal(probes.at[4].body_bytes, 200000);
}

static void hidden_answers_are_not_counted(void **state) {
	(void)state;
	struct http_request request;
	is_hidden = true;
	ask(&request, 0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(talk(), 0);
	assert_int_equal(probes.at[0].end.reason, REASON_NONE);
}

static void leaving_is_goaway(void **state) {
	(void)state;
	struct http_request request;
	ask(&request, 0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	talk();
	assert_false(h2_server_is_over(server));
	h2_server_leave(server);
	talk();
	assert_true(h2_ops.is_ending(probes.state));
	assert_true(h2_server_is_over(server));
}

static void what_is_no_preface_is_the_end(void **state) {
	(void)state;
	assert_false(h2_server_feed(server, SLICE("GET / HTTP/1.1\r\nHost: h\r\n\r\n")));
	struct slice last = h2_server_drain(server);
	if (last.size > 0) h2_server_drained(server, last.size);
	assert_true(h2_server_is_over(server));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered),
		TEST(credentials_are_told),
		TEST(bodies_pass_both_ways),
		TEST(hidden_answers_are_not_counted),
		TEST(leaving_is_goaway),
		TEST(what_is_no_preface_is_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
