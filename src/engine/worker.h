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
#include "engine/model.h"
#include "engine/peers.h"
#include "engine/pool.h"
#include "engine/run_shared.h"
#include "engine/users.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/timers.h"
#include "net/tls.h"
#include "plan/plan.h"
#include "record/digest.h"
#include "record/strain.h"
#include "record/tally.h"

#define WORKER_MAIL (100 * MSEC)         /* a worker hands over its tally at each multiple of this, from the start line on */
#define WORKER_TICK (RUN_TICK_MS * MSEC) /* a worker wakes up at least this often: it looks after its mailbox, and notices a pause */

/* What the protocol said of a request. */
struct worker_end {
	struct http_end end;
	uint32_t id; /* number of its task */
};

struct worker {
	unsigned index;
	struct run_shared *shared;
	const struct plan *plan;
	const struct model_ops *model;
	struct loop *loop;
	struct timers timers;      /* of connections ... */
	struct timers task_timers; /* ... and of tasks */
	struct peers peers;
	uint32_t connections; /* opened so far */
	uint64_t source_turn; /* --bind: the local address of the next dial */

	/* TLS; NULL without it. */
	struct tls_context *tls;
	char *plain;                          /* CARRIER_PLAIN_BYTES: what was decrypted last */
	char *unwrapped;                      /* the same of the TLS with a proxy that tunnels */
	_Atomic bool answered;                /* a plain byte came; main looks at it, too */
	const char *tls_version, *tls_cipher; /* of the first handshake */

	/* Tasks: requests in flight at most. */
	struct task *tasks;
	size_t task_count;
	size_t tasks_used;       /* the others have never been used */
	struct task *free_tasks; /* open loop: a stack */
	size_t active;           /* requests in flight, those that wait for a connection included */

	/* Connections: one block, `stride` bytes each; struct conn and behind it the protocol's state. See engine/pool.h. */
	char *conns;
	size_t slot_count; /* connections at most, >= task_count */
	size_t slots_used; /* the others have never been used */
	size_t stride;
	struct conn *down; /* closed ones, a stack */
	size_t leaving_count;
	struct conn *dirty; /* those that have something to send: conn_mark */

	/* Times that every request needs. */
	nsec start, window_start, stop, drain_end;

	/* Open loop. */
	struct cursor cursor;                    /* the next request of this worker ... */
	struct peer *next_peer;                  /* ... whom it goes to ... */
	const struct http_request *next_request; /* ... and its bytes */
	nsec full_since;                         /* when the last free slot was taken; meaningful while none is free */
	nsec stripes_seen;                       /* when it looked for a new stripe */
	uint64_t missed;                         /* numbers of new stripes that it was told of too late */
	bool full;
	bool abandoned;  /* by a signal, or iterations, behind the stop: what still waits is given up */
	bool pumping;    /* requests are being sent: what becomes free meanwhile is seen by that loop */
	size_t released; /* connections that the spawn ramp allows so far */

	/* Closed loop. */
	uint64_t tickets, ticket_j; /* granted to this worker, not yet taken; which number of this machine's goes with the next one */
	uint64_t numbers, number_j; /* the same for requests that need no ticket: without --requests, and in the warm-up */

	/* Scenarios. */
	const struct script *script; /* NULL: none */
	struct user_tools tools;
	nsec unix_ahead;                        /* Unix time - our clock */
	size_t under_way;                       /* users in the middle of an iteration ... */
	size_t pausing;                         /* ... that have no request in flight; open loop only */
	uint64_t (*step_reasons)[REASON_COUNT]; /* of each step: requests of the books that failed, by reason. NULL: nobody asks */

	/* Recording. */
	struct tally *tally;
	uint64_t on_wire; /* requests whose first byte went out and that are not over ... */
	nsec wire_from;   /* ... and since when the tally counts them */
	struct totals *totals;
	struct http_events events, batch_events; /* of connections with one request at once, and with several */
	/* Filled by the end event, looked at when the protocol has digested its bytes: */
	struct http_end ended; /* of a connection with one request at once ... */
	struct task *ended_task;
	struct worker_end *ends; /* ... or with several */
	size_t end_count, end_room;
	struct body **decoders; /* that no response needs at the moment */
	size_t decoder_count, decoder_room;
	const struct run_hooks *trace; /* NULL: nobody wants to see the bytes */
	struct digest *urls;           /* one for each row of a list of URLs; NULL: no list */
	struct logport *log;           /* the run log's ports of this worker, run_shared.shards of them; NULL: no log */
	unsigned log_turn;             /* the one that gets the next block */
	nsec last_done;                /* of the last completion in the window, before it the first send; 0: nothing was sent. For the longest gap */
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
	struct strain_gaps gaps;
};

/* Takes a worker's memory and opens what it needs; before its thread exists. ERR_FAILED. */
bool worker_open(struct worker *worker, unsigned index, struct run_shared *shared, struct err *err);

/* Opens connections in advance (the model's prepare) and waits for them at most the connect time-out. On the worker's thread. */
void worker_prepare(struct worker *worker);

/* Handles what comes until `until`, or at once if something is there: before the start line. On the worker's thread. */
void worker_tend(struct worker *worker, nsec until);

/* Waits for the start line, asleep until shortly before, and runs from there to the end of the drain. On the worker's thread. */
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

/* Returns whether the data files of the scenarios still have a row for another iteration. */
static inline bool worker_has_iterations(const struct worker *worker) {
	return atomic_load_explicit(&worker->shared->numbers, memory_order_relaxed) < worker->plan->iterations;
}

/* Makes sure that the timer of a connection goes off at `at` at the latest. */
static inline void conn_arm(struct worker *worker, struct conn *conn, nsec at) {
	if (conn->timer.place == 0 || conn->timer.at > at) timers_arm(&worker->timers, &conn->timer, at);
}

static inline void task_arm(struct worker *worker, struct task *task, nsec at) {
	if (task->timer.place == 0 || task->timer.at > at) timers_arm(&worker->task_timers, &task->timer, at);
}

/* Returns the row of a connection's address among the plan's. */
static inline size_t conn_address_row(const struct conn *conn) {
	return conn->peer->row + conn->address * conn->peer->row_step;
}

/* A byte of an answer came over TLS or HTTP/2; main looks at it to see whether the target was ever reached. */
static inline void worker_note_answer(struct worker *worker) {
	if (!atomic_load_explicit(&worker->answered, memory_order_relaxed)) atomic_store_explicit(&worker->answered, true, memory_order_relaxed);
}

/* Shows whoever wants to see them (run_hooks.trace) the first `size` bytes of `iov`, which were sent at `now`. */
void worker_show_sent(const struct worker *worker, const struct iovec *iov, size_t size, nsec now);
static inline void worker_trace(const struct worker *worker, const struct iovec *iov, size_t size, nsec now) {
	if (worker->trace) worker_show_sent(worker, iov, size, now);
}

/* The same for anything else. */
static inline void worker_trace_bytes(const struct worker *worker, enum run_trace what, struct slice bytes, nsec now) {
	if (worker->trace) worker->trace->trace(worker->trace->user, what, bytes, now);
}

/* Looks up the stop. To be called with a `now` read before, ahead of every decision to send what is due by `now`: main sets a new stop at least
 * 200 ms ahead of its own clock, so nothing decided by the old one can lie beyond the new one, however long this thread was held up. */
void worker_see_stop(struct worker *worker, nsec now);

/* Sets the events of the protocol that the run needs: heads and bodies are looked at only if somebody wants to know. */
void worker_set_events(struct worker *worker);
