#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_inner.h"

/* A URL's host as certificates have it: no brackets, no zone of an IPv6 address (it means nothing elsewhere), no final dot (RFC 6066 section 3). */
static void take_host(struct tls_context *context, const char *host) {
	struct slice name = slice_of(host);
	if (name.size >= 2 && name.at[0] == '[' && name.at[name.size - 1] == ']') name = (struct slice){name.at + 1, name.size - 2};
	if (memchr(name.at, ':', name.size)) name = slice_cut(name, '%', &(struct slice){0});
	if (name.size > 1 && name.at[name.size - 1] == '.') name.size--;
	context->host = mem_alloc(name.size + 1);
	memcpy(context->host, name.at, name.size);
	context->host[name.size] = 0;
	unsigned char address[sizeof(struct in6_addr)];
	context->host_is_address = inet_pton(AF_INET, context->host, address) == 1 || inet_pton(AF_INET6, context->host, address) == 1;
}

/* The offer in the form of RFC 7301 section 3.1. */
static void take_alpn(struct tls_context *context, const struct text_list *names) {
	for (size_t i = 0; i < names->count; i++) {
		size_t size = strlen(names->at[i]);
		assert(size > 0 && size < 256);
		context->alpn = mem_resize(context->alpn, context->alpn_size + 1 + size);
		context->alpn[context->alpn_size] = (unsigned char)size;
		memcpy(context->alpn + context->alpn_size + 1, names->at[i], size);
		context->alpn_size += 1 + size;
	}
}

static void take_versions(struct tls_context *context, int min, int max) {
	context->is_old = (min && min < TLS_VERSION_1_2) || (max && max < TLS_VERSION_1_2);
	if (!min && max && max < TLS_VERSION_1_2) min = TLS_VERSION_1_0; /* the usual lower limit would leave nothing */
	context->min = min;
	context->max = max;
}

/* A certificate of whomever is taken; building its chain would be work for nothing. */
static int accept_any(X509_STORE_CTX *chain, void *user) {
	(void)chain, (void)user;
	return 1;
}

static int note_request(SSL *ssl, void *user) {
	(void)user;
	struct tls *tls = SSL_get_app_data(ssl);
	tls->asked = true;
	return 1;
}

/* Keeps the latest session; TLS 1.3's come after the handshake. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
	struct tls *tls = SSL_get_app_data(ssl);
	SSL_SESSION **place = &tls->context->sessions[tls->address];
	SSL_SESSION_free(*place);
	*place = session;
	return 1; /* its reference is ours now */
}

/* Who must be at the other end. RFC 9110 section 4.3.4: the name must be among the subject alternative names; the common name does not count. */
static bool set_verification(struct tls_context *context) {
	SSL_CTX *ssl = context->ssl;
	if (context->insecure) {
		SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_cert_verify_callback(ssl, accept_any, NULL);
		return true;
	}
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN); /* whatever stands in the bundle is trusted, not only what signs itself */
	if (context->host_is_address) return X509_VERIFY_PARAM_set1_ip_asc(param, context->host) == 1;
	return X509_VERIFY_PARAM_set1_host(param, context->host, 0) == 1;
}

/* Makes context->ssl as the context says, without trust and certificates. */
static bool make_ssl(struct tls_context *context) {
	ERR_clear_error();
	SSL_CTX *ssl = context->ssl = SSL_CTX_new(TLS_client_method());
	if (!ssl) return false;
	if (context->is_old) SSL_CTX_set_security_level(ssl, 0); /* else OpenSSL refuses their signatures */
	int min = context->min ? context->min : TLS_VERSION_1_2;
	bool is_stricter = !context->min && SSL_CTX_get_min_proto_version(ssl) > min; /* the system's openssl.cnf */
	if (!is_stricter && SSL_CTX_set_min_proto_version(ssl, min) != 1) return false;
	if (context->max && SSL_CTX_set_max_proto_version(ssl, context->max) != 1) return false;
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_cert_cb(ssl, note_request, NULL);
	SSL_CTX_set_session_cache_mode(ssl, context->resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
	if (context->resume) SSL_CTX_sess_set_new_cb(ssl, keep_session);
	if (context->alpn_size > 0 && SSL_CTX_set_alpn_protos(ssl, context->alpn, (unsigned)context->alpn_size) != 0) return false;
	return set_verification(context);
}

static bool load(struct tls_context *context, const struct tls_settings *settings, struct err *err) {
	if (!context->insecure) {
		/* Debian's trust is a folder, which OpenSSL looks up when it needs a certificate; a file (SSL_CERT_FILE) is read now. */
		SSL_CTX_set_default_verify_paths(context->ssl);
		ERR_clear_error();
		if (settings->cacert && !tls_pem_trust(SSL_CTX_get_cert_store(context->ssl), settings->cacert, err)) return false;
	}
	return !settings->cert || tls_pem_use_pair(context->ssl, settings->cert, settings->key, err);
}

bool tls_context_open(const struct tls_settings *settings, const char *host, unsigned addresses, struct tls_context **ret, struct err *err) {
	struct tls_context *context = mem_zeroed(1, sizeof(*context));
	context->insecure = settings->insecure;
	context->resume = settings->resume;
	context->session_count = addresses;
	context->sessions = mem_zeroed(addresses, sizeof(SSL_SESSION *));
	take_host(context, host);
	take_alpn(context, &settings->alpn);
	take_versions(context, settings->min, settings->max);
	bool fine = make_ssl(context) || tls_pem_fail(err, "--tls-min, --tls-max: openssl refuses them");
	fine = fine && load(context, settings, err);
	if (fine) {
		*ret = context;
	} else {
		tls_context_close(context);
	}
	return fine;
}

struct tls_context *tls_context_share(const struct tls_context *from) {
	struct tls_context *context = mem_zeroed(1, sizeof(*context));
	*context = *from;
	context->live = 0;
	context->sessions = mem_zeroed(from->session_count, sizeof(SSL_SESSION *));
	context->host = strdup(from->host);
	context->alpn = from->alpn_size > 0 ? mem_alloc(from->alpn_size) : NULL;
	if (context->alpn) memcpy(context->alpn, from->alpn, from->alpn_size);
	X509 *own = SSL_CTX_get0_certificate(from->ssl);
	STACK_OF(X509) *chain = NULL;
	bool fine = context->host && make_ssl(context);
	if (fine) SSL_CTX_set1_cert_store(context->ssl, SSL_CTX_get_cert_store(from->ssl));
	if (fine && own) {
		SSL_CTX_get0_chain_certs(from->ssl, &chain);
		fine = SSL_CTX_use_cert_and_key(context->ssl, own, SSL_CTX_get0_privatekey(from->ssl), chain, 1) == 1;
	}
	if (!fine) mem_fail(); /* the same settings were fine before */
	return context;
}

void tls_context_close(struct tls_context *context) {
	if (!context) return;
	for (unsigned i = 0; i < context->session_count; i++) SSL_SESSION_free(context->sessions[i]);
	SSL_CTX_free(context->ssl);
	free(context->sessions);
	free(context->alpn);
	free(context->host);
	free(context);
}
