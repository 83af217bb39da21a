#include "stats/series.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* A stored slot is a row of LEB128 numbers: its counts, then its histograms; of each clipped, sum, min, max and the number of slots in use, and for
 * each of those its distance from the one before and its count. Two merged slots never take more than both did: counts and distances only ever
 * replace two numbers by one that is no longer than both. So neighbours are merged in place. */
#define VARINT_BYTES 10
#define HEAD_NUMBERS 5
#define ENCODED_BYTES ((SERIES_COUNTS + 3 * (HEAD_NUMBERS + 2 * HISTLET_SLOTS)) * VARINT_BYTES)

/* Requests on the wire over the ticks of one SERIES_TICK: threads may hand over a little apart. */
struct wire_tick {
	nsec number;
	nsec from, upto;
	uint64_t area, span;
};

struct series {
	nsec width;
	unsigned threads;
	nsec end;
	size_t stored; /* closed slots; the open one is slot number `stored` */
	size_t bytes;  /* of `data` in use */
	bool begun;    /* the open slot holds at least one tick */
	struct wire_tick wire;
	uint8_t *data;              /* SERIES_CAP_BYTES, touched as far as used */
	struct series_slot current; /* the open slot; start and width are set when it is shown */
	struct series_slot scratch;
	uint8_t encoded[ENCODED_BYTES];
};

struct series *series_new(nsec width, unsigned threads) {
	assert(width > 0 && threads > 0);
	struct series *series = mem_zeroed(1, sizeof(*series));
	series->width = width;
	series->threads = threads;
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

static uint8_t *times_put(uint8_t *at, const struct histlet *times) {
	uint32_t first = 0, end = 0, used = 0;
	if (times->count > 0) {
		first = histlet_slot(times->min);
		end = histlet_slot(times->max) + 1;
	}
	for (uint32_t i = first; i < end; i++) used += times->slots[i] > 0;
	const uint64_t head[HEAD_NUMBERS] = {used, times->clipped, (uint64_t)times->sum, (uint64_t)times->min, (uint64_t)times->max};
	for (int i = 0; i < (used > 0 ? HEAD_NUMBERS : 1); i++) at = number_put(at, head[i]);
	uint32_t last = 0;
	for (uint32_t i = first; i < end; i++) {
		if (times->slots[i] == 0) continue;
		at = number_put(at, i - last);
		at = number_put(at, times->slots[i]);
		last = i;
	}
	return at;
}

/* `ret` is empty. Returns where the next numbers begin. */
static const uint8_t *times_get(const uint8_t *at, struct histlet *ret) {
	uint64_t head[HEAD_NUMBERS] = {0}, slot = 0;
	at = number_get(at, &head[0]);
	for (int i = 1; i < HEAD_NUMBERS && head[0] > 0; i++) at = number_get(at, &head[i]);
	ret->clipped = head[1];
	ret->sum = (nsec)head[2];
	ret->min = (nsec)head[3];
	ret->max = (nsec)head[4];
	for (uint64_t i = 0; i < head[0]; i++) {
		uint64_t distance, count;
		at = number_get(at, &distance);
		at = number_get(at, &count);
		slot += distance;
		assert(slot < HISTLET_SLOTS);
		ret->slots[slot] = count;
		ret->count += count;
	}
	return at;
}

static size_t encode(const struct series_slot *slot, uint8_t *into) {
	uint64_t counts[SERIES_COUNTS];
	uint8_t *at = into;
	memcpy(counts, &slot->counts, sizeof(counts));
	for (size_t i = 0; i < SERIES_COUNTS; i++) at = number_put(at, counts[i]);
	at = times_put(at, &slot->response_ok);
	at = times_put(at, &slot->response_other);
	at = times_put(at, &slot->late);
	return (size_t)(at - into);
}

/* Returns where the next slot begins. */
static const uint8_t *decode(const uint8_t *at, struct series_slot *ret) {
	uint64_t counts[SERIES_COUNTS];
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < SERIES_COUNTS; i++) at = number_get(at, &counts[i]);
	memcpy(&ret->counts, counts, sizeof(counts));
	at = times_get(at, &ret->response_ok);
	at = times_get(at, &ret->response_other);
	return times_get(at, &ret->late);
}

