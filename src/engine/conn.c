#include "engine/conn.h"

#include <assert.h>
#include <string.h>

#include "engine/carrier.h"
#include "engine/setup.h"
#include "engine/worker.h"

#define BACKOFF_MAX 7   /* failed set-ups in a row are counted up to here */
#define STAMPS_TURNS 16 /* kernel stamps on a sample: each connection has its second in so many, or in as many as there are connections */

static const struct http_ops *const http = &h1_ops;

static struct conn *conn_of(struct loop_conn *net) {
	return (struct conn *)(void *)net;
}

void conn_arm(struct worker *worker, struct conn *conn, nsec at) {
	if (conn->timer.place == 0 || conn->timer.at > at) timers_arm(&worker->timers, &conn->timer, at);
}

void conn_close(struct worker *worker, struct conn *conn, enum closer closer) {
	if (conn->tls) carrier_close(worker, conn, conn->state == CONN_IDLE);
	worker->loop->ops->close(worker->loop, &conn->net);
	worker->tally->closed[closer]++;
	conn->state = CONN_DOWN;
}

/* Who ends the connection of a request that ended so and is not kept: the peer by its word (Connection: close) or its deed, or we. */
static enum closer conn_closer(enum reason reason) {
	bool peer = reason == REASON_NONE || reason_outcome(reason) == OUTCOME_RESET || reason_outcome(reason) == OUTCOME_STALE;
	return peer ? CLOSER_PEER : CLOSER_US;
}

/* The request of `conn` is over: counts it and hands the connection on. `keep`: it stays open. */
static void conn_finish(struct worker *worker, struct conn *conn, const struct http_end *end, bool keep, nsec now) {
	recording_finish(worker, conn, end, now);
	if (conn->state == CONN_BUSY) {
		if (end->reason == REASON_NONE) conn->state = CONN_IDLE;
		if (!keep) conn_close(worker, conn, conn_closer(end->reason));
	}
	conn->flight.active = false;
	worker->active--;
	worker->model->freed(worker, conn, now);
}

void conn_back_off(struct conn *conn) {
	if (conn->backoff < BACKOFF_MAX) conn->backoff++;
}

void conn_setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	conn->state = CONN_DOWN;
	conn_back_off(conn);
	if (conn->flight.active)
		conn_finish(worker, conn, &(struct http_end){.reason = reason}, false, now);
	else
		worker->model->freed(worker, conn, now);
}

void conn_count_attempt(struct worker *worker, struct flight *flight) {
	struct tally *tally = worker->tally;
	flight->on_wire = true;
	tally->attempts++;
	if (flight->due < worker->window_start) tally->attempts_warmup++;
	if (flight->first_sent > 0) {
		tally->retries++;
		return;
	}
	flight->first_sent = flight->sent;
	if (!worker_in_window(worker, flight->sent)) return;
	tally->sent_in_window++;
	if (worker->last_done == 0) worker->last_done = flight->sent;
}

static void conn_lost(struct worker *worker, struct conn *conn, bool reset, nsec now);

/* The same as conn_flush, through TLS. */
static void conn_flush_tls(struct worker *worker, struct conn *conn, nsec now) {
	switch (carrier_send(worker, conn, &now)) {
	case CARRIER_ALL:
		if (!conn->flight.written) conn->flight.written = now; /* else it was TLS's own bytes that had waited */
		break;
	case CARRIER_SHORT: break;
	case CARRIER_BROKEN: conn_lost(worker, conn, true, now); break;
	}
}

/* Sends what the protocol has to send. */
static void conn_flush(struct worker *worker, struct conn *conn, nsec now) {
	struct iovec iov[4];
	int pieces;
	if (conn->tls) {
		conn_flush_tls(worker, conn, now);
		return;
	}
	while ((pieces = http->drain(conn_http(conn), iov, 4)) > 0) {
		ssize_t size = worker->loop->ops->send(worker->loop, &conn->net, iov, pieces);
		if (size < 0) {
			conn_lost(worker, conn, true, now);
			return;
		}
		if (size > 0 && !conn->flight.on_wire) conn_count_attempt(worker, &conn->flight);
		worker->tally->bytes_sent += (uint64_t)size;
		if (http->drained(conn_http(conn), (size_t)size)) conn->flight.written = now;
		if (conn->net.want_write || conn->flight.written) return;
	}
}

/* Turns the kernel's stamps of a connection on or off, whichever its turn is at `now`. A sample of the connections has them: a stamp costs,
 * and stamping all would change which side of a saturated pair waits. */
