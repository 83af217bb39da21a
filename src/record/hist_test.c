#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "record/hist.h"

/* hist_oracle.def is what HdrHistogram for Java gives; made and checked by hist_oracle.java. */

struct edge {
	int64_t value, low, high;
};

struct quantile_case {
	int size;
	double q;
	int64_t value;
};

static int setup(void **state) {
	*state = mem_zeroed(2, sizeof(struct hist));
	return 0;
}

static int teardown(void **state) {
	free(*state);
	return 0;
}

/* The same generator as in hist_oracle.java: times over twelve decimal orders. */
static int64_t oracle_time(uint64_t *seed) {
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (int64_t)((*seed >> 23) >> ((*seed >> 5) % 38));
}

static void hist_slots_have_the_bounds_that_java_gives(void **state) {
	(void)state;
	static const struct edge cases[] = {
#define HIST_EDGE(value, low, high) {value, low, high},
#include "record/hist_oracle.def"
#undef HIST_EDGE
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		uint32_t slot = hist_slot(cases[i].value);
		assert_true(slot < HIST_SLOTS);
		assert_int_equal(hist_slot_low(slot), cases[i].low);
		assert_int_equal(hist_slot_high(slot), cases[i].high);
	}
}

static void histlet_slots_have_the_bounds_that_java_gives(void **state) {
	(void)state;
	static const struct edge cases[] = {
#define HISTLET_EDGE(value, low, high) {value, low, high},
#include "record/hist_oracle.def"
#undef HISTLET_EDGE
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		uint32_t slot = histlet_slot(cases[i].value * USEC + 999);
		assert_true(slot < HISTLET_SLOTS);
		assert_int_equal(histlet_slot_low(slot), cases[i].low * USEC);
		assert_int_equal(histlet_slot_high(slot), cases[i].high * USEC + 999);
	}
}

static void hist_quantiles_are_those_of_java(void **state) {
	struct hist *hist = *state;
	static const struct quantile_case cases[] = {
#define HIST_QUANTILE(size, q, value) {size, q, value},
#include "record/hist_oracle.def"
#undef HIST_QUANTILE
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (i == 0 || cases[i].size != cases[i - 1].size) {
			*hist = (struct hist){0};
			uint64_t seed = (uint64_t)cases[i].size;
			for (int n = 0; n < cases[i].size; n++) hist_record(hist, oracle_time(&seed) % HIST_MAX, 1);
		}
		assert_int_equal(hist_quantile(hist, cases[i].q), cases[i].value);
	}
}

static void histlet_quantiles_are_those_of_java(void **state) {
	(void)state;
	static struct histlet histlet;
	static const struct quantile_case cases[] = {
#define HISTLET_QUANTILE(size, q, value) {size, q, value},
#include "record/hist_oracle.def"
#undef HISTLET_QUANTILE
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (i == 0 || cases[i].size != cases[i - 1].size) {
			histlet = (struct histlet){0};
			uint64_t seed = (uint64_t)cases[i].size;
			for (int n = 0; n < cases[i].size; n++) histlet_record(&histlet, oracle_time(&seed) % (HIST_MAX / USEC) * USEC, 1);
		}
		assert_int_equal(histlet_quantile(&histlet, cases[i].q) / USEC, cases[i].value);
	}
}

static void the_rank_is_the_ceiling_of_q_times_n_in_spite_of_binary_fractions(void **state) {
	(void)state;
	static const struct {
		uint64_t count;
		double q;
		uint64_t want;
	} cases[] = {
		{100, 0.99, 99},
		{100, 0.07, 7},  /* 0.07 * 100 is 7.000000000000001 in doubles */
		{100, 0.29, 29}, /* 28.999999999999996 */
		{1000, 0.999, 999},
		{10000, 0.9999, 9999},
		{20, 0.95, 19},
		{101, 0.99, 100}, /* 99.99 */
		{1, 0.5, 1},
		{2, 0.5, 1},
		{3, 0.5, 2},
		{4, 0.75, 3},
		{10, 0, 1},
		{10, 1, 10},
		{0, 0.5, 1},
		{1000000000000000000, 0.9999, 999900000000000000},
		{1000000000000000001, 0.9999, 999900000000000001},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) assert_int_equal(hist_rank(cases[i].count, cases[i].q), cases[i].want);
}

static void times_of_the_specification_read_as_it_says(void **state) {
	struct hist *hist = *state;
	static const struct {
		nsec time;
		int64_t want_ms;
	} cases[] = {{0, 0}, {2048 * MSEC, 2048}, {3000 * MSEC, 3001}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		*hist = (struct hist){0};
		hist_record(hist, cases[i].time, 1);
		assert_int_equal(hist_quantile(hist, 0.5) / MSEC, cases[i].want_ms);
		assert_int_equal(hist->min, cases[i].time);
		assert_int_equal(hist->max, cases[i].time);
	}
}

static void an_empty_histogram_reads_zero(void **state) {
	struct hist *hist = *state;
	static struct histlet histlet;
	*hist = (struct hist){0};
	assert_int_equal(hist_quantile(hist, 0.99), 0);
	assert_int_equal(histlet_quantile(&histlet, 0.99), 0);
}

