/* Some slots added up, and what a frame shows of the sum.
 * In: slots (stats/slots.h). Out: times and rates of a frame. The caller's memory, about 50 KB; one thread. */
#pragma once

#include <stdbool.h>

#include "stats/slots.h"

/* Empty: all zero, and `low` at HISTLET_SLOTS. */
struct slot_sum {
	struct slot counts; /* its times are not used */
	bool found;
	uint32_t low, high; /* slots of the histlets in use, inclusive; low > high: none */
	uint64_t ok_count, other_count;
	uint64_t ok[HISTLET_SLOTS], other[HISTLET_SLOTS];
};

/* Empties it; the work is that of what was in use. */
void slot_sum_clear(struct slot_sum *sum);
void slot_sum_add(struct slot_sum *sum, const struct slot *slot);

/* Return the times of all requests, and of the ok ones. */
struct frame_times slot_sum_all(const struct slot_sum *sum);
struct frame_times slot_sum_ok(const struct slot_sum *sum);

/* Returns a count of the sum as a rate over its time; and the mean of requests on the wire, of so many threads. */
double slot_sum_per_s(const struct slot_sum *sum, double count);
double slot_sum_in_flight(const struct slot_sum *sum, unsigned threads);

/* Fills a column, all but its place in time. */
void slot_sum_fill_column(const struct slot_sum *sum, unsigned threads, struct frame_column *ret);

/* Returns the times of one or two (else NULL) histlets together. */
struct frame_times slot_sum_of_histlets(const struct histlet *ok, const struct histlet *other);
