#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "plan/schedule.h"

/* How the due times are spread: Kolmogorov-Smirnov tests exactly on the schedule. */

enum { COUNT = 100000 };

static const uint64_t seeds[] = {0, 1, 2, 3, 42, 1000000000000000000, UINT64_MAX};

static struct schedule constant(double rate, bool poisson, uint64_t seed) {
	static const struct stage_list none;
	struct schedule schedule = {0};
	schedule_build(&schedule, rate, &none);
	schedule.poisson = poisson;
	schedule.seed = seed;
	return schedule;
}

static int compare_reals(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The largest distance between the distribution of sorted values in [0, 1] and the uniform one. */
static double uniform_distance(const double *sorted, size_t count) {
	double distance = 0, n = (double)count;
	for (size_t i = 0; i < count; i++) distance = fmax(distance, fmax((double)(i + 1) / n - sorted[i], sorted[i] - (double)i / n));
	return distance;
}

/* The probability that n values of the distribution asked about lie this far off: Kolmogorov's series (Marsaglia, Tsang and Wang 2003, formula 1.1). */
static double distance_probability(double distance, size_t count) {
	double x = distance * sqrt((double)count), sum = 0;
	for (int j = 1; j <= 100; j++) sum += (j % 2 ? 2 : -2) * exp(-2.0 * j * j * x * x);
	return fmin(1, fmax(0, sum));
}

/* Tabulated: 5 % lies beyond 1.3581, 1 % beyond 1.6276, 0.1 % beyond 1.9495. */
static void the_probability_agrees_with_the_tables(void **state) {
	(void)state;
	const double n = 10000;
	assert_true(fabs(distance_probability(1.3581 / sqrt(n), 10000) - 0.05) < 1e-4);
	assert_true(fabs(distance_probability(1.6276 / sqrt(n), 10000) - 0.01) < 1e-4);
	assert_true(fabs(distance_probability(1.9495 / sqrt(n), 10000) - 0.001) < 1e-5);
}

/* Evenly spaced points lie at most one point's weight off the straight line, and not less. */
static void even_due_times_are_uniform(void **state) {
	(void)state;
	static double at[COUNT];
	static const double rates[] = {50000, 997, 3};
	for (size_t i = 0; i < LENGTH(rates); i++) {
		struct schedule schedule = constant(rates[i], false, 1);
		struct cursor cursor;
		cursor_init(&cursor, &schedule, 0, 1);
		for (size_t k = 0; k < COUNT; k++, cursor_next(&cursor)) at[k] = (double)cursor.due / 1e9 * rates[i] / COUNT;
		assert_true(uniform_distance(at, COUNT) <= 1.0 / COUNT + 1e-9);
	}
}

/* On a ramp from 0 to r in T seconds the share of requests up to t is (t / T)^2. */
static void ramps_are_uniform_in_their_integral(void **state) {
	(void)state;
	static double at[COUNT];
	static struct stage_list list = {1, {{200 * SEC, 1000}}}; /* 100,000 requests */
	struct schedule schedule = {0};
	schedule_build(&schedule, 0, &list);
	struct cursor cursor;
	cursor_init(&cursor, &schedule, 0, 1);
	for (size_t k = 0; k < COUNT; k++, cursor_next(&cursor)) at[k] = pow((double)cursor.due / 200e9, 2);
	assert_int_equal(cursor.due, 200 * SEC);
	assert_true(uniform_distance(at, COUNT) <= 1.0 / COUNT + 1e-8);
}

/* The gaps between `COUNT` + 1 due times, in mean gaps. */
static void read_gaps(double rate, uint64_t seed, double *gaps) {
	struct schedule schedule = constant(rate, true, seed);
	struct cursor cursor;
	cursor_init(&cursor, &schedule, 0, 1);
	assert_int_equal(cursor.due, 0); /* the sum of no draws */
	for (size_t k = 0; k < COUNT; k++) {
		nsec last = cursor.due;
		cursor_next(&cursor);
		assert_true(cursor.due >= last);
		gaps[k] = (double)(cursor.due - last) / 1e9 * rate;
	}
}

static double correlation(const double *a, const double *b, size_t count) {
	double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < count; i++) {
		mean_a += a[i] / (double)count;
		mean_b += b[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		ab += (a[i] - mean_a) * (b[i] - mean_b);
		aa += (a[i] - mean_a) * (a[i] - mean_a);
		bb += (b[i] - mean_b) * (b[i] - mean_b);
	}
	return ab / sqrt(aa * bb);
}

/* Of independent values one correlation in a thousand lies beyond 3.29 / sqrt(n). */
#define CORRELATION_MAX (3.29 / sqrt(COUNT))

static void poisson_gaps_are_exponential_and_independent(void **state) {
	(void)state;
	static double gaps[COUNT];
	for (size_t i = 0; i < LENGTH(seeds); i++) {
		read_gaps(100, seeds[i], gaps);
		assert_true(fabs(correlation(gaps, gaps + 1, COUNT - 1)) < CORRELATION_MAX);
		assert_true(fabs(correlation(gaps, gaps + 2, COUNT - 2)) < CORRELATION_MAX);
		for (size_t k = 0; k < COUNT; k++) gaps[k] = 1 - exp(-gaps[k]);
		qsort(gaps, COUNT, sizeof(gaps[0]), compare_reals);
		double p = distance_probability(uniform_distance(gaps, COUNT), COUNT);
		if (p <= 0.001) fail_msg("seed %zu: p = %g", i, p);
	}
}

/* Given their number, Poisson arrivals are uniform in time; here over the time of the last one. */
static void poisson_due_times_are_uniform_in_time(void **state) {
	(void)state;
	static double at[COUNT];
	for (size_t i = 0; i < LENGTH(seeds); i++) {
		struct schedule schedule = constant(1000, true, seeds[i]);
		struct cursor cursor;
		cursor_init(&cursor, &schedule, 0, 1);
		for (size_t k = 0; k < COUNT; k++) {
			cursor_next(&cursor);
			at[k] = (double)cursor.due;
		}
		double last = at[COUNT - 1];
		for (size_t k = 0; k < COUNT - 1; k++) at[k] /= last;
		assert_true(distance_probability(uniform_distance(at, COUNT - 1), COUNT - 1) > 0.001);
		assert_true(fabs(last / 1e9 - COUNT / 1000.0) < 4 * sqrt(COUNT) / 1000.0); /* the mean is 1: four standard errors */
	}
}

/* A Poisson process has as much variance as mean in every second (index of dispersion 1; four standard errors of it). */
static void poisson_counts_are_as_varied_as_their_mean(void **state) {
	(void)state;
	struct schedule schedule = constant(100, true, 7);
	struct cursor cursor;
	cursor_init(&cursor, &schedule, 0, 1);
	double sum = 0, squares = 0;
	for (nsec second = 1; second <= 1000; second++) {
		double count = (double)cursor_skip(&cursor, second * SEC);
		sum += count;
		squares += count * count;
	}
	double mean = sum / 1000, variance = squares / 1000 - mean * mean;
	assert_true(fabs(variance / mean - 1) < 4 * sqrt(2.0 / 1000));
}

/* Under a ramp the same draws are stretched: in the integral the gaps are exponential. */
static void poisson_ramps_follow_the_integral(void **state) {
	(void)state;
	static double gaps[COUNT];
	static struct stage_list list = {1, {{400 * SEC, 1000}}};
	struct schedule schedule = {0};
	schedule_build(&schedule, 0, &list);
	schedule.poisson = true;
	schedule.seed = 5;
	struct cursor cursor;
	cursor_init(&cursor, &schedule, 0, 1);
	for (size_t k = 0; k < COUNT; k++) {
		double before = (double)cursor.due / 1e9;
		cursor_next(&cursor);
		double after = (double)cursor.due / 1e9;
		gaps[k] = 1 - exp(-1.25 * (after + before) * (after - before)); /* the integral is 1.25 t^2 */
	}
	qsort(gaps, COUNT, sizeof(gaps[0]), compare_reals);
	assert_true(distance_probability(uniform_distance(gaps, COUNT), COUNT) > 0.001);
}

static void seeds_make_the_draws(void **state) {
	(void)state;
	static double all[LENGTH(seeds)][COUNT];
	for (size_t i = 0; i < LENGTH(seeds); i++) {
		for (size_t k = 0; k < COUNT; k++) {
			all[i][k] = schedule_draw(seeds[i], k);
			assert_true(isfinite(all[i][k]) && all[i][k] > 0);
		}
		for (size_t k = 0; k < COUNT; k += 997) assert_true(schedule_draw(seeds[i], k) == all[i][k]); /* the same again, in any order */
		for (size_t j = 0; j < i; j++) {
			size_t equal = 0;
			for (size_t k = 0; k < COUNT; k++) equal += all[i][k] == all[j][k];
			assert_int_equal(equal, 0);
			assert_true(fabs(correlation(all[i], all[j], COUNT)) < CORRELATION_MAX);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_probability_agrees_with_the_tables),
		cmocka_unit_test(even_due_times_are_uniform),
		cmocka_unit_test(ramps_are_uniform_in_their_integral),
		cmocka_unit_test(poisson_gaps_are_exponential_and_independent),
		cmocka_unit_test(poisson_due_times_are_uniform_in_time),
		cmocka_unit_test(poisson_counts_are_as_varied_as_their_mean),
		cmocka_unit_test(poisson_ramps_follow_the_integral),
		cmocka_unit_test(seeds_make_the_draws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
