/* The HTTP/2 side of one connection of the target: many requests at once, each with an answer of its own.
 * In: plain bytes as they were read, timers. Out: bytes of answers. Belongs to its peer and to the server's thread. reply.c has what is for HTTP/1.1. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/h2_server.h"

struct mux;
struct peer;

/* What the protocol tells; for h2_server_new_shared. */
extern const struct h2_server_events mux_events;

/* Begins. Cannot fail. */
struct mux *mux_new(struct peer *peer);

/* Frees it, pending answers included; NULL is fine. */
void mux_free(struct mux *mux);

/* Digests plain bytes that were read at `read`; answers wait for mux_flush. */
void mux_feed(struct mux *mux, struct slice bytes, nsec read);

/* Sends what there is to send, as far as the socket takes it, and watches for room if it took too little. Returns whether the connection is still there. */
bool mux_flush(struct mux *mux);
