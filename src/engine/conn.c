#include "engine/conn.h"

#include <assert.h>
#include <string.h>

#include "engine/carrier.h"
#include "engine/flow.h"
#include "engine/setup.h"
#include "engine/worker.h"

#define COLD __attribute__((cold, noinline)) /* keeps what is rare out of the way of what is not */

#define LEAVE_TIME SEC  /* that a peer has to close a connection as it said */
#define STAMPS_TURNS 16 /* kernel stamps on a sample: each connection has its second in so many, or in as many as there are connections */

static struct conn *conn_of(struct loop_conn *net) {
	return (struct conn *)(void *)net;
}

/* Sends what the protocol has left to say, as far as one send takes it: the connection is closed next. */
static COLD void conn_last_words(struct worker *worker, struct conn *conn) {
	struct iovec iov[4];
	nsec now = clock_now();
	if (conn->net.peer_closed || conn->net.want_write) return;
	if (conn->tls || conn->outer) {
		if (!carrier_has_pending(conn)) carrier_send(worker, conn, &now);
		return;
	}
	int pieces = conn->http->drain(conn_http(conn), iov, 4);
	ssize_t size = pieces > 0 ? worker->loop->ops->send(worker->loop, &conn->net, iov, pieces) : 0;
	if (size > 0) conn->http->drained(conn_http(conn), (size_t)size, now);
}

void conn_close(struct worker *worker, struct conn *conn, enum closer closer) {
	bool is_idle = conn_is_idle(conn);
	if (is_idle && closer != CLOSER_PEER && conn->http->leave) {
		conn->http->leave(conn_http(conn));
		conn_last_words(worker, conn);
	}
	carrier_close(worker, conn, is_idle);
	if (conn->state == CONN_OPEN) conn->http->stop(conn_http(conn));
	conn->is_plain = false;
	worker->loop->ops->close(worker->loop, &conn->net);
	worker->tally->closed[closer]++;
	pool_drop(conn);
	conn->state = CONN_DOWN;
}

/* Who ends the connection of a request that ended so and is not kept: the peer by its word (Connection: close) or its deed, or we. */
static enum closer conn_closer(const struct conn *conn, const struct http_end *end) {
	enum outcome outcome = reason_outcome(end->reason);
	if (end->reason == REASON_NONE) return conn->net.peer_closed || end->leaving ? CLOSER_PEER : CLOSER_US;
	return outcome == OUTCOME_RESET || outcome == OUTCOME_STALE ? CLOSER_PEER : CLOSER_US;
}

/* Leaves a connection, which carries nothing any more, to its peer, which said that it will close it. False: there are too many of them already. */
static bool conn_leave(struct worker *worker, struct conn *conn, nsec now) {
	bool may = worker->leaving_count < worker->slot_count - worker->task_count; /* every task can still have a slot */
	if (!may || conn->net.peer_closed) return false;
	carrier_close(worker, conn, false);
	conn->http->stop(conn_http(conn));
	pool_drop(conn);
	conn->is_plain = false;
	conn->state = CONN_LEAVING;
	worker->leaving_count++;
	conn->leave_until = now + LEAVE_TIME;
	conn->net.parting = true;
	conn_arm(worker, conn, conn->leave_until);
	return true;
}

/* A connection that is leaving has gone, or was given time enough. */
static void conn_left(struct worker *worker, struct conn *conn, enum closer closer) {
	conn_close(worker, conn, closer);
	worker->leaving_count--;
	pool_put(worker, conn);
}

/* A connection with several requests at once has none any more and takes no other one. */
static COLD void conn_emptied(struct worker *worker, struct conn *conn, nsec now) {
	bool is_peers_wish = conn->http->is_ending(conn_http(conn));
	if (is_peers_wish && conn_leave(worker, conn, now)) return;
	conn_close(worker, conn, is_peers_wish || conn->net.peer_closed ? CLOSER_PEER : CLOSER_US);
	pool_put(worker, conn);
}

static struct conn *conn_part_batched(struct worker *worker, struct conn *conn, nsec now) {
	if (!conn->retired && !conn->net.peer_closed) return conn->taken < conn->room ? conn : NULL; /* the peer may have taken room away */
	pool_drop(conn);
	if (conn->taken == 0) conn_emptied(worker, conn, now);
	return NULL;
}

