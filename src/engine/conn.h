/* One connection and the request it carries: from the dial to the close.
 * In: requests from the model, events from the loop. Out: samples to recording, free connections to the model. The worker's thread. */
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
	CONN_IDLE,       /* open, no request */
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
	nsec connect;  /* durations */
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
	nsec dialled;                      /* start of the last set-up, which may have tried several addresses */
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
