/* Any text with any pointer: what is found is what json_read has at that place, in a text that json_read accepts.
 * Input: the pointer, a newline, the text. */
#include <stdio.h>

#include "base/json_find.h"
#include "base/json_read.h"
#include "fuzz.h"

/* Takes the next segment of a pointer, decoded into the arena. */
static struct slice take_segment(struct slice *pointer, struct arena *arena) {
	struct slice text = slice_cut((struct slice){pointer->at + 1, pointer->size - 1}, '/', pointer);
	char *at = arena_copy(arena, text);
	size_t size = 0;
	if (pointer->at) *pointer = (struct slice){pointer->at - 1, pointer->size + 1};
	for (size_t i = 0; i < text.size; i++) at[size++] = text.at[i] != '~' ? text.at[i] : text.at[++i] == '0' ? '~' : '/';
	return (struct slice){at, size};
}

/* Walks the tree; NULL: there is no such value. */
static const struct tree *walk(const struct tree *node, struct slice pointer, struct arena *arena) {
	while (node && pointer.size) {
		struct slice segment = take_segment(&pointer, arena);
		const struct tree *child = node->kind == TREE_ARRAY || node->kind == TREE_TABLE ? node->first : NULL;
		size_t index = 0;
		for (; child; child = child->next, index++) {
			char number[24];
			if (node->kind == TREE_TABLE ? slice_equal(slice_of(child->key), segment)
						     : slice_equal(slice_of((snprintf(number, sizeof(number), "%zu", index), number)), segment))
				break;
		}
		node = child;
	}
	return node;
}

/* Reads what was found anew, and compares. */
static void compare(const struct tree *want, const struct json_found *found, struct arena *arena) {
	struct tree *root = NULL;
	struct tree_fault fault;
	assert(want->kind == found->kind);
	if (found->kind == TREE_TEXT) {
		assert(slice_equal(want->text, found->text));
		return;
	}
	assert(json_read(found->text, arena, &root, &fault));
	assert(root->kind == want->kind && root->count == want->count && root->truth == want->truth && root->integer == want->integer);
	assert(root->at.line == 1 && root->at.column == 1); /* without blanks around it */
	assert(!strchr(" \t\r\n", found->text.at[found->text.size - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct json_search *search; /* lives as long as the fuzzer, as that of a worker does */
	struct slice text, name = slice_cut((struct slice){(const char *)data, size}, '\n', &text);
	struct json_found found = {TREE_OTHER, {NULL, 0}};
	struct tree *root = NULL;
	struct tree_fault fault;
	struct arena arena;
	if (!search) search = json_search_new();
	arena_init(&arena);
	const struct json_pointer *pointer = json_pointer_compile(name, &arena);
	if (pointer) {
		enum json_result result = json_find(pointer, text, search, &found);
		assert((result == JSON_FOUND) == (found.kind != TREE_OTHER));
		if (json_read(text, &arena, &root, &fault)) {
			const struct tree *want = walk(root, name, &arena);
			assert(result == (want ? JSON_FOUND : JSON_NOT_FOUND));
			if (result == JSON_FOUND) compare(want, &found, &arena);
		} else if (result == JSON_FOUND && found.kind != TREE_TEXT) {
			assert(found.text.size && found.text.at >= text.at && found.text.at + found.text.size <= text.at + text.size);
		}
	}
	arena_fini(&arena);
	return 0;
}
