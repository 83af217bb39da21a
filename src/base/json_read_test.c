#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/json_read.h"

static struct arena arena;
static struct tree_fault fault;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	fault = (struct tree_fault){0};
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static const struct tree *read_text(struct slice text) {
	struct tree *root = NULL;
	if (!json_read(text, &arena, &root, &fault)) fail_msg("refused at %u:%u: %s", fault.at.line, fault.at.column, fault.text);
	return root;
}

static void assert_at(struct tree_place at, unsigned line, unsigned column) {
	assert_int_equal(at.line, line);
	assert_int_equal(at.column, column);
}

/* Places counted by hand; a tab is one column, and so is a character of several bytes. */
static void every_key_and_value_has_its_place(void **state) {
	static const char text[] = "{ \"url\" : \"http://x\",\n"
				   "\t\"t\xc3\xa9\": [1, -2.5 ,{\"a\":null}],\"x\\\"y\":true,\n"
				   "\n"
				   "  \"e\":{}, \"f\":[ ],\r\n"
				   "\"g\"\n"
				   ":\n"
				   "   0}";
	const struct tree *root = read_text(SLICE(text)), *node, *in;
	(void)state;
	assert_int_equal(root->kind, TREE_TABLE);
	assert_int_equal(root->count, 6);
	assert_at(root->at, 1, 1);
	assert_at(root->key_at, 0, 0);
	assert_null(root->key);
	node = tree_find(root, "url");
	assert_at(node->key_at, 1, 3);
	assert_at(node->at, 1, 11);
	assert_string_equal(node->text.at, "http://x");
	assert_int_equal(node->text.size, 8);
	node = node->next;
	assert_string_equal(node->key, "t\xc3\xa9");
	assert_at(node->key_at, 2, 2);
	assert_at(node->at, 2, 8);
	assert_int_equal(node->count, 3);
	in = node->first;
	assert_at(in->at, 2, 9);
	assert_int_equal(in->integer, 1);
	assert_true(in->real == 1);
	assert_null(in->key);
	in = in->next;
	assert_at(in->at, 2, 12);
	assert_int_equal(in->kind, TREE_REAL);
	assert_true(in->real == -2.5);
	in = in->next;
	assert_at(in->at, 2, 18);
	assert_at(in->first->key_at, 2, 19);
	assert_at(in->first->at, 2, 23);
	assert_int_equal(in->first->kind, TREE_NULL);
	node = tree_find(root, "x\"y");
	assert_at(node->key_at, 2, 30);
	assert_at(node->at, 2, 37);
	assert_true(node->truth);
	assert_at(node->next->key_at, 4, 3);
	assert_at(node->next->at, 4, 7);
	assert_at(node->next->next->key_at, 4, 11);
	assert_at(node->next->next->at, 4, 15);
	node = tree_find(root, "g");
	assert_at(node->key_at, 5, 1);
	assert_at(node->at, 7, 4);
	assert_null(node->next);
}

static void a_value_may_be_all_there_is(void **state) {
	static const struct {
		const char *text;
		enum tree_kind kind;
		unsigned line, column;
	} cases[] = {
		{"12", TREE_INT, 1, 1}, {" 12", TREE_INT, 1, 2}, {"\n 1e3\n", TREE_REAL, 2, 2}, {"\"a\"", TREE_TEXT, 1, 1},
		{"  null", TREE_NULL, 1, 3}, {"false ", TREE_BOOL, 1, 1}, {"[]", TREE_ARRAY, 1, 1},
		{"\xef\xbb\xbf {}", TREE_TABLE, 1, 2}, /* the mark is no character */
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct tree *root = read_text(slice_of(cases[i].text));
		assert_int_equal(root->kind, cases[i].kind);
		assert_at(root->at, cases[i].line, cases[i].column);
	}
}

static void numbers_keep_their_kind_and_value(void **state) {
	const struct tree *node = read_text(SLICE("[9223372036854775807,-9223372036854775808,-0,1.0,1E2,0.1]"))->first;
	(void)state;
	assert_true(node->kind == TREE_INT && node->integer == INT64_MAX);
	node = node->next;
	assert_true(node->kind == TREE_INT && node->integer == INT64_MIN);
	node = node->next;
	assert_true(node->kind == TREE_INT && node->integer == 0);
	node = node->next;
	assert_true(node->kind == TREE_REAL && node->real == 1);
	node = node->next;
	assert_true(node->kind == TREE_REAL && node->real == 100);
	node = node->next;
	assert_true(node->kind == TREE_REAL && node->real == 0.1);
}

/* RFC 8259 section 7. */
static void escapes_are_read(void **state) {
	const struct tree *root = read_text(SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\u0000z\""));
	static const char want[] = "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80\0z";
	(void)state;
	assert_int_equal(root->text.size, sizeof(want) - 1);
	assert_memory_equal(root->text.at, want, sizeof(want));
}

struct refused {
	const char *text;
	unsigned line, column;
	const char *words;
};

