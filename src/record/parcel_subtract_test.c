#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record/parcel_bytes.h"
#include "record/parcel_fixture.h"

#define SNAPSHOTS 6

static void record_all(struct tally *tally, const nsec *times, size_t count) {
	for (size_t i = 0; i < count; i++) histlet_record(&tally->late, times[i], 1);
}

/* Times up to 256 us have slots of 1 us. */
static void the_difference_knows_the_extremes_of_what_grew(void **state) {
	(void)state;
	static const struct {
		nsec first[3], then[3]; /* 0 ends */
		uint64_t count;
		nsec sum, min, max;
	} cases[] = {
		{{5000, 5000}, {5000, 9500, 300000}, 3, 314500, 5000, 300000},   /* the max grew; the slot of the min did */
		{{5200, 90000}, {20300, 20400, 70100}, 3, 110800, 20000, 70999}, /* both within: by their slots */
		{{5200, 90000}, {5700}, 1, 5700, 5200, 5999},                    /* in the slot of the min, which is known exactly */
		{{5200, 90500}, {90100, 90200}, 2, 180300, 90000, 90500},        /* in that of the max */
		{{5200, 90500}, {5100, 90700}, 2, 95800, 5100, 90700},           /* both grew, in slots that had some */
		{{0}, {7100, 8200}, 2, 15300, 7100, 8200},                       /* the first */
		{{7100, 8200}, {0}, 0, 0, 0, 0},                                 /* nothing */
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct counted *counted = counted_new();
		struct tally *tick = tally_new(ROWS);
		struct err err;
		size_t first = 0, then = 0;
		while (first < 3 && cases[i].first[first]) first++;
		while (then < 3 && cases[i].then[then]) then++;
		record_all(counted->tally, cases[i].first, first);
		struct buf old = counted_write(counted, false);
		record_all(counted->tally, cases[i].then, then);
		struct buf new = counted_write(counted, false);
		assert_true(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, tick, &err));
		assert_int_equal(tick->late.count, cases[i].count);
		assert_int_equal(tick->late.sum, cases[i].sum);
		assert_int_equal(tick->late.min, cases[i].min);
		assert_int_equal(tick->late.max, cases[i].max);
		buf_fini(&old);
		buf_fini(&new);
		free(tick);
		counted_free(counted);
	}
}

static void slots_equal(const struct histlet *a, const struct histlet *b) {
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->clipped, b->clipped);
	assert_int_equal(a->sum, b->sum);
	assert_memory_equal(a->slots, b->slots, sizeof(a->slots));
	if (a->count == 0) return;
	assert_int_equal(histlet_slot(a->min), histlet_slot(b->min));
	assert_int_equal(histlet_slot(a->max), histlet_slot(b->max));
}

/* Each difference is the tally of what was counted in between, the extremes known by their slots; all of them together are the whole, extremes and all. */
static void differences_are_the_ticks(void **state) {
	(void)state;
	struct counted *whole = counted_new();
	struct tally *sum = tally_new(ROWS);
	struct buf old = {0};
	uint64_t seed = 2026;
	for (int i = 0; i < SNAPSHOTS; i++) {
		struct counted *between = counted_new();
		struct tally *tick = tally_new(ROWS);
		struct err err;
		for (int k = 0; k < 700 * i; k++) { /* none in the first */
			struct sample sample = sample_draw(&seed);
			sample.address = (uint16_t)(i < 3 ? 0 : sample.address); /* some groups begin late */
			counted_add(whole, &sample);
			counted_add(between, &sample);
		}
		struct buf new = counted_write(whole, i == SNAPSHOTS - 1);
		assert_true(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, tick, &err));
		assert_true(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, sum, &err));
		tick->longest_gap = between->tally->longest_gap; /* known only if it has grown */
		assert_memory_equal(tick, between->tally, offsetof(struct tally, late));
		slots_equal(&tick->late, &between->tally->late);
		for (size_t row = 0; row < ROWS; row++) {
			assert_memory_equal(&tick->cells[row], &between->tally->cells[row], offsetof(struct cell, response_ok));
			slots_equal(&tick->cells[row].response_ok, &between->tally->cells[row].response_ok);
			slots_equal(&tick->cells[row].response_other, &between->tally->cells[row].response_other);
			slots_equal(&tick->cells[row].service, &between->tally->cells[row].service);
		}
		buf_fini(&old);
		old = new;
		free(tick);
		counted_free(between);
	}
	assert_memory_equal(sum, whole->tally, TALLY_BYTES);
	buf_fini(&old);
	free(sum);
	counted_free(whole);
}

