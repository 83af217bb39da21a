#include "engine/setup.h"

#include <assert.h>
#include <stdio.h>

#include "engine/carrier.h"
#include "engine/flow.h"
#include "engine/worker.h"
#include "http/proxy.h"
#include "net/sources.h"

/* Returns the peer's next address in turn, passing by those whose last dial failed; they get another chance every second. */
static uint16_t setup_pick_address(struct peer *peer, nsec now) {
	size_t count = peer->addresses.count;
	uint64_t all = count < 64 ? (1ull << count) - 1 : ~0ull;
	if (now >= peer->addresses_again || peer->addresses_down == all) {
		peer->addresses_down = 0;
		peer->addresses_again = now + SEC;
	}
	while (peer->addresses_down >> peer->next_address & 1) peer->next_address = (uint16_t)((peer->next_address + 1) % count);
	uint16_t picked = peer->next_address;
	peer->next_address = (uint16_t)((picked + 1) % count);
	return picked;
}

/* Whether a failure lies with the one address, so that another may do better. What a certificate, the settings or a proxy's word cause is the same on all. */
static bool setup_blames_address(const struct conn *conn, enum reason reason) {
	switch (reason) {
	case REASON_NO_PORT:
	case REASON_NO_DESCRIPTOR:
	case REASON_NO_SOURCE:
	case REASON_DNS:
	case REASON_PROXY_AUTH:
	case REASON_PROXY_REFUSED:
	case REASON_PROXY_MALFORMED: return false;
	default: break;
	}
	if (reason_outcome(reason) != OUTCOME_TLS) return true;
	if (conn->state == CONN_SHAKING && conn->peer->origin->way == WAY_TUNNEL) return false;
	return reason == REASON_TLS_CLOSED || reason == REASON_TLS_BROKEN || reason == REASON_TLS_NOT_TLS;
}

/* A dial or what followed it failed; its state says where. Returns whether another address should be tried. */
static bool setup_count_failure(struct worker *worker, struct conn *conn, enum reason reason) {
	struct peer *peer = conn->peer;
	worker->tally->connect_failed++;
	worker->failed_dials[reason]++;
	if (conn->state == CONN_SHAKING || conn->state == CONN_SHAKING_PROXY) worker->tally->handshakes_failed++;
	if (!setup_blames_address(conn, reason)) return false;
	peer->addresses_down |= 1ull << conn->address;
	conn->tried++;
	return reason != REASON_TIMEOUT_CONNECT && conn->tried < peer->addresses.count;
}

/* When the set-up has taken too long. */
static nsec setup_limit(const struct worker *worker, const struct conn *conn) {
	return conn->dialled + worker->plan->connect_timeout;
}

/* Returns where a request notes the time of a part of its set-up. */
static nsec *setup_part(struct flight *flight, enum part part) {
	return part == PART_DNS ? &flight->dns : part == PART_TLS ? &flight->tls : &flight->connect;
}

/* The present phase of the set-up lasts until `now`: the time of it, from the last ready of a request that waits on, belongs to the part that the phase is. */
static void setup_count(const struct conn *conn, struct flight *flight, nsec now) {
	nsec ready = flight->again ? flight->again : flight->ready;
	nsec since = conn->phase_since > ready ? conn->phase_since : ready;
	if (now > since) *setup_part(flight, conn->phase) += now - since;
}

/* One phase of the set-up ends at `now` and another begins. */
static void setup_enter(struct conn *conn, enum conn_state state, enum part part, nsec now) {
	if (conn_is_in_setup(conn))
		for (struct task *task = conn->waiting.first; task; task = task->next) setup_count(conn, &task->flight, now);
	conn->state = (uint8_t)state;
	conn->phase = (uint8_t)part;
	conn->phase_since = now;
}

static enum reason setup_dial(struct worker *worker, struct conn *conn) {
	const struct address *to = &conn->peer->addresses.at[conn->address];
	const struct sources *sources = worker->shared->sources;
	struct address from;
	bool bound = sources && sources_pick(sources, to, worker->source_turn, &from);
	if (sources && !bound) return REASON_NO_SOURCE; /* no local address of this family */
	worker->source_turn += worker->plan->threads;
	/* Over TLS, and with a request that waits, bytes follow at once. */
	struct dial dial = {.to = to, .from = bound ? &from : NULL, .eager = conn->waiting.first || conn->peer->tls || conn->peer->outer};
	return worker->loop->ops->dial(worker->loop, &conn->net, &dial);
}

/* Dials the addresses in turn until one begins to connect. */
static void setup_try_addresses(struct worker *worker, struct conn *conn, nsec now) {
	for (;;) {
		conn->address = setup_pick_address(conn->peer, now);
		setup_enter(conn, CONN_CONNECTING, PART_CONNECT, now);
		enum reason reason = setup_dial(worker, conn);
		if (reason == REASON_NO_DESCRIPTOR && pool_spare(worker)) reason = setup_dial(worker, conn);
		if (reason == REASON_NONE) break;
		if (setup_count_failure(worker, conn, reason)) continue;
		setup_enter(conn, CONN_DOWN, PART_CONNECT, now);
		conn_setup_failed(worker, conn, reason, now);
		return;
	}
	conn_arm(worker, conn, setup_limit(worker, conn));
	pool_put(worker, conn); /* others may wait for it, too */
}

