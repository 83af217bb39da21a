#include "target/wire.h"

#include <errno.h>
#include <sys/socket.h>

bool wire_flush(struct peer *peer, int flags) {
	struct slice waiting;
	while ((waiting = tls_pending(peer->tls)).size > 0) {
		ssize_t n = send(peer->fd, waiting.at, waiting.size, MSG_NOSIGNAL | flags);
		if (n < 0) return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
		record_count(&peer->server->record->bytes_out, (uint64_t)n);
		tls_drained(peer->tls, (size_t)n);
	}
	return true;
}

ssize_t wire_send(struct peer *peer, struct slice bytes, int flags) {
	struct iovec iov = {(char *)(uintptr_t)bytes.at, bytes.size};
	size_t taken = tls_write(peer->tls, &iov, 1);
	if (taken == 0 && !wire_waits(peer)) return -1; /* TLS itself is over */
	return wire_flush(peer, flags) ? (ssize_t)taken : -1;
}

void wire_end(struct peer *peer) {
	tls_close_notify(peer->tls);
	wire_flush(peer, 0);
}
