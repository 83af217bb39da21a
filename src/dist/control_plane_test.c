/* Each row of the table of spec/distributed.md 4, over sockets: what the plane answers by itself, and the rest with a main thread that is this one. */
#include "dist/control_fixture.h"

static struct control_plane *plane;

static int open_plane(void **state) {
	(void)state;
	plane = fixture_open((struct control_plane_setup){.token = "s3cret"});
	return 0;
}

static int close_plane(void **state) {
	(void)state;
	control_plane_close(plane);
	return 0;
}

#define BEAR "Host: a\r\nAuthorization: Bearer s3cret\r\n"

static void what_the_plane_answers_by_itself(void **state) {
	static const struct {
		const char *says;
		unsigned status;
		const char *words, *field;
	} cases[] = {
		/* the token: wrong, missing, another scheme, in parts, twice; on any path, before anything else */
		{"POST /start HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token", "\r\nWWW-Authenticate: Bearer\r\n"},
		{"POST /start HTTP/1.1\r\nAuthorization: Bearer s3creT\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: Bearer s3cre\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: Bearer s3crets\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization:\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: s3cret\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: bearer s3cret\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Authorization: Bearer x\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nAuthorization: Bearer x\r\n" BEAR "\r\n", 401, "token", ""},
		{"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token", ""}, {"POST /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token", ""},
		{"POST /start HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 401, "token", ""},
		/* paths and methods */
		{"GET / HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""}, {"POST /start?x=1 HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""},
		{"POST /start/ HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""},
		{"POST http://a/start HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""},
		{"GET /start HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""}, {"PUT /stop HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""},
		{"POST /status HTTP/1.1\r\n" BEAR "\r\n", 405, "GET", "\r\nAllow: GET\r\n"},
		{"DELETE /agents HTTP/1.1\r\n" BEAR "\r\n", 405, "GET", "\r\nAllow: GET\r\n"},
		{"POST /scenarios HTTP/1.1\r\n" BEAR "\r\n", 405, "GET", "\r\nAllow: GET\r\n"},
		{"POST /metrics HTTP/1.1\r\n" BEAR "\r\n", 405, "GET", "\r\nAllow: GET\r\n"},
		{"POST /healthz HTTP/1.1\r\n" BEAR "\r\n", 405, "GET", "\r\nAllow: GET\r\n"},
		{"CONNECT a:1 HTTP/1.1\r\n" BEAR "\r\n", 404, "nothing here", ""},
		/* bodies */
		{"POST /start HTTP/1.1\r\n" BEAR "\r\n{}", 411, "Content-Length", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411, "Transfer-Encoding", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Transfer-Encoding: gzip\r\n\r\n", 411, "Transfer-Encoding", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: 1048577\r\n\r\n", 413, "1 MiB", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: 18446744073709551615\r\n\r\n", 413, "1 MiB", ""},
		/* what is no HTTP */
		{"GARBAGE\r\n\r\n", 400, "no request", ""}, {"\r\n\r\n", 400, "empty", ""}, {"GET\r\n\r\n", 400, "no request", ""},
		{" /start HTTP/1.1\r\n\r\n", 400, "no request", ""}, {"GET /status\r\n\r\n", 400, "no request", ""},
		{"GET /status HTTP/2.0\r\n\r\n", 400, "no request", ""}, {"GET /status HTTP/1.1\r\nno colon\r\n\r\n", 400, "no request", ""},
		{"GET /status HTTP/1.1\r\n: no name\r\n\r\n", 400, "no request", ""},
		{"GET /status HTTP/1.1\r\nX: \xff\r\n\r\n", 400, "not UTF-8", ""}, {"GET /healthz HTTP/1.1\r\nX: \xc3\r\n\r\n", 400, "not UTF-8", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: x\r\n\r\n", 400, "no request", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: -1\r\n\r\n", 400, "no request", ""},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "no request", ""},
		{"\x16\x03\x01\x02\x00\x01", 400, "no request", ""}, /* TLS */
	};
	struct control_request request;
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *heard = fixture_ask(plane, cases[i].says);
		fixture_check_error(heard, cases[i].status, cases[i].words);
		if (!strstr(heard, cases[i].field)) fail_msg("'%s': no '%s' in '%s'", cases[i].says, cases[i].field, heard);
		free(heard);
	}
	assert_false(control_plane_next(plane, &request)); /* nothing of it has come through */
}

static void health_needs_no_token(void **state) {
	(void)state;
	char *heard = fixture_ask(plane, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_string_equal(fixture_check(heard, 200), "{\"status\":\"ok\"}");
	assert_non_null(strstr(heard, "\r\nContent-Type: application/json\r\n"));
	free(heard);
}

static void the_answer_to_a_HEAD_has_no_body(void **state) {
	(void)state;
	char *heard = fixture_ask(plane, "HEAD /status HTTP/1.1\r\n" BEAR "\r\n"), *end = strstr(heard, "\r\n\r\n");
	assert_memory_equal(heard, "HTTP/1.1 405 ", 13);
	assert_string_equal(end, "\r\n\r\n");
	free(heard);
}

static void requests_come_to_the_main_thread(void **state) {
	static const struct {
		const char *says;
		enum control_kind kind;
		const char *body;
	} cases[] = {
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: 2\r\n\r\n{}", CONTROL_START, "{}"},
		{"POST /start HTTP/1.1\r\n" BEAR "\r\n", CONTROL_START, ""},
		{"\r\nPOST /start HTTP/1.0\r\n" BEAR "Content-Length: 0\r\n\r\n", CONTROL_START, ""},
		{"POST /stop HTTP/1.1\r\naUTHORIZATION: \t Bearer   s3cret \t\r\nContent-Length: 3\r\n\r\nabc and what is behind", CONTROL_STOP,
			"abc"},
		{"GET /status HTTP/1.1\r\n" BEAR "X: \xc3\xa4\r\n\r\n", CONTROL_STATUS, ""},
		{"GET /agents HTTP/1.1\r\n" BEAR "Origin: http://a\r\n\r\n", CONTROL_AGENTS, ""},
		{"GET /scenarios HTTP/1.1\r\n" BEAR "Content-Length: 1\r\n\r\nx", CONTROL_SCENARIOS, "x"},
	};
	struct control_request none;
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = fixture_connect(plane);
		fixture_say(fd, slice_of(cases[i].says));
		struct control_request request = fixture_next(plane);
		assert_int_equal(request.kind, cases[i].kind);
		assert_true(slice_equal(request.body, slice_of(cases[i].body)));
		assert_false(control_plane_next(plane, &none));
		assert_true(control_plane_answer(plane, request.id, 200, "{\"status\":\"started\",\"run_id\":\"1-2\"}"));
		assert_false(control_plane_answer(plane, request.id, 200, "{}")); /* once */
		char *heard = fixture_hear(fd);
		assert_string_equal(fixture_check(heard, 200), "{\"status\":\"started\",\"run_id\":\"1-2\"}");
		assert_non_null(strstr(heard, "\r\nContent-Type: application/json\r\n"));
		free(heard);
	}
}

static void figures_are_text(void **state) {
	(void)state;
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("GET /metrics HTTP/1.1\r\n" BEAR "\r\n"));
	struct control_request request = fixture_next(plane);
	assert_int_equal(request.kind, CONTROL_METRICS);
	control_plane_answer(plane, request.id, 200, "strest_agents 3\n");
	char *heard = fixture_hear(fd);
	assert_string_equal(fixture_check(heard, 200), "strest_agents 3\n");
	assert_non_null(strstr(heard, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	free(heard);
}

static void refusals_of_the_main_thread(void **state) {
	static const struct {
		unsigned status;
		bool waits;
	} cases[] = {{400, false}, {404, false}, {409, true}, {503, false}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = fixture_connect(plane);
		fixture_say(fd, SLICE("POST /start HTTP/1.1\r\n" BEAR "\r\n"));
		assert_true(control_plane_refuse(plane, fixture_next(plane).id, cases[i].status, "a \"reason\""));
		char *heard = fixture_hear(fd);
		fixture_check_error(heard, cases[i].status, "a \\\"reason\\\"");
		assert_int_equal(strstr(heard, "\r\nRetry-After: 1\r\n") != NULL, cases[i].waits);
		free(heard);
	}
}

/* Answers come in any order, while other requests go on. */
static void requests_wait_side_by_side(void **state) {
	int fds[3];
	uint64_t ids[3];
	(void)state;
	for (int i = 0; i < 3; i++) {
		fds[i] = fixture_connect(plane);
		fixture_say(fds[i], SLICE("POST /start HTTP/1.1\r\n" BEAR "\r\n"));
		ids[i] = fixture_next(plane).id;
	}
	char *heard = fixture_ask(plane, "GET /healthz HTTP/1.1\r\n\r\n");
	fixture_check(heard, 200);
	free(heard);
	for (int i = 2; i >= 0; i--) {
		char body[32];
		snprintf(body, sizeof(body), "{\"n\":%d}", i);
		control_plane_answer(plane, ids[i], 200, body);
		heard = fixture_hear(fds[i]);
		assert_string_equal(fixture_check(heard, 200), body);
		free(heard);
	}
}

static void a_request_may_come_byte_by_byte(void **state) {
	static const char text[] = "POST /start HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\nContent-Length: 13\r\n\r\n{\"wait\": 1 } ";
	(void)state;
	int fd = fixture_connect(plane);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		fixture_say(fd, (struct slice){text + i, 1});
		usleep(200);
	}
	struct control_request request = fixture_next(plane);
	assert_true(slice_equal(request.body, SLICE("{\"wait\": 1 } ")));
	control_plane_answer(plane, request.id, 200, "{}");
	char *heard = fixture_hear(fd);
	fixture_check(heard, 200);
	free(heard);
}

static void who_closes_in_the_middle_hears_of_it(void **state) {
	static const struct {
		const char *says, *words;
	} cases[] = {
		{"GET /status HTT", "middle of its head"},
		{"POST /start HTTP/1.1\r\n" BEAR "Content-Length: 5\r\n\r\n{}", "shorter"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = fixture_connect(plane);
		fixture_say(fd, slice_of(cases[i].says));
		shutdown(fd, SHUT_WR);
		char *heard = fixture_hear(fd);
		fixture_check_error(heard, 400, cases[i].words);
		free(heard);
	}
}

/* A client may close its side behind its request, and still wants to hear. */
static void half_a_connection_is_enough(void **state) {
	(void)state;
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("POST /stop HTTP/1.1\r\n" BEAR "\r\n"));
	shutdown(fd, SHUT_WR);
	control_plane_answer(plane, fixture_next(plane).id, 200, "{\"status\":\"idle\",\"run_id\":null}");
	char *heard = fixture_hear(fd);
	assert_string_equal(fixture_check(heard, 200), "{\"status\":\"idle\",\"run_id\":null}");
	free(heard);
}

static void who_is_gone_is_not_answered(void **state) {
	struct linger reset = {1, 0};
	(void)state;
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("POST /start HTTP/1.1\r\n" BEAR "\r\n"));
	struct control_request request = fixture_next(plane);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	bool waits = true;
	for (int i = 0; i < 200 && waits; i++) { /* until the reset has come */
		usleep(10000);
		waits = control_plane_extend(plane, request.id, 5 * SEC);
	}
	assert_false(waits);
	assert_false(control_plane_answer(plane, request.id, 200, "{}"));
}

/* Large bodies are asked for (RFC 9110 section 10.1.1). */
static void a_client_that_asks_first_is_told_to_go_on(void **state) {
	char first[64] = "";
	(void)state;
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("POST /start HTTP/1.1\r\n" BEAR "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
	assert_int_equal(recv(fd, first, 25, MSG_WAITALL), 25);
	assert_string_equal(first, "HTTP/1.1 100 Continue\r\n\r\n");
	fixture_say(fd, SLICE("{}"));
	control_plane_answer(plane, fixture_next(plane).id, 200, "{}");
	char *heard = fixture_hear(fd);
	fixture_check(heard, 200);
	free(heard);
	heard = fixture_ask(plane, "POST /start HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	fixture_check_error(heard, 401, "token");
	free(heard);
}

static void an_address_that_cannot_be_had(void **state) {
	const char *taken = control_plane_address(plane), *wrong[] = {taken, "nonsense", "203.0.113.1:9010"};
	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		struct control_plane_setup setup = {.address = wrong[i]};
		struct control_plane *other;
		struct err err = {0};
		assert_false(control_plane_open(&setup, &other, &err));
		assert_int_equal(err.code, ERR_FAILED);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plane, close_plane)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_the_plane_answers_by_itself),
		TEST(health_needs_no_token),
		TEST(the_answer_to_a_HEAD_has_no_body),
		TEST(requests_come_to_the_main_thread),
		TEST(figures_are_text),
		TEST(refusals_of_the_main_thread),
		TEST(requests_wait_side_by_side),
		TEST(a_request_may_come_byte_by_byte),
		TEST(who_closes_in_the_middle_hears_of_it),
		TEST(half_a_connection_is_enough),
		TEST(who_is_gone_is_not_answered),
		TEST(a_client_that_asks_first_is_told_to_go_on),
		TEST(an_address_that_cannot_be_had),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
