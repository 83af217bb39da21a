/* Any text as JSON: every value stands where its place says, every refusal has a place inside the text. */
#include "base/json_read.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char *const starts[] = {"n", "tf", "-0123456789", "-0123456789", "\"", "[", "{", ""};
	struct slice text = {(const char *)data, size};
	struct tree *root = NULL;
	struct tree_fault fault;
	struct arena arena;
	arena_init(&arena);
	if (json_read(text, &arena, &root, &fault)) {
		tree_check(tree_text(text), root, starts, 0);
	} else {
		assert(!root);
		if (tree_find_bad_utf8(text) == text.size) tree_check_fault(tree_text(text), &fault);
	}
	arena_fini(&arena);
	return 0;
}
