#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "help/help.h"

#include "config/option.h"

static void assert_contains(const char *text, const char *part) {
	if (!strstr(text, part)) fail_msg("'%s' is missing", part);
}

/* What the scripts really do is tested in shells (tests/e2e/test_help.py). */

static void every_name_of_every_row_stands_in_every_script(void **state) {
	const char *bash = completion_script(SHELL_BASH, &arena), *zsh = completion_script(SHELL_ZSH, &arena),
		   *fish = completion_script(SHELL_FISH, &arena);
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		for (unsigned n = 0; n < 3; n++) {
			const char *name = option_name(row, n);
			if (!name) continue;
			assert_contains(bash, arena_format(&arena, " --%s", name));
			assert_contains(zsh, arena_format(&arena, "--%s%s[", name, row->kind == KIND_BOOL ? "" : "="));
			assert_contains(fish, arena_format(&arena, " -l %s ", name));
		}
		if (!row->letter) continue;
		if (row->kind != KIND_BOOL) assert_contains(bash, arena_format(&arena, " | -%c)", row->letter));
		assert_contains(zsh, arena_format(&arena, "-%c%s[", row->letter, row->kind == KIND_BOOL ? "" : "+"));
		assert_contains(fish, arena_format(&arena, " -s %c ", row->letter));
	}
}

static void every_command_and_choice_stands_in_every_script(void **state) {
	(void)state;
	for (int shell = 0; shell < SHELL_COUNT; shell++) {
		const char *script = completion_script((enum shell)shell, &arena);
		static const char *const words[] = {"target", "config", "check", "help", "all", "never idempotent", "even poisson", "http/1.1"};
		for (size_t i = 0; i < LENGTH(words); i++) assert_contains(script, words[i]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_name_of_every_row_stands_in_every_script, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_command_and_choice_stands_in_every_script, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
