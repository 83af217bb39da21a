#include "out/replay_object.h"

#include <stdio.h>

#include "base/json_read.h"

#define COLUMNS_REFERENCE 7
#define COLUMNS_LEAST 3
#define OTHERS_MOST 4
#define DIGITS_SURE 18 /* so many fit 64 bits */

/* What an object says: the words of columns as they stand in a line; at == NULL: it lacks them. */
struct object {
	struct slice columns[RUNLOG_COLUMNS];
	bool has_type, type_differs;
	int other_count; /* members that are no column, such as the name of a step */
	struct slice others[OTHERS_MOST];
};

static bool line_add(struct replay_line *line, struct slice text) {
	if (text.size > sizeof(line->at) - line->size) return false;
	memcpy(line->at + line->size, text.at, text.size);
	line->size += text.size;
	return true;
}

static enum replay_object object_line(const struct object *object, struct replay_line *ret) {
	ret->size = 0;
	if (object->type_differs) return OBJECT_OTHER;
	for (int i = 0; i < RUNLOG_COLUMNS; i++) {
		struct slice column = object->columns[i];
		if (!column.at && i >= COLUMNS_REFERENCE) return i == COLUMNS_REFERENCE ? OBJECT_RECORD : OBJECT_BAD; /* ours: all or none */
		if (!column.at && i < COLUMNS_LEAST) return OBJECT_BAD;
		if (i > 0 && !line_add(ret, SLICE(","))) return OBJECT_BAD;
		if (!line_add(ret, column.at ? column : SLICE("0"))) return OBJECT_BAD;
	}
	return OBJECT_RECORD;
}

static bool type_differs(struct slice type) {
	return !slice_equal(type, SLICE("record"));
}

/* ---- any object ---- */

static bool column_of(const struct tree *value, char digits[24], struct slice *ret) {
	switch (value->kind) {
	case TREE_BOOL: *ret = value->truth ? SLICE("1") : SLICE("0"); return true;
	case TREE_INT: *ret = (struct slice){digits, (size_t)snprintf(digits, 24, "%lld", (long long)value->integer)}; return true;
	case TREE_TEXT: *ret = value->text; return true;
	default: return false;
	}
}

static enum replay_object object_read_tree(struct slice text, struct arena *arena, struct replay_line *ret) {
	struct object object = {.has_type = false};
	char digits[RUNLOG_COLUMNS][24];
	struct tree *root;
	struct tree_fault fault;
	if (!json_read(text, arena, &root, &fault) || root->kind != TREE_TABLE) return OBJECT_BAD;
	const struct tree *type = tree_find(root, "type");
	if (type && (type->kind != TREE_TEXT || type_differs(type->text))) return OBJECT_OTHER;
	for (int i = 0; i < RUNLOG_COLUMNS; i++) {
		const struct tree *value = tree_find(root, runlog_columns[i]);
		if (value && !column_of(value, digits[i], &object.columns[i])) return OBJECT_BAD;
	}
	return object_line(&object, ret);
}

/* ---- an object as exports have them: few members of other names, each once, whole numbers, words without escapes ---- */

struct scan {
	const char *at, *end;
	int next; /* the column that comes when they stand in their order */
};

static void skip_blanks(struct scan *scan) {
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) scan->at++;
}

static bool take_sign(struct scan *scan, char sign) {
	skip_blanks(scan);
	if (scan->at == scan->end || *scan->at != sign) return false;
	scan->at++;
	skip_blanks(scan);
	return true;
}

static bool take_text(struct scan *scan, struct slice *ret) {
	if (scan->at == scan->end || *scan->at != '"') return false;
	const char *from = ++scan->at;
	while (scan->at < scan->end && *scan->at >= ' ' && *scan->at < 127 && *scan->at != '"' && *scan->at != '\\') scan->at++;
	if (scan->at == scan->end || *scan->at != '"') return false;
	*ret = (struct slice){from, (size_t)(scan->at++ - from)};
	return true;
}

static bool take_word(struct scan *scan, struct slice word) {
	if ((size_t)(scan->end - scan->at) < word.size || memcmp(scan->at, word.at, word.size) != 0) return false;
	scan->at += word.size;
	return true;
}

static bool take_value(struct scan *scan, struct slice *ret) {
	const char *from = scan->at;
	if (take_text(scan, ret)) return true;
	if (scan->at != from) return false;
	if (take_word(scan, SLICE("true")) || take_word(scan, SLICE("false"))) {
		*ret = *from == 't' ? SLICE("1") : SLICE("0");
		return true;
	}
	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
	*ret = (struct slice){from, (size_t)(scan->at - from)};
	return ret->size > 0 && ret->size <= DIGITS_SURE && (*from != '0' || ret->size == 1);
}

static bool is_column(struct slice key, int column) {
	const char *name = runlog_columns[column];
	return strncmp(name, key.at, key.size) == 0 && name[key.size] == 0;
}

/* Returns the column of this name, or -1. */
static int find_column(struct scan *scan, struct slice key) {
	int found = scan->next;
	if (found == RUNLOG_COLUMNS || !is_column(key, found))
		for (found = 0; found < RUNLOG_COLUMNS && !is_column(key, found);) found++;
	if (found == RUNLOG_COLUMNS) return -1;
	scan->next = found + 1;
	return found;
}

static bool add_other(struct object *object, struct slice key) {
	for (int i = 0; i < object->other_count; i++)
		if (slice_equal(object->others[i], key)) return false;
	if (object->other_count == OTHERS_MOST) return false;
	object->others[object->other_count++] = key;
	return true;
}

static bool take_member(struct scan *scan, struct object *object) {
	struct slice key, value;
	if (!take_text(scan, &key) || !take_sign(scan, ':')) return false;
	bool is_text = scan->at < scan->end && *scan->at == '"';
	if (!take_value(scan, &value)) return false;
	if (slice_equal(key, SLICE("type"))) {
		if (object->has_type) return false;
		object->has_type = true;
		object->type_differs = !is_text || type_differs(value);
		return true;
	}
	int column = find_column(scan, key);
	if (column < 0) return add_other(object, key);
	if (object->columns[column].at) return false;
	object->columns[column] = value;
	return true;
}

/* False: it is another kind of object, or none. */
static bool object_scan(struct slice text, struct object *ret) {
	struct scan scan = {text.at, text.at + text.size, 0};
	if (!take_sign(&scan, '{')) return false;
	do
		if (!take_member(&scan, ret)) return false;
	while (take_sign(&scan, ','));
	return take_sign(&scan, '}') && scan.at == scan.end;
}

enum replay_object replay_object_read(struct slice text, struct replay_line *ret) {
	struct object object = {.has_type = false};
	struct arena arena;
	if (object_scan(text, &object)) return object_line(&object, ret);
	arena_init(&arena);
	enum replay_object what = object_read_tree(text, &arena, ret);
	arena_fini(&arena);
	return what;
}
