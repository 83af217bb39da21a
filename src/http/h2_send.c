#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/h2_inner.h"
#include "http/hpack.h"
#include "http/h2_words.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static struct h2_out *out_of(struct h2 *h2) {
	if (!h2->out) h2_out_begin(&h2->out, &h2->shared->spare);
	return h2->out;
}

static void write_frame_head(char *at, const struct h2_frame *frame) {
	unsigned char *to = (unsigned char *)at;
	to[0] = (unsigned char)(frame->payload.size >> 16);
	to[1] = (unsigned char)(frame->payload.size >> 8);
	to[2] = (unsigned char)frame->payload.size;
	to[3] = frame->type;
	to[4] = frame->flags;
	h2_write_number(to + 5, frame->stream);
}

void h2_show(struct h2 *h2, bool sent, const struct h2_frame *frame, struct slice fields) {
	struct buf text;
	buf_init(&text, H2_WORDS_MAX);
	h2_words_add(&text, frame);
	buf_add(&text, fields);
	h2->shared->events->frame(h2->owner, sent, (struct slice){buf_text(&text), text.size});
	buf_fini(&text);
}

/* A frame whose payload stands behind its head already was put there. */
static void end_frame(struct h2 *h2, char *at, const struct h2_frame *frame) {
	write_frame_head(at, frame);
	h2->out->end += H2_FRAME_HEAD + frame->payload.size;
	if (h2->shared->events->frame && frame->type != NGHTTP2_HEADERS) h2_show(h2, true, frame, SLICE(""));
}

void h2_put(struct h2 *h2, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload) {
	char *at = h2_out_reserve(out_of(h2), H2_FRAME_HEAD + payload.size);
	if (payload.size > 0) memcpy(at + H2_FRAME_HEAD, payload.at, payload.size);
	end_frame(h2, at, &(struct h2_frame){type, flags, stream, {at + H2_FRAME_HEAD, payload.size}});
}

void h2_put_number(struct h2 *h2, uint8_t type, uint32_t stream, uint32_t number) {
	unsigned char bytes[4];
	h2_write_number(bytes, number);
	h2_put(h2, type, 0, stream, (struct slice){(char *)bytes, sizeof(bytes)});
}

void h2_put_goaway(struct h2 *h2, uint32_t code) {
	unsigned char bytes[8] = {0}; /* the last stream of the peer's that we looked at: none */
	h2_write_number(bytes + 4, code);
	h2_put(h2, NGHTTP2_GOAWAY, 0, 0, (struct slice){(char *)bytes, sizeof(bytes)});
}

void h2_greet(struct h2 *h2) {
	static const struct {
		uint16_t id;
		uint32_t value;
	} settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
	};
	unsigned char bytes[6 * LENGTH(settings)];
	struct h2_out *out = out_of(h2);
	memcpy(h2_out_reserve(out, sizeof(PREFACE)), PREFACE, sizeof(PREFACE) - 1);
	out->end += sizeof(PREFACE) - 1;
	for (size_t i = 0; i < LENGTH(settings); i++) {
		bytes[6 * i] = 0;
		bytes[6 * i + 1] = (unsigned char)settings[i].id;
		h2_write_number(bytes + 6 * i + 2, settings[i].value);
	}
	h2_put(h2, NGHTTP2_SETTINGS, 0, 0, (struct slice){(char *)bytes, sizeof(bytes)});
	h2_put_number(h2, NGHTTP2_WINDOW_UPDATE, 0, H2_WINDOW - H2_WINDOW_FIRST);
}

void h2_queue(struct h2 *h2, struct h2_stream *stream) {
	stream->out_before = h2->queue_last;
	stream->out_next = NULL;
	if (h2->queue_last)
		h2->queue_last->out_next = stream;
	else
		h2->queue_first = stream;
	h2->queue_last = stream;
}

void h2_unqueue(struct h2 *h2, struct h2_stream *stream) {
	if (stream->out_before)
		stream->out_before->out_next = stream->out_next;
	else
		h2->queue_first = stream->out_next;
	if (stream->out_next)
		stream->out_next->out_before = stream->out_before;
	else
		h2->queue_last = stream->out_before;
	stream->out_before = stream->out_next = NULL;
}

/* A frame with END_STREAM was put, or a head without. */
static void mark(struct h2 *h2, struct h2_stream *stream, bool all) {
	stream->is_written = all;
	if (all) h2_unqueue(h2, stream);
	h2_out_mark(h2->out, (struct h2_mark){.id = stream->id, .stream = (int32_t)stream->number, .all = all});
}

/* Writes fields for people that go without a table. */
static void show_own(struct slice fields, struct buf *into) {
	struct slice name, value;
	while (hpack_read(&fields, &name, &value)) {
		buf_add(into, name);
		buf_add_text(into, ": ");
		buf_add(into, value);
		buf_add_text(into, "\n");
	}
}

