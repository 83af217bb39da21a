#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/arena_fixture.h"
#include "base/json_find.h"

#define NONE (-1)
#define BAD (-2)

struct row {
	const char *text, *pointer;
	int kind; /* of what is found, NONE or BAD */
	const char *found;
};

static struct json_search *search;

static const struct json_pointer *compile(const char *text) {
	const struct json_pointer *pointer = json_pointer_compile(slice_of(text), &arena);
	if (!pointer) fail_msg("'%s' is no pointer", text);
	return pointer;
}

/* From memory of exactly the text's size, so that a sanitizer sees a read beyond it. */
static void check_bytes(struct slice text, const struct row *want) {
	struct json_found got = {TREE_OTHER, {NULL, 0}};
	char *copy = malloc(text.size ? text.size : 1);
	assert_non_null(copy);
	memcpy(copy, text.at, text.size);
	enum json_result result = json_find(compile(want->pointer), (struct slice){copy, text.size}, search, &got);
	enum json_result expected = want->kind == NONE ? JSON_NOT_FOUND : want->kind == BAD ? JSON_BAD : JSON_FOUND;
	if (result != expected) fail_msg("%s at '%s': result %d, not %d", want->text, want->pointer, result, expected);
	if (result == JSON_FOUND) {
		if ((int)got.kind != want->kind || !slice_equal(got.text, slice_of(want->found)))
			fail_msg("%s at '%s': kind %d '%.*s'", want->text, want->pointer, got.kind, (int)got.text.size, got.text.at);
		if (got.kind != TREE_TEXT) assert_true(got.text.at >= copy && got.text.at + got.text.size <= copy + text.size);
	} else {
		assert_int_equal(got.kind, TREE_OTHER); /* untouched */
	}
	free(copy);
}

static void check(const struct row *rows, size_t count) {
	search = json_search_new();
	for (size_t i = 0; i < count; i++) check_bytes(slice_of(rows[i].text), &rows[i]);
	json_search_free(search);
}

/* RFC 6901 section 5, the document and its pointers. */
static void the_examples_of_the_standard_are_found(void **state) {
	(void)state;
	static const char text[] = "{\n   \"foo\": [\"bar\", \"baz\"],\n   \"\": 0,\n   \"a/b\": 1,\n   \"c%d\": 2,\n   \"e^f\": 3,\n   \"g|h\": 4,\n"
				   "   \"i\\\\j\": 5,\n   \"k\\\"l\": 6,\n   \" \": 7,\n   \"m~n\": 8\n}";
	static const struct row rows[] = {
		{text, "", TREE_TABLE, text}, {text, "/foo", TREE_ARRAY, "[\"bar\", \"baz\"]"}, {text, "/foo/0", TREE_TEXT, "bar"},
		{text, "/", TREE_INT, "0"}, {text, "/a~1b", TREE_INT, "1"}, {text, "/c%d", TREE_INT, "2"}, {text, "/e^f", TREE_INT, "3"},
		{text, "/g|h", TREE_INT, "4"}, {text, "/i\\j", TREE_INT, "5"}, {text, "/k\"l", TREE_INT, "6"}, {text, "/ ", TREE_INT, "7"},
		{text, "/m~0n", TREE_INT, "8"}, {text, "/foo/-", NONE, NULL}, {text, "/foo/2", NONE, NULL}, {text, "/foo/00", NONE, NULL},
		{text, "/m~01n", NONE, NULL}, /* the key "m~1n" (section 4) */
	};
	check(rows, LENGTH(rows));
}

