/* What holds for every tree and every refusal, whatever the text.
 * In: the text and what a reader made of it. Out: nothing; assertions. One thread. */
#pragma once

#include "base/tree.h"
#include "fuzz.h"

/* Returns the offset of a place; it must be one of the text, or its end. */
static inline size_t tree_offset(struct slice text, struct tree_place at) {
	struct tree_cursor cursor = {text, 0, {1, 1}};
	assert(at.line >= 1 && at.column >= 1);
	while (cursor.offset < text.size && (cursor.at.line != at.line || cursor.at.column != at.column))
		tree_cursor_move(&cursor, cursor.offset + 1);
	while (cursor.offset > 0 && cursor.offset < text.size && ((unsigned char)text.at[cursor.offset] & 0xc0) == 0x80) cursor.offset--;
	assert(cursor.at.line == at.line && cursor.at.column == at.column);
	return cursor.offset;
}

/* Checks a node and all below it; `starts` says which characters a value of each kind may begin with, NULL: any. */
static inline void tree_check(struct slice text, const struct tree *node, const char *const starts[], unsigned depth) {
	size_t count = 0;
	size_t offset = tree_offset(text, node->at);
	if (starts[node->kind]) assert(offset < text.size && text.at[offset] && strchr(starts[node->kind], text.at[offset]));
	if (node->key) tree_offset(text, node->key_at);
	if (node->kind == TREE_TEXT) assert(node->text.at[node->text.size] == 0);
	for (const struct tree *child = node->first; child; child = child->next) {
		assert((node->kind == TREE_TABLE) == (child->key != NULL));
		assert(depth < TREE_DEPTH_MAX);
		if (child->key) assert(tree_find(node, child->key) == child); /* no key twice */
		if (child->next && child->key)
			assert(child->key_at.line < child->next->key_at.line ||
				(child->key_at.line == child->next->key_at.line && child->key_at.column < child->next->key_at.column));
		tree_check(text, child, starts, depth + 1);
		count++;
	}
	assert(count == node->count);
}

static inline void tree_check_fault(struct slice text, const struct tree_fault *fault) {
	tree_offset(text, fault->at);
	assert(fault->text[0] && !strpbrk(fault->text, "\r\n"));
}

/* A byte order mark is skipped and no character. */
static inline struct slice tree_text(struct slice text) {
	bool mark = text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0;
	return mark ? (struct slice){text.at + 3, text.size - 3} : text;
}
