/* Header fields as --headers and --proxy-header have them: "NAME: VALUE".
 * In: lists that config/ has checked. Out: views of their texts. Any thread. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/settings.h"
#include "base/str.h"

#define FIELDS_USER_AGENT "strest-loadtest/" STREST_VERSION
#define FIELDS_MAX ((size_t)1 << 20) /* bytes of a list, and of a head */

/* Takes a field apart: returns its name, *ret_value is its value, both without blanks around them. */
struct slice fields_split(const char *field, struct slice *ret_value);

/* Returns whether the list has a field of this name. */
bool fields_have(const struct text_list *list, struct slice name);

/* Returns whether a field says something of the body, and goes with it. */
bool fields_describe_body(struct slice name);

/* Refuses what a list may not say: the framing, which follows from the body (RFC 9112 section 6), and more than FIELDS_MAX bytes.
 * `option` is the one that named it. */
bool fields_check(const struct text_list *list, const char *option, struct err *err);
