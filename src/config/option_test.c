#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "config/option.h"

static const enum option_command commands[] = {COMMAND_RUN, COMMAND_TARGET};

static void every_row_is_complete(void **state) {
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		assert_non_null(row->flag);
		assert_non_null(row->help);
		assert_true(row->commands != 0);
		assert_true(row->at < sizeof(struct settings));
		assert_int_equal(row->kind == KIND_CHOICE, row->choices != NULL);
		assert_true(row->min <= row->max);
		if (row->alias2) assert_non_null(row->alias);
		if (row->kind == KIND_BOOL) assert_null(row->preset);
		if (row->key2) assert_non_null(row->key);
		if (row->check) assert_true(row->kind == KIND_TEXT || row->kind == KIND_LIST);
		assert_int_equal(option_index(row), i);
	}
}

static void names_and_letters_are_unique_in_a_command(void **state) {
	(void)state;
	for (size_t c = 0; c < LENGTH(commands); c++) {
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];
			if (!(row->commands & commands[c])) continue;
			for (unsigned n = 0; n < 3; n++) {
				const char *name = option_name(row, n);
				if (!name) continue;
				assert_ptr_equal(option_by_name(slice_of(name), commands[c]), row);
				assert_string_not_equal(name, "help");
				assert_string_not_equal(name, "version");
			}
			if (!row->letter) continue;
			assert_ptr_equal(option_by_letter(row->letter, commands[c]), row);
			assert_true(row->letter != 'h' && row->letter != 'V');
		}
	}
}

static void keys_are_unique(void **state) {
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct option_row *a = &option_rows[i], *b = &option_rows[k];
			if (!a->key || !b->key) continue;
			assert_string_not_equal(a->key, b->key);
			if (a->key2) assert_string_not_equal(a->key2, b->key);
			if (b->key2) assert_string_not_equal(a->key, b->key2);
		}
	}
}

static void conflicts_are_mutual_and_needs_exist(void **state) {
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *words = row->conflicts;
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
			const struct option_row *other = option_by_name(word, (enum option_command)row->commands);
			bool mutual = false;
			assert_non_null(other);
			const char *back = other->conflicts;
			for (struct slice w = option_next_word(&back); w.size; w = option_next_word(&back))
				mutual |= slice_equal(w, slice_of(row->flag));
			assert_true(mutual);
		}
		if (row->requires) assert_non_null(option_by_name(slice_of(row->requires), (enum option_command)row->commands));
	}
}

static void look_ups_keep_commands_apart_and_know_no_parts(void **state) {
	(void)state;
	assert_null(option_by_name(SLICE("listen"), COMMAND_RUN));
	assert_null(option_by_name(SLICE("url"), COMMAND_TARGET));
	assert_null(option_by_name(SLICE("rat"), COMMAND_RUN));
	assert_null(option_by_name(SLICE(""), COMMAND_RUN));
	assert_null(option_by_letter('u', COMMAND_TARGET));
	assert_null(option_by_letter(0, COMMAND_RUN));
	assert_ptr_not_equal(option_by_name(SLICE("threads"), COMMAND_RUN), option_by_name(SLICE("threads"), COMMAND_TARGET));
}

static void nearest_knows_slips_and_beginnings(void **state) {
	static const struct {
		const char *typed, *want;
	} cases[] = {
		{"rat", "rate"},
		{"rtae", "rate"},
		{"max_tasks", "max-tasks"},
		{"concurency", "concurrency"},
		{"headrs", "headers"},
		{"dur", "duration"},
		{"url1", "url"},
		{"", NULL},
		{"r", NULL},
		{"zzzzzz", NULL},
		{"listen", NULL},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *near = option_nearest(slice_of(cases[i].typed), COMMAND_RUN);
		if (!cases[i].want)
			assert_null(near);
		else {
			assert_non_null(near);
			assert_string_equal(near, cases[i].want);
		}
	}
}

static void words_are_taken_one_by_one(void **state) {
	const char *words = "a|bc|def", *none = NULL;
	(void)state;
	assert_true(slice_equal(option_next_word(&words), SLICE("a")));
	assert_true(slice_equal(option_next_word(&words), SLICE("bc")));
	assert_true(slice_equal(option_next_word(&words), SLICE("def")));
	assert_int_equal(option_next_word(&words).size, 0);
	assert_int_equal(option_next_word(&words).size, 0);
	assert_int_equal(option_next_word(&none).size, 0);
	assert_true(slice_equal(option_nearest_word(SLICE("pots"), "get|post"), SLICE("post")));
	assert_int_equal(option_nearest_word(SLICE("trace"), "get|post").size, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(names_and_letters_are_unique_in_a_command),
		cmocka_unit_test(keys_are_unique),
		cmocka_unit_test(conflicts_are_mutual_and_needs_exist),
		cmocka_unit_test(look_ups_keep_commands_apart_and_know_no_parts),
		cmocka_unit_test(nearest_knows_slips_and_beginnings),
		cmocka_unit_test(words_are_taken_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
