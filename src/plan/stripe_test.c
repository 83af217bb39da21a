#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "plan/stripe.h"

static struct arena arena;

static int setup(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct stripe build(size_t count, const uint64_t *weights, size_t agent) {
	struct stripe stripe;
	struct err err;
	if (!stripe_build(&(struct stripe_share){count, agent, weights}, &arena, &stripe, &err)) fail_msg("%s", err.text);
	return stripe;
}

static void assert_residues(struct stripe stripe, uint32_t modulus, uint32_t count, const uint32_t *residues) {
	assert_int_equal(stripe.modulus, modulus);
	assert_int_equal(stripe.count, count);
	assert_memory_equal(stripe.residues, residues, count * sizeof(*residues));
}

/* By hand: places that each number may have, and who comes first. Weights 1, 2, 3 of 6: c may stand at 0-1, 2-3, 4-5; b at 0-2, 3-5; a at 0-5. Place 0: c (last 1), 1: b (2),
 * 2: c (3), 3: b and a and then c at 4: b's second has the last place 5 as a has: a comes first; 4: b (5, before c's 5), 5: c. */
static void few_agents_have_the_places_of_the_hand(void **state) {
	(void)state;
	static const uint64_t weights[] = {1, 2, 3}, equal[] = {7, 7}, twice[] = {10, 20, 30};
	assert_residues(build(3, weights, 0), 6, 1, (const uint32_t[]){3});
	assert_residues(build(3, weights, 1), 6, 2, (const uint32_t[]){1, 4});
	assert_residues(build(3, weights, 2), 6, 3, (const uint32_t[]){0, 2, 5});
	assert_residues(build(3, twice, 1), 6, 2, (const uint32_t[]){1, 4});
	assert_residues(build(2, equal, 0), 2, 1, (const uint32_t[]){0});
	assert_residues(build(2, equal, 1), 2, 1, (const uint32_t[]){1});
	assert_residues(build(1, equal, 0), 1, 1, (const uint32_t[]){0});
}

static void assert_even(size_t count, const uint64_t *weights) {
	static uint8_t owners[STRIPE_MODULUS_MAX];
	uint32_t modulus = 0;
	memset(owners, 0, sizeof(owners));
	for (size_t agent = 0; agent < count; agent++) {
		struct stripe stripe = build(count, weights, agent);
		modulus = stripe.modulus;
		for (uint32_t i = 0; i < stripe.count; i++) {
			uint32_t place = stripe.residues[i];
			assert_true(i == 0 || stripe.residues[i - 1] < place);
			assert_true(place < modulus);
			owners[place]++;
			/* Before this place there are i numbers, with it i + 1: both less than one away from the share. */
			double before = (double)place * stripe.count / modulus, with = (double)(place + 1) * stripe.count / modulus;
			if (before - i >= 1 || i + 1 - with >= 1)
				fail_msg("agent %zu of %zu: number %u stands at %u of %u", agent, count, i, place, modulus);
		}
	}
	for (uint32_t place = 0; place < modulus; place++) assert_int_equal(owners[place], 1);
}

static void each_place_has_one_owner_and_shares_are_even_throughout(void **state) {
	(void)state;
	uint64_t weights[40], x = 1;
	for (int round = 0; round < 300; round++) {
		size_t count = 1 + (size_t)round % LENGTH(weights);
		for (size_t i = 0; i < count; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			weights[i] = 1 + (x >> 33) % (round % 3 == 0 ? 3 : 200);
		}
		assert_even(count, weights);
	}
	assert_even(3, (const uint64_t[]){1, 1, 50});
	assert_even(6, (const uint64_t[]){1, 1, 1, 1, 1, 5});
}

static void the_largest_round_is_dealt(void **state) {
	(void)state;
	assert_even(2, (const uint64_t[]){1, 999999});
	assert_even(3, (const uint64_t[]){333333, 333334, 333333});
	assert_int_equal(build(2, (const uint64_t[]){1000000, 1000000}, 1).modulus, 2);
	static uint64_t ones[1000];
	for (size_t i = 0; i < LENGTH(ones); i++) ones[i] = i == 0 ? 999001 - 1 : 1;
	assert_int_equal(build(LENGTH(ones), ones, 0).count, 999000);
	assert_int_equal(build(LENGTH(ones), ones, 999).count, 1);
}

/* By counting. */
static void numbers_and_counts_are_inverse(void **state) {
	(void)state;
	static const uint64_t weights[] = {3, 1, 4, 1, 5};
	for (size_t agent = 0; agent < LENGTH(weights); agent++) {
		struct stripe stripe = build(LENGTH(weights), weights, agent);
		uint64_t j = 0;
		for (uint64_t k = 0; k < 100; k++) {
			bool mine = false;
			for (uint32_t i = 0; i < stripe.count; i++) mine = mine || stripe.residues[i] == k % 14;
			assert_int_equal(stripe_count(&stripe, k), j);
			assert_int_equal(stripe_has(&stripe, k), mine);
			if (mine) assert_int_equal(stripe_number(&stripe, j++), k);
		}
	}
	assert_int_equal(stripe_number(&stripe_whole, 123456789012345), 123456789012345);
	assert_int_equal(stripe_count(&stripe_whole, 123456789012345), 123456789012345);
	assert_true(stripe_fraction(&stripe_whole) == 1);
}

static void wrong_weights_are_refused(void **state) {
	(void)state;
	static const struct {
		uint64_t weights[2];
		const char *words;
	} rows[] = {
		{{1, 0}, "--agent-weight: '0' is out of range; write 1 to 1000000"},
		{{1000001, 1}, "--agent-weight: '1000001' is out of range; write 1 to 1000000"},
		{{1000000, 1}, "--agent-weight: the weights of the 2 agents add up to 1000001 without their common divisor; write smaller ones, "
			       "together at most 1000000"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct stripe stripe;
		struct err err;
		assert_false(stripe_build(&(struct stripe_share){2, 0, rows[i].weights}, &arena, &stripe, &err));
		assert_string_equal(err.text, rows[i].words);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_agents_have_the_places_of_the_hand),
		cmocka_unit_test(each_place_has_one_owner_and_shares_are_even_throughout),
		cmocka_unit_test(the_largest_round_is_dealt),
		cmocka_unit_test(numbers_and_counts_are_inverse),
		cmocka_unit_test(wrong_weights_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
