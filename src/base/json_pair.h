/* Surrogate pairs in the texts of JSON: yajl puts '?' for half of one, which nobody wrote. For base/json_*.c only.
 * In: a text as it is written. Out: where half a pair stands. Any thread. Source: RFC 8259 section 7. */
#pragma once

#include <string.h>

#include "base/str.h"

/* Reads the four digits at `at`, which yajl has checked. */
static inline unsigned json_pair_read(const char *at) {
	unsigned unit = 0;
	for (int i = 0; i < 4; i++) unit = unit << 4 | (((unsigned)at[i] & 0xf) + (at[i] > '9' ? 9 : 0));
	return unit;
}

/* Returns the offset of the first escape that is half a character ("\ud834" alone) in a text with its quotes, whose escapes yajl has checked; its size: there is
 * none. */
static inline size_t json_pair_find_half(struct slice quoted) {
	const char *at = quoted.at, *end = quoted.at + quoted.size;
	while ((at = memchr(at, '\\', (size_t)(end - at)))) {
		if (at[1] != 'u') {
			at += 2;
			continue;
		}
		unsigned unit = json_pair_read(at + 2);
		bool pair =
			(unit & 0xfc00) == 0xd800 && end - at > 12 && at[6] == '\\' && at[7] == 'u' && (json_pair_read(at + 8) & 0xfc00) == 0xdc00;
		if ((unit & 0xf800) == 0xd800 && !pair) return (size_t)(at - quoted.at);
		at += pair ? 12 : 6;
	}
	return quoted.size;
}
