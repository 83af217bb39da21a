#include "engine/flow.h"

#include <assert.h>

#include "engine/decoding.h"
#include "engine/recording.h"
#include "engine/redirect.h"
#include "engine/setup.h"
#include "engine/worker.h"

#define COLD __attribute__((cold, noinline)) /* keeps what is rare out of the way of what is not */

#define INLINE inline __attribute__((always_inline)) /* on the path of every request */

#define BACKOFF_MAX 7 /* failed set-ups in a row are counted up to here */

/* How a request ended, and what is to become of its connection. */
struct ending {
	struct http_end *end;
	enum reason verdict; /* on the request; end->reason is what the protocol says */
	bool keep;           /* the connection stays open */
};

/* The connection of `task` has the request, and is open: it goes out, at once or with others. */
static INLINE void flow_send(struct worker *worker, struct task *task, nsec now) {
	struct conn *conn = task->conn;
	struct flight *flight = &task->flight;
	if (now >= conn->stamps_turn) conn_turn_stamps(worker, conn, now);
	conn->http->submit(conn_http(conn), task->id, flight->request);
	flight->sent = now;
	flight->written = 0;
	flight->on_wire = false;
	flight->reused = conn->ended > 0;
	flight->connection = conn->number;
	flight->is_h2 = conn->http->is_batched;
	task->state = TASK_SENT;
	if (++conn->served >= conn->served_max) pool_drop(conn);
	task_arm(worker, task, flight->deadline);
	if (conn->http->is_batched)
		conn_mark(worker, conn);
	else
		conn_flush_one(worker, conn, now);
}

/* `task` waits for the set-up of its connection, which begins now unless it is under way. */
static COLD void flow_wait(struct worker *worker, struct task *task, nsec now) {
	struct conn *conn = task->conn;
	task->state = TASK_SETUP;
	task_append(&conn->waiting, task);
	task_arm(worker, task, task->flight.deadline);
	if (conn->state == CONN_DOWN) setup_begin(worker, conn, now);
}

/* No connection has room for the request of `task`. */
static COLD void flow_queue(struct worker *worker, struct task *task) {
	task->conn = NULL;
	task->state = TASK_QUEUED;
	task_append(&task->peer->queue, task);
	if (task->flight.again) task_arm(worker, task, task->flight.deadline); /* else its time begins when a slot is free */
}

/* The request of `task` goes to a connection: its own if it has one. */
static void flow_place(struct worker *worker, struct task *task, nsec now) {
	if (!task->conn) task->conn = pool_take(worker, task->peer);
	if (!task->conn) {
		flow_queue(worker, task);
		return;
	}
	pool_attach(worker, task->conn);
	task->address = (uint16_t)conn_address_row(task->conn);
	if (conn_is_open(task->conn))
		flow_send(worker, task, now);
	else
		flow_wait(worker, task, now);
}

void flow_begin(struct worker *worker, struct task *task, struct peer *peer, nsec now) {
	struct flight *flight = &task->flight;
	assert(!flight->active);
	flight->deadline = (now > flight->ready ? now : flight->ready) + worker->plan->timeout; /* our lateness is not the target's */
	flight->active = true;
	worker->active++;
	task->peer = peer;
	if (task->conn) {
		pool_attach(worker, task->conn);
		flow_send(worker, task, now);
	} else {
		flow_place(worker, task, now);
	}
}

/* Another attempt begins at `now`, or the first one if none has gone out. */
static void flow_get_ready(struct worker *worker, struct flight *flight, nsec now) {
	flight->sent = flight->written = 0;
	flight->dns = flight->connect = flight->tls = 0;
	if (flight->first_sent) {
		flight->again = now;
	} else {
		flight->ready = now;
		flight->deadline = now + worker->plan->timeout;
	}
}

/* The request of `task` goes on: another attempt, on its connection if that is with the peer. */
static COLD void flow_go_on(struct worker *worker, struct task *task, struct peer *peer, nsec now) {
	if (task->conn && task->conn->peer != peer) {
		pool_put(worker, task->conn);
		task->conn = NULL;
	}
	task->peer = peer;
	flow_get_ready(worker, &task->flight, now);
	flow_place(worker, task, now);
}

COLD void flow_serve(struct worker *worker, struct peer *peer, nsec now) {
	const struct task *last = peer->queue.last;
	if (peer->is_serving) return;
	peer->is_serving = true;
	for (bool goes_on = true; goes_on && peer->queue.first && pool_has(worker, peer);) {
		struct task *task = peer->queue.first;
		goes_on = task != last;
		task_remove(&peer->queue, task);
		flow_get_ready(worker, &task->flight, now);
		flow_place(worker, task, now);
	}
	peer->is_serving = false;
}

void flow_opened(struct worker *worker, struct conn *conn, nsec now) {
	struct peer *peer = conn->peer;
	struct task_list waiting = conn->waiting;
	uint32_t opening = conn->opening;
	conn->waiting = (struct task_list){NULL, NULL};
	conn->taken = 0;
	while (waiting.first) {
		struct task *task = waiting.first;
		task_remove(&waiting, task);
		if (conn->opening == opening && conn_is_open(conn) && !conn->retired && conn->taken < conn->room) {
			conn->taken++;
			task->address = (uint16_t)conn_address_row(conn);
			flow_send(worker, task, now);
		} else {
			flow_queue(worker, task);
		}
	}
	if (conn->opening == opening && conn_is_open(conn)) pool_put(worker, conn);
	if (peer->queue.first) flow_serve(worker, peer, now);
	if (peer->ready.first && worker->model->roomy) worker->model->roomy(worker, now);
}

