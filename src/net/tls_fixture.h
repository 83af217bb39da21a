/* What the tests of net/tls share: certificates made for them, and a bare OpenSSL peer without sockets.
 * In: what a certificate shall say. Out: certificates, files in a folder of the test, bytes moved between both sides. Only for tests. */
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

#include "base/buf.h"
#include "net/tls.h"

#define FIXTURE_DAY 86400L

/* A certificate and its key. */
struct issued {
	X509 *certificate;
	EVP_PKEY *key;
	struct issued *issuer; /* NULL: itself */
};

struct fixture_spec {
	const char *name;          /* common name */
	const char *names;         /* subject alternative names, "DNS:a,IP:127.0.0.1"; NULL: none */
	const char *usage;         /* extended key usage; NULL: any */
	long from, to;             /* validity in seconds from now; both 0: from yesterday until tomorrow */
	bool is_authority, is_rsa; /* RSA-2048 instead of P-256 */
	struct issued *issuer;     /* NULL: signs itself */
};

/* Makes one; freed by fixture_fini. */
struct issued *fixture_issue(const struct fixture_spec *spec);

/* Writes certificates up the chain, `count` of them beginning with `first`, and/or the key (NULL: none) into a file of the test's folder, and returns its
 * path. `pass_phrase` NULL: the key is not encrypted. */
const char *fixture_write(const struct issued *first, int count, const struct issued *key, const char *pass_phrase);

/* Writes any text as a file. */
const char *fixture_write_text(const char *text);

/* Before and after each test (cmocka): the folder; the things made. */
int fixture_init(void **state);
int fixture_fini(void **state);

/* A bare OpenSSL server or client; `own` with its whole chain but the root. Freed by fixture_fini. */
SSL_CTX *fixture_server(const struct issued *own);
SSL_CTX *fixture_client(const struct issued *trusted);

/* One side of a connection in memory. */
struct bare {
	SSL *ssl;
	struct buf heard; /* plain bytes that came */
};
void bare_open(struct bare *bare, SSL_CTX *context, bool is_server);
void bare_close(struct bare *bare);

/* Moves bytes both ways, at most `step` at a time, until both sides have nothing more to say. Plain bytes go to `heard` of the bare side and to `ours`
 * (NULL: there must not be any). */
void bare_talk(struct bare *bare, struct tls *tls, size_t step, struct buf *ours);

/* Gives bytes to `tls` as a carrier does, `step` at a time, and returns the state. */
enum tls_state bare_feed(struct tls *tls, struct slice bytes, size_t step, struct buf *ours);

/* Opens a context with these settings, and a peer of it (TLS_TARGET) with this host and one address; fails the test if it cannot. Freed by fixture_fini. */
struct tls_context *fixture_context(const struct tls_settings *settings);
struct tls_peer *fixture_peer(const struct tls_settings *settings, const char *host);
