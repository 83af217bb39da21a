/* One connection and the request it carries: from the dial to the close.
 * In: requests from the model, events from the loop. Out: samples to recording, free connections to the model. The worker's thread.
 * conn.c is its life; setup.h: how it comes to be open; carrier.h: its bytes through TLS. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/http.h"
#include "net/loop.h"
#include "net/timers.h"
#include "record/tally.h"

struct worker;

enum conn_state {
	CONN_DOWN,       /* no socket, no request */
	CONN_CONNECTING, /* with a request (active) or in advance */
	CONN_SHAKING,    /* connected; the TLS handshake goes on */
	CONN_IDLE,       /* open, no request. No connection becomes open within a call of the engine's: only by an event of the loop */
	CONN_BUSY,       /* open, its request is on its way */
};

/* A request in flight. Stamps: see record/sample.h; 0: not reached. */
struct flight {
	const struct http_request *request;
	uint64_t k; /* number of the request */
	nsec due, ready;
	nsec first_sent; /* of the first attempt */
	nsec again;      /* ready of the last attempt; 0: there was only one */
	nsec sent, written;
	nsec connect; /* durations of the last set-up, from ready on */
	nsec tls;
	nsec deadline; /* ready + time-out */
	bool active;
	bool counted;     /* it belongs to the books: planned, and its due lies in the window */
	bool on_wire;     /* the last attempt's first byte was handed to the kernel */
	bool reused;      /* the last attempt went out on a connection that had carried a request */
	uint8_t attempts; /* tried so far, this one included */
};

struct conn {
	_Alignas(16) struct loop_conn net; /* first: the loop's events point here */
	uint8_t state;                     /* enum conn_state */
	uint8_t backoff;                   /* closed loop: failed set-ups in a row, capped */
	uint8_t tried;                     /* addresses of this set-up that failed */
	uint16_t address;                  /* index into the addresses */
	uint32_t served;                   /* requests sent on this socket */
	struct tls *tls;                   /* NULL: plain, or not connected */
	nsec dialled;                      /* start of the last set-up, which may have tried several addresses */
	nsec shaking;                      /* start of its TLS handshake; 0: none has begun */
	nsec stamps_turn;                  /* when its kernel stamps are to be turned on or off; looked at with each send */
	nsec wake;                         /* closed loop: when its task sends the next request; 0: not waiting for a moment */
	struct timer timer;                /* the earliest of what may be due: set-up, deadline, start of a task; looked at lazily */
	struct conn *before, *next;        /* idle list; `next` also the stack of closed ones */
	struct flight flight;
};

/* The events of the loop and of the protocol. loop->owner and the protocol's owner are the worker. */
extern const struct loop_events conn_loop_events;
extern const struct http_events conn_http_events, conn_http_events_truth;

/* Returns the protocol's state behind a connection. */
static inline void *conn_http(struct conn *conn) {
	return conn + 1;
}

/* Starts the request whose k, due and ready stand in conn->flight: on an idle connection it is sent at `now` (its sent stamp),
 * on one that is down the dial begins. */
void conn_begin(struct worker *worker, struct conn *conn, nsec now);

/* Dials without a request. */
void conn_preconnect(struct worker *worker, struct conn *conn, nsec now);

/* Its timer went off. */
void conn_timer(struct worker *worker, struct conn *conn, nsec now);

/* Closes an open connection; `closer` is counted. Its request, if it has one, is the caller's matter. */
void conn_close(struct worker *worker, struct conn *conn, enum closer closer);

/* Makes sure that its timer goes off at `at` at the latest. */
void conn_arm(struct worker *worker, struct conn *conn, nsec at);

/* For setup.c and carrier.c: */

/* It is open: sends the request that it was opened for, or is free. */
void conn_opened(struct worker *worker, struct conn *conn, nsec now);

/* It could not be set up; nothing of it is open any more. Ends the request that it was opened for. */
void conn_setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now);

/* The set-up failed once more: closed loop, waits longer. */
void conn_back_off(struct conn *conn);

/* The first byte of an attempt went to the kernel. */
void conn_count_attempt(struct worker *worker, struct flight *flight);

/* Returns whether it is open: a request may be sent, or is on its way. */
static inline bool conn_is_open(const struct conn *conn) {
	return conn->state == CONN_IDLE || conn->state == CONN_BUSY;
}
