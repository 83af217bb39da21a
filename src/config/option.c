#include "config/option.h"

#include <assert.h>

#define OPTION(section, field, kind_name, ...) {.at = offsetof(struct settings, section.field), .kind = KIND_##kind_name, __VA_ARGS__},
const struct option_row option_rows[OPTION_COUNT] = {
#include "config/options.def"
};
#undef OPTION

#define NAME_COUNT 3 /* long names of a row at most */
#define NAME_SIZE 64 /* longer words are not near to anything */

const struct option_command_row option_commands[OPTION_COMMANDS] = {{COMMAND_RUN, ""}, {COMMAND_TARGET, "target"}, {COMMAND_CLEANUP, "cleanup"}};

enum option_command option_command_of(const char *word) {
	for (size_t i = 1; i < OPTION_COMMANDS; i++)
		if (strcmp(word, option_commands[i].name) == 0) return option_commands[i].command;
	return COMMAND_RUN;
}

size_t option_index(const struct option_row *row) {
	assert(row >= option_rows && row < option_rows + OPTION_COUNT);
	return (size_t)(row - option_rows);
}

const char *option_name(const struct option_row *row, unsigned which) {
	const char *const names[NAME_COUNT] = {row->flag, row->alias, row->alias2};
	assert(which < NAME_COUNT);
	return names[which];
}

const struct option_row *option_by_name(struct slice name, enum option_command command) {
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!(option_rows[i].commands & command)) continue;
		for (unsigned n = 0; n < NAME_COUNT; n++) {
			const char *own = option_name(&option_rows[i], n);
			if (own && slice_equal(name, slice_of(own))) return &option_rows[i];
		}
	}
	return NULL;
}

const struct option_row *option_by_letter(char letter, enum option_command command) {
	if (!letter) return NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].commands & command && option_rows[i].letter == letter) return &option_rows[i];
	}
	return NULL;
}

/* Returns how far `name` is from the word typed: 0..2 edits, 3 when the word is only its beginning, else 4.
 * Words of up to three letters may differ by one edit. */
static unsigned name_distance(const char *typed, const char *name) {
	unsigned limit = strlen(typed) <= 3 ? 1 : 2;
	unsigned distance = str_distance(typed, name, limit);
	if (distance <= limit) return distance;
	return strlen(typed) >= 2 && strncmp(typed, name, strlen(typed)) == 0 ? 3 : 4;
}

/* Copies a short word as a 0-terminated text. False if it is too long or empty. */
static bool word_copy(struct slice word, char text[NAME_SIZE]) {
	if (word.size == 0 || word.size >= NAME_SIZE) return false;
	memcpy(text, word.at, word.size);
	text[word.size] = 0;
	return true;
}

const char *option_nearest(struct slice name, enum option_command command) {
	char typed[NAME_SIZE];
	const char *best = NULL;
	unsigned least = 4;

	if (!word_copy(name, typed)) return NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!(option_rows[i].commands & command)) continue;
		for (unsigned n = 0; n < NAME_COUNT; n++) {
			const char *own = option_name(&option_rows[i], n);
			unsigned distance = own ? name_distance(typed, own) : 4;
			if (distance >= least) continue;
			least = distance;
			best = own;
		}
	}
	return best;
}

struct slice option_nearest_word(struct slice word, const char *words) {
	char typed[NAME_SIZE], own[NAME_SIZE];
	struct slice best = {NULL, 0};
	unsigned least = 4;

	if (!word_copy(word, typed)) return best;
	for (struct slice next = option_next_word(&words); next.size; next = option_next_word(&words)) {
		unsigned distance = word_copy(next, own) ? name_distance(typed, own) : 4;
		if (distance >= least) continue;
		least = distance;
		best = next;
	}
	return best;
}

struct slice option_next_word(const char **words) {
	struct slice word = {*words, 0};
	if (!*words) return word;
	word.size = strcspn(*words, "|");
	*words += word.size;
	if (**words) (*words)++;
	return word;
}
