#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"

static void an_empty_buffer_is_an_empty_text(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 10);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.size, 0);
	assert_false(buf.full);
	buf_fini(&buf);
}

static void bytes_are_appended_and_terminated(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 1000);
	assert_true(buf_add_text(&buf, "GET "));
	assert_true(buf_add(&buf, (struct slice){"/pathology", 5}));
	assert_true(buf_add(&buf, (struct slice){NULL, 0}));
	assert_true(buf_add_format(&buf, " HTTP/%d.%d", 1, 1));
	assert_string_equal(buf_text(&buf), "GET /path HTTP/1.1");
	assert_int_equal(buf.size, 18);
	assert_true(buf_add(&buf, (struct slice){"\0x", 2})); /* a zero byte is a byte */
	assert_int_equal(buf.size, 20);
	assert_memory_equal(buf_text(&buf), "GET /path HTTP/1.1\0x", 21);
	buf_fini(&buf);
}

static void the_cap_is_reached_but_never_passed(void **state) {
	(void)state;
	static const struct {
		size_t cap, first, second;
		bool fits;
	} rows[] = {{10, 6, 4, true}, {10, 6, 5, false}, {0, 0, 0, true}, {0, 0, 1, false}, {100, 100, 0, true}, {100, 0, 101, false},
		{100000, 50000, 50000, true}, {100000, 50000, 50001, false}};
	char *bytes = malloc(100000);
	memset(bytes, 'a', 100000);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf buf;
		buf_init(&buf, rows[i].cap);
		assert_true(buf_add(&buf, (struct slice){bytes, rows[i].first}));
		assert_int_equal(buf_add(&buf, (struct slice){bytes, rows[i].second}), rows[i].fits);
		assert_int_equal(buf.full, !rows[i].fits);
		assert_int_equal(buf.size, rows[i].first + (rows[i].fits ? rows[i].second : 0));
		assert_int_equal(strlen(buf_text(&buf)), buf.size);
		buf_fini(&buf);
	}
	free(bytes);
}

static void a_format_that_does_not_fit_adds_nothing(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 8);
	assert_true(buf_add_format(&buf, "%s", "12345"));
	assert_false(buf_add_format(&buf, "%d", 6789));
	assert_true(buf.full);
	assert_string_equal(buf_text(&buf), "12345");
	assert_true(buf_add_format(&buf, "%d", 678)); /* what is short enough still fits */
	assert_string_equal(buf_text(&buf), "12345678");
	assert_true(buf.full); /* and the loss is not forgotten */
	buf_fini(&buf);
}

static void growing_byte_by_byte_loses_nothing(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 5000);
	for (int i = 0; i < 5000; i++) assert_true(buf_add(&buf, (struct slice){&"0123456789"[i % 10], 1}));
	for (size_t i = 0; i < 5000; i++) assert_int_equal(buf_text(&buf)[i], '0' + i % 10);
	assert_false(buf_add_text(&buf, "x"));
	buf_fini(&buf);
}

static void taking_hands_the_memory_over(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	buf_add_text(&buf, "first");
	char *first = buf_take(&buf);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.size, 0);
	buf_add_text(&buf, "second");
	assert_string_equal(first, "first");
	assert_string_equal(buf_text(&buf), "second");
	free(first);
	buf_fini(&buf);
	char *nothing = buf_take(&buf); /* never NULL, also of a buffer that was freed */
	assert_string_equal(nothing, "");
	free(nothing);
}

static void a_freed_buffer_may_be_used_again(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 4);
	buf_add_text(&buf, "toolong");
	buf_fini(&buf);
	assert_false(buf.full);
	assert_true(buf_add_text(&buf, "four"));
	assert_false(buf_add_text(&buf, "5")); /* the cap is the same */
	buf_fini(&buf);
	buf_fini(&buf);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(bytes_are_appended_and_terminated),
		cmocka_unit_test(the_cap_is_reached_but_never_passed),
		cmocka_unit_test(a_format_that_does_not_fit_adds_nothing),
		cmocka_unit_test(growing_byte_by_byte_loses_nothing),
		cmocka_unit_test(taking_hands_the_memory_over),
		cmocka_unit_test(a_freed_buffer_may_be_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
