/* One content coding, for http/body.c: encoded bytes in, decoded bytes out, cut anywhere.
 * In: pieces of an encoded body. Out: what they decode to. A state is heap memory of its own, used for one body after the other; one thread. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct coder_ops {
	/* Makes a state. Cannot fail. */
	void *(*new)(void);
	void (*free)(void *state);

	/* Begins a body. */
	void (*begin)(void *state);

	/* Takes bytes from the front of `*bytes` and writes what they decode to, at most `room` bytes. Less than `room` means that there is no more
	 * to be had from what was taken. False: broken. */
	bool (*decode)(void *state, struct slice *bytes, char *out, size_t room, size_t *ret_made);

	/* Returns whether the encoded data may end here. */
	bool (*complete)(const void *state);
};

extern const struct coder_ops coder_gzip;    /* RFC 1952; one member or several */
extern const struct coder_ops coder_deflate; /* RFC 1950, and RFC 1951 without the frame of 1950 */
extern const struct coder_ops coder_brotli;  /* RFC 7932 */
extern const struct coder_ops coder_zstd;    /* RFC 8878; one frame or several */
