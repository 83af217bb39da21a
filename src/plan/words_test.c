#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/arena_fixture.h"
#include "http/body.h"
#include "plan/words.h"

#define HOST "Host: h\r\n"
#define AGENT "User-Agent: strest-loadtest/" STREST_VERSION "\r\n"
#define ACCEPT "Accept: */*\r\n"
#define LIST(...)                                                                                                                                    \
	{                                                                                                                                            \
		LENGTH(((const char *[]){__VA_ARGS__})), (const char *[]) {                                                                          \
			__VA_ARGS__                                                                                                                  \
		}                                                                                                                                    \
	}

static struct route route;

/* Returns the one request that the settings make. */
static const struct http_request *build(const struct settings *settings) {
	static struct targets targets;
	static struct source source;
	struct err err;
	bool good = targets_read(&settings->http, &arena, &targets, &err) && route_open(settings, 1, &arena, &route, &err) &&
		    source_build(&(struct source_inputs){&settings->http, &settings->net, 1, &targets, &route}, &arena, &source, &err);
	if (!good) fail_msg("%s", err.text);
	return source.ops->next(&source, 0, 0);
}

static void assert_head(const struct http_request *request, const char *expected) {
	if (!slice_equal(request->head, slice_of(expected))) fail_msg("'%.*s', not '%s'", (int)request->head.size, request->head.at, expected);
}

