/* Regular expressions: the one way to PCRE2.
 * In: patterns, texts. Out: where they match. A pattern is const once compiled, any thread; what a match needs belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct regex;         /* opaque */
struct regex_scratch; /* opaque: memory of matches, with limits on steps and depth */

/* Compiles a pattern (PCRE2 syntax; UTF-8 is not required of texts: bytes). NULL: *ret_offset and text (of `size` bytes) say where and why. */
struct regex *regex_compile(struct slice pattern, size_t *ret_offset, char *text, size_t size);
void regex_free(struct regex *regex); /* NULL is fine */

/* Returns the number of capturing groups. */
unsigned regex_groups(const struct regex *regex);

struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *scratch); /* NULL is fine */

enum regex_result { REGEX_FOUND, REGEX_NOT_FOUND, REGEX_LIMIT }; /* LIMIT: given up, a pattern such as (a+)+$ */

/* Looks for the first match. *ret: group 1 if the pattern has one (size 0 and at NULL if that took no part), else the whole match. No allocation.
 * The limits hold for each place where a match may begin: a pattern that goes far from each of them may take a time that grows with the square of the
 * text's size (a\w+\d in "aaaa", without JIT). */
enum regex_result regex_find(const struct regex *regex, struct slice text, struct regex_scratch *scratch, struct slice *ret);
