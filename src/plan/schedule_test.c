#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>

#include "plan/schedule.h"

/* A schedule from stages as text; `rate` without any. */
static const struct schedule *build(double rate, const char *stages) {
	static struct schedule schedule;
	static struct stage_list list;
	struct slice bad;
	list.count = 0;
	if (stages && !stage_list_parse(slice_of(stages), &list, &bad)) fail_msg("'%s'", stages);
	schedule = (struct schedule){0};
	schedule_build(&schedule, rate, &list);
	return &schedule;
}

/* By hand, from the line of each stage. */
static void the_rate_of_a_moment_lies_on_its_line(void **state) {
	(void)state;
	static const struct {
		nsec at;
		double rate;
		bool moving;
	} rows[] = {{0, 0, true}, {5 * SEC, 50, true}, {10 * SEC, 100, true}, {12 * SEC, 80, true}, {20 * SEC, 0, false}, {99 * SEC, 0, false}};
	const struct schedule *schedule = build(0, "10s@100,10s@0");
	bool moving;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_float_equal(schedule_rate(schedule, rows[i].at, &moving), rows[i].rate, 1e-9);
		assert_int_equal(moving, rows[i].moving);
	}
	assert_float_equal(schedule_rate(build(250, NULL), 7 * SEC, &moving), 250, 1e-9);
	assert_false(moving);
}

/* A ramp from 0 to 100/s in 10 s has the integral 5 t^2, so that k is due at sqrt(k / 5); down again it is the mirror image. */
static void due_times_are_those_of_the_hand(void **state) {
	(void)state;
	static const struct {
		double rate;
		const char *stages;
		double k;
		nsec due;
	} rows[] = {
		{1000, NULL, 0, 0},
		{1000, NULL, 1, MSEC},
		{1000, NULL, 12345, 12345 * MSEC},
		{3, NULL, 1, 333333333},
		{3, NULL, 2, 666666667}, /* rounded, not cut */
		{3, NULL, 3, SEC},
		{0.001, NULL, 1, 1000 * SEC},
		{1e7, NULL, 1, 100},
		{997, NULL, 997000, 1000 * SEC},
		{0, "10s@100", 0, 0},
		{0, "10s@100", 5, SEC},
		{0, "10s@100", 20, 2 * SEC},
		{0, "10s@100", 125, 5 * SEC},
		{0, "10s@100", 1, 447213595}, /* sqrt(0.2) s */
		{0, "10s@100", 500, 10 * SEC},
		{0, "10s@100", 501, 10 * SEC + 10 * MSEC}, /* the last target holds */
		{0, "10s@100", 1500, 20 * SEC},
		{0, "10s@100,10s@0", 595, 11 * SEC},
		{0, "10s@100,10s@0", 875, 15 * SEC},
		{0, "10s@100,10s@0", 995, 19 * SEC},
		{0, "10s@100,10s@0", 1000, 20 * SEC},
		{0, "10s@100,10s@0", 1001, NSEC_NEVER},
		{100, "10s@0", 95, SEC}, /* 100 t - 5 t^2 */
		{100, "10s@0", 375, 5 * SEC},
		{100, "10s@100", 750, 7500 * MSEC},
		{0, "10s@100,10s@100,20s@300", 500 + 1000 + 250, 22247448714}, /* 100 t + 5 t^2 = 250: t = sqrt(150) - 10 */
		{0, "10s@0,10s@100", 5, 11 * SEC},                             /* nothing in the first 10 s */
		{0, "10s@0,10s@100", 500, 20 * SEC},
		{0, "10s@100,10s@0,10s@0,10s@100", 1001, 30447213595}, /* a pause of 10 s in the middle */
		{0, "10s@100,10s@0,10s@0,10s@100", 999, 19552786405},
		{0, "10s@100,10s@0,10s@0,10s@100", 1500, 40 * SEC},
		{0, "10s@0", 1, NSEC_NEVER},
	};
	size_t wrong = 0;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		nsec due = schedule_moment(build(rows[i].rate, rows[i].stages), rows[i].k);
		if (due != rows[i].due)
			print_error("rate %g, stages %s, k %g: %" PRId64 "\n", rows[i].rate, rows[i].stages ? rows[i].stages : "-", rows[i].k, due);
		wrong += due != rows[i].due;
	}
	assert_int_equal(wrong, 0);
}

