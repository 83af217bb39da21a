#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "stats/series.h"

static struct tally *tick; /* one cell: "all" */

/* What all slots together hold, and whether they lie side by side. */
struct seen {
	size_t slots;
	nsec next_start;
	struct series_slot sum;
	struct series_slot at[4];
};

static int setup(void **state) {
	(void)state;
	tick = tally_new(1);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	free(tick);
	return 0;
}

/* All counts of a slot are added, but for the peak. */
static void sum_merge(struct series_slot *sum, const struct series_slot *slot) {
	uint64_t *into = &sum->counts.ok;
	const uint64_t *from = &slot->counts.ok;
	uint64_t peak = slot->counts.wire_peak > sum->counts.wire_peak ? slot->counts.wire_peak : sum->counts.wire_peak;
	for (size_t i = 0; i < SERIES_COUNTS; i++) into[i] += from[i];
	sum->counts.wire_peak = peak;
	histlet_merge(&sum->response_ok, &slot->response_ok);
	histlet_merge(&sum->response_other, &slot->response_other);
	histlet_merge(&sum->late, &slot->late);
}

static void visit(void *user, const struct series_slot *slot) {
	struct seen *seen = user;
	assert_int_equal(slot->start, seen->next_start);
	seen->next_start += slot->width;
	if (seen->slots < 4) seen->at[seen->slots] = *slot;
	seen->slots++;
	sum_merge(&seen->sum, slot);
}

static struct seen *look(const struct series *series) {
	struct seen *seen = mem_zeroed(1, sizeof(*seen));
	series_walk(series, visit, seen);
	assert_int_equal(seen->slots, series_count(series));
	assert_true(seen->slots <= SERIES_SLOTS);
	assert_true(series_bytes(series) <= SERIES_CAP_BYTES);
	return seen;
}

/* An empty tick in which `ok` requests took `time` each. */
static void tick_set(uint64_t ok, nsec time) {
	tally_clear(tick);
	tick->ok = tick->cells[0].ok = ok;
	if (ok > 0) histlet_record(&tick->cells[0].response_ok, time, ok);
}

