#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/arena.h"
#include "base/regex.h"

#define MEGABYTE ((size_t)1 << 20)
#define NO_JIT "(*NO_JIT)" /* a mark of PCRE2: this pattern is interpreted */

static struct regex_scratch *scratch;

static int set_up(void **state) {
	(void)state;
	scratch = regex_scratch_new();
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	regex_scratch_free(scratch);
	return 0;
}

static struct regex *compile(const char *pattern) {
	char text[100] = "";
	size_t offset = 0;
	struct regex *regex = regex_compile(slice_of(pattern), &offset, text, sizeof(text));
	if (!regex) fail_msg("%s: %s at %zu", pattern, text, offset);
	return regex;
}

static enum regex_result find(const char *pattern, struct slice text, struct slice *ret) {
	struct regex *regex = compile(pattern);
	enum regex_result result = regex_find(regex, text, scratch, ret);
	regex_free(regex);
	return result;
}

/* What Perl and Python find, too. From memory of exactly the text's size, with JIT and without. */
static void group_one_is_found_else_the_whole_match(void **state) {
	(void)state;
	static const struct {
		const char *pattern, *text;
		const char *found; /* NULL: nothing is */
		unsigned groups;
	} rows[] = {
		{"b+", "abbbc", "bbb", 0},
		{"a(b+)c", "abbbc", "bbb", 1},
		{"a(?:b+)c", "abbbc", "abbbc", 0},
		{"(a)(b)(c)(d)", "xabcd", "a", 4},
		{"(?<x>b)", "abc", "b", 1},
		{"token=([0-9a-f]+)", "<a href=\"?token=00ff&x\">", "00ff", 1},
		{"name=\"csrf\" value=\"([^\"]*)\"", "<input name=\"csrf\" value=\"\">", "", 1},
		{"(a)|b", "xb", "", 1}, /* the group took no part */
		{"(?:(x)|a)b", "ab", "", 1},
		{"(?:(x)|(a))b", "ab", "", 2},
		{"", "abc", "", 0},
		{"^$", "", "", 0},
		{"x", "", NULL, 0},
		{"^b", "ab", NULL, 0},
		{"(?m)^b", "a\nb", "b", 0},
		{"b$", "ab", "b", 0},
		{"A", "a", NULL, 0},
		{"(?i)A", "a", "a", 0},
		{"a.c", "a\nc", NULL, 0},
		{"(?s)a.c", "a\nc", "a\nc", 0},
		{"(\\w+)@\\1", "ab@b", "b", 1},
		{"a\\Kb", "ab", "b", 0},
	};
	for (size_t i = 0; i < 2 * LENGTH(rows); i++) {
		char pattern[100] = "";
		size_t row = i / 2, size = strlen(rows[row].text);
		struct slice got = {NULL, 0};
		char *copy = malloc(size ? size : 1);
		assert_non_null(copy);
		memcpy(copy, rows[row].text, size);
		if (i % 2) strcat(pattern, NO_JIT);
		struct regex *regex = compile(strcat(pattern, rows[row].pattern));
		assert_int_equal(regex_groups(regex), rows[row].groups);
		enum regex_result result = regex_find(regex, (struct slice){copy, size}, scratch, &got);
		if (result != (rows[row].found ? REGEX_FOUND : REGEX_NOT_FOUND) || !slice_equal(got, slice_of(rows[row].found)))
			fail_msg("%s in '%s': result %d '%.*s'", pattern, rows[row].text, result, (int)got.size, got.at);
		assert_true(!got.at || (got.at >= copy && got.at + got.size <= copy + size));
		regex_free(regex);
		free(copy);
	}
}

static void a_group_that_took_no_part_is_nowhere(void **state) {
	(void)state;
	struct slice got = SLICE("x");
	assert_int_equal(find("(a)|b", SLICE("b"), &got), REGEX_FOUND);
	assert_null(got.at);
	assert_int_equal(got.size, 0);
	assert_int_equal(find("(a?)b", SLICE("b"), &got), REGEX_FOUND);
	assert_non_null(got.at);
	assert_int_equal(got.size, 0);
}

static void texts_and_patterns_are_bytes(void **state) {
	(void)state;
	struct slice got;
	assert_int_equal(find("b(.)d", SLICE("a\0b\0d"), &got), REGEX_FOUND);
	assert_int_equal(got.size, 1);
	assert_int_equal(*got.at, 0);
	assert_int_equal(find("\xff(..)", SLICE("\xfe\xff\x80\xc3"), &got), REGEX_FOUND);
	assert_true(slice_equal(got, SLICE("\x80\xc3")));
	assert_int_equal(find("a", (struct slice){NULL, 0}, &got), REGEX_NOT_FOUND);
	assert_int_equal(find("a*", (struct slice){NULL, 0}, &got), REGEX_FOUND);
	assert_int_equal(got.size, 0);
	assert_int_equal(find("b", (struct slice){"ab", 1}, &got), REGEX_NOT_FOUND); /* the slice ends the text */

	size_t offset;
	char text[100];
	struct regex *regex = regex_compile((struct slice){NULL, 0}, &offset, text, sizeof(text));
	assert_non_null(regex);
	regex_free(regex);
	regex = regex_compile(SLICE("a\0b"), &offset, text, sizeof(text));
	assert_non_null(regex);
	assert_int_equal(regex_find(regex, SLICE("xa\0by"), scratch, &got), REGEX_FOUND);
	assert_int_equal(got.size, 3);
	regex_free(regex);
	regex = regex_compile((struct slice){"a(", 1}, &offset, text, sizeof(text)); /* the slice ends the pattern */
	assert_non_null(regex);
	regex_free(regex);
}

