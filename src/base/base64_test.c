#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"

/* RFC 4648 section 10. */
static void the_vectors_of_the_rfc_go_both_ways(void **state) {
	static const char *const cases[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf text;
		char back[16];
		size_t size = 99;
		buf_init(&text, 100);
		base64_add(&text, slice_of(cases[i][0]));
		assert_string_equal(buf_text(&text), cases[i][1]);
		assert_true(base64_read(slice_of(cases[i][1]), back, &size));
		assert_true(slice_equal((struct slice){back, size}, slice_of(cases[i][0])));
		buf_fini(&text);
	}
}

static void what_is_not_base64_is_refused(void **state) {
	static const char *const cases[] = {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Z g=", "Zm9v\n", "Zm-_", "Zm9v="};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char back[16];
		size_t size;
		if (base64_read(slice_of(cases[i]), back, &size)) fail_msg("'%s' was taken", cases[i]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_vectors_of_the_rfc_go_both_ways), cmocka_unit_test(what_is_not_base64_is_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