/* Its connection goes on without the request, or not at all. */
static INLINE void flow_leave(struct worker *worker, struct task *task, const struct ending *ending, nsec now) {
	if (task->conn) task->conn = conn_release(worker, task->conn, ending->end, ending->keep, now);
}

/* The request of `task` is over: counts it and hands the connection on. */
static void flow_finish(struct worker *worker, struct task *task, const struct ending *ending, nsec now) {
	struct http_end *end = ending->end;
	enum reason carried = end->reason;
	end->reason = ending->verdict;
	if (task->body) decoding_end(worker, task, end);
	recording_finish(worker, task, end, now);
	end->reason = carried;
	flow_leave(worker, task, ending, now);
	if (task->flight.redirect) redirect_free(&task->flight);
	task->flight.active = false;
	worker->active--;
	if (task->peer->queue.first) { /* others have waited longer */
		if (task->conn) pool_put(worker, task->conn);
		task->conn = NULL;
		flow_serve(worker, task->peer, now);
	}
	worker->model->freed(worker, task, now);
}

/* The request of `task` failed for `reason`; `keep`: its connection did not. */
static void flow_fail(struct worker *worker, struct task *task, struct http_end *end, enum reason reason, nsec now) {
	bool keep = end->reusable;
	end->reason = reason;
	flow_finish(worker, task, &(struct ending){end, reason, keep}, now);
}

/* The set-up for `task` failed once more: closed loop, waits longer. */
void flow_back_off(struct task *task) {
	if (task->backoff < BACKOFF_MAX) task->backoff++;
}

void flow_not_opened(struct worker *worker, struct task_list tasks, enum reason reason, nsec now) {
	while (tasks.first) {
		struct task *task = tasks.first;
		task_remove(&tasks, task);
		task->conn = NULL;
		flow_back_off(task);
		flow_fail(worker, task, &(struct http_end){.reason = reason}, reason, now);
	}
}

/* The request goes on to where its answer led. False: it cannot, and the verdict says why. */
static COLD bool flow_follow(struct worker *worker, struct task *task, struct ending *ending, nsec now) {
	struct flight *flight = &task->flight;
	enum reason reason = redirect_next(worker, task);
	if (reason != REASON_NONE) {
		ending->verdict = reason;
		return false;
	}
	if (task->body) decoding_drop(worker, task);
	flight->hopped = true;
	flight->retried = false;
	struct peer *peer = peers_get(worker, flight->request->origin);
	flow_leave(worker, task, ending, now);
	flow_go_on(worker, task, peer, now);
	return true;
}

/* A request came to no complete answer. Returns whether it may go out again: if its peer has not looked at it, some times; once if it died without any byte of an
 * answer on a connection that had carried another one before. */
static COLD bool flow_may_retry(struct worker *worker, struct task *task, struct ending *ending) {
	const struct http_end *end = ending->end;
	struct flight *flight = &task->flight;
	if (!end->any_byte && flight->on_wire) worker->tally->lost++;
	if (end->unprocessed) {
		if (flight->on_wire) worker->tally->unprocessed++;
		if (++flight->refused <= FLOW_REFUSALS) return true;
		ending->verdict = REASON_UNPROCESSED;
		return false;
	}
	if (!flight->reused || end->any_byte || (end->reason != REASON_CLOSED && end->reason != REASON_RESET)) return false;
	bool allowed = !flight->on_wire || (worker->plan->retry_stale && flight->request->is_idempotent);
	if (allowed && !flight->retried) return true;
	ending->verdict = REASON_STALE;
	return false;
}

static COLD bool flow_retry(struct worker *worker, struct task *task, struct ending *ending, nsec now) {
	if (!flow_may_retry(worker, task, ending)) return false;
	flow_leave(worker, task, ending, now);
	task->flight.retried = true;
	if (!task->conn && !ending->end->unprocessed) task->conn = pool_take_fresh(worker, task->peer);
	flow_go_on(worker, task, task->peer, now);
	return true;
}

void flow_ended(struct worker *worker, struct task *task, struct http_end *end, bool keep, nsec now) {
	struct ending ending = {.end = end, .verdict = end->reason, .keep = keep && end->reusable};
	if (task->backoff && end->any_byte) task->backoff = 0;
	if (end->reason == REASON_NONE) {
		if (task->flight.redirect && redirect_wanted(&task->flight) && flow_follow(worker, task, &ending, now)) return;
	} else if (flow_retry(worker, task, &ending, now)) {
		return;
	}
	flow_finish(worker, task, &ending, now);
}

/* The time-out of a request has passed. */
static COLD void flow_time_out(struct worker *worker, struct task *task) {
	struct conn *conn = task->conn;
	struct http_end end = {0};
	nsec now = clock_now(); /* bytes may have come and gone since the timers' time was read */
	switch (task->state) {
	case TASK_QUEUED:
		task_remove(&task->peer->queue, task);
		flow_fail(worker, task, &end, REASON_TIMEOUT_RESPONSE, now);
		break;
	case TASK_SETUP: setup_give_up(worker, conn, task, now); break;
	case TASK_SENT:
		end = conn->http->cancel(conn_http(conn), task->id);
		if (end.reusable) conn_mark(worker, conn); /* the stream is reset */
		if (end.any_byte) worker_note_answer(worker);
		if (!end.any_byte && task->flight.on_wire) worker->tally->lost++;
		flow_fail(worker, task, &end, REASON_TIMEOUT_RESPONSE, now);
		break;
	default: break;
	}
}

void flow_timer(struct worker *worker, struct task *task, nsec now) {
	if (!task->flight.active) {
		if (worker->model->timer) worker->model->timer(worker, task, now);
	} else if (now < task->flight.deadline) {
		task_arm(worker, task, task->flight.deadline);
	} else {
		flow_time_out(worker, task);
	}
}
