/* The course of a run: one slot per second, neighbours merged when room runs out, so memory is bounded whatever the length.
 * In: the merged tally of each tick. Out: slots with counts and a response-time histogram. Main thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/tally.h"

#define SERIES_SLOTS 4096
#define SERIES_CAP_BYTES ((size_t)8 << 20) /* stored slots never take more; stated in docs/architecture.md */

struct series;

/* One slot, expanded for reading. */
struct series_slot {
	nsec start; /* from the start of the run */
	nsec width;
	uint64_t ok, failed, open; /* requests of the window that were counted in this slot */
	uint64_t sent, done;       /* sends and completions, as sent_in_window and done_in_window */
	uint64_t bytes_received;
	struct histlet response; /* of the row "all"; min, max and sum are exact */
};

/* Makes an empty series of slots of `width` ns. Reserves its cap, touches little of it. */
struct series *series_new(nsec width);
void series_free(struct series *series);

/* Adds a tick that ended at `at` ns from the start; ticks come in order. Closes slots that are over and stores them sparsely. */
void series_add(struct series *series, nsec at, const struct tally *tick);

/* Number of slots so far (the unfinished one included), their width, and the bytes that the closed ones take. */
size_t series_count(const struct series *series);
nsec series_width(const struct series *series);
size_t series_bytes(const struct series *series);

/* Calls `visit` for each slot in order of time; the slot is valid during the call. */
void series_walk(const struct series *series, void (*visit)(void *user, const struct series_slot *slot), void *user);
