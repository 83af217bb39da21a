/* What is due when: the delayed answers of one thread, earliest first.
 * In: moments. Out: timers whose moment has come. The timers belong to the caller, the queue only points at them; one thread. */
#pragma once

#include <stddef.h>

#include "base/clock.h"

struct timer {
	nsec due;
	size_t place;                        /* in the heap, from 1; 0: not set */
	void (*expire)(struct timer *timer); /* what is done then */
};

struct timer_queue {
	struct timer **heap; /* heap[1] is the earliest; NULL: nothing was ever set */
	size_t count, room;
};

void timer_queue_init(struct timer_queue *queue);

/* Frees the queue's memory; timers still in it are forgotten. */
void timer_queue_fini(struct timer_queue *queue);

/* Sets a timer that is not set. Cannot fail. */
void timer_set(struct timer_queue *queue, struct timer *timer, nsec due);

/* Takes a timer out; one that is not set is left alone. */
void timer_drop(struct timer_queue *queue, struct timer *timer);

/* Returns when the earliest is due; NSEC_NEVER: none is set. */
static inline nsec timer_next(const struct timer_queue *queue) {
	return queue->count ? queue->heap[1]->due : NSEC_NEVER;
}

/* Takes the earliest out if it is due at `now` or before, else returns NULL. */
struct timer *timer_take(struct timer_queue *queue, nsec now);
