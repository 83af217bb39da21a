/* The header by which an answer tells when its request was read and when it was answered: "X-Strest: READ ANSWERED FLAG".
 * In: two stamps, one flag. Out: a fixed number of bytes, written over a prepared head. Owns nothing; any thread. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"

#define TRUTH_NAME "X-Strest: "
#define TRUTH_BLANK "0000000000000000 0000000000000000 -"
#define TRUTH_BYTES (sizeof(TRUTH_BLANK) - 1)

/* Writes 32 bits as 8 lower-case hex digits. Method: one nibble per byte of a 64-bit word, all digits at once. */
static inline void truth_write_half(char *at, uint32_t value) {
	uint64_t x = value;
	x = (x | x << 16) & 0x0000ffff0000ffffu; /* 16 bits per 32 */
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;  /* 8 bits per 16 */
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;  /* 4 bits per 8 */
	uint64_t letters = ((x + 0x0606060606060606u) >> 4) & 0x0101010101010101u;
	x += 0x3030303030303030u + letters * ('a' - '0' - 10);
	x = htobe64(x);
	memcpy(at, &x, sizeof(x));
}

static inline void truth_write_stamp(char *at, nsec stamp) {
	truth_write_half(at, (uint32_t)((uint64_t)stamp >> 32));
	truth_write_half(at + 8, (uint32_t)stamp);
}

/* Writes the TRUTH_BYTES bytes of the header's value at `at`. */
static inline void truth_write(char *at, nsec read, nsec answered, bool touched) {
	truth_write_stamp(at, read);
	truth_write_stamp(at + 17, answered);
	at[34] = touched ? 's' : '-';
}
