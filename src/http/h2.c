/* HTTP/2 (RFC 9113): the ops, and the requests that are outstanding. h2_in.c digests the peer's frames, h2_send.c makes ours. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/h2_inner.h"

#define NUMBER_MAX 0x7fff0000u /* then the connection is used up, but for the requests that are under way to it */
#define LIMIT_AT_FIRST 100     /* streams at once, before the peer has said */
#define FIRST_BYTES 5          /* are looked at */

/* ---- outstanding requests */

static struct h2_stream **place_of(const struct h2 *h2, uint32_t number) {
	return &h2->table[number / 2 & (h2->places - 1)];
}

struct h2_stream *h2_find(const struct h2 *h2, uint32_t number) {
	struct h2_stream *stream = *place_of(h2, number);
	while (stream && stream->number != number) stream = stream->chained;
	return stream;
}

static void table_add(struct h2 *h2, struct h2_stream *stream) {
	struct h2_stream **place = place_of(h2, stream->number);
	stream->chained = *place;
	*place = stream;
}

/* Makes the table as large as there are streams. */
static void table_grow(struct h2 *h2) {
	struct h2_stream **before = h2->table;
	h2->places *= 2;
	h2->table = mem_zeroed(h2->places, sizeof(struct h2_stream *));
	for (struct h2_stream *stream = h2->streams; stream; stream = stream->next)
		if (stream->number != 0) table_add(h2, stream);
	if (before != h2->own_table) free(before);
}

void h2_number(struct h2 *h2, struct h2_stream *stream) {
	if (h2->numbered == h2->places) table_grow(h2);
	stream->number = h2->next_number;
	h2->next_number += 2;
	h2->numbered++;
	table_add(h2, stream);
}

static void stream_remove(struct h2 *h2, struct h2_stream *stream) {
	if (!stream->is_written) h2_unqueue(h2, stream);
	if (stream->number != 0) {
		struct h2_stream **place = place_of(h2, stream->number);
		while (*place != stream) place = &(*place)->chained;
		*place = stream->chained;
		h2->numbered--;
	}
	if (stream->before)
		stream->before->next = stream->next;
	else
		h2->streams = stream->next;
	if (stream->next) stream->next->before = stream->before;
	h2->outstanding--;
	h2->shared->pool.mem.free(stream, &h2->shared->pool);
}

static struct http_end stream_end(const struct h2 *h2, const struct h2_stream *stream, enum reason reason) {
	return (struct http_end){
		.reason = reason,
		.status = stream->status,
		.any_byte = stream->any_byte,
		.reusable = !h2->is_dead,
		.unprocessed = stream->unprocessed,
		.first = stream->has_head ? stream->first : 0,
		.body_bytes = stream->body_bytes,
	};
}

void h2_tell_end(struct h2 *h2, struct h2_stream *stream, enum reason reason) {
	struct http_end end = stream_end(h2, stream, reason);
	uint32_t id = stream->id;
	stream_remove(h2, stream);
	h2->shared->events->end(h2->owner, id, &end);
}

/* ---- the ops */

static struct http_shared *h2_new_shared(const struct http_events *events) {
	struct http_shared *shared = mem_zeroed(1, sizeof(*shared));
	shared->events = events;
	shared->text_from = UINT32_MAX;
	if (events->head) shared->text_from = events->head_from > 200 ? events->head_from : 200;
	if (events->frame) shared->text_from = 0;
	h2_pool_init(&shared->pool);
	return shared;
}

static void h2_free_shared(struct http_shared *shared) {
	h2_pool_fini(&shared->pool);
	h2_out_free(shared->spare);
	free(shared->spare_head);
	free(shared->spare_part);
	free(shared);
}

static void h2_start(void *state, struct http_shared *shared, void *owner) {
	struct h2 *h2 = state;
	memset(h2, 0, sizeof(*h2));
	h2->shared = shared;
	h2->owner = owner;
	h2->table = h2->own_table;
	h2->places = H2_TABLE;
	h2->window = h2->stream_window = H2_WINDOW_FIRST;
	h2->limit = LIMIT_AT_FIRST;
	h2->next_number = 1;
	h2_packer_init(&h2->packer, &shared->pool.mem);
	h2_unpacker_init(&h2->unpacker, &shared->pool.mem);
	h2_greet(h2);
}

static void h2_stop(void *state) {
	struct h2 *h2 = state;
	while (h2->streams) stream_remove(h2, h2->streams);
	h2_text_drop(&h2->head, &h2->shared->spare_head);
	if (h2->out) h2_out_drop(&h2->out, &h2->shared->spare);
	if (h2->table != h2->own_table) free(h2->table);
	free(h2->part);
	free(h2->block);
	h2_packer_fini(&h2->packer);
	h2_unpacker_fini(&h2->unpacker);
}

static bool h2_is_ending(const void *state) {
	const struct h2 *h2 = state;
	return h2->is_dead || h2->has_goaway || h2->next_number > NUMBER_MAX;
}

