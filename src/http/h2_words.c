#include "http/h2_words.h"

#include <nghttp2/nghttp2.h>

#include "base/str.h"

static const char *words_type(uint8_t type) {
	static const char *const names[] = {
		"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"};
	return type < LENGTH(names) ? names[type] : "a frame of unknown type";
}

/* The names of RFC 9113 section 6.5.2. */
static const char *words_setting(int32_t id) {
	static const char *const names[] = {
		"", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE", "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE"};
	return id > 0 && (size_t)id < LENGTH(names) ? names[id] : "setting";
}

static void words_add_flags(struct buf *into, const struct h2_frame *frame) {
	bool is_ack = frame->type == NGHTTP2_SETTINGS || frame->type == NGHTTP2_PING;
	bool ends = frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS;
	if (frame->flags & NGHTTP2_FLAG_ACK && is_ack) buf_add_text(into, ", ACK");
	if (frame->flags & NGHTTP2_FLAG_END_STREAM && ends) buf_add_text(into, ", END_STREAM");
}

/* Number `i` of 32 bits in the payload; 0 if it is not there. */
static uint32_t words_number(const struct h2_frame *frame, size_t at) {
	const unsigned char *from = (const unsigned char *)frame->payload.at + at;
	return at + 4 <= frame->payload.size ? (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3] : 0;
}

static void words_add_settings(struct buf *into, const struct h2_frame *frame) {
	for (size_t at = 0; at + 6 <= frame->payload.size; at += 6) {
		const unsigned char *id = (const unsigned char *)frame->payload.at + at;
		buf_add_format(into, ", %s %u", words_setting(id[0] << 8 | id[1]), words_number(frame, at + 2));
	}
}

void h2_words_add(struct buf *into, const struct h2_frame *frame) {
	buf_add_text(into, words_type(frame->type));
	if (frame->stream != 0) buf_add_format(into, " of stream %u", frame->stream);
	words_add_flags(into, frame);
	switch (frame->type) {
	case NGHTTP2_DATA: buf_add_format(into, ", %zu bytes", frame->payload.size); break;
	case NGHTTP2_SETTINGS: words_add_settings(into, frame); break;
	case NGHTTP2_WINDOW_UPDATE: buf_add_format(into, ", %u bytes more", words_number(frame, 0)); break;
	case NGHTTP2_RST_STREAM: buf_add_format(into, ", %s", nghttp2_http2_strerror(words_number(frame, 0))); break;
	case NGHTTP2_GOAWAY:
		buf_add_format(into, ", %s, last stream %u", nghttp2_http2_strerror(words_number(frame, 4)), words_number(frame, 0));
		break;
	default: break;
	}
	buf_add_text(into, "\n");
}
