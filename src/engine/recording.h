/* Counts what happens to requests: from a finished one to the tally.
 * In: a worker, a task, what the protocol said. Out: the worker's tally and totals, which it owns. The worker's thread; no allocation. */
#pragma once

#include "engine/worker.h"

/* The first byte of an attempt went to the kernel. */
void recording_attempt(struct worker *worker, struct flight *flight);

/* Counts what is on the wire up to `at`; it goes on in `next` (NULL: nothing does). */
void recording_wire(struct worker *worker, nsec at, struct tally *next);

/* Counts the end of the request of `task`. */
void recording_finish(struct worker *worker, struct task *task, const struct http_end *end, nsec done);

/* Hands what is in the run log's block to its writer. */
void recording_give_log(struct worker *worker);

/* Counts a request that is still in flight at the end of the drain. */
void recording_open(struct worker *worker, struct task *task, nsec now);
