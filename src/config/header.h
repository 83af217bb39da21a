/* One HTTP header field as a user writes it.
 * In: text such as "Accept: text/html". Out: its two halves, checked. Views of the given text; any thread. */
#pragma once

#include <stdbool.h>

#include "base/settings.h"
#include "base/str.h"

/* Splits NAME: VALUE at the first colon, trims both, and checks the name to be a token and the value to be free of control characters.
 * An empty value is fine. False, outputs untouched, on anything else. RFC 9110 section 5.5 and 5.6.2. */
bool header_parse(struct slice text, struct slice *ret_name, struct slice *ret_value);

/* Returns whether the text is a header name: a token of at least one character. RFC 9110 section 5.6.2. */
bool header_name_valid(struct slice name);

/* Returns whether the text may be a header's value: no control character but the tab. RFC 9110 section 5.5. */
bool header_value_valid(struct slice value);

/* Finds the first text of a list that is a field of this name, compared without case: its place in *ret. False: there is none. */
bool header_find(const struct text_list *texts, struct slice name, size_t *ret);
