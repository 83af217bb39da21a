/* Bodies that are never in memory as a whole: made piece by piece while they are sent.
 * In: how many bytes, in which form. Out: pieces. A stream is a plain value; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

#define STREAM_ENDLESS UINT64_MAX /* as `bytes`: never ends */

enum stream_form {
	STREAM_NONE,    /* nothing follows */
	STREAM_PLAIN,   /* the bytes, then `tail` */
	STREAM_CHUNKED, /* the bytes in chunks, a trailer "X-Bytes" (RFC 9112 section 7.1) */
	STREAM_SLOW,    /* the bytes in equal steps spread over `time` */
};

struct stream {
	enum stream_form form;
	uint64_t bytes;    /* of the body, without chunk framing */
	uint64_t sent;     /* of these, handed out */
	struct slice tail; /* PLAIN: constant bytes after the last one */
	nsec start, time;  /* SLOW: the last byte is due at start + time */
	char line[64];     /* a chunk's size, the trailer */
	bool ended;
};

enum stream_step {
	STREAM_PIECE, /* *ret_piece is next; valid until the next call */
	STREAM_WAIT,  /* nothing before *ret_due */
	STREAM_END,
};

/* Builds the constant bytes that the pieces point into; before the first stream, any number of times. */
void stream_prepare(void);

/* Returns what comes next. `now` matters for STREAM_SLOW only. Cannot fail. */
enum stream_step stream_next(struct stream *stream, nsec now, struct slice *ret_piece, nsec *ret_due);