static void integrals_are_those_of_the_hand(void **state) {
	(void)state;
	static const struct {
		double rate;
		const char *stages;
		nsec at;
		double integral;
	} rows[] = {
		{1000, NULL, 0, 0},
		{1000, NULL, 1500 * USEC, 1.5},
		{50000, NULL, 20000 * SEC, 1e9},
		{0, "10s@100", SEC, 5},
		{0, "10s@100", 10 * SEC, 500},
		{0, "10s@100", 12 * SEC, 700},
		{0, "10s@100,10s@0", 11 * SEC, 595},
		{0, "10s@100,10s@0", 20 * SEC, 1000},
		{0, "10s@100,10s@0", 3600 * SEC, 1000},
		{0, "10s@0,10s@100", 10 * SEC, 0},
		{0, "10s@0,10s@100", 15 * SEC, 125},
		{0, "10s@100,10s@200,10s@50", 30 * SEC, 500 + 1500 + 1250},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		double integral = schedule_integral(build(rows[i].rate, rows[i].stages), rows[i].at);
		if (fabs(integral - rows[i].integral) > 1e-9 * (1 + rows[i].integral)) fail_msg("row %zu: %.17g", i, integral);
	}
}

static const char *const shapes[] = {NULL, "60s@1000", "20s@1000,20s@100,20s@1500", "10s@500,10s@500,10s@0,10s@0,10s@800", "1ms@3000,30s@10,30s@2999",
	"7s@13.7,1s@1000,500ms@3.25,40s@77"};

static const struct schedule *build_shape(size_t i) {
	return build(shapes[i] ? 0 : 997, shapes[i]);
}

/* A moment is rounded to ns: within half a ns the integral moves by at most the rate times that. */
static void moment_and_integral_are_inverse(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		const struct schedule *schedule = build_shape(i);
		double end = schedule_integral(schedule, 60 * SEC);
		nsec last = 0;
		for (double k = 0; k < end; k += 0.37) {
			nsec due = schedule_moment(schedule, k);
			assert_true(due >= last); /* never back in time */
			assert_true(fabs(schedule_integral(schedule, due) - k) <= 3000 * 1e-9 + 1e-9);
			last = due;
		}
	}
}

static void the_peak_is_the_highest_rate_before_the_end(void **state) {
	(void)state;
	static const struct {
		double rate;
		const char *stages;
		nsec end;
		double peak;
	} rows[] = {{500, NULL, SEC, 500}, {0, "10s@100", 5 * SEC, 50}, {0, "10s@100", 10 * SEC, 100}, {0, "10s@100", 60 * SEC, 100},
		{0, "10s@100,10s@20", 15 * SEC, 100}, {0, "10s@100,10s@300,10s@50", 60 * SEC, 300}, {0, "10s@100,10s@300", 15 * SEC, 200}};
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_true(fabs(schedule_peak(build(rows[i].rate, rows[i].stages), rows[i].end) - rows[i].peak) < 1e-9);
}

/* 10^9 requests at 50,000/s are due at exactly 20,000 s. At an odd rate the exact quotient is computed in integers: the schedule is off by at
 * most 1 ns, and by what the 53 bits of a double cannot hold (2^53 ns are 104 days). */
static void a_long_run_does_not_drift(void **state) {
	(void)state;
	const struct schedule *schedule = build(50000, NULL);
	assert_int_equal(schedule_moment(schedule, 1e9), 20000 * SEC);
	struct cursor cursor;
	cursor_init(&cursor, schedule, 0, 1);
	assert_int_equal(cursor_skip(&cursor, 20000 * SEC), 1000000000);
	assert_int_equal(cursor.k, 1000000000);
	assert_int_equal(cursor.due, 20000 * SEC);
	cursor_next(&cursor);
	assert_int_equal(cursor.due, 20000 * SEC + 20 * USEC);
	static const int64_t rates[] = {3, 7, 997, 12347, 999983};
	for (size_t i = 0; i < LENGTH(rates); i++) {
		schedule = build((double)rates[i], NULL);
		for (int64_t k = 1; k <= 1000000000; k *= 10) {
			nsec exact = (nsec)(((__int128)k * SEC * 2 / rates[i] + 1) / 2);
			nsec off = 1 + (exact >> 51);
			assert_in_range(schedule_moment(schedule, (double)k) - exact + off, 0, 2 * off);
		}
	}
}

