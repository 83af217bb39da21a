/* The connections of one worker: which of them takes a request.
 * In: origins. Out: connections that have room for a request to that origin, or are down. The worker's thread.
 *
 * There is one slot for each task and some more: for connections that are about to be closed by their peer and, if requests go to several origins, so that each
 * origin keeps connections of its own. A connection that is open or being set up and has room for one more request is in a list of its peer; a slot that is down is
 * on a stack, or was never used. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/conn.h"

#define POOL_ORIGINS 4 /* so many origins may keep a connection for every task */

/* Takes the memory. */
void pool_open(struct worker *worker);
void pool_close(struct worker *worker);

/* Returns whether pool_take would find one. */
bool pool_has(const struct worker *worker, const struct peer *peer);

/* Closes an idle connection, of each origin in turn, so that its descriptor is free; its slot is down then. False: none is idle. */
bool pool_spare(struct worker *worker);

/* Returns a connection with the peer that has room: an open one; else one that is being set up; else pool_new. NULL: there is none. */
struct conn *pool_take(struct worker *worker, struct peer *peer);

/* Returns a slot that is down, for a new connection with the peer; if there is none, that of the least recently used idle connection with somebody else, which is
 * closed. NULL: all are in use, or the peer has as many connections as it may. */
struct conn *pool_new(struct worker *worker, struct peer *peer);

/* The same, but rather a connection that has carried nothing yet, for a request that an old one has lost: the others may be as dead as that one. */
struct conn *pool_take_fresh(struct worker *worker, struct peer *peer);

/* A connection in a list has one request more: it goes to where it belongs now. */
void pool_relist(const struct worker *worker, struct conn *conn);

/* `conn` has one request more: of pool_take, or one that has room. */
static inline void pool_attach(const struct worker *worker, struct conn *conn) {
	conn->taken++;
	if (conn->listed) pool_relist(worker, conn);
}

/* `conn`, which is being set up, has one request fewer that waits for it. */
void pool_detach(struct worker *worker, struct conn *conn);

/* Gives a connection back: it may be taken if it has room, or its slot if it is down. */
void pool_put(struct worker *worker, struct conn *conn);

/* Takes `conn` out of its list, if it is in one: its state or its room changes. */
void pool_unlist(struct conn *conn);

/* `conn` is none of its peer's connections any more: it is down, leaving or retired. */
void pool_drop(struct conn *conn);

/* A peer speaks (or does not speak) HTTP/2, as its last connection shows: what is to be expected of the next ones. */
void pool_expect(const struct worker *worker, struct peer *peer, bool h2);
