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

static void visit(void *user, const struct series_slot *slot) {
	struct seen *seen = user;
	assert_int_equal(slot->start, seen->next_start);
	seen->next_start += slot->width;
	if (seen->slots < 4) seen->at[seen->slots] = *slot;
	seen->slots++;
	seen->sum.ok += slot->ok;
	seen->sum.failed += slot->failed;
	seen->sum.open += slot->open;
	seen->sum.sent += slot->sent;
	seen->sum.done += slot->done;
	seen->sum.bytes_received += slot->bytes_received;
	histlet_merge(&seen->sum.response, &slot->response);
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
}

static void sum_add(struct series_slot *sum) {
	sum->ok += tick->ok;
	sum->failed += tick->failed;
	sum->open += tick->open;
	sum->sent += tick->sent_in_window;
	sum->done += tick->done_in_window;
	sum->bytes_received += tick->bytes_received;
	histlet_merge(&sum->response, &tick->cells[0].response_ok);
}

static void a_tick_belongs_to_the_slot_in_which_it_ended(void **state) {
	(void)state;
	struct series *series = series_new(SEC);
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
		assert_int_equal(seen->at[i].ok, want[i]);
		assert_int_equal(seen->at[i].response.count, want[i]);
		assert_int_equal(seen->at[i].response.sum, (nsec)want[i] * 5 * MSEC);
	}
	free(seen);
	series_free(series);
}

static void a_stored_slot_reads_back_as_it_was(void **state) {
	(void)state;
	struct series *series = series_new(SEC);
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
	assert_int_equal(want[2].response.clipped, 1);
	free(seen);
	series_free(series);
}

static void a_full_series_doubles_its_width_and_keeps_every_count(void **state) {
	(void)state;
	struct series *series = series_new(SEC);
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
	struct series *series = series_new(SEC);
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
		struct series *series = series_new(10 * MSEC);
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
	struct series *series = series_new(SEC);
	tick_set(1, MSEC);
	series_add(series, SEC, tick);
	nsec year = (nsec)365 * 24 * 3600 * SEC;
	series_add(series, year, tick);
	/* 31,536,000 s in at most 4,096 slots: 2^13 s wide */
	assert_int_equal(series_width(series), 8192 * SEC);
	assert_int_equal(series_count(series), (31536000 - 1) / 8192 + 1);
	struct seen *seen = look(series);
	assert_int_equal(seen->sum.ok, 2);
	free(seen);
	series_free(series);
}

static void an_ordinary_slot_takes_few_bytes(void **state) {
	(void)state;
	struct series *series = series_new(SEC);
	for (int i = 0; i < 11; i++) {
		tick_set(1000, 5 * MSEC);
		series_add(series, (i + 1) * SEC, tick);
	}
	/* 6 counters, clipped and 1 pair: 1000 takes 2 bytes, 5e9 5 bytes, 5e6 4 bytes twice */
	assert_int_equal(series_bytes(series), 10 * (2 + 1 + 1 + 1 + 1 + 1 + 1 + 5 + 4 + 4 + 1 + 2 + 2));
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
	};
	return cmocka_run_group_tests_name("stats/series", tests, setup, teardown);
}
