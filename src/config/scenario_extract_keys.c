/* What a step takes out of its answer: extract = { token = { json = "/token" } }. */
#include "config/header.h"
#include "config/quote.h"
#include "config/scenario_keys.h"

static const char words[] = "json|header|cookie|regex"; /* in the order of enum scenario_source */

/* Reads the source that stands in the table: there is exactly one. */
static bool read_source(struct keys *keys, const struct tree *table, const char *path, struct scenario_extract *ret) {
	const struct scenario_field f = {.keys = keys, .table = table, .path = path, .prefix = arena_format(keys->arena, "%s.", path)};
	const struct tree *found = NULL;
	const char *rest = words;
	int source = 0;
	bool good = true;
	scenario_field_check_keys(&f, words);
	for (struct slice word = option_next_word(&rest); word.size; word = option_next_word(&rest), source++) {
		const char *key = arena_copy(keys->arena, word);
		const struct tree *node = keys_find(table, key);
		if (!node) continue;
		if (found) good = scenario_field_refuse_both(&f, found, node);
		good = (source == SCENARIO_JSON ? scenario_field_text : scenario_field_filled_text)(&f, key, &ret->what) && good;
		ret->from = (enum scenario_source)source;
		found = node;
	}
	if (!found)
		return findings_add(
			keys->findings, table->at, "%s: what to take is missing; write e.g. %s in it", path, keys_show(keys, "json", "\"/token\""));
	return good;
}

/* RFC 6265 section 4.1.1: the name of a cookie is a token, too. */
static bool check_token(struct keys *keys, const char *path, const struct scenario_extract *extract) {
	bool header = extract->from == SCENARIO_HEADER;
	const char *kind = header ? "header" : "cookie";
	struct quote quote;
	if (extract->from != SCENARIO_HEADER && extract->from != SCENARIO_COOKIE) return true;
	if (header_name_valid(slice_of(extract->what.text))) return true;
	return findings_add(keys->findings, extract->what.at, "%s.%s: %s is no name of a %s; write e.g. %s", path, kind,
		quote_text(&quote, slice_of(extract->what.text)), kind, keys_show(keys, kind, header ? "\"X-Token\"" : "\"session\""));
}

static bool read_extract(struct keys *keys, const struct tree *node, const char *path, struct scenario_extract *ret) {
	const char *own = arena_format(keys->arena, "%s.%s", path, node->key), *source = keys_show(keys, "json", "\"/token\"");
	if (!scenario_field_name(keys, node, path, &ret->name)) return false;
	if (node->kind != TREE_TABLE)
		return keys_refuse_kind(keys, node, own, "a table",
			arena_format(
				keys->arena, "write e.g. %s", scenario_field_show(keys, node->key, arena_format(keys->arena, "{ %s }", source))));
	return read_source(keys, node, own, ret) && check_token(keys, own, ret);
}

void scenario_extract_keys_read(const struct scenario_field *f, struct scenario_step *ret) {
	struct keys *keys = f->keys;
	const char *literal = arena_format(keys->arena, "{ %s }", keys_show(keys, "json", "\"/token\""));
	const struct tree *table =
		scenario_field_table(f, "extract", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "token", literal)));
	struct scenario_extract *list;
	size_t count = 0;
	if (!table) return;
	list = arena_array(keys->arena, table->count, sizeof(*list));
	for (const struct tree *node = table->first; node; node = node->next)
		if (node->kind != TREE_NULL) count += read_extract(keys, node, scenario_field_path(f, "extract"), &list[count]);
	ret->extract_count = count;
	ret->extracts = list;
}
