/* What a controller tells its agents of its settings, as text, and what they make of it.
 * In: settings and origins; on the other side the text and the agent's own settings. Out: text; settings to run with. Texts in the given arena; main thread.
 *
 * The text is JSON: {"options": {"rate": "100", "headers": ["A: b"]}, "scenarios": "..."}. Of the rows that travel (struct option_row) those that somebody gave,
 * each as it would be written on the command line; `scenarios` is the file's `scenario`, `scenarios` and `data` with the variables of the environment
 * filled in, as JSON. Files go beside it (base/files.h). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "config/cli.h"
#include "config/origin.h"

#define TRAVEL_MAX ((size_t)3 << 20) /* bytes of a text; with its files a message must stay under 4 MiB */

/* Writes it. ERR_FAILED: it is larger than TRAVEL_MAX. */
bool travel_write(const struct settings *settings, const struct origins *origins, struct arena *arena, const char **ret, struct err *err);

/* Adds a value of a document as JSON, with the variables of the environment filled in, so that it reads back as that anywhere. */
void travel_add_node(struct buf *into, const struct tree *node, struct arena *arena);

/* Returns whether a secret is among what travels: a password, a token, a header that says who somebody is, a private key, a user in a URL. */
bool travel_is_secret(const struct settings *settings, const struct origins *origins);

/* Makes the settings that an agent runs with, as if its command line had given them: the controller's where rows travel, else its own. Everything is
 * checked as what a user writes. ERR_FAILED with the first fault; it does not name secrets. */
bool travel_read(struct slice text, const struct cli *own, struct arena *arena, struct cli *ret, struct err *err);
