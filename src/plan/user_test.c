/* The requests of users, byte by byte. What they see in answers: user_answer_test.c. */
#include "plan/user_fixture.h"

#include "http/h2_fields.h"
#include "http/hpack.h"

#define HOST "Host: shop\r\n"
#define STEP "[[scenario.steps]]\n"

static const char shop[] = "[scenario]\n" SHOP "vars = {id = \"7\", token = \"none\"}\nheaders = [\"A: 1\"]\n" STEP
			   "method = \"POST\"\npath = \"/login\"\ndata = \"u={{iter}}\"\nextract = {token = {json = \"/t\"}}\n" STEP
			   "path = \"/items/{{id}}?t={{token}}\"\nheaders = [\"Authorization: Bearer {{token}}\"]\n" STEP
			   "method = \"PUT\"\ndata = \"{\\\"seq\\\":{{seq}},\\\"step\\\":{{step}},\\\"t\\\":\\\"{{token}}\\\"}\"\n";

static void an_iteration_carries_on_what_it_was_told(void **state) {
	(void)state;
	begin(shop, 3, 41);
	assert_request("POST /login HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nContent-Length: 4\r\n\r\n", "u=41");
	pass("", "{\"t\": \"a b|\"}");
	assert_request("GET /items/7?t=a%20b%7C HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nAuthorization: Bearer a b|\r\n\r\n", "");
	pass("", "");
	/* Request 41 * 3 + 3 - 1. */
	assert_request("PUT /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nContent-Length: 31\r\n\r\n", "{\"seq\":125,\"step\":3,\"t\":\"a b|\"}");
	assert_int_equal(answer("", ""), REASON_NONE);
	assert_false(user_go_on(user, false));
	assert_null(user->scenario);
	user_begin(user, 42, 99); /* knows nothing of the one before */
	assert_int_equal(user->due, 99);
	assert_request("POST /login HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nContent-Length: 4\r\n\r\n", "u=42");
	assert_true(user_go_on(user, true));
	assert_request("GET /items/7?t=none HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nAuthorization: Bearer none\r\n\r\n", "");
}

static void a_request_is_the_same_when_it_is_made_again(void **state) {
	(void)state;
	begin("[scenario]\n" SHOP STEP "path = \"/{{uuid}}\"\ndata = \"{{random(1,1000000)}}\"\n", 0, 5);
	const char *head = arena_copy(&arena, request()->head), *body = arena_copy(&arena, request()->body);
	assert_request(head, body);
	user_begin(user, 6, 0);
	assert_string_not_equal(arena_copy(&arena, request()->head), head);
	user_begin(user, 5, 0);
	assert_request(head, body);
}

/* Bytes are f(seed, iteration, step), but for {{worker}}. */
static void it_does_not_matter_which_user_makes_it(void **state) {
	(void)state;
	static const char text[] = "[scenario]\n" SHOP STEP "path = \"/{{uuid}}/{{random(1,1000000)}}\"\n";
	begin(text, 0, 5);
	const char *head = arena_copy(&arena, request()->head);
	begin(text, 17, 5);
	assert_slice(request()->head, head);
	file.settings.load.seed = 8;
	user_free(user);
	user = NULL;
	assert_true(build_settings());
	user = user_new(script, &tools, 0);
	user_begin(user, 5, 0);
	assert_string_not_equal(arena_copy(&arena, request()->head), head);
	begin("[scenario]\n" SHOP STEP "path = \"/{{worker}}/{{timestamp_ms}}/{{timestamp_s}}\"\n", 17, 5);
	assert_request("GET /17/1764201234567/1764201234 HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", "");
}

