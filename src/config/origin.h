/* Where each setting comes from.
 * In: what the readers found. Out: plain values, one for each row of the option table. Texts live in the reader's arena; const afterwards. */
#pragma once

#include "base/tree.h"
#include "config/option.h"
#include "config/value.h"

enum origin_kind {
	ORIGIN_PRESET,  /* nobody gave it */
	ORIGIN_IMPLIED, /* another option makes it so */
	ORIGIN_ENVIRONMENT,
	ORIGIN_FILE,
	ORIGIN_COMMAND,
};

/* Of one row. */
struct option_origin {
	enum origin_kind kind;
	bool broken;                    /* FILE: its value is at fault, so nothing more can be said about it */
	const char *name;               /* FILE: the key with its tables, "load.rate"; ENVIRONMENT: the variable; IMPLIED: the other option's flag;
					 * COMMAND: the long name that was typed; NULL: a letter was */
	struct tree_place at;           /* FILE: where the value begins */
	struct tree_place key_at;       /* FILE: where its key begins */
	const struct tree_place *items; /* FILE, LIST: where each value begins */
	const char *const *written; /* FILE: the texts as they are written, if a variable stands in one of them (a LIST: of each value); else NULL */
};

/* Of all settings of a run. */
struct origins {
	const char *path;            /* of the file, for people; NULL: none was read */
	enum value_syntax syntax;    /* of the file */
	const struct tree *document; /* all of the file; NULL: none was read, or it is none */
	struct option_origin rows[OPTION_COUNT];
};

/* Returns whether somebody gave the row's value. */
static inline bool origin_given(const struct origins *origins, const struct option_row *row) {
	return origins->rows[option_index(row)].kind != ORIGIN_PRESET;
}
