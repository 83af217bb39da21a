/* Variables of the environment in a file's texts: "${NAME}"; "$${" stands for "${".
 * In: texts and the environment. Out: texts in the given arena. Main thread (getenv). */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Puts the variables' values in. False, *ret untouched, if one is not set or a "${" begins no name of letters, digits and '_' with a "}" behind it;
 * then *ret_bad is the part at fault, and *ret_unset says which of the two it is ("NAME" without "${" and "}"). */
bool env_expand(struct slice text, struct arena *arena, const char **ret, struct slice *ret_bad, bool *ret_unset);

/* Takes the next piece off a text that is not empty: a variable as it is written, or what stands before the next one. */
struct slice env_next(struct slice *text, bool *ret_variable);

/* Returns whether a variable stands in the text. */
bool env_is_in(struct slice text);

/* Returns the text so that env_expand gives it back: "${" becomes "$${". */
const char *env_escape(const char *text, struct arena *arena);