/* The sentences are those of PCRE2 (pcre2_error.c). */
static void a_bad_pattern_is_told_with_its_place(void **state) {
	(void)state;
	static const struct {
		const char *pattern;
		size_t offset;
		const char *text;
	} rows[] = {
		{"a(b", 3, "missing closing parenthesis"},
		{"ab)", 2, "unmatched closing parenthesis"},
		{"*a", 0, "quantifier does not follow a repeatable item"},
		{"[a", 2, "missing terminating ] for character class"},
		{"a\\", 2, "\\ at end of pattern"},
		{"[b-a]", 3, "range out of order in character class"},
		{"(a)\\2", 4, "reference to non-existent subpattern"},
		{"(*UTF)a", 6, "using UTF is disabled by the application"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char text[100];
		size_t offset = 99;
		if (regex_compile(slice_of(rows[i].pattern), &offset, text, sizeof(text))) fail_msg("%s was taken", rows[i].pattern);
		if (strcmp(text, rows[i].text) != 0 || offset != rows[i].offset) fail_msg("%s: '%s' at %zu", rows[i].pattern, text, offset);
		assert_null(regex_compile(slice_of(rows[i].pattern), &offset, text, 8));
		assert_int_equal(strnlen(text, sizeof(text)), 7); /* cut */
		assert_null(regex_compile(slice_of(rows[i].pattern), &offset, NULL, 0));
	}
}

/* 2^30 ways to cut the letters into groups, and more. */
static void a_pattern_without_an_end_is_given_up(void **state) {
	(void)state;
	static const char *const patterns[] = {
		"(a+)+$", NO_JIT "(a+)+$", "(a|aa)+$", NO_JIT "(a|aa)+$", NO_JIT "(a*)*(a*)*(a*)*$", "(?R)!", NO_JIT "(?R)!"};
	struct slice got = SLICE("untouched");
	for (size_t i = 0; i < LENGTH(patterns); i++) {
		enum regex_result result = find(patterns[i], SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), &got);
		if (result != REGEX_LIMIT) fail_msg("%s: result %d", patterns[i], result);
		assert_true(slice_equal(got, SLICE("untouched")));
	}
	/* the memory is as good as before */
	assert_int_equal(find("(a+)!$", SLICE("aaa!"), &got), REGEX_FOUND);
	assert_int_equal(got.size, 3);
}

static void a_long_text_is_no_reason_to_give_up(void **state) {
	(void)state;
	static const struct {
		const char *pattern;
		enum regex_result result;
	} rows[] = {
		{"token=(\\d+)", REGEX_FOUND},
		{NO_JIT "token=(\\d+)", REGEX_FOUND},
		{"token=([a-z]+)", REGEX_NOT_FOUND},
		{NO_JIT "token=([a-z]+)", REGEX_NOT_FOUND},
		{"(?s)<b>.*?token=(\\d+)", REGEX_FOUND}, /* over some 500,000 bytes */
		{NO_JIT "(?s)<b>.*?token=(\\d+)", REGEX_FOUND},
		{"(?s)^<html>.*token=(\\d+).*</html>$", REGEX_FOUND},
		{NO_JIT "(?s)^<html>.*token=(\\d+).*</html>$", REGEX_FOUND},
		{"[^<]*</html>$", REGEX_FOUND},
	};
	char *text = malloc(MEGABYTE);
	assert_non_null(text);
	for (size_t i = 0; i < MEGABYTE; i++) text[i] = "some words and\n"[i % 15];
	memcpy(text, "<html>", 6);
	memcpy(text + MEGABYTE / 2, "<b>", 3);
	memcpy(text + MEGABYTE - 40, "<x token=42/>", 13);
	memcpy(text + MEGABYTE - 7, "</html>", 7);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct slice got;
		enum regex_result result = find(rows[i].pattern, (struct slice){text, MEGABYTE}, &got);
		if (result != rows[i].result) fail_msg("%s: result %d", rows[i].pattern, result);
		if (strstr(rows[i].pattern, "d+") && !slice_equal(got, SLICE("42"))) fail_msg("%s: '%.*s'", rows[i].pattern, (int)got.size, got.at);
	}
	free(text);
}

static void a_match_keeps_no_memory(void **state) {
	(void)state;
	static const char *const patterns[] = {"(a+)+$", NO_JIT "(a+)+$", NO_JIT "^(?:a|b)*!"};
	for (size_t i = 0; i < LENGTH(patterns); i++) {
		struct regex *regex = compile(patterns[i]);
		struct slice got;
		regex_find(regex, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), scratch, &got);
		size_t used = mallinfo2().uordblks;
		regex_find(regex, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), scratch, &got);
		assert_int_equal(mallinfo2().uordblks, used);
		regex_free(regex);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(group_one_is_found_else_the_whole_match),
		TEST(a_group_that_took_no_part_is_nowhere),
		TEST(texts_and_patterns_are_bytes),
		TEST(a_bad_pattern_is_told_with_its_place),
		TEST(a_pattern_without_an_end_is_given_up),
		TEST(a_long_text_is_no_reason_to_give_up),
		TEST(a_match_keeps_no_memory),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