static void conn_turn_stamps(struct worker *worker, struct conn *conn, nsec now) {
	uint64_t index = (uint64_t)((char *)conn - worker->conns) / worker->stride;
	uint64_t turns = worker->conn_count < STAMPS_TURNS ? worker->conn_count : STAMPS_TURNS;
	uint64_t wait = (turns - (index + (uint64_t)(now / SEC)) % turns) % turns; /* seconds until its turn */
	bool on = wait == 0;
	conn->stamps_turn = turns == 1 ? NSEC_NEVER : (now / SEC + (on ? 1 : (nsec)wait)) * SEC;
	if (on != conn->net.stamped) worker->loop->ops->stamp(worker->loop, &conn->net, on);
}

static void conn_send(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
	if (now >= conn->stamps_turn) conn_turn_stamps(worker, conn, now);
	http->submit(conn_http(conn), 0, flight->request);
	flight->sent = now;
	flight->written = 0;
	flight->on_wire = false;
	flight->reused = conn->served > 0;
	flight->attempts++;
	conn->served++;
	conn->state = CONN_BUSY;
	conn_arm(worker, conn, flight->deadline);
	conn_flush(worker, conn, now);
}

void conn_begin(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
	assert(!flight->active);
	flight->request = worker->plan->source.ops->next(&worker->plan->source, 0, flight->k);
	flight->deadline = (now > flight->ready ? now : flight->ready) + worker->plan->timeout; /* our lateness is not the target's */
	flight->active = true;
	worker->active++;
	if (conn->state == CONN_IDLE)
		conn_send(worker, conn, now);
	else
		setup_begin(worker, conn, now);
}

void conn_preconnect(struct worker *worker, struct conn *conn, nsec now) {
	setup_begin(worker, conn, now);
}

void conn_opened(struct worker *worker, struct conn *conn, nsec now) {
	enum kernel_stamps stamps = worker->plan->kernel_stamps;
	conn->state = CONN_IDLE;
	conn->served = 0;
	conn->stamps_turn = stamps == KERNEL_STAMPS_SAMPLE ? 0 : NSEC_NEVER;
	if (stamps == KERNEL_STAMPS_ALL) worker->loop->ops->stamp(worker->loop, &conn->net, true);
	worker->tally->opened++;
	worker->tally->cells[worker->plan->groups.first_address + conn->address].opened++;
	http->start(conn_http(conn), worker->http, worker);
	if (conn->flight.active)
		conn_send(worker, conn, now);
	else
		worker->model->freed(worker, conn, now);
}

/* A request that died with a reused connection before any byte of an answer goes out once more on a new one. */
static void conn_retry(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
	conn_close(worker, conn, CLOSER_PEER);
	flight->again = now;
	flight->sent = flight->written = 0;
	setup_begin(worker, conn, now);
}

/* The protocol said that the request is over. */
static void conn_ended(struct worker *worker, struct conn *conn, bool keep, nsec now) {
	struct http_end *end = &worker->ended;
	struct flight *flight = &conn->flight;
	if (!end->any_byte && flight->on_wire) worker->tally->lost++;
	bool stale = flight->reused && !end->any_byte && (end->reason == REASON_CLOSED || end->reason == REASON_RESET);
	if (stale) {
		bool allowed = !flight->on_wire || (worker->plan->retry_stale && flight->request->is_idempotent);
		if (allowed && flight->attempts == 1) {
			conn_retry(worker, conn, now);
			return;
		}
		end->reason = REASON_STALE;
	}
	bool open = !conn->net.peer_closed && !(conn->tls && carrier_has_pending(conn));
	conn_finish(worker, conn, end, keep && end->reusable && open, now);
}

/* The connection is gone under a request. */
static void conn_lost(struct worker *worker, struct conn *conn, bool reset, nsec now) {
	worker->has_ended = false;
	worker->truth = -1;
	http->finish(conn_http(conn), reset, now);
	assert(worker->has_ended);
	if (conn->tls) {
		worker->ended.reason = carrier_end_reason(conn, worker->ended.reason);
		bool refused = conn->served == 1 && !worker->ended.any_byte && tls_state(conn->tls) == TLS_FAILED;
		if (refused) conn_back_off(conn); /* with TLS 1.3 the server judges our certificate after our handshake is done */
	}
	conn_ended(worker, conn, false, now);
}

/* An idle connection is of no use any more. */
static void conn_drop(struct worker *worker, struct conn *conn, enum closer closer) {
	assert(conn->state == CONN_IDLE);
	conn_close(worker, conn, closer);
	if (worker->model->dropped) worker->model->dropped(worker, conn);
}