static void a_pointer_is_slashes_and_two_escapes(void **state) {
	(void)state;
	static const char *const bad[] = {"a", "a/b", "0", " ", "~0", "#/a", "/~", "/~2", "/a~", "/a~/b", "/~~", "/a/~1~", "/~01~"};
	for (size_t i = 0; i < LENGTH(bad); i++) {
		if (json_pointer_compile(slice_of(bad[i]), &arena)) fail_msg("'%s' was taken", bad[i]);
	}
	static const struct row rows[] = {
		{"{\"~1\":1,\"/\":2}", "/~01", TREE_INT, "1"},
		{"{\"~1\":1,\"/\":2}", "/~1", TREE_INT, "2"},
		{"{\"\":{\"\":3}}", "//", TREE_INT, "3"},
		{"{\"a\":{\"\":3}}", "/a/", TREE_INT, "3"},
		{"{\"/~\":3}", "/~1~0", TREE_INT, "3"},
	};
	check(rows, LENGTH(rows));
	assert_null(json_pointer_compile((struct slice){"/a~1", 3}, &arena)); /* the slice ends it */
}

static void each_kind_is_found_as_it_stands(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"{\"a\":null}", "/a", TREE_NULL, "null"},
		{"{\"a\":true,\"b\":false}", "/a", TREE_BOOL, "true"},
		{"{\"a\":true,\"b\":false}", "/b", TREE_BOOL, "false"},
		{"{\"a\":-0}", "/a", TREE_INT, "-0"},
		{"{\"a\": 12 }", "/a", TREE_INT, "12"},
		{"[12,34]", "/0", TREE_INT, "12"},
		{"[12,34]", "/1", TREE_INT, "34"},
		{"[1.50]", "/0", TREE_REAL, "1.50"},
		{"[1E400]", "/0", TREE_REAL, "1E400"},
		{"[-1e-05\n]", "/0", TREE_REAL, "-1e-05"},
		{"[123456789012345678901234567890]", "/0", TREE_INT, "123456789012345678901234567890"},
		{"{\"a\":\"\"}", "/a", TREE_TEXT, ""},
		{"{\"a\":\"x y\"}", "/a", TREE_TEXT, "x y"},
		{"{\"a\":\"\xc3\xa4\"}", "/a", TREE_TEXT, "\xc3\xa4"},
		{"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "/a", TREE_TEXT, "\"\\/\b\f\n\r\t"},
		{"{\"a\":\"\\u00e4\\u20AC\"}", "/a", TREE_TEXT, "\xc3\xa4\xe2\x82\xac"},
		{"{\"a\":\"-\\ud834\\udd1e-\"}", "/a", TREE_TEXT, "-\xf0\x9d\x84\x9e-"}, /* RFC 8259 section 7: the G clef */
		{"{\"\\u0061\":1}", "/a", TREE_INT, "1"},
		{"{\"\\ud834\\udd1e\":1}", "/\xf0\x9d\x84\x9e", TREE_INT, "1"},
	};
	check(rows, LENGTH(rows));
}

static void containers_are_found_with_their_brackets(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"[]", "", TREE_ARRAY, "[]"},
		{" { } ", "", TREE_TABLE, "{ }"},
		{"{\"a\":{},\"b\":[]}", "/a", TREE_TABLE, "{}"},
		{"{\"a\":{},\"b\":[]}", "/b", TREE_ARRAY, "[]"},
		{"{ \"a\" : \t{ \"x\" : [ 1 , { } ] } , \"b\" : 2 }", "/a", TREE_TABLE, "{ \"x\" : [ 1 , { } ] }"},
		{"[[],[[]],[[1],[2,[3]]]]", "/2", TREE_ARRAY, "[[1],[2,[3]]]"},
		{"[[],[[]],[[1],[2,[3]]]]", "/2/1/1", TREE_ARRAY, "[3]"},
		{"[[],[[]],[[1],[2,[3]]]]", "/1/0", TREE_ARRAY, "[]"},
		{"{\"a\":[\"]\",\"\\\"]\"],\"b\":1}", "/a", TREE_ARRAY, "[\"]\",\"\\\"]\"]"},
		{"{\"a\":{\"b\":1,\"c\":{\"b\":2}}}", "/a/c", TREE_TABLE, "{\"b\":2}"},
		{"\xef\xbb\xbf{\"a\":[ 1 ]}", "/a", TREE_ARRAY, "[ 1 ]"},
	};
	check(rows, LENGTH(rows));
}

