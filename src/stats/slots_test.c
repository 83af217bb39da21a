#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stats/slots.h"

static struct tally *tick_of(uint64_t count, nsec time) {
	struct tally *tick = tally_new(1);
	tick->attempts = tick->ok = count;
	tick->status[204] = count;
	histlet_record(&tick->cells[0].response_ok, time, count);
	return tick;
}

static void ticks_add_up_in_their_slot(void **state) {
	struct slots *slots = slots_new(SEC, 3);
	struct tally *tick = tick_of(5, 3 * MSEC);
	(void)state;
	assert_int_equal(slots_count(slots), 0);
	for (nsec at = 0; at < 2 * SEC; at += 250 * MSEC) slots_add(slots, at, at + 250 * MSEC, 20, tick);
	assert_int_equal(slots_count(slots), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct slot *slot = slots_at(slots, i);
		assert_int_equal(slot->number, i);
		assert_int_equal(slot->span, SEC);
		assert_int_equal(slot->longest, 250 * MSEC);
		assert_int_equal(slot->ok, 20);
		assert_int_equal(slot->classes[0], 20);
		assert_float_equal(slot->asked, 20, 0.001);
		assert_int_equal(slot->time_count, 1);
		assert_int_equal(slot->times[0].index, histlet_slot(3 * MSEC));
		assert_int_equal(slot->times[0].ok, 20);
		assert_int_equal(slot->max_ok, 3 * MSEC);
	}
	free(tick);
	slots_free(slots);
}

static void the_oldest_is_forgotten(void **state) {
	struct slots *slots = slots_new(SEC, 3);
	struct tally *tick = tick_of(1, MSEC);
	(void)state;
	for (nsec at = 0; at < 10 * SEC; at += SEC) slots_add(slots, at, at + SEC, -1, at == 4 * SEC ? NULL : tick);
	assert_int_equal(slots_count(slots), 4); /* three and the open one */
	for (size_t i = 0; i < 4; i++) assert_int_equal(slots_at(slots, i)->number, 6 + i);
	assert_true(slots_at(slots, 0)->asked < 0);
	free(tick);
	slots_free(slots);
}

static void a_long_pause_leaves_slots_out(void **state) {
	struct slots *slots = slots_new(SEC, 3);
	struct tally *tick = tick_of(1, MSEC);
	(void)state;
	slots_add(slots, 0, SEC, 1, tick);
	slots_add(slots, SEC, 60 * SEC, 1, tick);
	assert_int_equal(slots_count(slots), 2);
	assert_int_equal(slots_at(slots, 1)->number, 59);
	assert_int_equal(slots_at(slots, 1)->longest, 59 * SEC);
	free(tick);
	slots_free(slots);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_add_up_in_their_slot),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(a_long_pause_leaves_slots_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
