#include "dist/link_http_frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static bool is_kind(unsigned kind) {
	return kind < LINK_KIND_COUNT || kind == WIRE_OPEN || kind == WIRE_DROPPED;
}

static size_t body_size(const unsigned char *head) {
	return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* Moves bytes to `into`, at most `wanted`, and returns how many. */
static size_t move(void *into, size_t wanted, struct slice *bytes) {
	size_t count = bytes->size < wanted ? bytes->size : wanted;
	if (count == 0) return 0;
	memcpy(into, bytes->at, count);
	*bytes = (struct slice){bytes->at + count, bytes->size - count};
	return count;
}

enum frames_result frames_read(struct frames *frames, struct slice *bytes, unsigned *ret_kind) {
	if (frames->head_size == WIRE_HEAD && frames->got == frames->size) frames_fini(frames); /* the last one was whole */
	if (frames->head_size < WIRE_HEAD) {
		frames->head_size += move(frames->head + frames->head_size, WIRE_HEAD - frames->head_size, bytes);
		if (frames->head_size < WIRE_HEAD) return FRAMES_MORE;
		size_t size = body_size(frames->head);
		if (size > LINK_MESSAGE_MAX || !is_kind(frames->head[4])) {
			frames->head_size = 0;
			return FRAMES_BAD;
		}
		frames->size = size;
		if (size > 0) frames->body = mem_alloc(size);
	}
	if (frames->got < frames->size) frames->got += move(frames->body + frames->got, frames->size - frames->got, bytes);
	if (frames->got < frames->size) return FRAMES_MORE;
	*ret_kind = frames->head[4];
	return FRAMES_WHOLE;
}

char *frames_take_body(struct frames *frames) {
	char *body = frames->body;
	frames->body = NULL;
	return body;
}

void frames_fini(struct frames *frames) {
	free(frames->body);
	*frames = (struct frames){0};
}