static void slot_add(struct series_slot *into, const struct series_slot *from) {
	uint64_t sums[SERIES_COUNTS], more[SERIES_COUNTS];
	memcpy(sums, &into->counts, sizeof(sums));
	memcpy(more, &from->counts, sizeof(more));
	for (size_t i = 0; i < SERIES_COUNTS; i++) sums[i] += more[i];
	uint64_t peak = into->counts.wire_peak > from->counts.wire_peak ? into->counts.wire_peak : from->counts.wire_peak;
	memcpy(&into->counts, sums, sizeof(sums));
	into->counts.wire_peak = peak;
	histlet_merge(&into->response_ok, &from->response_ok);
	histlet_merge(&into->response_other, &from->response_other);
	histlet_merge(&into->late, &from->late);
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

/* The mean number on the wire over `length`, of which the threads have looked at `span` together. A thread that has ended has nothing there; one
 * that handed over late has looked longer. */
static double wire_mean(const struct series *series, uint64_t area, uint64_t span, nsec length) {
	double looked = (double)span / series->threads;
	if (looked < (double)length) looked = (double)length;
	return looked > 0 && (int64_t)area > 0 ? (double)area / looked : 0;
}

/* The peak of a slot that the finished part of the run is in. */
static void wire_close(const struct series *series, struct series_counts *counts) {
	const struct wire_tick *wire = &series->wire;
	double mean = wire_mean(series, wire->area, wire->span, wire->upto - wire->from);
	uint64_t peak = (uint64_t)(1000 * mean + 0.5);
	if (peak > counts->wire_peak) counts->wire_peak = peak;
}

static void wire_add(struct series *series, nsec at, const struct tally *tick) {
	struct wire_tick *wire = &series->wire;
	nsec number = at > 0 ? (at - 1) / SERIES_TICK : 0;
	if (number != wire->number) {
		wire_close(series, &series->current.counts);
		*wire = (struct wire_tick){.number = number, .from = wire->upto};
	}
	wire->upto = at;
	wire->area += tick->wire_area;
	wire->span += (uint64_t)tick->wire_span;
}

static void reasons_add(struct series_counts *counts, const struct tally *tick) {
	for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		enum outcome outcome = reason_outcome(reason);
		if (reason == REASON_OPEN) continue;
		if (outcome == OUTCOME_TIMEOUT)
			counts->timeouts += tick->reasons[reason];
		else if (outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT)
			counts->unexpected += tick->reasons[reason];
		else
			counts->transport += tick->reasons[reason];
	}
}

static void statuses_add(struct series_counts *counts, const struct tally *tick) {
	for (unsigned status = 0; status < TALLY_STATUSES; status++) {
		bool known = status >= 200 && status < 600;
		counts->classes[known ? status / 100 - 2 : SERIES_CLASSES - 1] += tick->status[status];
	}
}

void series_add(struct series *series, nsec at, const struct tally *tick) {
	assert(tick->cell_count > 0);
	wire_add(series, at, tick);
	while (at > 0 && (size_t)((at - 1) / series->width) > series->stored) close_or_halve(series);
	struct series_slot *slot = &series->current;
	struct series_counts *counts = &slot->counts;
	counts->ok += tick->ok;
	counts->failed += tick->failed;
	counts->open += tick->open;
	counts->sent += tick->sent_in_window;
	counts->done += tick->done_in_window;
	counts->bytes_received += tick->bytes_received;
	counts->wire_area += tick->wire_area;
	counts->wire_span += (uint64_t)tick->wire_span;
	if (tick->ok + tick->failed + tick->open > 0) {
		reasons_add(counts, tick);
		statuses_add(counts, tick);
	}
	histlet_merge(&slot->response_ok, &tick->cells[0].response_ok);
	histlet_merge(&slot->response_other, &tick->cells[0].response_other);
	histlet_merge(&slot->late, &tick->late);
	series->begun = true;
	series->end = at;
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

nsec series_end(const struct series *series) {
	return series->end;
}

double series_on_wire(const struct series *series, const struct series_slot *slot) {
	nsec length = slot->start + slot->width > series->end ? series->end - slot->start : slot->width;
	return wire_mean(series, slot->counts.wire_area, slot->counts.wire_span, length);
}

void series_walk(const struct series *series, void (*visit)(void *user, const struct series_slot *slot), void *user) {
	if (!series->begun) return;
	const uint8_t *at = series->data;
	struct series_slot slot;
	for (size_t i = 0; i <= series->stored; i++) {
		if (i < series->stored) {
			at = decode(at, &slot);
		} else {
			slot = series->current;
			wire_close(series, &slot.counts);
		}
		slot.start = (nsec)i * series->width;
		slot.width = series->width;
		visit(user, &slot);
	}
}