static void every_counter_is_subtracted(void **state) {
	(void)state;
	struct counted *counted = counted_new();
	struct tally *tick = tally_new(ROWS), *want = tally_new(ROWS);
	struct err err;
	tally_fill(counted->tally, 1);
	struct buf old = counted_write(counted, false);
	tally_fill(counted->tally, 1000);
	struct buf new = counted_write(counted, false);
	assert_true(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, tick, &err));
	tally_fill(want, 999);
	want->longest_gap = counted->tally->longest_gap;
	want->stream_limit = counted->tally->stream_limit;
	assert_memory_equal(tick, want, TALLY_BYTES);
	buf_fini(&old);
	buf_fini(&new);
	free(tick);
	free(want);
	counted_free(counted);
}

/* Each change makes the later parcel one that cannot follow. */
static void shrink(struct tally *tally, int how) {
	struct cell *cell = &tally->cells[ADDRESS_2];
	switch (how) {
	case 0: tally->planned--; break;
	case 1: tally->status[200]--; break;
	case 2: tally->spun--; break;
	case 3: tally->longest_gap--; break;
	case 4: cell->ok--; break;
	case 5: tally->reasons[REASON_CUT] = 0; break;
	case 6: memset(&cell->service, 0, sizeof(cell->service)); break;
	case 7: memset(cell, 0, sizeof(*cell)); break;
	case 8: /* another time instead */
		memset(&cell->service, 0, sizeof(cell->service));
		histlet_record(&cell->service, 7 * MSEC, 1);
		break;
	case 9: cell->service.sum--; break;
	case 10: cell->service.max = cell->service.min; break;
	case 11: histlet_record(&cell->service, 5 * MSEC, 1); break; /* more, but of no request */
	default: assert(false);
	}
}

static void a_sender_that_has_less_than_before_is_refused(void **state) {
	(void)state;
	for (int how = 0; how <= 11; how++) {
		struct counted *counted = counted_new();
		struct tally *tick = tally_new(ROWS), *untouched = tally_new(ROWS);
		struct cell *cell = &counted->tally->cells[ADDRESS_2];
		struct err err = {0};
		counted->tally->planned = counted->tally->status[200] = counted->tally->reasons[REASON_CUT] = cell->ok = 1;
		counted->tally->spun = counted->tally->longest_gap = 1;
		histlet_record(&cell->service, 5 * MSEC, 1);
		histlet_record(&cell->service, 5 * MSEC + 1, 1);
		struct buf old = counted_write(counted, false);
		counted->tally->wire_area = 77;
		shrink(counted->tally, how);
		struct buf new = counted_write(counted, false);
		assert_false(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, tick, &err));
		assert_memory_equal(tick, untouched, TALLY_BYTES);
		assert_int_equal(err.code, ERR_FAILED);
		assert_non_null(strstr(err.text, how == 11              ? "times without requests"
						 : how == 4 || how == 7 ? "a group has lost its counts"
						 : how == 10            ? "contradict"
									: "less than the one before it"));
		buf_fini(&old);
		buf_fini(&new);
		free(tick);
		free(untouched);
		counted_free(counted);
	}
}

static void what_is_wrong_is_said(void **state) {
	(void)state;
	struct tally *tally = tally_new(1);
	struct parcel_sum sum = {.tally = tally};
	struct buf good;
	struct err err;
	buf_init(&good, 10000);
	assert_true(parcel_write(&(struct parcel){.tally = tally}, &good));
	const struct parcel_map one = {.count = 1}, two = {.count = 2};
	char bad[10000] = {0};
	memcpy(bad, good.at, good.size);

	assert_false(parcel_add(bytes_of(&good), &two, &sum, &err));
	assert_non_null(strstr(err.text, "its groups are not those of this run"));
	assert_false(parcel_add((struct slice){0}, &one, &sum, &err));
	assert_string_equal(err.text, "the counts of the run cannot be used: it is cut off (byte 0 of 0)");
	assert_false(parcel_add((struct slice){bad, good.size + 1}, &one, &sum, &err));
	assert_non_null(strstr(err.text, "bytes follow its end"));
	bad[0]++;
	assert_false(parcel_add((struct slice){bad, good.size}, &one, &sum, &err));
	assert_non_null(strstr(err.text, "another version of strest: use the same one on all machines"));
	bad[0]--;
	bad[1] ^= 1;
	assert_false(parcel_add((struct slice){bad, good.size}, &one, &sum, &err));
	assert_non_null(strstr(err.text, "another build of strest"));
	bad[1] ^= 1;
	assert_true(parcel_add((struct slice){bad, good.size}, &one, &sum, &err));
	bad[good.size - 1] = 2; /* whether totals follow */
	assert_false(parcel_add((struct slice){bad, good.size}, &one, &sum, &err));
	assert_non_null(strstr(err.text, "a mark is neither 0 nor 1"));
	buf_fini(&good);
	free(tally);
}

