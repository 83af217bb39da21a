#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "base/units.h"

#define HOUR (3600 * SEC)

static void durations_are_read_exactly(void **state) {
	(void)state;
	static const struct {
		const char *text;
		nsec time;
	} rows[] = {
		{"0", 0},
		{"30", 30 * SEC},
		{"1.5", 1500 * MSEC},
		{"1.5s", 1500 * MSEC},
		{"250ms", 250 * MSEC},
		{"50us", 50 * USEC},
		{"7ns", 7},
		{"5m", 300 * SEC},
		{"1.5h", 5400 * SEC},
		{"0.1m", 6 * SEC},
		{" 30s\t", 30 * SEC},
		{"0.000000001s", 1},
		{"0.0000000001s", 0}, /* less than a nanosecond is none */
		{"2.9999999999s", 2999999999},
		{"000000000000000001s", SEC}, /* 18 digits */
		{"999999999999999999ns", 999999999999999999},
		{"0.123456789123456789s", 123456789}, /* 18 digits of a fraction */
		{"876000h", 876000 * HOUR},           /* 100 years of 365 days */
		{"3153600000", 3153600000 * SEC},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		nsec time = -1;
		if (!units_parse_duration(slice_of(rows[i].text), &time)) fail_msg("'%s' was refused", rows[i].text);
		if (time != rows[i].time) fail_msg("'%s' is %" PRId64 " ns", rows[i].text, time);
	}
}

static void other_durations_are_refused(void **state) {
	(void)state;
	static const char *const rows[] = {"", " ", "s", "abc", "-1s", "+1s", "+3", "1 s", "1S", "1sec", "1d", "1e3s", "0x10", "nan", "inf", "1e400",
		".5s", "5.s", "5.", ".", "1.5.5s", "1,5s", "1h30m", "1s1", "878401h", "3162240001s", "9999999999999999999ns", "999999999999999999s",
		"999999999999999999h", "99999999999999999999999999999999s"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		nsec time = -7;
		if (units_parse_duration(slice_of(rows[i]), &time)) fail_msg("'%s' was taken as %" PRId64 " ns", rows[i], time);
		assert_int_equal(time, -7);
	}
	nsec time;
	assert_false(units_parse_duration((struct slice){NULL, 0}, &time));
	assert_false(units_parse_duration(SLICE("1s\0"), &time));
}

static void counts_are_read(void **state) {
	(void)state;
	static const struct {
		struct slice text;
		bool ok;
		uint64_t count;
	} rows[] = {
		{SLICE("0"), true, 0}, {SLICE("3"), true, 3}, {SLICE("+3"), true, 3}, {SLICE("007"), true, 7},
		{SLICE("18446744073709551615"), true, UINT64_MAX}, {SLICE("18446744073709551616"), false, 0},
		{SLICE("18446744073709551620"), false, 0}, {SLICE("184467440737095516150"), false, 0}, {SLICE(""), false, 0}, {SLICE("+"), false, 0},
		{SLICE("++3"), false, 0}, {SLICE("-1"), false, 0}, {SLICE("1.5"), false, 0}, {SLICE("1.5s"), false, 0}, {SLICE("1e3"), false, 0},
		{SLICE("0x10"), false, 0}, {SLICE("nan"), false, 0}, {SLICE(" 3"), false, 0}, {SLICE("3 "), false, 0}, {SLICE("3\0"), false, 0},
		{SLICE("\xd9\xa3"), false, 0}, /* an Arabic digit */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t count = 99;
		if (units_parse_count(rows[i].text, &count) != rows[i].ok) fail_msg("'%s'", rows[i].text.at);
		assert_int_equal(count, rows[i].ok ? rows[i].count : 99);
	}
}

static void reals_are_read(void **state) {
	(void)state;
	static const struct {
		struct slice text;
		bool ok;
		double real;
	} rows[] = {
		{SLICE("0"), true, 0},
		{SLICE("100"), true, 100},
		{SLICE("0.001"), true, 0.001},
		{SLICE("1.5"), true, 1.5},
		{SLICE("1e3"), true, 1000},
		{SLICE("1E+3"), true, 1000},
		{SLICE("25e-1"), true, 2.5},
		{SLICE("1e308"), true, 1e308},
		{SLICE("1e400"), false, 0},
		{SLICE("nan"), false, 0},
		{SLICE("inf"), false, 0},
		{SLICE("infinity"), false, 0},
		{SLICE("0x10"), false, 0},
		{SLICE("1p3"), false, 0},
		{SLICE("-1"), false, 0},
		{SLICE("-0.5"), false, 0},
		{SLICE("1.5s"), false, 0},
		{SLICE("1e"), false, 0},
		{SLICE("1e+"), false, 0},
		{SLICE("1.2.3"), false, 0},
		{SLICE("1-2"), false, 0},
		{SLICE("1,5"), false, 0},
		{SLICE("."), false, 0},
		{SLICE("e5"), false, 0},
		{SLICE(""), false, 0},
		{SLICE(" 1"), false, 0},
		{SLICE("1\0"), false, 0},
		{SLICE("1\0002"), false, 0},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		double real = 99;
		if (units_parse_real(rows[i].text, &real) != rows[i].ok) fail_msg("'%s' (%zu bytes)", rows[i].text.at, rows[i].text.size);
		assert_true(real == (rows[i].ok ? rows[i].real : 99));
	}
}

