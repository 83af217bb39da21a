#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/arena_fixture.h"
#include "plan/source.h"

#define AGENT "User-Agent: strest-loadtest/" STREST_VERSION "\r\n"
#define ACCEPT "Accept: */*\r\n"
#define LIST(...)                                                                                                                                    \
	{                                                                                                                                            \
		LENGTH(((const char *[]){__VA_ARGS__})), (const char *[]) {                                                                          \
			__VA_ARGS__                                                                                                                  \
		}                                                                                                                                    \
	}

static struct targets targets;
static struct route route;
static struct source source;

static void build(const struct settings *settings) {
	struct err err;
	bool good = targets_read(&settings->http, &arena, &targets, &err) && route_open(settings, 16, &arena, &route, &err) &&
		    source_build(&(struct source_inputs){&settings->http, &settings->net, 1, &targets, &route}, &arena, &source, &err);
	if (!good) fail_msg("%s", err.text);
}

/* Returns the request that follows `from` to `to`. */
static struct http_request follow(const struct http_request *from, unsigned status, const char *to, bool is_other) {
	struct url url;
	struct err err;
	struct hop hop = {.from = from, .status = status, .url = &url, .route = &route, .is_other = is_other};
	struct http_request request;
	if (!url_parse(to, &arena, &url, &err)) fail_msg("%s", err.text);
	assert_true(route_add(&route, &url, &hop.origin));
	source_hop(&source, &hop, &arena, &request);
	assert_int_equal(request.origin, hop.origin);
	return request;
}

static void assert_slice(struct slice slice, const char *expected) {
	if (!slice_equal(slice, slice_of(expected))) fail_msg("'%.*s', not '%s'", (int)slice.size, slice.at, expected);
}