static void a_constant_request_is_never_copied(void **state) {
	(void)state;
	begin("[scenario]\n" SHOP STEP STEP, 0, 0);
	assert_ptr_equal(request(), &script->scenarios[0].steps[0].like);
	pass("Set-Cookie: a=b\r\n", "");
	assert_ptr_not_equal(request(), &script->scenarios[0].steps[1].like);
	assert_request("GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "Cookie: a=b\r\n\r\n", "");
}

/* RFC 6265 sections 5.1.4 and 5.4: path and order. */
static void cookies_go_where_they_belong(void **state) {
	(void)state;
	static const char text[] = "[scenario]\n" SHOP STEP STEP "method = \"POST\"\npath = \"/{{seq}}\"\nheaders = [\"B: 2\"]\n" STEP
				   "path = \"/a/\"\n" STEP "url = \"http://other/\"\n" STEP "headers = [\"Cookie: own={{seq}}\"]\n";
	begin(text, 0, 0);
	request();
	pass("Set-Cookie: s=1; Path=/; HttpOnly\r\nSet-Cookie: t=2\r\nset-cookie: u=3; Secure\r\n", "");
	assert_request("POST /1 HTTP/1.1\r\n" HOST AGENT ACCEPT "B: 2\r\nCookie: s=1\r\nContent-Length: 0\r\n\r\n", "");
	pass("Set-Cookie: s=; Max-Age=0; Path=/\r\n", "");
	assert_request("GET /a/ HTTP/1.1\r\n" HOST AGENT ACCEPT "Cookie: t=2\r\n\r\n", "");
	pass("", "");
	assert_request("GET / HTTP/1.1\r\nHost: other\r\n" AGENT ACCEPT "\r\n", "");
	pass("", "");
	assert_request("GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "Cookie: own=4\r\n\r\n", "");
	user_begin(user, 1, 0);
	assert_request("GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", "");
	begin("[scenario]\ncookies = false\n" SHOP STEP STEP, 0, 0);
	request();
	pass("Set-Cookie: s=1\r\n", "");
	assert_request("GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", "");
}

/* Writes "name=value" for all fields of a request as HTTP/2 has them, in their order. */
static const char *show_h2(const struct http_request *made) {
	struct buf text;
	struct slice before = made->h2_before, after = made->h2_after, name, value;
	buf_init(&text, 10000);
	while (hpack_read(&before, &name, &value)) buf_add_format(&text, "%.*s=%.*s ", (int)name.size, name.at, (int)value.size, value.at);
	for (size_t i = 0; i < made->h2->count; i++) {
		const nghttp2_nv *field = &made->h2->fields[i];
		buf_add_format(&text, "%.*s=%.*s ", (int)field->namelen, (const char *)field->name, (int)field->valuelen, (const char *)field->value);
	}
	while (hpack_read(&after, &name, &value)) buf_add_format(&text, "%.*s=%.*s ", (int)name.size, name.at, (int)value.size, value.at);
	const char *copy = arena_copy(&arena, (struct slice){buf_text(&text), text.size});
	buf_fini(&text);
	return copy;
}

/* RFC 9113 section 8.3.1: the four pseudo-fields of a request, each once, before all others. */
static void over_http2_the_same_fields_go(void **state) {
	(void)state;
	static const char head[] = ":method=GET :scheme=http ", ours[] = "user-agent=strest-loadtest/" STREST_VERSION " accept=*/* ";
	protocols.clear_h2 = true;
	begin("[scenario]\n" SHOP STEP "extract = {t = {regex = \".*\"}}\n" STEP
	      "path = \"/{{t}}\"\nheaders = [\"X-A: {{t}}\", \"Connection: {{t}}\"]\n" STEP
	      "headers = [\"Host: {{t}}.org\", \"X-B: 1\"]\ndata = \"{{t}}\"\n",
		0, 0);
	protocols.clear_h2 = false;
	assert_string_equal(show_h2(request()), arena_format(&arena, "%s:authority=shop :path=/a/b?c %s", head, ours));
	pass("Set-Cookie: c=d\r\n", "tok en");
	assert_string_equal(
		show_h2(request()), arena_format(&arena, ":path=/tok%%20en %s:authority=shop %sx-a=tok en ", head, ours)); /* the cookie is for /a */
	assert_slice(request()->head, "GET /tok%20en HTTP/1.1\r\n" HOST AGENT ACCEPT "X-A: tok en\r\nConnection: tok en\r\n\r\n");
	pass("", "");
	assert_string_equal(
		show_h2(request()), arena_format(&arena, ":authority=tok en.org %s:path=/a/b?c %sx-b=1 cookie=c=d content-length=6 ", head, ours));
	assert_slice(
		request()->head, "GET /a/b?c HTTP/1.1\r\n" AGENT ACCEPT "X-B: 1\r\nHost: tok en.org\r\nCookie: c=d\r\nContent-Length: 6\r\n\r\n");
}

static void what_cannot_be_sent_is_no_request(void **state) {
	(void)state;
	static const struct {
		const char *step, *value;
		bool is_possible;
	} rows[] = {
		{"headers = [\"A: {{v}}\"]", "a\\r\\nB: 1", false}, /* it would be a field more */
		{"headers = [\"A: {{v}}\"]", "a\\nb", false},
		{"headers = [\"A: {{v}}\"]", "a\\u0000b", false},
		{"headers = [\"A: {{v}}\"]", "a\\tb", true},
		{"path = \"/{{v}}\"", "a\\r\\nb", true}, /* %0D%0A */
		{"data = \"{{v}}\"", "a\\r\\nb", true},
		{"path = \"{{v}}\"", "http://evil/", false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		begin(arena_format(&arena, "[scenario]\n" SHOP STEP "extract = {v = {json = \"\"}}\n" STEP "%s\n", rows[i].step), 0, 0);
		request();
		pass("", arena_format(&arena, "\"%s\"", rows[i].value));
		if ((user_request(user, NOW_MS) != NULL) != rows[i].is_possible) fail_msg("%s: %s", rows[i].step, rows[i].value);
	}
}

/* SCRIPT_VALUE_MAX and SCRIPT_HEAD_MAX are 64 KiB. */
static void what_is_too_long_is_no_request(void **state) {
	(void)state;
	static const char *const steps[] = {
		"headers = [\"A: {{v}}\"]", "path = \"/{{v}}\"", "headers = [\"A: {{v}}\", \"B: {{v}}\"]", "data = \"{{v}}{{v}}\""};
	static const size_t sizes[] = {100, 30000, 65000, 65536};
	static const bool possible[LENGTH(steps)][LENGTH(sizes)] = {
		{true, true, true, false}, {true, true, true, false}, {true, true, false, false}, {true, true, true, true}};
	for (size_t i = 0; i < LENGTH(steps); i++) {
		for (size_t k = 0; k < LENGTH(sizes); k++) {
			char *value = arena_alloc(&arena, sizes[k] + 1);
			memset(value, 'v', sizes[k]);
			begin(arena_format(&arena, "[scenario]\n" SHOP STEP "extract = {v = {regex = \".*\"}}\n" STEP "%s\n", steps[i]), 0, 0);
			request();
			pass("", value);
			assert_int_equal(user_request(user, NOW_MS) != NULL, possible[i][k]);
			if (i < 3) continue;
			assert_int_equal(request()->body_bytes, 2 * sizes[k]);
		}
	}
}

static void after_a_failed_step_the_iteration_goes_on_unless_it_is_restarted(void **state) {
	(void)state;
	begin("[scenario]\n" SHOP STEP STEP, 0, 0);
	assert_true(user_go_on(user, true));
	assert_true(user->has_failed && user->step->number == 2);
	assert_false(user_go_on(user, false));
	assert_true(user->has_failed);
	begin("[scenario]\non_failure = \"restart\"\n" SHOP STEP STEP, 0, 0);
	assert_false(user_go_on(user, true));
	user_begin(user, 1, 0);
	assert_true(!user->has_failed && user_go_on(user, false));
}

static const struct url *url_of(const char *text) {
	struct url *url = arena_alloc(&arena, sizeof(*url));
	struct err err;
	assert_true(url_parse(text, &arena, url, &err));
	return url;
}

/* RFC 9110 section 15.4: fields that are for the first origin do not follow to another one, what describes the body only goes with it. */
static void a_redirect_gets_the_fields_that_differ(void **state) {
	(void)state;
	static const struct {
		const char *url;
		bool is_other, keeps_body;
		const char *fields;
	} rows[] = {
		{"http://shop/a/x", false, true, "A: 1\r\nAuthorization: Bearer 1\r\nContent-Type: t/1\r\nHost: 1.org\r\nCookie: c=d\r\n"},
		{"http://shop/x", false, true, "A: 1\r\nAuthorization: Bearer 1\r\nContent-Type: t/1\r\nHost: 1.org\r\n"},
		{"http://shop/a/x", false, false, "A: 1\r\nAuthorization: Bearer 1\r\nHost: 1.org\r\nCookie: c=d\r\n"},
		{"http://other/a/x", true, true, "A: 1\r\nContent-Type: t/1\r\nCookie: e=f\r\n"},
		{"http://third/a/x", true, false, "A: 1\r\n"},
	};
	begin("[scenario]\n" SHOP STEP STEP
	      "data = \"x\"\nheaders = [\"A: {{seq}}\", \"Authorization: Bearer {{seq}}\", \"Content-Type: t/{{seq}}\", \"Host: "
	      "{{seq}}.org\", \"X-Secret-Key-Not: 1\"]\n",
		0, 0);
	request();
	pass("Set-Cookie: c=d\r\n", "");
	request();
	user_see_head(user, SLICE("HTTP/1.1 302 Found\r\nSet-Cookie: e=f\r\n\r\n"), url_of("http://other/a/y"), true);
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_slice(user_hop_fields(user, url_of(rows[i].url), rows[i].is_other, rows[i].keeps_body), rows[i].fields);
}

static void bodies_of_the_run_are_taken_in_turn(void **state) {
	(void)state;
	struct http_request bodies[] = {{.body = SLICE("one"), .body_bytes = 3}, {.body = SLICE("second"), .body_bytes = 6}};
	struct source plain = {.requests = bodies, .count = 2, .content_type = "a/b"};
	struct err err;
	read_settings("");
	file.settings.http.url = "http://h/{{seq}}";
	file.settings.http.method = METHOD_POST;
	assert_true(route_open(&file.settings, 16, &arena, &route, &err));
	findings = (struct findings){.arena = &arena};
	assert_true(script_build(&(struct script_inputs){&file.settings, &route, protocols, &plain, &findings}, &arena, &script));
	user = user_new(script, &tools, 0);
	for (uint64_t n = 0; n < 4; n++) {
		user_begin(user, n, 0);
		assert_request(arena_format(&arena, "POST /%d HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Content-Type: a/b\r\nContent-Length: %d\r\n\r\n",
				       (int)n, n % 2 ? 6 : 3),
			n % 2 ? "second" : "one");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		USER_CASE(an_iteration_carries_on_what_it_was_told),
		USER_CASE(a_request_is_the_same_when_it_is_made_again),
		USER_CASE(it_does_not_matter_which_user_makes_it),
		USER_CASE(a_constant_request_is_never_copied),
		USER_CASE(cookies_go_where_they_belong),
		USER_CASE(over_http2_the_same_fields_go),
		USER_CASE(what_cannot_be_sent_is_no_request),
		USER_CASE(what_is_too_long_is_no_request),
		USER_CASE(after_a_failed_step_the_iteration_goes_on_unless_it_is_restarted),
		USER_CASE(a_redirect_gets_the_fields_that_differ),
		USER_CASE(bodies_of_the_run_are_taken_in_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
