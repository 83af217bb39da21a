#include "base/tree.h"

#include <stdarg.h>
#include <stdio.h>

struct tree_place tree_cursor_move(struct tree_cursor *cursor, size_t offset) {
	while (cursor->offset < offset && cursor->offset < cursor->text.size) {
		unsigned char byte = (unsigned char)cursor->text.at[cursor->offset++];
		if (byte == '\n')
			cursor->at = (struct tree_place){cursor->at.line + 1, 1};
		else if ((byte & 0xc0) != 0x80) /* the first byte of a character */
			cursor->at.column++;
	}
	return cursor->at;
}

/* Returns the size of the character that begins the text, 0: it is none. */
static size_t character_size(const unsigned char *at, size_t room) {
	size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
	unsigned low = 0x80, high = 0xbf; /* of the second byte: RFC 3629 section 4 */
	if (size > room) return 0;
	if (at[0] == 0xe0) low = 0xa0;
	if (at[0] == 0xed) high = 0x9f;
	if (at[0] == 0xf0) low = 0x90;
	if (at[0] == 0xf4) high = 0x8f;
	for (size_t i = 1; i < size; i++) {
		if (at[i] < low || at[i] > high) return 0;
		low = 0x80;
		high = 0xbf;
	}
	return size;
}

size_t tree_find_bad_utf8(struct slice text) {
	size_t offset = 0;
	while (offset < text.size) {
		size_t size = character_size((const unsigned char *)text.at + offset, text.size - offset);
		if (!size) return offset;
		offset += size;
	}
	return text.size;
}

bool tree_refuse(struct tree_fault *fault, struct tree_place at, const char *format, ...) {
	va_list args;
	fault->at = at;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	for (char *c = fault->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
	}
	return false;
}

const struct tree *tree_find(const struct tree *table, const char *key) {
	for (const struct tree *child = table->first; child; child = child->next) {
		if (child->key && strcmp(child->key, key) == 0) return child;
	}
	return NULL;
}

const char *tree_kind_words(enum tree_kind kind) {
	static const char *const words[] = {
		[TREE_NULL] = "null",
		[TREE_BOOL] = "a truth value",
		[TREE_INT] = "a whole number",
		[TREE_REAL] = "a number with a fraction",
		[TREE_TEXT] = "a text",
		[TREE_ARRAY] = "an array",
		[TREE_TABLE] = "a table",
		[TREE_OTHER] = "a date or time",
	};
	return words[kind];
}
