/* One connection's protocol: bytes in, events out; no sockets, no clock.
 * In: requests that are to be sent, bytes that came. Out: bytes to send, and what the bytes mean.
 * The engine embeds the state of a connection (ops->state_bytes, aligned for any type); one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/outcome.h"
#include "base/str.h"

#define HTTP_HEAD_MAX 65536 /* bytes of a response head (all 1xx heads of a request together); more is REASON_HEAD_TOO_LARGE */

/* A prepared request; const, shared by all connections, owned by the plan. */
struct http_request {
	struct slice head;  /* from the request line to the blank line, ready to send */
	struct slice body;  /* may be empty; its Content-Length stands in `head` */
	bool is_head;       /* method HEAD: the response has no body */
	bool is_idempotent; /* RFC 9110 section 9.2.2 */
};

/* How a request ended. */
struct http_end {
	enum reason reason;  /* REASON_NONE: the response is complete. Else why not: MALFORMED, HEAD_TOO_LARGE, LEFTOVER, UPGRADE, CUT, CLOSED, RESET.
	                        * STATUS and STALE are for the engine to find */
	uint16_t status;     /* of the final response; 0: no complete status line was seen */
	bool any_byte;       /* at least one byte of a response arrived (a 1xx counts) */
	bool reusable;       /* the connection may carry another request */
	nsec first;          /* when the first byte of the final response arrived; 0: none did */
	uint64_t body_bytes; /* bytes of the body as sent, without chunk framing */
};

/* What the protocol tells its owner. Called only from within feed(), finish() and cancel(). */
struct http_events {
	/* The head of the final response is complete. `head` (status line to blank line) points into the fed bytes; empty if it came in pieces.
	 * Valid during the call. NULL: not wanted. */
	void (*head)(void *owner, uint32_t id, unsigned status, struct slice head);
	/* A piece of the body, without framing. Valid during the call. NULL: not wanted (bytes are counted all the same). */
	void (*body)(void *owner, uint32_t id, struct slice bytes);
	/* The request is over; the last call for this id, and the last thing feed() does: the owner may submit or close from here. */
	void (*end)(void *owner, uint32_t id, const struct http_end *end);
};

/* What the connections of one worker to one origin share: the events and the last response head. Opaque; see ops->new_shared. */
struct http_shared;

struct http_ops {
	const char *name;   /* "http/1.1" */
	size_t state_bytes; /* size of a connection's state */

	/* Makes the part that connections of one thread share. `events` and what it points to outlive it. Cannot fail. */
	struct http_shared *(*new_shared)(const struct http_events *events);
	void (*free_shared)(struct http_shared *shared);

	/* Begins a connection in `state` (any content). `owner` is passed to every event. Holds no memory of its own: no counterpart. */
	void (*start)(void *state, struct http_shared *shared, void *owner);

	/* Returns how many more requests it takes now: 0 or 1 for HTTP/1.1. */
	unsigned (*room)(const void *state);

	/* Takes a request for sending; needs room() > 0. `request` must live until its end event. */
	void (*submit)(void *state, uint32_t id, const struct http_request *request);

	/* Fills `iov` with what is to be sent now (at most `max` pieces) and returns the number of pieces; 0: nothing. */
	int (*drain)(void *state, struct iovec *iov, int max);

	/* `bytes` of what drain() offered were accepted by the carrier. Returns whether everything offered so far is out. */
	bool (*drained)(void *state, size_t bytes);

	/* Digests bytes that arrived at `arrived`. Returns false when the connection must be closed (its requests have had their end event).
	 * Bytes without a request outstanding (unsolicited) also return false. */
	bool (*feed)(void *state, struct slice bytes, nsec arrived);

	/* The peer closed its side, in order (`reset` false) or by a reset: ends what is outstanding, a close-delimited body successfully. */
	void (*finish)(void *state, bool reset, nsec now);

	/* Gives up the outstanding request without an end event and returns what is known of it (reason untouched by the caller's cause).
	 * The connection of HTTP/1.1 cannot be used further. */
	struct http_end (*cancel)(void *state, uint32_t id);
};

extern const struct http_ops h1_ops;
