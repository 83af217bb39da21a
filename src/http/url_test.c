#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/url.h"

static void assert_text(const char *got, const char *want, const char *url) {
	if (!want) want = "(none)";
	if (!got) got = "(none)";
	if (strcmp(got, want) != 0) fail_msg("'%s': got '%s', want '%s'", url, got, want);
}

static void good_urls_are_taken_apart(void **state) {
	(void)state;
	static const struct {
		const char *url, *host, *authority, *target, *userinfo, *text;
		uint16_t port;
	} cases[] = {
		{"http://localhost:3000/", "localhost", "localhost:3000", "/", NULL, "http://localhost:3000/", 3000},
		{"http://localhost", "localhost", "localhost", "/", NULL, "http://localhost/", 80},
		{"http://h:80/x", "h", "h", "/x", NULL, "http://h/x", 80},
		{"http://h:/x", "h", "h", "/x", NULL, "http://h/x", 80},
		{"http://h:1/", "h", "h:1", "/", NULL, "http://h:1/", 1},
		{"http://h:65535/", "h", "h:65535", "/", NULL, "http://h:65535/", 65535},
		{"HTTP://h/", "h", "h", "/", NULL, "http://h/", 80},
		{"https://h/x", "h", "h", "/x", NULL, "https://h/x", 443},
		{"https://h:443/", "h", "h", "/", NULL, "https://h/", 443},
		{"https://h:80/", "h", "h:80", "/", NULL, "https://h:80/", 80},
		{"http://h:443/", "h", "h:443", "/", NULL, "http://h:443/", 443},
		{"HTTPS://u:p@[::1]/", "::1", "[::1]", "/", "u:p", "https://[::1]/", 443},
		{"http://127.0.0.1:8080/a", "127.0.0.1", "127.0.0.1:8080", "/a", NULL, "http://127.0.0.1:8080/a", 8080},
		{"http://[::1]:3000/x", "::1", "[::1]:3000", "/x", NULL, "http://[::1]:3000/x", 3000},
		{"http://[2001:db8::7]/", "2001:db8::7", "[2001:db8::7]", "/", NULL, "http://[2001:db8::7]/", 80},
		/* RFC 6874: the zone is for this machine only and never sent */
		{"http://[fe80::1%25eth0]/", "fe80::1%eth0", "[fe80::1]", "/", NULL, "http://[fe80::1]/", 80},
		{"http://u:p%40ss@h/", "h", "h", "/", "u:p@ss", "http://h/", 80},
		{"http://u@h:81/", "h", "h:81", "/", "u:", "http://h:81/", 81},
		{"http://h/a/../b/./c", "h", "h", "/a/../b/./c", NULL, "http://h/a/../b/./c", 80},
		{"http://h/%2e%2e/a%20b", "h", "h", "/%2e%2e/a%20b", NULL, "http://h/%2e%2e/a%20b", 80},
		{"http://h/x?a=1&b=/?c#part", "h", "h", "/x?a=1&b=/?c", NULL, "http://h/x?a=1&b=/?c", 80},
		{"http://h?a=1", "h", "h", "/?a=1", NULL, "http://h/?a=1", 80},
		{"http://h/?", "h", "h", "/?", NULL, "http://h/?", 80},
		{"http://h#part", "h", "h", "/", NULL, "http://h/", 80},
		/* UTF-8 as RFC 3987 section 3.1 maps it: u umlaut is C3 BC, a umlaut C3 A4 */
		{"http://h/\xc3\xbc?q=\xc3\xa4", "h", "h", "/%C3%BC?q=%C3%A4", NULL, "http://h/%C3%BC?q=%C3%A4", 80},
		{"http://h/\"<>\\^`{|}", "h", "h", "/%22%3C%3E%5C%5E%60%7B%7C%7D", NULL, "http://h/%22%3C%3E%5C%5E%60%7B%7C%7D", 80},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct arena arena;
		struct url url;
		struct err err = {0};
		arena_init(&arena);
		if (!url_parse(cases[i].url, &arena, &url, &err)) fail_msg("'%s': %s", cases[i].url, err.text);
		assert_int_equal(url.tls, strncmp(cases[i].text, "https:", 6) == 0);
		assert_text(url.scheme, url.tls ? "https" : "http", cases[i].url);
		assert_text(url.host, cases[i].host, cases[i].url);
		assert_text(url.authority, cases[i].authority, cases[i].url);
		assert_text(url.target, cases[i].target, cases[i].url);
		assert_text(url.userinfo, cases[i].userinfo, cases[i].url);
		assert_text(url.text, cases[i].text, cases[i].url);
		assert_int_equal(url.port, cases[i].port);
		arena_fini(&arena);
	}
}

