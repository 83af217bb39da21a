#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_inner.h"

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
	SSL_SESSION **place = &tls->peer->sessions[tls->address];
	SSL_SESSION_free(*place);
	*place = session;
	return 1; /* its reference is ours now */
}

/* Whose word is trusted; who must be at the other end is said for each connection: tls_peer_apply. */
static void set_verification(struct tls_context *context) {
	SSL_CTX *ssl = context->ssl;
	SSL_CTX_set_verify(ssl, context->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (context->insecure) {
		SSL_CTX_set_cert_verify_callback(ssl, accept_any, NULL);
	} else {
		/* Whatever stands in the bundle is trusted, not only what signs itself. */
		X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	}
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
	set_verification(context);
	return context->alpn_size == 0 || SSL_CTX_set_alpn_protos(ssl, context->alpn, (unsigned)context->alpn_size) == 0;
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

bool tls_context_open(const struct tls_settings *settings, struct tls_context **ret, struct err *err) {
	struct tls_context *context = mem_zeroed(1, sizeof(*context));
	context->insecure = settings->insecure;
	context->resume = settings->resume;
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
	context->alpn = from->alpn_size > 0 ? mem_alloc(from->alpn_size) : NULL;
	if (context->alpn) memcpy(context->alpn, from->alpn, from->alpn_size);
	X509 *own = SSL_CTX_get0_certificate(from->ssl);
	STACK_OF(X509) *chain = NULL;
	bool fine = make_ssl(context);
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
	SSL_CTX_free(context->ssl);
	free(context->alpn);
	free(context);
}
