/* What --label says: a name and a value that mark a run in every output.
 * In: text such as "env=staging". Out: its two parts. Views of the text; any thread. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define LABEL_NAME_MAX 64

struct label {
	struct slice
		name; /* as a label of Prometheus: [a-zA-Z_][a-zA-Z0-9_]*, not beginning with "__", none of strest's own, at most LABEL_NAME_MAX */
	struct slice value; /* UTF-8 without control characters; may be empty */
};

/* Reads NAME=VALUE. False, *ret untouched, on anything else. */
bool label_parse(struct slice text, struct label *ret);

/* Returns what is wrong with a text that is not such a thing, "has an empty name" and the like; NULL: it is one. Constant. */
const char *label_fault(struct slice text);
