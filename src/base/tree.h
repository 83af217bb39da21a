/* A document as a tree: what TOML and JSON have in common, with the place of every key and value.
 * In: texts, by base/json_read.h and config/toml.h. Out: plain nodes. Everything lives in the arena given to the reader; const afterwards, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define TREE_DEPTH_MAX 64 /* deeper documents are refused */

enum tree_kind {
	TREE_NULL, /* JSON only */
	TREE_BOOL,
	TREE_INT,
	TREE_REAL,
	TREE_TEXT,
	TREE_ARRAY,
	TREE_TABLE, /* a JSON object */
	TREE_OTHER, /* a TOML date or time: `text` is as written */
};

/* A place in the document, both from 1; columns count characters (code points), a tab as one. */
struct tree_place {
	unsigned line, column;
};

struct tree {
	enum tree_kind kind;
	const char *key;           /* in a table, 0-terminated; NULL in an array and at the root */
	struct tree_place at;      /* where the value begins */
	struct tree_place key_at;  /* where its key begins; {0, 0} without one */
	bool truth;                /* TREE_BOOL */
	int64_t integer;           /* TREE_INT */
	double real;               /* TREE_REAL (may be infinite or no number in TOML), TREE_INT too */
	struct slice text;         /* TREE_TEXT, TREE_OTHER: UTF-8, 0-terminated, may hold a 0 inside */
	size_t count;              /* TREE_ARRAY, TREE_TABLE: children */
	struct tree *first, *next; /* first child; next sibling, in the order of the document */
};

/* Why a document is none. */
struct tree_fault {
	struct tree_place at;
	char text[240]; /* lower case, without place, no newline: "'abc' is not a value" */
};

/* A place in a text that moves forward: what readers know is an offset. Starts as {text, 0, {1, 1}}. */
struct tree_cursor {
	struct slice text; /* UTF-8 */
	size_t offset;     /* bytes */
	struct tree_place at;
};

/* Moves to the byte `offset` (not before the cursor's; over the end: the end) and returns its place. */
struct tree_place tree_cursor_move(struct tree_cursor *cursor, size_t offset);

/* Returns the offset of the first byte that is not UTF-8 (RFC 3629: shortest form, no surrogates), or the size of the text. */
size_t tree_find_bad_utf8(struct slice text);

/* Says why a document is none (printf style, control characters become '?'). Always returns false. */
bool tree_refuse(struct tree_fault *fault, struct tree_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Returns the child of a table with this key, or NULL. */
const struct tree *tree_find(const struct tree *table, const char *key);

/* Returns a kind in words for people: "a whole number", "a text", "a table". Constant. */
const char *tree_kind_words(enum tree_kind kind);
