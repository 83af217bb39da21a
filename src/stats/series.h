/* The course of a run: one slot per second, neighbours merged when room runs out, so memory is bounded whatever the length.
 * In: the merged tally of each tick. Out: slots with counts and times. The caller owns it. Main thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/tally.h"

#define SERIES_SLOTS 4096
#define SERIES_CAP_BYTES ((size_t)8 << 20) /* stored slots never take more; stated in docs/architecture.md */
#define SERIES_TICK (100 * MSEC)           /* the peak of requests on the wire is that of a mean over so long */
#define SERIES_CLASSES 5                   /* of status codes: 2xx, 3xx, 4xx, 5xx; all others and none */

struct series;

/* What is counted in a slot: sums, but for the last one. All members are of one type: they are stored as an array. */
struct series_counts {
	uint64_t ok, failed, open; /* requests of the window that were counted in this slot */
	uint64_t sent, done;       /* sends and completions, as sent_in_window and done_in_window */
	uint64_t bytes_received;
	uint64_t timeouts, transport, unexpected; /* of failed: time-outs; other ends without a complete response; another status than expected */
	uint64_t classes[SERIES_CLASSES];         /* of ok, failed and open: by status */
	uint64_t wire_area, wire_span;            /* as in the tally; the area may be a little under 0 */
	uint64_t wire_peak;                       /* thousandths; merging takes the larger */
};
#define SERIES_COUNTS (sizeof(struct series_counts) / sizeof(uint64_t))

/* One slot, expanded for reading. */
struct series_slot {
	nsec start; /* from the start of the run */
	nsec width;
	struct series_counts counts;
	struct histlet response_ok;    /* response times of the ok ones ... */
	struct histlet response_other; /* ... and of those that failed or were open; min, max and sum are exact */
	struct histlet late;           /* the part "late" of all of them */
};

/* Makes an empty series of slots of `width` ns, of a run of `threads` threads. Reserves its cap, touches little of it. */
struct series *series_new(nsec width, unsigned threads);
void series_free(struct series *series);

/* Adds a tick that ended at `at` ns from the start; ticks come in order. Closes slots that are over and stores them sparsely. */
void series_add(struct series *series, nsec at, const struct tally *tick);

/* Number of slots so far (the unfinished one included), their width, and the bytes that the closed ones take. */
size_t series_count(const struct series *series);
nsec series_width(const struct series *series);
size_t series_bytes(const struct series *series);

/* Returns the end of the last tick: the last slot is known up to there. 0: there was none. */
nsec series_end(const struct series *series);

/* Returns how many requests were on the wire in a slot of this series, the mean over its time. */
double series_on_wire(const struct series *series, const struct series_slot *slot);

/* Calls `visit` for each slot in order of time; the slot is valid during the call. */
void series_walk(const struct series *series, void (*visit)(void *user, const struct series_slot *slot), void *user);
