#include "engine/conn.h"

#include <assert.h>
#include <string.h>

#include "engine/worker.h"

#define BACKOFF_MAX 7 /* failed set-ups in a row are counted up to here */

static const struct http_ops *const http = &h1_ops;

static struct conn *conn_of(struct loop_conn *net) {
	return (struct conn *)(void *)net;
}

void conn_arm(struct worker *worker, struct conn *conn, nsec at) {
	if (conn->timer.place == 0 || conn->timer.at > at) timers_arm(&worker->timers, &conn->timer, at);
}

void conn_close(struct worker *worker, struct conn *conn, enum closer closer) {
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
		if (keep)
			conn->state = CONN_IDLE;
		else
			conn_close(worker, conn, conn_closer(end->reason));
	}
	conn->flight.active = false;
	worker->active--;
	worker->model->freed(worker, conn, now);
}

/* A connection could not be set up. */
static void conn_setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	conn->state = CONN_DOWN;
	if (conn->backoff < BACKOFF_MAX) conn->backoff++;
	if (conn->flight.active)
		conn_finish(worker, conn, &(struct http_end){.reason = reason}, false, now);
	else
		worker->model->freed(worker, conn, now);
}

/* Returns the next address in turn, passing by those whose last dial failed; they get another chance every second. */
static uint16_t conn_pick_address(struct worker *worker, nsec now) {
	size_t count = worker->shared->addresses->count;
	uint64_t all = count < 64 ? (1ull << count) - 1 : ~0ull;
	if (now >= worker->addresses_again || worker->addresses_down == all) {
		worker->addresses_down = 0;
		worker->addresses_again = now + SEC;
	}
	while (worker->addresses_down >> worker->next_address & 1) worker->next_address = (uint16_t)((worker->next_address + 1) % count);
	uint16_t picked = worker->next_address;
	worker->next_address = (uint16_t)((picked + 1) % count);
	return picked;
}

/* A dial failed. Returns whether another address should be tried. */
static bool conn_count_failed_dial(struct worker *worker, struct conn *conn, enum reason reason) {
	worker->tally->connect_failed++;
	worker->failed_dials[reason]++;
	if (reason == REASON_NO_PORT || reason == REASON_NO_DESCRIPTOR) return false;
	worker->addresses_down |= 1ull << conn->address;
	conn->tried++;
	return reason != REASON_TIMEOUT_CONNECT && conn->tried < worker->shared->addresses->count;
}

/* Dials the addresses in turn until one begins to connect. */
static void conn_try_addresses(struct worker *worker, struct conn *conn, nsec now) {
	for (;;) {
		conn->address = conn_pick_address(worker, now);
		enum reason reason = worker->loop->ops->dial(worker->loop, &conn->net, &worker->shared->addresses->at[conn->address]);
		if (reason == REASON_NONE) break;
		if (conn_count_failed_dial(worker, conn, reason)) continue;
		conn_setup_failed(worker, conn, reason, now);
		return;
	}
	conn->state = CONN_CONNECTING;
	nsec at = conn->dialled + worker->plan->connect_timeout;
	conn_arm(worker, conn, conn->flight.active && conn->flight.deadline < at ? conn->flight.deadline : at);
}

static void conn_dial(struct worker *worker, struct conn *conn, nsec now) {
	conn->dialled = now;
	conn->tried = 0;
	conn_try_addresses(worker, conn, now);
}

static void conn_dial_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	if (conn_count_failed_dial(worker, conn, reason))
		conn_try_addresses(worker, conn, now);
	else
		conn_setup_failed(worker, conn, reason, now);
}

