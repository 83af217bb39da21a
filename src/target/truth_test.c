#include "target/truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void stamps_are_written_as_printf_writes_them(void **state) {
	(void)state;
	static const nsec cases[] = {
		0, 1, 9, 10, 15, 16, 0x0123456789abcdef, 0x7fffffffffffffff, 0x00000000ffffffff, 0x0fedcba987654321, 2602769408136};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[64], got[] = TRUTH_BLANK "|";
		nsec other = cases[sizeof(cases) / sizeof(cases[0]) - 1 - i];
		snprintf(want, sizeof(want), "%016llx %016llx -|", (unsigned long long)cases[i], (unsigned long long)other);
		truth_write(got, cases[i], other, false);
		assert_string_equal(got, want);
	}
}

static void every_digit_is_right_at_every_place(void **state) {
	(void)state;
	for (unsigned place = 0; place < 8; place++) {
		for (uint32_t digit = 0; digit < 16; digit++) {
			char want[16], got[9] = "";
			snprintf(want, sizeof(want), "%08x", digit << (4 * place));
			truth_write_half(got, digit << (4 * place));
			assert_string_equal(got, want);
		}
	}
}

static void a_stall_is_flagged_and_the_flag_is_taken_back(void **state) {
	(void)state;
	char text[] = TRUTH_BLANK;
	truth_write(text, 1, 2, true);
	assert_string_equal(text, "0000000000000001 0000000000000002 s");
	truth_write(text, 1, 2, false);
	assert_string_equal(text, "0000000000000001 0000000000000002 -");
	assert_int_equal(TRUTH_BYTES, 35);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_are_written_as_printf_writes_them),
		cmocka_unit_test(every_digit_is_right_at_every_place),
		cmocka_unit_test(a_stall_is_flagged_and_the_flag_is_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