static void bad_urls_are_refused_with_what_to_write(void **state) {
	(void)state;
	static const struct {
		const char *url, *says; /* a part of the error */
	} cases[] = {
		{"", "empty"},
		{"/health", "relative"},
		{"?x", "relative"},
		{"//h/x", "relative"},
		{"./x", "relative"},
		{"localhost", "write http://localhost"},
		{"localhost:3000", "write http://localhost:3000"},
		{"localhost:3000/x?y", "write http://localhost:3000/x?y"},
		{"127.0.0.1:80", "write http://127.0.0.1:80"},
		{"[::1]:80", "write http://[::1]:80"},
		{"http:/h", "lacks '//'"},
		{"http:h", "lacks '//'"},
		{"https:/h", "lacks '//'"},
		{"httpss://h/", "scheme 'httpss' is not supported; write http:// or https://"},
		{"ftp://h/", "scheme 'ftp' is not supported; write http://"},
		{"ws://h/", "scheme 'ws'"},
		{"http://", "host"},
		{"http:///x", "host"},
		{"http://?x", "host"},
		{"http://:80/", "host"},
		{"http://u@/", "host"},
		{"http://a@b@c/", "host"},
		{"http://a%20b/", "host"},
		{"http://a%0d%0ab/", "host"},
		{"http://a%c3%bc/", "host"},
		{"http://\xc3\xbc.example/", "xn--"},
		{"http://h:0/", "port"},
		{"http://h:00/", "port"},
		{"http://h:65536/", "port"},
		{"http://h:99999999999/", "port"},
		{"http://h:-1/", "port"},
		{"http://h:8o/", "port"},
		{"http://[::zz]/", "IPv6"},
		{"http://[::1/", ""},
		{"http://h/a b", "%20"},
		{" http://h/", "%20"},
		{"http://h/ ", "%20"},
		{"http://h/\t", "0x09"},
		{"http://h/\r\nX: y", "0x0d"},
		{"http://h/\x7f", "0x7f"},
		{"http://u%0a:p@h/", "control character"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct arena arena;
		struct url url = {.port = 7};
		struct err err = {0};
		arena_init(&arena);
		if (url_parse(cases[i].url, &arena, &url, &err)) fail_msg("'%s' was accepted", cases[i].url);
		assert_int_equal(err.code, ERR_FAILED);
		if (!err.text[0] || !strstr(err.text, cases[i].says)) fail_msg("'%s': '%s' does not say '%s'", cases[i].url, err.text, cases[i].says);
		assert_int_equal(url.port, 7);
		arena_fini(&arena);
	}
}

static void a_refused_url_does_not_show_its_password(void **state) {
	(void)state;
	static const char *const urls[] = {"http://ann:sesame@host:0/", "https://ann:sesame@host:0/", "ftp://ann:sesame@host/",
		"http://ann:sesame@ho st/", "http://ann:sesame@/", "http://ann:sesame@host:99999/x@y", "ann:sesame@host/",
		"ann:sesame@host/?next=http://x", "http://ann:ses/ame@host/", "http://ann:ses?ame@host/", "http://ann:ses@ame@ho st/",
		"http:ann:sesame@host/", "http://u%0a:sesame@h/"};
	for (size_t i = 0; i < LENGTH(urls); i++) {
		struct arena arena;
		struct url url;
		struct err err = {0};
		arena_init(&arena);
		assert_false(url_parse(urls[i], &arena, &url, &err));
		assert_null(strstr(err.text, "sesame"));
		assert_null(strstr(err.text, "ann"));
		assert_null(strstr(err.text, "ame@"));
		assert_non_null(strstr(err.text, "***@"));
		arena_fini(&arena);
	}
}

static void only_user_and_password_are_masked(void **state) {
	(void)state;
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"http://host:80/a:b@c?d=e:f@g", "http://host:80/a:b@c?d=e:f@g"},
		{"http://[::1]:80/a@b", "http://[::1]:80/a@b"},
		{"http://@host/", "http://@host/"},
		{"", ""},
		{"@", "@"},
		{"://", "://"},
		{"ann@host", "***@host"},
		{"http://ann@host#a@b", "http://***@host#a@b"},
		{"ftp://ann:sesame@host:21", "ftp://***@host:21"},
	};
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(url_mask(cases[i].text, &arena), cases[i].want);
	arena_fini(&arena);
}

/* A text that was put together shows nothing of what it was put together from. */
static void what_is_quoted_can_be_given(void **state) {
	(void)state;
	static const char *const urls[] = {"http://h:99999/sesame", "sesame://h/", "sesame", "http://h/ses ame", "http://sesame\x80/",
		"http://[sesame]/", "/sesame", "http:sesame", "http://h:sesame/", "http://a%20sesame/", "http://u%0asesame@h/"};
	for (size_t i = 0; i < LENGTH(urls); i++) {
		struct arena arena;
		struct url url;
		struct err err = {0};
		arena_init(&arena);
		assert_false(url_parse_shown(urls[i], "${X}", &arena, &url, &err));
		assert_null(strstr(err.text, "ses"));
		assert_non_null(strstr(err.text, "'${X}'"));
		arena_fini(&arena);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_user_and_password_are_masked),
		cmocka_unit_test(what_is_quoted_can_be_given),
		cmocka_unit_test(a_refused_url_does_not_show_its_password),
		cmocka_unit_test(good_urls_are_taken_apart),
		cmocka_unit_test(bad_urls_are_refused_with_what_to_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
