/* How a connection comes to be open: the addresses in turn, the TCP connect, the TLS handshake.
 * In: the wish for a connection, events of the loop. Out: conn_opened or conn_setup_failed. The worker's thread. */
#pragma once

#include "engine/conn.h"
#include "net/tls.h"

/* Begins to set up a connection that is down, for the request in its flight (active) or in advance. */
void setup_begin(struct worker *worker, struct conn *conn, nsec now);

/* The dial ended: struct loop_events. */
void setup_on_open(struct loop *loop, struct loop_conn *net, enum reason reason, nsec now);

/* The handshake has come to `state`, by bytes of the peer or by its close. */
void setup_shake(struct worker *worker, struct conn *conn, enum tls_state state, nsec now);

/* Its timer went off while it is being set up: the time-out of connect and handshake, or of its request, may have passed. */
void setup_timer(struct worker *worker, struct conn *conn, nsec now);

/* Closes what is open of a connection that is being set up. Its request, if it has one, is the caller's matter. */
void setup_abandon(struct worker *worker, struct conn *conn);
