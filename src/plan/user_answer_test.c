/* What users see in answers: asserts, extractions, verdicts. */
#include "plan/user_fixture.h"

#define STEP "[[scenario.steps]]\n"
#define REGEX_LONG 30

/* Gives an answer to a step with these lines. */
static enum reason judge(const char *lines, const char *fields, const char *body) {
	begin(arena_format(&arena, "[scenario]\n" SHOP STEP "%s\n", lines), 0, 0);
	request();
	return answer(fields, body);
}

static void asserts_hold_or_give_their_reason(void **state) {
	(void)state;
	static const struct {
		const char *lines, *fields, *body;
		enum reason reason;
	} rows[] = {
		{"", "", "", REASON_NONE}, {"assert_body_contains = \"b c\"", "", "ab cd", REASON_NONE},
		{"assert_body_contains = \"b c\"", "", "abcd", REASON_ASSERT_BODY}, {"assert_body_contains = \"b\"", "", "", REASON_ASSERT_BODY},
		{"assert_body_regex = \"^a.c$\"", "", "abc", REASON_NONE}, {"assert_body_regex = \"^a.c$\"", "", "abcd", REASON_ASSERT_REGEX},
		{"assert_body_regex = \"^$\"", "", "", REASON_NONE},
		{"assert_headers = {content-type = \"json\"}", "Content-Type: application/json\r\n", "", REASON_NONE},
		{"assert_headers = {Content-Type = \"JSON\"}", "Content-Type: application/json\r\n", "", REASON_ASSERT_HEADER},
		{"assert_headers = {X = \"\"}", "X: \r\n", "", REASON_NONE}, {"assert_headers = {X = \"\"}", "Y: 1\r\n", "", REASON_ASSERT_HEADER},
		{"assert_headers = {X = \"1\", Y = \"2\"}", "X: 1\r\nY: 1\r\n", "", REASON_ASSERT_HEADER},
		{"assert_json = {\"/a\" = 1}", "", "{\"a\": 1.0}", REASON_NONE}, {"assert_json = {\"/a\" = 1}", "", "{\"a\": 1e0}", REASON_NONE},
		{"assert_json = {\"/a\" = 1}", "", "{\"a\": \"1\"}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a\" = 1}", "", "{\"a\": 2}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a\" = 1.5}", "", "{\"a\": 15e-1}", REASON_NONE}, {"assert_json = {\"/a\" = 0}", "", "{\"a\": -0}", REASON_NONE},
		/* 2^53 and one more are the same as a double. */
		{"assert_json = {\"/a\" = 9007199254740992}", "", "{\"a\": 9007199254740993}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a\" = 9007199254740993}", "", "{\"a\": 9007199254740993}", REASON_NONE},
		{"assert_json = {\"/a\" = 1e300}", "", "{\"a\": 1E+300}", REASON_NONE},
		{"assert_json = {\"/a\" = \"1\"}", "", "{\"a\": \"1\"}", REASON_NONE},
		{"assert_json = {\"/a\" = \"1\"}", "", "{\"a\": 1}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a\" = \"ü\"}", "", "{\"a\": \"\\u00fc\"}", REASON_NONE},
		{"assert_json = {\"/a\" = true}", "", "{\"a\": true}", REASON_NONE},
		{"assert_json = {\"/a\" = true}", "", "{\"a\": \"true\"}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a/1\" = false}", "", "{\"a\": [true, false]}", REASON_NONE},
		{"assert_json = {\"/b\" = 1}", "", "{\"a\": 1}", REASON_ASSERT_JSON},
		{"assert_json = {\"/a\" = 1}", "", "no json", REASON_ASSERT_JSON}, {"assert_json = {\"/a\" = 1}", "", "", REASON_ASSERT_JSON},
		{"assert_json = {\"\" = \"x\"}", "", "\"x\"", REASON_NONE}, {"assert_time = \"1ns\"", "", "", REASON_NONE}, /* it took 1 ns */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		enum reason reason = judge(rows[i].lines, rows[i].fields, rows[i].body);
		if (reason != rows[i].reason) fail_msg("%s with '%s': %s", rows[i].lines, rows[i].body, reason_name(reason));
	}
}

