/* Reads the command stream of dist/link_http.h: pieces of any size in, whole frames out.
 * In: bytes from outside. Out: kind and body. Memory is taken only after the length was looked at. The caller owns the struct; one thread. */
#pragma once

#include "dist/link_http_wire.h"

struct frames {
	unsigned char head[WIRE_HEAD];
	size_t head_size; /* bytes of it that have come */
	char *body;       /* NULL: none, or empty */
	size_t size, got;
};

enum frames_result { FRAMES_MORE, FRAMES_WHOLE, FRAMES_BAD };

/* Takes bytes from the front of *bytes until a frame is whole. FRAMES_WHOLE: *ret_kind is one of enum link_kind or WIRE_OPEN, WIRE_DROPPED, `frames->body`
 * holds `frames->size` bytes until the next call (frames_take_body keeps them). FRAMES_BAD: longer than LINK_MESSAGE_MAX or a kind that is none;
 * the stream is of no use any more. */
enum frames_result frames_read(struct frames *frames, struct slice *bytes, unsigned *ret_kind);

/* Hands the body over to the caller (free() it; may be NULL). */
char *frames_take_body(struct frames *frames);

void frames_fini(struct frames *frames);
