#include "engine/carrier.h"

#include <assert.h>

#include "engine/worker.h"

static const struct http_ops *const http = &h1_ops;

enum carrier_sent carrier_push(struct worker *worker, struct conn *conn) {
	struct slice waiting;
	while ((waiting = tls_pending(conn->tls)).size > 0) {
		struct iovec iov = {(char *)(uintptr_t)waiting.at, waiting.size};
		ssize_t size = worker->loop->ops->send(worker->loop, &conn->net, &iov, 1);
		if (size < 0) return CARRIER_BROKEN;
		if (size > 0 && conn->state == CONN_BUSY && !conn->flight.on_wire) conn_count_attempt(worker, &conn->flight);
		worker->tally->bytes_sent += (uint64_t)size;
		tls_drained(conn->tls, (size_t)size);
		if (conn->net.want_write) return CARRIER_SHORT;
	}
	return CARRIER_ALL;
}

enum carrier_sent carrier_send(struct worker *worker, struct conn *conn, nsec *now) {
	for (unsigned rounds = 0;; rounds++) {
		struct iovec iov[4];
		int pieces = http->drain(conn_http(conn), iov, 4);
		if (pieces == 0 && !carrier_has_pending(conn)) {
			if (rounds > 1) *now = clock_now();
			return CARRIER_ALL;
		}
		size_t taken = pieces > 0 ? tls_write(conn->tls, iov, pieces) : 0;
		if (taken > 0)
			http->drained(conn_http(conn), taken);
		else if (!carrier_has_pending(conn))
			return CARRIER_BROKEN;
		enum carrier_sent sent = carrier_push(worker, conn);
		if (sent != CARRIER_ALL) return sent;
	}
}

enum tls_state carrier_decrypt(struct worker *worker, struct conn *conn, struct slice bytes, struct slice *ret) {
	enum tls_state state = tls_feed(conn->tls, bytes);
	size_t size = 0, more;
	*ret = (struct slice){worker->plain, 0};
	if (conn->state == CONN_SHAKING && (state == TLS_SHAKING || state == TLS_FAILED)) return state;
	while ((more = tls_read(conn->tls, worker->plain + size, CARRIER_PLAIN_BYTES - size)) > 0) size += more;
	assert(size < CARRIER_PLAIN_BYTES);
	ret->size = size;
	if (size > 0) {
		conn->backoff = 0; /* only now: with TLS 1.3 the server may still refuse after our side of the handshake is done */
		if (!atomic_load_explicit(&worker->answered, memory_order_relaxed))
			atomic_store_explicit(&worker->answered, true, memory_order_relaxed);
	}
	return tls_state(conn->tls);
}

bool carrier_has_pending(const struct conn *conn) {
	return tls_pending(conn->tls).size > 0;
}

enum reason carrier_end_reason(const struct conn *conn, enum reason reason) {
	switch (tls_state(conn->tls)) {
	case TLS_FAILED: return tls_reason(conn->tls);
	case TLS_READY:
	case TLS_SHAKING: return reason == REASON_NONE ? REASON_CUT : reason;
	case TLS_CLOSED: break;
	}
	return reason;
}

void carrier_close(struct worker *worker, struct conn *conn, bool notify) {
	if (notify && !conn->net.peer_closed && !conn->net.want_write && !carrier_has_pending(conn)) {
		tls_close_notify(conn->tls);
		carrier_push(worker, conn);
	}
	tls_free(conn->tls);
	conn->tls = NULL;
}
