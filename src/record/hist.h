/* Histograms of times with a bounded relative error: `hist` for totals of a run, `histlet` for groups and ticks.
 * In: times in ns. Out: counts by bucket, quantiles. The caller owns the struct (zeroed memory is an empty one); one thread writes.
 * Method: HdrHistogram's bucket layout (G. Tene): linear sub-buckets within powers of two. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define HIST_MAX (3600 * SEC)  /* times above count as this and raise `clipped` */
#define HIST_SUB_BITS 11       /* 2,048 sub-buckets: 3 significant digits, relative error <= 0.1 % */
#define HIST_SLOTS (33 * 1024) /* buckets for 1 ns .. over one hour, unit 1 ns */
#define HISTLET_SUB_BITS 8     /* 256 sub-buckets: 2 digits, relative error <= 1 % */
#define HISTLET_UNIT USEC
#define HISTLET_SLOTS (26 * 128)

struct hist {
	uint64_t count;
	uint64_t clipped;
	nsec sum; /* saturates at INT64_MAX: 292 years */
	nsec min; /* exact; meaningless while count is 0 */
	nsec max;
	uint64_t slots[HIST_SLOTS];
};

struct histlet {
	uint64_t count;
	uint64_t clipped;
	nsec sum;
	nsec min;
	nsec max;
	uint64_t slots[HISTLET_SLOTS];
};

/* Counts a time of `time` ns `times` times; under 0 counts as 0, over the maximum as the maximum, raising `clipped`. `times` >= 1.
 * Owner thread only; no allocation, cannot fail; inline, a few ns. */
static inline void hist_record(struct hist *hist, nsec time, uint64_t times);
static inline void histlet_record(struct histlet *histlet, nsec time, uint64_t times);

/* Returns the slot of a time, and the lowest and highest time of a slot (ns). For tests, encoders and plots. */
static inline uint32_t hist_slot(nsec time);
nsec hist_slot_low(uint32_t slot);
nsec hist_slot_high(uint32_t slot);
static inline uint32_t histlet_slot(nsec time);
nsec histlet_slot_low(uint32_t slot);
nsec histlet_slot_high(uint32_t slot);

/* The layout itself, of 2^sub_bits sub-buckets: the slot of a value (in units of the histogram), and the lowest value of a slot. */
static inline uint32_t hist_index(uint64_t value, unsigned sub_bits);
uint64_t hist_index_low(uint32_t slot, unsigned sub_bits);

/* Adds `from` to `into`. */
void hist_merge(struct hist *into, const struct hist *from);
void histlet_merge(struct histlet *into, const struct histlet *from);

/* Returns the nearest rank of quantile q (0..1) among `count`: max(1, ceil(q * count)), exact for a q of at most 12 decimals. */
uint64_t hist_rank(uint64_t count, double q);

/* Returns the highest time of the first slot whose cumulative count reaches `rank` (1..count; beyond: the last slot); not clamped to `max`.
 * 0 when empty. */
nsec hist_at_rank(const struct hist *hist, uint64_t rank);
nsec histlet_at_rank(const struct histlet *histlet, uint64_t rank);

/* Returns the time at quantile q (0..1): that of its nearest rank. 0 when empty. */
nsec hist_quantile(const struct hist *hist, double q);
nsec histlet_quantile(const struct histlet *histlet, double q);

/* ---- inline parts ---- */

static inline uint32_t hist_index(uint64_t value, unsigned sub_bits) {
	unsigned top = 63u - (unsigned)__builtin_clzll(value | ((1ull << sub_bits) - 1)); /* at least sub_bits - 1 */
	unsigned shift = top + 1 - sub_bits;
	return (shift << (sub_bits - 1)) + (uint32_t)(value >> shift);
}

static inline uint32_t hist_slot(nsec time) {
	return hist_index((uint64_t)time, HIST_SUB_BITS);
}

static inline uint32_t histlet_slot(nsec time) {
	return hist_index((uint64_t)time / (uint64_t)HISTLET_UNIT, HISTLET_SUB_BITS);
}

#define HIST_RECORD(h, time, times, slot_of)                                                                                                         \
	do {                                                                                                                                         \
		if ((time) < 0) (time) = 0;                                                                                                          \
		if ((time) > HIST_MAX) {                                                                                                             \
			(time) = HIST_MAX;                                                                                                           \
			(h)->clipped += (times);                                                                                                     \
		}                                                                                                                                    \
		if ((h)->count == 0 || (time) < (h)->min) (h)->min = (time);                                                                         \
		if ((time) > (h)->max) (h)->max = (time);                                                                                            \
		(h)->count += (times);                                                                                                               \
		nsec sum_;                                                                                                                           \
		if (__builtin_mul_overflow(time, times, &sum_) || __builtin_add_overflow((h)->sum, sum_, &(h)->sum)) (h)->sum = INT64_MAX;           \
		(h)->slots[slot_of(time)] += (times);                                                                                                \
	} while (0)

static inline void hist_record(struct hist *hist, nsec time, uint64_t times) {
	HIST_RECORD(hist, time, times, hist_slot);
}

static inline void histlet_record(struct histlet *histlet, nsec time, uint64_t times) {
	HIST_RECORD(histlet, time, times, histlet_slot);
}
