/* The carrier of dist/link.h over HTTP and HTTPS: the controller serves with libmicrohttpd, an agent asks with libcurl.
 * In: an address, a token, certificates. Out: a struct link (link_close ends it). The functions of a link: one thread, the caller's.
 *
 *   POST /v1/join      200, a session id                GET /healthz   200 "ok", for probes: no token, no session
 *   GET  /v1/commands  a stream of frames that stays open: u32 length (big endian), u8 kind, body
 *   POST /v1/message   204; the body is the message
 * Session and kind are fields of the head (dist/link_http_wire.h). With a token each request under /v1/ carries a Digest (dist/link_http_digest.h), inside
 * TLS too. An agent whose command stream closes is down at once. Silence is the caller's business at both
 * ends (LINK_BEAT); only the kernel's view of it is used here (`silence`). */
#pragma once

#include "base/err.h"
#include "dist/link.h"

#define LINK_HTTP_PEERS 10000

struct link_http_setup {
	const char *address; /* "HOST:PORT"; the controller: port 0 is a free one, no host is loopback */
	const char *token;   /* NULL: none. A controller without one takes any agent, also one that has a token */
	const char *
		ca; /* PEM. Controller: each agent must show a certificate of it; agent: the controller's must lead to it. NULL: not asked; the system's */
	const char *cert; /* PEM, with its chain, and its key. Controller: both NULL is HTTP; agent: for a controller that asks */
	const char *key;
	bool tls; /* agent: HTTPS; also when ca or cert is set */
	nsec silence; /* what was sent and not acknowledged by the other kernel for so long ends the connection (TCP_USER_TIMEOUT); 0: the kernel's default */
	unsigned
		peers_max; /* controller: agents at once, 1 to LINK_HTTP_PEERS; 0: that. Each takes two connections: the limit of open files is raised */
};

/* Those that were turned away at a controller: no or a wrong token, no HTTP, too much. */
struct link_http_refusals {
	uint64_t count;    /* since it listens */
	const char *words; /* the last of them, "127.0.0.1:40112: the token is wrong". Valid until the next call */
};

/* Listens. ERR_FAILED with the subject in the sentence: the address cannot be used, a file cannot be read or does not fit. All strings may go afterwards. */
bool link_http_listen(const struct link_http_setup *setup, struct link **ret, struct err *err);

/* Begins to connect; LINK_UP or LINK_DOWN follows within about 20 s. Messages may be sent at once. ERR_FAILED: the address or a file is none. After
 * LINK_DOWN only link_close is left to do. All strings may go afterwards. */
bool link_http_join(const struct link_http_setup *setup, struct link **ret, struct err *err);

/* Returns whether somebody was turned away since the last true; true at most once a second. `link` is of link_http_listen; its descriptor wakes for it. */
bool link_http_refused(struct link *link, struct link_http_refusals *ret);
