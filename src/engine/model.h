/* The two ways to decide when a request is sent: model_open (a schedule) and model_closed (as fast as the tasks can).
 * In: time, ends of requests. Out: requests that begin (flow.h). The worker's thread; a model has no state but the worker's. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

struct task;
struct worker;

struct model_ops {
	/* Before the start line, connections still closed: takes memory, opens connections in advance. */
	void (*prepare)(struct worker *worker);
	/* At the start line. */
	void (*start)(struct worker *worker);
	/* The next moment at which advance() has something to do; NSEC_NEVER: none. */
	nsec (*next)(const struct worker *worker);
	/* Sends what is due at `now`. */
	void (*advance)(struct worker *worker, nsec now);
	/* A task's request is over. task->conn, if there is one, may take its next request at once; else it must be given back (pool_put, NULL). */
	void (*freed)(struct worker *worker, struct task *task, nsec now);
	/* Connections have room that nobody waits for. NULL: nothing to do. */
	void (*roomy)(struct worker *worker, nsec now);
	/* The timer of a task without a request went off (perhaps for a reason that has passed). NULL: nothing to do. */
	void (*timer)(struct worker *worker, struct task *task, nsec now);
	/* Whether nothing is left to be sent. */
	bool (*exhausted)(const struct worker *worker, nsec now);
	/* When the worker's thread has ended, on main: counts what was planned and never sent. */
	void (*finish)(struct worker *worker);
};

extern const struct model_ops model_open, model_closed;
