#include "base/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_parts(void **state) {
	(void)state;
	static const struct {
		const char *text, *name, *value;
	} cases[] = {
		{"env=staging", "env", "staging"}, {"_a1=", "_a1", ""}, {"note=a=b c", "note", "a=b c"}, {"city=K\xc3\xb6ln", "city", "K\xc3\xb6ln"}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct label label;
		assert_true(label_parse(slice_of(cases[i].text), &label));
		assert_true(slice_equal(label.name, slice_of(cases[i].name)));
		assert_true(slice_equal(label.value, slice_of(cases[i].value)));
	}
}

static void test_faults(void **state) {
	(void)state;
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"", "has no '=' between name and value"},
		{"env", "has no '=' between name and value"},
		{"=x", "has an empty name"},
		{"a234567890a234567890a234567890a234567890a234567890a234567890a2345=x", "has a name of over 64 characters"},
		{"1a=x", "has a name that is not made of letters, digits and '_'"},
		{"a-b=x", "has a name that is not made of letters, digits and '_'"},
		{"__a=x", "has a name that begins with '__'"},
		{"le=x", "has a name that strest uses itself"},
		{"run_id=x", "has a name that strest uses itself"},
		{"a=x\ny", "has a control character in its value"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct label label = {SLICE("kept"), SLICE("kept")};
		assert_string_equal(label_fault(slice_of(cases[i].text)), cases[i].fault);
		assert_false(label_parse(slice_of(cases[i].text), &label));
		assert_true(slice_equal(label.name, SLICE("kept")));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_faults)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
