/* The course of a replay in slots of one width: filled in any order, closed, then added up over any span of time at once.
 * In: when something happened. Out: slots and sums of them. Memory is bounded: see struct course_setup. One thread. */
#pragma once

#include "stats/slot_sum.h"

struct course_slot {
	struct slot slot;
	uint32_t reasons[REASON_COUNT]; /* of failed and open requests */
	int64_t going;                  /* its own: requests sent less requests ended, and the area under them up to its end (modulo 2^64) */
	uint64_t area;
};

struct course;

/* Slots become twice as wide whenever more than `most` (even) were needed, or more than `times_most` of struct slot_time in all of them (0: no limit).
 * Each of these is 12 bytes, a slot without them 400. */
struct course_setup {
	nsec width; /* at first */
	size_t most, times_most;
};
struct course *course_new(const struct course_setup *setup);
void course_free(struct course *course);

/* Returns the slot of a moment, >= 0. Valid until the next call. */
struct course_slot *course_at(struct course *course, nsec at);

/* Counts the response time of a request that ended at `at`. It is fast when the next one belongs to the same slot. */
void course_add_time(struct course *course, nsec at, nsec time, bool ok);

/* Counts a request that was on the wire from `sent` to `done`. */
void course_add_wire(struct course *course, nsec sent, nsec done);

/* Makes the slots that are missing up to `end`, and what is needed for sums; nothing may be added afterwards. */
void course_close(struct course *course, nsec end);

/* Of a closed one. */
nsec course_width(const struct course *course);
size_t course_count(const struct course *course);
const struct course_slot *course_slot(const struct course *course, size_t index);

/* Adds the slots from `first` to before `end` to an empty sum, and their reasons (NULL: not wanted). The work is that of a few hundred slots at most. */
void course_sum(const struct course *course, size_t first, size_t end, struct slot_sum *sum, uint64_t reasons[REASON_COUNT]);
