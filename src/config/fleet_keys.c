/* The table `distributed`: several machines. */
#include <ctype.h>

#include "config/keys.h"
#include "config/quote.h"

#define FLEET_TABLE "distributed"

static struct slice trimmed(struct slice text) {
	while (text.size && isspace((unsigned char)text.at[0])) text = (struct slice){text.at + 1, text.size - 1};
	while (text.size && isspace((unsigned char)text.at[text.size - 1])) text.size--;
	return text;
}

/* Reads `role`: which of `listen` and `join` counts, if both stand there. Returns the key that does not; NULL: both do. */
static const char *read_role(struct keys *keys, const struct tree *table) {
	const struct tree *node = keys_find(table, "role");
	struct slice word = node && node->kind == TREE_TEXT ? trimmed(node->text) : SLICE("");
	if (!node) return NULL;
	if (slice_equal_nocase(word, SLICE("controller"))) return "join";
	if (slice_equal_nocase(word, SLICE("agent"))) return "listen";
	keys_refuse_kind(keys, node, FLEET_TABLE ".role", "'controller' or 'agent'",
		arena_format(keys->arena, "write e.g. %s, or leave it out", keys_show(keys, "role", "\"agent\"")));
	return NULL;
}

/* Returns the words that may stand in the table, "a|b". */
static const char *fleet_words(struct arena *arena) {
	const char *words = "role";
	size_t head = sizeof(FLEET_TABLE);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *key = option_rows[i].key;
		if (key && strncmp(key, FLEET_TABLE ".", head) == 0) words = arena_format(arena, "%s|%s", words, key + head);
	}
	return words;
}

void fleet_keys_read(struct keys *keys, const struct tree *table) {
	const char *words = fleet_words(keys->arena), *ignored;
	if (table->kind == TREE_NULL) return;
	if (table->kind != TREE_TABLE) {
		keys_refuse_kind(keys, table, FLEET_TABLE, "a table",
			arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "join", "\"10.0.0.5:9009\"")));
		return;
	}
	ignored = read_role(keys, table);
	for (const struct tree *node = table->first; node; node = node->next) {
		const char *path = arena_format(keys->arena, FLEET_TABLE ".%s", node->key);
		if (strcmp(node->key, "role") == 0 || (ignored && strcmp(node->key, ignored) == 0)) continue;
		if (keys_among(words, node->key))
			keys_read_row(keys, keys_row(path), node, path);
		else
			keys_refuse_unknown(keys, node, FLEET_TABLE, words);
	}
}
