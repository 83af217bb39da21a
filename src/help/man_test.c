#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "help/help.h"

#include "config/value.h"
#include "help/facts.h"

static void assert_contains(const char *text, const char *part) {
	if (!strstr(text, part)) fail_msg("'%s' is missing", part);
}

/* Returns the page as it reads: without line breaks and escapes. Bold marks go, too. */
static const char *plain_of(const char *page) {
	static const struct {
		const char *escape;
		char plain;
	} escapes[] = {{"\\(aq", '\''}, {"\\(dq", '"'}, {"\\(ha", '^'}, {"\\(ti", '~'}, {"\\-", '-'}, {"\\e", '\\'}, {"\\fB", 0}, {"\\fR", 0},
		{"\\&", 0}, {"\\\n", 0}, {"\n", ' '}};
	char *plain = arena_alloc(&arena, strlen(page) + 1), *to = plain;
	while (*page) {
		size_t i = 0;
		while (i < LENGTH(escapes) && strncmp(page, escapes[i].escape, strlen(escapes[i].escape)) != 0) i++;
		char letter = i < LENGTH(escapes) ? escapes[i].plain : *page;
		if (letter) *to++ = letter;
		page += i < LENGTH(escapes) ? strlen(escapes[i].escape) : 1;
	}
	*to = 0;
	return plain;
}

static void every_row_stands_in_the_page(void **state) {
	const char *plain = plain_of(man_page(&arena));
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *unit = value_unit(row), *letter = row->letter ? arena_format(&arena, "-%c, ", row->letter) : "";
		assert_contains(plain, arena_format(&arena, " .TP %s--%s%s%s %s.", letter, row->flag, unit ? " " : "", unit ? unit : "", row->help));
		if (row->preset) assert_contains(plain, arena_format(&arena, " Default: %s.", row->preset));
		if (row->alias) assert_contains(plain, arena_format(&arena, " Also: --%s", row->alias));
		if (row->key) assert_contains(plain, arena_format(&arena, " Key: %s", row->key));
		if (row->requires) assert_contains(plain, arena_format(&arena, " Needs --%s.", row->requires));
	}
}

static void the_page_has_the_sections_that_people_look_for(void **state) {
	static const char *const sections[] = {
		"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "CONFIGURATION FILE", "ENVIRONMENT", "EXIT STATUS", "FILES", "EXAMPLES"};
	const char *page = man_page(&arena), *plain = plain_of(page);
	(void)state;
	for (size_t i = 0; i < LENGTH(sections); i++) assert_contains(page, arena_format(&arena, "\n.SH %s\n", sections[i]));
	for (size_t i = 0; i < FACT_CODES; i++) assert_contains(plain, arena_format(&arena, " .TP %d ", fact_codes[i].code));
	for (size_t i = 0; i < FACT_VARIABLES; i++) assert_contains(plain, arena_format(&arena, " .TP %s ", fact_variables[i].name));
	for (size_t i = 0; i < FACT_KEYS; i++) assert_contains(plain, arena_format(&arena, " .TP %s (", fact_keys[i].key));
	for (size_t i = 0; i < FACT_EXAMPLES; i++) assert_contains(plain, arena_format(&arena, " .EX %s .EE", fact_examples[i].line));
}

static void no_line_is_long_and_none_begins_with_a_character_of_roff(void **state) {
	const char *line = man_page(&arena);
	(void)state;
	while (*line) {
		size_t size = strcspn(line, "\n");
		if (size > 80) fail_msg("a line of %zu: %.*s", size, (int)size, line);
		assert_true(*line != '\'');
		if (*line == '.')
			assert_true((line[1] >= 'A' && line[1] <= 'Z') || strncmp(line, ".nh\n", 4) == 0 || strncmp(line, ".ad l\n", 6) == 0 ||
				    strncmp(line, ".br\n", 4) == 0 || strncmp(line, ".\\\"", 3) == 0);
		line += size + 1;
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_row_stands_in_the_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_page_has_the_sections_that_people_look_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_line_is_long_and_none_begins_with_a_character_of_roff, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