struct conn *conn_part(struct worker *worker, struct conn *conn, const struct http_end *end, bool keep, nsec now) {
	if (conn->http->is_batched) return conn_part_batched(worker, conn, now); /* conn_feed_batch closes it when it is over */
	if (keep && conn->taken < conn->room && !conn->net.peer_closed && !carrier_has_pending(conn)) return conn;
	if (end->reason != REASON_NONE) conn->taken++; /* it is not idle: no word of parting */
	if (end->leaving && conn_leave(worker, conn, now)) return NULL;
	conn_close(worker, conn, conn_closer(conn, end));
	pool_put(worker, conn);
	return NULL;
}

void conn_setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	assert(conn->state == CONN_DOWN);
	struct task_list waiting = conn->waiting;
	struct peer *peer = conn->peer;
	for (struct task *task = waiting.first; task; task = task->next) task->address = (uint16_t)conn_address_row(conn);
	conn->waiting = (struct task_list){NULL, NULL};
	pool_drop(conn);
	pool_put(worker, conn);
	flow_not_opened(worker, waiting, reason, now);
	if (peer->queue.first) flow_serve(worker, peer, now);
	if (!waiting.first && worker->model->roomy) worker->model->roomy(worker, now);
}

static void conn_lost(struct worker *worker, struct conn *conn, bool reset, nsec now);

/* The same as conn_flush_one and conn_flush_batched, through TLS. */
static void conn_flush_tls(struct worker *worker, struct conn *conn, nsec now) {
	if (carrier_send(worker, conn, &now) == CARRIER_BROKEN) conn_lost(worker, conn, true, now);
}

static COLD void conn_flush_batched(struct worker *worker, struct conn *conn, nsec now) {
	const struct http_ops *http = conn->http;
	struct iovec iov[4];
	int pieces;
	while ((pieces = http->drain(conn_http(conn), iov, 4)) > 0) {
		ssize_t size = worker->loop->ops->send(worker->loop, &conn->net, iov, pieces);
		if (size < 0) {
			conn_lost(worker, conn, true, now);
			return;
		}
		worker->tally->bytes_sent += (uint64_t)size;
		http->drained(conn_http(conn), (size_t)size, now);
		if (conn->net.want_write) return;
	}
}

void conn_flush_one(struct worker *worker, struct conn *conn, nsec now) {
	const struct http_ops *http = conn->http;
	struct iovec iov[4];
	int pieces;
	if (conn->tls || conn->outer) {
		conn_flush_tls(worker, conn, now);
		return;
	}
	while ((pieces = http->drain(conn_http(conn), iov, 4)) > 0) {
		ssize_t size = worker->loop->ops->send(worker->loop, &conn->net, iov, pieces);
		if (size < 0) {
			conn_lost(worker, conn, true, now);
			return;
		}
		worker->tally->bytes_sent += (uint64_t)size;
		worker_trace(worker, iov, (size_t)size, now);
		if (http->drained(conn_http(conn), (size_t)size, now) || conn->net.want_write) return;
	}
}

/* Sends what an open connection has to send. */
static void conn_flush(struct worker *worker, struct conn *conn, nsec now) {
	if (!conn->http->is_batched)
		conn_flush_one(worker, conn, now);
	else if (conn->tls || conn->outer)
		conn_flush_tls(worker, conn, now);
	else
		conn_flush_batched(worker, conn, now);
}

void conn_mark(struct worker *worker, struct conn *conn) {
	if (conn->is_dirty) return;
	conn->is_dirty = true;
	conn->next_dirty = worker->dirty;
	worker->dirty = conn;
}

void conn_flush_marked(struct worker *worker) {
	while (worker->dirty) {
		struct conn *conn = worker->dirty;
		worker->dirty = conn->next_dirty;
		conn->is_dirty = false;
		if (conn_is_open(conn) && conn->http->is_batched && !conn->net.want_write) conn_flush(worker, conn, clock_now());
	}
}

void conn_turn_stamps(struct worker *worker, struct conn *conn, nsec now) {
	uint64_t index = (uint64_t)((char *)conn - worker->conns) / worker->stride;
	uint64_t turns = worker->task_count < STAMPS_TURNS ? worker->task_count : STAMPS_TURNS;
	uint64_t wait = (turns - (index + (uint64_t)(now / SEC)) % turns) % turns; /* seconds until its turn */
	bool on = wait == 0;
	conn->stamps_turn = turns == 1 ? NSEC_NEVER : (now / SEC + (on ? 1 : (nsec)wait)) * SEC;
	if (on != conn->net.stamped) worker->loop->ops->stamp(worker->loop, &conn->net, on);
}

