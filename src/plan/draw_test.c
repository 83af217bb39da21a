#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "plan/draw.h"

/* The numbers of Rosetta Code, "Pseudo-random numbers/Splitmix64", for the seed 1234567. */
static void the_mix_is_that_of_splitmix64(void **state) {
	(void)state;
	static const uint64_t expected[] = {
		6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u};
	for (size_t i = 0; i < LENGTH(expected); i++) assert_true(draw_mix(1234567 + (i + 1) * DRAW_STEP) == expected[i]);
}

static void bits_differ_by_seed_number_and_stream(void **state) {
	(void)state;
	uint64_t bits = draw_bits(1, 2, 3);
	assert_true(bits == draw_bits(1, 2, 3));
	assert_true(bits != draw_bits(2, 2, 3) && bits != draw_bits(1, 3, 3) && bits != draw_bits(1, 2, 4) && bits != draw_bits(3, 2, 1));
}

static void all_bits_stand_for_one_of_the_numbers(void **state) {
	(void)state;
	assert_int_equal(draw_below(UINT64_MAX, 1), 0);
	assert_int_equal(draw_below(0, 6), 0);
	assert_int_equal(draw_below(UINT64_MAX, 6), 5);
	assert_int_equal(draw_below(UINT64_MAX / 2 + 1, 6), 3); /* half of 6 */
	assert_int_equal(draw_below(UINT64_MAX / 2, 6), 2);
	assert_true(draw_below(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mix_is_that_of_splitmix64),
		cmocka_unit_test(bits_differ_by_seed_number_and_stream),
		cmocka_unit_test(all_bits_stand_for_one_of_the_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
