/* What other tools have and this version has not, or calls otherwise: keys and options, and what to say about them.
 * In: later.def. Out: a constant array and look-ups. Any thread. */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "base/tree.h"

enum later_kind {
	LATER_LEFT_OUT, /* only outputs and looks: the run goes on without it */
	LATER_REFUSED,  /* something else would be sent, or elsewhere */
	LATER_HABIT,    /* never in a file: another name for what is there */
};

struct later_row {
	enum later_kind kind;
	const char *key;      /* in a file, at its top level; NULL: not there */
	const char *flags;    /* "a|b" on the command line; NULL: not there */
	char letter;          /* 0: none */
	const char *words;    /* "exports come with a later version of strest" */
	const char *harmless; /* this value in a file, as a text, asks for what is done anyway; NULL: none is */
};

/* Every row that has a key: for "did you mean". */
extern const struct later_row later_rows[];
extern const size_t later_count;

/* Each returns NULL if there is no such row. */
const struct later_row *later_by_key(const char *key);
const struct later_row *later_by_flag(struct slice flag);
const struct later_row *later_by_letter(char letter);

/* Returns whether the value in a file asks for nothing that this version does not do. */
bool later_is_harmless(const struct later_row *row, const struct tree *node);