/* Shows a head that is sent, with its fields. */
static void show_head(struct h2 *h2, const struct h2_stream *stream, const struct h2_frame *frame) {
	const struct h2_head *head = stream->request->h2;
	const struct slice own[] = {stream->request->h2_before, stream->request->h2_after};
	struct buf fields;
	buf_init(&fields, H2_WORDS_MAX);
	show_own(own[0], &fields);
	for (size_t i = 0; i < head->count; i++) {
		const nghttp2_nv *field = &head->fields[i];
		buf_add(&fields, (struct slice){(const char *)field->name, field->namelen});
		buf_add_text(&fields, ": ");
		buf_add(&fields, (struct slice){(const char *)field->value, field->valuelen});
		buf_add_text(&fields, "\n");
	}
	show_own(own[1], &fields);
	h2_show(h2, true, frame, (struct slice){buf_text(&fields), fields.size});
	buf_fini(&fields);
}

/* A block that does not fit into one frame: the others are CONTINUATION (RFC 9113 section 6.10). The block stands behind the place of the first one's head. */
static void split_head(struct h2 *h2, const struct h2_frame *whole) {
	char *block = mem_alloc(whole->payload.size);
	struct slice rest = {block, whole->payload.size};
	memcpy(block, whole->payload.at, whole->payload.size);
	for (uint8_t type = NGHTTP2_HEADERS; rest.size > 0; type = NGHTTP2_CONTINUATION) {
		struct slice part = {rest.at, rest.size < H2_FRAME_MAX ? rest.size : H2_FRAME_MAX};
		uint8_t flags = type == NGHTTP2_HEADERS ? whole->flags & (uint8_t)~NGHTTP2_FLAG_END_HEADERS : 0;
		rest = (struct slice){rest.at + part.size, rest.size - part.size};
		h2_put(h2, type, rest.size == 0 ? flags | NGHTTP2_FLAG_END_HEADERS : flags, whole->stream, part);
	}
	free(block);
}

/* Writes the block of a request's head, with room for as many bytes: the fields that go without a table around the others, but behind what changes the table's size.
 * Returns its size. */
static size_t write_block(struct h2 *h2, const struct http_request *request, char *into, size_t room) {
	struct slice before = request->h2_before, after = request->h2_after;
	char *packed = into + before.size;
	size_t size = h2_pack(&h2->packer, request->h2, (uint8_t *)packed, room - before.size - after.size);
	if (before.size > 0) {
		size_t resizes = h2_block_resizes((uint8_t *)packed, size);
		memmove(into, packed, resizes);
		memcpy(into + resizes, before.at, before.size);
	}
	if (after.size > 0) memcpy(packed + size, after.at, after.size);
	return before.size + size + after.size;
}

static void send_head(struct h2 *h2, struct h2_stream *stream) {
	const struct http_request *request = stream->request;
	size_t room = request->h2_before.size + h2_pack_bound(&h2->packer, request->h2) + request->h2_after.size;
	char *at = h2_out_reserve(out_of(h2), H2_FRAME_HEAD + room);
	size_t size = write_block(h2, request, at + H2_FRAME_HEAD, room);
	bool all = request->body_bytes == 0;
	h2_number(h2, stream);
	struct h2_frame frame = {
		NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | (all ? NGHTTP2_FLAG_END_STREAM : 0), stream->number, {at + H2_FRAME_HEAD, size}};
	if (h2->shared->events->frame) show_head(h2, stream, &frame);
	if (size > H2_FRAME_MAX)
		split_head(h2, &frame);
	else
		end_frame(h2, at, &frame);
	stream->window = h2->stream_window;
	mark(h2, stream, all);
}

/* Sends the next frame of a body, if the windows are open. Returns whether it did. */
static bool send_body(struct h2 *h2, struct h2_stream *stream) {
	int64_t room = stream->window < h2->window ? stream->window : h2->window;
	if (room <= 0) return false;
	char *at = h2_out_reserve(out_of(h2), H2_FRAME_HEAD + H2_FRAME_MAX);
	size_t most = room < H2_FRAME_MAX ? (size_t)room : H2_FRAME_MAX;
	size_t size = http_request_read(stream->request, stream->body_sent, at + H2_FRAME_HEAD, most);
	stream->body_sent += size;
	stream->window -= (int64_t)size;
	h2->window -= (int64_t)size;
	h2->idle_frames = 0;
	bool all = stream->body_sent == stream->request->body_bytes;
	end_frame(h2, at, &(struct h2_frame){NGHTTP2_DATA, all ? NGHTTP2_FLAG_END_STREAM : 0, stream->number, {at + H2_FRAME_HEAD, size}});
	if (all) mark(h2, stream, true);
	return true;
}

void h2_gather(struct h2 *h2) {
	if (h2->is_dead) return;
	for (bool more = true; more;) {
		more = false;
		for (struct h2_stream *stream = h2->queue_first, *next; stream; stream = next) {
			next = stream->out_next;
			if (h2->out && h2_out_is_full(h2->out)) return;
			if (stream->number == 0) {
				send_head(h2, stream);
				more |= !stream->is_written;
			} else {
				more |= send_body(h2, stream);
			}
		}
	}
}
