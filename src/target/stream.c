#include "target/stream.h"

#include <pthread.h>
#include <stdio.h>

#define PATTERN_BYTES 65536 /* largest piece */
#define CHUNK_BYTES 8192
#define STEPS_MAX 1000

static const char digits[] = "0123456789abcdef";
static char pattern[PATTERN_BYTES];
static char chunk[6 + CHUNK_BYTES + 2]; /* "2000\r\n", bytes, "\r\n" */

static void build(void) {
	for (size_t i = 0; i < sizeof(pattern); i++) pattern[i] = digits[i % 16];
	memcpy(chunk, "2000\r\n", 6);
	memcpy(chunk + 6, pattern, CHUNK_BYTES);
	memcpy(chunk + 6 + CHUNK_BYTES, "\r\n", 2);
}

void stream_prepare(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, build);
}

static enum stream_step next_plain(struct stream *stream, struct slice *ret) {
	uint64_t left = stream->bytes - stream->sent;
	if (left > 0) {
		*ret = (struct slice){pattern, left < PATTERN_BYTES ? (size_t)left : PATTERN_BYTES};
		if (stream->bytes != STREAM_ENDLESS) stream->sent += ret->size;
		return STREAM_PIECE;
	}
	if (stream->ended || stream->tail.size == 0) return STREAM_END;
	stream->ended = true;
	*ret = stream->tail;
	return STREAM_PIECE;
}

/* Whole chunks come from the prepared one; the last, smaller one is a line with its size, its bytes, the end. */
static enum stream_step next_chunked(struct stream *stream, struct slice *ret) {
	uint64_t left = stream->bytes - stream->sent;
	if (stream->ended) return STREAM_END;
	if (left >= CHUNK_BYTES) {
		*ret = (struct slice){chunk, sizeof(chunk)};
		stream->sent += CHUNK_BYTES;
	} else if (left > 0 && stream->line[0] == 0) {
		int size = snprintf(stream->line, sizeof(stream->line), "%x\r\n", (unsigned)left);
		*ret = (struct slice){stream->line, (size_t)size};
	} else if (left > 0) {
		*ret = (struct slice){pattern, (size_t)left};
		stream->sent += left;
	} else {
		const char *close = stream->line[0] ? "\r\n" : ""; /* of the last, smaller chunk */
		int size = snprintf(stream->line, sizeof(stream->line), "%s0\r\nX-Bytes: %llu\r\n\r\n", close, (unsigned long long)stream->bytes);
		*ret = (struct slice){stream->line, (size_t)size};
		stream->ended = true;
	}
	return STREAM_PIECE;
}

static enum stream_step next_slow(struct stream *stream, nsec now, struct slice *ret, nsec *ret_due) {
	uint64_t left = stream->bytes - stream->sent, step = (stream->bytes + STEPS_MAX - 1) / STEPS_MAX;
	if (left == 0) return STREAM_END;
	if (step > left) step = left;
	if (step > PATTERN_BYTES - 16) step = PATTERN_BYTES - 16; /* it may begin anywhere in the first 16 */
	nsec due = stream->start + (nsec)((double)stream->time * ((double)(stream->sent + step) / (double)stream->bytes));
	if (now < due) {
		*ret_due = due;
		return STREAM_WAIT;
	}
	*ret = (struct slice){pattern + stream->sent % 16, (size_t)step};
	stream->sent += step;
	return STREAM_PIECE;
}

enum stream_step stream_next(struct stream *stream, nsec now, struct slice *ret_piece, nsec *ret_due) {
	switch (stream->form) {
	case STREAM_NONE: break;
	case STREAM_PLAIN: return next_plain(stream, ret_piece);
	case STREAM_CHUNKED: return next_chunked(stream, ret_piece);
	case STREAM_SLOW: return next_slow(stream, now, ret_piece, ret_due);
	}
	return STREAM_END;
}
