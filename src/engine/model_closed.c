/* Closed loop: a fixed number of tasks, each sends its next request when the last one is done. One connection per task. */
#include "engine/worker.h"

#define BLOCK 128 /* so many tickets or numbers are taken from the shared counter at once */

#define BACKOFF_FIRST (100 * MSEC)
#define BACKOFF_LAST SEC

static void closed_start(struct worker *worker) {
	const struct plan *plan = worker->plan;
	for (size_t i = 0; i < worker->conn_count; i++) {
		struct conn *conn = worker_conn(worker, i);
		uint64_t tick = (i * plan->threads + worker->index) / plan->spawn_rate;
		if (tick > (uint64_t)(plan->duration / plan->spawn_interval)) break; /* never within the run */
		conn->wake = worker->start + (nsec)tick * plan->spawn_interval;
		conn_arm(worker, conn, conn->wake);
	}
}

/* Takes a ticket of --requests and the number of its request, from 0; false: none is left. */
static bool closed_take_ticket(struct worker *worker, uint64_t *ret_k) {
	if (worker->tickets == 0) {
		_Atomic uint64_t *left = &worker->shared->tickets;
		uint64_t seen = atomic_load_explicit(left, memory_order_relaxed), block;
		do {
			if (seen == 0) return false;
			block = seen / (worker->plan->threads * 64);
			block = block < 1 ? 1 : block > BLOCK ? BLOCK : block;
		} while (!atomic_compare_exchange_weak_explicit(left, &seen, seen - block, memory_order_relaxed, memory_order_relaxed));
		worker->tickets = block;
		worker->ticket_k = worker->plan->requests - seen;
	}
	worker->tickets--;
	*ret_k = worker->ticket_k++;
	return true;
}

/* Returns the number of a request that needs no ticket: from 0, each once; at the end of a run the rest of a worker's block stays unused. */
static uint64_t closed_take_number(struct worker *worker) {
	if (worker->numbers == 0) {
		worker->number_k = atomic_fetch_add_explicit(&worker->shared->numbers, BLOCK, memory_order_relaxed);
		worker->numbers = BLOCK;
	}
	worker->numbers--;
	return worker->number_k++;
}

/* The task of `conn` may send since `due`. */
static void closed_next(struct worker *worker, struct conn *conn, nsec due, nsec now) {
	worker_see_stop(worker, now);
	if (due >= worker->stop) return;
	bool counted = due >= worker->window_start;
	uint64_t k;
	if (!counted || worker->plan->requests == 0)
		k = closed_take_number(worker);
	else if (!closed_take_ticket(worker, &k))
		return;
	if (counted) worker->tally->planned++;
	conn->flight = (struct flight){.k = k, .due = due, .ready = due, .counted = counted};
	conn_begin(worker, conn, now);
}

static void closed_freed(struct worker *worker, struct conn *conn, nsec now) {
	if (conn->state == CONN_DOWN && conn->backoff > 0) {
		nsec wait = BACKOFF_FIRST << (conn->backoff - 1);
		conn->wake = now + (wait < BACKOFF_LAST ? wait : BACKOFF_LAST);
		conn_arm(worker, conn, conn->wake);
	} else {
		closed_next(worker, conn, now, now);
	}
}

static void closed_timer(struct worker *worker, struct conn *conn, nsec now) {
	if (conn->wake == 0) return;
	if (now < conn->wake) {
		conn_arm(worker, conn, conn->wake);
		return;
	}
	nsec due = conn->wake;
	conn->wake = 0;
	closed_next(worker, conn, due, now);
}

static void closed_nothing(struct worker *worker) {
	(void)worker;
}

static nsec closed_never(const struct worker *worker) {
	(void)worker;
	return NSEC_NEVER; /* its moments are timers */
}

static void closed_advance(struct worker *worker, nsec now) {
	(void)worker;
	(void)now;
}

static bool closed_exhausted(const struct worker *worker, nsec now) {
	if (now >= worker->stop) return true;
	bool limited = worker->plan->requests > 0 && now >= worker->window_start;
	return limited && worker->tickets == 0 && atomic_load_explicit(&worker->shared->tickets, memory_order_relaxed) == 0;
}

const struct model_ops model_closed = {
	.prepare = closed_nothing,
	.start = closed_start,
	.next = closed_never,
	.advance = closed_advance,
	.freed = closed_freed,
	.timer = closed_timer,
	.exhausted = closed_exhausted,
	.finish = closed_nothing,
};
