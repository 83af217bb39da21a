#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/variable.h"

static void names_are_made_of_letters_digits_and_three_signs(void **state) {
	(void)state;
	static const char *const good[] = {"a", "Z", "_", "-", ".", "a1", "user-name", "users.id", "_0"}, *const bad[] = {"", "1", "1a", "a b", "a|b",
														  "\xc3\xbc", "a("};
	for (size_t i = 0; i < LENGTH(good); i++) assert_true(variable_is_name(slice_of(good[i])));
	for (size_t i = 0; i < LENGTH(bad); i++) assert_false(variable_is_name(slice_of(bad[i])));
	assert_false(variable_is_name((struct slice){"a\0b", 3}));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_made_of_letters_digits_and_three_signs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