static void the_whole_text_may_be_any_value(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"1", "", TREE_INT, "1"},
		{"-12.5", "", TREE_REAL, "-12.5"},
		{" 12", "", TREE_INT, "12"},
		{"12 ", "", TREE_INT, "12"},
		{"\n\"a\"\n", "", TREE_TEXT, "a"},
		{"true", "", TREE_BOOL, "true"},
		{"null", "", TREE_NULL, "null"},
		{"null", "/a", NONE, NULL},
		{"1", "/0", NONE, NULL},
		{"\"a\"", "/0", NONE, NULL},
		{"-", "", BAD, NULL},
		{"1.", "", BAD, NULL},
		{"1e", "", BAD, NULL},
		{"tru", "", BAD, NULL},
		{"\"a", "", BAD, NULL},
		{"", "", BAD, NULL},
		{" \n", "", BAD, NULL},
		{"", "/a", BAD, NULL},
	};
	check(rows, LENGTH(rows));
}

static void only_the_place_itself_is_found(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"{\"x\":{\"a\":1},\"a\":2}", "/a", TREE_INT, "2"},
		{"{\"x\":[{\"a\":1}],\"a\":2}", "/a", TREE_INT, "2"},
		{"{\"x\":\"a\",\"a\":2}", "/a", TREE_INT, "2"},
		{"[[1,2],[3,4]]", "/1/0", TREE_INT, "3"},
		{"[{\"0\":1},{\"0\":2}]", "/1/0", TREE_INT, "2"}, /* digits are a key, too */
		{"{\"items\":[{\"id\":1},{\"id\":2},{\"id\":3}]}", "/items/2/id", TREE_INT, "3"},
		{"{\"items\":[{\"id\":1},{\"id\":2},{\"id\":3}]}", "/items/3/id", NONE, NULL},
		{"[0,1,2,3,4,5,6,7,8,9,10,11]", "/10", TREE_INT, "10"},
		{"[0,1]", "/01", NONE, NULL},
		{"[0,1]", "/-1", NONE, NULL},
		{"[0,1]", "/+1", NONE, NULL},
		{"[0,1]", "/1 ", NONE, NULL},
		{"[0,1]", "/", NONE, NULL},
		{"[0,1]", "/18446744073709551616", NONE, NULL}, /* 2^64: not 0 */
		{"{\"01\":1,\"-\":2}", "/01", TREE_INT, "1"},
		{"{\"01\":1,\"-\":2}", "/-", TREE_INT, "2"},
		{"{\"a\":1,\"a\":2}", "/a", TREE_INT, "1"},
		{"{\"a\":{},\"a\":{\"b\":2}}", "/a/b", NONE, NULL},
		{"{\"a\":1}", "/a/b", NONE, NULL},
		{"{\"a\":1}", "/A", NONE, NULL},
		{"{\"ab\":1}", "/a", NONE, NULL},
		{"{}", "/a", NONE, NULL},
		{"[]", "/0", NONE, NULL},
		{"[[]]", "/0/0", NONE, NULL},
	};
	check(rows, LENGTH(rows));
}

