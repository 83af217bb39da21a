#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "config/later.h"
#include "config/option.h"

/* What exists cannot come later. */
static void no_row_is_there_already(void **state) {
	(void)state;
	for (size_t i = 0; i < later_count; i++) {
		const struct later_row *row = &later_rows[i];
		const char *words = row->flags;
		assert_non_null(row->words);
		assert_true(row->key || row->flags || row->letter);
		assert_true(row->kind != LATER_HABIT || !row->key);
		if (row->letter) assert_null(option_by_letter(row->letter, COMMAND_RUN));
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
			if (option_by_name(word, COMMAND_RUN)) fail_msg("--%.*s", (int)word.size, word.at);
			assert_ptr_equal(later_by_flag(word), row);
		}
		for (size_t k = 0; k < OPTION_COUNT && row->key; k++) {
			if (option_rows[k].key) assert_string_not_equal(option_rows[k].key, row->key);
		}
		if (row->key) assert_ptr_equal(later_by_key(row->key), row);
		if (row->letter) assert_ptr_equal(later_by_letter(row->letter), row);
	}
}

/* The specification's keys without an option of ours (section 3.2), and those that belong to the request. */
static void every_key_of_the_reference_is_known(void **state) {
	static const char *const left_out[] = {"charts_latency_bucket_ms", "summary", "http3", "disable_compression", "stats_success_breakdown"};
	static const char *const refused[] = {"script", "aws_session", "aws_sigv4", "proxy_http_version", "proxy_http2"};
	(void)state;
	for (size_t i = 0; i < LENGTH(left_out); i++) {
		if (!later_by_key(left_out[i])) fail_msg("%s", left_out[i]);
		assert_int_equal(later_by_key(left_out[i])->kind, LATER_LEFT_OUT);
	}
	for (size_t i = 0; i < LENGTH(refused); i++) {
		if (!later_by_key(refused[i])) fail_msg("%s", refused[i]);
		assert_int_equal(later_by_key(refused[i])->kind, LATER_REFUSED);
	}
	assert_null(later_by_key("url"));
	assert_null(later_by_flag(SLICE("url")));
	assert_null(later_by_letter(0));
}

static void what_we_do_anyway_is_harmless(void **state) {
	static const struct tree off = {.kind = TREE_BOOL}, on = {.kind = TREE_BOOL, .truth = true}, one = {.kind = TREE_INT, .integer = 1},
				 version = {.kind = TREE_TEXT, .text = {"1.1", 3}}, old = {.kind = TREE_TEXT, .text = {"1.0", 3}},
				 list = {.kind = TREE_ARRAY};
	(void)state;
	assert_true(later_is_harmless(later_by_key("http3"), &off));
	assert_false(later_is_harmless(later_by_key("http3"), &on));
	assert_false(later_is_harmless(later_by_key("http3"), &one));
	assert_true(later_is_harmless(later_by_key("proxy_http_version"), &version));
	assert_false(later_is_harmless(later_by_key("proxy_http_version"), &old));
	assert_false(later_is_harmless(later_by_key("proxy_http_version"), &list));
	assert_false(later_is_harmless(later_by_key("summary"), &off));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_row_is_there_already),
		cmocka_unit_test(every_key_of_the_reference_is_known),
		cmocka_unit_test(what_we_do_anyway_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
