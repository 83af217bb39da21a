/* The bytes of a connection with TLS: plain ones on the engine's side, encrypted ones on the loop's; twice with an https:// proxy that tunnels.
 * In: what the protocol has to send, what the loop received. Out: sends, plain bytes. Connections without TLS never come here. The worker's thread. */
#pragma once

#include <stdbool.h>

#include "engine/conn.h"
#include "net/tls.h"

/* The plain bytes of one receive: never more than were received, and what was left of one record (RFC 8446 section 5.2). */
#define CARRIER_PLAIN_BYTES (LOOP_READ_BYTES + 65536)

enum carrier_sent {
	CARRIER_ALL,    /* everything is out */
	CARRIER_SHORT,  /* the loop's on_sent follows */
	CARRIER_BROKEN, /* the connection cannot send any more */
};

/* Encrypts and sends what the protocol has to send, as far as the loop takes it. `*now` is when; moved on to the last send if one was not enough. */
enum carrier_sent carrier_send(struct worker *worker, struct conn *conn, nsec *now);

/* Sends encrypted bytes that wait, without new ones from the protocol. */
enum carrier_sent carrier_push(struct worker *worker, struct conn *conn);

/* Decrypts what came from the target (or the proxy that gets its requests): *ret are all plain bytes of it, in the worker's buffer. Returns the state after it. */
enum tls_state carrier_decrypt(struct worker *worker, struct conn *conn, struct slice bytes, struct slice *ret);

/* The same of the TLS with a proxy that tunnels, in a buffer of its own. */
enum tls_state carrier_unwrap(struct worker *worker, struct conn *conn, struct slice bytes, struct slice *ret);

/* Returns whether encrypted bytes wait to be sent. */
bool carrier_has_pending(const struct conn *conn);

/* A request ended because its connection did, so the protocol says `reason`. Returns what TLS knows better: why it broke, or that the end of
 * the response may have been cut off (no close_notify: RFC 8446 section 6.1). */
enum reason carrier_end_reason(const struct conn *conn, enum reason reason);

/* Frees its TLS, if it has any, before the socket is closed. `notify`: says to the peer that it is the end, if one send can do that. */
void carrier_close(struct worker *worker, struct conn *conn, bool notify);
