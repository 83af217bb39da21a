/* What the files of HTTP/2's client share: h2.c (the ops, what is outstanding), h2_in.c (frames that come), h2_send.c (frames that go). Nobody else's.
 * Framing, flow control and streams are ours (RFC 9113); HPACK is libnghttp2's (h2_pack.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "http/h2_out.h"
#include "http/h2_pack.h"
#include "http/h2_pool.h"
#include "http/h2_text.h"
#include "http/h2_words.h"
#include "http/http.h"

#define H2_WINDOW (1 << 30)    /* of a stream and of the connection: flow control is not to be what is measured */
#define H2_FRAME_MAX 16384u    /* payload of a frame, both ways: we allow no more (section 4.2), and send no more */
#define H2_WINDOW_FIRST 65535  /* of both, until something else is said (RFC 9113 section 6.9.2) */
#define H2_FRAME_HEAD 9u       /* bytes in front of it */
#define H2_IDLE_FRAMES 2000    /* frames in a row that carry nothing of a response */
#define H2_WAITING_MAX 524288u /* bytes that wait to be sent; requests alone are stopped at H2_OUT_GATHER */

/* A request that is outstanding. */
struct h2_stream {
	struct h2_stream *before, *next;         /* of all */
	struct h2_stream *out_before, *out_next; /* of those that have something to send */
	struct h2_stream *chained;               /* in the same place of the table */
	const struct http_request *request;
	uint64_t body_sent; /* bytes of the request's body that were handed out */
	uint64_t body_bytes;
	int64_t length; /* Content-Length of the response; -1: none */
	int64_t window; /* bytes of the body that the peer takes now */
	nsec first;
	uint32_t id;
	uint32_t number;   /* HTTP/2's; 0: its head is not out yet */
	uint32_t consumed; /* bytes that came and that the peer was not given back yet */
	uint32_t head_bytes;
	uint16_t status;
	bool any_byte;
	bool has_head;   /* of the final response */
	bool is_written; /* its last frame was gathered */
	bool unprocessed;
};

struct http_shared {
	const struct http_events *events;
	unsigned text_from; /* heads of statuses from this one on are wanted as text */
	struct h2_pool pool;
	struct h2_out *spare; /* NULL: a connection has it */
	char *spare_head;     /* the same for a head as text ... */
	char *spare_part;     /* ... and for a frame that has come in part */
};

#define H2_TABLE 16 /* places of the table at the beginning */

struct h2 {
	struct http_shared *shared;
	void *owner;
	struct h2_packer packer;
	struct h2_unpacker unpacker;
	struct h2_out *out;                         /* NULL: nothing waits */
	struct h2_stream *streams;                  /* outstanding ones */
	struct h2_stream *queue_first, *queue_last; /* those that have something to send */
	struct h2_stream **table;                   /* by number; `places` of them, a power of two */
	struct h2_stream *own_table[H2_TABLE];
	struct h2_text head; /* of a response, while it is read and wanted */
	nsec now;            /* of the frame that is digested */
	nsec part_since;     /* when the first bytes of `part` came */
	char *part;          /* a frame that has come in part; NULL: none */
	size_t part_size;    /* bytes of it */
	char *block;         /* a head that comes in several frames; NULL: none */
	size_t block_size;
	int64_t window;        /* bytes of bodies that the peer takes now */
	int64_t stream_window; /* ... on a new stream */
	uint32_t consumed;     /* bytes that came and that the peer was not given back yet */
	uint32_t places;
	uint32_t outstanding;
	uint32_t numbered; /* of these, in the table */
	uint32_t next_number;
	uint32_t limit;       /* streams at once, by the peer */
	uint32_t idle_frames; /* since something of a response came */
	uint32_t block_stream;
	uint32_t fault;      /* error code of RFC 9113 section 7 with which the connection ends */
	uint8_t reason;      /* enum reason: what the fault is to be called, if it is not malformed */
	uint8_t first_bytes; /* how many were looked at */
	bool block_ends;     /* behind the head that comes in several frames there is no body */
	bool has_settings;   /* the peer's first frame came */
	bool has_limit;      /* ... and said how many streams at once */
	bool has_goaway;
	bool is_dead;
	bool is_not_http2;
};

/* h2.c: */

/* Returns an outstanding request by HTTP/2's number; NULL: there is none. */
struct h2_stream *h2_find(const struct h2 *h2, uint32_t number);

/* Gives a request its number. */
void h2_number(struct h2 *h2, struct h2_stream *stream);

/* Ends an outstanding request. */
void h2_tell_end(struct h2 *h2, struct h2_stream *stream, enum reason reason);

/* h2_in.c: digests whole frames and keeps the rest. False: h2->fault. */
bool h2_digest(struct h2 *h2, struct slice bytes, nsec arrived);

/* h2_send.c: */

/* Says the first words: preface, settings, window. */
void h2_greet(struct h2 *h2);

/* Puts a small frame among what is to be sent. */
void h2_put(struct h2 *h2, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload);

/* The same with one number of 32 bits as payload: RST_STREAM, WINDOW_UPDATE. */
void h2_put_number(struct h2 *h2, uint8_t type, uint32_t stream, uint32_t number);

/* Says that it is the end, and why. */
void h2_put_goaway(struct h2 *h2, uint32_t code);

/* A request has something to send; has it no more. */
void h2_queue(struct h2 *h2, struct h2_stream *stream);
void h2_unqueue(struct h2 *h2, struct h2_stream *stream);

/* Makes heads and bodies into frames, as far as windows and the size of one send allow. */
void h2_gather(struct h2 *h2);

/* Tells events->frame, if it is wanted. `fields`: the head as text, of HEADERS. */
void h2_show(struct h2 *h2, bool sent, const struct h2_frame *frame, struct slice fields);

static inline void h2_write_number(unsigned char *at, uint32_t number) {
	at[0] = (unsigned char)(number >> 24);
	at[1] = (unsigned char)(number >> 16);
	at[2] = (unsigned char)(number >> 8);
	at[3] = (unsigned char)number;
}

static inline uint32_t h2_read_number(const unsigned char *at) {
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
