#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "stats/course.h"

static struct slot_sum *sum_new(void) {
	struct slot_sum *sum = mem_zeroed(1, sizeof(*sum));
	sum->low = HISTLET_SLOTS;
	return sum;
}

static void requests_on_the_wire_are_counted_where_they_were(void **state) {
	(void)state;
	struct course *course = course_new(&(struct course_setup){SEC, 16});
	course_add_wire(course, 4500 * MSEC, 4700 * MSEC); /* in any order */
	course_add_wire(course, 500 * MSEC, 3 * SEC);
	course_add_wire(course, 2 * SEC, 2 * SEC); /* never sent */
	course_close(course, 4800 * MSEC);
	assert_int_equal(course_count(course), 5);
	const uint64_t areas[] = {500 * MSEC, SEC, SEC, 0, 200 * MSEC};
	for (size_t i = 0; i < 5; i++) assert_int_equal(course_slot(course, i)->slot.wire_area, areas[i]);
	assert_int_equal(course_slot(course, 4)->slot.wire_span, 800 * MSEC);
	assert_int_equal(course_slot(course, 4)->slot.span, 800 * MSEC);
	assert_int_equal(course_slot(course, 3)->slot.span, SEC);
	course_free(course);
}

static void slots_become_wider_when_there_are_too_many(void **state) {
	(void)state;
	struct course *course = course_new(&(struct course_setup){SEC, 4});
	course_add_wire(course, 500 * MSEC, 2500 * MSEC);
	course_add_time(course, 100 * MSEC, MSEC, true);
	course_at(course, 100 * MSEC)->slot.ok++;
	course_add_time(course, 1100 * MSEC, MSEC, true);
	course_at(course, 1100 * MSEC)->slot.ok++;
	course_at(course, 3 * SEC)->reasons[REASON_RESET]++;
	course_at(course, 9 * SEC)->reasons[REASON_RESET]++; /* needs 4 s each */
	course_close(course, 10 * SEC);
	assert_int_equal(course_width(course), 4 * SEC);
	assert_int_equal(course_count(course), 3);
	const struct course_slot *slot = course_slot(course, 0);
	assert_int_equal(slot->slot.ok, 2);
	assert_int_equal(slot->slot.time_count, 1);
	assert_int_equal(slot->slot.times[0].ok, 2);
	assert_int_equal(slot->slot.wire_area, 2 * SEC);
	assert_int_equal(slot->reasons[REASON_RESET], 1);
	assert_int_equal(course_slot(course, 1)->slot.wire_area, 0);
	course_free(course);
}

static void a_sum_has_the_slots_up_to_its_end(void **state) {
	(void)state;
	struct course *course = course_new(&(struct course_setup){SEC, 1000});
	struct slot_sum *sum = sum_new();
	for (nsec i = 999; i >= 0; i--) {
		struct course_slot *slot = course_at(course, i * SEC);
		slot->slot.ok += (uint64_t)i + 1;
		slot->reasons[REASON_STATUS]++;
		course_add_time(course, i * SEC, i % 7 * MSEC, true);
		course_add_time(course, i * SEC, 5000 * SEC, false); /* is cut to what a histogram has */
	}
	course_close(course, 1000 * SEC);
	const size_t counts[] = {0, 1, 127, 128, 129, 500, 1000};
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		uint64_t reasons[REASON_COUNT] = {0}, n = counts[i];
		slot_sum_clear(sum);
		course_sum(course, 0, n, sum, reasons);
		assert_int_equal(sum->counts.ok, n * (n + 1) / 2);
		assert_int_equal(reasons[REASON_STATUS], n);
		assert_int_equal(sum->ok_count, n);
		assert_int_equal(sum->ok[histlet_slot(3 * MSEC)], (n + 3) / 7);
		assert_int_equal(slot_sum_all(sum).max, n > 0 ? HIST_MAX : -1);
	}
	slot_sum_clear(sum);
	course_sum(course, 300, 900, sum, NULL);
	assert_int_equal(sum->counts.ok, 900 * 901 / 2 - 300 * 301 / 2);
	free(sum);
	course_free(course);
}

/* 1,000 slots of two requests with the same ten times in turn, from two shards one behind the other. */
static void slots_become_wider_when_their_times_are_too_many(void **state) {
	(void)state;
	struct course *course = course_new(&(struct course_setup){SEC, 1024, 100});
	for (nsec i = 0; i < 2000; i++) course_add_time(course, i % 1000 * SEC, (1 + i % 10) * 10 * MSEC, i >= 1000);
	course_close(course, 1000 * SEC);
	size_t times = 0, ok = 0, other = 0;
	for (size_t i = 0; i < course_count(course); i++) {
		const struct slot *slot = &course_slot(course, i)->slot;
		times += slot->time_count;
		for (size_t k = 0; k < slot->time_count; k++) {
			ok += slot->times[k].ok;
			other += slot->times[k].other;
			assert_true(k == 0 || slot->times[k].index > slot->times[k - 1].index);
		}
	}
	assert_in_range(times, 10, 100);
	assert_int_equal(ok, 1000);
	assert_int_equal(other, 1000);
	assert_in_range(course_count(course), 1, 10);
	course_free(course);
}

static void nothing_at_all_is_one_slot(void **state) {
	(void)state;
	struct course *course = course_new(&(struct course_setup){SEC, 4});
	course_close(course, 0);
	assert_int_equal(course_count(course), 1);
	course_free(course);
	course_free(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_on_the_wire_are_counted_where_they_were),
		cmocka_unit_test(slots_become_wider_when_there_are_too_many),
		cmocka_unit_test(a_sum_has_the_slots_up_to_its_end),
		cmocka_unit_test(slots_become_wider_when_their_times_are_too_many),
		cmocka_unit_test(nothing_at_all_is_one_slot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
