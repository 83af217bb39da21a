#include "target/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT 2000

static int compare(const void *a, const void *b) {
	nsec x = *(const nsec *)a, y = *(const nsec *)b;
	return (x > y) - (x < y);
}

static void timers_come_out_in_the_order_of_their_moments(void **state) {
	(void)state;
	static struct timer timers[COUNT];
	static nsec want[COUNT];
	struct timer_queue queue;
	timer_queue_init(&queue);
	srand(7);
	for (size_t i = 0; i < COUNT; i++) {
		want[i] = rand() % 1000; /* many are equal */
		timer_set(&queue, &timers[i], want[i]);
	}
	qsort(want, COUNT, sizeof(want[0]), compare);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(timer_next(&queue), want[i]);
		struct timer *timer = timer_take(&queue, NSEC_NEVER);
		assert_int_equal(timer->due, want[i]);
		assert_int_equal(timer->place, 0);
	}
	assert_int_equal(timer_next(&queue), NSEC_NEVER);
	timer_queue_fini(&queue);
}

static void a_timer_is_not_taken_before_its_moment(void **state) {
	(void)state;
	struct timer timer = {0};
	struct timer_queue queue;
	timer_queue_init(&queue);
	assert_null(timer_take(&queue, 100));
	timer_set(&queue, &timer, 100);
	assert_null(timer_take(&queue, 99));
	assert_ptr_equal(timer_take(&queue, 100), &timer);
	assert_null(timer_take(&queue, 100));
	timer_queue_fini(&queue);
}

static void dropped_timers_do_not_come_out_and_the_others_keep_their_order(void **state) {
	(void)state;
	static struct timer timers[COUNT];
	struct timer_queue queue;
	timer_queue_init(&queue);
	for (size_t i = 0; i < COUNT; i++) timer_set(&queue, &timers[i], (nsec)(i * 7919 % COUNT)); /* 7919 is prime: every moment once */
	for (size_t i = 0; i < COUNT; i += 3) timer_drop(&queue, &timers[i]);
	for (size_t i = 0; i < COUNT; i += 3) timer_drop(&queue, &timers[i]); /* not set any more: nothing happens */
	size_t count = 0;
	nsec last = -1;
	for (struct timer *timer; (timer = timer_take(&queue, COUNT)) != NULL; count++) {
		assert_true(timer->due > last);
		assert_int_not_equal((timer - timers) % 3, 0);
		last = timer->due;
	}
	assert_int_equal(count, COUNT - (COUNT + 2) / 3);
	timer_queue_fini(&queue);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_out_in_the_order_of_their_moments),
		cmocka_unit_test(a_timer_is_not_taken_before_its_moment),
		cmocka_unit_test(dropped_timers_do_not_come_out_and_the_others_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
