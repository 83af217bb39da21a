#include "engine/setup.h"

#include "engine/carrier.h"
#include "engine/worker.h"

/* Returns the next address in turn, passing by those whose last dial failed; they get another chance every second. */
static uint16_t setup_pick_address(struct worker *worker, nsec now) {
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

/* Whether a failure lies with the one address, so that another may do better. What a certificate or the settings cause is the same on all. */
static bool setup_blames_address(enum reason reason) {
	if (reason == REASON_NO_PORT || reason == REASON_NO_DESCRIPTOR) return false;
	if (reason_outcome(reason) != OUTCOME_TLS) return true;
	return reason == REASON_TLS_CLOSED || reason == REASON_TLS_BROKEN || reason == REASON_TLS_NOT_TLS;
}

/* A dial or its handshake failed. Returns whether another address should be tried. */
static bool setup_count_failure(struct worker *worker, struct conn *conn, enum reason reason) {
	worker->tally->connect_failed++;
	worker->failed_dials[reason]++;
	if (conn->shaking > 0) worker->tally->handshakes_failed++;
	if (!setup_blames_address(reason)) return false;
	worker->addresses_down |= 1ull << conn->address;
	conn->tried++;
	return reason != REASON_TIMEOUT_CONNECT && conn->tried < worker->shared->addresses->count;
}

/* When the set-up has taken too long, for itself or for its request. */
static nsec setup_limit(const struct worker *worker, const struct conn *conn) {
	nsec limit = conn->dialled + worker->plan->connect_timeout;
	return conn->flight.active && conn->flight.deadline < limit ? conn->flight.deadline : limit;
}

/* Dials the addresses in turn until one begins to connect. */
static void setup_try_addresses(struct worker *worker, struct conn *conn, nsec now) {
	conn->shaking = conn->flight.connect = conn->flight.tls = 0;
	for (;;) {
		conn->address = setup_pick_address(worker, now);
		enum reason reason = worker->loop->ops->dial(worker->loop, &conn->net, &worker->shared->addresses->at[conn->address]);
		if (reason == REASON_NONE) break;
		if (setup_count_failure(worker, conn, reason)) continue;
		conn_setup_failed(worker, conn, reason, now);
		return;
	}
	conn->state = CONN_CONNECTING;
	conn_arm(worker, conn, setup_limit(worker, conn));
}

void setup_begin(struct worker *worker, struct conn *conn, nsec now) {
	conn->dialled = now;
	conn->tried = 0;
	setup_try_addresses(worker, conn, now);
}

void setup_abandon(struct worker *worker, struct conn *conn) {
	if (conn->tls) carrier_close(worker, conn, false);
	worker->loop->ops->close(worker->loop, &conn->net);
	conn->state = CONN_DOWN;
}

/* This address did not do. */
static void setup_failed(struct worker *worker, struct conn *conn, enum reason reason, nsec now) {
	setup_abandon(worker, conn);
	if (setup_count_failure(worker, conn, reason))
		setup_try_addresses(worker, conn, now);
	else
		conn_setup_failed(worker, conn, reason, now);
}

/* The time since `since` that falls on the request: from its last ready on. */
static nsec setup_part(const struct flight *flight, nsec since, nsec now) {
	nsec ready = flight->again ? flight->again : flight->ready;
	return now - (since > ready ? since : ready);
}

static void setup_complete(struct worker *worker, struct conn *conn, nsec now) {
	worker->addresses_down &= ~(1ull << conn->address);
	conn_opened(worker, conn, now);
}

static void setup_begin_handshake(struct worker *worker, struct conn *conn, nsec now) {
	conn->state = CONN_SHAKING;
	conn->shaking = now;
	conn->tls = tls_connect(worker->tls, conn->address);
	setup_shake(worker, conn, tls_state(conn->tls), now);
}

void setup_on_open(struct loop *loop, struct loop_conn *net, enum reason reason, nsec now) {
	struct worker *worker = loop->owner;
	struct conn *conn = (struct conn *)(void *)net;
	if (reason != REASON_NONE) {
		setup_failed(worker, conn, reason, now);
		return;
	}
	if (conn->flight.active) conn->flight.connect = setup_part(&conn->flight, conn->dialled, now);
	if (worker->tls) {
		setup_begin_handshake(worker, conn, now);
	} else {
		conn->backoff = 0;
		setup_complete(worker, conn, now);
	}
}

/* The handshake is done. */
static void setup_complete_handshake(struct worker *worker, struct conn *conn, nsec now) {
	struct tls_facts facts;
	tls_describe(conn->tls, &facts);
	if (facts.resumed)
		worker->tally->handshakes_resumed++;
	else
		worker->tally->handshakes_full++;
	if (!worker->tls_version) {
		worker->tls_version = facts.version;
		worker->tls_cipher = facts.cipher;
	}
	if (conn->flight.active)
		conn->flight.tls = setup_part(&conn->flight, conn->shaking, now); /* our last bytes go out with the request */
	else
		carrier_push(worker, conn); /* if it fails, the next receive tells */
	setup_complete(worker, conn, now);
}

void setup_shake(struct worker *worker, struct conn *conn, enum tls_state state, nsec now) {
	if (state == TLS_READY) {
		setup_complete_handshake(worker, conn, now);
		return;
	}
	enum carrier_sent sent = carrier_push(worker, conn); /* a failed handshake has an alert to send */
	if (state == TLS_SHAKING && sent != CARRIER_BROKEN) return;
	if (state == TLS_SHAKING) tls_carrier_closed(conn->tls);
	setup_failed(worker, conn, tls_state(conn->tls) == TLS_FAILED ? tls_reason(conn->tls) : REASON_TLS_CLOSED, now);
}

void setup_timer(struct worker *worker, struct conn *conn, nsec now) {
	if (now >= setup_limit(worker, conn))
		setup_failed(worker, conn, REASON_TIMEOUT_CONNECT, now);
	else
		conn_arm(worker, conn, setup_limit(worker, conn));
}
