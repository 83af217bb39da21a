/* For the tests of parcels: a run made up by a generator, and what travels of it.
 * In: a seed. Out: samples, parcels. One thread. Included by *_test.c behind cmocka.h. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"
#include "record/parcel.h"

enum { ADDRESS_1 = 3, ADDRESS_2, ADDRESS_3, STAGE_1, STAGE_2, STEP_1, STEP_2, SCENARIO, ROWS, STEPS = 2, URLS = 3 };

static const struct group group_rows[ROWS] = {
	{.dimension = GROUP_BY_ALL, .name = "all"},
	{.dimension = GROUP_BY_CONNECTION, .name = "new"},
	{.dimension = GROUP_BY_CONNECTION, .name = "reused"},
	{.dimension = GROUP_BY_ADDRESS, .name = "192.0.2.1:80"},
	{.dimension = GROUP_BY_ADDRESS, .name = "192.0.2.2:80"},
	{.dimension = GROUP_BY_ADDRESS, .name = "192.0.2.3:80"},
	{.dimension = GROUP_BY_STAGE, .name = "1"},
	{.dimension = GROUP_BY_STAGE, .name = "2"},
	{.dimension = GROUP_BY_STEP, .name = "login"},
	{.dimension = GROUP_BY_STEP, .name = "pay"},
	{.dimension = GROUP_BY_SCENARIO, .name = "buy"},
};
static const struct group_table group_table = {
	.count = ROWS, .rows = group_rows, .first_address = ADDRESS_1, .first_stage = STAGE_1, .first_step = STEP_1, .first_scenario = SCENARIO};
static const struct parcel_map same_rows = {.count = ROWS};

/* All that a run counts. */
struct counted {
	struct tally *tally;
	struct totals *totals;
	uint64_t reasons[STEPS][REASON_COUNT];
	struct digest urls[URLS];
	struct parcel_facts facts;
};

static inline struct counted *counted_new(void) {
	struct counted *counted = mem_zeroed(1, sizeof(*counted));
	counted->tally = tally_new(ROWS);
	counted->totals = mem_zeroed(1, sizeof(*counted->totals));
	return counted;
}

static inline void counted_free(struct counted *counted) {
	free(counted->tally);
	free(counted->totals);
	free(counted);
}

static inline uint64_t draw(uint64_t *seed) {
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 20;
}

/* A request whose times reach from ns to hours, some of them over HIST_MAX. */
static inline struct sample sample_draw(uint64_t *seed) {
	struct sample sample = {.due = 1000, .ready = 1000};
	sample.sent = sample.ready + (nsec)(draw(seed) % 3 ? draw(seed) >> (20 + draw(seed) % 22) : 0);
	sample.written = sample.sent + (nsec)(draw(seed) >> (24 + draw(seed) % 20));
	sample.first = sample.written + (nsec)(draw(seed) >> (1 + draw(seed) % 40));
	sample.done = sample.first + (nsec)(draw(seed) >> (10 + draw(seed) % 30));
	sample.bytes = draw(seed) % 100000;
	sample.status = (uint16_t)(draw(seed) % 4 ? 200 : draw(seed) % 1000);
	sample.reason = (uint8_t)(draw(seed) % 3 ? REASON_NONE : draw(seed) % REASON_COUNT);
	sample.flags = (uint8_t)(draw(seed) % 4);
	sample.address = (uint16_t)(draw(seed) % 3);
	sample.row = (uint16_t)(draw(seed) % STEPS);
	return sample;
}

/* Counts a sample, and an iteration now and then, as a worker does. */
static inline void counted_add(struct counted *counted, const struct sample *sample) {
	tally_record(counted->tally, counted->totals, sample, &group_table, sample->bytes % 5 ? STAGE_1 + sample->bytes % 2 : 0);
	digest_record(&counted->urls[sample->bytes % URLS], sample);
	counted->reasons[sample->row][sample->reason] += sample->reason != REASON_NONE;
	counted->tally->planned++;
	counted->tally->bytes_received += sample->bytes;
	counted->tally->wire_area += (uint64_t)(sample->done - sample->sent);
	counted->tally->wire_span += 17;
	if (sample->done - sample->due > counted->tally->longest_gap) counted->tally->longest_gap = sample->done - sample->due;
	if (sample->bytes % 50) return;
	counted->tally->cells[SCENARIO].unsent++;
	tally_record_iteration(counted->tally, &group_table, 0,
		&(struct iteration){.due = sample->due, .done = sample->done, .ok = sample->status == 200, .open = sample->flags & SAMPLE_OPEN});
}

/* Writes all of it, or a snapshot; buf_fini. */
static inline struct buf counted_write(const struct counted *counted, bool with_totals) {
	struct buf buf;
	buf_init(&buf, 4 << 20);
	struct parcel parcel = {.tally = counted->tally,
		.totals = with_totals ? counted->totals : NULL,
		.step_count = STEPS,
		.step_reasons = (const uint64_t(*)[REASON_COUNT])(const void *)counted->reasons,
		.url_count = URLS,
		.urls = counted->urls,
		.facts = counted->facts};
	bool fits = parcel_write(&parcel, &buf);
	assert(fits && !buf.full);
	return buf;
}

static inline struct slice bytes_of(const struct buf *buf) {
	return (struct slice){buf->at, buf->size};
}

/* Adds a parcel; the facts of the sum are copied back. */
static inline bool counted_take(struct counted *counted, struct slice bytes, const struct parcel_map *map, struct err *err) {
	struct parcel_sum sum = {counted->tally, counted->totals, STEPS, counted->reasons, URLS, counted->urls, counted->facts, 0};
	bool good = parcel_add(bytes, map, &sum, err);
	counted->facts = sum.facts;
	return good;
}

/* Writes a different number into every counter, so that one that is forgotten shows. */
static inline void tally_fill(struct tally *tally, uint64_t factor) {
	uint64_t *at = &tally->planned;
	for (size_t i = 0; i < offsetof(struct tally, cell_count) / 8; i++) at[i] = factor * (i + 1);
	tally->upto = 0; /* does not travel, nor does this: */
	tally->told = (struct strain_told){0};
	for (size_t row = 0; row < tally->cell_count; row++) {
		at = &tally->cells[row].ok;
		for (size_t i = 0; i < offsetof(struct cell, response_ok) / 8; i++) at[i] = factor * (100000 * (row + 1) + i);
	}
}

#define TALLY_BYTES (sizeof(struct tally) + ROWS * sizeof(struct cell))

#define assert_counted_equal(a, b)                                                                                                                   \
	do {                                                                                                                                         \
		assert_memory_equal((a)->tally, (b)->tally, TALLY_BYTES);                                                                            \
		assert_memory_equal((a)->totals, (b)->totals, sizeof(*(a)->totals));                                                                 \
		assert_memory_equal((a)->reasons, (b)->reasons, sizeof((a)->reasons));                                                               \
		assert_memory_equal((a)->urls, (b)->urls, sizeof((a)->urls));                                                                        \
		assert_memory_equal(&(a)->facts, &(b)->facts, sizeof((a)->facts));                                                                   \
	} while (0)
