/* What a run has counted, as bytes: it travels from an agent to the controller and adds up there exactly, slot by slot.
 * In: tallies and totals, or bytes from another machine. Out: bytes, or sums. The caller owns everything; any thread, one at a time per sum.
 * Histograms are sparse and keep their full resolution. Both ends must be the same build: other lists of counters are refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "record/digest.h"
#include "record/strain.h"
#include "record/tally.h"

#define PARCEL_VERSION 1
#define PARCEL_TEXT_MAX 64 /* bytes of a text */

/* The single values of a run; what they mean stands at struct run_totals (engine/run.h). In brackets: how those of several agents become one. */
struct parcel_facts {
	uint64_t planned, iterations_planned; /* [sum] */
	nsec window;                          /* [largest] */
	double asked_per_s;                   /* [sum] finite, >= 0 */
	bool limit_reached, answered;         /* [any] */
	bool data_ran_out;                    /* [any] */
	enum reason last_failure;             /* [of the agent with the most failures] */
	uint64_t failures;                    /* [sum] */
	/* [largest: wall, run_queue, throttled, throttled_times, longest_pause; the worker with the largest share: busiest_*; any: *_known; sum: the others].
	 * The verdict of such a strain speaks of the worst agent; that of each agent is its own (stats/fleet.h). */
	struct strain strain;
	char tls_version[PARCEL_TEXT_MAX + 1], tls_cipher[PARCEL_TEXT_MAX + 1]; /* [the first] "": there was no handshake */
};

/* What is to be written. Everything is cumulative since the start of the run. */
struct parcel {
	const struct tally *tally;                    /* all but `upto` */
	const struct totals *totals;                  /* NULL: a snapshot */
	size_t step_count;                            /* rows of step_reasons */
	const uint64_t (*step_reasons)[REASON_COUNT]; /* may be NULL if step_count is 0 */
	size_t url_count;                             /* rows of urls */
	const struct digest *urls;                    /* may be NULL if url_count is 0 */
	struct parcel_facts facts;
};

/* A sum of parcels; empty when everything is zeroed and the tally is new. What it does not hold is checked and left out. */
struct parcel_sum {
	struct tally *tally;
	struct totals *totals;                  /* NULL: not wanted */
	size_t step_count;                      /* 0: not wanted */
	uint64_t (*step_reasons)[REASON_COUNT]; /* rows of step_count */
	size_t url_count;                       /* 0: not wanted */
	struct digest *urls;                    /* rows of url_count */
	struct parcel_facts facts;
	uint64_t most_failures; /* of those that last_failure is from */
};

/* Where the rows of the sender's group table stand in ours; only the addresses differ. Two rows may become one. */
struct parcel_map {
	size_t count;       /* rows of the sender */
	const size_t *rows; /* of each the row of ours, below its count; NULL: the same */
};

/* Appends a parcel; some 100 bytes for an empty tally, some KB for a busy one. False: the cap of `into` would be passed, and `into` is as before.
 * A text is cut at PARCEL_TEXT_MAX; what is not printable ASCII becomes '?'. */
bool parcel_write(const struct parcel *parcel, struct buf *into);

/* Adds a parcel to a sum, as tally_merge and totals_merge do, with times that saturate. All of it is checked before; takes no memory.
 * False: it is refused, `into` is as before, and ERR_FAILED says why: "the counts of the run cannot be used: it is cut off (byte 17 of 17)". */
bool parcel_add(struct slice bytes, const struct parcel_map *map, struct parcel_sum *into, struct err *err);

/* Adds what the tally of the parcel `new` has counted since `old`, one of the same sender that was taken before (empty: since the start), to that of a tick. Counters and slots are
 * exact; a histogram's max is that of `new` if it has grown, else the top of the highest slot that has; min likewise. longest_gap counts if it has grown.
 * False: `new` is wrong, or has less somewhere; `into` is as before. ERR_FAILED. */
bool parcel_subtract(struct slice old, struct slice new, const struct parcel_map *map, struct tally *into, struct err *err);

/* Adds to `into` what the tally alone tells of exact totals: for an agent that was lost, of which only a snapshot is here. Each time stands at the highest of its
 * slot (up to 1 % too long, never over the exact max); those that were not ok count as failed; service times are split among ok and failed by their numbers alone;
 * of the parts only "late" is known (under 1 us: zero), the others are as if they had been 0; own error and kernel stamps are missing. */
void parcel_totals_from_tally(const struct tally *tally, struct totals *into);
