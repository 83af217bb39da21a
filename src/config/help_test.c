#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "config/help.h"

#include "config/value.h"

static struct arena arena;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Returns the text with every run of blanks and newlines as one blank. */
static char *flatten(const char *text) {
	char *flat = arena_alloc(&arena, strlen(text) + 1), *to = flat;
	for (; *text; text++) {
		bool blank = *text == ' ' || *text == '\n';
		if (blank && to > flat && to[-1] == ' ') continue;
		*to++ = blank ? ' ' : *text;
	}
	*to = 0;
	return flat;
}

static void assert_contains(const char *text, const char *part) {
	if (!strstr(text, part)) fail_msg("'%s' is missing", part);
}

static void check_row(const struct option_row *row, const char *flat) {
	const char *unit = value_unit(row), *words = row->choices;
	const char *letter = row->letter ? arena_format(&arena, "-%c, ", row->letter) : "";
	assert_contains(flat, arena_format(&arena, " %s--%s%s%s %s", letter, row->flag, unit ? " " : "", unit ? unit : "", row->help));
	if (row->preset) assert_contains(flat, arena_format(&arena, "[default: %s]", row->preset));
	if (row->alias) assert_contains(flat, arena_format(&arena, "[also --%s", row->alias));
	if (row->alias2) assert_contains(flat, arena_format(&arena, ", --%s]", row->alias2));
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		assert_contains(flat, arena_format(&arena, " %.*s", (int)word.size, word.at));
	}
}

static void help_shows_every_row_of_its_command_and_no_other(void **state) {
	static const enum option_command commands[] = {COMMAND_RUN, COMMAND_TARGET};
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		const char *flat = flatten(help_format(commands[c], &arena));
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];
			if (row->commands & commands[c])
				check_row(row, flat);
			else
				assert_null(strstr(flat, row->help));
		}
	}
}

static void help_fits_into_100_columns_and_ends_its_lines(void **state) {
	static const enum option_command commands[] = {COMMAND_RUN, COMMAND_TARGET};
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		const char *line = help_format(commands[c], &arena);
		while (*line) {
			size_t size = strcspn(line, "\n");
			assert_int_equal(line[size], '\n');
			assert_true(size <= 100);
			assert_true(size == 0 || line[size - 1] != ' ');
			line += size + 1;
		}
	}
}

static void help_names_groups_examples_and_exit_codes(void **state) {
	static const char *const parts[] = {"\nRequest:\n", "\nLoad:\n", "\nOutput:\n", "\nHelp:\n", "\nExamples:\n", "\nExit codes:\n", "\n  130 ",
		"strest target", "strest help", "-V, --version", "-h, --help", "1.5s"};
	const char *run = help_format(COMMAND_RUN, &arena), *target = help_format(COMMAND_TARGET, &arena);
	(void)state;
	for (size_t i = 0; i < LENGTH(parts); i++) assert_contains(run, parts[i]);
	assert_null(strstr(run, "\nTarget:\n"));
	assert_contains(target, "\nTarget:\n");
	assert_null(strstr(target, "\nLoad:\n"));
	assert_null(strstr(target, "--version"));
}

static void version_is_the_name_and_the_number(void **state) {
	(void)state;
	assert_string_equal(help_version(&arena), "strest " STREST_VERSION "\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(help_shows_every_row_of_its_command_and_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(help_fits_into_100_columns_and_ends_its_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(help_names_groups_examples_and_exit_codes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(version_is_the_name_and_the_number, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
