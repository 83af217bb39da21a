#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "net/timers.h"

#define TIMERS 200

/* The oracle: when each timer is armed for, in no order, searched from end to end. */
struct oracle {
	bool armed[TIMERS];
	nsec at[TIMERS];
};

static size_t oracle_count(const struct oracle *oracle) {
	size_t count = 0;
	for (size_t i = 0; i < TIMERS; i++) count += oracle->armed[i];
	return count;
}

static nsec oracle_next(const struct oracle *oracle) {
	nsec next = NSEC_NEVER;
	for (size_t i = 0; i < TIMERS; i++)
		if (oracle->armed[i] && oracle->at[i] < next) next = oracle->at[i];
	return next;
}

static uint64_t draw(uint64_t *seed, uint64_t below) {
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % below;
}

/* One random operation on both; equal moments are frequent. */
static void step(struct timers *timers, struct timer *all, struct oracle *oracle, uint64_t *seed) {
	size_t i = draw(seed, TIMERS);
	switch (draw(seed, 4)) {
	case 0:
	case 1: /* arms, or moves one that is armed */
		oracle->armed[i] = true;
		oracle->at[i] = (nsec)draw(seed, 300) - 100;
		timers_arm(timers, &all[i], oracle->at[i]);
		break;
	case 2:
		oracle->armed[i] = false;
		timers_disarm(timers, &all[i]);
		break;
	default: {
		nsec now = (nsec)draw(seed, 100) - 100;
		struct timer *taken = timers_take(timers, now);
		if (oracle_next(oracle) > now) {
			assert_null(taken);
			break;
		}
		assert_non_null(taken);
		size_t which = (size_t)(taken - all);
		assert_true(oracle->armed[which]);
		assert_int_equal(oracle->at[which], oracle_next(oracle));
		oracle->armed[which] = false;
	}
	}
	assert_int_equal(timers_next(timers), oracle_next(oracle));
	assert_int_equal(timers->count, oracle_count(oracle));
}

static void random_operations_agree_with_a_plain_list(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct timers timers;
		static struct timer all[TIMERS];
		memset(all, 0, sizeof(all));
		struct oracle oracle = {0};
		uint64_t random = seed;
		timers_init(&timers, TIMERS);
		for (int i = 0; i < 5000; i++) step(&timers, all, &oracle, &random);
		for (nsec last = INT64_MIN; timers.count > 0;) { /* the rest comes out in order */
			assert_int_equal(timers_next(&timers), oracle_next(&oracle));
			struct timer *taken = timers_take(&timers, 1000);
			assert_true(taken->at >= last);
			last = taken->at;
			oracle.armed[taken - all] = false;
		}
		assert_int_equal(oracle_count(&oracle), 0);
		timers_fini(&timers);
	}
}

static void timers_are_taken_when_due_and_in_order(void **state) {
	(void)state;
	struct timers timers;
	struct timer a = {0}, b = {0}, c = {0};
	timers_init(&timers, 3);
	timers_arm(&timers, &a, 300);
	timers_arm(&timers, &b, 100);
	timers_arm(&timers, &c, 200);
	assert_null(timers_take(&timers, 99));
	assert_ptr_equal(timers_take(&timers, 100), &b); /* due at its very moment */
	assert_null(timers_take(&timers, 100));
	assert_ptr_equal(timers_take(&timers, 1000), &c);
	assert_ptr_equal(timers_take(&timers, 1000), &a);
	assert_null(timers_take(&timers, 1000));
	timers_fini(&timers);
}

static void a_timer_that_is_armed_again_moves(void **state) {
	(void)state;
	struct timers timers;
	struct timer a = {0}, b = {0};
	timers_init(&timers, 2); /* moving needs no further room */
	timers_arm(&timers, &a, 100);
	timers_arm(&timers, &b, 200);
	timers_arm(&timers, &a, 300);
	assert_int_equal(timers_next(&timers), 200);
	timers_arm(&timers, &a, 50);
	assert_int_equal(timers_next(&timers), 50);
	assert_ptr_equal(timers_take(&timers, 250), &a);
	assert_ptr_equal(timers_take(&timers, 250), &b);
	timers_fini(&timers);
}

static void disarming_twice_is_harmless(void **state) {
	(void)state;
	struct timers timers;
	struct timer a = {0}, b = {0};
	timers_init(&timers, 2);
	timers_disarm(&timers, &a);
	timers_arm(&timers, &a, 1);
	timers_arm(&timers, &b, 2);
	timers_disarm(&timers, &a);
	timers_disarm(&timers, &a);
	assert_int_equal(timers.count, 1);
	assert_ptr_equal(timers_take(&timers, 2), &b);
	timers_disarm(&timers, &b); /* taken: not armed any more */
	assert_int_equal(timers_next(&timers), NSEC_NEVER);
	timers_arm(&timers, &b, 5);
	assert_int_equal(timers_next(&timers), 5);
	timers_fini(&timers);
}

static void nothing_is_due_when_none_is_armed(void **state) {
	(void)state;
	struct timers timers;
	struct timer a = {0};
	timers_init(&timers, 1);
	assert_int_equal(timers_next(&timers), NSEC_NEVER);
	assert_null(timers_take(&timers, 1000));
	timers_arm(&timers, &a, 1);
	assert_ptr_equal(timers_take(&timers, NSEC_NEVER), &a);
	assert_null(timers_take(&timers, NSEC_NEVER - 1));
	assert_null(timers_take(&timers, NSEC_NEVER)); /* not even at the end of time */
	timers_fini(&timers);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_a_plain_list),
		cmocka_unit_test(timers_are_taken_when_due_and_in_order),
		cmocka_unit_test(a_timer_that_is_armed_again_moves),
		cmocka_unit_test(disarming_twice_is_harmless),
		cmocka_unit_test(nothing_is_due_when_none_is_armed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
