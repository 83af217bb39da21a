/* One connection and the requests that it carries: from the dial to the close.
 * In: requests of tasks, events from the loop. Out: ends of requests, connections with room. The worker's thread.
 * conn.c is its life; flow.h: what happens to a request; setup.h: how it comes to be open; carrier.h: its bytes through TLS; pool.h: which connection takes a
 * request. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "engine/task.h"
#include "http/http.h"
#include "net/loop.h"
#include "net/timers.h"
#include "record/sample.h"
#include "record/tally.h"

struct worker;

enum conn_state {
	CONN_DOWN, /* no socket, no request */
	CONN_LEAVING, /* no request any more: the peer said that it will close and is given a moment to do so. Who closes first keeps the port for a minute */
	/* Being set up, for requests that wait for it or in advance: */
	CONN_LOOKING,       /* no socket: the name is being looked up */
	CONN_CONNECTING,    /* to the target or its proxy */
	CONN_SHAKING_PROXY, /* TLS handshake with the proxy */
	CONN_ASKING,        /* CONNECT was sent, or is being sent */
	CONN_SHAKING,       /* TLS handshake with the target (or with a proxy that gets whole requests) */
	CONN_OPEN,          /* No connection becomes open within a call of the engine's: only by an event of the loop */
};

struct conn {
	_Alignas(16) struct loop_conn net; /* first: the loop's events point here */
	uint8_t state;                     /* enum conn_state */
	uint8_t tried;                     /* addresses of this set-up that failed */
	uint8_t phase;                     /* enum part: which part of a request's time the set-up's present phase is */
	bool listed;                       /* in its peer's list of open ones, or of those being set up, that have room */
	bool retired;                      /* takes no more requests: no room any more */
	bool is_plain;                     /* open, one request at once, no TLS in the whole run: the short way */
	bool is_dirty;                     /* in the worker's list of those that have something to send */
	uint16_t address;                  /* index into the peer's addresses */
	uint32_t asked;                    /* bytes of CONNECT that are out */
	uint32_t encrypted;                /* plain bytes that TLS has taken and the kernel not yet */
	uint32_t taken;                    /* requests that it has now, or that wait for its set-up */
	uint32_t room;                     /* ... at most */
	uint32_t served;                   /* requests that were given to this socket ... */
	uint32_t served_max;               /* ... and at most */
	uint32_t ended;                    /* ... and are over */
	uint32_t opening;                  /* how often this slot was opened: tells whether it is still the same connection */
	uint32_t number;                   /* of the connection, among all of the run, from 1 */
	struct peer *peer;                 /* whom it is or was with; NULL: never used */
	const struct http_ops *http;       /* what is spoken; set when it is open */
	struct tls *tls;                   /* with the one that gets the requests; NULL: plain, or not that far */
	struct tls *outer;                 /* below it, with a proxy that tunnels; NULL: none */
	nsec dialled;                      /* start of the last set-up, which may have tried several addresses */
	nsec phase_since;                  /* start of the set-up's present phase */
	nsec stamps_turn;                  /* when its kernel stamps are to be turned on or off; looked at with each send */
	nsec leave_until;                  /* it is leaving: how long its peer has to close it */
	struct timer timer;                /* set-up, leaving; looked at lazily */
	struct conn *before, *next;        /* in a list of its peer; `next` also the stack of closed ones */
	struct conn *next_dirty;
	struct task_list waiting; /* the tasks that it is set up for */
};

/* The events of the loop; loop->owner is the worker. */
extern const struct loop_events conn_loop_events;

/* Returns the protocol's state behind a connection. */
static inline void *conn_http(struct conn *conn) {
	return conn + 1;
}

/* Dials without a request. */
void conn_preconnect(struct worker *worker, struct conn *conn, nsec now);

/* Its timer went off. */
void conn_timer(struct worker *worker, struct conn *conn, nsec now);

/* Closes an open connection, or one that is leaving; `closer` is counted. Its requests, if it has any, are the caller's matter. It is down then, and in no list. */
void conn_close(struct worker *worker, struct conn *conn, enum closer closer);

/* The same as conn_release, where more is to be looked at: TLS, several requests, a connection that is not kept. */
struct conn *conn_part(struct worker *worker, struct conn *conn, const struct http_end *end, bool keep, nsec now);

/* A request that ended so, as the protocol said it, leaves its connection, which may go on if `keep`. Returns it if it has room for another request; else NULL: it
 * goes on with others, or was closed, or left to its peer to close. */
static inline struct conn *conn_release(struct worker *worker, struct conn *conn, const struct http_end *end, bool keep, nsec now) {
	conn->taken--;
	conn->ended++;
	bool is_simple = keep && conn->taken < conn->room && !conn->net.peer_closed && !conn->tls;
	return is_simple ? conn : conn_part(worker, conn, end, keep, now);
}

/* Sends what a connection with one request at once has to send. */
void conn_flush_one(struct worker *worker, struct conn *conn, nsec now);

/* It carries several requests and has something to send, which goes out with all that the present event brings. */
void conn_mark(struct worker *worker, struct conn *conn);

/* Sends what marked connections have to send: at the end of each event. */
void conn_flush_marked(struct worker *worker);

/* Turns the kernel's stamps of a connection on or off, whichever its turn is at `now`. A sample of the connections has them: a stamp costs,
 * and stamping all would change which side of a saturated pair waits. */
void conn_turn_stamps(struct worker *worker, struct conn *conn, nsec now);

/* For setup.c: */

/* It is open, with conn->http: sends the requests that it was opened for, or is free. */
void conn_opened(struct worker *worker, struct conn *conn, nsec now);

/* It could not be set up; nothing of it is open any more. Ends the requests that it was opened for. */
void conn_setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now);

/* Returns whether it is open: requests may be sent, or are on their way. */
static inline bool conn_is_open(const struct conn *conn) {
	return conn->state == CONN_OPEN;
}

/* Returns whether it is being set up. */
static inline bool conn_is_in_setup(const struct conn *conn) {
	return conn->state >= CONN_LOOKING && conn->state < CONN_OPEN;
}

/* Returns whether it is open and carries nothing. */
static inline bool conn_is_idle(const struct conn *conn) {
	return conn->state == CONN_OPEN && conn->taken == 0;
}
