#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/frame.h"

/* Six bands make a decade: 100 us, 147 us, 215 us, 316 us, 464 us, 681 us, 1 ms, ... */
static void six_bands_make_a_decade(void **state) {
	static const struct {
		nsec time;
		unsigned band;
	} cases[] = {{0, 0}, {99999, 0}, {100000, 1}, {146000, 1}, {147000, 2}, {215000, 2}, {216000, 3}, {316000, 3}, {317000, 4}, {464000, 4},
		{465000, 5}, {681000, 5}, {682000, 6}, {999999, 6}, {MSEC, 7}, {10 * MSEC, 13}, {SEC, 25}, {100 * SEC, 37}, {3600 * SEC, 46},
		{INT64_MAX, 47}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) assert_int_equal(frame_band(cases[i].time), cases[i].band);
	for (unsigned band = 1; band < FRAME_BANDS; band++) {
		assert_int_equal(frame_band(frame_band_low(band)), band);
		assert_int_equal(frame_band(frame_band_low(band) - 1), band - 1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(six_bands_make_a_decade)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
