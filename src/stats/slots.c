#include "stats/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct slots {
	nsec width;
	size_t room, count; /* of the closed ones */
	size_t next;        /* where the next one is closed into */
	bool begun;         /* the open one holds a tick */
	struct slot open;
	bool stale;               /* `open.times` is older than the histograms */
	struct histlet ok, other; /* of the open one */
	struct slot closed[];
};

struct slots *slots_new(nsec width, size_t count) {
	assert(width > 0 && count > 0);
	struct slots *slots = mem_zeroed(1, sizeof(*slots) + count * sizeof(slots->closed[0]));
	slots->width = width;
	slots->room = count;
	return slots;
}

void slots_free(struct slots *slots) {
	if (!slots) return;
	for (size_t i = 0; i < slots->count; i++) free(slots->closed[i].times);
	free(slots->open.times);
	free(slots);
}

/* Stores the times of the open slot sparsely. */
static void slots_pack(struct slots *slots) {
	struct slot *slot = &slots->open;
	size_t used = 0;
	for (size_t i = 0; i < HISTLET_SLOTS; i++) used += slots->ok.slots[i] + slots->other.slots[i] > 0;
	slot->times = mem_resize(slot->times, (used + 1) * sizeof(*slot->times));
	slot->time_count = 0;
	for (size_t i = 0; i < HISTLET_SLOTS; i++) {
		if (slots->ok.slots[i] + slots->other.slots[i] == 0) continue;
		slot->times[slot->time_count++] = (struct slot_time){(uint16_t)i, (uint32_t)slots->ok.slots[i], (uint32_t)slots->other.slots[i]};
	}
	slot->max_ok = slots->ok.max;
	slot->max_other = slots->other.max;
	slots->stale = false;
}

static void slots_close(struct slots *slots) {
	slots_pack(slots);
	free(slots->closed[slots->next].times); /* NULL in the first round */
	slots->closed[slots->next] = slots->open;
	slots->next = (slots->next + 1) % slots->room;
	if (slots->count < slots->room) slots->count++;
	slots->open = (struct slot){0};
	memset(&slots->ok, 0, sizeof(slots->ok));
	memset(&slots->other, 0, sizeof(slots->other));
}

static void slot_count_classes(struct slot *slot, const struct tally *tick) {
	for (size_t status = 0; status < TALLY_STATUSES; status++) slot->classes[frame_class(status)] += tick->status[status];
}

void slots_add(struct slots *slots, nsec since, nsec upto, double asked_per_s, const struct tally *tick) {
	struct slot *slot = &slots->open;
	nsec span = upto > since ? upto - since : 0;
	uint64_t number = upto > 0 ? (uint64_t)((upto - 1) / slots->width) : 0;
	if (slots->begun && number != slot->number) slots_close(slots);
	slots->begun = true;
	slot->number = number;
	slot->span += span;
	if (span > slot->longest) slot->longest = span;
	slot->asked = asked_per_s < 0 ? -1 : slot->asked + asked_per_s * (double)span / 1e9;
	slots->stale = true;
	if (!tick) return;
	slot->sent += tick->attempts - tick->retries;
	slot->ok += tick->ok;
	slot->failed += tick->failed;
	slot->wire_area += tick->wire_area;
	slot->wire_span += (uint64_t)tick->wire_span;
	if (tick->ok + tick->failed + tick->open == 0) return;
	slot_count_classes(slot, tick);
	histlet_merge(&slots->ok, &tick->cells[0].response_ok);
	histlet_merge(&slots->other, &tick->cells[0].response_other);
}

nsec slots_width(const struct slots *slots) {
	return slots->width;
}

size_t slots_count(const struct slots *slots) {
	return slots->count + slots->begun;
}

const struct slot *slots_at(const struct slots *slots, size_t index) {
	if (index < slots->count) return &slots->closed[(slots->next + slots->room - slots->count + index) % slots->room];
	struct slots *mine = (struct slots *)(uintptr_t)slots; /* packs what it holds already */
	if (mine->stale) slots_pack(mine);
	return &slots->open;
}