static void what_is_no_json_is_refused_at_its_place(void **state) {
	static const struct refused cases[] = {
		{"", 1, 1, "the text ends too early"},
		{" \n ", 1, 1, "the text ends too early"},
		{"{\"a\": 1,\n", 1, 9, "the text ends too early"},
		{"{\"a\"", 1, 5, "the text ends too early"},
		{"{\"a\": [1\n\n", 1, 9, "the text ends too early"},
		{"{\"a\": 1,, \"b\": 2}", 1, 9, "invalid object key (must be a string)"},
		{"{\"a\": 1,\n }", 2, 2, "a comma before '}'; leave it out"},
		{"[1, ]", 1, 5, "a comma before ']'; leave it out"},
		{"{\"a\" 1}", 1, 6, "object key and value must be separated by a colon (':')"},
		{"{\"a\": 1 \"b\": 2}", 1, 9, "after key and value, inside map, I expect ',' or '}'"},
		{"{\"a\": 1 \"a longer key\": 2}", 1, 9, "after key and value, inside map, I expect ',' or '}'"},
		{"{a: 1}", 1, 2, "invalid char in json text"},
		{"{'a': 1}", 1, 2, "invalid char in json text"},
		{"{1: 2}", 1, 2, "invalid object key (must be a string)"},
		{"{\"a\": tru}", 1, 7, "invalid string in json text"},
		{"{\"a\": True}", 1, 7, "invalid char in json text"},
		{"{\"a\": 01}", 1, 8, "after key and value, inside map, I expect ',' or '}'"},
		{"{\"a\":\n  1.}", 2, 3, "malformed number, a digit is required after the decimal point"},
		{"{\"a\": -}", 1, 7, "malformed number, a digit is required after the minus sign"},
		{"{\"a\": .5}", 1, 7, "invalid char in json text"},
		{"{\"a\": +5}", 1, 7, "invalid char in json text"},
		{"{\"a\": NaN}", 1, 7, "invalid char in json text"},
		{"{\"a\": \"abc", 1, 7, "the text has no closing quote"},
		{"{\"a\": \"abc\\", 1, 7, "the text has no closing quote"},
		{"{\"a\": \"ab\ncd\"}", 1, 10, "invalid character inside string"},
		{"{\"a\": \"b\x01\"}", 1, 9, "a control character; in a text it is written \\u0001"},
		{"[1,\n \v2]", 2, 2, "a control character; in a text it is written \\u000b"}, /* yajl: a blank */
		{"\xef\xbb\xbf\f1", 1, 1, "a control character; in a text it is written \\u000c"},
		{"{\"a\": \"\\q\"}", 1, 9, "inside a string, '\\' occurs before a character which it may not"},
		{"{\"a\": \"\\u12\"}", 1, 12, "invalid (non-hex) character occurs after '\\u' inside string"},
		{"{\"a\": \"x\\ud800\"}", 1, 9, "the escape is half a character; write \\uD800 to \\uDBFF before \\uDC00 to \\uDFFF"},
		{"{\"a\": \"\\udc00\\ud800\"}", 1, 8, "the escape is half a character; write \\uD800 to \\uDBFF before \\uDC00 to \\uDFFF"},
		{"{\"\\ud800x\": 1}", 1, 3, "the escape is half a character; write \\uD800 to \\uDBFF before \\uDC00 to \\uDFFF"},
		{"{\"a\": \"\xc3\xa9\xff\"}", 1, 9, "bytes that are not UTF-8"},
		{"{\"a\": 1} x", 1, 10, "trailing garbage"},
		{"{}\n{}", 2, 1, "trailing garbage"},
		{"{}}", 1, 3, "trailing garbage"},
		{"12x", 1, 3, "trailing garbage"},
		{"5\"", 1, 2, "the text has no closing quote"},
		{"{} \"abc", 1, 4, "the text has no closing quote"},
		{"\"a\"\n \"", 2, 2, "the text has no closing quote"},
		{"[]\"\\", 1, 3, "the text has no closing quote"},
		{"nul", 1, 1, "invalid string in json text"},
		{"]", 1, 1, "unallowed token at this point in JSON text"},
		{"{]", 1, 2, "invalid object key (must be a string)"},
		{"{\"a\": 1]", 1, 8, "after key and value, inside map, I expect ',' or '}'"},
		{"// c\n{}", 1, 1, "probable comment found in input text, comments are not enabled"},
		{"{\"a\": 9223372036854775808}", 1, 7, "the whole number does not fit into 64 bits"},
		{"[1,\n-9223372036854775809]", 2, 1, "the whole number does not fit into 64 bits"},
		{"[1e999]", 1, 2, "the number is too large"},
		{"{\"a\": 1,\n  \"b\": 2, \"a\": 3, \"b\": 4}", 2, 11, "'a' is there twice; keep one of them"},
		{"{\"x\": {\"a\": 1, \"\\u0061\": 3}}", 1, 16, "'a' is there twice; keep one of them"},
		{"{\"a\\u0000b\": 1}", 1, 2, "a key with a 0 character"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tree *root = (struct tree *)&arena;
		if (json_read(slice_of(cases[i].text), &arena, &root, &fault)) fail_msg("taken: %s", cases[i].text);
		if (strcmp(fault.text, cases[i].words) != 0 || fault.at.line != cases[i].line || fault.at.column != cases[i].column)
			fail_msg("%s\n%u:%u %s", cases[i].text, fault.at.line, fault.at.column, fault.text);
		assert_ptr_equal(root, &arena);
	}
}

static void nesting_has_a_limit(void **state) {
	char text[2 * (TREE_DEPTH_MAX + 1) + 1];
	struct tree *root;
	(void)state;
	memset(text, '[', TREE_DEPTH_MAX);
	memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
	read_text((struct slice){text, 2 * TREE_DEPTH_MAX});
	memset(text, '[', TREE_DEPTH_MAX + 1);
	memset(text + TREE_DEPTH_MAX + 1, ']', TREE_DEPTH_MAX + 1);
	assert_false(json_read((struct slice){text, sizeof(text) - 1}, &arena, &root, &fault));
	assert_at(fault.at, 1, TREE_DEPTH_MAX + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(every_key_and_value_has_its_place),
		TEST(a_value_may_be_all_there_is),
		TEST(numbers_keep_their_kind_and_value),
		TEST(escapes_are_read),
		TEST(what_is_no_json_is_refused_at_its_place),
		TEST(nesting_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
