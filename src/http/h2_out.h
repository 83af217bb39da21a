/* What waits to be sent on one HTTP/2 connection: frames, gathered so that one send carries them. For http/h2*.c only.
 * In: frames of a session. Out: bytes in one piece, and how far they mean something. A connection has such memory only while something waits: when that is out, it
 * goes to `spare`, from where the next connection of the thread takes it. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <nghttp2/nghttp2.h>

#define H2_OUT_GATHER ((size_t)64 << 10) /* so much is gathered for one send, and the frame that passes it */
#define H2_OUT_FRAME ((size_t)32 << 10)  /* one frame as the library hands it out: 16 KiB of payload (RFC 9113 section 4.2) */
#define H2_OUT_MARKS 2048                /* frames in one gathering that somebody wants to know of */

/* Up to `end` in the gathered bytes: the first (`all`: the last) frame of a message. */
struct h2_mark {
	uint32_t end;
	uint32_t id;
	int32_t stream; /* HTTP/2's number of it; 0: nobody wants to know */
	bool all;
};

struct h2_out {
	size_t begin, end, room;
	size_t mark, mark_count; /* those before `mark` were told */
	struct h2_mark marks[H2_OUT_MARKS];
	char *bytes; /* `room` of them */
};

/* For h2_out_reserve. */
void h2_out_grow(struct h2_out *out, size_t size);

/* Gives *out, NULL before, its memory. */
void h2_out_begin(struct h2_out **out, struct h2_out **spare);

/* Takes it away. */
void h2_out_drop(struct h2_out **out, struct h2_out **spare);

/* Frees what is spare; NULL is fine. */
void h2_out_free(struct h2_out *spare);

/* Makes room for so many bytes behind those that are there, which may move, and returns where. */
static inline char *h2_out_reserve(struct h2_out *out, size_t size) {
	if (out->room - out->end < size) h2_out_grow(out, size);
	return out->bytes + out->end;
}

/* Notes what the bytes up to here mean. */
static inline void h2_out_mark(struct h2_out *out, struct h2_mark mark) {
	mark.end = (uint32_t)out->end;
	out->marks[out->mark_count++] = mark;
}

static inline bool h2_out_is_full(const struct h2_out *out) {
	return out->end >= H2_OUT_GATHER || out->mark_count == H2_OUT_MARKS;
}

/* Adds the next frame of the session. `pending` is what the session's callbacks say of it (cleared first). Returns its bytes; 0: there is none; below 0: the
 * session is broken (nghttp2_error). */
ssize_t h2_out_add(struct h2_out *out, nghttp2_session *session, struct h2_mark *pending);
