#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"

static void assert_format(struct json *tree, const char *expected) {
	char *text = json_format(tree);
	assert_string_equal(text, expected);
	free(text);
	json_free(tree);
}

static void keys_keep_the_order_in_which_they_were_put(void **state) {
	(void)state;
	struct json *tree = json_new_object();
	json_put_int(tree, "zebra", 1);
	json_put_int(tree, "apple", 2);
	json_put_int(tree, "mango", 3);
	assert_format(tree, "{\n  \"zebra\": 1,\n  \"apple\": 2,\n  \"mango\": 3\n}");
}

static void objects_and_arrays_nest(void **state) {
	(void)state;
	struct json *tree = json_new_object();
	struct json *inner = json_put_object(tree, "o");
	json_put_bool(inner, "yes", true);
	json_put_bool(inner, "no", false);
	struct json *list = json_put_array(tree, "a");
	json_put_int(list, NULL, 1);
	json_put_text(list, NULL, "two");
	json_put_null(list, NULL);
	json_put_text(json_put_object(list, NULL), "k", "v");
	json_put_int(json_put_array(list, NULL), NULL, 5);
	assert_format(tree, "{\n"
			    "  \"o\": {\n"
			    "    \"yes\": true,\n"
			    "    \"no\": false\n"
			    "  },\n"
			    "  \"a\": [\n"
			    "    1,\n"
			    "    \"two\",\n"
			    "    null,\n"
			    "    {\n"
			    "      \"k\": \"v\"\n"
			    "    },\n"
			    "    [\n"
			    "      5\n"
			    "    ]\n"
			    "  ]\n"
			    "}");
	assert_format(json_new_object(), "{}");
	json_free(NULL);
}

/* RFC 8259 section 7: quotation mark, reverse solidus and U+0000 to U+001F must be escaped; everything else may stand as it is. */
static void texts_are_escaped_and_made_utf8(void **state) {
	(void)state;
	static const struct {
		const char *text, *written;
	} rows[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"say \"hi\"", "\"say \\\"hi\\\"\""},
		{"C:\\x", "\"C:\\\\x\""},
		{"a\nb\tc\rd", "\"a\\nb\\tc\\rd\""},
		{"\x01\x1f", "\"\\u0001\\u001F\""},
		{"http://[::1]/", "\"http://[::1]/\""},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
		{"a\xff"
		 "b",
			"\"a?b\""},             /* never a byte of UTF-8 (RFC 3629 section 1) */
		{"\xc0\x80", "\"??\""},         /* overlong */
		{"\xed\xa0\x80", "\"???\""},    /* a surrogate */
		{"cut \xe2\x82", "\"cut ??\""}, /* ends in mid-character */
		{NULL, "null"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct json *tree = json_new_object();
		json_put_text(tree, "t", rows[i].text);
		char expected[100];
		snprintf(expected, sizeof(expected), "{\n  \"t\": %s\n}", rows[i].written);
		assert_format(tree, expected);
	}
}

static void keys_are_escaped(void **state) {
	(void)state;
	struct json *tree = json_new_object();
	json_put_int(tree, "a\"b\n", 1);
	assert_format(tree, "{\n  \"a\\\"b\\n\": 1\n}");
}

/* At most 12 digits, and never a form that JSON does not know (RFC 8259 section 6). */
static void reals_are_short_and_finite(void **state) {
	(void)state;
	const struct {
		double value;
		const char *written;
	} rows[] = {{0, "0.0"}, {1, "1.0"}, {-2.5, "-2.5"}, {0.1, "0.1"}, {1.0 / 3, "0.333333333333"}, {2.0 / 3, "0.666666666667"},
		{123456.789, "123456.789"}, {49999.999999999993, "50000.0"}, {1e300, "1e300"}, {INFINITY, "null"}, {-INFINITY, "null"},
		{NAN, "null"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct json *tree = json_new_object();
		json_put_real(tree, "r", rows[i].value);
		char expected[100];
		snprintf(expected, sizeof(expected), "{\n  \"r\": %s\n}", rows[i].written);
		assert_format(tree, expected);
	}
}

static void integers_have_all_64_bits(void **state) {
	(void)state;
	struct json *tree = json_new_object();
	json_put_int(tree, "max", INT64_MAX);
	json_put_int(tree, "min", INT64_MIN);
	json_put_int(tree, "zero", 0);
	assert_format(tree, "{\n  \"max\": 9223372036854775807,\n  \"min\": -9223372036854775808,\n  \"zero\": 0\n}");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_keep_the_order_in_which_they_were_put),
		cmocka_unit_test(objects_and_arrays_nest),
		cmocka_unit_test(texts_are_escaped_and_made_utf8),
		cmocka_unit_test(keys_are_escaped),
		cmocka_unit_test(reals_are_short_and_finite),
		cmocka_unit_test(integers_have_all_64_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
