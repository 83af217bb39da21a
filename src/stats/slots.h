/* The recent past of a run in slots of one width: counts, and response times stored sparsely. The oldest slots are forgotten.
 * In: ticks. Out: slots, newest last. Memory is bounded: at most 40 KB for a slot, a few KB as a rule. Main thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "record/tally.h"
#include "stats/frame.h"

#define SLOT_GAP (500 * MSEC) /* ticks come ten times a second: after so long strest stood still */

/* Requests whose response time lies in one slot of a histlet. */
struct slot_time {
	uint16_t index;
	uint32_t ok, other; /* other: failed and open */
};

/* What was counted in about one width of time; sums. */
struct slot {
	uint64_t number; /* of its width, from the start line */
	nsec span;       /* that its ticks cover */
	nsec longest;    /* the longest of these: strest stood still if that is much more than a tick */
	uint64_t sent;   /* requests, second sends of the same one left out */
	uint64_t ok, failed;
	double asked;                  /* requests: rate x time; under 0: a closed loop */
	uint64_t wire_area, wire_span; /* as in the tally */
	uint64_t classes[FRAME_CLASSES];
	nsec max_ok, max_other;
	size_t time_count;
	struct slot_time *times; /* sorted by index */
};

struct slots;

/* Keeps the last `count` slots of `width` ns. */
struct slots *slots_new(nsec width, size_t count);
void slots_free(struct slots *slots);

/* Adds a tick that covers `since` to `upto`, ns from the start line, in order; it counts where it ended. NULL: nothing happened. */
void slots_add(struct slots *slots, nsec since, nsec upto, double asked_per_s, const struct tally *tick);

nsec slots_width(const struct slots *slots);

/* Returns the number of slots kept, and one of them: 0 is the oldest. Valid until the next slots_add. Numbers rise, but not every number is there. */
size_t slots_count(const struct slots *slots);
const struct slot *slots_at(const struct slots *slots, size_t index);