/* Bytes of a response came. */
static void conn_feed(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	worker->has_ended = false;
	worker->truth = -1;
	bool keep = http->feed(conn_http(conn), bytes, arrived);
	if (worker->has_ended)
		conn_ended(worker, conn, keep, arrived);
	else if (!keep) /* bytes that nobody asked for */
		conn_drop(worker, conn, CLOSER_US);
}

/* Encrypted bytes came: of the handshake, of a response, or those that TLS itself sends now and then. */
static void conn_feed_tls(struct worker *worker, struct conn *conn, struct slice bytes, nsec arrived) {
	struct slice plain;
	enum tls_state state = carrier_decrypt(worker, conn, bytes, &plain);
	if (conn->state == CONN_SHAKING) {
		setup_shake(worker, conn, state, arrived);
	} else {
		if (state != TLS_READY) conn->net.peer_closed = true;
		if (carrier_has_pending(conn) && !conn->net.want_write) carrier_push(worker, conn); /* if it fails, the next receive tells */
	}
	if (plain.size > 0 && conn_is_open(conn)) conn_feed(worker, conn, plain, arrived);
	if (state == TLS_READY || !conn_is_open(conn)) return;
	if (conn->state == CONN_BUSY)
		conn_lost(worker, conn, state == TLS_FAILED, arrived);
	else
		conn_drop(worker, conn, CLOSER_PEER);
}

static void conn_on_bytes(struct loop *loop, struct loop_conn *net, struct slice bytes, nsec arrived) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	worker->tally->bytes_received += bytes.size;
	if (conn->tls)
		conn_feed_tls(worker, conn, bytes, arrived);
	else
		conn_feed(worker, conn, bytes, arrived);
}

static void conn_on_sent(struct loop *loop, struct loop_conn *net, nsec now) {
	struct conn *conn = conn_of(net);
	if (conn->state == CONN_BUSY)
		conn_flush(loop->owner, conn, now);
	else if (conn->tls)
		carrier_push(loop->owner, conn); /* if it fails, the next receive tells */
}

static void conn_on_close(struct loop *loop, struct loop_conn *net, bool reset, nsec now) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	if (conn->state == CONN_BUSY)
		conn_lost(worker, conn, reset, now);
	else if (conn->state == CONN_SHAKING)
		setup_shake(worker, conn, tls_carrier_closed(conn->tls), now);
	else
		conn_drop(worker, conn, CLOSER_PEER);
}

const struct loop_events conn_loop_events = {
	.on_open = setup_on_open,
	.on_bytes = conn_on_bytes,
	.on_sent = conn_on_sent,
	.on_close = conn_on_close,
};

static void conn_on_end(void *owner, uint32_t id, const struct http_end *end) {
	struct worker *worker = owner;
	(void)id;
	worker->ended = *end;
	worker->has_ended = true;
}

/* Reads 16 hexadecimal digits; false on anything else. */
static bool conn_read_hex(const char *at, nsec *ret) {
	uint64_t value = 0;
	for (int i = 0; i < 16; i++) {
		char c = at[i];
		bool digit = c >= '0' && c <= '9';
		if (!digit && !(c >= 'a' && c <= 'f')) return false;
		value = value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
	}
	*ret = (nsec)value;
	return true;
}

/* The built-in target says when it read and when it answered a request, and marks those that a stall touched. */
static void conn_on_head(void *owner, uint32_t id, unsigned status, struct slice head) {
	static const char name[] = "\r\nX-Strest: ";
	struct worker *worker = owner;
	nsec read, answered;
	(void)id;
	(void)status;
	const char *found = head.size > 0 ? memmem(head.at, head.size, name, sizeof(name) - 1) : NULL;
	if (!found) return;
	const char *value = found + sizeof(name) - 1;
	if (head.at + head.size - value < 35 || value[34] != '-') return;
	if (conn_read_hex(value, &read) && conn_read_hex(value + 17, &answered)) worker->truth = answered - read;
}

const struct http_events conn_http_events = {.end = conn_on_end};
const struct http_events conn_http_events_truth = {.head = conn_on_head, .end = conn_on_end};

void conn_timer(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
	if (conn->state == CONN_CONNECTING || conn->state == CONN_SHAKING) {
		setup_timer(worker, conn, now);
	} else if (flight->active && now < flight->deadline) {
		conn_arm(worker, conn, flight->deadline);
	} else if (flight->active) {
		struct http_end end = http->cancel(conn_http(conn), 0);
		if (!end.any_byte && flight->on_wire) worker->tally->lost++;
		end.reason = REASON_TIMEOUT_RESPONSE;
		conn_finish(worker, conn, &end, false, now);
	} else if (worker->model->timer) {
		worker->model->timer(worker, conn, now);
	}
}
