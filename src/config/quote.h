/* Puts a user's text into an error sentence: quoted, short, without control characters.
 * In: any text. Out: a copy fit for one line. The caller owns the struct; any thread. */
#pragma once

#include "base/str.h"

struct quote {
	char text[72];
};

/* Returns the text between single quotes, control characters as '?', cut at a whole UTF-8 character and ended by "..." when it is over
 * 64 bytes. Lives as long as *quote. */
const char *quote_text(struct quote *quote, struct slice text);
