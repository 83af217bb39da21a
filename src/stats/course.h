/* The course of a replay in slots of one width: filled in any order, closed, then added up over any span of time at once.
 * In: when something happened. Out: slots and sums of them. Memory is bounded: so many slots, each of a few KB as a rule. One thread. */
#pragma once

#include "stats/slot_sum.h"

struct course_slot {
	struct slot slot;
	uint32_t reasons[REASON_COUNT]; /* of failed and open requests */
	int64_t going;                  /* its own: requests sent less requests ended, and the area under them up to its end (modulo 2^64) */
	uint64_t area;
	size_t room; /* of slot.times */
};

struct course;

/* Slots are `width` ns wide; when more than `most` (even) were needed they become wider. */
struct course *course_new(nsec width, size_t most);
void course_free(struct course *course);

/* Returns the slot of a moment, >= 0. Valid until the next call. */
struct course_slot *course_at(struct course *course, nsec at);

/* Counts the response time of a request. */
void course_add_time(struct course_slot *slot, nsec time, bool ok);

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