static void null_is_asserted_in_a_json_file(void **state) {
	(void)state;
	static const char text[] = "{\"scenario\": {\"base_url\": \"http://h\", \"steps\": [{\"assert_json\": {\"/a\": null}}]}}";
	file_read_text("a.json", slice_of(text), &arena, &file);
	assert_int_equal(file.findings.faults, 0);
	assert_true(build_settings());
	user = user_new(script, &tools, 0);
	user_begin(user, 0, 0);
	request();
	assert_int_equal(script->scenarios[0].steps[0].assert_count, 1);
	assert_int_equal(answer("", "{\"a\": null}"), REASON_NONE);
	assert_int_equal(answer("", "{\"a\": 0}"), REASON_ASSERT_JSON);
	assert_int_equal(answer("", "{}"), REASON_ASSERT_JSON);
}

/* The first reason in this order is the verdict: head, body in the order of the asserts, what is missing, time. */
static void the_verdict_is_the_first_reason(void **state) {
	(void)state;
	static const char all[] =
		"assert_body_contains = \"a\"\nassert_body_regex = \"b\"\nassert_headers = {H = \"h\"}\nassert_json = {\"/j\" = 1}\n"
		"extract = {x = {header = \"X\"}}\nassert_time = \"5ns\"\n";
	static const struct {
		const char *fields, *body;
		nsec time;
		enum reason reason;
	} rows[] = {
		{"", "", 9, REASON_ASSERT_HEADER},
		{"H: h\r\n", "", 9, REASON_ASSERT_BODY},
		{"H: h\r\n", "a", 9, REASON_ASSERT_REGEX},
		{"H: h\r\n", "ab", 9, REASON_ASSERT_JSON},
		{"H: h\r\n", "{\"j\": 1, \"s\": \"ab\"}", 9, REASON_EXTRACT},
		{"H: h\r\nX: 1\r\n", "{\"j\": 1, \"s\": \"ab\"}", 6, REASON_ASSERT_TIME},
		{"H: h\r\nX: 1\r\n", "{\"j\": 1, \"s\": \"ab\"}", 5, REASON_NONE},
	};
	begin(arena_format(&arena, "[scenario]\n" SHOP STEP "%s", all), 0, 0);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		request();
		user_see_head(user, slice_of(arena_format(&arena, "HTTP/1.1 200 OK\r\n%s\r\n", rows[i].fields)), user->url, false);
		for (const char *at = rows[i].body; *at; at++) user_see_body(user, (struct slice){at, 1});
		enum reason reason = user_judge(user, rows[i].time);
		if (reason != rows[i].reason) fail_msg("row %zu: %s", i, reason_name(reason));
	}
}

