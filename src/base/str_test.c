#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void slices_are_compared_byte_by_byte(void **state) {
	(void)state;
	static const struct {
		struct slice a, b;
		bool equal, nocase;
	} rows[] = {
		{SLICE(""), SLICE(""), true, true},
		{{NULL, 0}, SLICE(""), true, true},
		{SLICE("Host"), SLICE("Host"), true, true},
		{SLICE("Host"), SLICE("hOST"), false, true},
		{SLICE("Host"), SLICE("Hos"), false, false},
		{SLICE("AZ"), SLICE("az"), false, true},
		{SLICE("@"), SLICE("`"), false, false}, /* beside the letters, 32 apart */
		{SLICE("["), SLICE("{"), false, false},
		{SLICE("\xc3\x84"), SLICE("\xc3\xa4"), false, false}, /* only ASCII letters have two cases */
		{SLICE("a\0b"), SLICE("a\0c"), false, false},
		{SLICE("a\0b"), SLICE("A\0B"), false, true},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_int_equal(slice_equal(rows[i].a, rows[i].b), rows[i].equal);
		assert_int_equal(slice_equal(rows[i].b, rows[i].a), rows[i].equal);
		assert_int_equal(slice_equal_nocase(rows[i].a, rows[i].b), rows[i].nocase);
		assert_int_equal(slice_equal_nocase(rows[i].b, rows[i].a), rows[i].nocase);
	}
}

static void a_view_of_a_string_has_its_length(void **state) {
	(void)state;
	assert_int_equal(slice_of("abc").size, 3);
	assert_int_equal(slice_of("").size, 0);
	assert_int_equal(slice_of(NULL).size, 0);
	assert_null(slice_of(NULL).at);
}

static void blanks_and_tabs_are_trimmed(void **state) {
	(void)state;
	static const struct {
		struct slice text, trimmed;
	} rows[] = {
		{SLICE("abc"), SLICE("abc")}, {SLICE("  abc\t"), SLICE("abc")}, {SLICE("\t a b \t"), SLICE("a b")}, {SLICE(" \t "), SLICE("")},
		{SLICE(""), SLICE("")}, {{NULL, 0}, SLICE("")}, {SLICE("\nabc\r"), SLICE("\nabc\r")}, /* line ends are no blanks */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_true(slice_equal(slice_trim(rows[i].text), rows[i].trimmed));
	struct slice text = SLICE("  x");
	assert_ptr_equal(slice_trim(text).at, text.at + 2);
}

static void texts_are_cut_at_the_first_separator(void **state) {
	(void)state;
	static const struct {
		struct slice text, before, rest;
		bool found;
	} rows[] = {
		{SLICE("name: value: more"), SLICE("name"), SLICE(" value: more"), true},
		{SLICE("name"), SLICE("name"), SLICE(""), false},
		{SLICE("name:"), SLICE("name"), SLICE(""), true},
		{SLICE(":value"), SLICE(""), SLICE("value"), true},
		{SLICE("::"), SLICE(""), SLICE(":"), true},
		{SLICE(""), SLICE(""), SLICE(""), false},
		{{NULL, 0}, SLICE(""), SLICE(""), false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct slice rest;
		assert_true(slice_equal(slice_cut(rows[i].text, ':', &rest), rows[i].before));
		assert_true(slice_equal(rest, rows[i].rest));
		assert_int_equal(rest.at != NULL, rows[i].found);
		struct slice self = rows[i].text; /* the rest may go where the text was */
		assert_true(slice_equal(slice_cut(self, ':', &self), rows[i].before));
		assert_true(slice_equal(self, rows[i].rest));
	}
}

#define FOUR "abcd"
#define SIXTEEN FOUR FOUR FOUR FOUR
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN

/* Distances by hand. */
static void distances_count_edits(void **state) {
	(void)state;
	static const struct {
		const char *a, *b;
		unsigned limit, distance;
	} rows[] = {
		{"", "", 3, 0},
		{"abc", "abc", 3, 0},
		{"", "abc", 5, 3},
		{"kitten", "sitting", 5, 3},
		{"rate", "rtae", 5, 1},  /* swap */
		{"rate", "rates", 5, 1}, /* insert */
		{"rate", "rat", 5, 1},   /* delete */
		{"rate", "late", 5, 1},  /* replace */
		{"ab", "ba", 5, 1},
		{"abcd", "badc", 5, 2}, /* two swaps */
		{"durtaion", "duration", 3, 1},
		{"max-taks", "max-tasks", 3, 1},
		{"abcdef", "uvwxyz", 10, 6},
		{"abcdef", "uvwxyz", 2, 3}, /* at most limit + 1 */
		{"abc", "xyz", 0, 1},
		{"abc", "abc", 0, 0},
		{SIXTY_FOUR, SIXTY_FOUR, 3, 0},
		{SIXTY_FOUR, "", 100, 64},
		{SIXTY_FOUR "x", SIXTY_FOUR, 3, 4}, /* too long: limit + 1 */
		{SIXTY_FOUR "x", SIXTY_FOUR "x", 3, 4},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		unsigned there = str_distance(rows[i].a, rows[i].b, rows[i].limit), back = str_distance(rows[i].b, rows[i].a, rows[i].limit);
		if (there != rows[i].distance || back != rows[i].distance)
			fail_msg("'%s' to '%s': %u and %u back", rows[i].a, rows[i].b, there, back);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_compared_byte_by_byte),
		cmocka_unit_test(a_view_of_a_string_has_its_length),
		cmocka_unit_test(blanks_and_tabs_are_trimmed),
		cmocka_unit_test(texts_are_cut_at_the_first_separator),
		cmocka_unit_test(distances_count_edits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
