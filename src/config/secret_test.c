#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/env.h"
#include "config/secret.h"

static struct arena arena;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_H", "host", 1);
	setenv("STREST_TEST_T", "sesame", 1);
	setenv("STREST_TEST_AT", "@host/", 1);
	setenv("STREST_TEST_N", "Authorization", 1);
	setenv("STREST_TEST_C", "Cookie:", 1);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

#define H "${STREST_TEST_H}"
#define T "${STREST_TEST_T}"

struct shown {
	const char *written, *want;
};

/* What is written in a file is shown as `want`; and `want`, written in a file, is shown as itself. */
static void check(const char *(*show)(const char *, const char *, struct arena *), const struct shown *cases, size_t count) {
	for (size_t i = 0; i < 2 * count; i++) {
		const char *written = i % 2 ? cases[i / 2].want : cases[i / 2].written, *text = NULL, *shown;
		struct slice bad;
		bool unset;
		assert_true(env_expand(slice_of(written), &arena, &text, &bad, &unset));
		shown = show(text, env_is_in(slice_of(written)) ? written : NULL, &arena);
		if (strcmp(shown, cases[i / 2].want) != 0) fail_msg("%s is shown as %s, not as %s", written, shown, cases[i / 2].want);
	}
}

static void urls_are_shown_without_user_and_password(void **state) {
	static const struct shown cases[] = {
		{"http://host/", "http://host/"},
		{"http://host:80/a:b@c", "http://host:80/a:b@c"},
		{"http://host?a:b@c", "http://host?a:b@c"},
		{"http://[::1]:80/a@b", "http://[::1]:80/a@b"},
		{"http://ann:sesame@host/a@b", "http://***@host/a@b"},
		{"http://sesame@host/", "http://***@host/"},
		{"http://ann:ses@ame@host/", "http://***@host/"},
		{"http://ann:ses/ame@host/", "http://***@host/"},
		{"http://ann:ses?ame@host/", "http://***@host/"},
		{"ann:sesame@host/", "***@host/"},
		{"ann:sesame@host/?next=http://x/", "***@host/?next=http://x/"},
		{"http://" H "/", "http://" H "/"},
		{"http://ann:sesame@" H "/", "http://***@" H "/"},
		{"ann:sesame@" H "/", "***@" H "/"},
		{"http://" H ":" T "@host/", "http://" H ":" T "@host/"},
		{"http://ann:" T "@host/", "http://***:" T "@host/"},
		{"http://" H ":sesame@host/", "http://" H ":***@host/"},
		{"http://a" T "b:c" T "@host/" T, "http://***" T "***" T "@host/" T},
		{"Bearer " T ":c@host", "***" T ":***@host"},
		{"http://ann:sesame${STREST_TEST_AT}", "http://***${STREST_TEST_AT}"},
	};
	(void)state;
	check(secret_show_url, cases, LENGTH(cases));
}

static void secret_headers_are_shown_without_value(void **state) {
	static const struct shown cases[] = {
		{"Accept: text/html", "Accept: text/html"},
		{"Accept: " T, "Accept: " T},
		{"Authorization: Bearer sesame", "Authorization: ***"},
		{"PROXY-authorization:sesame", "PROXY-authorization: ***"},
		{"cookie: a=sesame", "cookie: ***"},
		{"Set-Cookie: a=sesame", "Set-Cookie: ***"},
		{"X-Auth-Key: sesame", "X-Auth-Key: ***"},
		{"X-Auth-Token: sesame", "X-Auth-Token: ***"},
		{"X-API-Key: sesame", "X-API-Key: ***"},
		{"apikey: sesame", "apikey: ***"},
		{"Client-Secret: sesame", "Client-Secret: ***"},
		{"X-Password: sesame", "X-Password: ***"},
		{"Authorization: " T, "Authorization: " T},
		{"Authorization: Bearer " T, "Authorization: Bearer " T},
		{"Authorization: bAsIc " T, "Authorization: bAsIc " T},
		{"Authorization: Basic sesame " H, "Authorization: Basic *** " H},
		{"Authorization: Bearersesame" H, "Authorization: ***" H},
		{"Authorization: " H " sesame", "Authorization: " H " ***"},
		{"Authorization: $${sesame}" H, "Authorization: ***" H},
		{"Cookie: a=sesame; b=" T, "Cookie: ***" T},
		{"${STREST_TEST_N}: sesame", "${STREST_TEST_N}: ***"},
		{"${STREST_TEST_C}sesame", "${STREST_TEST_C}***"},
		{"${STREST_TEST_C}sesame:sesame", "${STREST_TEST_C}***"},
	};
	(void)state;
	check(secret_show_header, cases, LENGTH(cases));
}

static void errors_quote_no_secret_of_a_header(void **state) {
	static const struct {
		const char *text, *written, *want;
	} cases[] = {
		{"sesame", NULL, NULL},
		{"Authorization Bearer sesame", NULL, NULL},
		{": sesame", NULL, NULL},
		{"Authorization Bearer sesame:x", NULL, "Authorization..."},
		{"Authorization: ses\rame", NULL, "Authorization: ***"},
		{"Authorization: Bearer sesame\r", "Authorization: Bearer " T "\r", "Authorization: Bearer " T "***"},
		{"A: ses\rame", "A: " T, "A: " T},
		{"A: b\r", NULL, "A: b\r"},
		{"ses ame: x", T ": x", NULL},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *shown = secret_quote_header(cases[i].text, cases[i].written, &arena);
		if (!shown != !cases[i].want || (shown && strcmp(shown, cases[i].want) != 0))
			fail_msg("%s is quoted as %s", cases[i].text, shown ? shown : "nothing");
	}
}

static void a_secret_text_shows_its_variables_only(void **state) {
	(void)state;
	assert_string_equal(secret_show_text(NULL, &arena), "***");
	assert_string_equal(secret_show_text(T, &arena), T);
	assert_string_equal(secret_show_text("ses" T "ame", &arena), "***" T "***");
}

static void user_and_password_keep_their_colon(void **state) {
	static const struct {
		const char *written, *want;
	} cases[] = {
		{NULL, "***:***"},
		{"ann:" T, "***:" T},
		{T ":sesame", T ":***"},
		{"ann:", "***:"},
		{"ann:ses:ame" T, "***:***" T},
		{"ann" T, "***" T},
		{"***:***", "***:***"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(secret_show_basic(cases[i].written, &arena), cases[i].want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(urls_are_shown_without_user_and_password),
		TEST(secret_headers_are_shown_without_value),
		TEST(errors_quote_no_secret_of_a_header),
		TEST(a_secret_text_shows_its_variables_only),
		TEST(user_and_password_keep_their_colon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
