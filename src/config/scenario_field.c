#include "config/scenario_field.h"

#include <assert.h>
#include <ctype.h>

#include "base/variable.h"
#include "config/env.h"
#include "config/header.h"
#include "config/quote.h"
#include "config/secret.h"
#include "http/url.h"

#define DAY 86400.0 /* seconds */

const char *scenario_field_path(const struct scenario_field *f, const char *key) {
	return arena_format(f->keys->arena, "%s%s", f->prefix, key);
}

void scenario_field_check_keys(const struct scenario_field *f, const char *words) {
	for (const struct tree *node = f->table->first; node; node = node->next)
		if (!keys_among(words, node->key)) keys_refuse_unknown(f->keys, node, f->path, words);
}

const struct tree *scenario_field_table(const struct scenario_field *f, const char *key, const char *advice) {
	const struct tree *node = keys_find(f->table, key);
	if (!node || node->kind == TREE_TABLE) return node;
	keys_refuse_kind(f->keys, node, scenario_field_path(f, key), "a table", advice);
	return NULL;
}

static bool is_bare(const char *key) {
	for (const char *c = key; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-') return false;
	return *key;
}

const char *scenario_field_show(const struct keys *keys, const char *key, const char *literal) {
	bool quoted = keys->origins->syntax == VALUE_TOML && !is_bare(key);
	return keys_show(keys, quoted ? arena_format(keys->arena, "\"%s\"", key) : key, literal);
}

bool scenario_field_take_text(struct keys *keys, const struct tree *node, const char *path, struct placed *ret) {
	bool secret = node->key && secret_is_header(slice_of(node->key));
	const char *literal = "\"TEXT\"", *text;
	if (node->kind != TREE_TEXT) {
		if (keys_is_bare(node) && !secret) literal = arena_format(keys->arena, "\"%s\"", keys_write_bare(node, keys->arena));
		if (node->key) literal = scenario_field_show(keys, node->key, literal);
		if (secret) return findings_add(keys->findings, node->at, "%s: the value is not a text; write %s", path, literal);
		return keys_refuse_kind(keys, node, path, "a text", arena_format(keys->arena, "write %s", literal));
	}
	text = keys_expand(keys, node, path);
	if (!text) return false;
	*ret = (struct placed){text, node->at};
	return true;
}

bool scenario_field_text(const struct scenario_field *f, const char *key, struct placed *ret) {
	const struct tree *node = keys_find(f->table, key);
	return node && scenario_field_take_text(f->keys, node, scenario_field_path(f, key), ret);
}

bool scenario_field_filled_text(const struct scenario_field *f, const char *key, struct placed *ret) {
	struct placed own;
	if (!scenario_field_text(f, key, &own)) return false;
	if (!*own.text)
		return findings_add(f->keys->findings, own.at, "%s: the text is empty; write one, or take the key out", scenario_field_path(f, key));
	*ret = own;
	return true;
}

bool scenario_field_refuse_both(const struct scenario_field *f, const struct tree *a, const struct tree *b) {
	bool swapped = b->key_at.line != a->key_at.line ? b->key_at.line < a->key_at.line : b->key_at.column < a->key_at.column;
	const struct tree *first = swapped ? b : a, *second = swapped ? a : b;
	return findings_add(f->keys->findings, second->key_at, "%s: excludes %s in line %u; keep one of them", scenario_field_path(f, second->key),
		first->key, first->key_at.line);
}

/* Returns a text as it is written if a variable of the environment stands in it; NULL: none does. */
static const char *written_of(const struct tree *node) {
	return env_is_in(node->text) ? node->text.at : NULL;
}

bool scenario_field_url(const struct scenario_field *f, const char *key, bool templates, struct placed *ret) {
	struct keys *keys = f->keys;
	struct placed own;
	struct url url;
	struct err err = {0};
	const char *path = scenario_field_path(f, key);
	if (!scenario_field_text(f, key, &own)) return false;
	if (strstr(own.text, "{{")) {
		if (!templates) return findings_add(keys->findings, own.at, "%s: no {{ is filled in here; write the URL itself", path);
		if (!header_value_valid(slice_of(own.text)))
			return findings_add(keys->findings, own.at, "%s: the URL has a control character; leave it out", path);
	} else if (!url_parse_shown(
			   own.text, secret_show_url(own.text, written_of(keys_find(f->table, key)), keys->arena), keys->arena, &url, &err)) {
		return findings_add(keys->findings, own.at, "%s: %s", path, err.text);
	}
	*ret = own;
	return true;
}

bool scenario_field_path_of_url(const struct scenario_field *f, const char *key, struct placed *ret) {
	struct keys *keys = f->keys;
	struct placed own;
	struct url base, url;
	struct err err = {0};
	struct quote quote;
	bool is_base;
	if (!scenario_field_text(f, key, &own)) return false;
	is_base = url_parse("http://localhost/", keys->arena, &base, &err);
	assert(is_base);
	if (!header_value_valid(slice_of(own.text)))
		return findings_add(keys->findings, own.at, "%s: the path has a control character; leave it out", scenario_field_path(f, key));
	if (!strstr(own.text, "{{") && !url_join(&base, slice_of(own.text), keys->arena, &url))
		return findings_add(keys->findings, own.at, "%s: %s leads to no http:// or https:// URL; write e.g. %s", scenario_field_path(f, key),
			quote_text(&quote, keys_find(f->table, key)->text), keys_show(keys, key, "\"/login\""));
	*ret = own;
	return true;
}

static const struct option_row *run_row(const char *flag) {
	const struct option_row *row = option_by_name(slice_of(flag), COMMAND_RUN);
	assert(row);
	return row;
}

/* Reads the value of a key into the scratch settings as this row's. */
static bool read_row(const struct scenario_field *f, const char *key, const struct option_row *row) {
	const struct tree *node = keys_find(f->table, key);
	return node && keys_read_scalar(f->keys, row, node, scenario_field_path(f, key), f->scratch);
}

bool scenario_field_method(const struct scenario_field *f, int *ret) {
	if (!read_row(f, "method", run_row("method"))) return false;
	*ret = f->scratch->http.method;
	return true;
}

bool scenario_field_choice(const struct scenario_field *f, const char *key, const char *choices, int *ret) {
	struct option_row row = *run_row("method");
	const char *rest = row.choices = choices;
	row.preset = arena_copy(f->keys->arena, option_next_word(&rest));
	if (!read_row(f, key, &row)) return false;
	*ret = f->scratch->http.method;
	return true;
}

bool scenario_field_truth(const struct scenario_field *f, const char *key, bool *ret) {
	if (!read_row(f, key, run_row("compressed"))) return false;
	*ret = f->scratch->http.compressed;
	return true;
}

bool scenario_field_count(const struct scenario_field *f, const char *key, uint64_t max, uint64_t *ret) {
	struct option_row row = *run_row("requests");
	row.preset = "1";
	row.max = (double)max;
	if (!read_row(f, key, &row)) return false;
	*ret = f->scratch->load.requests;
	return true;
}

bool scenario_field_time(const struct scenario_field *f, const char *key, nsec *ret) {
	struct option_row row = *run_row("timeout");
	row.preset = "500ms";
	row.min = 1e-9;
	row.max = DAY;
	if (!read_row(f, key, &row)) return false;
	*ret = f->scratch->http.timeout;
	return true;
}

bool scenario_field_status(const struct scenario_field *f, const char *key, struct status_set *ret) {
	if (!read_row(f, key, run_row("status"))) return false;
	*ret = f->scratch->http.status;
	return true;
}

/* Returns whether a template stands in the name of a header. */
static bool is_named_later(const struct tree *node) {
	struct slice value, name = slice_cut(node->text, ':', &value);
	return node->kind == TREE_TEXT && value.at && memmem(name.at, name.size, "{{", 2);
}

static bool read_header(const struct scenario_field *f, const struct tree *item, const char *path, struct placed *ret) {
	struct keys *keys = f->keys;
	struct text_list *list = &f->scratch->http.headers;
	*list = (struct text_list){0};
	if (!is_named_later(item)) {
		if (!keys_read_scalar(keys, run_row("headers"), item, path, f->scratch)) return false;
		*ret = (struct placed){list->at[0], item->at};
		return true;
	}
	if (!scenario_field_take_text(keys, item, path, ret)) return false;
	return header_value_valid(slice_of(ret->text)) ||
	       findings_add(keys->findings, item->at, "%s: the header has a control character; leave it out", path);
}

bool scenario_field_headers(const struct scenario_field *f, struct placed_list *ret) {
	struct keys *keys = f->keys;
	const struct tree *node = keys_find(f->table, "headers");
	const char *path = scenario_field_path(f, "headers");
	struct placed *list;
	size_t count = 0, number = 0;
	if (!node) return false;
	if (node->kind != TREE_ARRAY) {
		keys_refuse_list(keys, run_row("headers"), node, path);
		return false;
	}
	list = arena_array(keys->arena, node->count, sizeof(*list));
	for (const struct tree *item = node->first; item; item = item->next)
		count += read_header(f, item, arena_format(keys->arena, "%s, item %zu", path, ++number), &list[count]);
	*ret = (struct placed_list){count, list};
	return true;
}

bool scenario_field_name(struct keys *keys, const struct tree *node, const char *path, struct placed *ret) {
	struct quote quote;
	*ret = (struct placed){node->key, node->key_at};
	if (variable_is_name(slice_of(node->key))) return true;
	return findings_add(keys->findings, node->key_at, "%s: %s is no name of a variable; write letters, digits, '_', '-' and '.', no digit first",
		path, quote_text(&quote, slice_of(node->key)));
}

bool scenario_field_vars(const struct scenario_field *f, struct scenario_vars *ret) {
	struct keys *keys = f->keys;
	const struct tree *table =
		scenario_field_table(f, "vars", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "user", "\"demo\"")));
	const char *path = scenario_field_path(f, "vars");
	struct scenario_var *list;
	size_t count = 0;
	if (!table) return false;
	list = arena_array(keys->arena, table->count, sizeof(*list));
	for (const struct tree *node = table->first; node; node = node->next) {
		struct scenario_var *var = &list[count];
		if (node->kind == TREE_NULL || !scenario_field_name(keys, node, path, &var->name)) continue;
		count += scenario_field_take_text(keys, node, arena_format(keys->arena, "%s.%s", path, node->key), &var->value);
	}
	*ret = (struct scenario_vars){count, list};
	return true;
}
