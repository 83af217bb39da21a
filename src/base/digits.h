/* Decimal digits, fast: for files with a line for each request.
 * In: a number. Out: its digits. The caller's memory; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 64 bits */

/* Writes the digits of `value` to `at` (DIGITS_MAX bytes are enough), no final 0; returns the place behind them. */
static inline char *digits_put(char *at, uint64_t value) {
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960"
		"61626364656667686970717273747576777879808182838485868788899091929394959697989900";
	char text[DIGITS_MAX];
	unsigned from = DIGITS_MAX;
	while (value >= 100) {
		from -= 2;
		memcpy(text + from, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		from -= 2;
		memcpy(text + from, pairs + value * 2, 2);
	} else {
		text[--from] = (char)('0' + value);
	}
	unsigned size = DIGITS_MAX - from;
	memcpy(at, text + from, size);
	return at + size;
}

/* Returns the number that eight digits (values 0 to 9, the first one in the lowest byte) stand for. Method: pairs, then fours, then all at once. */
static inline uint64_t digits_join(uint64_t eight) {
	const uint64_t every_fourth = 0x000000ff000000ff;
	eight = eight * 10 + (eight >> 8);
	return (((eight & every_fourth) * (100 + (1000000ull << 32))) + ((eight >> 16 & every_fourth) * (1 + (10000ull << 32)))) >> 32;
}

/* Reads digits from *at on, up to `end`: moves *at behind them. False, nothing moved: there is none, or they do not fit 64 bits. */
static inline bool digits_take(const char **at, const char *end, uint64_t *ret) {
	static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	const char *p = *at;
	uint64_t value = 0, eight;
	while (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && end - p >= 8) {
		memcpy(&eight, p, 8);
		eight ^= 0x3030303030303030;
		uint64_t others = (eight | (eight + 0x7676767676767676)) & 0x8080808080808080; /* bytes over 9; behind the first one anything */
		unsigned count = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
		if (count == 0) break;
		if (__builtin_mul_overflow(value, powers[count], &value)) return false;
		if (__builtin_add_overflow(value, digits_join(eight << 8 * (8 - count)), &value)) return false;
		p += count;
		if (count < 8) break;
	}
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) return false;
	if (p == *at) return false;
	*at = p;
	*ret = value;
	return true;
}
