/* Memory with one lifetime: allocated piece by piece, freed all at once.
 * In: sizes. Out: zeroed memory that cannot fail (out of memory ends the program with one message). One thread. */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct arena {
	struct arena_block *last; /* blocks, newest first */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Returns `size_bytes` zeroed bytes, aligned for any type; lives until arena_fini. Size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size_bytes) __attribute__((returns_nonnull));

/* Returns `count` zeroed elements of `size_bytes`; an overflow of the product ends the program. */
void *arena_array(struct arena *arena, size_t count, size_t size_bytes);

/* Returns a 0-terminated copy. */
char *arena_copy(struct arena *arena, struct slice text);

/* Returns a 0-terminated, formatted text. */
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program with the message for out of memory, exit 1. */
_Noreturn void mem_fail(void);

/* malloc, calloc and realloc that cannot fail: out of memory ends the program with one message, exit 1. */
void *mem_alloc(size_t size_bytes) __attribute__((returns_nonnull));
void *mem_zeroed(size_t count, size_t size_bytes) __attribute__((returns_nonnull));
void *mem_resize(void *old, size_t size_bytes) __attribute__((returns_nonnull));
