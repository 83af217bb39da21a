/* An axis: from which value to which, where its marks are, what stands at them.
 * In: the largest and smallest value. Out: plain values; the caller owns the struct. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCALE_MARKS 40

enum scale_unit {
	SCALE_COUNT,    /* 120k, 1.5M */
	SCALE_PER_CENT, /* 2.5 % */
	SCALE_TIME,     /* ns: 250 us, 1.5 ms, 2 s */
};

struct scale_mark {
	double at;
	char text[24]; /* "" for one without words */
};

struct scale {
	double low, high; /* low < high; a logarithmic one has low > 0 */
	bool is_log;
	size_t count;
	struct scale_mark marks[SCALE_MARKS];
	const char *unit; /* what the numbers at the marks of a time are counted in: "us", "ms", "s", "m:ss", "h:mm"; "" where it stands at each */
};

/* An axis from 0 to a round number not below `most`, with three to seven marks. A `most` of 0 or less makes one up to 1. */
void scale_linear(double most, enum scale_unit unit, struct scale *ret);

/* A logarithmic axis of times (ns) that has `least` and `most` on it, 0 < least <= most: marks at 1, 2 and 5 or at powers of ten, as there is room. */
void scale_log(double least, double most, struct scale *ret);

/* The axis of elapsed time from 0 to `end` ns exactly (> 0): in seconds, below 0.2 s in ms, below 0.2 ms in us, from two minutes on in m:ss, from two hours on in h:mm. */
void scale_elapsed(double end, struct scale *ret);

/* Returns where a value lies: 0 at the low end, 1 at the high one; clamped to that. */
double scale_place(const struct scale *scale, double value);

/* Writes a number with at most three digits and a suffix ("0", "0.05", "1.5k", "120k", "3M"); returns `text` of `size` bytes (24 is enough). */
const char *scale_format_count(double number, char *text, unsigned size);

/* The same for a time in ns, with its unit ("15 us", "1.5 ms", "2 s"). */
const char *scale_format_time(double time, char *text, unsigned size);
