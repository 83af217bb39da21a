#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena_fixture.h"
#include "help/help.h"

#include "config/value.h"

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

static const enum option_command commands[] = {COMMAND_RUN, COMMAND_TARGET};

static void check_row(const struct option_row *row, const char *flat) {
	const char *unit = value_unit(row), *words = row->choices;
	const char *letter = row->letter ? arena_format(&arena, "-%c, ", row->letter) : "";
	assert_contains(flat, arena_format(&arena, " %s--%s%s%s %s", letter, row->flag, unit ? " " : "", unit ? unit : "", row->help));
	if (row->preset) assert_contains(flat, arena_format(&arena, "[default: %s]", row->preset));
	if (row->requires) assert_contains(flat, arena_format(&arena, "[needs --%s]", row->requires));
	if (row->alias) assert_contains(flat, arena_format(&arena, "[also --%s", row->alias));
	if (row->alias2) assert_contains(flat, arena_format(&arena, ", --%s]", row->alias2));
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		assert_contains(flat, arena_format(&arena, " %.*s", (int)word.size, word.at));
	}
}

static void all_of_it_shows_every_row_of_its_command_and_no_other(void **state) {
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		const char *flat = flatten(help_all(commands[c], &arena));
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];
			if (row->commands & commands[c]) {
				check_row(row, flat);
				if (row->key) assert_contains(flat, arena_format(&arena, "[key: %s", row->key));
				if (row->key2) assert_contains(flat, arena_format(&arena, " or %s", row->key2));
			} else {
				assert_null(strstr(flat, arena_format(&arena, " --%s %s", row->flag, row->help)));
			}
		}
	}
}

static void the_short_one_shows_the_common_rows(void **state) {
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		const char *flat = flatten(help_short(commands[c], &arena));
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];
			if (!(row->commands & commands[c])) continue;
			if (row->common)
				check_row(row, flat);
			else
				assert_null(strstr(flat, row->help));
		}
	}
}

static size_t count_lines(const char *text) {
	size_t lines = 0;
	while (*text) {
		size_t size = strcspn(text, "\n");
		assert_int_equal(text[size], '\n');
		assert_true(size <= 100);
		assert_true(size == 0 || text[size - 1] != ' ');
		text += size + 1;
		lines++;
	}
	return lines;
}

static void lines_fit_into_100_columns_and_the_short_one_on_a_page(void **state) {
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		size_t brief = count_lines(help_short(commands[c], &arena)), all = count_lines(help_all(commands[c], &arena));
		if (brief > 60) fail_msg("%zu lines are too many", brief);
		assert_true(brief < all);
	}
}

static void groups_examples_and_exit_codes_are_named(void **state) {
	static const char *const both[] = {"\nRequest:\n", "\nLoad:\n", "\nTLS:\n", "\nOutput:\n", "\nHelp:\n", "\nExamples:\n",
		"\nExit codes:", "strest target", "strest help", "strest config check [FILE]", "-V, --version", "-h, --help", "1.5s", "every option"};
	const char *brief = help_short(COMMAND_RUN, &arena), *all = help_all(COMMAND_RUN, &arena), *target = help_all(COMMAND_TARGET, &arena);
	(void)state;
	for (size_t i = 0; i < LENGTH(both) - 1; i++) {
		assert_contains(brief, both[i]);
		assert_contains(all, both[i]);
	}
	assert_contains(brief, both[LENGTH(both) - 1]);
	assert_contains(all, "\n  99   ");
	assert_contains(all, "\n  130  ");
	assert_contains(all, "\nEnvironment:\n");
	assert_contains(all, "\n  NO_COLOR ");
	assert_contains(all, "\n  HTTPS_PROXY ");
	assert_contains(all, "\nConnections:\n");
	assert_null(strstr(brief, "\nConnections:\n")); /* nothing that most runs need */
	assert_null(strstr(all, "\nTarget:\n"));
	assert_contains(target, "\nTarget:\n");
	assert_null(strstr(target, "\nLoad:\n"));
	assert_null(strstr(target, "--version"));
}

static void version_is_the_name_and_the_number(void **state) {
	(void)state;
	const char *text = help_version(&arena), *first = "strest " STREST_VERSION "\n";
	assert_int_equal(strncmp(text, first, strlen(first)), 0);
	assert_contains(text, "TLS");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_shows_every_row_of_its_command_and_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_short_one_shows_the_common_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_fit_into_100_columns_and_the_short_one_on_a_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups_examples_and_exit_codes_are_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(version_is_the_name_and_the_number, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