void setup_abandon(struct worker *worker, struct conn *conn, nsec now) {
	carrier_close(worker, conn, false);
	worker->loop->ops->close(worker->loop, &conn->net);
	setup_enter(conn, CONN_DOWN, conn->phase, now);
}

/* This address did not do. */
static void setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	bool more = setup_count_failure(worker, conn, reason);
	setup_abandon(worker, conn, now);
	if (more)
		setup_try_addresses(worker, conn, now);
	else
		conn_setup_failed(worker, conn, reason, now);
}

void setup_looked_up(struct worker *worker, struct conn *conn, nsec now) {
	if (conn->peer->addresses.count > 0)
		setup_try_addresses(worker, conn, now);
	else
		setup_failed(worker, conn, REASON_DNS, now);
}

void setup_begin(struct worker *worker, struct conn *conn, nsec now) {
	assert(conn->state == CONN_DOWN);
	conn->dialled = now;
	conn->tried = 0;
	if (conn->peer->addresses.count > 0) {
		setup_try_addresses(worker, conn, now);
		return;
	}
	setup_enter(conn, CONN_LOOKING, PART_DNS, now);
	conn_arm(worker, conn, setup_limit(worker, conn));
	pool_put(worker, conn);
	if (!peers_look_up(worker, conn->peer, now)) setup_looked_up(worker, conn, now);
}

/* It speaks HTTP/2 or HTTP/1.1. */
static void setup_complete(struct worker *worker, struct conn *conn, bool h2, nsec now) {
	conn->peer->addresses_down &= ~(1ull << conn->address);
	conn->http = h2 ? &h2_ops : &h1_ops;
	pool_unlist(conn);
	setup_enter(conn, CONN_OPEN, conn->phase, now);
	conn_opened(worker, conn, now);
}

/* The same without TLS to the one that gets the requests. */
static void setup_complete_plain(struct worker *worker, struct conn *conn, nsec now) {
	for (struct task *task = conn->waiting.first; task; task = task->next) task->backoff = 0;
	setup_complete(worker, conn, conn->peer->h2 != NULL, now);
}

static void setup_begin_handshake(struct worker *worker, struct conn *conn, nsec now) {
	struct peer *peer = conn->peer;
	bool tunnels = peer->origin->way == WAY_TUNNEL;
	setup_enter(conn, CONN_SHAKING, PART_TLS, now);
	if (!peer->tls) { /* OpenSSL has refused the settings */
		setup_failed(worker, conn, REASON_TLS_VERSION, now);
		return;
	}
	conn->tls = tls_connect(peer->tls, tunnels ? 0 : conn->address);
	setup_shake(worker, conn, tls_state(conn->tls), now);
}

static void setup_begin_tunnel(struct worker *worker, struct conn *conn, nsec now) {
	setup_enter(conn, CONN_ASKING, PART_CONNECT, now);
	conn->asked = 0;
	proxy_begin(conn_http(conn));
	setup_ask(worker, conn, now);
}

void setup_dialled(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	const struct origin *origin = conn->peer->origin;
	if (reason == REASON_NONE) worker_trace_bytes(worker, TRACE_OPENED, slice_of(conn->peer->addresses.at[conn->address].text), now);
	if (reason != REASON_NONE) {
		setup_failed(worker, conn, reason, now);
	} else if (origin->way == WAY_TUNNEL && origin->proxy_host) {
		setup_enter(conn, CONN_SHAKING_PROXY, PART_TLS, now);
		conn->outer = tls_connect(conn->peer->outer, conn->address);
		setup_shake(worker, conn, tls_state(conn->outer), now);
	} else if (origin->way == WAY_TUNNEL) {
		setup_begin_tunnel(worker, conn, now);
	} else if (origin->way == WAY_FORWARD ? origin->proxy_host != NULL : origin->tls) {
		setup_begin_handshake(worker, conn, now);
	} else {
		setup_complete_plain(worker, conn, now);
	}
}

void setup_ask(struct worker *worker, struct conn *conn, nsec now) {
	struct slice connect = conn->peer->origin->connect;
	if (conn->outer && carrier_push(worker, conn) == CARRIER_BROKEN) {
		setup_failed(worker, conn, REASON_PROXY_CLOSED, now);
		return;
	}
	while (conn->asked < connect.size) {
		struct iovec iov = {(char *)(uintptr_t)connect.at + conn->asked, connect.size - conn->asked};
		ssize_t size = conn->outer ? (ssize_t)tls_write(conn->outer, &iov, 1) : worker->loop->ops->send(worker->loop, &conn->net, &iov, 1);
		if (!conn->outer && size > 0) worker->tally->bytes_sent += (uint64_t)size;
		if (conn->outer && carrier_push(worker, conn) == CARRIER_BROKEN) size = -1;
		if (size < 0) {
			setup_failed(worker, conn, REASON_PROXY_CLOSED, now);
			return;
		}
		worker_trace_bytes(worker, TRACE_PROXY_SENT, (struct slice){iov.iov_base, (size_t)size}, now);
		conn->asked += (uint32_t)size;
		if (size == 0 || conn->net.want_write) return; /* the loop's on_sent follows */
	}
}

