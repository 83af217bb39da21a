/* From a document's tree to settings: every key is a row of the option table, a later version's, or unknown.
 * In: a tree. Out: settings, origins and findings, written through the given pointers. Texts live in the arena; main thread (environment). */
#pragma once

#include "config/findings.h"
#include "config/origin.h"

/* What the readers of keys share. */
struct keys {
	struct arena *arena;
	struct settings *settings;
	struct origins *origins; /* its syntax is set before */
	struct findings *findings;
	const struct tree *root;
};

/* Reads all of a document. */
void keys_read(struct keys *keys);

/* Reads a number, truth value or text into the row's field of `into`. `path` names it for people: "load.rate". False with a fault at the value. */
bool keys_read_scalar(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path, struct settings *into);

/* Reads the value of one of the file's keys into the settings, with its origin. A second key of the same row is a fault. */
void keys_read_row(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path);

/* Takes down where the row's value stands. */
struct option_origin *keys_note(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path);

/* Puts variables into a text. NULL with a fault at the value. */
const char *keys_expand(struct keys *keys, const struct tree *node, const char *path);

/* The fault "path: <value> is not <wanted>; <advice>" at the value. Returns false. */
bool keys_refuse_kind(struct keys *keys, const struct tree *node, const char *path, const char *wanted, const char *advice);

/* Returns whether it is a number or a truth value, and how that is written. */
bool keys_is_bare(const struct tree *node);
const char *keys_write_bare(const struct tree *node, struct arena *arena);

/* The fault that a value is no list of the row's texts. Of a header no secret is quoted. */
void keys_refuse_list(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path);

/* The fault that both keys stand there, at the later of them. Returns false. */
bool keys_refuse_both(struct keys *keys, const struct tree *a, const char *a_path, const struct tree *b, const char *b_path);

/* The fault of an unknown key of the table `path` ("" at the top level) whose own keys are `words`, "a|b". */
void keys_refuse_unknown(struct keys *keys, const struct tree *node, const char *path, const char *words);

/* Returns "key = value" or "\"key\": value", in the syntax of the file; `value` is a literal. */
const char *keys_show(const struct keys *keys, const char *key, const char *value);

/* Returns the table's child of this key unless it is null (in JSON the same as none). */
const struct tree *keys_find(const struct tree *table, const char *key);

/* Returns the row that has this key (dotted only if the row's is); NULL: none. */
const struct option_row *keys_row(const char *key);

/* Returns whether the key is one of "a|b". */
bool keys_among(const char *words, const char *key);

/* Reads `load` (root's child, or NULL) and `rpm`; load_keys.c. */
void load_keys_read(struct keys *keys);

/* Reads `thresholds`; threshold_keys.c. */
void threshold_keys_read(struct keys *keys, const struct tree *table);

/* Reads `distributed`; fleet_keys.c. */
void fleet_keys_read(struct keys *keys, const struct tree *table);

/* Reads `sinks`; sink_keys.c. */
void sink_keys_read(struct keys *keys, const struct tree *table);
