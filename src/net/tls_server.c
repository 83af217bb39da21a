#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_inner.h"

#define OWN_NAMES "DNS:localhost,IP:127.0.0.1,IP:::1"
#define OWN_AGE_S 3600L /* back-dated, for clocks that differ */
#define OWN_DAYS 365L

static bool add_extension(X509 *certificate, int what, const char *value) {
	X509V3_CTX about;
	X509V3_set_ctx_nodb(&about);
	X509V3_set_ctx(&about, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &about, what, value);
	bool fine = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return fine;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key) {
	uint64_t serial = 0;
	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1) return false;
	X509_NAME *name = X509_get_subject_name(certificate);
	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -OWN_AGE_S) && X509_gmtime_adj(X509_getm_notAfter(certificate), OWN_DAYS * 86400) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"strest target", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_subject_alt_name, OWN_NAMES) && add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool use_own(SSL_CTX *ssl, struct err *err) {
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	bool fine = key && certificate && fill_certificate(certificate, key) && SSL_CTX_use_cert_and_key(ssl, certificate, key, NULL, 1) == 1;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return fine || tls_pem_fail(err, "--tls: making a certificate");
}

/* Returns where a protocol stands in a client's offer, a list of names with their sizes; NULL: nowhere. */
static const unsigned char *find_protocol(const unsigned char *offer, unsigned size, const char *name) {
	for (unsigned at = 0; at < size; at += 1u + offer[at])
		if (offer[at] == strlen(name) && memcmp(offer + at + 1, name, offer[at]) == 0) return offer + at;
	return NULL;
}

/* RFC 7301 section 3.2: HTTP/2 first, as servers do; without a common protocol the handshake ends. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_size, const unsigned char *offer, unsigned size, void *user) {
	(void)ssl, (void)user;
	const unsigned char *found = find_protocol(offer, size, "h2");
	if (!found) found = find_protocol(offer, size, "http/1.1");
	if (!found) return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = found + 1;
	*ret_size = *found;
	return SSL_TLSEXT_ERR_OK;
}

bool tls_server_open(const char *cert, const char *key, struct tls_server **ret, struct err *err) {
	ERR_clear_error();
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
	if (!ssl || SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(ssl);
		return tls_pem_fail(err, "--tls");
	}
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets carry all of it */
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	bool fine = cert ? tls_pem_use_pair(ssl, cert, key, err) : use_own(ssl, err);
	if (!fine) {
		SSL_CTX_free(ssl);
		return false;
	}
	struct tls_server *server = mem_zeroed(1, sizeof(*server));
	server->ssl = ssl;
	*ret = server;
	return true;
}

void tls_server_close(struct tls_server *server) {
	if (!server) return;
	SSL_CTX_free(server->ssl);
	free(server);
}
