#include "target/stall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void the_first_window_comes_after_one_period(void **state) {
	(void)state;
	struct stall stall;
	struct err err;
	assert_true(stall_parse("200ms/1s", 5 * SEC, &stall, &err));
	assert_int_equal(stall.begin, 6 * SEC);
	assert_int_equal(stall.length, 200 * MSEC);
	assert_int_equal(stall.period, SEC);
	assert_true(stall_parse(NULL, 5 * SEC, &stall, &err));
	assert_int_equal(stall.begin, NSEC_NEVER);
}

static void windows_that_make_no_sense_are_refused(void **state) {
	(void)state;
	static const char *const cases[] = {"", "200ms", "200ms/", "/1s", "1s/1s", "2s/1s", "0/1s", "a/b", "200ms/1s/1s"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stall stall;
		struct err err;
		assert_false(stall_parse(cases[i], 0, &stall, &err));
		assert_int_equal(err.code, ERR_FAILED);
		assert_non_null(strstr(err.text, "--stall: "));
	}
}

/* Windows of 200 ms each second from 1 s on: [1000, 1200), [2000, 2200), ... */
static void it_moves_on_to_the_first_window_that_ends_later(void **state) {
	(void)state;
	static const struct {
		nsec now, want;
	} cases[] = {{0, 1000}, {1000, 1000}, {1199, 1000}, {1200, 2000}, {1999, 2000}, {2100, 2000}, {2200, 3000}, {2199, 2000}, {10500, 11000},
		{11100, 11000}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stall stall = {.begin = SEC, .length = 200 * MSEC, .period = SEC};
		stall_advance(&stall, cases[i].now * MSEC);
		assert_int_equal(stall.begin, cases[i].want * MSEC);
	}
}

static void it_waits_to_the_end_of_a_window_and_says_what_the_window_was(void **state) {
	(void)state;
	static const atomic_bool stop = false;
	struct record_stall window = {0};
	nsec now = clock_now();
	struct stall stall = {.begin = now - 10 * MSEC, .length = 30 * MSEC, .period = SEC};
	assert_true(stall_wait(&stall, now - 20 * MSEC, &stop, &window));
	assert_int_equal(window.begin, now - 10 * MSEC); /* as planned: nothing was done since */
	assert_true(window.end >= now + 20 * MSEC);
	assert_true(clock_now() >= window.end);
	assert_int_equal(stall.begin, now - 10 * MSEC + SEC);
	assert_false(stall_wait(&stall, now, &stop, &window));
}

static void work_that_went_into_the_window_shortens_it(void **state) {
	(void)state;
	static const atomic_bool stop = false;
	struct record_stall window = {0};
	nsec now = clock_now();
	struct stall stall = {.begin = now - 10 * MSEC, .length = 20 * MSEC, .period = SEC};
	assert_true(stall_wait(&stall, now - 4 * MSEC, &stop, &window));
	assert_int_equal(window.begin, now - 4 * MSEC);
}

static void stopping_ends_the_wait(void **state) {
	(void)state;
	static const atomic_bool stop = true;
	struct record_stall window = {0};
	nsec now = clock_now();
	struct stall stall = {.begin = now - 10 * MSEC, .length = 3600 * SEC, .period = 7200 * SEC};
	assert_true(stall_wait(&stall, 0, &stop, &window));
	assert_true(clock_now() - now < 10 * SEC);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_window_comes_after_one_period),
		cmocka_unit_test(windows_that_make_no_sense_are_refused),
		cmocka_unit_test(it_moves_on_to_the_first_window_that_ends_later),
		cmocka_unit_test(it_waits_to_the_end_of_a_window_and_says_what_the_window_was),
		cmocka_unit_test(work_that_went_into_the_window_shortens_it),
		cmocka_unit_test(stopping_ends_the_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
