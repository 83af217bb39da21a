#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "base/mailbox.h"

#define ROUNDS 20000

/* A plain counter: whoever took it from a box may change it without a lock. */
struct counter {
	uint64_t value;
	uint64_t last; /* which side changed it last */
};

struct side {
	struct mailbox *from, *to;
	uint64_t name;
	uint64_t turns; /* how often this side had the counter */
	uint64_t wrong; /* how often it came from the wrong side */
};

/* Waits for the counter, raises it, hands it on; gives up after 30 s. */
static void *side_run(void *argument) {
	struct side *side = argument;
	nsec limit = clock_now() + 30 * SEC;
	while (side->turns < ROUNDS) {
		struct counter *counter = mailbox_full(side->from) ? mailbox_swap(side->from, NULL) : NULL;
		if (!counter) {
			if (clock_now() > limit) break;
			sched_yield();
			continue;
		}
		side->wrong += counter->last == side->name;
		counter->last = side->name;
		counter->value++;
		side->turns++;
		if (mailbox_swap(side->to, counter) != NULL) side->wrong++;
	}
	return NULL;
}

static void two_threads_hand_a_counter_to_and_fro(void **state) {
	(void)state;
	struct mailbox there = {NULL}, back = {NULL};
	struct counter counter = {0, 2};
	struct side one = {&there, &back, 1, 0, 0}, two = {&back, &there, 2, 0, 0};
	mailbox_swap(&there, &counter);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, side_run, &one), 0);
	side_run(&two);
	pthread_join(thread, NULL);
	assert_int_equal(one.turns, ROUNDS);
	assert_int_equal(two.turns, ROUNDS);
	assert_int_equal(one.wrong + two.wrong, 0);
	assert_ptr_equal(mailbox_swap(&there, NULL), &counter);
	assert_int_equal(counter.value, 2 * ROUNDS);
}

static void a_box_gives_back_what_lay_there(void **state) {
	(void)state;
	struct mailbox box = {NULL};
	int a, b;
	assert_false(mailbox_full(&box));
	assert_null(mailbox_swap(&box, NULL));
	assert_null(mailbox_swap(&box, &a));
	assert_true(mailbox_full(&box));
	assert_ptr_equal(mailbox_swap(&box, &b), &a);
	assert_ptr_equal(mailbox_swap(&box, NULL), &b);
	assert_false(mailbox_full(&box));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_gives_back_what_lay_there),
		cmocka_unit_test(two_threads_hand_a_counter_to_and_fro),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
