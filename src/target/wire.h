/* TLS between a connection of the target and its socket. Connections without it never come here.
 * In: plain bytes of answers, what the socket received. Out: encrypted bytes, sent without waiting. A connection's thread. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "net/tls.h"
#include "target/peer.h"

/* Returns whether encrypted bytes wait for room in the socket. */
static inline bool wire_waits(const struct peer *peer) {
	return peer->tls && tls_pending(peer->tls).size > 0;
}

/* Encrypts and sends; returns the plain bytes that were taken (0: no room), of which some may still wait, or -1 if the connection is dead. */
ssize_t wire_send(struct peer *peer, struct slice bytes, int flags);

/* Sends what waits, as far as there is room. False: the connection is dead. */
bool wire_flush(struct peer *peer, int flags);

/* Says that it is the end (close_notify), if there is room. */
void wire_end(struct peer *peer);
