#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/env.h"

static struct arena arena;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_A", "one", 1);
	setenv("STREST_TEST_B", "${STREST_TEST_A}", 1);
	setenv("STREST_TEST_EMPTY", "", 1);
	unsetenv("STREST_TEST_NONE");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void variables_are_put_in(void **state) {
	static const struct {
		const char *text, *want;
		bool is_in;
	} cases[] = {
		{"", "", false},
		{"plain $ { $NAME $$ $", "plain $ { $NAME $$ $", false},
		{"${STREST_TEST_A}", "one", true},
		{"a${STREST_TEST_A}b${STREST_TEST_A}", "aonebone", true},
		{"${STREST_TEST_EMPTY}", "", true},
		{"${STREST_TEST_B}", "${STREST_TEST_A}", true}, /* values are not looked at again */
		{"$${STREST_TEST_A}", "${STREST_TEST_A}", false},
		{"$$${STREST_TEST_A}", "$${STREST_TEST_A}", false},
		{"$${x}${STREST_TEST_A}", "${x}one", true},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *text = NULL;
		struct slice bad;
		bool unset;
		assert_true(env_expand(slice_of(cases[i].text), &arena, &text, &bad, &unset));
		assert_string_equal(text, cases[i].want);
		assert_int_equal(env_is_in(slice_of(cases[i].text)), cases[i].is_in);
	}
}

static void what_is_no_variable_is_named(void **state) {
	static const struct {
		const char *text, *bad;
		bool unset;
	} cases[] = {
		{"x ${STREST_TEST_NONE} y", "STREST_TEST_NONE", true},
		{"${STREST_TEST_A}${STREST_TEST_NONE}", "STREST_TEST_NONE", true},
		{"a ${} b", "${} b", false},
		{"${1A}", "${1A}", false},
		{"${A B}", "${A B}", false},
		{"${STREST_TEST_A", "${STREST_TEST_A", false},
		{"${", "${", false},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *text = "untouched";
		struct slice bad = {0};
		bool unset = false;
		assert_false(env_expand(slice_of(cases[i].text), &arena, &text, &bad, &unset));
		assert_true(slice_equal(bad, slice_of(cases[i].bad)));
		assert_int_equal(unset, cases[i].unset);
		assert_string_equal(text, "untouched");
	}
}

static void an_escaped_text_comes_back(void **state) {
	static const char *const texts[] = {"", "${A}", "$${A}", "$$${A}", "a$", "${${", "$", "{}"};
	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		const char *text;
		struct slice bad;
		bool unset;
		assert_true(env_expand(slice_of(env_escape(texts[i], &arena)), &arena, &text, &bad, &unset));
		assert_string_equal(text, texts[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(variables_are_put_in),
		TEST(what_is_no_variable_is_named),
		TEST(an_escaped_text_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