static void what_was_read_must_be_json(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"{\"x\":01,\"a\":1}", "/a", BAD, NULL},
		{"{\"x\":'1',\"a\":1}", "/a", BAD, NULL},
		{"{x:1,\"a\":1}", "/a", BAD, NULL},
		{"{\"x\":1 \"a\":1}", "/a", BAD, NULL},
		{"{\"x\":1,,\"a\":1}", "/a", BAD, NULL},
		{"{\"a\":[1,2}", "/a", BAD, NULL},
		{"{\"a\":[1,]}", "/a", BAD, NULL},
		{"{\"a\":{\"b\":1", "/a", BAD, NULL},
		{"{\"a\"", "/a", BAD, NULL},
		{"{\"a\":", "/a", BAD, NULL},
		{"{\"a\":01}", "/a", BAD, NULL},
		{"{\"a\":truex}", "/a", BAD, NULL},
		{"{\"a\":1\"\"}", "/a", BAD, NULL},
		{"<html>", "/a", BAD, NULL},
		{"{\"a\":\v1}", "/a", BAD, NULL}, /* yajl takes it */
		{"{\f\"a\":1}", "/a", BAD, NULL},
		{"\v[]", "", BAD, NULL},
		{"{\"a\":\"\\ud834\"}", "/a", BAD, NULL},
		{"{\"a\":\"\\udd1e\\ud834\"}", "/a", BAD, NULL},
		{"{\"\\ud834\":1}", "/?", BAD, NULL}, /* yajl makes it "?" */
		{"{\"a\":\"\\\\ud834\"}", "/a", TREE_TEXT, "\\ud834"},
		{"{\"a\":\"\t\"}", "/a", BAD, NULL},
		{"{\"a\":\"\xff\"}", "/a", BAD, NULL},
		{"{\"x\":\"\xc0\xaf\",\"a\":1}", "/a", BAD, NULL}, /* RFC 3629 section 10 */
		{"{\"a\":\"\xed\xa0\x80\"}", "/a", BAD, NULL},
		{"// x\n1", "", BAD, NULL},
		/* what follows is not looked at */
		{"{\"a\":1,\"b\":oops", "/a", TREE_INT, "1"},
		{"{\"a\":[1],\"b\":\xff", "/a", TREE_ARRAY, "[1]"},
		{"{\"a\":1", "/a", TREE_INT, "1"},
		{"{}{}", "", TREE_TABLE, "{}"},
		{"{\"a\":1} oops", "/b", NONE, NULL},
	};
	check(rows, LENGTH(rows));
	search = json_search_new();
	check_bytes(SLICE("{\"a\":\"x\\u0000y\"}"), &(struct row){"", "/b", NONE, NULL});
	check_bytes(SLICE("{\"a\":\0"
			  "1}"),
		&(struct row){"0", "/a", BAD, NULL});
	json_search_free(search);
}

/* Of a text of any length up to its own nothing else is found than in the whole: the rest may only be missing. */
static void a_text_that_is_cut_off_is_bad_or_has_the_value(void **state) {
	(void)state;
	static const char text[] = "{ \"k\\n\" : [ -1.5e3 , {\"\\ud834\\udd1e\" : [ ] } , true ] , \"a\" : { \"b\" : [ null , \"x\\\"y\" ] } } ";
	static const struct {
		const char *pointer, *end; /* what the value ends with */
		const char *found;
	} rows[] = {
		{"/k\n/1", "[ ] }", "{\"\\ud834\\udd1e\" : [ ] }"},
		{"/k\n/2", "true", "true"},
		{"/a/b", "y\" ]", "[ null , \"x\\\"y\" ]"},
		{"/a/b/1", "y\"", "x\"y"},
	};
	search = json_search_new();
	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t end = (size_t)(strstr(text, rows[i].end) - text) + strlen(rows[i].end);
		int kind = *rows[i].found == '{' ? TREE_TABLE : *rows[i].found == '[' ? TREE_ARRAY : *rows[i].found == 't' ? TREE_BOOL : TREE_TEXT;
		for (size_t size = 0; size < sizeof(text); size++)
			check_bytes((struct slice){text, size}, &(struct row){text, rows[i].pointer, size < end ? BAD : kind, rows[i].found});
	}
	json_search_free(search);
}

static void sixty_four_levels_are_the_limit(void **state) {
	(void)state;
	char text[2 * (TREE_DEPTH_MAX + 1)], pointer[2 * TREE_DEPTH_MAX + 1];
	struct json_found found;
	search = json_search_new();
	for (size_t depth = TREE_DEPTH_MAX; depth <= TREE_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		enum json_result result = json_find(compile(""), (struct slice){text, 2 * depth}, search, &found);
		assert_int_equal(result, depth == TREE_DEPTH_MAX ? JSON_FOUND : JSON_BAD);
		if (result == JSON_FOUND) assert_int_equal(found.text.size, 2 * depth);
	}
	for (size_t i = 0; i < TREE_DEPTH_MAX; i++) memcpy(pointer + 2 * i, "/0", 3);
	assert_int_equal(json_find(compile(pointer), (struct slice){text, sizeof(text)}, search, &found), JSON_BAD);
	pointer[2 * (TREE_DEPTH_MAX - 1)] = 0;
	assert_int_equal(json_find(compile(pointer), (struct slice){text, 1}, search, &found), JSON_BAD);
	json_search_free(search);
}

