/* Moments to wake up at: a heap of timers that their owners embed.
 * In: moments. Out: the earliest. Memory for `room` timers is taken once. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct timer {
	nsec at;
	uint32_t place; /* 1-based place in the heap; 0: not armed (zeroed memory is a timer that is not armed) */
};

struct timers {
	struct timer **heap; /* heap[0] is the earliest */
	size_t count, room;
};

/* Takes memory for at most `room` armed timers. */
void timers_init(struct timers *timers, size_t room);
void timers_fini(struct timers *timers);

/* Arms a timer, or moves one that is armed. */
void timers_arm(struct timers *timers, struct timer *timer, nsec at);

/* Disarms; nothing happens when it is not armed. */
void timers_disarm(struct timers *timers, struct timer *timer);

/* Returns the earliest moment, NSEC_NEVER when none is armed. */
static inline nsec timers_next(const struct timers *timers) {
	return timers->count > 0 ? timers->heap[0]->at : NSEC_NEVER;
}

/* Disarms and returns the earliest timer that is due at `now`; NULL: none. */
struct timer *timers_take(struct timers *timers, nsec now);
