/* What the files of net/tls share: contexts, peers and a connection as they are inside. Nobody else includes this.
 * In: nothing. Out: types. Owners as in net/tls.h. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"
#include "net/tls.h"

struct tls_context {
	SSL_CTX *ssl;
	bool insecure, resume;
	bool is_old;         /* a version below 1.2 was asked for */
	int min, max;        /* versions; 0: not given */
	unsigned char *alpn; /* the offer as it is sent: each name behind its length */
	size_t alpn_size;    /* 0: nothing is offered */
	unsigned live;       /* connections, of all peers */
};

struct tls_peer {
	struct tls_context *context;
	enum tls_role role;
	char *host;             /* without brackets, zone and final dot */
	bool host_is_address;   /* checked as an IP address, not sent as SNI */
	SSL_SESSION **sessions; /* the last of each address; NULL: none yet */
	unsigned session_count;
};

struct tls_server {
	SSL_CTX *ssl;
};

struct tls {
	SSL *ssl;
	struct tls_peer *peer; /* NULL: a server's connection */
	unsigned address;
	enum tls_state state;
	enum reason reason;
	struct slice in;                     /* the carrier's bytes that OpenSSL has not taken yet */
	char *out;                           /* room for carrier bytes waiting; NULL: no room yet */
	size_t out_begin, out_end, out_room; /* what waits lies between begin and end */
	unsigned char head[2];               /* the first bytes that came */
	unsigned char head_size;
	bool asked; /* the server asked for a client certificate */
};

/* Makes a connection ask for the peer's host and check it, and keeps from a proxy what is for the target. False: OpenSSL has no memory. */
bool tls_peer_apply(const struct tls_peer *peer, SSL *ssl);

/* Reads a PEM certificate with its chain and its key into a context. ERR_FAILED with --cert or --key and the file in the sentence. */
bool tls_pem_use_pair(SSL_CTX *ssl, const char *cert, const char *key, struct err *err);

/* Adds all certificates of a PEM bundle to what is trusted. ERR_FAILED with --cacert and the file in the sentence. */
bool tls_pem_trust(X509_STORE *store, const char *path, struct err *err);

/* Sets the error to "CONTEXT: what OpenSSL says" and clears OpenSSL's queue. Returns false. */
bool tls_pem_fail(struct err *err, const char *context);

/* Returns why OpenSSL gave up, from its error queue, which is cleared. `shaking`: in the handshake. */
enum reason tls_fault_find(const struct tls *tls, bool shaking);

/* Returns whether the first bytes that came cannot be the beginning of a TLS record (RFC 8446 section 5.1). */
bool tls_fault_is_other_protocol(const struct tls *tls);
