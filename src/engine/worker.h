/* One worker: a thread with its own loop, connections, histograms. Shares nothing but the const plan and the few words of struct run_shared.
 * In: plan, share number. Out: tallies by mailbox, totals at the end. Everything here belongs to the worker's thread unless it says otherwise. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "engine/conn.h"
#include "engine/effort.h"
#include "engine/run.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/timers.h"
#include "net/tls.h"
#include "plan/plan.h"
#include "record/strain.h"
#include "record/tally.h"

#define WORKER_MAIL (100 * MSEC)         /* a worker hands over its tally at each multiple of this, from the start line on */
#define WORKER_TICK (RUN_TICK_MS * MSEC) /* a worker wakes up at least this often: it looks after its mailbox, and notices a pause */

/* What all threads of a run see. Written by main before the start line or as noted. */
struct run_shared {
	const struct plan *plan;
	const struct address_list *addresses;
	const struct tls_context *tls; /* NULL: plain */
	const struct run_hooks *hooks; /* NULL: none */
	nsec start;                    /* of the run */
	_Atomic nsec stop;             /* no request due at or after it is sent; a signal makes it earlier, to at least 200 ms from then */
	_Atomic bool abandon;          /* by a signal: what waits for a connection is given up */
	_Atomic uint64_t tickets;      /* closed loop with --requests: tickets not yet granted ... */
	_Atomic uint64_t numbers;      /* ... and the next number of a request without a ticket: the two shared counters, used once in 128 requests */
};

struct worker;

/* The two ways to decide when a request is sent: model_open (a schedule) and model_closed (as fast as the tasks can). */
struct model_ops {
	/* Before the start line, connections still closed: takes memory, opens connections in advance. */
	void (*prepare)(struct worker *worker);
	/* At the start line. */
	void (*start)(struct worker *worker);
	/* The next moment at which advance() has something to do; NSEC_NEVER: none. */
	nsec (*next)(const struct worker *worker);
	/* Sends what is due at `now`. */
	void (*advance)(struct worker *worker, nsec now);
	/* A connection is free: its request ended (the connection idle, or closed). It may take the next request at once. */
	void (*freed)(struct worker *worker, struct conn *conn, nsec now);
	/* An idle connection was closed by its peer. NULL: nothing to do. */
	void (*dropped)(struct worker *worker, struct conn *conn);
	/* The timer of a connection without a request went off (perhaps for a reason that has passed). NULL: nothing to do. */
	void (*timer)(struct worker *worker, struct conn *conn, nsec now);
	/* Whether nothing is left to be sent. */
	bool (*exhausted)(const struct worker *worker, nsec now);
	/* At the end: counts what was planned and never sent. */
	void (*finish)(struct worker *worker);
};

extern const struct model_ops model_open, model_closed;

struct worker {
	unsigned index;
	struct run_shared *shared;
	const struct plan *plan;
	const struct model_ops *model;
	struct loop *loop;
	struct http_shared *http;
	struct timers timers;

	/* TLS; NULL without it. */
	struct tls_context *tls;
	char *plain;                          /* CARRIER_PLAIN_BYTES: what was decrypted last */
	_Atomic bool answered;                /* a plain byte came; main looks at it, too */
	const char *tls_version, *tls_cipher; /* of the first handshake */

	/* Connections: one block, `stride` bytes each; struct conn and behind it the protocol's state. */
	char *conns;
	size_t conn_count, stride;
	struct conn *idle_first, *idle_last; /* open loop: least recently used first */
	struct conn *down;                   /* open loop: closed ones, a stack */
	size_t down_count;
	size_t active; /* requests in flight, set-up included */
	uint16_t next_address;
	uint64_t addresses_down; /* bit i: the last dial to address i failed; new connections go elsewhere while there is an elsewhere */
	nsec addresses_again;    /* when they are tried again */

	/* Times that every request needs. */
	nsec start, window_start, stop, drain_end;

	/* Open loop. */
	struct cursor cursor; /* the next request of this worker */
	nsec full_since;      /* when the last free slot was taken; meaningful while none is free */
	bool full;
	bool abandoned;  /* by a signal: what still waits at the stop is given up */
	bool pumping;    /* requests are being sent: what becomes free meanwhile is seen by that loop */
	size_t released; /* connections that the spawn ramp allows so far */

	/* Closed loop. */
	uint64_t tickets, ticket_k; /* granted to this worker, not yet taken; the number that goes with the next one */
	uint64_t numbers, number_k; /* the same for requests that need no ticket: without --requests, and in the warm-up */

	/* Recording. */
	struct tally *tally;
	struct totals *totals;
	struct http_end ended; /* filled by the end event, looked at after feed */
	bool has_ended;
	nsec truth;     /* --truth: how long the target had the request being answered, by its own record; -1: it did not say */
	nsec last_done; /* of the last completion in the window, before it the first send; 0: nothing was sent. For the longest gap */
	uint64_t samples;
	size_t stage; /* row of the stage of the last sample, to search from */
	uint64_t failed_dials[REASON_COUNT];

	/* Main and worker meet here. */
	struct mailbox fresh;  /* main puts an empty tally */
	struct mailbox filled; /* the worker puts a full one */
	nsec mail_at;          /* ... at this moment, or soon after */
	_Atomic bool done;
	pthread_t thread;
	nsec spun; /* time spent waiting without sleep */
	/* Read after the join. */
	struct effort effort[2]; /* at the beginning and the end of the window */
	unsigned marks;          /* of them taken so far */
	nsec ended_at;           /* done of its last request that counts */
	/* Read after the join. */
	struct strain_gaps gaps;
};

/* Takes a worker's memory and opens what it needs; before its thread exists. ERR_FAILED. */
bool worker_open(struct worker *worker, unsigned index, struct run_shared *shared, struct err *err);

/* Opens connections in advance (the model's prepare) and waits for them at most the connect time-out. On the worker's thread. */
void worker_prepare(struct worker *worker);

/* Runs from the start line to the end of the drain. On the worker's thread. */
void worker_run(struct worker *worker);

/* Frees everything; the thread has ended. */
void worker_close(struct worker *worker);

/* Returns connection `i` of the worker. */
static inline struct conn *worker_conn(const struct worker *worker, size_t i) {
	return (struct conn *)(void *)(worker->conns + i * worker->stride);
}

/* Returns whether a request due at `due` counts. */
static inline bool worker_in_window(const struct worker *worker, nsec due) {
	return due >= worker->window_start && due < worker->stop;
}

/* Looks up the stop. To be called with a `now` read before, ahead of every decision to send what is due by `now`: main sets a new stop at least
 * 200 ms ahead of its own clock, so nothing decided by the old one can lie beyond the new one, however long this thread was held up. */
void worker_see_stop(struct worker *worker, nsec now);

/* Counts the end of the request of `conn` (see engine/recording.c). */
void recording_finish(struct worker *worker, struct conn *conn, const struct http_end *end, nsec done);

/* Counts a request that is still in flight at the end of the drain. */
void recording_open(struct worker *worker, struct conn *conn, nsec now);