static void durations_are_written_with_three_digits(void **state) {
	(void)state;
	static const struct {
		nsec time;
		const char *text;
	} rows[] = {
		{0, "0 ns"},
		{417, "417 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{9994, "9.99 us"},
		{9996, "10.0 us"},
		{12345, "12.3 us"},
		{99940, "99.9 us"},
		{99960, "100 us"},
		{999499, "999 us"},
		{999500, "1.00 ms"},
		{1200000, "1.20 ms"},
		{999500000, "1.00 s"},
		{2500 * MSEC, "2.50 s"},
		{30 * SEC, "30.0 s"},
		{125 * SEC, "2 m 5 s"},
		{3599 * SEC, "59 m 59 s"},
		{HOUR, "1 h 0 m"},
		{90 * HOUR + 61 * SEC, "90 h 1 m"},
		{NSEC_NEVER, "never"},
	};
	size_t wrong = 0;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char text[32];
		assert_ptr_equal(units_format_duration(rows[i].time, text, sizeof(text)), text);
		if (strcmp(text, rows[i].text) != 0) print_error("%" PRId64 " ns: '%s', not '%s'\n", rows[i].time, text, rows[i].text);
		wrong += strcmp(text, rows[i].text) != 0;
	}
	assert_int_equal(wrong, 0);
}

static void bytes_are_written_in_steps_of_1000(void **state) {
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1.00 kB"}, {1024, "1.02 kB"}, {12345678, "12.3 MB"}, {999499, "999 kB"}, {999500, "1.00 MB"},
		{5000000000, "5.00 GB"}, {2000000000000, "2.00 TB"}, {3000000000000000, "3.00 PB"}, {UINT64_MAX, "18.4 EB"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char text[32];
		assert_ptr_equal(units_format_bytes(rows[i].bytes, text, sizeof(text)), text);
		assert_string_equal(text, rows[i].text);
	}
}

static void assert_reads_back(nsec time) {
	char text[32];
	nsec again = -1;
	units_format_span(time, text, sizeof(text));
	if (!units_parse_duration(slice_of(text), &again) || again != time) fail_msg("%" PRId64 " ns is written '%s'", time, text);
}

static void spans_read_back_exactly(void **state) {
	(void)state;
	static const struct {
		nsec time;
		const char *text;
	} rows[] = {{10 * SEC, "10s"}, {100 * MSEC, "100ms"}, {1500 * USEC, "1500us"}, {1, "1ns"}, {SEC + 1, "1000000001ns"}, {90 * SEC, "90s"},
		{0, "0s"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char text[32];
		assert_ptr_equal(units_format_span(rows[i].time, text, sizeof(text)), text);
		assert_string_equal(text, rows[i].text);
	}
	uint64_t x = 7;
	for (int i = 0; i < 10000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		assert_reads_back((nsec)(x >> (8 + i % 48)) % (nsec)1e18);
	}
}

static void spans_of_many_years_read_back_exactly(void **state) {
	(void)state;
	assert_reads_back(876000 * HOUR);
	assert_reads_back(876000 * HOUR - 1);
	assert_reads_back((nsec)1e18 + 1);
}

static void bounds_are_min_max_or_a_time(void **state) {
	(void)state;
	nsec at = 7;
	assert_false(units_parse_bound(SLICE("middle"), &at));
	assert_false(units_parse_bound(SLICE(""), &at));
	assert_int_equal(at, 7);
	assert_true(units_parse_bound(SLICE("Min"), &at));
	assert_int_equal(at, 0);
	assert_true(units_parse_bound(SLICE("1.5s"), &at));
	assert_int_equal(at, 1500 * MSEC);
	assert_true(units_parse_bound(SLICE("MAX"), &at));
	assert_int_equal(at, NSEC_NEVER);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_min_max_or_a_time),
		cmocka_unit_test(durations_are_read_exactly),
		cmocka_unit_test(other_durations_are_refused),
		cmocka_unit_test(counts_are_read),
		cmocka_unit_test(reals_are_read),
		cmocka_unit_test(durations_are_written_with_three_digits),
		cmocka_unit_test(bytes_are_written_in_steps_of_1000),
		cmocka_unit_test(spans_read_back_exactly),
		cmocka_unit_test(spans_of_many_years_read_back_exactly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
