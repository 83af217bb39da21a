/* The table `sinks`: where the figures go while the run lasts. */
#include "config/keys.h"

static const struct {
	const char *name, *words; /* the keys of its table, "a|b"; one of them must be there */
} tables[] = {
	{"prometheus", "path|listen"},
	{"otel", "path"},
	{"influx", "path"},
};

#define SINKS_WORDS "update_interval_ms|prometheus|otel|influx"

static void read_table(struct keys *keys, const struct tree *table, const char *words) {
	const char *path = arena_format(keys->arena, "sinks.%s", table->key);
	bool filled = false;
	if (table->kind != TREE_TABLE) {
		keys_refuse_kind(keys, table, path, "a table", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "path", "\"FILE\"")));
		return;
	}
	for (const struct tree *node = table->first; node; node = node->next) {
		const char *own = arena_format(keys->arena, "%s.%s", path, node->key);
		if (keys_among(words, node->key))
			keys_read_row(keys, keys_row(own), node, own);
		else
			keys_refuse_unknown(keys, node, path, words);
		filled = filled || node->kind != TREE_NULL;
	}
	if (!filled) findings_add(keys->findings, table->key_at, "%s: no path; write e.g. %s", path, keys_show(keys, "path", "\"FILE\""));
}

/* Returns the keys of the sink's own table; NULL: there is no such sink. */
static const char *words_of(const char *name) {
	for (size_t i = 0; i < LENGTH(tables); i++)
		if (strcmp(tables[i].name, name) == 0) return tables[i].words;
	return NULL;
}

void sink_keys_read(struct keys *keys, const struct tree *sinks) {
	static const char interval[] = "sinks.update_interval_ms";
	if (sinks->kind == TREE_NULL) return;
	if (sinks->kind != TREE_TABLE) {
		keys_refuse_kind(keys, sinks, "sinks", "a table", "write a table for each, such as sinks.prometheus with a path");
		return;
	}
	for (const struct tree *node = sinks->first; node; node = node->next) {
		const char *words = words_of(node->key);
		if (node->kind == TREE_NULL && keys_among(SINKS_WORDS, node->key)) continue;
		if (words)
			read_table(keys, node, words);
		else if (keys_among(SINKS_WORDS, node->key))
			keys_read_row(keys, keys_row(interval), node, interval);
		else
			keys_refuse_unknown(keys, node, "sinks", SINKS_WORDS);
	}
}
