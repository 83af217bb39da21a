#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/tree.h"

static void a_cursor_counts_characters_and_lines(void **state) {
	static const char text[] = "a\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x\n\ny";
	struct tree_cursor cursor = {SLICE(text), 0, {1, 1}};
	static const struct {
		size_t offset;
		unsigned line, column;
	} cases[] = {
		{0, 1, 1}, {1, 1, 2}, /* the tab */
		{2, 1, 3},            /* e with an accent, two bytes */
		{4, 1, 4},            /* the euro sign, three bytes */
		{7, 1, 5},            /* a face, four bytes */
		{11, 1, 6},           /* x */
		{12, 1, 7},           /* the end of the line */
		{13, 2, 1},           /* an empty line */
		{14, 3, 1},           /* y */
		{15, 3, 2},           /* the end */
		{999, 3, 2},          /* over the end */
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tree_place at = tree_cursor_move(&cursor, cases[i].offset);
		assert_int_equal(at.line, cases[i].line);
		assert_int_equal(at.column, cases[i].column);
	}
}

/* The table of RFC 3629 section 4, and what Markus Kuhn's stress test calls malformed. */
static void bytes_that_are_not_utf8_are_found(void **state) {
	static const struct {
		const char *text;
		size_t bad; /* offset; the size: none */
	} cases[] = {
		{"", 0},
		{"abc", 3},
		{"\xc2\x80\xdf\xbf", 4},
		{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12},
		{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8},
		{"a\x80", 1},
		{"ab\xc3", 2},
		{"\xc3(", 0},
		{"\xc0\xaf", 0},             /* overlong '/' */
		{"\xc1\xbf", 0},             /* overlong */
		{"\xe0\x9f\xbf", 0},         /* overlong */
		{"\xf0\x8f\xbf\xbf", 0},     /* overlong */
		{"x\xed\xa0\x80", 1},        /* a surrogate */
		{"\xf4\x90\x80\x80", 0},     /* over U+10FFFF */
		{"\xf5\x80\x80\x80", 0},     /* over U+10FFFF */
		{"\xf8\x88\x80\x80\x80", 0}, /* five bytes */
		{"\xc3\xa9\xff", 2},
		{"\xe2\x82", 0},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) assert_int_equal(tree_find_bad_utf8(slice_of(cases[i].text)), cases[i].bad);
}

static void a_refusal_is_one_line(void **state) {
	struct tree_fault fault;
	(void)state;
	assert_false(tree_refuse(&fault, (struct tree_place){3, 4}, "a%sb\x7f", "\n"));
	assert_string_equal(fault.text, "a?b?");
	assert_int_equal(fault.at.line, 3);
	assert_int_equal(fault.at.column, 4);
}

static void a_child_is_found_by_its_key(void **state) {
	struct tree b = {.key = "b"}, a = {.key = "a", .next = &b}, table = {.kind = TREE_TABLE, .first = &a, .count = 2};
	(void)state;
	assert_ptr_equal(tree_find(&table, "a"), &a);
	assert_ptr_equal(tree_find(&table, "b"), &b);
	assert_null(tree_find(&table, "c"));
	assert_null(tree_find(&b, "b"));
}

static void every_kind_has_words(void **state) {
	(void)state;
	for (int kind = TREE_NULL; kind <= TREE_OTHER; kind++) assert_true(strlen(tree_kind_words((enum tree_kind)kind)) > 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_counts_characters_and_lines),
		cmocka_unit_test(bytes_that_are_not_utf8_are_found),
		cmocka_unit_test(a_refusal_is_one_line),
		cmocka_unit_test(a_child_is_found_by_its_key),
		cmocka_unit_test(every_kind_has_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