/* The first byte of an attempt went to the kernel. */
static void conn_count_attempt(struct worker *worker, struct flight *flight) {
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

/* Sends what the protocol has to send. */
static void conn_flush(struct worker *worker, struct conn *conn, nsec now) {
	struct iovec iov[4];
	int pieces;
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

static void conn_send(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
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
		conn_dial(worker, conn, now);
}

void conn_preconnect(struct worker *worker, struct conn *conn, nsec now) {
	conn_dial(worker, conn, now);
}

/* A request that died with a reused connection before any byte of an answer goes out once more on a new one. */
static void conn_retry(struct worker *worker, struct conn *conn, nsec now) {
	struct flight *flight = &conn->flight;
	conn_close(worker, conn, CLOSER_PEER);
	flight->again = now;
	flight->sent = flight->written = 0;
	conn_dial(worker, conn, now);
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
	conn_finish(worker, conn, end, keep && end->reusable && !conn->net.peer_closed, now);
}

/* The connection is gone under a request. */
static void conn_lost(struct worker *worker, struct conn *conn, bool reset, nsec now) {
	worker->has_ended = false;
	worker->truth = -1;
	http->finish(conn_http(conn), reset, now);
	assert(worker->has_ended);
	conn_ended(worker, conn, false, now);
}

static void conn_on_open(struct loop *loop, struct loop_conn *net, enum reason reason, nsec now) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	struct flight *flight = &conn->flight;
	if (reason != REASON_NONE) {
		conn_dial_failed(worker, conn, reason, now);
		return;
	}
	conn->state = CONN_IDLE;
	conn->backoff = 0;
	conn->served = 0;
	worker->addresses_down &= ~(1ull << conn->address);
	worker->tally->opened++;
	worker->tally->cells[worker->plan->groups.first_address + conn->address].opened++;
	http->start(conn_http(conn), worker->http, worker);
	if (!flight->active) {
		worker->model->freed(worker, conn, now);
		return;
	}
	nsec ready = flight->again ? flight->again : flight->ready;
	flight->connect += now - (conn->dialled > ready ? conn->dialled : ready);
	conn_send(worker, conn, now);
}

static void conn_on_bytes(struct loop *loop, struct loop_conn *net, struct slice bytes, nsec arrived) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	worker->tally->bytes_received += bytes.size;
	worker->has_ended = false;
	worker->truth = -1;
	bool keep = http->feed(conn_http(conn), bytes, arrived);
	if (worker->has_ended) {
		conn_ended(worker, conn, keep, arrived);
	} else if (!keep) { /* bytes that nobody asked for */
		assert(conn->state == CONN_IDLE);
		conn_close(worker, conn, CLOSER_US);
		if (worker->model->dropped) worker->model->dropped(worker, conn);
	}
}

static void conn_on_sent(struct loop *loop, struct loop_conn *net, nsec now) {
	struct conn *conn = conn_of(net);
	if (conn->state == CONN_BUSY) conn_flush(loop->owner, conn, now);
}

static void conn_on_close(struct loop *loop, struct loop_conn *net, bool reset, nsec now) {
	struct worker *worker = loop->owner;
	struct conn *conn = conn_of(net);
	if (conn->state == CONN_BUSY) {
		conn_lost(worker, conn, reset, now);
		return;
	}
	conn_close(worker, conn, CLOSER_PEER);
	if (worker->model->dropped) worker->model->dropped(worker, conn);
}

const struct loop_events conn_loop_events = {
	.on_open = conn_on_open,
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

/* The time of a request is up. */
static void conn_expire(struct worker *worker, struct conn *conn, nsec now) {
	if (conn->state == CONN_CONNECTING) {
		worker->loop->ops->close(worker->loop, &conn->net);
		conn_count_failed_dial(worker, conn, REASON_TIMEOUT_CONNECT);
		conn_setup_failed(worker, conn, REASON_TIMEOUT_CONNECT, now);
		return;
	}
	struct http_end end = http->cancel(conn_http(conn), 0);
	if (!end.any_byte && conn->flight.on_wire) worker->tally->lost++;
	end.reason = REASON_TIMEOUT_RESPONSE;
	conn_finish(worker, conn, &end, false, now);
}

void conn_timer(struct worker *worker, struct conn *conn, nsec now) {
	bool active = conn->flight.active;
	if (active && now >= conn->flight.deadline) {
		conn_expire(worker, conn, now);
	} else if (conn->state == CONN_CONNECTING) {
		nsec limit = conn->dialled + worker->plan->connect_timeout;
		if (now >= limit) {
			worker->loop->ops->close(worker->loop, &conn->net);
			conn_dial_failed(worker, conn, REASON_TIMEOUT_CONNECT, now);
		} else {
			conn_arm(worker, conn, active && conn->flight.deadline < limit ? conn->flight.deadline : limit);
		}
	} else if (active) {
		conn_arm(worker, conn, conn->flight.deadline);
	} else if (worker->model->timer) {
		worker->model->timer(worker, conn, now);
	}
}
