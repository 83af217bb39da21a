#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <cmocka.h>

#include "config/toml.h"

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
	if (!toml_read(text, &arena, &root, &fault)) fail_msg("refused at %u:%u: %s", fault.at.line, fault.at.column, fault.text);
	return root;
}

static void assert_at(struct tree_place at, unsigned line, unsigned column) {
	assert_int_equal(at.line, line);
	assert_int_equal(at.column, column);
}

#define AT(line, column) ((struct tree_place){line, column})

static void assert_node(const struct tree *node, enum tree_kind kind, struct tree_place key_at, struct tree_place at) {
	assert_non_null(node);
	assert_int_equal(node->kind, kind);
	assert_at(node->key_at, key_at.line, key_at.column);
	assert_at(node->at, at.line, at.column);
}

/* Places counted by hand; a tab is one column, and so is a character of several bytes. */
static void every_key_and_value_has_its_place(void **state) {
	static const char text[] = "# a comment\n"
				   "url = \"http://x\" # another\n"
				   "\ttab\t=\t1_000\n"
				   "\"t\xc3\xa9\" = [ 1, \"\xc3\xa9\", {a = 1, b.c = 2} ]\n"
				   "day = 1979-05-27T07:32:00Z\n"
				   "long = '''\n"
				   "two lines'''\n"
				   "\n"
				   "[load]\n"
				   "rate = 1.5\n"
				   "  [[load.stages]]\n"
				   "duration = \"1s\"\n"
				   "[[ load.stages ]]\n"
				   "target=5\n"
				   "[p.q]\n"
				   "s = true\n"
				   "[thresholds]\n"
				   "stage.2.p95 = \"x\"\n";
	const struct tree *root = read_text(SLICE(text)), *node, *in;
	(void)state;
	assert_node(root, TREE_TABLE, AT(0, 0), AT(1, 1));
	assert_int_equal(root->count, 8);
	node = root->first;
	assert_string_equal(node->key, "url");
	assert_node(node, TREE_TEXT, AT(2, 1), AT(2, 7));
	assert_string_equal(node->text.at, "http://x");
	node = node->next;
	assert_node(node, TREE_INT, AT(3, 2), AT(3, 8));
	assert_int_equal(node->integer, 1000);
	assert_true(node->real == 1000);
	node = node->next;
	assert_string_equal(node->key, "t\xc3\xa9");
	assert_node(node, TREE_ARRAY, AT(4, 1), AT(4, 8));
	assert_int_equal(node->count, 3);
	in = node->first;
	assert_node(in, TREE_INT, AT(0, 0), AT(4, 10));
	assert_node(in->next, TREE_TEXT, AT(0, 0), AT(4, 13));
	assert_node(in->next->next, TREE_TABLE, AT(0, 0), AT(4, 18));
	assert_node(in->next->next->first, TREE_INT, AT(4, 19), AT(4, 23));
	in = in->next->next->first->next;
	assert_node(in, TREE_TABLE, AT(4, 26), AT(4, 26));
	assert_node(in->first, TREE_INT, AT(4, 28), AT(4, 32));
	node = node->next;
	assert_node(node, TREE_OTHER, AT(5, 1), AT(5, 7));
	assert_string_equal(node->text.at, "1979-05-27T07:32:00");
	node = node->next;
	assert_node(node, TREE_TEXT, AT(6, 1), AT(6, 8));
	assert_string_equal(node->text.at, "two lines");
	node = node->next;
	assert_string_equal(node->key, "load");
	assert_at(node->key_at, 9, 2);
	assert_node(node->first, TREE_REAL, AT(10, 1), AT(10, 8));
	assert_true(node->first->real == 1.5);
	in = tree_find(node, "stages");
	assert_node(in, TREE_ARRAY, AT(11, 10), AT(11, 3));
	assert_int_equal(in->count, 2);
	assert_node(in->first, TREE_TABLE, AT(0, 0), AT(11, 3));
	assert_node(in->first->first, TREE_TEXT, AT(12, 1), AT(12, 12));
	assert_node(in->first->next, TREE_TABLE, AT(0, 0), AT(13, 1));
	assert_node(in->first->next->first, TREE_INT, AT(14, 1), AT(14, 8));
	node = node->next;
	assert_string_equal(node->key, "p");
	assert_at(node->key_at, 15, 2);
	assert_node(node->first->first, TREE_BOOL, AT(16, 1), AT(16, 5));
	node = node->next;
	assert_string_equal(node->key, "thresholds");
	in = node->first;
	assert_string_equal(in->key, "stage");
	assert_at(in->key_at, 18, 1);
	assert_string_equal(in->first->key, "2");
	assert_node(in->first->first, TREE_TEXT, AT(18, 9), AT(18, 15));
	assert_null(node->next);
}

static void a_document_may_be_empty(void **state) {
	(void)state;
	assert_int_equal(read_text(SLICE(""))->count, 0);
	assert_int_equal(read_text(SLICE("\xef\xbb\xbf# only this"))->count, 0);
}

static void a_mark_at_the_start_is_no_character(void **state) {
	(void)state;
	assert_node(read_text(SLICE("\xef\xbb\xbfx = 1"))->first, TREE_INT, AT(1, 1), AT(1, 5));
}

static void numbers_without_an_end_are_numbers(void **state) {
	const struct tree *root = read_text(SLICE("a = inf\nb = nan\nc = -9223372036854775808\nd = 0xff"));
	(void)state;
	assert_true(isinf(tree_find(root, "a")->real));
	assert_true(isnan(tree_find(root, "b")->real));
	assert_true(tree_find(root, "c")->integer == INT64_MIN);
	assert_int_equal(tree_find(root, "d")->integer, 255);
}

