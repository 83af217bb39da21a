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

/* The text as a cell of a table shows it. */
static const char *cell_of(const char *text) {
	char *cell = arena_alloc(&arena, 4 * strlen(text) + 1), *to = cell;
	for (; *text; text++) {
		if (*text == '<')
			to = stpcpy(to, "&lt;");
		else if (*text == '|')
			to = stpcpy(to, "\\|");
		else
			*to++ = *text;
	}
	*to = 0;
	return cell;
}

/* Returns the line of a row; the target's options may have the names of others. */
static const char *line_of(const char *page, const struct option_row *row) {
	const char *unit = value_unit(row), *help = cell_of(row->help);
	const char *begin = arena_format(&arena, "\n| `--%s%s%s`", row->flag, unit ? " " : "", unit ? unit : "");
	for (const char *at = strstr(page, begin); at; at = strstr(at + 1, begin)) {
		const char *line = arena_copy(&arena, (struct slice){at + 1, strcspn(at + 1, "\n")});
		if (strstr(line, help)) return line;
	}
	fail_msg("--%s is missing", row->flag);
	return NULL;
}

static void every_row_is_a_row_with_its_key_and_default(void **state) {
	const char *page = reference_page(&arena);
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *line = line_of(page, row);
		if (row->letter) assert_contains(line, arena_format(&arena, ", `-%c`", row->letter));
		if (row->alias) assert_contains(line, arena_format(&arena, ", `--%s`", row->alias));
		if (row->alias2) assert_contains(line, arena_format(&arena, ", `--%s`", row->alias2));
		if (row->key) assert_contains(line, arena_format(&arena, "| `%s`", row->key));
		if (row->key2) assert_contains(line, arena_format(&arena, " or `%s`", row->key2));
		if (row->preset) assert_contains(line, arena_format(&arena, "| `%s` |", row->preset));
		if (row->requires) assert_contains(line, arena_format(&arena, "Needs `--%s`.", row->requires));
		if (row->conflicts) assert_contains(line, "Not together with `--");
	}
}

/* Unescaped bars of a line. */
static size_t count_bars(const char *line) {
	size_t bars = 0;
	for (size_t i = 0; line[i] && line[i] != '\n'; i++) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
	return bars;
}

static void the_rows_of_a_table_have_the_same_number_of_cells(void **state) {
	const char *line = reference_page(&arena);
	size_t bars = 0, tables = 0;
	(void)state;
	while (*line) {
		size_t here = *line == '|' ? count_bars(line) : 0;
		if (here > 0 && bars == 0) tables++;
		if (here > 0 && bars > 0 && here != bars) fail_msg("%zu, not %zu bars: %.60s", here, bars, line);
		bars = here;
		line += strcspn(line, "\n") + 1;
	}
	assert_true(tables >= GROUP_COUNT + 4); /* commands, keys, codes, environment */
}

static void codes_variables_and_keys_stand_in_it(void **state) {
	const char *page = reference_page(&arena);
	(void)state;
	for (size_t i = 0; i < FACT_CODES; i++) assert_contains(page, arena_format(&arena, "\n| %d | ", fact_codes[i].code));
	for (size_t i = 0; i < FACT_CODES; i++) assert_contains(page, fact_codes[i].words);
	for (size_t i = 0; i < FACT_VARIABLES; i++) assert_contains(page, arena_format(&arena, "\n| `%s` | ", fact_variables[i].name));
	for (size_t i = 0; i < FACT_KEYS; i++) assert_contains(page, arena_format(&arena, "\n| `%s` | ", fact_keys[i].key));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_row_is_a_row_with_its_key_and_default, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_rows_of_a_table_have_the_same_number_of_cells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(codes_variables_and_keys_stand_in_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
