/* Pauses seen by several threads: what counts is when all of them stood still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "record/strain.h"

static void a_wake_up_counts_from_50_ms_of_lateness_on(void **state) {
	(void)state;
	struct strain_gaps gaps = {0};
	strain_note(&gaps, SEC, SEC + 50 * MSEC - 1);
	assert_int_equal(gaps.count, 0);
	strain_note(&gaps, SEC, SEC + 50 * MSEC);
	assert_int_equal(gaps.count, 1);
	for (int i = 0; i < 2 * STRAIN_GAPS; i++) strain_note(&gaps, 2 * SEC, 3 * SEC);
	assert_int_equal(gaps.count, STRAIN_GAPS);
}

static void only_what_both_saw_remains(void **state) {
	(void)state;
	/* In ms: 100-300 and 150-400 share 150-300; 500-600 and 560-700 share 40 ms, too little; 1000-1200 holds 1010-1070 and 1100-1180. */
	struct strain_gaps a = {3, {{100 * MSEC, 300 * MSEC}, {500 * MSEC, 600 * MSEC}, {1000 * MSEC, 1200 * MSEC}}};
	struct strain_gaps b = {4, {{150 * MSEC, 400 * MSEC}, {560 * MSEC, 700 * MSEC}, {1010 * MSEC, 1070 * MSEC}, {1100 * MSEC, 1180 * MSEC}}};
	strain_intersect(&a, &b);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.at[0].begin, 150 * MSEC);
	assert_int_equal(a.at[0].end, 300 * MSEC);
	assert_int_equal(a.at[1].begin, 1010 * MSEC);
	assert_int_equal(a.at[2].end, 1180 * MSEC);
}

static void nothing_remains_when_one_saw_nothing(void **state) {
	(void)state;
	struct strain_gaps a = {1, {{SEC, 2 * SEC}}}, b = {0};
	strain_intersect(&a, &b);
	assert_int_equal(a.count, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wake_up_counts_from_50_ms_of_lateness_on),
		cmocka_unit_test(only_what_both_saw_remains),
		cmocka_unit_test(nothing_remains_when_one_saw_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