/* The longest stages that the parser takes (100 years each): time goes on, or stands still at its end, but never turns back. */
static void the_longest_stages_do_not_overflow(void **state) {
	(void)state;
	const struct schedule *schedule = build(0, "876000h@1,876000h@1,876000h@1,876000h@1");
	for (size_t i = 1; i < schedule->count; i++) assert_true(schedule->at[i].t0 >= schedule->at[i - 1].t0);
	assert_true(schedule_integral(schedule, 3600 * SEC) < 1); /* the ramp from 0 to 1/s has hardly begun */
}

static uint64_t count_between(const struct schedule *schedule, nsec from, nsec to) {
	struct cursor cursor;
	uint64_t count = 0;
	for (cursor_init(&cursor, schedule, 0, 1); cursor.due < to; cursor_next(&cursor)) count += cursor.due >= from;
	return count;
}

static uint64_t draw(uint64_t *seed, uint64_t below) {
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % below;
}

/* What the cursor says it passed between two moments, counted one by one, and the integral: the first two agree, the third within 1. */
static void planned_counts_are_exact(void **state) {
	(void)state;
	uint64_t seed = 1;
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		const struct schedule *schedule = build_shape(i);
		for (int round = 0; round < 20; round++) {
			nsec a = (nsec)draw(&seed, 60000) * MSEC, b = a + (nsec)draw(&seed, 20000) * MSEC + (nsec)draw(&seed, 2) * 12345;
			struct cursor cursor;
			cursor_init(&cursor, schedule, 0, 1);
			cursor_skip(&cursor, a);
			uint64_t planned = cursor_skip(&cursor, b);
			assert_int_equal(planned, count_between(schedule, a, b));
			assert_true(fabs((double)planned - (schedule_integral(schedule, b) - schedule_integral(schedule, a))) <= 1 + 1e-6);
		}
	}
}

/* A constant rate over whole seconds: no rounding, so exactly rate times seconds. */
static void whole_seconds_have_whole_counts(void **state) {
	(void)state;
	static const unsigned rates[] = {1, 3, 7, 500, 997, 1001, 49999};
	for (size_t i = 0; i < LENGTH(rates); i++) {
		struct cursor cursor;
		cursor_init(&cursor, build(rates[i], NULL), 0, 1);
		for (nsec second = 1; second <= 100; second++) assert_int_equal(cursor_skip(&cursor, second * SEC), rates[i]);
	}
}

/* Each second of a ramp has its part of the integral, within 2 requests or 1 %. */
static void ramps_are_even_in_every_second(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		const struct schedule *schedule = build_shape(i);
		struct cursor cursor;
		cursor_init(&cursor, schedule, 0, 1);
		for (nsec at = 0; at < 60 * SEC; at += SEC) {
			double expected = schedule_integral(schedule, at + SEC) - schedule_integral(schedule, at);
			double counted = (double)cursor_skip(&cursor, at + SEC);
			if (fabs(counted - expected) > fmax(2, expected / 100))
				fail_msg("shape %zu, %" PRId64 " s: %g, not %g", i, at / SEC, counted, expected);
		}
	}
}

enum { WALK = 20000 };

/* All cursors of N shares together: every number once, due as for a single cursor. */
static void walk_shares(const struct schedule *schedule, uint64_t shares, const nsec *expected, uint64_t count) {
	static unsigned char seen[WALK];
	uint64_t passed = 0;
	memset(seen, 0, sizeof(seen));
	for (uint64_t share = 0; share < shares; share++) {
		struct cursor cursor, skipping;
		cursor_init(&cursor, schedule, share, shares);
		cursor_init(&skipping, schedule, share, shares);
		for (; cursor.k < count; cursor_next(&cursor)) {
			assert_int_equal(cursor.k % shares, share);
			assert_int_equal(cursor.due, expected[cursor.k]);
			seen[cursor.k]++;
		}
		passed += cursor_skip(&skipping, 15 * SEC);
	}
	for (uint64_t k = 0; k < count; k++) assert_int_equal(seen[k], 1);
	struct cursor whole;
	cursor_init(&whole, schedule, 0, 1);
	assert_int_equal(passed, cursor_skip(&whole, 15 * SEC));
}

