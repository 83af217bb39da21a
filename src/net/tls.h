/* TLS, bytes in and bytes out: no sockets, no clock. Stacks on any carrier. The one way to OpenSSL (tls*.c).
 * In: plain bytes to send, carrier bytes that came. Out: carrier bytes to send, plain bytes that came. A context is made before the start line and is
 * const afterwards but for what OpenSSL locks itself: one per thread, which share the certificates. Source: RFC 8446, RFC 5246. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/outcome.h"
#include "base/settings.h"
#include "base/str.h"

/* ---- client */

struct tls_context; /* settings and trust */

/* Loads everything the settings name: --cacert (whole bundle, added to the system's trust; skipped with --insecure), --cert with chain, --key.
 * ERR_FAILED with the option and file in the sentence: not readable, no certificate in it, key and certificate do not match, an encrypted key, a
 * version this OpenSSL refuses. */
bool tls_context_open(const struct tls_settings *settings, struct tls_context **ret, struct err *err);

/* Makes another one for another thread, from the same files as read before: no file is read again. Cannot fail. */
struct tls_context *tls_context_share(const struct tls_context *context);

/* After all of its peers. NULL is fine. */
void tls_context_close(struct tls_context *context);

/* Whom a context's connections are with: a host, and the last session of each of its addresses. */
struct tls_peer;

/* What a peer is. */
enum tls_role {
	TLS_TARGET,
	TLS_PROXY, /* gets neither --cert nor --alpn */
};

/* Makes a peer of this thread's context. `host` is what certificates are checked against and sent as SNI (a DNS name; an IP address is checked as one and not
 * sent, RFC 6066 section 3). `addresses` is how many addresses it has: sessions are kept apart by address. Cannot fail. */
struct tls_peer *tls_peer_new(struct tls_context *context, enum tls_role role, const char *host, unsigned addresses);

/* After all of its connections. NULL is fine. */
void tls_peer_free(struct tls_peer *peer);

enum tls_state {
	TLS_SHAKING, /* the handshake goes on */
	TLS_READY,   /* plain bytes may go both ways */
	TLS_CLOSED,  /* the peer said that it will send no more (close_notify) */
	TLS_FAILED,  /* `reason` says why; alerts may still be there to be sent */
};

struct tls; /* one connection */

/* Begins a client's handshake with a peer at its address number `address`; tls_pending has its first bytes. Resumes the last session of that address with
 * --tls-resume. Cannot fail but for memory. */
struct tls *tls_connect(struct tls_peer *peer, unsigned address);

/* Frees it; NULL is fine. The session is kept for --tls-resume if the handshake was complete. */
void tls_free(struct tls *tls);

/* What was negotiated; after the handshake. */
struct tls_facts {
	bool resumed;        /* an abbreviated handshake */
	const char *version; /* "TLSv1.3"; constant */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384"; constant */
	struct slice alpn;   /* what the server chose; empty: nothing. Lives as long as the tls */
};
void tls_describe(const struct tls *tls, struct tls_facts *ret);

/* ---- both sides */

enum tls_state tls_state(const struct tls *tls);

/* Why the state is TLS_FAILED; else REASON_NONE. One of the REASON_TLS_* of base/outcome.def. */
enum reason tls_reason(const struct tls *tls);

/* Takes bytes from the carrier (the whole slice is taken). Then call tls_read until it returns 0 and send tls_pending; nothing is copied before, so the
 * bytes must stay where they are until then. Returns the state after it. */
enum tls_state tls_feed(struct tls *tls, struct slice bytes);

/* Decrypts up to `room` plain bytes into `into` and returns their number; 0: none now (look at tls_state). Only after the handshake. */
size_t tls_read(struct tls *tls, char *into, size_t room);

/* Encrypts as many of the plain bytes as keep the bytes waiting in tls_pending below TLS_PENDING_MAX, and returns how many plain bytes it took (0: send
 * first). Only in TLS_READY. Small pieces are put together into one record. */
size_t tls_write(struct tls *tls, const struct iovec *iov, int count);
#define TLS_PENDING_MAX (128 * 1024)

/* The carrier bytes waiting to be sent (empty: none); valid until the next call on this tls. */
struct slice tls_pending(const struct tls *tls);

/* The carrier took so many of them. */
void tls_drained(struct tls *tls, size_t bytes);

/* The carrier was closed by the peer: during the handshake the state becomes TLS_FAILED (REASON_TLS_CLOSED), else it stays. */
enum tls_state tls_carrier_closed(struct tls *tls);

/* Puts a close_notify into the bytes waiting (RFC 8446 section 6.1). Nothing during the handshake or after a failure. */
void tls_close_notify(struct tls *tls);

/* ---- server (the built-in target) */

struct tls_server; /* certificate and key; shared by all threads of the target, const */

/* With `cert` and `key` (PEM files, chain included) or, both NULL, with a self-signed certificate made now for localhost, 127.0.0.1 and ::1.
 * Speaks TLS 1.2 and 1.3, hands out session tickets, answers ALPN with h2 or, without it in the offer, http/1.1. ERR_FAILED with the option and file in the sentence. */
bool tls_server_open(const char *cert, const char *key, struct tls_server **ret, struct err *err);
void tls_server_close(struct tls_server *server);

/* Begins a server's handshake. */
struct tls *tls_accept(const struct tls_server *server);
