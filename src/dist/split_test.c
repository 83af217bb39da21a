#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "dist/split.h"

/* The first four rows: spec 2.4. The rest by hand. */
static void shares_follow_the_weights_and_their_sum_is_exact(void **state) {
	static const struct {
		uint64_t total;
		size_t count;
		uint32_t weights[3];
		uint64_t want[3];
	} cases[] = {
		{10, 3, {1, 1, 1}, {4, 3, 3}},
		{10, 2, {2, 1}, {7, 3}},
		{10, 2, {1, 2}, {4, 6}},
		{2, 3, {1, 1, 1}, {1, 1, 0}},
		{0, 3, {1, 2, 3}, {0, 0, 0}},
		{7, 1, {5}, {7}},
		{5, 3, {1, 1000000, 1}, {1, 4, 0}},
		/* 64 bits are not enough on the way: 18446744073709551615 is 3 * 6148914691236517205 */
		{UINT64_MAX, 3, {1, 1, 1}, {6148914691236517205u, 6148914691236517205u, 6148914691236517205u}},
		{UINT64_MAX, 2, {1000000, 1000000}, {9223372036854775808u, 9223372036854775807u}},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		uint64_t got[3] = {0};
		split_share(cases[i].total, cases[i].weights, cases[i].count, got);
		for (size_t j = 0; j < cases[i].count; j++)
			if (got[j] != cases[i].want[j]) fail_msg("case %zu: share %zu is %llu", i, j, (unsigned long long)got[j]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares_follow_the_weights_and_their_sum_is_exact)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