/* 50 MB whose end is none: it was not read. */
static void a_value_at_the_beginning_does_not_wait_for_the_end(void **state) {
	(void)state;
	static const char head[] = "{\"token\":\"abc\",\"rest\":[";
	size_t size = 50u << 20;
	char *text = malloc(size);
	struct json_found found;
	assert_non_null(text);
	memset(text, 0xff, size);
	memcpy(text, head, sizeof(head) - 1);
	search = json_search_new();
	for (int i = 0; i < 100; i++) assert_int_equal(json_find(compile("/token"), (struct slice){text, size}, search, &found), JSON_FOUND);
	assert_true(slice_equal(found.text, SLICE("abc")));
	json_search_free(search);
	free(text);
}

/* Texts with escapes have to be decoded, however long: in the search's own memory or beside it. */
static void long_texts_are_decoded(void **state) {
	(void)state;
	search = json_search_new();
	for (size_t count = 1; count <= 4u << 20; count *= 8) {
		char *text = malloc(2 * count + 4);
		struct json_found found;
		assert_non_null(text);
		memcpy(text, "[\"", 2);
		for (size_t i = 0; i < count; i++) memcpy(text + 2 + 2 * i, "\\n", 2);
		memcpy(text + 2 + 2 * count, "\"]", 2);
		for (int again = 0; again < 3; again++) {
			assert_int_equal(json_find(compile("/0"), (struct slice){text, 2 * count + 4}, search, &found), JSON_FOUND);
			assert_int_equal(found.text.size, count);
			for (size_t i = 0; i < count; i++) assert_int_equal(found.text.at[i], '\n');
		}
		/* without its end: yajl keeps it in case more comes */
		assert_int_equal(json_find(compile("/0"), (struct slice){text, 2 * count + 2}, search, &found), JSON_BAD);
		free(text);
	}
	json_search_free(search);
}

/* What a search took beside its own memory it gives back at the next one. */
static size_t beside(struct slice text) {
	const struct json_pointer *pointer = compile("/0");
	struct json_found found;
	assert_int_equal(json_find(pointer, text, search, &found), JSON_FOUND);
	size_t used = mallinfo2().uordblks;
	assert_int_equal(json_find(pointer, SLICE("[1]"), search, &found), JSON_FOUND);
	return used - mallinfo2().uordblks;
}

static void a_search_that_has_grown_allocates_nothing(void **state) {
	(void)state;
	char text[100004];
	memcpy(text, "[\"", 2);
	for (size_t i = 2; i < sizeof(text) - 2; i += 2) memcpy(text + i, "\\n", 2);
	memcpy(text + sizeof(text) - 2, "\"]", 2);
	search = json_search_new();
	size_t first = beside((struct slice){text, sizeof(text)});
	assert_true(first > 50000 || mallinfo2().uordblks == 0); /* sanitizers do not count */
	for (int i = 0; i < 3; i++) assert_int_equal(beside((struct slice){text, sizeof(text)}), 0);
	json_search_free(search);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_the_standard_are_found),
		TEST(a_pointer_is_slashes_and_two_escapes),
		TEST(each_kind_is_found_as_it_stands),
		TEST(containers_are_found_with_their_brackets),
		TEST(the_whole_text_may_be_any_value),
		TEST(only_the_place_itself_is_found),
		TEST(what_was_read_must_be_json),
		TEST(a_text_that_is_cut_off_is_bad_or_has_the_value),
		TEST(sixty_four_levels_are_the_limit),
		TEST(a_value_at_the_beginning_does_not_wait_for_the_end),
		TEST(long_texts_are_decoded),
		TEST(a_search_that_has_grown_allocates_nothing),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