void conn_preconnect(struct worker *worker, struct conn *conn, nsec now) {
	setup_begin(worker, conn, now);
}

void conn_opened(struct worker *worker, struct conn *conn, nsec now) {
	enum kernel_stamps stamps = worker->plan->kernel_stamps;
	struct peer *peer = conn->peer;
	bool is_batched = conn->http->is_batched;
	uint64_t most = worker->plan->requests_per_connection;
	conn->opening++;
	conn->number = ++worker->connections * worker->plan->threads - worker->index;
	conn->served_max = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
	conn->encrypted = 0;
	conn->stamps_turn = stamps == KERNEL_STAMPS_SAMPLE ? 0 : NSEC_NEVER;
	if (stamps == KERNEL_STAMPS_ALL) worker->loop->ops->stamp(worker->loop, &conn->net, true);
	worker->tally->opened++;
	if (is_batched) worker->tally->opened_h2++;
	if (!is_batched && peer->h2) worker->tally->fell_back++;
	if (worker_in_window(worker, now)) worker->tally->opened_in_window++;
	worker->tally->cells[worker->plan->groups.first_address + conn_address_row(conn)].opened++;
	if (peer->h2) pool_expect(worker, peer, is_batched);
	conn->http->start(conn_http(conn), is_batched ? peer->h2 : peer->h1, worker);
	conn->room = 1;
	conn->is_plain = !is_batched && !conn->tls && !worker->tls;
	if (is_batched) {
		unsigned room = conn->http->room(conn_http(conn));
		conn->room = room < peer->streams ? room : peer->streams;
		conn_mark(worker, conn); /* its first bytes are due even without a request */
	}
	flow_opened(worker, conn, now);
}

/* What TLS knows better of an end that is its connection's; and whether the peer refused us: with TLS 1.3 it judges our certificate after our handshake is done. */
static COLD void conn_see_tls_end(struct conn *conn, struct task *task, struct http_end *end) {
	if (!conn->tls) return;
	if (end->reason != REASON_NONE || !conn->http->is_batched) end->reason = carrier_end_reason(conn, end->reason);
	if (conn->ended == 0 && !end->any_byte && tls_state(conn->tls) == TLS_FAILED) flow_back_off(task);
}

/* Whether the end `a` is to be seen to before `b`: requests that are sent again come first, the oldest of them first. Else a peer that takes few requests on a
 * connection would refuse the same ones again and again. */
static bool conn_comes_before(const struct worker *worker, const struct worker_end *a, const struct worker_end *b) {
	if (!a->end.unprocessed || !b->end.unprocessed) return a->end.unprocessed && !b->end.unprocessed;
	return worker->tasks[a->id].flight.k < worker->tasks[b->id].flight.k;
}

/* Puts the ends into the order in which they are to be seen to. There are at most as many as streams. */
static void conn_sort_ends(struct worker *worker) {
	struct worker_end *ends = worker->ends;
	for (size_t i = 1; i < worker->end_count; i++) {
		struct worker_end one = ends[i];
		size_t at = i;
		for (; at > 0 && conn_comes_before(worker, &one, &ends[at - 1]); at--) ends[at] = ends[at - 1];
		ends[at] = one;
	}
}

/* A connection with several requests at once is over, and so are they: their ends lie in worker->ends. */
static COLD void conn_over(struct worker *worker, struct conn *conn, enum closer closer, nsec now) {
	struct peer *peer = conn->peer;
	size_t count = worker->end_count;
	conn_sort_ends(worker);
	for (size_t i = 0; i < count; i++) {
		struct task *task = &worker->tasks[worker->ends[i].id];
		conn_see_tls_end(conn, task, &worker->ends[i].end);
		task->conn = NULL;
	}
	if (closer == CLOSER_US) conn_last_words(worker, conn);
	conn_close(worker, conn, closer);
	pool_put(worker, conn);
	for (size_t i = 0; i < count; i++) {
		struct http_end end = worker->ends[i].end;
		flow_ended(worker, &worker->tasks[worker->ends[i].id], &end, false, now);
	}
	if (peer->queue.first) flow_serve(worker, peer, now);
}

