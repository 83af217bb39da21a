#include "stats/course.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define COURSE_WIDTH_MOST (INT64_MAX / 4) /* one slot has everything then */

/* Times that all belong to one slot, not yet in it: those of a log mostly come in the order in which requests ended. */
struct open_times {
	struct course_slot *slot; /* NULL: there are none */
	size_t low, high;         /* slots of the histogram in use, inclusive */
	uint32_t ok[HISTLET_SLOTS], other[HISTLET_SLOTS];
};

struct course {
	nsec width;
	size_t most, count;         /* count: of those made by course_close */
	struct course_slot **slots; /* NULL: nothing happened there yet */
	size_t block, block_count;  /* slots that are added up in advance: about the square root of `most` */
	struct course_slot **blocks;
	size_t times, times_most; /* elements of all slot.times */
	struct open_times open;
};

struct course *course_new(const struct course_setup *setup) {
	assert(setup->width > 0 && setup->most > 0 && setup->most % 2 == 0);
	struct course *course = mem_zeroed(1, sizeof(*course));
	course->width = setup->width;
	course->most = setup->most;
	course->times_most = setup->times_most > 0 ? setup->times_most : SIZE_MAX;
	course->block = 1;
	while (course->block * course->block < setup->most) course->block *= 2;
	course->slots = mem_zeroed(setup->most, sizeof(struct course_slot *));
	return course;
}

static void slot_free(struct course_slot *slot) {
	if (!slot) return;
	free(slot->slot.times);
	free(slot);
}

void course_free(struct course *course) {
	if (!course) return;
	for (size_t i = 0; i < course->most; i++) slot_free(course->slots[i]);
	for (size_t i = 0; i < course->block_count; i++) slot_free(course->blocks[i]);
	free(course->slots);
	free(course->blocks);
	free(course);
}

/* Adds sorted times to sorted times, whose memory becomes exactly as long as is needed. Returns how many elements are new. */
static size_t slot_add_times(struct slot *to, const struct slot_time *add, size_t count) {
	size_t fresh = 0, old = to->time_count;
	for (size_t i = 0, k = 0; k < count; k++) {
		while (i < old && to->times[i].index < add[k].index) i++;
		fresh += i == old || to->times[i].index != add[k].index;
	}
	if (fresh > 0) to->times = mem_resize(to->times, (old + fresh) * sizeof(*to->times));
	to->time_count = old + fresh;
	for (size_t i = old, k = count, at = old + fresh; k > 0;) { /* from behind: nothing is in the way */
		if (i > 0 && to->times[i - 1].index > add[k - 1].index) {
			to->times[--at] = to->times[--i];
			continue;
		}
		struct slot_time time = add[--k];
		if (i > 0 && to->times[i - 1].index == time.index) {
			time.ok += to->times[--i].ok;
			time.other += to->times[i].other;
		}
		to->times[--at] = time;
	}
	return fresh;
}

static nsec later(nsec a, nsec b) {
	return a > b ? a : b;
}

/* Returns how many times are new in it. */
static size_t slot_merge(struct course_slot *into, const struct course_slot *from) {
	struct slot *to = &into->slot;
	const struct slot *more = &from->slot;
	to->span += more->span;
	to->sent += more->sent;
	to->ok += more->ok;
	to->failed += more->failed;
	to->asked = more->asked < 0 ? -1 : to->asked + more->asked;
	to->wire_area += more->wire_area;
	to->wire_span += more->wire_span;
	for (size_t i = 0; i < FRAME_CLASSES; i++) to->classes[i] += more->classes[i];
	to->max_ok = later(to->max_ok, more->max_ok);
	to->max_other = later(to->max_other, more->max_other);
	size_t fresh = slot_add_times(to, more->times, more->time_count);
	for (size_t i = 0; i < REASON_COUNT; i++) into->reasons[i] += from->reasons[i];
	return fresh;
}

/* Joins a slot and the one after it; either may be NULL. */
static struct course_slot *course_join(struct course *course, struct course_slot *left, struct course_slot *right) {
	if (!left) return right;
	left->area += (uint64_t)left->going * (uint64_t)course->width;
	if (!right) return left;
	left->going += right->going;
	left->area += right->area;
	course->times += slot_merge(left, right);
	course->times -= right->slot.time_count;
	slot_free(right);
	return left;
}

static void course_widen(struct course *course) {
	for (size_t i = 0; i < course->most; i += 2) {
		struct course_slot *joined = course_join(course, course->slots[i], course->slots[i + 1]);
		course->slots[i] = course->slots[i + 1] = NULL;
		course->slots[i / 2] = joined;
	}
	course->width *= 2;
}

