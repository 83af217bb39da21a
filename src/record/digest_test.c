#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "record/digest.h"

static int setup(void **state) {
	*state = mem_zeroed(2, sizeof(struct digest));
	return 0;
}

static int teardown(void **state) {
	free(*state);
	return 0;
}

static void add(struct digest *digest, nsec time, enum reason reason) {
	struct sample sample = {.due = SEC, .done = SEC + time, .bytes = 10, .reason = (uint8_t)reason};
	if (reason == REASON_OPEN) sample.flags = SAMPLE_OPEN;
	digest_record(digest, &sample);
}

static void an_empty_one_has_no_times(void **state) {
	struct digest *digest = *state;
	assert_int_equal(digest_count(digest), 0);
	assert_int_equal(digest_quantile(digest, 0.5), 0);
	digest_merge(digest, digest + 1);
	assert_int_equal(digest_count(digest) + (uint64_t)digest->max, 0);
}

static void requests_count_by_how_they_ended(void **state) {
	struct digest *digest = *state;
	add(digest, 3 * MSEC, REASON_NONE);
	add(digest, 5 * MSEC, REASON_STATUS);
	add(digest, 1 * MSEC, REASON_RESET);
	add(digest, 9 * MSEC, REASON_OPEN);
	assert_int_equal(digest->ok, 1);
	assert_int_equal(digest->failed, 2);
	assert_int_equal(digest->open, 1);
	assert_int_equal(digest_count(digest), 4);
	assert_int_equal(digest->bytes, 40);
	assert_int_equal(digest->sum, 18 * MSEC);
	assert_int_equal(digest->min, 1 * MSEC);
	assert_int_equal(digest->max, 9 * MSEC);
}

/* An open request may carry a reason already; it counts as open only. */
static void an_open_request_is_neither_ok_nor_failed(void **state) {
	struct digest *digest = *state;
	struct sample sample = {.done = MSEC, .reason = REASON_RESET, .flags = SAMPLE_OPEN};
	digest_record(digest, &sample);
	sample.reason = REASON_NONE;
	digest_record(digest, &sample);
	assert_int_equal(digest->open, 2);
	assert_int_equal(digest->ok + digest->failed, 0);
}

/* One time of a slot and a longer one: the median is the end of the slot. 32 us and more come in 16 slots an octave. */
static void a_quantile_is_the_end_of_its_slot(void **state) {
	(void)state;
	static const struct {
		nsec time, end;
	} cases[] = {
		{0, 999}, {999, 999}, {1000, 1999}, {31 * USEC, 32 * USEC - 1}, {32 * USEC, 34 * USEC - 1}, /* 2 us wide up to 64 us */
		{33 * USEC + 999, 34 * USEC - 1}, {63 * USEC, 64 * USEC - 1}, {64 * USEC, 68 * USEC - 1},   /* 4 us wide */
		{1000 * USEC, 1024 * USEC - 1},                                                             /* 32 us wide from 512 us: 992 .. 1023 */
		{5 * MSEC, 5120 * USEC - 1},         /* 256 us wide from 4,096 us: 4,864 .. 5,119 */
		{1 * SEC, 1015808 * USEC - 1},       /* 32,768 us wide from 524,288 us: 983,040 .. 1,015,807 */
		{3599 * SEC, 3623878656 * USEC - 1}, /* 134,217,728 us wide: the last slot there is, 26 x that to 27 x that */
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct digest *digest = mem_zeroed(1, sizeof(*digest));
		add(digest, cases[i].time, REASON_NONE);
		assert_int_equal(digest_quantile(digest, 0.5), cases[i].time); /* not over max */
		digest->max = INT64_MAX;
		assert_int_equal(digest_quantile(digest, 0.5), cases[i].end);
		free(digest);
	}
}

static void quantiles_of_one_to_a_thousand_are_their_ranks_within_a_sixteenth(void **state) {
	struct digest *digest = *state;
	for (nsec time = 1; time <= 1000; time++) add(digest, time * MSEC, time % 3 ? REASON_NONE : REASON_CUT);
	static const struct {
		double q;
		nsec rank;
	} cases[] = {{0, 1}, {0.01, 10}, {0.25, 250}, {0.5, 500}, {0.9, 900}, {0.99, 990}, {0.999, 999}, {1, 1000}};
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_in_range(digest_quantile(digest, cases[i].q), cases[i].rank * MSEC, cases[i].rank * MSEC * 17 / 16);
	assert_int_equal(digest_quantile(digest, 1), 1000 * MSEC);
}

static void times_over_an_hour_count_as_an_hour(void **state) {
	struct digest *digest = *state;
	add(digest, 3600 * SEC, REASON_NONE);
	add(digest, INT64_MAX - SEC, REASON_NONE);
	assert_int_equal(digest->max, 3600 * SEC);
	assert_int_equal(digest->sum, 7200 * SEC);
	assert_int_equal(digest_quantile(digest, 0.99), 3600 * SEC);
}

static void two_merged_ones_are_the_digest_of_all_samples(void **state) {
	struct digest *part = *state, *other = part + 1, *whole = mem_zeroed(1, sizeof(*whole));
	for (nsec i = 0; i < 1000; i++) {
		enum reason reason = i % 7 == 0 ? REASON_CUT : i % 11 == 0 ? REASON_OPEN : REASON_NONE;
		add(whole, 50 * USEC + i * i * USEC, reason);
		add(i % 3 ? part : other, 50 * USEC + i * i * USEC, reason);
	}
	digest_merge(part, other);
	assert_memory_equal(part, whole, sizeof(*whole));
	memset(other, 0, sizeof(*other));
	digest_merge(part, other); /* of an empty one, min 0, nothing is taken */
	digest_merge(other, part);
	assert_memory_equal(other, whole, sizeof(*whole));
	free(whole);
}

static void what_cannot_grow_any_more_stays(void **state) {
	struct digest *digest = *state;
	add(digest, 500, REASON_NONE);
	digest->slots[0] = UINT32_MAX;
	digest->sum = INT64_MAX - 10;
	digest[1] = digest[0];
	add(digest, 700, REASON_NONE);
	assert_int_equal(digest->slots[0], UINT32_MAX);
	assert_int_equal(digest->sum, INT64_MAX);
	digest_merge(digest + 1, digest);
	assert_int_equal(digest[1].slots[0], UINT32_MAX);
	assert_int_equal(digest[1].sum, INT64_MAX);
	assert_int_equal(digest[1].ok, 3);
	digest->ok = 3ull * UINT32_MAX; /* more than its slots tell */
	assert_int_equal(digest_quantile(digest, 0.99), 700);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_one_has_no_times, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_count_by_how_they_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(an_open_request_is_neither_ok_nor_failed, setup, teardown),
		cmocka_unit_test(a_quantile_is_the_end_of_its_slot),
		cmocka_unit_test_setup_teardown(quantiles_of_one_to_a_thousand_are_their_ranks_within_a_sixteenth, setup, teardown),
		cmocka_unit_test_setup_teardown(times_over_an_hour_count_as_an_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(two_merged_ones_are_the_digest_of_all_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_grow_any_more_stays, setup, teardown),
	};
	return cmocka_run_group_tests_name("record/digest", tests, NULL, NULL);
}
