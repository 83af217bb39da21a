#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/findings.h"

static void they_stand_in_the_order_of_the_file(void **state) {
	struct findings findings = {.arena = &arena};
	static const char *const want[] = {"a", "b", "c", "d", "e"};
	const struct finding *finding;
	(void)state;
	findings_add(&findings, (struct tree_place){3, 1}, "%s", "c");
	findings_warn(&findings, (struct tree_place){1, 9}, "b");
	findings_add(&findings, (struct tree_place){3, 1}, "d");
	findings_warn(&findings, (struct tree_place){1, 2}, "a");
	findings_add(&findings, (struct tree_place){10, 1}, "e");
	findings_sort(&findings);
	assert_int_equal(findings.faults, 3);
	assert_int_equal(findings.warnings, 2);
	finding = findings.first;
	for (size_t i = 0; i < LENGTH(want); i++, finding = finding->next) assert_string_equal(finding->text, want[i]);
	assert_null(finding);
	assert_string_equal(findings_first_fault(&findings)->text, "c");
}

static void a_sentence_is_one_line(void **state) {
	struct findings findings = {.arena = &arena};
	(void)state;
	assert_null(findings_first_fault(&findings));
	findings_warn(&findings, (struct tree_place){1, 1}, "a\nb\x1b");
	assert_string_equal(findings.first->text, "a?b?");
	assert_null(findings_first_fault(&findings));
}

static void too_many_are_counted_only(void **state) {
	struct findings findings = {.arena = &arena};
	size_t count = 0;
	(void)state;
	for (unsigned i = 0; i < FINDINGS_MAX + 5; i++) findings_add(&findings, (struct tree_place){FINDINGS_MAX + 5 - i, 1}, "%u", i);
	findings_sort(&findings);
	for (const struct finding *finding = findings.first; finding; finding = finding->next) count++;
	assert_int_equal(count, FINDINGS_MAX);
	assert_int_equal(findings.kept, FINDINGS_MAX);
	assert_int_equal(findings.faults, FINDINGS_MAX + 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(they_stand_in_the_order_of_the_file),
		TEST(a_sentence_is_one_line),
		TEST(too_many_are_counted_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
