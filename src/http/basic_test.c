#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/basic.h"

static const struct {
	const char *userinfo, *want;
} cases[] = {
	/* RFC 7617 section 2 and 2.1; the second is UTF-8 */
	{"Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
	{"test:123\xc2\xa3", "Basic dGVzdDoxMjPCow=="},
	/* RFC 4648 section 10 */
	{"", "Basic "},
	{"f", "Basic Zg=="},
	{"fo", "Basic Zm8="},
	{"foo", "Basic Zm9v"},
	{"foob", "Basic Zm9vYg=="},
	{"fooba", "Basic Zm9vYmE="},
	{"foobar", "Basic Zm9vYmFy"},
	/* the last two digits of the alphabet, by coreutils' base64 */
	{"\xfb\xef\xbe\xff\xff\xff:", "Basic ++++////Og=="},
};

static void user_and_password_are_written_in_base64(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf buf;
		buf_init(&buf, 100);
		basic_write(&buf, slice_of(cases[i].userinfo));
		assert_string_equal(buf_text(&buf), cases[i].want);
		buf_fini(&buf);
	}
}

static void it_is_appended(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	buf_add_text(&buf, "Authorization: ");
	basic_write(&buf, SLICE("a:b"));
	assert_string_equal(buf_text(&buf), "Authorization: Basic YTpi");
	buf_fini(&buf);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_and_password_are_written_in_base64),
		cmocka_unit_test(it_is_appended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
