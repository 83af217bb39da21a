/* The server's side of HTTP/1.1: bytes in, one request head out. For the built-in target.
 * In: bytes as they were read. Out: method, path, body length, keep-alive. No sockets; state embedded by the caller; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define H1_SERVER_HEAD_MAX 65536

enum h1_server_result {
	H1_SERVER_MORE,    /* all bytes digested, the request is not complete yet */
	H1_SERVER_REQUEST, /* a request is complete: see the state; *used says how many bytes belonged to it */
	H1_SERVER_BAD,     /* not HTTP/1.x, or a head over the limit: answer 400 and close */
};

/* What the connections of one thread share: the last request head, for the comparison that saves the parsing. */
struct h1_server_shared;

/* Makes it; `events` (NULL: none wanted) outlive it. Cannot fail. */
struct h1_server_events;
struct h1_server_shared *h1_server_new_shared(const struct h1_server_events *events);
void h1_server_free_shared(struct h1_server_shared *shared);

/* Bytes of a connection's state. */
size_t h1_server_state_bytes(void);

/* Begins a connection. */
void h1_server_start(void *state, struct h1_server_shared *shared);

/* A complete request. Slices are valid until the next feed, and cut to 1,024 bytes; `path` keeps its query. */
struct h1_server_request {
	struct slice method;                /* "GET" */
	struct slice path;                  /* "/bytes/100?x=1" */
	struct slice authorization, cookie; /* values of the first such fields, without blanks around them; empty: none */
	bool keep_alive;                    /* what version and Connection header ask for */
	bool is_head;
	bool expects_continue; /* Expect: 100-continue */
	uint64_t body_bytes;   /* length of the body */
};

/* Receives pieces of the request's body as they come (NULL: only counted), and the head as soon as it is complete (NULL: not wanted;
 * for Expect: 100-continue and for /echo). */
struct h1_server_events {
	void (*head)(void *owner, const struct h1_server_request *request);
	void (*body)(void *owner, struct slice bytes);
};

/* Digests bytes up to the end of one request, its body included; `*used` bytes were taken, the rest belongs to the next (pipelining).
 * With REQUEST, `*ret` describes it. `owner` is passed to the events. */
enum h1_server_result h1_server_feed(void *state, struct slice bytes, size_t *used, struct h1_server_request *ret, void *owner);