static void values_are_extracted_from_all_places(void **state) {
	(void)state;
	static const struct {
		const char *source, *fields, *body, *value; /* NULL: there is none */
	} rows[] = {
		{"json = \"/a\"", "", "{\"a\": \"x\\ny\"}", "x\ny"},
		{"json = \"/a\"", "", "{\"a\": 1.50}", "1.50"},
		{"json = \"/a\"", "", "{\"a\": null}", "null"},
		{"json = \"/a\"", "", "{\"a\": [1, {}]}", "[1, {}]"},
		{"json = \"/a/1/b\"", "", "{\"a\": [1, {\"b\": true}]}", "true"},
		{"json = \"/a\"", "", "{}", NULL},
		{"json = \"/a\"", "", "", NULL},
		{"json = \"/a\"", "", "<a>", NULL},
		{"header = \"Location\"", "location:  /x \r\nLocation: /y\r\n", "", "/x"},
		{"header = \"Location\"", "X: y\r\n", "", NULL},
		{"header = \"X\"", "X:\r\n", "", ""},
		{"cookie = \"sid\"", "Set-Cookie: sid=a=b; Path=/\r\n", "", "a=b"},
		{"cookie = \"sid\"", "Set-Cookie: SID=a\r\n", "", NULL},
		{"cookie = \"sid\"", "Set-Cookie: sid=a; Path=/elsewhere\r\n", "", NULL},
		{"regex = \"id=([0-9]+)\"", "", "x id=1 id=2", "1"},
		{"regex = \"id=[0-9]+\"", "", "x id=1 id=2", "id=1"},
		{"regex = \"a|(b)\"", "", "a", NULL}, /* the group took no part */
		{"regex = \"a(b?)\"", "", "a", ""},
		{"regex = \"c\"", "", "ab", NULL},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		enum reason reason =
			judge(arena_format(&arena, "extract = {v = {%s}}\n" STEP "data = \"{{v}}\"", rows[i].source), rows[i].fields, rows[i].body);
		if ((reason == REASON_NONE) != (rows[i].value != NULL)) fail_msg("%s: %s", rows[i].source, reason_name(reason));
		if (!rows[i].value) {
			assert_int_equal(reason, REASON_EXTRACT);
			continue;
		}
		assert_true(user_go_on(user, false));
		assert_slice(request()->body, rows[i].value);
	}
}

static void what_can_be_extracted_is_although_a_step_fails(void **state) {
	(void)state;
	assert_int_equal(judge("assert_body_contains = \"no\"\nextract = {a = {json = \"/a\"}, b = {json = \"/b\"}, c = {json = \"/c\"}}\n" STEP
			       "data = \"{{a}},{{b}},{{c}}\"",
				 "", "{\"a\": 1, \"c\": 3}"),
		REASON_ASSERT_BODY);
	user_go_on(user, true);
	assert_slice(request()->body, "1,,3");
}

static void a_value_that_was_extracted_stays_until_there_is_another(void **state) {
	(void)state;
	begin("[scenario]\n" SHOP STEP "extract = {v = {json = \"\"}}\n" STEP "data = \"{{v}}\"\nextract = {v = {json = \"\"}}\n" STEP
	      "data = \"{{v}}\"\nextract = {v = {json = \"\"}}\n" STEP "data = \"{{v}}\"\n",
		0, 0);
	request();
	pass("", "\"first\"");
	assert_slice(request()->body, "first");
	assert_int_equal(answer("", "nothing"), REASON_EXTRACT);
	user_go_on(user, true);
	assert_slice(request()->body, "first");
	pass("", "2");
	assert_slice(request()->body, "2");
}

/* A value of 64 KiB is carried on, a larger one is not. */
static void a_value_has_a_limit(void **state) {
	(void)state;
	char *value = arena_alloc(&arena, SCRIPT_VALUE_MAX + 2);
	memset(value, 'v', SCRIPT_VALUE_MAX);
	assert_int_equal(judge("extract = {v = {regex = \".*\"}}", "", value), REASON_NONE);
	value[SCRIPT_VALUE_MAX] = 'v';
	assert_int_equal(judge("extract = {v = {regex = \".*\"}}", "", value), REASON_EXTRACT);
}

/* 4 MiB, if somebody looks. */
static void a_body_has_a_limit(void **state) {
	(void)state;
	char *body = mem_zeroed(1, SCRIPT_BODY_MAX);
	memset(body, 'x', SCRIPT_BODY_MAX);
	static const char *const lines[] = {"assert_body_contains = \"x\"", ""};
	for (size_t i = 0; i < LENGTH(lines); i++) {
		for (size_t more = 0; more < 2; more++) {
			begin(arena_format(&arena, "[scenario]\n" SHOP STEP "%s\n" STEP, lines[i]), 0, 0);
			request();
			user_see_head(user, SLICE("HTTP/1.1 200 OK\r\n\r\n"), user->url, false);
			user_see_body(user, (struct slice){body, SCRIPT_BODY_MAX / 2});
			user_see_body(user, (struct slice){body, SCRIPT_BODY_MAX / 2});
			user_see_body(user, (struct slice){body, more});
			assert_int_equal(user_judge(user, 1), i == 0 && more ? REASON_BODY_TOO_LARGE : REASON_NONE);
			assert_int_equal(user->answer.size, i == 0 ? SCRIPT_BODY_MAX : 0);
			assert_true(user_go_on(user, false));
			assert_true(user->answer.room <= (64 << 10));
			request();
			assert_int_equal(answer("", ""), REASON_NONE); /* the next body begins anew */
		}
	}
	free(body);
}

