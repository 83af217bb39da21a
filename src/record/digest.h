/* Counts and times of one of many things, such as each URL of a list: 2 KB instead of a cell's 78, times known to 6 %.
 * In: samples. Out: counts that add up. One owner at a time. */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "record/sample.h"

#define DIGEST_SUB_BITS 5 /* 32 sub-buckets: relative error <= 1/16 */
#define DIGEST_UNIT USEC
#define DIGEST_SLOTS (29 * 16) /* up to HIST_MAX of record/hist.h, as which longer times count */

/* Zeroed memory is an empty one. */
struct digest {
	uint64_t ok, failed, open;
	uint64_t bytes;               /* of bodies */
	nsec sum, min, max;           /* response times of all of them; min is meaningless while there are none. sum saturates */
	uint32_t slots[DIGEST_SLOTS]; /* of the same; a slot saturates */
};

/* Returns how many samples it has counted. */
static inline uint64_t digest_count(const struct digest *digest) {
	return digest->ok + digest->failed + digest->open;
}

/* Returns the slot of a time (ns); what lies outside 0 .. HIST_MAX counts as the nearest of them. */
uint32_t digest_slot(nsec time);

/* Counts one sample of the window. No allocation. */
void digest_record(struct digest *digest, const struct sample *sample);

/* Adds `from` to `into`. */
void digest_merge(struct digest *into, const struct digest *from);

/* Returns the time at the nearest rank of quantile q: the highest of its slot, but not over max. 0 when empty. */
nsec digest_quantile(const struct digest *digest, double q);