static unsigned h2_room(const void *state) {
	const struct h2 *h2 = state;
	if (h2_is_ending(h2)) return 0;
	return h2->limit > h2->outstanding ? h2->limit - h2->outstanding : 0;
}

static unsigned h2_limit(const void *state) {
	const struct h2 *h2 = state;
	return h2->has_limit ? h2->limit : 0;
}

static void h2_submit(void *state, uint32_t id, const struct http_request *request) {
	struct h2 *h2 = state;
	struct h2_stream *stream = h2->shared->pool.mem.calloc(1, sizeof(*stream), &h2->shared->pool);
	stream->id = id;
	stream->request = request;
	stream->length = -1;
	stream->next = h2->streams;
	if (stream->next) stream->next->before = stream;
	h2->streams = stream;
	h2->outstanding++;
	h2_queue(h2, stream);
}

static int h2_drain(void *state, struct iovec *iov, int max) {
	struct h2 *h2 = state;
	(void)max;
	h2_gather(h2);
	if (!h2->out) return 0;
	*iov = (struct iovec){h2->out->bytes + h2->out->begin, h2->out->end - h2->out->begin};
	return 1;
}

static bool h2_drained(void *state, size_t bytes, nsec now) {
	struct h2 *h2 = state;
	struct h2_out *out = h2->out;
	if (!out) return true;
	assert(bytes <= out->end - out->begin);
	out->begin += bytes;
	for (; out->mark < out->mark_count && out->marks[out->mark].end <= out->begin; out->mark++) {
		const struct h2_mark *mark = &out->marks[out->mark];
		if (h2_find(h2, (uint32_t)mark->stream)) h2->shared->events->sent(h2->owner, mark->id, mark->all, now);
	}
	if (out->begin < out->end) return false;
	h2_out_drop(&h2->out, &h2->shared->spare);
	return true;
}

/* Looks at the first bytes that the peer ever sent: those of HTTP/1.1 are no frame. */
static void look_at_first_bytes(struct h2 *h2, struct slice bytes) {
	static const char words[] = "HTTP/";
	for (size_t i = 0; i < bytes.size && h2->first_bytes < FIRST_BYTES; i++) {
		h2->is_not_http2 = bytes.at[i] == words[h2->first_bytes];
		h2->first_bytes = h2->is_not_http2 ? (uint8_t)(h2->first_bytes + 1) : FIRST_BYTES;
	}
	if (h2->first_bytes < FIRST_BYTES) h2->is_not_http2 = false;
}

/* The connection is broken by what the peer sent: says so, and ends all that is outstanding. */
static bool break_off(struct h2 *h2, uint32_t code) {
	enum reason reason = h2->reason != REASON_NONE ? h2->reason : REASON_MALFORMED;
	if (h2->is_not_http2 || !h2->has_settings) reason = REASON_NOT_HTTP2;
	h2_put_goaway(h2, code);
	h2->is_dead = true;
	while (h2->streams) h2_tell_end(h2, h2->streams, reason);
	return false;
}

static bool h2_feed(void *state, struct slice bytes, nsec arrived) {
	struct h2 *h2 = state;
	if (h2->is_dead) return false;
	if (h2->first_bytes < FIRST_BYTES) look_at_first_bytes(h2, bytes);
	if (h2->is_not_http2) return break_off(h2, NGHTTP2_PROTOCOL_ERROR);
	return h2_digest(h2, bytes, arrived) || break_off(h2, h2->fault);
}

static void h2_finish(void *state, bool reset, nsec now) {
	struct h2 *h2 = state;
	(void)now;
	h2->is_dead = true;
	while (h2->streams) {
		enum reason reason = h2->streams->any_byte ? REASON_CUT : REASON_CLOSED;
		h2_tell_end(h2, h2->streams, reset ? REASON_RESET : reason);
	}
}

static struct http_end h2_cancel(void *state, uint32_t id) {
	struct h2 *h2 = state;
	struct h2_stream *stream = h2->streams;
	while (stream->id != id) stream = stream->next;
	struct http_end end = stream_end(h2, stream, REASON_NONE);
	if (stream->number != 0) h2_put_number(h2, NGHTTP2_RST_STREAM, stream->number, NGHTTP2_CANCEL);
	stream_remove(h2, stream);
	return end;
}

static void h2_leave(void *state) {
	h2_put_goaway(state, NGHTTP2_NO_ERROR);
}

const struct http_ops h2_ops = {
	.name = "HTTP/2",
	.state_bytes = sizeof(struct h2),
	.is_batched = true,
	.new_shared = h2_new_shared,
	.free_shared = h2_free_shared,
	.start = h2_start,
	.stop = h2_stop,
	.room = h2_room,
	.limit = h2_limit,
	.is_ending = h2_is_ending,
	.submit = h2_submit,
	.drain = h2_drain,
	.drained = h2_drained,
	.feed = h2_feed,
	.finish = h2_finish,
	.cancel = h2_cancel,
	.leave = h2_leave,
};
