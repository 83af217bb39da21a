/* What a step asserts of its answer. Whether a pattern or a JSON pointer is one is found when the plan is made. */
#include <math.h>

#include "config/header.h"
#include "config/quote.h"
#include "config/scenario_keys.h"

/* The list being made; it has room for all. */
struct list {
	size_t count;
	struct scenario_assert *at;
};

static void add_text(const struct scenario_field *f, const char *key, enum scenario_assert_kind kind, struct list *list) {
	struct scenario_assert *one = &list->at[list->count];
	if (!scenario_field_filled_text(f, key, &one->value)) return;
	one->kind = kind;
	one->value_kind = TREE_TEXT;
	list->count++;
}

static void add_headers(const struct scenario_field *f, const struct tree *table, struct list *list) {
	struct keys *keys = f->keys;
	const char *path = scenario_field_path(f, "assert_headers");
	struct quote quote;
	for (const struct tree *node = table->first; node; node = node->next) {
		struct scenario_assert *one = &list->at[list->count];
		if (node->kind == TREE_NULL) continue;
		if (!header_name_valid(slice_of(node->key))) {
			findings_add(keys->findings, node->key_at, "%s: %s is no name of a header; write e.g. %s", path,
				quote_text(&quote, slice_of(node->key)), keys_show(keys, "Content-Type", "\"json\""));
			continue;
		}
		*one = (struct scenario_assert){.kind = SCENARIO_HEADER_HAS, .name = {node->key, node->key_at}, .value_kind = TREE_TEXT};
		list->count += scenario_field_take_text(keys, node, arena_format(keys->arena, "%s.%s", path, node->key), &one->value);
	}
}

/* Reads a value that JSON has for one thing. */
static bool read_value(struct keys *keys, const struct tree *node, const char *path, struct placed *ret) {
	bool bare = node->kind == TREE_NULL || (keys_is_bare(node) && (node->kind != TREE_REAL || isfinite(node->real)));
	if (node->kind == TREE_TEXT) return scenario_field_take_text(keys, node, path, ret);
	if (!bare)
		return keys_refuse_kind(keys, node, path, "a text, a number or a truth value of JSON",
			arena_format(keys->arena, "write e.g. %s", scenario_field_show(keys, "/id", "1")));
	*ret = (struct placed){node->kind == TREE_NULL ? "null" : keys_write_bare(node, keys->arena), node->at};
	return true;
}

static void add_json(const struct scenario_field *f, const struct tree *table, struct list *list) {
	struct keys *keys = f->keys;
	const char *path = scenario_field_path(f, "assert_json");
	struct quote quote;
	for (const struct tree *node = table->first; node; node = node->next) {
		struct scenario_assert *one = &list->at[list->count];
		const char *own = arena_format(keys->arena, "%s, %s", path, quote_text(&quote, slice_of(node->key)));
		*one = (struct scenario_assert){.kind = SCENARIO_JSON_IS, .name = {node->key, node->key_at}, .value_kind = node->kind};
		list->count += read_value(keys, node, own, &one->value);
	}
}

void scenario_assert_keys_read(const struct scenario_field *f, struct scenario_step *ret) {
	struct keys *keys = f->keys;
	const char *header = arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "Content-Type", "\"json\""));
	const char *json = arena_format(keys->arena, "write e.g. %s in it", scenario_field_show(keys, "/id", "1"));
	const struct tree *headers = scenario_field_table(f, "assert_headers", header), *values = scenario_field_table(f, "assert_json", json);
	size_t most = 2 + (headers ? headers->count : 0) + (values ? values->count : 0);
	struct list list = {0, arena_array(keys->arena, most, sizeof(*list.at))};
	add_text(f, "assert_body_contains", SCENARIO_BODY_CONTAINS, &list);
	add_text(f, "assert_body_regex", SCENARIO_BODY_REGEX, &list);
	if (headers) add_headers(f, headers, &list);
	if (values) add_json(f, values, &list);
	ret->assert_count = list.count;
	ret->asserts = list.at;
}
