#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/digits.h"

static const char *const numbers[] = {"0", "9", "10", "99", "1234567", "12345678", "123456789", "99999999", "100000000", "1234567890123456",
	"12345678901234567", "9999999999999999999", "18446744073709551615", "0000000000000000000000001", "00000012"};
static const char *const behind[] = {"", ",", ",12345678", "/", ":", "x", "\xff\xff\xff\xff\xff\xff\xff\xff", "-1", " 1"};

static void digits_are_read_up_to_what_is_none(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		for (size_t k = 0; k < sizeof(behind) / sizeof(*behind); k++) {
			char text[64];
			int size = snprintf(text, sizeof(text), "%s%s", numbers[i], behind[k]);
			char *exact = malloc((size_t)size); /* a byte too many would be seen */
			memcpy(exact, text, (size_t)size);
			const char *at = exact;
			uint64_t value = 0;
			assert_true(digits_take(&at, exact + size, &value));
			assert_int_equal(value, strtoull(numbers[i], NULL, 10));
			assert_ptr_equal(at, exact + strlen(numbers[i]));
			free(exact);
		}
	}
}

static void what_does_not_fit_or_is_none_is_refused(void **state) {
	(void)state;
	static const char *const bad[] = {"", "x", ",1", "-1", "18446744073709551616", "99999999999999999999", "184467440737095516150", "abcdefghij"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];
		uint64_t value = 77;
		assert_false(digits_take(&at, bad[i] + strlen(bad[i]), &value));
		assert_ptr_equal(at, bad[i]);
		assert_int_equal(value, 77);
	}
}

static void what_is_written_is_read(void **state) {
	(void)state;
	for (uint64_t value = 1, i = 0; i < 200; i++, value = value * 3 + i) {
		char text[DIGITS_MAX], want[32];
		const char *at = text, *end = digits_put(text, value);
		uint64_t got;
		assert_int_equal(snprintf(want, sizeof(want), "%llu", (unsigned long long)value), end - text);
		assert_memory_equal(text, want, (size_t)(end - text));
		assert_true(digits_take(&at, end, &got) && got == value && at == end);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_read_up_to_what_is_none),
		cmocka_unit_test(what_does_not_fit_or_is_none_is_refused),
		cmocka_unit_test(what_is_written_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
