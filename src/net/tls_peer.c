#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_inner.h"

/* A URL's host as certificates have it: no brackets, no zone of an IPv6 address (it means nothing elsewhere), no final dot (RFC 6066 section 3). */
static void take_host(struct tls_peer *peer, const char *host) {
	struct slice name = slice_of(host);
	if (name.size >= 2 && name.at[0] == '[' && name.at[name.size - 1] == ']') name = (struct slice){name.at + 1, name.size - 2};
	if (memchr(name.at, ':', name.size)) name = slice_cut(name, '%', &(struct slice){0});
	if (name.size > 1 && name.at[name.size - 1] == '.') name.size--;
	assert(name.size > 0); /* OpenSSL would check nothing */
	peer->host = mem_alloc(name.size + 1);
	memcpy(peer->host, name.at, name.size);
	peer->host[name.size] = 0;
	unsigned char address[sizeof(struct in6_addr)];
	peer->host_is_address = inet_pton(AF_INET, peer->host, address) == 1 || inet_pton(AF_INET6, peer->host, address) == 1;
}

struct tls_peer *tls_peer_new(struct tls_context *context, enum tls_role role, const char *host, unsigned addresses) {
	struct tls_peer *peer = mem_zeroed(1, sizeof(*peer));
	peer->context = context;
	peer->role = role;
	peer->session_count = addresses;
	peer->sessions = mem_zeroed(addresses, sizeof(SSL_SESSION *));
	take_host(peer, host);
	return peer;
}

void tls_peer_free(struct tls_peer *peer) {
	if (!peer) return;
	for (unsigned i = 0; i < peer->session_count; i++) SSL_SESSION_free(peer->sessions[i]);
	free(peer->sessions);
	free(peer->host);
	free(peer);
}

/* RFC 9110 section 4.3.4: the name must be among the subject alternative names; the common name does not count. The flags stand here because a connection
 * takes them over from its context only together with a name. */
static bool check_host(const struct tls_peer *peer, SSL *ssl) {
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (peer->host_is_address) return X509_VERIFY_PARAM_set1_ip_asc(param, peer->host) == 1;
	return X509_VERIFY_PARAM_set1_host(param, peer->host, 0) == 1;
}

bool tls_peer_apply(const struct tls_peer *peer, SSL *ssl) {
	if (!peer->host_is_address && SSL_set_tlsext_host_name(ssl, peer->host) != 1) ERR_clear_error(); /* too long to be a name */
	if (peer->role == TLS_PROXY) {
		SSL_certs_clear(ssl);
		SSL_set_alpn_protos(ssl, NULL, 0);
	}
	return peer->context->insecure || check_host(peer, ssl);
}
