#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "help/words.h"

static void a_row_is_told_in_pieces(void **state) {
	const struct option_row tasks = {
		.flag = "tasks", .letter = 'm', .alias = "users", .alias2 = "loops", .kind = KIND_COUNT, .key = "tasks", .min = 1, .max = 1000};
	const struct option_row bare = {.flag = "strict", .kind = KIND_BOOL};
	(void)state;
	assert_string_equal(words_names(&tasks, &arena), "-m, --tasks N");
	assert_string_equal(words_aliases(&tasks, "--", ", ", &arena), "--users, --loops");
	assert_string_equal(words_limits(&tasks, &arena), "1 to 1000");
	assert_string_equal(words_keys(&tasks, "", &arena), "tasks or users or loops");
	assert_string_equal(words_names(&bare, &arena), "--strict");
	assert_null(words_aliases(&bare, "--", ", ", &arena));
	assert_null(words_limits(&bare, &arena));
	assert_null(words_keys(&bare, "", &arena));
	assert_null(words_choices(&bare, ", ", &arena));
	assert_null(words_conflicts(&bare, &arena));
	assert_false(words_is_file(&bare));
}

static void rules_and_choices_are_lists(void **state) {
	const struct option_row row = {
		.flag = "x", .kind = KIND_CHOICE, .choices = "one|two", .conflicts = "a|b", .key = "rate", .key2 = "load.rate", .alias = "other-y"};
	(void)state;
	assert_string_equal(words_choices(&row, ", ", &arena), "one, two");
	assert_string_equal(words_conflicts(&row, &arena), "`--a`, `--b`");
	assert_string_equal(words_keys(&row, "`", &arena), "`rate` or `load.rate` or `other_y`");
	const struct option_row twice = {.flag = "b-header", .alias = "b-headers", .key = "b_headers"};
	assert_string_equal(words_keys(&twice, "", &arena), "b_headers");
	assert_string_equal(words_aliases(&row, "`--", "`, ", &arena), "`--other-y");
}

static void limits_are_written_as_a_user_would(void **state) {
	static const struct {
		enum option_kind kind;
		double min, max;
		const char *want;
	} cases[] = {
		{KIND_TIME, 1e-6, 86400, "1us to 24h"},
		{KIND_TIME, 1e-3, 60, "1ms to 60s"},
		{KIND_REAL, 0.001, 1e7, "0.001 to 10000000"},
		{KIND_COUNT, 0, 1000000, "0 to 1000000"},
		{KIND_COUNT, 1, 1e18, "at least 1"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct option_row row = {.flag = "x", .kind = cases[i].kind, .min = cases[i].min, .max = cases[i].max};
		assert_string_equal(words_limits(&row, &arena), cases[i].want);
	}
	const struct option_row none = {.flag = "x", .kind = KIND_COUNT, .max = 1e18};
	assert_null(words_limits(&none, &arena));
}

static void lines_are_broken_at_blanks_and_brackets_stay_whole(void **state) {
	static const struct {
		unsigned indent, width;
		const char *words, *want;
	} cases[] = {
		{0, 10, "one two three", "one two\nthree"},
		{0, 7, "one two three", "one two\nthree"},
		{0, 6, "one two three", "one\ntwo\nthree"},
		{2, 9, "one two three", "one two\n  three"},
		{0, 3, "longer one", "longer\none"},
		{0, 12, "one [two three]", "one\n[two three]"},
		{0, 15, "one [two three]", "one [two three]"},
		{0, 15, "one [two three], four", "one\n[two three],\nfour"},
		{0, 10, "", ""},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf buf;
		buf_init(&buf, 1000);
		words_wrap(&buf, cases[i].indent, cases[i].width, cases[i].words);
		assert_string_equal(buf_text(&buf), cases[i].want);
		buf_fini(&buf);
	}
}

static void marks_can_be_left_out(void **state) {
	(void)state;
	assert_string_equal(words_plain("with `--rate N`, `x`", &arena), "with --rate N, x");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_is_told_in_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rules_and_choices_are_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_are_written_as_a_user_would, set_up, tear_down),
		cmocka_unit_test(lines_are_broken_at_blanks_and_brackets_stay_whole),
		cmocka_unit_test_setup_teardown(marks_can_be_left_out, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
