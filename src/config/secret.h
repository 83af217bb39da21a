/* What may be shown of a text that holds a secret: a URL with user and password, a header that says who somebody is.
 * In: the text, and how it is written in the file if variables stand in it. Out: a text for people, in the given arena. Main thread (environment).
 *
 * `written` has the variables that `text` has the values of; NULL: there are none. It is shown instead, and of its secret part only the variables
 * and words that everybody knows ("Bearer ${TOKEN}"); everything else of a secret is "***". What is shown reads back, and is shown as itself. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Returns whether a header of this name is a secret: the one list of such names. */
bool secret_is_header(struct slice name);

/* Returns a URL without user and password. */
const char *secret_show_url(const char *text, const char *written, struct arena *arena);

/* Returns a header NAME: VALUE; without its value if it is a secret. */
const char *secret_show_header(const char *text, const char *written, struct arena *arena);

/* Returns what an error may quote of a text that should be a header: NULL, if nothing (it has no colon, or no name before it); of a name that is
 * none its first word, "Authorization...". */
const char *secret_quote_header(const char *text, const char *written, struct arena *arena);

/* Returns USER:PASSWORD with neither, but with the colon. */
const char *secret_show_basic(const char *written, struct arena *arena);

/* Returns any text that is a secret as a whole. */
const char *secret_show_text(const char *written, struct arena *arena);
