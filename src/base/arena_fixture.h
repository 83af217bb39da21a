/* For unit tests: an arena that lives as long as one test.
 * In: nothing. Out: `arena`, and the functions for cmocka_unit_test_setup_teardown. Included by one *_test.c each. */
#pragma once

#include "base/arena.h"

static struct arena arena;

static inline int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static inline int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}
