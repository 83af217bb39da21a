#include "engine/carrier.h"

#include <assert.h>

#include "engine/worker.h"

/* Puts what the inner TLS has to send into the outer one, as far as that takes it. */
static void carrier_wrap(struct conn *conn) {
	struct slice waiting;
	while (conn->tls && tls_state(conn->outer) == TLS_READY && (waiting = tls_pending(conn->tls)).size > 0) {
		struct iovec iov = {(char *)(uintptr_t)waiting.at, waiting.size};
		size_t taken = tls_write(conn->outer, &iov, 1);
		if (taken == 0) return;
		tls_drained(conn->tls, taken);
	}
}

enum carrier_sent carrier_push(struct worker *worker, struct conn *conn) {
	struct tls *lower = conn->outer ? conn->outer : conn->tls;
	struct slice waiting;
	for (;;) {
		if (conn->outer) carrier_wrap(conn);
		waiting = tls_pending(lower);
		if (waiting.size == 0) return carrier_has_pending(conn) ? CARRIER_BROKEN : CARRIER_ALL; /* the outer TLS takes no more */
		struct iovec iov = {(char *)(uintptr_t)waiting.at, waiting.size};
		ssize_t size = worker->loop->ops->send(worker->loop, &conn->net, &iov, 1);
		if (size < 0) return CARRIER_BROKEN;
		worker->tally->bytes_sent += (uint64_t)size;
		tls_drained(lower, (size_t)size);
		if (conn->net.want_write) return CARRIER_SHORT;
	}
}

enum carrier_sent carrier_send(struct worker *worker, struct conn *conn, nsec *now) {
	const struct http_ops *http = conn->http;
	struct tls *upper = conn->tls ? conn->tls : conn->outer;
	for (unsigned rounds = 0;; rounds++) {
		struct iovec iov[4];
		int pieces = conn->encrypted > 0 ? 0 : http->drain(conn_http(conn), iov, 4);
		if (pieces > 0) {
			conn->encrypted = (uint32_t)tls_write(upper, iov, pieces);
			if (!http->is_batched) worker_trace(worker, iov, conn->encrypted, *now);
		}
		if (!carrier_has_pending(conn)) return pieces > 0 ? CARRIER_BROKEN : CARRIER_ALL;
		enum carrier_sent sent = carrier_push(worker, conn);
		if (sent != CARRIER_ALL) return sent;
		if (rounds > 0) *now = clock_now();
		if (conn->encrypted > 0) http->drained(conn_http(conn), conn->encrypted, *now);
		conn->encrypted = 0;
	}
}

/* Reads all plain bytes of what came into `room`. */
static enum tls_state carrier_read(struct tls *tls, struct slice bytes, char *room, struct slice *ret) {
	enum tls_state state = tls_feed(tls, bytes);
	size_t size = 0, more;
	*ret = (struct slice){room, 0};
	if (state == TLS_SHAKING || state == TLS_FAILED) return state;
	while ((more = tls_read(tls, room + size, CARRIER_PLAIN_BYTES - size)) > 0) size += more;
	assert(size < CARRIER_PLAIN_BYTES);
	ret->size = size;
	return tls_state(tls);
}

enum tls_state carrier_decrypt(struct worker *worker, struct conn *conn, struct slice bytes, struct slice *ret) {
	return carrier_read(conn->tls, bytes, worker->plain, ret);
}

enum tls_state carrier_unwrap(struct worker *worker, struct conn *conn, struct slice bytes, struct slice *ret) {
	return carrier_read(conn->outer, bytes, worker->unwrapped, ret);
}

bool carrier_has_pending(const struct conn *conn) {
	return (conn->tls && tls_pending(conn->tls).size > 0) || (conn->outer && tls_pending(conn->outer).size > 0);
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
	if (!conn->tls && !conn->outer) return;
	if (notify && !conn->net.peer_closed && !conn->net.want_write && !carrier_has_pending(conn)) {
		if (conn->tls) tls_close_notify(conn->tls);
		if (conn->outer) {
			carrier_wrap(conn);
			tls_close_notify(conn->outer);
		}
		carrier_push(worker, conn);
	}
	tls_free(conn->tls);
	tls_free(conn->outer);
	conn->tls = conn->outer = NULL;
}
