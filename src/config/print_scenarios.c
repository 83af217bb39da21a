#include "config/print_scenarios.h"

#include <ctype.h>

#include "config/env.h"
#include "config/secret.h"
#include "config/value.h"

/* A document being written. */
struct page {
	struct buf *buf;
	struct arena *arena;
	const char *path; /* of the file */
	size_t nulls;     /* left out of the line that is being written */
};

void print_scenarios_add_text(struct buf *buf, const char *text) {
	struct slice rest = slice_of(text);
	buf_add_text(buf, "\"");
	while (rest.size) {
		size_t good = tree_find_bad_utf8(rest), at = 0;
		for (; at < good; at++) {
			unsigned char c = (unsigned char)rest.at[at];
			if (c == '"' || c == '\\')
				buf_add_format(buf, "\\%c", c);
			else if (c == '\n')
				buf_add_text(buf, "\\n");
			else if (c < ' ' || c == 0x7f)
				buf_add_format(buf, "\\u%04x", c);
			else
				buf_add(buf, (struct slice){rest.at + at, 1});
		}
		if (good < rest.size) {
			buf_add_text(buf, "\xef\xbf\xbd");
			good++;
		}
		rest = (struct slice){rest.at + good, rest.size - good};
	}
	buf_add_text(buf, "\"");
}

static void add_key(struct buf *buf, const char *key) {
	bool bare = *key;
	for (const char *c = key; *c; c++) bare = bare && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
	if (bare)
		buf_add_text(buf, key);
	else
		print_scenarios_add_text(buf, key);
}

/* Returns a text as it may be shown; `owner` is the key of the table or array that it stands in. */
static const char *show_text(const struct page *p, const struct tree *node, const char *owner) {
	const char *written = env_is_in(node->text) ? node->text.at : NULL, *text = NULL, *shown;
	struct slice bad;
	bool unset, named = node->key && (strcmp(owner, "vars") == 0 || strcmp(owner, "assert_headers") == 0);
	if (!env_expand(node->text, p->arena, &text, &bad, &unset)) return node->text.at;
	if (!node->key && strcmp(owner, "headers") == 0)
		shown = secret_show_header(text, written, p->arena);
	else if (named && secret_is_header(slice_of(node->key)))
		shown = secret_show_text(written, p->arena);
	else if (!named && node->key && (strcmp(node->key, "url") == 0 || strcmp(node->key, "base_url") == 0))
		shown = secret_show_url(text, written, p->arena);
	else
		return node->text.at;
	return written ? shown : env_escape(shown, p->arena);
}

static void add_value(struct page *p, const struct tree *node, const char *owner);

/* Adds an array or a table in one line. */
static void add_inline(struct page *p, const struct tree *node, const char *owner) {
	bool table = node->kind == TREE_TABLE, first = true;
	buf_add_text(p->buf, table ? "{" : "[");
	for (const struct tree *child = node->first; child; child = child->next) {
		p->nulls += child->kind == TREE_NULL;
		if (child->kind == TREE_NULL) continue;
		buf_add_text(p->buf, first ? (table ? " " : "") : ", ");
		first = false;
		if (table) {
			add_key(p->buf, child->key);
			buf_add_text(p->buf, " = ");
		}
		add_value(p, child, owner);
	}
	buf_add_text(p->buf, table ? (first ? "}" : " }") : "]");
}

static void add_value(struct page *p, const struct tree *node, const char *owner) {
	switch (node->kind) {
	case TREE_NULL: break;
	case TREE_BOOL: buf_add_text(p->buf, node->truth ? "true" : "false"); break;
	case TREE_INT: buf_add_format(p->buf, "%lld", (long long)node->integer); break;
	case TREE_REAL: buf_add_text(p->buf, value_write_real(node->real, ".0", p->arena)); break;
	case TREE_TEXT: print_scenarios_add_text(p->buf, show_text(p, node, owner)); break;
	case TREE_ARRAY:
	case TREE_TABLE: add_inline(p, node, node->key ? node->key : owner); break;
	case TREE_OTHER: buf_add(p->buf, node->text); break;
	}
}

/* Ends a line with its place. */
static void add_place(struct page *p, const struct tree *node, size_t steps) {
	buf_add_format(p->buf, "  # %s:%u", p->path, node->key_at.line ? node->key_at.line : node->at.line);
	if (steps) buf_add_format(p->buf, ", %zu step%s", steps, steps == 1 ? "" : "s");
	if (p->nulls) buf_add_format(p->buf, ", without what is null there (%zu), which TOML cannot say", p->nulls);
	buf_add_text(p->buf, "\n");
	p->nulls = 0;
}

/* Returns whether the node is written as tables of their own: steps, data. */
static bool is_tables(const struct tree *node) {
	bool tables = node->kind == TREE_ARRAY && node->count;
	for (const struct tree *child = node->first; tables && child; child = child->next) tables = child->kind == TREE_TABLE;
	return tables;
}

static void add_lines(struct page *p, const struct tree *table) {
	for (const struct tree *node = table->first; node; node = node->next) {
		if (node->kind == TREE_NULL || is_tables(node)) continue;
		add_key(p->buf, node->key);
		buf_add_text(p->buf, " = ");
		add_value(p, node, "");
		add_place(p, node, 0);
	}
}

static void add_array(struct page *p, const struct tree *array, const char *name) {
	for (const struct tree *table = array->first; table; table = table->next) {
		buf_add_format(p->buf, "\n[[%s]]", name);
		add_place(p, table, 0);
		add_lines(p, table);
	}
}

static void add_scenario(struct page *p, const struct tree *table, const char *name) {
	const struct tree *steps = tree_find(table, "steps");
	buf_add_format(p->buf, "\n[%s]", name);
	add_place(p, table, steps ? steps->count : 0);
	add_lines(p, table);
	if (steps && is_tables(steps)) add_array(p, steps, arena_format(p->arena, "%s.steps", name));
}

void print_scenarios_add(struct buf *buf, const struct tree *document, const char *path, struct arena *arena) {
	struct page page = {.buf = buf, .arena = arena, .path = path};
	const struct tree *single = tree_find(document, "scenario"), *named = tree_find(document, "scenarios"), *data = tree_find(document, "data");
	if (single && single->kind == TREE_TABLE) add_scenario(&page, single, "scenario");
	for (const struct tree *node = named ? named->first : NULL; node; node = node->next)
		if (node->kind == TREE_TABLE) add_scenario(&page, node, arena_format(arena, "scenarios.%s", node->key));
	if (data && is_tables(data)) add_array(&page, data, "data");
}
