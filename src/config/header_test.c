#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "config/header.h"

static void header_parse_splits_at_the_first_colon_and_trims(void **state) {
	static const struct {
		const char *text, *name, *value;
	} cases[] = {
		{"Accept: text/html", "Accept", "text/html"},
		{"Accept:text/html", "Accept", "text/html"},
		{"  X-Time \t:\t 12:30:00  ", "X-Time", "12:30:00"},
		{"X-Empty:", "X-Empty", ""},
		{"X-Empty:   ", "X-Empty", ""},
		{"X-Tab: a\tb", "X-Tab", "a\tb"},
		{"X-Text: gr\xc3\xbc\xc3\x9f", "X-Text", "gr\xc3\xbc\xc3\x9f"}, /* obs-text */
		/* every punctuation mark of tchar in RFC 9110 section 5.6.2 */
		{"!#$%&'*+-.^_`|~09azAZ: 1", "!#$%&'*+-.^_`|~09azAZ", "1"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct slice name, value;
		assert_true(header_parse(slice_of(cases[i].text), &name, &value));
		assert_int_equal(name.size, strlen(cases[i].name));
		assert_memory_equal(name.at, cases[i].name, name.size);
		assert_int_equal(value.size, strlen(cases[i].value));
		assert_memory_equal(value.at, cases[i].value, value.size);
	}
}

static void header_parse_refuses_what_is_no_header(void **state) {
	static const char *const cases[] = {
		"",
		"Accept",
		":",
		": x",
		"  : x",
		"A B: x",
		"A\x01: x",
		"A\x7f: x",
		"X: a\rb",
		"X: a\nb",
		"X: a\x01",
		"X: a\x7f",
		"X: a\x1b[0m",
		"G\xc3\xbc: x",
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct slice name = SLICE("name"), value = SLICE("value");
		if (header_parse(slice_of(cases[i]), &name, &value)) fail_msg("taken: %s", cases[i]);
		assert_int_equal(name.size, 4);
		assert_int_equal(value.size, 5);
	}
}

static void header_parse_refuses_a_zero_byte(void **state) {
	struct slice name, value;
	(void)state;
	assert_false(header_parse((struct slice){"X: a\0b", 6}, &name, &value));
	assert_false(header_parse((struct slice){"X\0: a", 5}, &name, &value));
}

/* RFC 9110 section 5.6.2: delimiters are DQUOTE and (),/:;<=>?@[\]{} ; none of them may stand in a token. */
static void header_names_have_no_delimiters(void **state) {
	static const char delimiters[] = "\"(),/:;<=>?@[\\]{} \t";
	(void)state;
	for (size_t i = 0; i < sizeof(delimiters) - 1; i++) {
		char name[] = {'a', delimiters[i], 'b'};
		assert_false(header_name_valid((struct slice){name, 3}));
	}
	assert_false(header_name_valid((struct slice){NULL, 0}));
}

static void header_find_compares_names_without_case(void **state) {
	static const char *texts[] = {"X-Cookie: a", "cOOkie : b", "Cookie: c"};
	const struct text_list list = {LENGTH(texts), texts}, none = {0, NULL};
	size_t at = 9;
	(void)state;
	assert_false(header_find(&list, SLICE("accept"), &at));
	assert_false(header_find(&none, SLICE("accept"), &at));
	assert_int_equal(at, 9);
	assert_true(header_find(&list, SLICE("cookie"), &at));
	assert_int_equal(at, 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_parse_splits_at_the_first_colon_and_trims),
		cmocka_unit_test(header_parse_refuses_what_is_no_header),
		cmocka_unit_test(header_parse_refuses_a_zero_byte),
		cmocka_unit_test(header_find_compares_names_without_case),
		cmocka_unit_test(header_names_have_no_delimiters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