/* Puts the times that are not yet in their slot there. */
static void course_pack(struct course *course) {
	struct open_times *open = &course->open;
	struct slot_time times[HISTLET_SLOTS];
	size_t count = 0;
	if (!open->slot) return;
	for (size_t i = open->low; i <= open->high; i++) {
		if (open->ok[i] + open->other[i] == 0) continue;
		times[count++] = (struct slot_time){(uint16_t)i, open->ok[i], open->other[i]};
		open->ok[i] = open->other[i] = 0;
	}
	course->times += slot_add_times(&open->slot->slot, times, count);
	open->slot = NULL;
	while (course->times > course->times_most && course->width < COURSE_WIDTH_MOST) course_widen(course);
}

struct course_slot *course_at(struct course *course, nsec at) {
	if ((uint64_t)(at / course->width) >= course->most) course_pack(course);
	while ((uint64_t)(at / course->width) >= course->most) course_widen(course);
	struct course_slot **slot = &course->slots[at / course->width];
	if (!*slot) *slot = mem_zeroed(1, sizeof(**slot));
	return *slot;
}

void course_add_time(struct course *course, nsec at, nsec time, bool ok) {
	struct course_slot *slot = course_at(course, at);
	struct open_times *open = &course->open;
	nsec *max = ok ? &slot->slot.max_ok : &slot->slot.max_other;
	if (time < 0) time = 0;
	if (time > HIST_MAX) time = HIST_MAX;
	*max = later(*max, time);
	size_t index = histlet_slot(time);
	if (open->slot != slot) {
		course_pack(course);
		open->slot = course_at(course, at); /* it may have been joined */
		open->low = open->high = index;
	}
	if (index < open->low) open->low = index;
	if (index > open->high) open->high = index;
	open->ok[index] += ok;
	open->other[index] += !ok;
}

static void course_step(struct course *course, nsec at, int64_t by) {
	struct course_slot *slot = course_at(course, at);
	nsec left = (at / course->width + 1) * course->width - at;
	slot->going += by;
	slot->area += (uint64_t)by * (uint64_t)left;
}

void course_add_wire(struct course *course, nsec sent, nsec done) {
	if (sent >= done) return;
	course_step(course, sent, 1);
	course_step(course, done, -1);
}

/* Fills span and area of each slot: of the last one up to `end`. */
static void course_close_slots(struct course *course, nsec end) {
	int64_t going = 0;
	for (size_t i = 0; i < course->count; i++) {
		nsec start = (nsec)i * course->width;
		struct course_slot *slot = course_at(course, start);
		slot->slot.number = i;
		slot->slot.span = end - start < course->width ? end - start : course->width;
		slot->slot.wire_span = (uint64_t)course->width; /* what has ended by then adds nothing behind */
		slot->slot.wire_area = (uint64_t)going * (uint64_t)course->width + slot->area;
		going += slot->going;
		if (slot->slot.span < course->width) slot->slot.wire_span = (uint64_t)later(slot->slot.span, 1);
	}
}

void course_close(struct course *course, nsec end) {
	course_pack(course);
	course_at(course, end > 0 ? end - 1 : 0);
	course->count = end > 0 ? (size_t)((end - 1) / course->width) + 1 : 1;
	course_close_slots(course, end);
	course->block_count = course->count / course->block;
	course->blocks = mem_zeroed(course->block_count + 1, sizeof(struct course_slot *));
	for (size_t i = 0; i < course->block_count; i++) {
		course->blocks[i] = mem_zeroed(1, sizeof(struct course_slot));
		for (size_t k = 0; k < course->block; k++) slot_merge(course->blocks[i], course->slots[i * course->block + k]);
	}
}

nsec course_width(const struct course *course) {
	return course->width;
}

size_t course_count(const struct course *course) {
	return course->count;
}

const struct course_slot *course_slot(const struct course *course, size_t index) {
	assert(index < course->count);
	return course->slots[index];
}

void course_sum(const struct course *course, size_t first, size_t end, struct slot_sum *sum, uint64_t reasons[REASON_COUNT]) {
	assert(end <= course->count);
	for (size_t at = first; at < end;) {
		bool whole = at % course->block == 0 && at + course->block <= end;
		const struct course_slot *slot = whole ? course->blocks[at / course->block] : course->slots[at];
		slot_sum_add(sum, &slot->slot);
		for (size_t i = 0; reasons && i < REASON_COUNT; i++) reasons[i] += slot->reasons[i];
		at += whole ? course->block : 1;
	}
}
