#include "base/json_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "base/json_pair.h"

#define KEY_SHOWN 64 /* bytes of a key in a sentence */

/* A table or array that is not yet closed. */
struct level {
	struct tree *node;
	struct tree **end; /* where the next child goes */
};

/* One document being read. yajl says only how far it has come: a token begins where the separators behind the one before end. */
struct reading {
	struct slice text;
	struct arena *arena;
	struct tree_fault *fault;
	yajl_handle yajl;
	struct tree_cursor cursor; /* at the first byte of the last token */
	size_t end;                /* of the last token */
	bool ended;                /* yajl reads the blank that we add after the text: it ends a number */
	bool refused;              /* fault is set */
	struct level levels[TREE_DEPTH_MAX + 1];
	unsigned depth;
	struct tree *root;
	const char *key; /* of the value to come */
	struct tree_place key_at;
};

static bool is_separator(char c) {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

/* Goes to the token that yajl has just read. */
static void find_token(struct reading *r) {
	size_t start = r->end;
	while (start < r->text.size && is_separator(r->text.at[start])) start++;
	tree_cursor_move(&r->cursor, start);
	r->end = r->ended ? r->text.size : yajl_get_bytes_consumed(r->yajl);
}

static bool refuse(struct reading *r, struct tree_place at, const char *what) {
	r->refused = true;
	return tree_refuse(r->fault, at, "%s", what);
}

static struct tree *add_node(struct reading *r, enum tree_kind kind) {
	struct tree *node = arena_alloc(r->arena, sizeof(*node));
	find_token(r);
	node->kind = kind;
	node->at = r->cursor.at;
	node->key = r->key;
	node->key_at = r->key_at;
	r->key = NULL;
	r->key_at = (struct tree_place){0, 0};
	if (r->depth == 0) {
		r->root = node;
	} else {
		struct level *level = &r->levels[r->depth - 1];
		*level->end = node;
		level->end = &node->next;
		level->node->count++;
	}
	return node;
}

static int on_null(void *user) {
	add_node(user, TREE_NULL);
	return 1;
}

static int on_bool(void *user, int truth) {
	add_node(user, TREE_BOOL)->truth = truth != 0;
	return 1;
}

static int on_number(void *user, const char *text, size_t size) {
	struct reading *r = user;
	struct tree *node = add_node(r, TREE_INT);
	const char *copy = arena_copy(r->arena, (struct slice){text, size});
	node->real = strtod(copy, NULL);
	if (strpbrk(copy, ".eE")) {
		node->kind = TREE_REAL;
		return isfinite(node->real) || refuse(r, node->at, "the number is too large");
	}
	errno = 0;
	node->integer = strtoll(copy, NULL, 10);
	return errno == 0 || refuse(r, node->at, "the whole number does not fit into 64 bits");
}

/* Refuses half a surrogate pair in the text that was just read. */
static bool check_pairs(struct reading *r) {
	struct slice quoted = {r->text.at + r->cursor.offset, r->end - r->cursor.offset};
	size_t half = json_pair_find_half(quoted);
	struct tree_cursor cursor = r->cursor;
	return half == quoted.size || refuse(r, tree_cursor_move(&cursor, cursor.offset + half),
					      "the escape is half a character; write \\uD800 to \\uDBFF before \\uDC00 to \\uDFFF");
}

static int on_text(void *user, const unsigned char *text, size_t size) {
	struct reading *r = user;
	struct tree *node = add_node(r, TREE_TEXT);
	node->text = (struct slice){arena_copy(r->arena, (struct slice){(const char *)text, size}), size};
	return check_pairs(r);
}

static int on_key(void *user, const unsigned char *text, size_t size) {
	struct reading *r = user;
	find_token(r);
	r->key_at = r->cursor.at;
	r->key = arena_copy(r->arena, (struct slice){(const char *)text, size});
	if (memchr(text, 0, size)) return refuse(r, r->key_at, "a key with a 0 character");
	return check_pairs(r);
}

static int open_level(struct reading *r, enum tree_kind kind) {
	struct tree *node = add_node(r, kind);
	if (r->depth == TREE_DEPTH_MAX) return refuse(r, node->at, "nested too deeply; the limit is 64 levels");
	r->levels[r->depth++] = (struct level){node, &node->first};
	return 1;
}

static int on_array(void *user) {
	return open_level(user, TREE_ARRAY);
}

static int on_table(void *user) {
	return open_level(user, TREE_TABLE);
}

static int on_array_end(void *user) {
	struct reading *r = user;
	find_token(r);
	r->depth--;
	return 1;
}

/* By key, equal ones in the order of the text. */
static int compare_keys(const void *a, const void *b) {
	const struct tree *one = *(const struct tree *const *)a, *two = *(const struct tree *const *)b;
	int order = strcmp(one->key, two->key);
	if (order) return order;
	if (one->key_at.line != two->key_at.line) return one->key_at.line < two->key_at.line ? -1 : 1;
	return one->key_at.column < two->key_at.column ? -1 : 1;
}

/* Returns the first child in the text whose key another one before it has; NULL: none. */
static const struct tree *find_double(const struct tree *table) {
	const struct tree **sorted = mem_alloc((table->count + 1) * sizeof(*sorted)), *found = NULL;
	size_t count = 0;
	for (const struct tree *child = table->first; child; child = child->next) sorted[count++] = child;
	qsort(sorted, count, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < count; i++) {
		struct tree_place at = sorted[i]->key_at;
		if (strcmp(sorted[i]->key, sorted[i - 1]->key) != 0) continue;
		if (!found || at.line < found->key_at.line || (at.line == found->key_at.line && at.column < found->key_at.column)) found = sorted[i];
	}
	free(sorted);
	return found;
}

static int on_table_end(void *user) {
	struct reading *r = user;
	const struct tree *doubled;
	find_token(r);
	doubled = find_double(r->levels[--r->depth].node);
	if (!doubled) return 1;
	size_t shown = strnlen(doubled->key, KEY_SHOWN);
	while ((doubled->key[shown] & 0xc0) == 0x80) shown--; /* whole characters */
	r->refused = true;
	return tree_refuse(r->fault, doubled->key_at, "'%.*s' is there twice; keep one of them", (int)shown, doubled->key);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_text,
	.yajl_start_map = on_table,
	.yajl_map_key = on_key,
	.yajl_end_map = on_table_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

/* Returns the end of the token that begins at `start`, roughly as a person sees it: a text with its quotes, a sign, or a run of other characters. */
static size_t token_end(struct slice text, size_t start) {
	size_t at = start;
	if (text.at[at] == '"') {
		for (at++; at < text.size && text.at[at] != '"'; at++) at += text.at[at] == '\\' && at + 1 < text.size;
		return at < text.size ? at + 1 : at;
	}
	if (strchr("{}[],:", text.at[at])) return at + 1;
	while (at < text.size && !is_separator(text.at[at]) && !strchr("{}[]\"", text.at[at])) at++;
	return at;
}

/* Takes yajl's sentence about the token at `start` without its head and newline. Inside a text the character at fault is where yajl stopped. */
static bool refuse_words(struct reading *r, size_t start, size_t used) {
	unsigned char *words = yajl_get_error(r->yajl, 0, NULL, 0);
	const char *text = (const char *)words, *head = strstr(text, "error: ");
	if (r->text.at[start] == '"' && strstr(text, "lexical")) start = used;
	if (head) text = head + strlen("error: ");
	tree_refuse(r->fault, tree_cursor_move(&r->cursor, start), "%.*s", (int)strcspn(text, ".\n"), text);
	yajl_free_error(r->yajl, words);
	return false;
}

/* Says what yajl did not like. It stopped inside or at the end of the token at fault: the first one after the last good one that reaches so far. */
static bool refuse_syntax(struct reading *r, size_t used) {
	struct slice text = r->text;
	size_t start = r->end, end = r->end;
	char before = 0;

	for (;;) {
		while (start < text.size && strchr(" \t\r\n", text.at[start]) && text.at[start]) start++;
		if (start == text.size) break;
		end = token_end(text, start);
		if (end >= used) break;
		before = text.at[start];
		start = end;
	}
	if (start == text.size) { /* blanks at the end are no place to look at */
		while (start > 0 && strchr(" \t\r\n", text.at[start - 1]) && text.at[start - 1]) start--;
		return tree_refuse(r->fault, tree_cursor_move(&r->cursor, start), "the text ends too early");
	}
	if (r->ended && text.at[start] == '"') return tree_refuse(r->fault, tree_cursor_move(&r->cursor, start), "the text has no closing quote");
	if (before == ',' && strchr("]}", text.at[start]))
		return tree_refuse(r->fault, tree_cursor_move(&r->cursor, start), "a comma before '%c'; leave it out", text.at[start]);
	return refuse_words(r, start, used);
}

/* Returns the offset of the first control character that no JSON text has, or the size: yajl takes some of them for blanks. */
static size_t find_control(struct slice text) {
	size_t at = 0;
	while (at < text.size && ((unsigned char)text.at[at] >= ' ' || strchr("\t\n\r", text.at[at] ? text.at[at] : 1))) at++;
	return at;
}

/* yajl takes a text that is never closed behind the value for nothing. */
static bool is_over(const struct reading *r) {
	size_t at = r->end;
	while (at < r->text.size && strchr(" \t\r\n", r->text.at[at])) at++;
	return at == r->text.size;
}

bool json_read(struct slice text, struct arena *arena, struct tree **ret, struct tree_fault *fault) {
	static const unsigned char blank[] = " ";
	struct reading r = {.text = text, .arena = arena, .fault = fault};
	struct tree_cursor whole = {text, 0, {1, 1}};
	size_t bad = tree_find_bad_utf8(text);
	yajl_status status;

	if (bad < text.size) return tree_refuse(fault, tree_cursor_move(&whole, bad), "bytes that are not UTF-8");
	if (text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) r.text = (struct slice){text.at + 3, text.size - 3};
	r.cursor = whole = (struct tree_cursor){r.text, 0, {1, 1}};
	bad = find_control(r.text);
	if (bad < r.text.size)
		return tree_refuse(
			fault, tree_cursor_move(&whole, bad), "a control character; in a text it is written \\u00%02x", (unsigned)r.text.at[bad]);
	r.yajl = yajl_alloc(&callbacks, NULL, &r);
	if (!r.yajl) mem_fail();
	status = yajl_parse(r.yajl, (const unsigned char *)r.text.at, r.text.size);
	size_t used = yajl_get_bytes_consumed(r.yajl);
	if (status == yajl_status_ok) {
		r.ended = true;
		used = r.text.size;
		status = yajl_parse(r.yajl, blank, 1);
		if (status == yajl_status_ok) status = yajl_complete_parse(r.yajl);
	}
	bool good = status == yajl_status_ok && is_over(&r);
	if (!good && !r.refused) refuse_syntax(&r, used);
	yajl_free(r.yajl);
	if (!good) return false;
	*ret = r.root;
	return true;
}