/* The connection is gone under its requests. */
static COLD void conn_lost(struct worker *worker, struct conn *conn, bool reset, nsec now) {
	worker->ended_task = NULL;
	worker->end_count = 0;
	conn->http->finish(conn_http(conn), reset, now);
	if (conn->http->is_batched) {
		conn_over(worker, conn, CLOSER_PEER, now);
		return;
	}
	struct task *task = worker->ended_task;
	struct http_end end = worker->ended;
	assert(task);
	conn_see_tls_end(conn, task, &end);
	flow_ended(worker, task, &end, false, now);
}

/* An idle connection is of no use any more. */
static void conn_drop(struct worker *worker, struct conn *conn, enum closer closer) {
	assert(conn->taken == 0);
	conn_close(worker, conn, closer);
	pool_put(worker, conn);
}

/* How many requests the peer allows has perhaps changed, or whether it takes any. Returns whether there is more room than before. */
static bool conn_see_room(struct worker *worker, struct conn *conn) {
	const struct http_ops *http = conn->http;
	struct tally *tally = worker->tally;
	if (conn->retired) return false;
	if (http->is_ending(conn_http(conn))) {
		tally->goaways++;
		pool_drop(conn);
		return false;
	}
	uint32_t before = conn->room, limit = conn->taken - (uint32_t)worker->end_count + http->room(conn_http(conn));
	uint32_t room = limit < conn->peer->streams ? limit : conn->peer->streams;
	uint32_t said = http->limit(conn_http(conn));
	if (said > 0 && (tally->stream_limit == 0 || said < tally->stream_limit)) tally->stream_limit = said;
	if (room == before) return false;
	pool_unlist(conn);
	conn->room = room;
	pool_put(worker, conn);
	return room > before;
}

/* Plain bytes came on a connection with several requests at once. */
static COLD void conn_feed_batch(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	struct peer *peer = conn->peer;
	uint32_t opening = conn->opening;
	worker->end_count = 0;
	if (!conn->http->feed(conn_http(conn), bytes, arrived)) {
		conn_over(worker, conn, CLOSER_US, arrived);
		return;
	}
	bool more = conn_see_room(worker, conn);
	conn_mark(worker, conn);
	if (worker->end_count > 1) conn_sort_ends(worker);
	for (size_t i = 0; i < worker->end_count; i++) {
		struct http_end end = worker->ends[i].end;
		flow_ended(worker, &worker->tasks[worker->ends[i].id], &end, true, arrived);
	}
	if (conn->opening == opening && conn_is_open(conn) && conn->retired && conn->taken == 0) conn_emptied(worker, conn, arrived);
	if (peer->queue.first) flow_serve(worker, peer, arrived);
	if (more && worker->model->roomy) worker->model->roomy(worker, arrived);
}

/* The same with one request at once. */
static void conn_feed_one(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	worker->ended_task = NULL;
	worker_trace_bytes(worker, TRACE_RECEIVED, bytes, arrived);
	bool keep = conn->http->feed(conn_http(conn), bytes, arrived);
	if (worker->ended_task)
		flow_ended(worker, worker->ended_task, &worker->ended, keep, arrived);
	else if (!keep) /* bytes that nobody asked for */
		conn_drop(worker, conn, CLOSER_US);
}

static void conn_feed(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	if (conn->http->is_batched) {
		conn_feed_batch(worker, conn, bytes, arrived);
		return;
	}
	worker_note_answer(worker);
	conn_feed_one(worker, conn, bytes, arrived);
}

/* The carrier of an open connection ended. */
static void conn_end(struct worker *worker, struct conn *conn, bool reset, nsec now) {
	if (conn->taken > 0)
		conn_lost(worker, conn, reset, now);
	else
		conn_drop(worker, conn, CLOSER_PEER);
}

/* Encrypted bytes came: of the handshake, of a response, or those that TLS itself sends now and then. */
static void conn_feed_tls(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	struct slice plain;
	const struct tls *tls = conn->tls;
	enum tls_state state = carrier_decrypt(worker, conn, bytes, &plain);
	if (conn->state == CONN_SHAKING) {
		setup_shake(worker, conn, state, arrived);
	} else {
		if (state != TLS_READY) conn->net.peer_closed = true;
		if (carrier_has_pending(conn) && !conn->net.want_write) carrier_push(worker, conn); /* if it fails, the next receive tells */
	}
	if (plain.size > 0 && conn_is_open(conn)) conn_feed(worker, conn, plain, arrived);
	if (state == TLS_READY || !conn_is_open(conn) || conn->tls != tls) return;
	conn_end(worker, conn, state == TLS_FAILED, arrived);
}

