#include "http/h2_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define ROOM (H2_OUT_GATHER + H2_OUT_FRAME) /* that is kept when a connection gives its memory back */

void h2_out_grow(struct h2_out *out, size_t size) {
	while (out->room - out->end < size) out->room *= 2;
	out->bytes = mem_resize(out->bytes, out->room);
}

static struct h2_out *out_new(void) {
	struct h2_out *out = mem_alloc(sizeof(*out));
	out->room = ROOM;
	out->bytes = mem_alloc(ROOM);
	return out;
}

void h2_out_begin(struct h2_out **out, struct h2_out **spare) {
	*out = *spare ? *spare : out_new();
	*spare = NULL;
	(*out)->begin = (*out)->end = (*out)->mark = (*out)->mark_count = 0;
}

void h2_out_free(struct h2_out *spare) {
	if (!spare) return;
	free(spare->bytes);
	free(spare);
}

void h2_out_drop(struct h2_out **out, struct h2_out **spare) {
	if (*spare || (*out)->room > ROOM)
		h2_out_free(*out);
	else
		*spare = *out;
	*out = NULL;
}

ssize_t h2_out_add(struct h2_out *out, nghttp2_session *session, struct h2_mark *pending) {
	const uint8_t *bytes;
	pending->stream = 0;
	ssize_t size = nghttp2_session_mem_send(session, &bytes);
	if (size <= 0) return size;
	memcpy(h2_out_reserve(out, (size_t)size), bytes, (size_t)size);
	out->end += (size_t)size;
	if (pending->stream != 0) h2_out_mark(out, *pending);
	return size;
}