static void shares_add_up_to_the_whole(void **state) {
	(void)state;
	static nsec expected[WALK];
	for (int poisson = 0; poisson < 2; poisson++) {
		for (size_t i = 0; i < LENGTH(shapes); i++) {
			struct schedule schedule = *build_shape(i);
			schedule.poisson = poisson;
			schedule.seed = 42;
			struct cursor cursor;
			cursor_init(&cursor, &schedule, 0, 1);
			uint64_t count = 0;
			for (; count < WALK && cursor.due < 60 * SEC; cursor_next(&cursor)) {
				assert_int_equal(cursor.k, count);
				expected[count++] = cursor.due;
			}
			assert_true(count > 100);
			for (uint64_t shares = 1; shares <= 7; shares++) walk_shares(&schedule, shares, expected, count);
		}
	}
}

static void jump_as_by_steps(const struct schedule *schedule, uint64_t share, uint64_t shares, uint64_t seed) {
	struct cursor jumping, stepping;
	cursor_init(&jumping, schedule, share, shares);
	cursor_init(&stepping, schedule, share, shares);
	for (nsec at = 0; at < 60 * SEC; at += (nsec)draw(&seed, 100) == 0 ? 10 * SEC : (nsec)draw(&seed, 3000000000)) {
		uint64_t steps = 0;
		for (; stepping.due < at; steps++) cursor_next(&stepping);
		assert_int_equal(cursor_skip(&jumping, at), steps);
		assert_int_equal(jumping.k, stepping.k);
		assert_int_equal(jumping.due, stepping.due);
		assert_true(jumping.mass == stepping.mass);
		assert_int_equal(cursor_skip(&jumping, at), 0);          /* there already */
		assert_int_equal(cursor_skip(&jumping, jumping.due), 0); /* due at that very moment is not passed */
	}
}

static void jumping_is_stepping(void **state) {
	(void)state;
	for (int poisson = 0; poisson < 2; poisson++) {
		for (size_t i = 0; i < LENGTH(shapes); i++) {
			struct schedule schedule = *build_shape(i);
			schedule.poisson = poisson;
			schedule.seed = i;
			for (uint64_t shares = 1; shares <= 5; shares++) jump_as_by_steps(&schedule, shares / 2, shares, i * 10 + shares);
		}
	}
}

static void after_the_last_request_there_is_never_one(void **state) {
	(void)state;
	for (int poisson = 0; poisson < 2; poisson++) {
		struct schedule schedule = *build(0, "10s@100,10s@0");
		schedule.poisson = poisson;
		struct cursor cursor;
		cursor_init(&cursor, &schedule, 1, 3);
		uint64_t passed = cursor_skip(&cursor, 100 * SEC);
		assert_in_range(passed, poisson ? 250 : 333, poisson ? 420 : 334); /* a third of 1,000 */
		assert_int_equal(cursor.due, NSEC_NEVER);
		assert_int_equal(cursor_skip(&cursor, 200 * SEC), 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_of_a_moment_lies_on_its_line),
		cmocka_unit_test(due_times_are_those_of_the_hand),
		cmocka_unit_test(integrals_are_those_of_the_hand),
		cmocka_unit_test(moment_and_integral_are_inverse),
		cmocka_unit_test(the_peak_is_the_highest_rate_before_the_end),
		cmocka_unit_test(a_long_run_does_not_drift),
		cmocka_unit_test(the_longest_stages_do_not_overflow),
		cmocka_unit_test(planned_counts_are_exact),
		cmocka_unit_test(whole_seconds_have_whole_counts),
		cmocka_unit_test(ramps_are_even_in_every_second),
		cmocka_unit_test(shares_add_up_to_the_whole),
		cmocka_unit_test(jumping_is_stepping),
		cmocka_unit_test(after_the_last_request_there_is_never_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
