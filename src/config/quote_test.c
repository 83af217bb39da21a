#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "config/quote.h"

static void quote_text_keeps_short_text(void **state) {
	struct quote quote;
	(void)state;
	assert_string_equal(quote_text(&quote, SLICE("")), "''");
	assert_string_equal(quote_text(&quote, (struct slice){NULL, 0}), "''");
	assert_string_equal(quote_text(&quote, SLICE("abc")), "'abc'");
	assert_string_equal(quote_text(&quote, SLICE("gr\xc3\xbc\xc3\x9f")), "'gr\xc3\xbc\xc3\x9f'");
}

static void quote_text_hides_control_characters(void **state) {
	struct quote quote;
	(void)state;
	assert_string_equal(quote_text(&quote, SLICE("a\nb\x1b[0m \x7f")), "'a?b?[0m ?'");
}

static void quote_text_cuts_long_text_between_characters(void **state) {
	char text[200];
	struct quote quote;
	(void)state;
	memset(text, 'a', sizeof(text));
	assert_string_equal(quote_text(&quote, (struct slice){text, 64}), "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
	assert_string_equal(quote_text(&quote, (struct slice){text, 65}), "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'");
	memcpy(text + 63, "\xe2\x82\xac", 3); /* the euro sign over the edge goes as a whole */
	assert_string_equal(quote_text(&quote, (struct slice){text, 70}), "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'");
	memset(text, '\x80', sizeof(text)); /* no UTF-8 at all still ends */
	assert_int_equal(strlen(quote_text(&quote, (struct slice){text, 200})), 60 + 5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quote_text_keeps_short_text),
		cmocka_unit_test(quote_text_hides_control_characters),
		cmocka_unit_test(quote_text_cuts_long_text_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
