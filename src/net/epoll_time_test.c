#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/loop.h"

/* How long a turn of a loop without connections takes; bounds above are wide, because the machine may be busy. */

static int setup(void **state) {
	static const struct loop_events silent; /* nothing can happen */
	struct err err;
	struct loop *loop;
	if (!loop_open_epoll(&silent, NULL, &loop, &err)) return -1;
	*state = loop;
	return 0;
}

static int teardown(void **state) {
	loop_close_epoll(*state);
	return 0;
}

static void a_turn_without_events_ends_at_until(void **state) {
	struct loop *loop = *state;
	nsec start = clock_now();
	assert_int_equal(loop->ops->turn(loop, start + 20 * MSEC, NSEC_NEVER), 0); /* asleep all the time */
	assert_in_range(clock_now() - start, 20 * MSEC, 2 * SEC);
	start = clock_now();
	assert_int_equal(loop->ops->turn(loop, start - SEC, NSEC_NEVER), 0); /* in the past: it only looks */
	assert_true(clock_now() - start < SEC);
}

static void a_turn_spins_from_the_given_moment(void **state) {
	struct loop *loop = *state;
	nsec start = clock_now();
	nsec spun = loop->ops->turn(loop, start + 30 * MSEC, start + 10 * MSEC), took = clock_now() - start;
	assert_in_range(took, 30 * MSEC, 2 * SEC);
	assert_in_range(spun, 0, took - 10 * MSEC); /* never while it slept */
	start = clock_now();
	spun = loop->ops->turn(loop, start + 100 * MSEC, start);
	took = clock_now() - start;
	assert_in_range(took, 100 * MSEC, 2 * SEC);
	assert_in_range(spun, 20 * MSEC, took); /* from the first moment on */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_turn_without_events_ends_at_until, setup, teardown),
		cmocka_unit_test_setup_teardown(a_turn_spins_from_the_given_moment, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
