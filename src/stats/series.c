#include "stats/series.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* A stored slot is a row of LEB128 numbers: the counts of `encode`, then for each histogram slot in use its distance from the one before
 * and its count. Two merged slots never take more than both did: counts and distances only ever replace two numbers by one that is no
 * longer than both. So neighbours are merged in place. */
#define VARINT_BYTES 10
#define HEAD_NUMBERS 11
#define ENCODED_BYTES ((HEAD_NUMBERS + 2 * HISTLET_SLOTS) * VARINT_BYTES)

struct series {
	nsec width;
	size_t stored;              /* closed slots; the open one is slot number `stored` */
	size_t bytes;               /* of `data` in use */
	bool begun;                 /* the open slot holds at least one tick */
	uint8_t *data;              /* SERIES_CAP_BYTES, touched as far as used */
	struct series_slot current; /* the open slot; start and width are set when it is shown */
	struct series_slot scratch;
	uint8_t encoded[ENCODED_BYTES];
};

struct series *series_new(nsec width) {
	assert(width > 0);
	struct series *series = mem_zeroed(1, sizeof(*series));
	series->width = width;
	series->data = mem_alloc(SERIES_CAP_BYTES);
	return series;
}

void series_free(struct series *series) {
	if (!series) return;
	free(series->data);
	free(series);
}

static uint8_t *number_put(uint8_t *at, uint64_t number) {
	for (; number >= 0x80; number >>= 7) *at++ = (uint8_t)(number | 0x80);
	*at++ = (uint8_t)number;
	return at;
}

static const uint8_t *number_get(const uint8_t *at, uint64_t *ret) {
	uint64_t number = 0;
	unsigned shift = 0;
	for (; *at & 0x80; at++, shift += 7) number |= (uint64_t)(*at & 0x7f) << shift;
	*ret = number | (uint64_t)*at++ << shift;
	return at;
}

static size_t encode(const struct series_slot *slot, uint8_t *into) {
	const struct histlet *times = &slot->response;
	uint32_t first = 0, end = 0, used = 0;
	if (times->count > 0) {
		first = histlet_slot(times->min);
		end = histlet_slot(times->max) + 1;
	}
	for (uint32_t i = first; i < end; i++) used += times->slots[i] > 0;
	const uint64_t head[HEAD_NUMBERS] = {slot->ok, slot->failed, slot->open, slot->sent, slot->done, slot->bytes_received, times->clipped,
		(uint64_t)times->sum, (uint64_t)times->min, (uint64_t)times->max, used};
	uint8_t *at = into;
	for (int i = 0; i < HEAD_NUMBERS; i++) at = number_put(at, head[i]);
	uint32_t last = 0;
	for (uint32_t i = first; i < end; i++) {
		if (times->slots[i] == 0) continue;
		at = number_put(at, i - last);
		at = number_put(at, times->slots[i]);
		last = i;
	}
	return (size_t)(at - into);
}

/* Fills the counts of `ret`; leaves start and width alone. Returns where the next slot begins. */
static const uint8_t *decode(const uint8_t *at, struct series_slot *ret) {
	uint64_t head[HEAD_NUMBERS];
	for (int i = 0; i < HEAD_NUMBERS; i++) at = number_get(at, &head[i]);
	*ret = (struct series_slot){.ok = head[0], .failed = head[1], .open = head[2], .sent = head[3], .done = head[4], .bytes_received = head[5]};
	struct histlet *times = &ret->response;
	times->clipped = head[6];
	times->sum = (nsec)head[7];
	times->min = (nsec)head[8];
	times->max = (nsec)head[9];
	uint64_t slot = 0;
	for (uint64_t i = 0; i < head[10]; i++) {
		uint64_t distance, count;
		at = number_get(at, &distance);
		at = number_get(at, &count);
		slot += distance;
		assert(slot < HISTLET_SLOTS);
		times->slots[slot] = count;
		times->count += count;
	}
	return at;
}

static void slot_add(struct series_slot *into, const struct series_slot *from) {
	into->ok += from->ok;
	into->failed += from->failed;
	into->open += from->open;
	into->sent += from->sent;
	into->done += from->done;
	into->bytes_received += from->bytes_received;
	histlet_merge(&into->response, &from->response);
}

/* Merges slots 0 and 1, 2 and 3, …; one that is left over belongs to the open slot. */
static void halve(struct series *series) {
	const uint8_t *read = series->data;
	uint8_t *write = series->data;
	for (size_t i = 0; i + 1 < series->stored; i += 2) {
		struct series_slot pair;
		read = decode(read, &pair);
		read = decode(read, &series->scratch);
		slot_add(&pair, &series->scratch);
		size_t size = encode(&pair, series->encoded);
		assert(size <= (size_t)(read - write));
		memcpy(write, series->encoded, size);
		write += size;
	}
	if (series->stored % 2) {
		decode(read, &series->scratch);
		slot_add(&series->current, &series->scratch);
	}
	series->stored /= 2;
	series->bytes = (size_t)(write - series->data);
	series->width *= 2;
}

/* Stores the open slot, or doubles the width when there is no room: then the slot may go on. */
static void close_or_halve(struct series *series) {
	size_t size = encode(&series->current, series->encoded);
	if (series->stored + 1 >= SERIES_SLOTS || series->bytes + size > SERIES_CAP_BYTES) {
		halve(series);
		return;
	}
	memcpy(series->data + series->bytes, series->encoded, size);
	series->bytes += size;
	series->stored++;
	series->current = (struct series_slot){0};
}

void series_add(struct series *series, nsec at, const struct tally *tick) {
	assert(tick->cell_count > 0);
	while (at > 0 && (size_t)((at - 1) / series->width) > series->stored) close_or_halve(series);
	struct series_slot *slot = &series->current;
	slot->ok += tick->ok;
	slot->failed += tick->failed;
	slot->open += tick->open;
	slot->sent += tick->sent_in_window;
	slot->done += tick->done_in_window;
	slot->bytes_received += tick->bytes_received;
	histlet_merge(&slot->response, &tick->cells[0].response_ok);
	histlet_merge(&slot->response, &tick->cells[0].response_other);
	series->begun = true;
}

size_t series_count(const struct series *series) {
	return series->begun ? series->stored + 1 : 0;
}

nsec series_width(const struct series *series) {
	return series->width;
}

size_t series_bytes(const struct series *series) {
	return series->bytes;
}

void series_walk(const struct series *series, void (*visit)(void *user, const struct series_slot *slot), void *user) {
	if (!series->begun) return;
	const uint8_t *at = series->data;
	struct series_slot slot;
	for (size_t i = 0; i <= series->stored; i++) {
		if (i < series->stored)
			at = decode(at, &slot);
		else
			slot = series->current;
		slot.start = (nsec)i * series->width;
		slot.width = series->width;
		visit(user, &slot);
	}
}