static void slots_tile_the_range_with_an_error_of_at_most_one_in_a_thousand(void **state) {
	(void)state;
	for (uint32_t slot = 0; hist_slot_low(slot) < HIST_MAX; slot++) {
		assert_int_equal(hist_slot(hist_slot_low(slot)), slot);
		assert_int_equal(hist_slot(hist_slot_high(slot)), slot);
		assert_int_equal(hist_slot_high(slot) + 1, hist_slot_low(slot + 1));
		assert_true((hist_slot_high(slot) - hist_slot_low(slot)) * 1000 <= hist_slot_low(slot));
	}
	for (uint32_t slot = 0; histlet_slot_low(slot) < HIST_MAX; slot++) {
		assert_int_equal(histlet_slot(histlet_slot_low(slot)), slot);
		assert_int_equal(histlet_slot(histlet_slot_high(slot)), slot);
		assert_int_equal(histlet_slot_high(slot) + 1, histlet_slot_low(slot + 1));
		if (slot > 0) assert_true((histlet_slot_high(slot) - histlet_slot_low(slot) - (USEC - 1)) * 100 <= histlet_slot_low(slot));
	}
}

static void times_out_of_range_count_at_its_ends(void **state) {
	struct hist *hist = *state;
	*hist = (struct hist){0};
	hist_record(hist, -5, 1);
	assert_int_equal(hist->clipped, 0);
	hist_record(hist, HIST_MAX, 1);
	assert_int_equal(hist->clipped, 0);
	hist_record(hist, HIST_MAX + 1, 2);
	hist_record(hist, INT64_MAX, 1);
	assert_int_equal(hist->clipped, 3);
	assert_int_equal(hist->count, 5);
	assert_int_equal(hist->min, 0);
	assert_int_equal(hist->max, HIST_MAX);
	assert_int_equal(hist->sum, 4 * HIST_MAX);
}

static void the_sum_stays_at_its_maximum(void **state) {
	struct hist *hist = *state;
	*hist = (struct hist){0};
	hist_record(hist, HIST_MAX, 2562047); /* 2562047 * 3.6e12 is the last multiple below 2^63 */
	assert_true(hist->sum < INT64_MAX);
	hist_record(hist, HIST_MAX, 1);
	assert_int_equal(hist->sum, INT64_MAX);
	hist_record(hist, HIST_MAX, UINT64_MAX / 4);
	assert_int_equal(hist->sum, INT64_MAX);
	hist_merge(&hist[1], hist);
	hist_merge(&hist[1], hist);
	assert_int_equal(hist[1].sum, INT64_MAX);
}

static void merging_gives_what_recording_everything_in_one_gives(void **state) {
	struct hist *parts = *state;
	static struct hist whole;
	static struct histlet small_parts[2], small_whole;
	memset(parts, 0, 2 * sizeof(*parts));
	uint64_t seed = 42;
	for (int i = 0; i < 5000; i++) {
		nsec time = oracle_time(&seed);
		hist_record(&parts[i % 3 == 0], time, 1);
		hist_record(&whole, time, 1);
		histlet_record(&small_parts[i % 3 == 0], time, 1);
		histlet_record(&small_whole, time, 1);
	}
	static struct hist nothing;
	static struct histlet small_nothing;
	hist_merge(&parts[0], &nothing);
	hist_merge(&parts[0], &parts[1]);
	assert_memory_equal(&parts[0], &whole, sizeof(whole));
	hist_merge(&nothing, &whole);
	assert_memory_equal(&nothing, &whole, sizeof(whole));
	histlet_merge(&small_parts[0], &small_parts[1]);
	assert_memory_equal(&small_parts[0], &small_whole, sizeof(small_whole));
	histlet_merge(&small_nothing, &small_whole);
	assert_memory_equal(&small_nothing, &small_whole, sizeof(small_whole));
}

static void recording_many_times_is_recording_once_many_times(void **state) {
	struct hist *hist = *state;
	memset(hist, 0, 2 * sizeof(*hist));
	hist_record(&hist[0], 12345678, 3);
	for (int i = 0; i < 3; i++) hist_record(&hist[1], 12345678, 1);
	assert_memory_equal(&hist[0], &hist[1], sizeof(*hist));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hist_slots_have_the_bounds_that_java_gives),
		cmocka_unit_test(histlet_slots_have_the_bounds_that_java_gives),
		cmocka_unit_test(hist_quantiles_are_those_of_java),
		cmocka_unit_test(histlet_quantiles_are_those_of_java),
		cmocka_unit_test(the_rank_is_the_ceiling_of_q_times_n_in_spite_of_binary_fractions),
		cmocka_unit_test(times_of_the_specification_read_as_it_says),
		cmocka_unit_test(an_empty_histogram_reads_zero),
		cmocka_unit_test(slots_tile_the_range_with_an_error_of_at_most_one_in_a_thousand),
		cmocka_unit_test(times_out_of_range_count_at_its_ends),
		cmocka_unit_test(the_sum_stays_at_its_maximum),
		cmocka_unit_test(merging_gives_what_recording_everything_in_one_gives),
		cmocka_unit_test(recording_many_times_is_recording_once_many_times),
	};
	return cmocka_run_group_tests_name("record/hist", tests, setup, teardown);
}