/* Who tries a script sees all bodies, and fails none for its size that nobody else looks at. */
static void who_tries_keeps_the_answer(void **state) {
	(void)state;
	char *body = mem_zeroed(1, SCRIPT_BODY_MAX);
	build("[scenario]\n" SHOP STEP);
	script_try(script);
	user = user_new(script, &tools, 0);
	user_begin(user, 0, 0);
	request();
	user_see_head(user, SLICE("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), user->url, false);
	user_see_body(user, SLICE("text"));
	assert_string_equal(buf_text(&user->answer), "text");
	assert_string_equal(buf_text(&user->answer_head), "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
	user_see_body(user, (struct slice){body, SCRIPT_BODY_MAX});
	assert_int_equal(user_judge(user, 1), REASON_NONE);
	free(body);
}

/* A redirect is no answer yet: its cookies are taken, nothing else. */
static void a_redirect_is_not_judged(void **state) {
	(void)state;
	begin("[scenario]\n" SHOP STEP "assert_headers = {H = \"h\"}\nassert_body_contains = \"b\"\nextract = {x = {header = \"X\"}}\n" STEP
	      "data = \"{{x}}\"\n",
		0, 0);
	request();
	user_see_head(user, SLICE("HTTP/1.1 302 Found\r\nX: no\r\nSet-Cookie: a=b\r\n\r\n"), user->url, true);
	user_see_body(user, SLICE("not this"));
	user_hop_fields(user, user->url, false, true);
	user_see_head(user, SLICE("HTTP/1.1 200 OK\r\nH: h\r\nX: yes\r\n\r\n"), user->url, false);
	user_see_body(user, SLICE("b"));
	assert_int_equal(user_judge(user, 1), REASON_NONE);
	assert_string_equal(buf_text(&user->answer), "b");
	assert_true(user_go_on(user, false));
	assert_request("GET /a/b?c HTTP/1.1\r\nHost: shop\r\n" AGENT ACCEPT "Cookie: a=b\r\nContent-Length: 3\r\n\r\n", "yes");
}

/* A pattern of nested repetitions on a text that it nearly matches. */
static void a_pattern_that_takes_too_long_is_given_up(void **state) {
	(void)state;
	char body[REGEX_LONG + 2];
	memset(body, 'a', REGEX_LONG);
	memcpy(body + REGEX_LONG, "!", 2);
	assert_int_equal(judge("assert_body_regex = \"^(a|aa|a?)+$\"", "", body), REASON_REGEX_LIMIT);
	assert_int_equal(judge("extract = {v = {regex = \"^(a|aa|a?)+$\"}}", "", body), REASON_REGEX_LIMIT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		USER_CASE(asserts_hold_or_give_their_reason),
		USER_CASE(null_is_asserted_in_a_json_file),
		USER_CASE(the_verdict_is_the_first_reason),
		USER_CASE(values_are_extracted_from_all_places),
		USER_CASE(what_can_be_extracted_is_although_a_step_fails),
		USER_CASE(a_value_that_was_extracted_stays_until_there_is_another),
		USER_CASE(a_value_has_a_limit),
		USER_CASE(a_body_has_a_limit),
		USER_CASE(who_tries_keeps_the_answer),
		USER_CASE(a_redirect_is_not_judged),
		USER_CASE(a_pattern_that_takes_too_long_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