/* Base64 by base64(1). */
static void who_asks_is_said_once(void **state) {
	(void)state;
	const struct {
		struct http_settings http;
		const char *url, *line;
	} rows[] = {
		{{.basic_auth = "ann:pw"}, "http://h/", "Authorization: Basic YW5uOnB3\r\n"},
		{{.basic_auth = "ann:"}, "http://h/", "Authorization: Basic YW5uOg==\r\n"},
		{{.basic_auth = "ann:p:w"}, "http://h/", "Authorization: Basic YW5uOnA6dw==\r\n"},
		{{.bearer = "abc.def"}, "http://h/", "Authorization: Bearer abc.def\r\n"},
		{{.basic_auth = "ann:pw"}, "http://u:v@h/", "Authorization: Basic YW5uOnB3\r\n"},
		{{.bearer = "abc"}, "http://u:v@h/", "Authorization: Bearer abc\r\n"},
		{{.basic_auth = "ann:pw", .headers = LIST("authorization: x")}, "http://u:v@h/", "authorization: x\r\n"},
		{{.bearer = "abc", .headers = LIST("Authorization: x")}, "http://h/", "Authorization: x\r\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char expected[400];
		snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\n" HOST AGENT ACCEPT "%s\r\n", rows[i].line);
		struct settings settings = {.http = rows[i].http};
		settings.http.url = rows[i].url;
		assert_head(build(&settings), expected);
	}
}

static void connection_and_coding_are_said_unless_the_user_does(void **state) {
	(void)state;
	char coding[100];
	snprintf(coding, sizeof(coding), "Accept-Encoding: %s\r\n", body_accept);
	const struct {
		struct settings settings;
		const char *fields[3];
	} rows[] = {
		{{.http.compressed = true}, {coding}},
		{{.http = {.compressed = true, .headers = LIST("accept-encoding: br")}}, {"accept-encoding: br\r\n"}},
		{{.net.disable_keepalive = true}, {"Connection: close\r\n"}},
		{{.net.disable_keepalive = true, .http.headers = LIST("connection: keep-alive")}, {"connection: keep-alive\r\n"}},
		{{.net.disable_keepalive = true, .http = {.compressed = true, .content_type = "a/b", .bearer = "x"}},
			{coding, "Authorization: Bearer x\r\n", "Content-Type: a/b\r\nConnection: close\r\n"}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings settings = rows[i].settings;
		char expected[500];
		const char *const *fields = rows[i].fields;
		settings.http.url = "http://h/";
		snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\n" HOST AGENT ACCEPT "%s%s%s\r\n", fields[0], fields[1] ? fields[1] : "",
			fields[2] ? fields[2] : "");
		assert_head(build(&settings), expected);
	}
}

/* RFC 9112 section 3.2.2: a proxy gets the whole URL, without user and password (RFC 9110 section 4.2.4), and Host as ever (RFC 9112 section 3.2).
 * Through a tunnel the target's request is what it would be without. */
static void a_proxy_gets_the_whole_url(void **state) {
	(void)state;
	const struct {
		struct settings settings;
		const char *head;
	} rows[] = {
		{{.http.url = "http://h:81/a?b", .net.proxy = "http://p:1"}, "GET http://h:81/a?b HTTP/1.1\r\nHost: h:81\r\n" AGENT ACCEPT "\r\n"},
		{{.http.url = "http://[::1]", .net.proxy = "https://p:1"}, "GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n" AGENT ACCEPT "\r\n"},
		{{.http = {.url = "http://u:v@h/", .host = "virtual", .headers = LIST("X-A: 1")},
			 .net = {.proxy = "http://ann:pw@p:1", .proxy_headers = LIST("X-P: 2")}},
			"GET http://h/ HTTP/1.1\r\nHost: virtual\r\n" AGENT ACCEPT
			"Authorization: Basic dTp2\r\nX-A: 1\r\nProxy-Authorization: Basic YW5uOnB3\r\nX-P: 2\r\n\r\n"},
		{{.http = {.url = "http://h/", .method = METHOD_POST, .data = "abc"},
			 .net = {.proxy = "http://p:1", .proxy_headers = LIST("X-P: 2")}},
			"POST http://h/ HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Length: 3\r\nX-P: 2\r\n\r\n"},
		/* No field twice: what is for the proxy goes first. */
		{{.http = {.url = "http://u:v@h/", .headers = LIST("X-A: 1", "x-b: 1")},
			 .net = {.proxy = "http://p:1", .proxy_headers = LIST("host: i", "user-agent: me", "X-B: 2", "authorization: x")}},
			"GET http://h/ HTTP/1.1\r\n" ACCEPT "X-A: 1\r\nhost: i\r\nuser-agent: me\r\nX-B: 2\r\nauthorization: x\r\n\r\n"},
		{{.http.url = "https://h/a", .net = {.proxy = "http://ann:pw@p:1", .proxy_headers = LIST("X-P: 2", "Host: i")}},
			"GET /a HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct http_request *made = build(&rows[i].settings);
		assert_head(made, rows[i].head);
		assert_int_equal(route.origins[made->origin].way, i == LENGTH(rows) - 1 ? WAY_TUNNEL : WAY_FORWARD);
	}
}

/* Behind what describes the body, before what is for the proxy. */
static void further_lines_stand_before_those_for_the_proxy(void **state) {
	(void)state;
	const struct settings settings = {.http = {.url = "http://h/a", .method = METHOD_POST, .data = "abc", .headers = LIST("X-A: 1")},
		.net = {.proxy = "http://p:1", .proxy_headers = LIST("X-P: 2")}};
	struct url url;
	struct err err;
	const struct http_request *made = build(&settings);
	assert_true(url_parse("http://h/b", &arena, &url, &err));
	const struct words_head head = {.method = METHOD_PUT,
		.url = &url,
		.route = &route,
		.origin = made->origin,
		.has_body = true,
		.body_bytes = 10,
		.more = SLICE("X-B: 2\r\nCookie: c=d\r\n")};
	struct http_request other = {.head = words_lay_out(words_build(&settings.http, &settings.net, NULL, &arena), &head, &arena)};
	assert_head(
		&other, "PUT http://h/b HTTP/1.1\r\n" HOST AGENT ACCEPT "X-A: 1\r\nContent-Length: 10\r\nX-B: 2\r\nCookie: c=d\r\nX-P: 2\r\n\r\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(who_asks_is_said_once),
		CASE(connection_and_coding_are_said_unless_the_user_does),
		CASE(a_proxy_gets_the_whole_url),
		CASE(further_lines_stand_before_those_for_the_proxy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
