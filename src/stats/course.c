#include "stats/course.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define ROOM_FIRST 8

struct course {
	nsec width;
	size_t most, count;         /* count: of those made by course_close */
	struct course_slot **slots; /* NULL: nothing happened there yet */
	size_t block, block_count;  /* slots that are added up in advance: about the square root of `most` */
	struct course_slot **blocks;
};

struct course *course_new(nsec width, size_t most) {
	assert(width > 0 && most > 0 && most % 2 == 0);
	struct course *course = mem_zeroed(1, sizeof(*course));
	course->width = width;
	course->most = most;
	course->block = 1;
	while (course->block * course->block < most) course->block *= 2;
	course->slots = mem_zeroed(most, sizeof(struct course_slot *));
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

/* Adds to a histogram that is kept sparse and sorted. */
static void slot_add_times(struct course_slot *slot, const struct slot_time *add) {
	struct slot *to = &slot->slot;
	size_t low = 0, high = to->time_count;
	if (high > 0 && to->times[high - 1].index < add->index) low = high;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (to->times[mid].index < add->index)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < to->time_count && to->times[low].index == add->index) {
		to->times[low].ok += add->ok;
		to->times[low].other += add->other;
		return;
	}
	if (to->time_count == slot->room) {
		slot->room = slot->room > 0 ? 2 * slot->room : ROOM_FIRST;
		to->times = mem_resize(to->times, slot->room * sizeof(*to->times));
	}
	memmove(&to->times[low + 1], &to->times[low], (to->time_count - low) * sizeof(*to->times));
	to->times[low] = *add;
	to->time_count++;
}

static nsec later(nsec a, nsec b) {
	return a > b ? a : b;
}

static void slot_merge(struct course_slot *into, const struct course_slot *from) {
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
	for (size_t i = 0; i < more->time_count; i++) slot_add_times(into, &more->times[i]);
	for (size_t i = 0; i < REASON_COUNT; i++) into->reasons[i] += from->reasons[i];
}

/* Joins a slot and the one after it, of `width` each; either may be NULL. */
static struct course_slot *slot_join(struct course_slot *left, struct course_slot *right, nsec width) {
	if (!left) return right;
	left->area += (uint64_t)left->going * (uint64_t)width;
	if (!right) return left;
	left->going += right->going;
	left->area += right->area;
	slot_merge(left, right);
	slot_free(right);
	return left;
}

static void course_widen(struct course *course) {
	for (size_t i = 0; i < course->most; i += 2) {
		struct course_slot *joined = slot_join(course->slots[i], course->slots[i + 1], course->width);
		course->slots[i] = course->slots[i + 1] = NULL;
		course->slots[i / 2] = joined;
	}
	course->width *= 2;
}

struct course_slot *course_at(struct course *course, nsec at) {
	while ((uint64_t)(at / course->width) >= course->most) course_widen(course);
	struct course_slot **slot = &course->slots[at / course->width];
	if (!*slot) *slot = mem_zeroed(1, sizeof(**slot));
	return *slot;
}

void course_add_time(struct course_slot *slot, nsec time, bool ok) {
	nsec *max = ok ? &slot->slot.max_ok : &slot->slot.max_other;
	if (time < 0) time = 0;
	if (time > HIST_MAX) time = HIST_MAX;
	*max = later(*max, time);
	slot_add_times(slot, &(struct slot_time){(uint16_t)histlet_slot(time), ok, !ok});
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