static uint64_t next_random(uint64_t *seed) {
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

/* A tick with `count` requests of any time up to a quarter of an hour, and random counters. */
static void tick_randomize(uint64_t *seed, unsigned count) {
	tally_clear(tick);
	for (unsigned i = 0; i < count; i++)
		histlet_record(&tick->cells[0].response_ok, (nsec)(next_random(seed) << 9) >> (next_random(seed) % 31), 1);
	tick->failed = next_random(seed) % (count + 1);
	tick->open = (count - tick->failed) / 2;
	tick->ok = count - tick->failed - tick->open;
	tick->cells[0].ok = tick->ok;
	tick->cells[0].failed = tick->failed;
	tick->cells[0].open = tick->open;
	tick->sent_in_window = next_random(seed) % 1000;
	tick->done_in_window = next_random(seed) % 1000;
	tick->bytes_received = next_random(seed);
	tick->status[200] = tick->ok;
	tick->status[404] = tick->failed;
	tick->reasons[REASON_STATUS] = tick->failed;
	histlet_record(&tick->late, (nsec)next_random(seed) % (10 * MSEC), 1);
	if (tick->failed) histlet_record(&tick->cells[0].response_other, (nsec)next_random(seed) % SEC, tick->failed);
}

static void sum_add(struct series_slot *sum) {
	struct series_counts *counts = &sum->counts;
	counts->ok += tick->ok;
	counts->failed += tick->failed;
	counts->open += tick->open;
	counts->sent += tick->sent_in_window;
	counts->done += tick->done_in_window;
	counts->bytes_received += tick->bytes_received;
	counts->unexpected += tick->failed;
	counts->classes[0] += tick->ok;
	counts->classes[2] += tick->failed;
	histlet_merge(&sum->response_ok, &tick->cells[0].response_ok);
	histlet_merge(&sum->response_other, &tick->cells[0].response_other);
	histlet_merge(&sum->late, &tick->late);
}

static void a_tick_belongs_to_the_slot_in_which_it_ended(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	assert_int_equal(series_count(series), 0);
	static const struct {
		nsec at;
		uint64_t ok;
	} ticks[] = {{100 * MSEC, 1}, {SEC, 2}, {SEC + 1, 4}, {2 * SEC, 8}, {3500 * MSEC, 16}};
	for (size_t i = 0; i < LENGTH(ticks); i++) {
		tick_set(ticks[i].ok, 5 * MSEC);
		series_add(series, ticks[i].at, tick);
	}
	struct seen *seen = look(series);
	static const uint64_t want[] = {1 + 2, 4 + 8, 0, 16};
	assert_int_equal(seen->slots, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(seen->at[i].start, (nsec)i * SEC);
		assert_int_equal(seen->at[i].width, SEC);
		assert_int_equal(seen->at[i].counts.ok, want[i]);
		assert_int_equal(seen->at[i].response_ok.count, want[i]);
		assert_int_equal(seen->at[i].response_ok.sum, (nsec)want[i] * 5 * MSEC);
	}
	free(seen);
	series_free(series);
}

static void a_stored_slot_reads_back_as_it_was(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	uint64_t seed = 7;
	static struct series_slot want[4];
	for (int i = 0; i < 4; i++) {
		tick_randomize(&seed, 500);
		if (i == 2) histlet_record(&tick->cells[0].response_ok, HIST_MAX + 1, 1); /* clipped */
		want[i].start = i * SEC;
		want[i].width = SEC;
		sum_add(&want[i]);
		series_add(series, (i + 1) * SEC, tick);
	}
	struct seen *seen = look(series);
	for (int i = 0; i < 4; i++) assert_memory_equal(&seen->at[i], &want[i], sizeof(want[i]));
	assert_int_equal(want[2].response_ok.clipped, 1);
	free(seen);
	series_free(series);
}

static void a_full_series_doubles_its_width_and_keeps_every_count(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	static struct series_slot sum;
	sum = (struct series_slot){0};
	uint64_t seed = 1;
	for (int i = 0; i < 5 * SERIES_SLOTS; i++) {
		tick_randomize(&seed, 20);
		sum_add(&sum);
		series_add(series, (i + 1) * SEC, tick);
		size_t width = (size_t)(series_width(series) / SEC);
		size_t want_width = i < SERIES_SLOTS ? 1 : i < 2 * SERIES_SLOTS ? 2 : i < 4 * SERIES_SLOTS ? 4 : 8;
		assert_int_equal(width, want_width);
		assert_int_equal(series_count(series), (size_t)i / width + 1);
	}
	struct seen *seen = look(series);
	assert_memory_equal(&seen->sum, &sum, sizeof(sum));
	free(seen);
	series_free(series);
}

static void slots_that_take_much_room_merge_before_the_cap(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	static struct series_slot sum;
	sum = (struct series_slot){0};
	uint64_t seed = 3;
	for (int i = 0; i < 3000; i++) {
		tick_randomize(&seed, 3000);
		sum_add(&sum);
		series_add(series, (i + 1) * SEC, tick);
		assert_true(series_bytes(series) <= SERIES_CAP_BYTES);
	}
	assert_true(series_width(series) > SEC);
	assert_true(series_count(series) > 500); /* and not more than needed */
	struct seen *seen = look(series);
	assert_memory_equal(&seen->sum, &sum, sizeof(sum));
	free(seen);
	series_free(series);
}

static void random_ticks_with_gaps_lose_nothing(void **state) {
	(void)state;
	for (uint64_t round = 1; round <= 20; round++) {
		struct series *series = series_new(10 * MSEC, 1);
		static struct series_slot sum;
		sum = (struct series_slot){0};
		uint64_t seed = round;
		nsec at = 0;
		for (int i = 0; i < 400; i++) {
			at += (nsec)(next_random(&seed) % ((uint64_t)1 << (next_random(&seed) % 34))) + 1;
			tick_randomize(&seed, (unsigned)(next_random(&seed) % 50));
			sum_add(&sum);
			series_add(series, at, tick);
		}
		struct seen *seen = look(series);
		assert_memory_equal(&seen->sum, &sum, sizeof(sum));
		assert_true(seen->next_start >= at && seen->next_start - series_width(series) < at);
		free(seen);
		series_free(series);
	}
}

static void a_year_without_a_tick_is_quickly_passed(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	tick_set(1, MSEC);
	series_add(series, SEC, tick);
	nsec year = (nsec)365 * 24 * 3600 * SEC;
	series_add(series, year, tick);
	/* 31,536,000 s in at most 4,096 slots: 2^13 s wide */
	assert_int_equal(series_width(series), 8192 * SEC);
	assert_int_equal(series_count(series), (31536000 - 1) / 8192 + 1);
	struct seen *seen = look(series);
	assert_int_equal(seen->sum.counts.ok, 2);
	free(seen);
	series_free(series);
}

static void an_ordinary_slot_takes_few_bytes(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	for (int i = 0; i < 11; i++) {
		tick_set(1000, 5 * MSEC);
		series_add(series, (i + 1) * SEC, tick);
	}
	/* 17 counts, of which 1000 takes 2 bytes; 1 pair with its number, clipped, and 5e9 in 5 bytes, 5e6 in 4 bytes twice; two empty histograms */
	assert_int_equal(SERIES_COUNTS, 17);
	assert_int_equal(series_bytes(series), 10 * ((17 + 1) + (1 + 1 + 5 + 4 + 4 + 2 + 2) + 1 + 1));
	series_free(series);
}

static void ends_and_statuses_are_told_apart(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 1);
	static const uint16_t statuses[] = {204, 301, 399, 404, 500, 599, 0, 101, 600, 999};
	static const uint64_t classes[SERIES_CLASSES] = {1, 2, 1, 2, 4};
	tick_set(0, 0);
	tick->failed = tick->cells[0].failed = 31;
	tick->open = tick->cells[0].open = 32;
	tick->reasons[REASON_TIMEOUT_RESPONSE] = 1;
	tick->reasons[REASON_TIMEOUT_CONNECT] = 2;
	tick->reasons[REASON_RESET] = 4;
	tick->reasons[REASON_TLS_EXPIRED] = 8;
	tick->reasons[REASON_STATUS] = 16;
	tick->reasons[REASON_OPEN] = 32;
	for (size_t i = 0; i < LENGTH(statuses); i++) tick->status[statuses[i]]++;
	series_add(series, SEC, tick);
	struct seen *seen = look(series);
	assert_int_equal(seen->sum.counts.timeouts, 1 + 2);
	assert_int_equal(seen->sum.counts.transport, 4 + 8);
	assert_int_equal(seen->sum.counts.unexpected, 16);
	assert_int_equal(seen->sum.counts.open, 32);
	assert_memory_equal(seen->sum.counts.classes, classes, sizeof(classes));
	free(seen);
	series_free(series);
}

