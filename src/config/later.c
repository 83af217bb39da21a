#include "config/later.h"

#include <stdio.h>

#include "config/option.h"

#define LATER(kind, ...) {LATER_##kind, __VA_ARGS__},
const struct later_row later_rows[] = {
#include "config/later.def"
};
#undef LATER

const size_t later_count = LENGTH(later_rows);

const struct later_row *later_by_key(const char *key) {
	for (size_t i = 0; i < later_count; i++) {
		if (later_rows[i].key && strcmp(later_rows[i].key, key) == 0) return &later_rows[i];
	}
	return NULL;
}

const struct later_row *later_by_flag(struct slice flag) {
	for (size_t i = 0; i < later_count; i++) {
		const char *words = later_rows[i].flags;
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
			if (slice_equal(word, flag)) return &later_rows[i];
		}
	}
	return NULL;
}

const struct later_row *later_by_letter(char letter) {
	for (size_t i = 0; letter && i < later_count; i++) {
		if (later_rows[i].letter == letter) return &later_rows[i];
	}
	return NULL;
}

bool later_is_harmless(const struct later_row *row, const struct tree *node) {
	char text[32];
	if (!row->harmless) return false;
	switch (node->kind) {
	case TREE_BOOL: return strcmp(row->harmless, node->truth ? "true" : "false") == 0;
	case TREE_TEXT: return slice_equal(node->text, slice_of(row->harmless));
	case TREE_INT: snprintf(text, sizeof(text), "%lld", (long long)node->integer); return strcmp(row->harmless, text) == 0;
	default: return false;
	}
}
