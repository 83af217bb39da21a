/* Looks a field up in the head of a response.
 * In: the bytes of a head, status line to blank line, that a parser has accepted. Out: a view of it. Any thread. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Finds the first field with this name (given in lower case; compared without case) and returns its value without blanks around it. False, *ret
 * untouched, if there is none. Folded lines (RFC 9112 section 5.2) end at the fold. */
bool field_find(struct slice head, struct slice name, struct slice *ret);
