/* How a connection comes to be open: the name looked up, the addresses in turn, the TCP connect, a proxy's TLS and CONNECT, the target's TLS.
 * In: the wish for a connection, events of the loop. Out: conn_opened or conn_setup_failed. The worker's thread. */
#pragma once

#include "engine/conn.h"
#include "net/tls.h"

/* Begins to set up a connection that is down, with its peer, for the requests in conn->waiting or in advance. */
void setup_begin(struct worker *worker, struct conn *conn, nsec now);

/* The look-up that it waits for has ended: its peer has addresses, or none. */
void setup_looked_up(struct worker *worker, struct conn *conn, nsec now);

/* The dial ended: REASON_NONE, or why it failed. */
void setup_dialled(struct worker *worker, struct conn *conn, enum reason reason, nsec now);

/* The TLS handshake that goes on, with the target or its proxy, has come to `state`, by bytes of the peer or by its close. */
void setup_shake(struct worker *worker, struct conn *conn, enum tls_state state, nsec now);

/* The carrier takes more of CONNECT. */
void setup_ask(struct worker *worker, struct conn *conn, nsec now);

/* Bytes of the answer to CONNECT came. Returns those behind it, which belong to the tunnel's TLS; none unless that has begun. */
struct slice setup_answer(struct worker *worker, struct conn *conn, struct slice bytes, nsec now);

/* The peer closed the connection while it was being set up. */
void setup_closed(struct worker *worker, struct conn *conn, nsec now);

/* Its timer went off while it is being set up: the time-out of connect and handshake may have passed. */
void setup_timer(struct worker *worker, struct conn *conn, nsec now);

/* The time-out of a request that waits for the set-up has passed; nobody else waits: neither goes on. */
void setup_give_up(struct worker *worker, struct conn *conn, struct task *task, nsec now);

/* Closes what is open of a connection that is being set up. Its request, if it has one, is the caller's matter. */
void setup_abandon(struct worker *worker, struct conn *conn, nsec now);