/* RFC 9110 sections 15.4.2 to 15.4.9, and for 303 also the fetch standard, section 4.4: HEAD stays. */
static void status_and_method_make_the_next_method(void **state) {
	(void)state;
	static const unsigned statuses[] = {301, 302, 303, 307, 308};
	static const struct {
		enum method from, to[LENGTH(statuses)];
		bool keeps[LENGTH(statuses)]; /* the body */
	} rows[] = {
		{METHOD_GET, {METHOD_GET, METHOD_GET, METHOD_GET, METHOD_GET, METHOD_GET}, {true, true, false, true, true}},
		{METHOD_HEAD, {METHOD_HEAD, METHOD_HEAD, METHOD_HEAD, METHOD_HEAD, METHOD_HEAD}, {true, true, false, true, true}},
		{METHOD_POST, {METHOD_GET, METHOD_GET, METHOD_GET, METHOD_POST, METHOD_POST}, {false, false, false, true, true}},
		{METHOD_PUT, {METHOD_PUT, METHOD_PUT, METHOD_GET, METHOD_PUT, METHOD_PUT}, {true, true, false, true, true}},
		{METHOD_PATCH, {METHOD_PATCH, METHOD_PATCH, METHOD_GET, METHOD_PATCH, METHOD_PATCH}, {true, true, false, true, true}},
		{METHOD_DELETE, {METHOD_DELETE, METHOD_DELETE, METHOD_GET, METHOD_DELETE, METHOD_DELETE}, {true, true, false, true, true}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct settings settings = {.http = {.url = "http://h/", .method = rows[i].from, .data = "abc", .content_type = "a/b"}};
		build(&settings);
		for (size_t j = 0; j < LENGTH(statuses); j++) {
			struct http_request made = follow(source.requests, statuses[j], "http://h/next?x", false);
			char expected[400];
			snprintf(expected, sizeof(expected), "%s /next?x HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "%s\r\n", method_name(rows[i].to[j]),
				rows[i].keeps[j] ? "Content-Type: a/b\r\nContent-Length: 3\r\n" : "");
			assert_slice(made.head, expected);
			assert_slice(made.body, rows[i].keeps[j] ? "abc" : "");
			assert_int_equal(made.body_bytes, rows[i].keeps[j] ? 3 : 0);
			assert_int_equal(made.method, rows[i].to[j]);
			assert_int_equal(made.is_head, rows[i].to[j] == METHOD_HEAD);
			assert_int_equal(made.is_idempotent, rows[i].to[j] != METHOD_POST && rows[i].to[j] != METHOD_PATCH);
		}
	}
}

/* What describes the body goes with it (RFC 9110 section 15.4), whoever wrote it. */
static void headers_of_the_body_go_with_it(void **state) {
	(void)state;
	const struct settings settings = {
		.http = {.url = "http://h/",
			.method = METHOD_POST,
			.data = "abc",
			.headers = LIST("content-TYPE: a/b", "Content-Encoding: x", "Content-Language: de", "Content-Location: /", "X-A: 1")}};
	build(&settings);
	assert_slice(follow(source.requests, 302, "http://h/", false).head, "GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "X-A: 1\r\n\r\n");
	assert_slice(follow(source.requests, 308, "http://h/", false).head,
		"POST / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT
		"content-TYPE: a/b\r\nContent-Encoding: x\r\nContent-Language: de\r\nContent-Location: /\r\n"
		"X-A: 1\r\nContent-Length: 3\r\n\r\n");
}

static void a_form_is_sent_again_in_all_its_pieces(void **state) {
	(void)state;
	const struct settings settings = {.http = {.url = "http://h/", .method = METHOD_POST, .form = LIST("a=1", "b=2")}};
	build(&settings);
	const struct http_request *from = source.requests;
	struct http_request again = follow(from, 307, "http://h/", false), got = follow(from, 303, "http://h/", false);
	assert_true(slice_equal(again.head, from->head));
	assert_true(slice_equal(again.body, from->body));
	assert_ptr_equal(again.more, from->more);
	assert_int_equal(again.more_count, from->more_count);
	assert_int_equal(again.body_bytes, from->body_bytes);
	assert_slice(got.head, "GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "\r\n");
	assert_int_equal(got.body_bytes + got.more_count, 0);
}

/* The host that the user meant gets everything, another one nothing that says who asks, and its own Host. Base64 by base64(1). */
static void credentials_stay_with_the_origin(void **state) {
	(void)state;
	const struct {
		struct http_settings http;
		const char *to;
		bool is_other;
		const char *head;
	} rows[] = {
		{{.bearer = "x"}, "http://h/n", false, "GET /n HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Bearer x\r\n\r\n"},
		{{.bearer = "x"}, "http://i/n", true, "GET /n HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "\r\n"},
		{{.basic_auth = "a:b"}, "https://h/n", true, "GET /n HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "\r\n"},
		{{.headers = LIST("Authorization: x", "cookie: y", "X-Api-Key: z", "X-A: 1")}, "http://h/", false,
			"GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: x\r\ncookie: y\r\nX-Api-Key: z\r\nX-A: 1\r\n\r\n"},
		{{.headers = LIST("Authorization: x", "cookie: y", "X-Api-Key: z", "X-A: 1")}, "http://i/", true,
			"GET / HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "X-A: 1\r\n\r\n"},
		{{.host = "virtual"}, "http://h/", false, "GET / HTTP/1.1\r\nHost: virtual\r\n" AGENT ACCEPT "\r\n"},
		{{.host = "virtual"}, "http://i:81/", true, "GET / HTTP/1.1\r\nHost: i:81\r\n" AGENT ACCEPT "\r\n"},
		{{.headers = LIST("host: mine")}, "http://h/", false, "GET / HTTP/1.1\r\n" AGENT ACCEPT "host: mine\r\n\r\n"},
		{{.headers = LIST("host: mine")}, "http://i/", true, "GET / HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "\r\n"},
		/* User and password of the Location itself: where nothing else says who asks. */
		{{.accept = "*/*"}, "http://u:v@h/", false, "GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\n\r\n"},
		{{.bearer = "x"}, "http://u:v@h/", false, "GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Bearer x\r\n\r\n"},
		{{.bearer = "x"}, "http://u:v@i/", true, "GET / HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\n\r\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings settings = {.http = rows[i].http};
		settings.http.url = "http://h/";
		build(&settings);
		assert_slice(follow(source.requests, 302, rows[i].to, rows[i].is_other).head, rows[i].head);
	}
}

/* Those of --url, hop by hop, and never again once they were left behind. */
static void the_urls_user_stays_with_the_origin(void **state) {
	(void)state;
	const struct settings settings = {.http.url = "http://ann:pw@h/"};
	static const char with[] = "GET /b HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic YW5uOnB3\r\n\r\n";
	build(&settings);
	struct http_request first = follow(source.requests, 302, "http://h/a", false), second = follow(&first, 307, "http://h/b", false);
	assert_slice(second.head, with);
	struct http_request away = follow(&second, 302, "http://i/", true), back = follow(&away, 302, "http://h/b", true);
	assert_slice(away.head, "GET / HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "\r\n");
	assert_slice(back.head, "GET /b HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "\r\n");
}

static void proxies_are_told_what_is_theirs(void **state) {
	(void)state;
	const struct settings settings = {.http.url = "http://h/", .net = {.proxy = "http://ann:pw@p:1", .proxy_headers = LIST("X-P: 1")}};
	build(&settings);
	assert_slice(follow(source.requests, 302, "http://i:81/n", true).head,
		"GET http://i:81/n HTTP/1.1\r\nHost: i:81\r\n" AGENT ACCEPT "Proxy-Authorization: Basic YW5uOnB3\r\nX-P: 1\r\n\r\n");
	assert_slice(follow(source.requests, 302, "https://h/n", true).head, "GET /n HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "\r\n");
}

static void a_hop_keeps_the_row(void **state) {
	(void)state;
	const struct settings settings = {.http.url = "http://h/"};
	build(&settings);
	struct http_request from = *source.requests;
	from.row = 7;
	assert_int_equal(follow(&from, 302, "http://h/", false).row, 7);
}

/* POST without a body says so, and says so again (RFC 9110 section 8.6). */
static void an_empty_body_is_said_again(void **state) {
	(void)state;
	const struct settings settings = {.http = {.url = "http://h/", .method = METHOD_POST, .content_type = "a/b"}};
	build(&settings);
	assert_true(slice_equal(follow(source.requests, 308, "http://h/", false).head, source.requests->head));
	assert_non_null(memmem(source.requests->head.at, source.requests->head.size, "Content-Length: 0\r\n", 19));
	assert_slice(follow(source.requests, 301, "http://h/", false).head, "GET / HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "\r\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(status_and_method_make_the_next_method),
		CASE(headers_of_the_body_go_with_it),
		CASE(a_form_is_sent_again_in_all_its_pieces),
		CASE(credentials_stay_with_the_origin),
		CASE(the_urls_user_stays_with_the_origin),
		CASE(proxies_are_told_what_is_theirs),
		CASE(a_hop_keeps_the_row),
		CASE(an_empty_body_is_said_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
