#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "chart/scale.h"

static void numbers_have_suffixes(void **state) {
	static const struct {
		double number;
		const char *text;
	} cases[] = {{0, "0"}, {0.05, "0.05"}, {7, "7"}, {999, "999"}, {1000, "1k"}, {1500, "1.5k"}, {120000, "120k"}, {3e6, "3M"}, {2.5e9, "2.5G"}};
	(void)state;
	char text[24];
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(scale_format_count(cases[i].number, text, sizeof(text)), cases[i].text);
}

static void times_have_their_unit(void **state) {
	static const struct {
		double time;
		const char *text;
	} cases[] = {{0, "0"}, {500, "0.5 us"}, {15e3, "15 us"}, {1.5e6, "1.5 ms"}, {250e6, "250 ms"}, {1e9, "1 s"}, {12.5e9, "12.5 s"}};
	(void)state;
	char text[24];
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(scale_format_time(cases[i].time, text, sizeof(text)), cases[i].text);
}

/* By hand: a fifth of the largest value, up to the next of 1, 2, 2.5, 5 times a power of ten, is the step. */
static void a_linear_axis_ends_at_a_round_number(void **state) {
	static const struct {
		double most, high;
		size_t marks;
		const char *last;
	} cases[] = {{10, 10, 6, "10"}, {11, 12.5, 6, "12.5"}, {987, 1000, 6, "1k"}, {1030, 1250, 6, "1.25k"}, {120000, 125000, 6, "125k"},
		{0, 1, 6, "1"}, {-1, 1, 6, "1"}, {3, 3, 4, "3"}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct scale scale;
		scale_linear(cases[i].most, SCALE_COUNT, &scale);
		assert_float_equal(scale.low, 0, 0);
		assert_float_equal(scale.high, cases[i].high, 1e-6);
		assert_int_equal(scale.count, cases[i].marks);
		assert_string_equal(scale.marks[0].text, "0");
		assert_string_equal(scale.marks[scale.count - 1].text, cases[i].last);
	}
}

static void a_logarithmic_axis_has_both_values_on_it(void **state) {
	struct scale scale;
	(void)state;
	scale_log(300e3, 40e6, &scale); /* 0.3 ms to 40 ms: from 0.2 ms to 50 ms */
	assert_float_equal(scale.low, 200e3, 1e-3);
	assert_float_equal(scale.high, 50e6, 1e-3);
	assert_int_equal(scale.count, 8); /* 0.2 0.5 1 2 5 10 20 50 */
	assert_string_equal(scale.marks[0].text, "200 us");
	assert_string_equal(scale.marks[7].text, "50 ms");
	assert_float_equal(scale_place(&scale, 200e3), 0, 1e-9);
	assert_float_equal(scale_place(&scale, 50e6), 1, 1e-9);
	assert_float_equal(scale_place(&scale, 3.16227766e6), 0.5, 1e-6); /* sqrt(0.2 * 50) */
	assert_float_equal(scale_place(&scale, 0), 0, 0);
	scale_log(1e3, 1e10, &scale); /* many decades: powers of ten only */
	assert_int_equal(scale.count, 8);
	scale_log(1e6, 1e6, &scale);
	assert_true(scale.low < scale.high);
}

static void elapsed_time_is_written_as_people_read_it(void **state) {
	static const struct {
		double seconds;
		const char *unit, *second, *last;
	} cases[] = {{50e-6, "us", "5", "50"}, {0.001, "ms", "0.1", "1.0"}, {0.1, "ms", "10", "100"}, {3, "s", "0.25", "3.00"}, {10, "s", "1", "10"},
		{60, "s", "5", "60"}, {120, "m:ss", "0:10", "2:00"}, {600, "m:ss", "1:00", "10:00"}, {3600, "m:ss", "5:00", "60:00"},
		{7200, "h:mm", "0:10", "2:00"}, {86400, "h:mm", "2:00", "24:00"}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct scale scale;
		scale_elapsed(cases[i].seconds * (double)SEC, &scale);
		assert_true(scale.high == cases[i].seconds * (double)SEC);
		assert_string_equal(scale.unit, cases[i].unit);
		assert_string_equal(scale.marks[1].text, cases[i].second);
		assert_string_equal(scale.marks[scale.count - 1].text, cases[i].last);
		assert_true(scale.count <= 14);
	}
}

static void a_year_has_few_marks(void **state) {
	struct scale scale;
	(void)state;
	scale_elapsed(366.0 * 86400 * (double)SEC, &scale);
	assert_true(scale.count > 3 && scale.count <= 14);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_suffixes),
		cmocka_unit_test(times_have_their_unit),
		cmocka_unit_test(a_linear_axis_ends_at_a_round_number),
		cmocka_unit_test(a_logarithmic_axis_has_both_values_on_it),
		cmocka_unit_test(elapsed_time_is_written_as_people_read_it),
		cmocka_unit_test(a_year_has_few_marks),
	};
	return cmocka_run_group_tests_name("chart/scale", tests, NULL, NULL);
}
