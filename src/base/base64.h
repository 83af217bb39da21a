/* Base64 with padding (RFC 4648 section 4).
 * In: bytes, or text. Out: text, or bytes. Owns nothing; any thread. */
#pragma once

#include "base/buf.h"

/* Appends the bytes in base64. */
void base64_add(struct buf *into, struct slice bytes);

/* Returns how many bytes `digits` digits stand for at most. */
static inline size_t base64_room(size_t digits) {
	return digits / 4 * 3;
}

/* Reads text in base64 into `ret`, which has base64_room(text.size) bytes, and tells the size. False: it is not base64 as base64_add writes it (no blanks, the
 * padding is there, the bits that it leaves are 0); then `ret` holds anything. */
bool base64_read(struct slice text, char *ret, size_t *ret_size);
