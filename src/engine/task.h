/* A task: one of the --max-tasks requests that may be in flight at once, and what it needs to be told apart from the connection that carries it.
 * In: requests from the model. Out: samples to recording. The worker's thread. conn.h has what happens to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/http.h"
#include "net/timers.h"

struct conn;
struct peer;
struct user; /* plan/user.h */

/* A request in flight. Stamps: see record/sample.h; 0: not reached. */
struct flight {
	const struct http_request *request;
	struct redirect *redirect; /* what it needs to go on behind a redirect; NULL: it has not met one */
	uint64_t k;                /* number of the request */
	nsec due, ready;
	nsec first_sent; /* of the first attempt */
	nsec again;      /* ready of the last attempt; 0: there was only one */
	nsec sent, written;
	nsec dns, connect, tls; /* durations of the last set-up, from ready on */
	nsec deadline;          /* ready + time-out */
	nsec truth;             /* --truth: how long the target had the request, by its own record ... */
	bool has_truth;         /* ... if it said so */
	bool active;
	bool counted;        /* it belongs to the books: planned, and its due lies in the window */
	bool on_wire;        /* the last attempt's first byte was handed to the kernel */
	bool reused;         /* the last attempt went out on a connection that had carried a request */
	bool retried;        /* the last attempt is a second one, after a stale connection or because the peer had not looked at the one before */
	bool hopped;         /* the next attempt that goes out is the first one behind a redirect */
	bool is_h2;          /* the last attempt went out in HTTP/2 */
	uint32_t connection; /* ... on the connection of this number */
	uint8_t refused;     /* attempts that the peer did not look at */
};

/* Where an active request is. */
enum task_state {
	TASK_QUEUED, /* no connection has room: in its peer's queue */
	TASK_SETUP,  /* its connection is being set up */
	TASK_SENT,   /* its connection is open and has the request */
};

struct task {
	struct flight flight;
	uint8_t state;              /* enum task_state; while the flight is active */
	bool has_failed;            /* with scenarios: its last request has */
	uint8_t backoff;            /* closed loop: failed set-ups in a row, capped */
	uint32_t id;                /* its number, by which the protocol knows its request */
	uint16_t address;           /* row of the address that its last request was sent to, or was to be */
	struct timer timer;         /* the earliest of what may be due: deadline, start of a request; looked at lazily */
	struct peer *peer;          /* whom the request goes to */
	struct conn *conn;          /* that has it. In model_ops.freed: one that may take the next one at once; else NULL */
	struct task *before, *next; /* in the queue of its peer, among those that a connection is set up for, or (next) free */
	struct user *user;          /* with scenarios: whose requests it sends; NULL: none yet, or never */
	struct body *body;          /* decodes its response; NULL: nothing to decode */
	nsec wake;                  /* when it sends the next request; 0: not waiting for a moment */
};

/* Tasks in order. Zeroed: none. */
struct task_list {
	struct task *first, *last;
};

static inline void task_append(struct task_list *list, struct task *task) {
	task->before = list->last;
	task->next = NULL;
	if (list->last)
		list->last->next = task;
	else
		list->first = task;
	list->last = task;
}

static inline void task_remove(struct task_list *list, struct task *task) {
	if (task->before)
		task->before->next = task->next;
	else
		list->first = task->next;
	if (task->next)
		task->next->before = task->before;
	else
		list->last = task->before;
	task->before = task->next = NULL;
}
