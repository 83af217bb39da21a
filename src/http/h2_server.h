/* The server's side of HTTP/2 (RFC 9113), for the built-in target: bytes in, requests out; answers in, bytes out. On libnghttp2.
 * In: bytes as they were read, answers. Out: requests, bytes to send. No sockets, no clock; one thread. The functions that answer may be called from within the
 * events of feed(), and later. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define H2_SERVER_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* what a client's bytes begin with (section 3.4) */

/* A request's head. Slices are valid during the call, and cut to 1,024 bytes. */
struct h2_server_request {
	struct slice method; /* "GET" */
	struct slice path;   /* "/bytes/100?x=1" */
	bool is_head;
	bool expects_continue;      /* Expect: 100-continue */
	struct slice authorization; /* value of the first such field; empty: none */
	struct slice cookie;        /* values of all such fields, "; " between them (RFC 9113 section 8.2.3); empty: none */
};

/* What comes behind a piece of an answer's body. */
enum h2_server_more {
	H2_SERVER_MORE,
	H2_SERVER_LATER, /* more, after h2_server_resume */
	H2_SERVER_END,
	H2_SERVER_BREAK, /* nothing, though it is not the end: the stream is reset */
};

/* What the owner is told and asked. `mark` is its own part of a stream: mark_bytes, zeroed when the request begins. */
struct h2_server_events {
	size_t mark_bytes;
	/* The head is complete, its body may be to come. */
	void (*head)(void *owner, void *mark, int32_t stream, const struct h2_server_request *request);
	/* A piece of the body; valid during the call. */
	void (*body)(void *owner, void *mark, struct slice bytes);
	/* The request is complete. */
	void (*request)(void *owner, void *mark, const struct h2_server_request *request);
	/* Puts up to `room` bytes of the answer's body into `into` and returns their number; *ret: what comes behind them. 0 bytes: only with LATER, END, BREAK. */
	size_t (*read)(void *owner, void *mark, char *into, size_t room, enum h2_server_more *ret);
	/* The answer's last frame was made. Returns whether it is one that h2_server_drained counts. */
	bool (*ended)(void *owner, void *mark);
	/* The stream is over: `mark` goes. */
	void (*closed)(void *owner, void *mark);
};

/* What the connections of one thread share; `events` outlive it. */
struct h2_server_shared;
struct h2_server_shared *h2_server_new_shared(const struct h2_server_events *events);

/* After its connections. NULL is fine. */
void h2_server_free_shared(struct h2_server_shared *shared);

/* Begins a connection that takes `streams` requests at once. Cannot fail. */
struct h2_server;
struct h2_server *h2_server_new(struct h2_server_shared *shared, void *owner, uint32_t streams);

/* Frees it; marks of streams that are not over are told closed before. */
void h2_server_free(struct h2_server *server);

/* Digests bytes. False: it is broken, or over; what is left to drain is its last word. */
bool h2_server_feed(struct h2_server *server, struct slice bytes);

/* Returns the bytes to be sent now, in one piece, empty: none. They stay there until h2_server_drained has had them all. */
struct slice h2_server_drain(struct h2_server *server);

/* So many of them are out. Returns how many answers that count are wholly out by that. */
unsigned h2_server_drained(struct h2_server *server, size_t bytes);

/* Returns whether there is nothing to send or to read any more: the connection is to be closed. */
bool h2_server_is_over(const struct h2_server *server);

struct h2_server_field {
	struct slice name, value; /* name in lower case */
	bool is_unique;           /* is not worth a place in the compression's table (RFC 7541 section 6.2.2) */
};

#define H2_SERVER_FIELDS 16

struct h2_server_fields {
	unsigned status; /* of trailers: none */
	size_t count;
	struct h2_server_field at[H2_SERVER_FIELDS];
};

/* Sends a head, which is copied, as an interim one (1xx), ... */
void h2_server_interim(struct h2_server *server, int32_t stream, const struct h2_server_fields *head);

/* ... or as the answer's, with a body to be read if `has_body`. */
void h2_server_answer(struct h2_server *server, int32_t stream, const struct h2_server_fields *head, bool has_body);

/* Behind the body come these; to be said from within the `read` that says END. */
void h2_server_trailers(struct h2_server *server, int32_t stream, const struct h2_server_fields *trailers);

/* The body can be read again. */
void h2_server_resume(struct h2_server *server, int32_t stream);

/* Resets a stream: INTERNAL_ERROR. */
void h2_server_reset(struct h2_server *server, int32_t stream);

/* Takes no further requests: GOAWAY with the last one that came. The connection is over when those are answered. */
void h2_server_leave(struct h2_server *server);
