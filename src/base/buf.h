/* A growing text or byte buffer with a stated maximum.
 * In: bytes and printf formats. Out: one contiguous block, always 0-terminated. The caller owns the struct, the struct its memory; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
	char *at;    /* NULL until something was added */
	size_t size; /* bytes in use, without the final 0 */
	size_t room; /* bytes allocated */
	size_t cap;  /* `size` never exceeds this */
	bool full;   /* something did not fit and was left out */
};

/* Makes an empty buffer of at most `cap_bytes`. Allocates nothing. */
void buf_init(struct buf *buf, size_t cap_bytes);

/* Frees the memory; the buffer is empty and may be used again. */
void buf_fini(struct buf *buf);

/* Appends. Returns false and sets `full` if the cap would be passed (then nothing is added). Ends the program when memory is out. */
bool buf_add(struct buf *buf, struct slice bytes);
bool buf_add_text(struct buf *buf, const char *text);
bool buf_add_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns the text, "" when nothing was added. Valid until the next change. */
const char *buf_text(const struct buf *buf);

/* Hands the memory over to the caller (free() it); the buffer is empty afterwards. Never NULL. */
char *buf_take(struct buf *buf);
