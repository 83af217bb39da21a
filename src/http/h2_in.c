#include <string.h>

#include "base/arena.h"
#include "http/h2_inner.h"

#define PART_BYTES (H2_FRAME_HEAD + H2_FRAME_MAX)
#define WINDOW_MAX 0x7fffffff /* RFC 9113 section 6.9.1 */

static uint32_t read_size(const char *at) {
	const unsigned char *from = (const unsigned char *)at;
	return (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
}

/* The connection ends with this error. */
static bool fail(struct h2 *h2, uint32_t code) {
	h2->fault = code;
	return false;
}

static bool fail_for(struct h2 *h2, uint32_t code, enum reason reason) {
	h2->reason = (uint8_t)reason;
	return fail(h2, code);
}

/* A stream ends with this error, its connection goes on. */
static bool break_stream(struct h2 *h2, struct h2_stream *stream, enum reason reason) {
	h2_put_number(h2, NGHTTP2_RST_STREAM, stream->number, NGHTTP2_PROTOCOL_ERROR);
	h2_tell_end(h2, stream, reason);
	return true;
}

/* Whether a stream has never been opened: nothing may be said of it (RFC 9113 section 5.1). */
static bool is_idle(const struct h2 *h2, uint32_t number) {
	return number % 2 == 0 || number >= h2->next_number;
}

/* The response is complete, perhaps before the request is: what is left of that is of no use (RFC 9113 section 8.1). */
static bool complete(struct h2 *h2, struct h2_stream *stream) {
	bool has_body = !stream->request->is_head && stream->status != 204 && stream->status != 304;
	if (has_body && stream->length >= 0 && stream->body_bytes != (uint64_t)stream->length) return break_stream(h2, stream, REASON_MALFORMED);
	if (!stream->is_written) h2_put_number(h2, NGHTTP2_RST_STREAM, stream->number, NGHTTP2_CANCEL);
	h2_tell_end(h2, stream, REASON_NONE);
	return true;
}

/* Takes the padding off (RFC 9113 section 6.1). */
static bool cut_padding(struct h2_frame *frame) {
	if (!(frame->flags & NGHTTP2_FLAG_PADDED)) return true;
	if (frame->payload.size == 0) return false;
	size_t padding = (unsigned char)frame->payload.at[0];
	if (padding >= frame->payload.size) return false;
	frame->payload = (struct slice){frame->payload.at + 1, frame->payload.size - 1 - padding};
	return true;
}

/* Gives the peer back what has come, half a window at a time. */
static void give_window(struct h2 *h2, struct h2_stream *stream, uint32_t size) {
	h2->consumed += size;
	if (h2->consumed > H2_WINDOW / 2) {
		h2_put_number(h2, NGHTTP2_WINDOW_UPDATE, 0, h2->consumed);
		h2->consumed = 0;
	}
	if (!stream) return;
	stream->consumed += size;
	if (stream->consumed > H2_WINDOW / 2) {
		h2_put_number(h2, NGHTTP2_WINDOW_UPDATE, stream->number, stream->consumed);
		stream->consumed = 0;
	}
}

static bool take_data(struct h2 *h2, struct h2_frame *frame) {
	if (frame->stream == 0 || is_idle(h2, frame->stream)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	struct h2_stream *stream = h2_find(h2, frame->stream);
	uint32_t all = (uint32_t)frame->payload.size;
	if (!cut_padding(frame)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	give_window(h2, stream, all);
	if (!stream) return true; /* it is over: of no use, and no fault if we reset it */
	size_t size = frame->payload.size;
	bool may = stream->has_head && (size == 0 || (!stream->request->is_head && stream->status != 204 && stream->status != 304));
	if (stream->length >= 0 && stream->body_bytes + size > (uint64_t)stream->length) may = false;
	if (!may) return break_stream(h2, stream, REASON_MALFORMED);
	stream->body_bytes += size;
	if (size > 0) {
		h2->idle_frames = 0;
		if (h2->shared->events->body) h2->shared->events->body(h2->owner, stream->id, frame->payload);
	}
	return frame->flags & NGHTTP2_FLAG_END_STREAM ? complete(h2, stream) : true;
}

/* The final head of a response. */
static bool take_final(struct h2 *h2, struct h2_stream *stream, const struct h2_seen *seen, bool ends) {
	const struct http_events *events = h2->shared->events;
	stream->has_head = true;
	stream->length = seen->length;
	h2->idle_frames = 0;
	if (h2->head.at && events->head && seen->status >= events->head_from) {
		h2_text_close(&h2->head);
		events->head(h2->owner, stream->id, seen->status, (struct slice){h2->head.at, h2->head.size});
	}
	return ends ? complete(h2, stream) : true;
}

/* A head of an outstanding request was read: an interim one, the final one, or trailers. */
static bool take_seen(struct h2 *h2, struct h2_stream *stream, const struct h2_seen *seen, bool ends) {
	stream->head_bytes += seen->bytes;
	if (stream->head_bytes > HTTP_HEAD_MAX) return break_stream(h2, stream, REASON_HEAD_TOO_LARGE);
	if (stream->has_head) return ends ? complete(h2, stream) : break_stream(h2, stream, REASON_MALFORMED);
	stream->status = (uint16_t)seen->status;
	stream->first = h2->now;
	if (seen->status >= 200) return take_final(h2, stream, seen, ends);
	return ends ? break_stream(h2, stream, REASON_MALFORMED) : true;
}

static bool take_block(struct h2 *h2, uint32_t number, struct slice block, bool ends) {
	struct h2_stream *stream = h2_find(h2, number);
	struct h2_wanted wanted = {stream ? h2->shared->text_from : UINT32_MAX, &h2->head, &h2->shared->spare_head};
	struct h2_seen seen;
	bool trailers = stream && stream->has_head, fine = true;
	enum h2_unpacked state = h2_unpack(&h2->unpacker, block, trailers, &wanted, &seen);
	if (h2->shared->events->frame) {
		const struct h2_frame frame = {NGHTTP2_HEADERS, ends ? NGHTTP2_FLAG_END_STREAM : 0, number, block};
		h2_show(h2, false, &frame, h2->head.at ? (struct slice){h2->head.at, h2->head.size} : SLICE(""));
	}
	if (state == H2_HEAD_BROKEN) fine = fail(h2, NGHTTP2_COMPRESSION_ERROR);
	if (fine && stream) {
		stream->any_byte = true;
		if (state == H2_HEAD_FINE)
			fine = take_seen(h2, stream, &seen, ends);
		else
			fine = break_stream(h2, stream, state == H2_HEAD_BAD ? REASON_MALFORMED : REASON_HEAD_TOO_LARGE);
	}
	h2_text_drop(&h2->head, &h2->shared->spare_head);
	return fine;
}

/* A part of a head that comes in several frames. */
static bool keep_block(struct h2 *h2, struct slice part) {
	if (h2->block_size + part.size > HTTP_HEAD_MAX) return fail_for(h2, NGHTTP2_ENHANCE_YOUR_CALM, REASON_HEAD_TOO_LARGE);
	h2->block = mem_resize(h2->block, h2->block_size + part.size + 1);
	if (part.size > 0) memcpy(h2->block + h2->block_size, part.at, part.size);
	h2->block_size += part.size;
	return true;
}

static bool take_headers(struct h2 *h2, struct h2_frame *frame) {
	bool ends = frame->flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->stream == 0 || is_idle(h2, frame->stream)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (!cut_padding(frame)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (frame->flags & NGHTTP2_FLAG_PRIORITY) {
		if (frame->payload.size < 5) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
		frame->payload = (struct slice){frame->payload.at + 5, frame->payload.size - 5};
	}
	if (frame->flags & NGHTTP2_FLAG_END_HEADERS) return take_block(h2, frame->stream, frame->payload, ends);
	h2->block_stream = frame->stream;
	h2->block_ends = ends;
	return keep_block(h2, frame->payload);
}

static bool take_continuation(struct h2 *h2, const struct h2_frame *frame) {
	if (h2->block_stream == 0 || !keep_block(h2, frame->payload)) return h2->fault ? false : fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (!(frame->flags & NGHTTP2_FLAG_END_HEADERS)) return true;
	bool fine = take_block(h2, h2->block_stream, (struct slice){h2->block, h2->block_size}, h2->block_ends);
	free(h2->block);
	h2->block = NULL;
	h2->block_size = 0;
	h2->block_stream = 0;
	return fine;
}

static bool take_reset(struct h2 *h2, const struct h2_frame *frame) {
	if (frame->stream == 0 || is_idle(h2, frame->stream)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (frame->payload.size != 4) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	struct h2_stream *stream = h2_find(h2, frame->stream);
	if (!stream) return true;
	uint32_t code = h2_read_number((const unsigned char *)frame->payload.at);
	stream->unprocessed = code == NGHTTP2_REFUSED_STREAM && !stream->any_byte;
	h2_tell_end(h2, stream, stream->unprocessed ? REASON_UNPROCESSED : REASON_STREAM_RESET);
	return true;
}

/* The windows of streams move with SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.9.2). */
static bool move_windows(struct h2 *h2, uint32_t size) {
	int64_t more = (int64_t)size - h2->stream_window;
	if (size > WINDOW_MAX) return fail(h2, NGHTTP2_FLOW_CONTROL_ERROR);
	h2->stream_window = size;
	for (struct h2_stream *stream = h2->streams; stream; stream = stream->next) {
		stream->window += more;
		if (stream->window > WINDOW_MAX) return fail(h2, NGHTTP2_FLOW_CONTROL_ERROR);
	}
	return true;
}

static bool take_setting(struct h2 *h2, unsigned id, uint32_t value) {
	switch (id) {
	case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE: h2_packer_resize(&h2->packer, value); return true;
	case NGHTTP2_SETTINGS_ENABLE_PUSH: return value == 0 || fail(h2, NGHTTP2_PROTOCOL_ERROR); /* no server's to allow */
	case NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS:
		h2->limit = value;
		h2->has_limit = true;
		return true;
	case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE: return move_windows(h2, value);
	case NGHTTP2_SETTINGS_MAX_FRAME_SIZE: return (value >= H2_FRAME_MAX && value <= 0xffffff) || fail(h2, NGHTTP2_PROTOCOL_ERROR);
	default: return true;
	}
}

static bool take_settings(struct h2 *h2, const struct h2_frame *frame) {
	const unsigned char *at = (const unsigned char *)frame->payload.at;
	bool is_ack = frame->flags & NGHTTP2_FLAG_ACK;
	if (frame->stream != 0) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (frame->payload.size % 6 != 0 || (is_ack && frame->payload.size > 0)) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	if (is_ack) return true;
	if (!h2->has_settings) h2->limit = UINT32_MAX; /* unless this frame says one */
	h2->has_settings = true;
	for (size_t i = 0; i + 6 <= frame->payload.size; i += 6)
		if (!take_setting(h2, (unsigned)at[i] << 8 | at[i + 1], h2_read_number(at + i + 2))) return false;
	h2_put(h2, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, SLICE(""));
	return true;
}

static bool take_ping(struct h2 *h2, const struct h2_frame *frame) {
	if (frame->stream != 0) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (frame->payload.size != 8) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	if (!(frame->flags & NGHTTP2_FLAG_ACK)) h2_put(h2, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frame->payload);
	return true;
}

/* What lies behind the last stream that the peer looked at may be sent again elsewhere (RFC 9113 section 6.8). */
static bool take_goaway(struct h2 *h2, const struct h2_frame *frame) {
	if (frame->stream != 0) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (frame->payload.size < 8) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	uint32_t last = h2_read_number((const unsigned char *)frame->payload.at) & 0x7fffffff;
	h2->has_goaway = true;
	for (struct h2_stream *stream = h2->streams, *next; stream; stream = next) {
		next = stream->next;
		if (stream->number != 0 && stream->number <= last) continue;
		stream->unprocessed = !stream->any_byte;
		h2_tell_end(h2, stream, stream->unprocessed ? REASON_UNPROCESSED : REASON_STREAM_RESET);
	}
	return true;
}

static bool take_window(struct h2 *h2, const struct h2_frame *frame) {
	if (frame->payload.size != 4) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	if (frame->stream != 0 && is_idle(h2, frame->stream)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	uint32_t more = h2_read_number((const unsigned char *)frame->payload.at) & 0x7fffffff;
	struct h2_stream *stream = frame->stream ? h2_find(h2, frame->stream) : NULL;
	if (frame->stream == 0) {
		if (more == 0) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
		h2->window += more;
		return h2->window <= WINDOW_MAX || fail(h2, NGHTTP2_FLOW_CONTROL_ERROR);
	}
	if (!stream) return true;
	stream->window += more;
	return (more > 0 && stream->window <= WINDOW_MAX) || break_stream(h2, stream, REASON_MALFORMED);
}

static bool take_frame(struct h2 *h2, struct h2_frame *frame) {
	if (h2->shared->events->frame && frame->type != NGHTTP2_HEADERS) h2_show(h2, false, frame, SLICE(""));
	if (++h2->idle_frames > H2_IDLE_FRAMES || (h2->out && h2->out->end > H2_WAITING_MAX))
		return fail_for(h2, NGHTTP2_ENHANCE_YOUR_CALM, REASON_FLOOD);
	if (!h2->has_settings && frame->type != NGHTTP2_SETTINGS) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	if (h2->block_stream && (frame->type != NGHTTP2_CONTINUATION || frame->stream != h2->block_stream)) return fail(h2, NGHTTP2_PROTOCOL_ERROR);
	switch (frame->type) {
	case NGHTTP2_DATA: return take_data(h2, frame);
	case NGHTTP2_HEADERS: return take_headers(h2, frame);
	case NGHTTP2_PRIORITY: return frame->payload.size == 5 || fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	case NGHTTP2_RST_STREAM: return take_reset(h2, frame);
	case NGHTTP2_SETTINGS: return take_settings(h2, frame);
	case NGHTTP2_PUSH_PROMISE: return fail(h2, NGHTTP2_PROTOCOL_ERROR); /* we said ENABLE_PUSH 0 */
	case NGHTTP2_PING: return take_ping(h2, frame);
	case NGHTTP2_GOAWAY: return take_goaway(h2, frame);
	case NGHTTP2_WINDOW_UPDATE: return take_window(h2, frame);
	case NGHTTP2_CONTINUATION: return take_continuation(h2, frame);
	default: return true; /* RFC 9113 section 4.1 */
	}
}

/* The frame that begins here is whole. */
static bool take_bytes(struct h2 *h2, const char *at, size_t size) {
	const unsigned char *head = (const unsigned char *)at;
	struct h2_frame frame = {head[3], head[4], h2_read_number(head + 5) & 0x7fffffff, {at + H2_FRAME_HEAD, size}};
	return take_frame(h2, &frame);
}

/* Keeps the beginning of a frame, or goes on with it. */
static void keep_part(struct h2 *h2, struct slice *bytes, size_t wanted, nsec arrived) {
	struct http_shared *shared = h2->shared;
	if (!h2->part) {
		h2->part = shared->spare_part ? shared->spare_part : mem_alloc(PART_BYTES);
		shared->spare_part = NULL;
		h2->part_since = arrived;
	}
	size_t size = wanted - h2->part_size < bytes->size ? wanted - h2->part_size : bytes->size;
	memcpy(h2->part + h2->part_size, bytes->at, size);
	h2->part_size += size;
	*bytes = (struct slice){bytes->at + size, bytes->size - size};
}

static void drop_part(struct h2 *h2) {
	if (h2->shared->spare_part)
		free(h2->part);
	else
		h2->shared->spare_part = h2->part;
	h2->part = NULL;
	h2->part_size = 0;
}

/* Goes on with a frame that had come in part. False: h2->fault. */
static bool digest_part(struct h2 *h2, struct slice *bytes, nsec arrived) {
	if (h2->part_size < H2_FRAME_HEAD) keep_part(h2, bytes, H2_FRAME_HEAD, arrived);
	if (h2->part_size < H2_FRAME_HEAD) return true;
	uint32_t size = read_size(h2->part);
	if (size > H2_FRAME_MAX) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
	keep_part(h2, bytes, H2_FRAME_HEAD + size, arrived);
	if (h2->part_size < H2_FRAME_HEAD + size) return true;
	h2->now = h2->part_since;
	bool fine = take_bytes(h2, h2->part, size);
	drop_part(h2);
	return fine;
}

bool h2_digest(struct h2 *h2, struct slice bytes, nsec arrived) {
	if (h2->part && !digest_part(h2, &bytes, arrived)) return false;
	h2->now = arrived;
	while (bytes.size >= H2_FRAME_HEAD) {
		uint32_t size = read_size(bytes.at);
		if (size > H2_FRAME_MAX) return fail(h2, NGHTTP2_FRAME_SIZE_ERROR);
		if (bytes.size < H2_FRAME_HEAD + size) break;
		if (!take_bytes(h2, bytes.at, size)) return false;
		bytes = (struct slice){bytes.at + H2_FRAME_HEAD + size, bytes.size - H2_FRAME_HEAD - size};
	}
	if (bytes.size > 0) keep_part(h2, &bytes, PART_BYTES, arrived);
	return true;
}
