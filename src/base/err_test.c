#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

static void setting_fails_in_one_line(void **state) {
	(void)state;
	struct err err = {.sys = 5};
	assert_false(err_set(&err, ERR_USAGE, "--rate: '%s' is not a number; write e.g. %d", "abc", 100));
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "--rate: 'abc' is not a number; write e.g. 100");
}

/* Words as in errno(3) of glibc. */
static void errno_is_appended_in_words(void **state) {
	(void)state;
	static const struct {
		int sys;
		const char *text;
	} rows[] = {{EACCES, "cannot open 'x': Permission denied"}, {ENOENT, "cannot open 'x': No such file or directory"},
		{EMFILE, "cannot open 'x': Too many open files"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err;
		assert_false(err_set_sys(&err, ERR_FAILED, rows[i].sys, "cannot open '%s'", "x"));
		assert_int_equal(err.code, ERR_FAILED);
		assert_int_equal(err.sys, rows[i].sys);
		assert_string_equal(err.text, rows[i].text);
	}
}

static void context_grows_outwards_and_keeps_the_code(void **state) {
	(void)state;
	struct err err;
	err_set_sys(&err, ERR_UNREACHABLE, ECONNREFUSED, "cannot connect");
	assert_false(err_add(&err, "line %d", 12));
	assert_false(err_add(&err, "strest.toml"));
	assert_string_equal(err.text, "strest.toml: line 12: cannot connect: Connection refused");
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_int_equal(err.sys, ECONNREFUSED);
}

static void long_texts_are_cut_at_the_end(void **state) {
	(void)state;
	char a[600], b[600];
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	a[599] = b[599] = 0;
	struct err err;
	err_set(&err, ERR_FAILED, "%s", a);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_set_sys(&err, ERR_FAILED, EACCES, "%s", a);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_set(&err, ERR_FAILED, "%.*s", 470, a);
	err_add(&err, "%.*s", 100, b);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text + 98, "bb: aa", 6);
	err_add(&err, "%s", b);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.text[478], 'b');
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_fails_in_one_line),
		cmocka_unit_test(errno_is_appended_in_words),
		cmocka_unit_test(context_grows_outwards_and_keeps_the_code),
		cmocka_unit_test(long_texts_are_cut_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