struct slice setup_answer(struct worker *worker, struct conn *conn, struct slice bytes, nsec now) {
	struct proxy *proxy = conn_http(conn);
	size_t used = 0;
	enum proxy_state state = proxy_feed(proxy, bytes, &used);
	worker_trace_bytes(worker, TRACE_PROXY_RECEIVED, (struct slice){bytes.at, used}, now);
	switch (state) {
	case PROXY_WAITS: break;
	case PROXY_FAILED: setup_failed(worker, conn, proxy_reason(proxy), now); break;
	case PROXY_OPEN:
		if (conn->peer->origin->tls)
			setup_begin_handshake(worker, conn, now);
		else
			setup_complete_plain(worker, conn, now);
		return (struct slice){bytes.at + used, bytes.size - used};
	}
	return (struct slice){0};
}

void setup_closed(struct worker *worker, struct conn *conn, nsec now) {
	switch (conn->state) {
	case CONN_SHAKING: setup_shake(worker, conn, tls_carrier_closed(conn->tls), now); break;
	case CONN_SHAKING_PROXY: setup_shake(worker, conn, tls_carrier_closed(conn->outer), now); break;
	default: setup_failed(worker, conn, REASON_PROXY_CLOSED, now); break;
	}
}

static void setup_show_handshake(const struct worker *worker, const struct tls_facts *facts, nsec now) {
	char text[128];
	if (!worker->trace) return;
	int size = snprintf(text, sizeof(text), "%s, %s%s", facts->version, facts->cipher, facts->resumed ? ", resumed" : "");
	worker_trace_bytes(worker, TRACE_SHAKEN, (struct slice){text, (size_t)size}, now);
}

/* The handshake with the one that gets the requests is done. */
static void setup_complete_handshake(struct worker *worker, struct conn *conn, nsec now) {
	struct tls_facts facts;
	tls_describe(conn->tls, &facts);
	bool h2 = slice_equal(facts.alpn, SLICE("h2")) && conn->peer->h2;
	if (!h2 && conn->peer->h2 && worker->plan->protocols.tls == TLS_HTTP_2) { /* no answer to ALPN: it is HTTP/1.1 */
		setup_failed(worker, conn, REASON_TLS_ALPN, now);
		return;
	}
	if (facts.resumed)
		worker->tally->handshakes_resumed++;
	else
		worker->tally->handshakes_full++;
	if (worker_in_window(worker, now)) worker->tally->shaken_in_window++;
	setup_show_handshake(worker, &facts, now);
	if (!worker->tls_version) {
		worker->tls_version = facts.version;
		worker->tls_cipher = facts.cipher;
	}
	if (!conn->waiting.first && !h2)
		carrier_push(worker, conn); /* else our last bytes go out with the request; if it fails, the next receive tells */
	setup_complete(worker, conn, h2, now);
}

void setup_shake(struct worker *worker, struct conn *conn, enum tls_state state, nsec now) {
	struct tls *tls = conn->state == CONN_SHAKING ? conn->tls : conn->outer;
	if (state == TLS_READY) {
		if (conn->state == CONN_SHAKING)
			setup_complete_handshake(worker, conn, now);
		else
			setup_begin_tunnel(worker, conn, now);
		return;
	}
	enum carrier_sent sent = carrier_push(worker, conn); /* a failed handshake has an alert to send */
	if (state == TLS_SHAKING && sent != CARRIER_BROKEN) return;
	if (state == TLS_SHAKING) tls_carrier_closed(tls);
	setup_failed(worker, conn, tls_state(tls) == TLS_FAILED ? tls_reason(tls) : REASON_TLS_CLOSED, now);
}

void setup_give_up(struct worker *worker, struct conn *conn, struct task *task, nsec now) {
	if (task->before || task->next) { /* others have more time */
		setup_count(conn, &task->flight, now);
		task_remove(&conn->waiting, task);
		task->address = (uint16_t)conn_address_row(conn);
		pool_detach(worker, conn);
		flow_not_opened(worker, (struct task_list){task, task}, REASON_TIMEOUT_CONNECT, now);
	} else {
		setup_failed(worker, conn, REASON_TIMEOUT_CONNECT, now);
	}
}

void setup_timer(struct worker *worker, struct conn *conn, nsec now) {
	nsec limit = setup_limit(worker, conn);
	if (now >= limit)
		setup_failed(worker, conn, REASON_TIMEOUT_CONNECT, clock_now()); /* it may have come on since `now` was read */
	else
		conn_arm(worker, conn, limit);
}
