/* One connection's protocol: bytes in, events out; no sockets, no clock.
 * In: requests that are to be sent, bytes that came. Out: bytes to send, and what the bytes mean.
 * The engine embeds the state of a connection (ops->state_bytes, aligned for any type); one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/outcome.h"
#include "base/status.h"
#include "base/str.h"

#define HTTP_HEAD_MAX 65536 /* bytes of a response head (all 1xx heads of a request together); more is REASON_HEAD_TOO_LARGE */

struct h2_head; /* a head as HTTP/2 sends it; see http/h2_head.h */

/* A prepared request; const while it is outstanding, owned by the plan or by its flight (a redirect's hop). */
struct http_request {
	struct slice head;                /* from the request line to the blank line, ready to send over HTTP/1.1 */
	const struct h2_head *h2;         /* the same head for HTTP/2; NULL: this run never speaks it */
	struct slice h2_before, h2_after; /* fields that go before and behind those of `h2`, as http/hpack.h writes them; empty as a rule */
	struct slice body;                /* may be empty; the Content-Length of the whole body stands in `head` */
	const struct slice *more;         /* further pieces of the body, behind `body`: a form's files; none is empty */
	unsigned more_count;
	uint64_t body_bytes;               /* of all pieces of the body */
	uint32_t origin;                   /* index of the origin that it goes to (plan/route.h) */
	uint32_t row;                      /* with a list of URLs: index of the row that its results belong to; with scenarios: of its step; else 0 */
	const struct status_set *expected; /* statuses that make it good */
	uint8_t method;                    /* enum method */
	bool is_head;                      /* method HEAD: the response has no body */
	bool is_idempotent;                /* RFC 9110 section 9.2.2 */
};

/* Copies a part of a request's body: what stands `from` bytes behind its beginning, up to `room` bytes or its end. Returns how many. */
size_t http_request_read(const struct http_request *request, uint64_t from, char *into, size_t room);

/* How a request ended. */
struct http_end {
	enum reason reason; /* REASON_NONE: the response is complete. Else why not: MALFORMED, HEAD_TOO_LARGE, LEFTOVER, UPGRADE, CUT, CLOSED, RESET.
	                        * STATUS and STALE are for the engine to find */
	uint16_t status;    /* of the final response; 0: no complete status line was seen */
	bool any_byte;      /* at least one byte of a response arrived (a 1xx counts) */
	bool reusable;      /* the connection may carry another request, now or when others are done */
	bool leaving;       /* it may not because the peer said that it will close it; the request was all out */
	bool unprocessed; /* the peer says that it did nothing with the request, which may be sent again whatever its method is: a stream above the last one of
	                        * GOAWAY, or REFUSED_STREAM (RFC 9113 section 8.7) */
	nsec first;          /* when the first byte of the final response arrived; 0: none did */
	uint64_t body_bytes; /* bytes of the body as sent, without chunk framing */
};

/* What the protocol tells its owner. Called only from within feed(), finish(), drained(). The owner must not call the connection's ops from any of them:
 * it acts when that call has returned. */
struct http_events {
	/* Bytes of the request were accepted by the carrier, in a send that began at `now`: the first ones (once for each id; `all`: and the last one), or the
	 * last one. Not told for a request that has ended. */
	void (*sent)(void *owner, uint32_t id, bool all, nsec now);
	/* The head of the final response is complete: `head` is all of it as HTTP/1.1 has it, from the status line to the blank line (HTTP/2: made from the fields,
	 * "HTTP/2 200" CR LF, "name: value" CR LF ...). Valid during the call. NULL: not wanted (then a head that comes in pieces is not kept). */
	void (*head)(void *owner, uint32_t id, unsigned status, struct slice head);
	/* A piece of the body, without framing. Valid during the call. NULL: not wanted (bytes are counted all the same). */
	void (*body)(void *owner, uint32_t id, struct slice bytes);
	/* The request is over; the last call for this id. feed() may end several requests of one connection. */
	void (*end)(void *owner, uint32_t id, const struct http_end *end);
	/* What a binary protocol says, for people: one frame, "HEADERS of stream 1, END_STREAM, END_HEADERS" LF, with a head "name: value" LF for each field behind
	 * it. `sent`: by us, else by the peer. NULL: not wanted. A text protocol never calls it: its bytes can be read. */
	void (*frame)(void *owner, bool sent, struct slice text);
	unsigned head_from; /* heads of statuses below this one are not told */
};

/* What the connections of one worker to one origin share: the events and the last response head. Opaque; see ops->new_shared. */
struct http_shared;

struct http_ops {
	const char *name;   /* "HTTP/1.1", "HTTP/2" */
	size_t state_bytes; /* size of a connection's state */
	bool is_batched; /* what is submitted may wait a moment, so that one send carries many requests; feed() may leave something to be sent, too */

	/* Makes the part that connections of one thread share. `events` and what it points to outlive it. Cannot fail. */
	struct http_shared *(*new_shared)(const struct http_events *events);
	void (*free_shared)(struct http_shared *shared);

	/* Begins a connection in `state` (any content). `owner` is passed to every event. */
	void (*start)(void *state, struct http_shared *shared, void *owner);

	/* The connection is over, or about to be: frees what it holds, without any event. Nothing but start() may follow. Nothing is outstanding, or nobody wants
	 * to know of it any more. */
	void (*stop)(void *state);

	/* Returns how many more requests it takes now, by the protocol and the peer: 0 or 1 for HTTP/1.1. 0 for ever: nothing new may be sent on it. */
	unsigned (*room)(const void *state);

	/* Returns how many requests at once the peer said that it takes; 0: it did not say, or not yet. NULL: the protocol has no such word. */
	unsigned (*limit)(const void *state);

	/* Returns whether it takes no further request, ever (GOAWAY, ids used up, a response that ends the connection). What is outstanding goes on. */
	bool (*is_ending)(const void *state);

	/* Takes a request for sending; needs room() > 0. `request` must live until its end event. `id`: none of those outstanding here. */
	void (*submit)(void *state, uint32_t id, const struct http_request *request);

	/* Fills `iov` with what is to be sent now (at most `max` pieces) and returns the number of pieces; 0: nothing. Called again before drained() it offers the
	 * same bytes, perhaps with more behind them. They stay where they are until drained() has had them all. */
	int (*drain)(void *state, struct iovec *iov, int max);

	/* `bytes` of what drain() offered were accepted by the carrier, in a send that began at `now`. Returns whether everything offered so far is out. */
	bool (*drained)(void *state, size_t bytes, nsec now);

	/* Digests bytes that arrived at `arrived`. Returns false when the connection must be closed (its requests have had their end event; there may be a last
	 * word to drain()). Bytes without a request outstanding (unsolicited) also return false, unless the protocol has such. */
	bool (*feed)(void *state, struct slice bytes, nsec arrived);

	/* The peer closed its side, in order (`reset` false) or by a reset: ends what is outstanding, a close-delimited body successfully. */
	void (*finish)(void *state, bool reset, nsec now);

	/* Gives up an outstanding request without an end event and returns what is known of it (reason untouched by the caller's cause).
	 * `reusable`: the connection goes on without it (HTTP/2: the stream is reset); never with HTTP/1.1. */
	struct http_end (*cancel)(void *state, uint32_t id);

	/* Says goodbye: what drain() offers then ends with it (GOAWAY). NULL: the protocol has no such word. */
	void (*leave)(void *state);
};

extern const struct http_ops h1_ops, h2_ops;
