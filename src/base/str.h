/* A view of bytes that somebody else owns: nothing is copied, nothing is 0-terminated.
 * In: text from anywhere. Out: parts of it. Lives as long as what it points into; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct slice {
	const char *at; /* may be NULL when size is 0 */
	size_t size;    /* bytes */
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* Returns a view of a 0-terminated string; NULL gives an empty one. */
static inline struct slice slice_of(const char *text) {
	return (struct slice){text, text ? strlen(text) : 0};
}

/* Returns whether both hold the same bytes. */
bool slice_equal(struct slice a, struct slice b);

/* Returns whether both hold the same bytes when ASCII letters are compared without case. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Returns `text` without leading and trailing blanks and tabs. */
struct slice slice_trim(struct slice text);

/* Cuts at the first `separator`: what stands before it is returned, `*rest` is what follows.
 * Without a separator everything is returned and `*rest` is empty with at == NULL. `rest` may point to `text` itself. */
struct slice slice_cut(struct slice text, char separator, struct slice *rest);

/* Returns the number of single-character edits (insert, delete, replace, swap) from a to b, at most `limit` + 1.
 * For "did you mean"; both at most 64 bytes, longer ones count as limit + 1. Method: optimal string alignment (the restricted Damerau-Levenshtein distance). */
unsigned str_distance(const char *a, const char *b, unsigned limit);
