/* What happens to a request: it finds a connection or waits for one, goes out, ends, goes out again, or is counted.
 * In: requests from the model, ends from the protocol. Out: samples to recording, free tasks to the model. The worker's thread. */
#pragma once

#include "engine/conn.h"

#define FLOW_REFUSALS 10 /* so often may a peer say that it did not look at a request */

/* Starts the request whose request, k, due and ready stand in task->flight, with `peer`, on task->conn if that is set (it has room and is with the peer), else on
 * the pool's choice: sent at `now` if that is open; else it waits. */
void flow_begin(struct worker *worker, struct task *task, struct peer *peer, nsec now);

/* Gives the requests that wait for a slot of `peer` what there is. */
void flow_serve(struct worker *worker, struct peer *peer, nsec now);

/* `conn` has just been opened: sends the requests that waited for it, as many as it takes; the others wait for room elsewhere. */
void flow_opened(struct worker *worker, struct conn *conn, nsec now);

/* The set-up of a connection came to nothing, and it is down: so do these requests, which waited for it. */
void flow_not_opened(struct worker *worker, struct task_list tasks, enum reason reason, nsec now);

/* The protocol said that the request of `task` is over. `keep`: its connection goes on, as far as the protocol is concerned. */
void flow_ended(struct worker *worker, struct task *task, struct http_end *end, bool keep, nsec now);

/* A set-up for `task` failed: in a closed loop it waits before the next one, each time longer, until a byte of an answer comes. */
void flow_back_off(struct task *task);

/* Its timer went off. */
void flow_timer(struct worker *worker, struct task *task, nsec now);
