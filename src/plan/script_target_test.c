/* Where steps go: URLs, paths and references, the same always or not. */
#include "plan/user_fixture.h"

/* The step's request goes to this host with this target; value of {{v}}: "v". */
static void assert_target(const char *step, const char *authority, const char *target) {
	begin(arena_format(&arena,
		      "[scenario]\n" SHOP
		      "vars = {k = \"K\"}\n[[scenario.steps]]\npath = \"/\"\nextract = {v = {regex = \"v\"}}\n[[scenario.steps]]\n%s\n",
		      step),
		0, 0);
	request();
	pass("", "v");
	const struct http_request *made = request();
	const char *expected = arena_format(&arena, "GET %s HTTP/1.1\r\nHost: %s\r\n" AGENT ACCEPT "\r\n", target, authority);
	if (!slice_equal(made->head, slice_of(expected))) fail_msg("%s: '%.*s', not '%s'", step, (int)made->head.size, made->head.at, expected);
	assert_string_equal(route.origins[made->origin].authority, authority);
	assert_string_equal(user->url->target, target);
	assert_slice(user->where, target);
}

/* RFC 3986 section 5.2 with the base http://shop/a/b?c. */
static void a_path_is_joined_with_the_base_url(void **state) {
	(void)state;
	static const struct {
		const char *step, *authority, *target;
	} rows[] = {
		{"", "shop", "/a/b?c"},
		{"path = \"\"", "shop", "/a/b?c"},
		{"path = \"/x\"", "shop", "/x"},
		{"path = \"/x/{{v}}\"", "shop", "/x/v"},
		{"path = \"x\"", "shop", "/a/x"},
		{"path = \"x{{v}}\"", "shop", "/a/xv"},
		{"path = \"x/{{v}}/y\"", "shop", "/a/x/v/y"},
		{"path = \"?q\"", "shop", "/a/b?q"},
		{"path = \"?q={{v}}\"", "shop", "/a/b?q=v"},
		{"path = \"x?q={{v}}\"", "shop", "/a/x?q=v"},
		{"path = \"/x?u=http://y/{{v}}\"", "shop", "/x?u=http://y/v"},
		{"path = \"../x\"", "shop", "/x"},
		{"path = \"../x{{v}}\"", "shop", "/xv"},
		{"path = \"./x/./{{v}}\"", "shop", "/a/x/v"},
		{"path = \"/x/../y/{{v}}?{{v}}\"", "shop", "/y/v?v"},
		{"path = \"//other/x\"", "other", "/x"},
		{"path = \"//other/x/{{v}}\"", "other", "/x/v"},
		{"path = \"//other:81?{{v}}\"", "other:81", "/?v"},
		{"path = \"http://other/x\"", "other", "/x"},
		{"path = \"http://other/x/{{v}}\"", "other", "/x/v"},
		{"path = \"/{{k}}\"", "shop", "/K"},
		{"path = \"{{k}}\"", "shop", "/a/K"},
		{"path = \"//{{k}}/{{v}}\"", "K", "/v"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_target(rows[i].step, rows[i].authority, rows[i].target);
}

static void a_url_goes_where_it_says(void **state) {
	(void)state;
	static const struct {
		const char *step, *authority, *target;
	} rows[] = {
		{"url = \"http://h:8080\"", "h:8080", "/"},
		{"url = \"http://h:8080?{{v}}\"", "h:8080", "/?v"},
		{"url = \"http://h/x?{{v}}\"", "h", "/x?v"},
		{"url = \"http://h:80/{{v}}\"", "h", "/v"},
		{"url = \"HTTP://h/{{v}}\"", "h", "/v"},
		{"url = \"http://[::1]:81/{{v}}\"", "[::1]:81", "/v"},
		{"url = \"http://[::1]:81/x\"", "[::1]:81", "/x"},
		{"url = \"http://{{k}}.org/{{v}}\"", "K.org", "/v"},
		{"url = \"http://h/a/../{{v}}\"", "h", "/a/../v"}, /* as it is without templates, too */
		{"url = \"http://h/a/../b\"", "h", "/a/../b"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_target(rows[i].step, rows[i].authority, rows[i].target);
}

/* RFC 3986 section 2.1: what cannot stand there becomes %XX; a '%' that stands there stays. Section 3.5: a fragment is not sent. */
static void a_target_is_encoded(void **state) {
	(void)state;
	static const struct {
		const char *step, *target;
	} rows[] = {
		{"path = \"/x#y\"", "/x"},
		{"path = \"/x{{v}}#{{v}}\"", "/xv"},
		{"path = \"/ü|{{v}}\"", "/%C3%BC%7Cv"},
		{"path = \"/ü|\"", "/%C3%BC%7C"},
		{"path = \"/a b/{{v}} c\"", "/a%20b/v%20c"},
		{"path = \" /a{{v}} \"", "/av"},
		{"path = \"/%2F%{{v}}\"", "/%2F%v"},
		{"path = \"/{x}/{{v}}\"", "/%7Bx%7D/v"},
		{"path = \"/{{{{x}}/{{v}}\"", "/%7B%7Bx%7D%7D/v"},
		{"path = \"/{{{v}}}\"", "/%7Bv%7D"},
		{"path = \"/{{v}}{{v\"", "/v%7B%7Bv"},
		{"path = \"/{{ v }}\"", "/v"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_target(rows[i].step, "shop", rows[i].target);
}

/* Returns whether a step with path = "{{next}}TAIL" is possible if `next` was extracted as this text, and its target then. */
static bool follow(const char *next, const char *tail, const char **ret) {
	begin(arena_format(&arena,
		      "[scenario]\n" SHOP "[[scenario.steps]]\nextract = {next = {header = \"Next\"}}\n[[scenario.steps]]\npath = \"{{next}}%s\"\n",
		      tail),
		0, 0);
	request();
	pass(arena_format(&arena, "Next: %s\r\n", next), "");
	bool is_possible = user_request(user, NOW_MS) != NULL;
	*ret = is_possible ? arena_copy(&arena, user->where) : "";
	return is_possible;
}

/* The base is http://shop/a/b?c. */
static void a_reference_from_an_answer_is_resolved(void **state) {
	(void)state;
	static const struct {
		const char *next, *tail, *target; /* NULL: another place, which is refused */
	} rows[] = {
		{"/x", "", "/x"},
		{"/x", "/y", "/x/y"},
		{"x", "", "/a/x"},
		{"?q", "", "/a/b?q"},
		{"", "", "/a/b?c"},
		{"", "?q", "/a/b?q"},
		{"http://shop/x?y", "", "/x?y"},
		{"HTTP://SHOP/x", "", "/x"},
		{"http://shop", "", "/"},
		{"http://shop?x", "", "/?x"},
		{"//shop/x", "", "/x"},
		{"//shop", "/y", "/y"},
		{"x?u=http://other/", "", "/a/x?u=http://other/"},
		{"?u=//other/", "", "/a/b?u=//other/"},
		{"x//y", "", "/a/x//y"},
		{"/x y", "", "/x%20y"},
		{"http://other/x", "", NULL},
		{"//other/x", "", NULL},
		{"https://shop/x", "", NULL},
		{"http://shop.evil/x", "", NULL},
		{"http://shop:81/x", "", NULL},
		{"http://shop@evil/x", "", NULL},
		{"http://u:p@shop/x", "", NULL},
		{"ftp://shop/x", "", NULL},
		{"http://sho", "", NULL},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *target;
		bool is_possible = follow(rows[i].next, rows[i].tail, &target);
		if (is_possible != (rows[i].target != NULL) || (is_possible && strcmp(target, rows[i].target) != 0))
			fail_msg("'%s': '%s', not '%s'", rows[i].next, target, rows[i].target ? rows[i].target : "refused");
	}
}

static void user_and_password_are_those_of_the_base_unless_the_host_is_another(void **state) {
	(void)state;
	static const char text[] = "[scenario]\nbase_url = \"http://u:v@h/\"\n[[scenario.steps]]\npath = \"/x\"\n[[scenario.steps]]\npath = "
				   "\"/{{seq}}\"\n[[scenario.steps]]\npath = \"//i/{{seq}}\"\n[[scenario.steps]]\nurl = \"http://w:x@h/{{seq}}\"\n";
	begin(text, 0, 0);
	assert_request("GET /x HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\n\r\n", "");
	pass("", "");
	assert_request("GET /1 HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\n\r\n", "");
	pass("", "");
	assert_request("GET /2 HTTP/1.1\r\nHost: i\r\n" AGENT ACCEPT "\r\n", "");
	pass("", "");
	assert_request("GET /3 HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic dzp4\r\n\r\n", "");
}

/* RFC 9112 section 3.2.2. */
static void a_proxy_gets_whole_urls(void **state) {
	(void)state;
	read_settings("[scenario]\n" SHOP
		      "[[scenario.steps]]\npath = \"/{{seq}}\"\nheaders = [\"X: {{seq}}\", \"Y: {{seq}}\"]\n[[scenario.steps]]\npath = \"x\"\n");
	const char *fields[] = {"x-P: 2", "y: 3"};
	file.settings.net.proxy = "http://ann:pw@p:1";
	file.settings.net.proxy_headers = (struct text_list){LENGTH(fields), fields};
	assert_true(build_settings());
	user = user_new(script, &tools, 0);
	user_begin(user, 2, 0);
	assert_request("GET http://shop/4 HTTP/1.1\r\nHost: shop\r\n" AGENT ACCEPT
		       "X: 4\r\nProxy-Authorization: Basic YW5uOnB3\r\nx-P: 2\r\ny: 3\r\n\r\n",
		"");
	pass("Set-Cookie: c=d\r\n", "");
	assert_request("GET http://shop/a/x HTTP/1.1\r\nHost: shop\r\n" AGENT ACCEPT
		       "Cookie: c=d\r\nProxy-Authorization: Basic YW5uOnB3\r\nx-P: 2\r\ny: 3\r\n\r\n",
		"");
}

#define STEP(lines) "[scenario]\n" SHOP "[[scenario.steps]]\n" lines "\nextract = {v = {regex = \"v\"}}\n"

static void what_leads_nowhere_is_said_with_its_place(void **state) {
	(void)state;
	static const char differs[] = "the host cannot differ from request to request; write e.g. http://localhost:3000/{{id}}";
	static const struct {
		const char *text, *place, *sentence;
	} rows[] = {
		{STEP("url = \"http://{{seq}}/\""), "4:7: scenario.steps, step 1, url", differs},
		{STEP("url = \"http://h{{seq}}/\""), "4:7: scenario.steps, step 1, url", differs},
		{STEP("url = \"http://h:{{seq}}/\""), "4:7: scenario.steps, step 1, url", differs},
		{STEP("url = \"http://u:{{seq}}@h/\""), "4:7: scenario.steps, step 1, url", differs},
		{STEP("url = \"{{seq}}\""), "4:7: scenario.steps, step 1, url", differs},
		{STEP("path = \"//{{seq}}/x\""), "4:8: scenario.steps, step 1, path", differs},
		{STEP("url = \"/x/{{seq}}\""), "4:7: scenario.steps, step 1, url",
			"URL '/x/{{seq}}' is relative; write it with scheme and host, e.g. http://localhost:3000/"},
		{STEP("url = \"ftp://h/{{seq}}\""), "4:7: scenario.steps, step 1, url",
			"URL 'ftp://h/{{seq}}': scheme 'ftp' is not supported; write http:// or https://"},
		{STEP("url = \"http://u:p@h:0/{{seq}}\""), "4:7: scenario.steps, step 1, url",
			"URL 'http://***@h:0/{{seq}}': the port is not a number from 1 to 65535"},
		{STEP("path = \"mailto:x/{{seq}}\""), "4:8: scenario.steps, step 1, path",
			"the text leads to no http:// or https:// URL; write e.g. /items"},
		{STEP("path = \"/{{sqe}}\""), "4:8: scenario.steps, step 1, path", "'sqe' is no variable; did you mean 'seq'?"},
		{"[scenario]\n[[scenario.steps]]\npath = \"/\"\n", "2:1: scenario.steps, step 1, path",
			"there is no base_url, and no --url; write one of them"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_fault(rows[i].text, arena_format(&arena, "%s: %s", rows[i].place, rows[i].sentence));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		USER_CASE(a_path_is_joined_with_the_base_url),
		USER_CASE(a_url_goes_where_it_says),
		USER_CASE(a_target_is_encoded),
		USER_CASE(a_reference_from_an_answer_is_resolved),
		USER_CASE(user_and_password_are_those_of_the_base_unless_the_host_is_another),
		USER_CASE(a_proxy_gets_whole_urls),
		USER_CASE(what_leads_nowhere_is_said_with_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
