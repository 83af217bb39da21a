/* The answer of a proxy to CONNECT: bytes in, a verdict out. No sockets, no clock.
 * In: what the proxy sends after the CONNECT request, cut anywhere. Out: whether the tunnel is open. Source: RFC 9110 section 9.3.6.
 * The caller's memory, none of its own; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/outcome.h"
#include "base/str.h"

#define PROXY_STATE_BYTES 160 /* room that a struct proxy needs; http/proxy.c asserts it */

/* Opaque; PROXY_STATE_BYTES at most, aligned for any type. */
struct proxy;

enum proxy_state {
	PROXY_WAITS,  /* the head of the answer is not complete */
	PROXY_OPEN,   /* a 2xx: what follows belongs to the tunnel */
	PROXY_FAILED, /* see proxy_reason */
};

/* Begins to wait for an answer, in memory with any content. */
void proxy_begin(struct proxy *proxy);

/* Digests bytes. *ret_used is how many of them belong to the answer (all of them unless PROXY_OPEN). 1xx answers are passed over. A head over
 * HTTP_HEAD_MAX bytes is malformed. */
enum proxy_state proxy_feed(struct proxy *proxy, struct slice bytes, size_t *ret_used);

/* Returns why it failed: REASON_PROXY_AUTH (407), REASON_PROXY_REFUSED (any other final status), REASON_PROXY_MALFORMED. */
enum reason proxy_reason(const struct proxy *proxy);

/* Returns the status of the proxy's final answer; 0: none yet. */
unsigned proxy_status(const struct proxy *proxy);