static void what_is_no_toml_is_refused_at_its_place(void **state) {
	static const struct {
		const char *text;
		unsigned line, column;
		const char *words; /* a part of the sentence */
	} cases[] = {
		{"url = \nx=1", 1, 7, "expected value"},
		{"url = http://x", 1, 7, "'http:' is no value; a text stands between quotes"},
		{"x = abc", 1, 5, "'abc' is no value; a text stands between quotes"},
		{"x = tru", 1, 5, "boolean"},
		{"x = 99999999999999999999", 1, 5, "is not representable in 64 bits"},
		{"x =   1.2.3", 1, 7, "floating-point"},
		{"x = 01", 1, 5, "leading zeroes are prohibited"},
		{"x = -", 1, 5, "end-of-file"},
		{"x = 1__0", 1, 5, "underscores may only follow digits"},
		{"x = 1e999", 1, 5, "'1e999'"},
		{"x = 1979-13-45", 1, 5, "month"},
		{"x = \"abc\ny=1", 1, 9, "control characters"},
		{"x = \"abc", 1, 9, "end-of-file"},
		{"x = \"\\q\"", 1, 7, "'\\q'"},
		{"x = \"a\xff\"", 1, 7, "bytes that are not UTF-8"},
		{"\xc3\xa9 = 1", 1, 1, "expected keys"},
		{"ok = 1\n  = 5", 2, 3, "expected keys"},
		{"[=", 1, 2, "bare key"},
		{"[a\nb=1", 1, 3, "expected ']'"},
		{"[a] x", 1, 5, "expected a comment"},
		{"x = 1 y = 2", 1, 7, "expected a comment"},
		{"x = \"\xc3\xa9\" z", 1, 9, "expected a comment"},
		{"x = [1,,2]", 1, 8, "comma"},
		{"x = {a=1,}", 1, 10, "dangling comma"},
		{"x", 1, 2, "end-of-file"},
		{"x = 1\nx = 2", 2, 1, "'x' is there twice; keep one of them"},
		{"x = 1\n  \"x\"\t=  \"y\"", 2, 3, "'\"x\"' is there twice"},
		{"\"a b\".c = 1\n\"a b\" . c = 2", 2, 1, "'\"a b\" . c' is there twice"},
		{"x = {a=1, a=2}", 1, 11, "'a' is there twice"},
		{"a.b=1\na.c=2\na=3", 3, 1, "'a' is there twice"},
		{"[a]\nb=1\n [a]\nc=2", 3, 2, "'[a]' is there twice"},
		{"a=1\n[a.b]", 2, 1, "'[a.b]' is there twice"},
		{"[[a]]\n[a]\n", 2, 1, "'[a]' is there twice"},
		{"\"a\\u0000b\" = 1", 1, 1, "a key with a 0 character"},
		{"\xef\xbb\xbfx = z", 1, 5, "'z' is no value"},
		{"\xef\xbb\xbf\xef\xbb\xbfx = 1", 1, 1, "\\uFEFF"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tree *root = (struct tree *)&arena;
		if (toml_read(slice_of(cases[i].text), &arena, &root, &fault)) fail_msg("taken: %s", cases[i].text);
		if (!strstr(fault.text, cases[i].words) || fault.at.line != cases[i].line || fault.at.column != cases[i].column)
			fail_msg("%s\n%u:%u %s", cases[i].text, fault.at.line, fault.at.column, fault.text);
		assert_ptr_equal(root, &arena);
	}
}

/* `count` times the first text, then the second. */
static struct slice repeat(const char *part, unsigned count, const char *end) {
	size_t size = strlen(part);
	char *text = arena_alloc(&arena, size * count + strlen(end) + 1);
	for (unsigned i = 0; i < count; i++) memcpy(text + i * size, part, size);
	memcpy(text + size * count, end, strlen(end) + 1);
	return slice_of(text);
}

static void nesting_has_a_limit(void **state) {
	struct tree *root;
	(void)state;
	read_text(repeat("a.", TREE_DEPTH_MAX - 1, "a = 1"));
	assert_false(toml_read(repeat("a.", TREE_DEPTH_MAX, "a = 1"), &arena, &root, &fault));
	assert_at(fault.at, 1, 2 * TREE_DEPTH_MAX);
	assert_false(toml_read(repeat("a.", 1000000, "a = 1"), &arena, &root, &fault)); /* toml++ alone would overflow the stack */
	assert_false(toml_read(repeat("a = [", 1, repeat("[", TREE_DEPTH_MAX - 1, "1").at), &arena, &root, &fault));
	assert_false(toml_read(repeat("[a.", 1, repeat("a.", TREE_DEPTH_MAX - 4, "a]\na={a=[1,{a=[]}]}").at), &arena, &root, &fault));
	assert_string_equal(fault.text, "nested too deeply; the limit is 64 levels");
	read_text(repeat("x = \"", 1, repeat("a.[{", 1000, "\" # a.[{\ny = 1").at)); /* in a text they are letters */
	read_text(repeat("x = [", 1, repeat("1.5, ", 1000, "]").at));
}

/* Found by fuzzing the header-only library: there they end the program. */
static void old_findings_are_refusals(void **state) {
	struct tree *root;
	(void)state;
	assert_false(toml_read(SLICE("[="), &arena, &root, &fault));
	assert_false(toml_read(SLICE("\xcd\xb8=1"), &arena, &root, &fault));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(every_key_and_value_has_its_place),
		TEST(a_document_may_be_empty),
		TEST(a_mark_at_the_start_is_no_character),
		TEST(numbers_without_an_end_are_numbers),
		TEST(what_is_no_toml_is_refused_at_its_place),
		TEST(nesting_has_a_limit),
		TEST(old_findings_are_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
