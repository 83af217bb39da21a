#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/frame.h"

/* Three bands make a decade: 100 us, 215 us, 464 us, 1 ms, ... */
static void a_band_is_a_third_of_a_decade(void **state) {
	static const struct {
		nsec time;
		unsigned band;
	} cases[] = {{0, 0}, {99999, 0}, {100000, 1}, {215000, 1}, {216000, 2}, {464000, 2}, {465000, 3}, {999999, 3}, {MSEC, 4}, {10 * MSEC, 7},
		{SEC, 13}, {100 * SEC, 19}, {3600 * SEC, 23}, {INT64_MAX, 23}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) assert_int_equal(frame_band(cases[i].time), cases[i].band);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_band_is_a_third_of_a_decade)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
