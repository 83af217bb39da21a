/* The scenarios of a file as TOML that says the same, and where each value stands.
 * In: a document as it was read. Out: text, secrets left out, variables of the environment as they are written. Main thread (environment). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"

/* Adds the document's `scenario`, `scenarios` and data files: a table each, a line for each value, "base_url = ...  # strest.toml:12". They stand behind all
 * keys of the top level. TOML has no null: one is left out, which is said behind its line. The document is one without faults. */
void print_scenarios_add(struct buf *buf, const struct tree *document, const char *path, struct arena *arena);

/* Adds a text between quotes, as TOML wants it. Bytes that are not UTF-8 become U+FFFD. */
void print_scenarios_add_text(struct buf *buf, const char *text);
