#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/logport.h"

static void records_come_out_in_their_order(void **state) {
	(void)state;
	struct logport port;
	logport_open(&port, 4);
	assert_null(logport_take(&port));
	for (uint32_t i = 0; i < 3; i++) logport_next(&port)->connection = i;
	assert_null(logport_take(&port));
	logport_give(&port);
	logport_give(&port); /* nothing more */
	const struct logblock *block = logport_take(&port);
	assert_int_equal(block->count, 3);
	for (uint32_t i = 0; i < 3; i++) assert_int_equal(block->at[i].connection, i);
	logport_return(&port);
	assert_null(logport_take(&port));
	logport_close(&port);
}

static void what_finds_no_room_is_shed_and_counted(void **state) {
	(void)state;
	struct logport port;
	logport_open(&port, 2);
	for (unsigned i = 0; i < 2 * LOGPORT_BLOCK; i++) {
		assert_non_null(logport_next(&port));
		if (port.used == LOGPORT_BLOCK) logport_give(&port);
	}
	for (int i = 0; i < 5; i++) assert_null(logport_next(&port));
	assert_int_equal(atomic_load(&port.shed), 5);
	assert_non_null(logport_take(&port));
	logport_return(&port);
	assert_non_null(logport_next(&port));
	logport_close(&port);
}

#define MANY 200000

static void *produce(void *given) {
	struct logport *port = given;
	for (uint32_t i = 0; i < MANY; i++) {
		struct logged *place = logport_next(port);
		if (place) place->connection = i;
		if (port->used == LOGPORT_BLOCK) logport_give(port);
	}
	logport_give(port);
	return NULL;
}

/* Two threads: each record is either seen, in order, or counted as shed. */
static void nothing_gets_lost_between_two_threads(void **state) {
	(void)state;
	struct logport port;
	pthread_t thread;
	uint64_t seen = 0;
	uint32_t last = 0;
	bool over = false;
	logport_open(&port, 8);
	pthread_create(&thread, NULL, produce, &port);
	while (!over) {
		over = seen + atomic_load(&port.shed) == MANY;
		const struct logblock *block = logport_take(&port);
		if (!block) continue;
		for (uint32_t i = 0; i < block->count; i++, seen++) {
			if (seen > 0) assert_true(block->at[i].connection > last);
			last = block->at[i].connection;
		}
		logport_return(&port);
	}
	pthread_join(thread, NULL);
	assert_int_equal(seen + atomic_load(&port.shed), MANY);
	logport_close(&port);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_in_their_order),
		cmocka_unit_test(what_finds_no_room_is_shed_and_counted),
		cmocka_unit_test(nothing_gets_lost_between_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
