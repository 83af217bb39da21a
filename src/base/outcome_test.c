#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/outcome.h"

static void assert_json_name(const char *name) {
	assert_non_null(name);
	assert_true(strlen(name) > 0);
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
}

/* The nine outcomes of the architecture, in any order. */
static void the_outcomes_are_the_documented_ones(void **state) {
	(void)state;
	static const char *const expected[] = {"ok", "timeout", "connect", "tls", "protocol", "reset", "stale", "status", "assert"};
	assert_int_equal(OUTCOME_COUNT, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		int found = 0;
		for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) found += strcmp(outcome_name((enum outcome)outcome), expected[i]) == 0;
		assert_int_equal(found, 1);
	}
}

static void every_reason_has_a_name_words_and_an_outcome(void **state) {
	(void)state;
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		assert_json_name(reason_name((enum reason)reason));
		assert_non_null(reason_words((enum reason)reason));
		assert_true(strlen(reason_words((enum reason)reason)) > 5);
		assert_in_range(reason_outcome((enum reason)reason), 0, OUTCOME_COUNT - 1);
	}
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) assert_json_name(outcome_name((enum outcome)outcome));
}

static void names_of_reasons_are_unique_within_their_outcome(void **state) {
	(void)state;
	for (int a = 0; a < REASON_COUNT; a++)
		for (int b = 0; b < a; b++)
			if (reason_outcome((enum reason)a) == reason_outcome((enum reason)b))
				assert_string_not_equal(reason_name((enum reason)a), reason_name((enum reason)b));
}

static void only_the_reason_none_is_ok(void **state) {
	(void)state;
	assert_int_equal(REASON_NONE, 0);
	for (int reason = 0; reason < REASON_COUNT; reason++)
		assert_int_equal(reason_outcome((enum reason)reason) == OUTCOME_OK, reason == REASON_NONE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_outcomes_are_the_documented_ones),
		cmocka_unit_test(every_reason_has_a_name_words_and_an_outcome),
		cmocka_unit_test(names_of_reasons_are_unique_within_their_outcome),
		cmocka_unit_test(only_the_reason_none_is_ok),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