/* Bytes came, out of the TLS with a proxy if there is one. */
static void conn_feed_inner(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	if (conn->tls) {
		conn_feed_tls(worker, conn, bytes, arrived);
	} else if (conn_is_open(conn)) {
		conn_feed(worker, conn, bytes, arrived);
	} else if (conn->state == CONN_ASKING) {
		struct slice rest = setup_answer(worker, conn, bytes, arrived);
		if (rest.size > 0) conn_feed_inner(worker, conn, rest, arrived);
	} /* else it is leaving: its last words are nobody's */
}

/* The carrier ended, in order or not. */
static void conn_carrier_ended(struct worker *worker, struct conn *conn, bool reset, nsec now) {
	if (conn_is_open(conn))
		conn_end(worker, conn, reset, now);
	else if (conn_is_in_setup(conn))
		setup_closed(worker, conn, now);
	else if (conn->state == CONN_LEAVING)
		conn_left(worker, conn, CLOSER_PEER);
}

/* Bytes of a proxy that tunnels over TLS came: of its handshake, of its answer to CONNECT, or from the target. */
static void conn_feed_outer(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	struct slice plain;
	const struct tls *outer = conn->outer;
	enum tls_state state = carrier_unwrap(worker, conn, bytes, &plain);
	bool ended = state == TLS_CLOSED || state == TLS_FAILED;
	if (ended) conn->net.peer_closed = true;
	if (conn->state == CONN_SHAKING_PROXY)
		setup_shake(worker, conn, state, arrived);
	else if (state == TLS_READY && carrier_has_pending(conn) && !conn->net.want_write)
		carrier_push(worker, conn); /* if it fails, the next receive tells */
	if (plain.size > 0 && conn->outer == outer) conn_feed_inner(worker, conn, plain, arrived);
	if (ended && conn->outer == outer) conn_carrier_ended(worker, conn, state == TLS_FAILED, arrived);
}

static void conn_on_bytes(struct loop *loop, struct loop_conn *net, struct slice bytes, nsec arrived) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	worker->tally->bytes_received += bytes.size;
	if (conn->is_plain) {
		conn_feed_one(worker, conn, bytes, arrived);
		return;
	}
	if (conn->outer)
		conn_feed_outer(worker, conn, bytes, arrived);
	else
		conn_feed_inner(worker, conn, bytes, arrived);
}

static void conn_on_sent(struct loop *loop, struct loop_conn *net, nsec now) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	if (conn_is_open(conn) && (conn->taken > 0 || conn->http->is_batched))
		conn_flush(worker, conn, now);
	else if (conn->state == CONN_ASKING)
		setup_ask(worker, conn, now);
	else if (conn->tls || conn->outer)
		carrier_push(worker, conn); /* if it fails, the next receive tells */
	conn_flush_marked(worker);
}

static void conn_on_close(struct loop *loop, struct loop_conn *net, bool reset, nsec now) {
	struct worker *worker = loop->owner;
	conn_carrier_ended(worker, conn_of(net), reset, now);
	conn_flush_marked(worker);
}

static void conn_on_open(struct loop *loop, struct loop_conn *net, enum reason reason, nsec now) {
	struct worker *worker = loop->owner;
	setup_dialled(worker, conn_of(net), reason, now);
	conn_flush_marked(worker);
}

static void conn_on_wake(struct loop *loop, nsec now) {
	struct worker *worker = loop->owner;
	peers_woken(worker, now);
	conn_flush_marked(worker);
}

const struct loop_events conn_loop_events = {
	.on_open = conn_on_open,
	.on_bytes = conn_on_bytes,
	.on_sent = conn_on_sent,
	.on_close = conn_on_close,
	.on_wake = conn_on_wake,
};

void conn_timer(struct worker *worker, struct conn *conn, nsec now) {
	if (conn_is_in_setup(conn))
		setup_timer(worker, conn, now);
	else if (conn->state == CONN_LEAVING && now < conn->leave_until)
		conn_arm(worker, conn, conn->leave_until);
	else if (conn->state == CONN_LEAVING)
		conn_left(worker, conn, CLOSER_US);
}