/* Those who clear a tally would overlook such a group. */
static void times_of_a_group_without_requests_are_refused(void **state) {
	(void)state;
	struct tally *tally = tally_new(1), *untouched = tally_new(1);
	struct buf one, two;
	struct err err;
	buf_init(&one, 10000);
	buf_init(&two, 10000);
	histlet_record(&tally->cells[0].service, MSEC, 1);
	tally->cells[0].ok = 1;
	assert_true(parcel_write(&(struct parcel){.tally = tally}, &one));
	tally->cells[0].ok = 2;
	assert_true(parcel_write(&(struct parcel){.tally = tally}, &two));
	memset(&tally->cells[0], 0, sizeof(tally->cells[0]));
	size_t at = 0;
	while (one.at[at] == two.at[at]) at++;
	one.at[at] = 0;
	assert_false(parcel_add(bytes_of(&one), &(struct parcel_map){.count = 1}, &(struct parcel_sum){.tally = tally}, &err));
	assert_non_null(strstr(err.text, "a group has times without requests"));
	assert_memory_equal(tally, untouched, sizeof(*tally) + sizeof(struct cell));
	buf_fini(&one);
	buf_fini(&two);
	free(tally);
	free(untouched);
}

/* A histogram that says of itself what cannot be. */
static void contradictions_are_refused(void **state) {
	(void)state;
	for (int how = 0; how < 9; how++) {
		struct counted *from = counted_new(), *to = counted_new(), *untouched = counted_new();
		struct err err = {0};
		histlet_record(&from->tally->late, 10 * USEC, 3);
		histlet_record(&from->tally->late, 40 * USEC, 4);
		struct histlet *late = &from->tally->late;
		switch (how) {
		case 0: late->count++; break;
		case 1: late->count--; break;
		case 2: late->clipped = 8; break;
		case 3: late->sum = 7 * 40 * USEC + 1; break;
		case 4: late->sum = 7 * 10 * USEC - 1; break;
		case 5: late->min = 9 * USEC; break;
		case 6: late->max = 50 * USEC; break;
		case 7: late->max = 20 * USEC; break; /* the slot of 40 us is not written */
		case 8: late->count = 1ull << 60; break;
		}
		struct buf buf = counted_write(from, true);
		assert_false(counted_take(to, bytes_of(&buf), &same_rows, &err));
		assert_non_null(strstr(err.text, how == 8 ? "counts more than a run can" : "contradict each other"));
		assert_counted_equal(to, untouched);
		buf_fini(&buf);
		counted_free(from);
		counted_free(to);
		counted_free(untouched);
	}
}

static struct counted *some_run(bool more) {
	struct counted *counted = counted_new();
	uint64_t seed = 5;
	for (int i = 0; i < (more ? 60 : 30); i++) {
		struct sample sample = sample_draw(&seed);
		counted_add(counted, &sample);
	}
	counted->facts.asked_per_s = 50;
	return counted;
}

/* Cut off anywhere: refused. A byte changed anywhere: refused without a trace, or taken. */
static void a_damaged_parcel_is_refused_as_a_whole(void **state) {
	(void)state;
	struct counted *first = some_run(false), *then = some_run(true);
	struct buf old = counted_write(first, false), new = counted_write(then, true);
	struct parcel_sum sum = {.tally = tally_new(ROWS)};
	struct tally *untouched = tally_new(ROWS);
	struct err err;
	size_t refused = 0;
	for (size_t size = 0; size < new.size; size++) assert_false(parcel_add((struct slice){new.at, size}, &same_rows, &sum, &err));
	assert_memory_equal(sum.tally, untouched, TALLY_BYTES);
	for (size_t i = 0; i < new.size; i++) {
		char kept = new.at[i];
		new.at[i] = (char)(kept ^ (1 << i % 8));
		bool added = parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, sum.tally, &err);
		if (added)
			memset((char *)sum.tally, 0, offsetof(struct tally, cell_count)),
				memset(&sum.tally->late, 0, TALLY_BYTES - offsetof(struct tally, late));
		else
			refused++;
		if (!added && i % 16 == 0) assert_memory_equal(sum.tally, untouched, TALLY_BYTES);
		new.at[i] = kept;
	}
	assert_true(refused > new.size / 2);
	assert_memory_equal(sum.tally, untouched, TALLY_BYTES);
	assert_true(parcel_subtract(bytes_of(&old), bytes_of(&new), &same_rows, sum.tally, &err));
	free(sum.tally);
	free(untouched);
	buf_fini(&old);
	buf_fini(&new);
	counted_free(first);
	counted_free(then);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_difference_knows_the_extremes_of_what_grew),
		cmocka_unit_test(differences_are_the_ticks),
		cmocka_unit_test(every_counter_is_subtracted),
		cmocka_unit_test(a_sender_that_has_less_than_before_is_refused),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(times_of_a_group_without_requests_are_refused),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(a_damaged_parcel_is_refused_as_a_whole),
	};
	return cmocka_run_group_tests_name("record/parcel_subtract", tests, NULL, NULL);
}
