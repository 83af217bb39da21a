/* HTTP/2 frames, and frames in words, for --debug. For http/h2*.c only.
 * In: frames. Out: text. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* RFC 9113 section 4.1. */
struct h2_frame {
	uint8_t type, flags;
	uint32_t stream;
	struct slice payload;
};

#define H2_WORDS_MAX ((size_t)256 << 10) /* bytes of one frame's text */

/* Adds the frame's line; the fields of HEADERS are the caller's to add: see struct http_events. */
void h2_words_add(struct buf *into, const struct h2_frame *frame);