/* Adds a tick of a thread that has looked for `span` ms and saw `area` requests x ms on the wire. */
static void tick_wire(struct series *series, nsec at_ms, nsec span, int64_t area) {
	tally_clear(tick);
	tick->wire_span = span * MSEC;
	tick->wire_area = (uint64_t)(area * MSEC);
	series_add(series, at_ms * MSEC, tick);
}

static void requests_on_the_wire_are_a_mean_over_time_and_a_peak(void **state) {
	(void)state;
	struct series *series = series_new(SEC, 2);
	/* Two threads. The first tenth: 3 and 5 on the wire. The second: 20 and nobody, and what the second began just behind its end. The rest: nothing. */
	tick_wire(series, 100, 100, 300);
	tick_wire(series, 100, 100, 500);
	tick_wire(series, 200, 100, 2000);
	tick_wire(series, 200, 100, -1);
	for (nsec at = 300; at <= 1000; at += 100) {
		tick_wire(series, at, 100, at == 300);
		tick_wire(series, at, 100, 0);
	}
	/* The next second ends at 1.25 s; one thread left at 1.1 s; each had 4 on the wire as long as it was there. */
	tick_wire(series, 1100, 200, 800);
	tick_wire(series, 1250, 150, 600);
	struct seen *seen = look(series);
	assert_int_equal(seen->slots, 2);
	assert_int_equal(series_end(series), 1250 * MSEC);
	assert_float_equal(series_on_wire(series, &seen->at[0]), 2.8, 1e-9); /* (300 + 500 + 2000) / 1000 */
	assert_int_equal(seen->at[0].counts.wire_peak, 19990);               /* 1999 / 100 */
	assert_float_equal(series_on_wire(series, &seen->at[1]), 5.6, 1e-9); /* 1400 / 250: looked for 175 each, but 250 have passed */
	assert_int_equal(seen->at[1].counts.wire_peak, 8000);                /* 800 / 100; later 600 / 150 */
	free(seen);
	series_free(series);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tick_belongs_to_the_slot_in_which_it_ended),
		cmocka_unit_test(a_stored_slot_reads_back_as_it_was),
		cmocka_unit_test(a_full_series_doubles_its_width_and_keeps_every_count),
		cmocka_unit_test(slots_that_take_much_room_merge_before_the_cap),
		cmocka_unit_test(random_ticks_with_gaps_lose_nothing),
		cmocka_unit_test(a_year_without_a_tick_is_quickly_passed),
		cmocka_unit_test(an_ordinary_slot_takes_few_bytes),
		cmocka_unit_test(ends_and_statuses_are_told_apart),
		cmocka_unit_test(requests_on_the_wire_are_a_mean_over_time_and_a_peak),
	};
	return cmocka_run_group_tests_name("stats/series", tests, setup, teardown);
}
