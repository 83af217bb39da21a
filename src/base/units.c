#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DURATION_MAX (100 * 366 * 24 * 3600LL * SEC)

static const struct {
	const char *name;
	nsec scale;
} duration_units[] = {{"ns", 1}, {"us", USEC}, {"ms", MSEC}, {"s", SEC}, {"m", 60 * SEC}, {"h", 3600 * SEC}};

/* Reads digits from the front of *text into *ret; false when there is none or the number passes 19 digits. */
static bool units_take_digits(struct slice *text, uint64_t *ret, unsigned *ret_digits) {
	uint64_t value = 0;
	unsigned digits = 0;
	while (text->size > 0 && text->at[0] >= '0' && text->at[0] <= '9') {
		if (digits == 19) return false;
		value = value * 10 + (uint64_t)(text->at[0] - '0');
		digits++;
		text->at++;
		text->size--;
	}
	*ret = value;
	*ret_digits = digits;
	return digits > 0;
}

bool units_parse_duration(struct slice text, nsec *ret) {
	uint64_t whole, fraction = 0;
	unsigned digits, fraction_digits = 0;
	text = slice_trim(text);
	if (!units_take_digits(&text, &whole, &digits)) return false;
	if (text.size > 0 && text.at[0] == '.') {
		text.at++;
		text.size--;
		if (!units_take_digits(&text, &fraction, &fraction_digits)) return false;
	}
	nsec scale = text.size == 0 ? SEC : 0;
	for (size_t i = 0; i < LENGTH(duration_units); i++)
		if (slice_equal(text, slice_of(duration_units[i].name))) scale = duration_units[i].scale;
	if (scale == 0) return false;
	__int128 total = (__int128)whole * scale, part = (__int128)fraction * scale;
	for (unsigned i = 0; i < fraction_digits; i++) part /= 10;
	total += part;
	if (total > DURATION_MAX) return false;
	*ret = (nsec)total;
	return true;
}

bool units_parse_bound(struct slice text, nsec *ret) {
	bool min = slice_equal_nocase(text, SLICE("min")), max = slice_equal_nocase(text, SLICE("max"));
	if (min || max) *ret = min ? 0 : NSEC_NEVER;
	return min || max || units_parse_duration(text, ret);
}

bool units_parse_stall(struct slice text, nsec *ret_length, nsec *ret_period) {
	nsec length, period;
	struct slice rest;
	struct slice head = slice_cut(text, '/', &rest);
	if (!rest.at || !units_parse_duration(head, &length) || !units_parse_duration(rest, &period)) return false;
	if (length <= 0 || length >= period) return false;
	*ret_length = length;
	*ret_period = period;
	return true;
}

bool units_parse_count(struct slice text, uint64_t *ret) {
	if (text.size > 0 && text.at[0] == '+') {
		text.at++;
		text.size--;
	}
	if (text.size == 0) return false;
	uint64_t value = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') return false;
		if (__builtin_mul_overflow(value, 10u, &value)) return false;
		if (__builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value)) return false;
	}
	*ret = value;
	return true;
}

bool units_parse_real(struct slice text, double *ret) {
	char copy[64];
	if (text.size == 0 || text.size >= sizeof(copy)) return false;
	for (size_t i = 0; i < text.size; i++) /* strtod would also take blanks, signs, "nan", "inf" and hexadecimal */
		if (text.at[i] == 0 || !strchr("0123456789.eE+-", text.at[i])) return false;
	if (!(text.at[0] == '.' || (text.at[0] >= '0' && text.at[0] <= '9'))) return false;
	memcpy(copy, text.at, text.size);
	copy[text.size] = 0;
	char *end;
	double value = strtod(copy, &end);
	if (*end != 0 || !isfinite(value)) return false;
	*ret = value;
	return true;
}

/* Three significant digits of value in [0, 1000). */
static void units_format_three(double value, const char *unit, char *text, unsigned size) {
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	snprintf(text, size, "%.*f %s", decimals, value, unit);
}

const char *units_format_duration(nsec time, char *text, unsigned size) {
	if (time == NSEC_NEVER) {
		snprintf(text, size, "never");
	} else if (time < USEC) {
		snprintf(text, size, "%lld ns", (long long)time);
	} else if (time < 999500) {
		units_format_three((double)time / 1e3, "us", text, size);
	} else if (time < 999500000) {
		units_format_three((double)time / 1e6, "ms", text, size);
	} else if (time < 60 * SEC) {
		units_format_three((double)time / 1e9, "s", text, size);
	} else if (time < 3600 * SEC) {
		snprintf(text, size, "%lld m %lld s", (long long)(time / (60 * SEC)), (long long)(time / SEC % 60));
	} else {
		snprintf(text, size, "%lld h %lld m", (long long)(time / (3600 * SEC)), (long long)(time / (60 * SEC) % 60));
	}
	return text;
}

const char *units_format_bytes(uint64_t bytes, char *text, unsigned size) {
	static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	if (bytes < 1000) {
		snprintf(text, size, "%llu B", (unsigned long long)bytes);
		return text;
	}
	double value = (double)bytes / 1e3;
	size_t step = 0;
	for (; value >= 999.5 && step + 1 < LENGTH(names); step++) value /= 1e3;
	units_format_three(value, names[step], text, size);
	return text;
}

const char *units_format_span(nsec time, char *text, unsigned size) {
	size_t best = 0;
	for (size_t i = 0; i < LENGTH(duration_units); i++)
		if (duration_units[i].scale <= SEC && time % duration_units[i].scale == 0) best = i;
	snprintf(text, size, "%lld%s", (long long)(time / duration_units[best].scale), duration_units[best].name);
	return text;
}

bool units_parse_range(struct slice text, nsec *ret_from, nsec *ret_to) {
	uint64_t from, to;
	struct slice rest, first = slice_cut(text, '-', &rest);
	if (!rest.at || !units_parse_count(first, &from) || !units_parse_count(rest, &to) || from > to || to >= NSEC_NEVER / SEC - 1) return false;
	*ret_from = (nsec)from * SEC;
	*ret_to = ((nsec)to + 1) * SEC;
	return true;
}
