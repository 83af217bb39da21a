#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "net/tls_inner.h"

/* The first words of OpenSSL's TLS part in its queue; other parts' words (ASN.1, ciphers) only say the same in detail. `*ret_in_alpn`: said by the function
 * that reads the answer to ALPN, which has no words of its own for one that was not offered. */
static int take_code(bool *ret_in_alpn) {
	int found = 0;
	const char *function;
	for (unsigned long code; (code = ERR_get_error_all(NULL, NULL, &function, NULL, NULL)) != 0;) {
		if (found || ERR_GET_LIB(code) != ERR_LIB_SSL) continue;
		found = ERR_GET_REASON(code);
		*ret_in_alpn = function && strstr(function, "alpn");
	}
	return found;
}

static enum reason find_certificate(long verified) {
	switch (verified) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: return REASON_TLS_EXPIRED;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return REASON_TLS_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED: return REASON_TLS_UNTRUSTED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return REASON_TLS_HOST;
	case X509_V_ERR_INVALID_PURPOSE: return REASON_TLS_PURPOSE;
	default: return REASON_TLS_CERTIFICATE;
	}
}

/* Alerts by which a server that asked for a certificate says that it does not like ours, or misses one (RFC 8446 section 6.2; 41: SSLv3's
 * no_certificate). In TLS 1.2 the lack of one is a plain handshake_failure. */
static bool is_about_certificate(int alert) {
	return (alert >= 41 && alert <= 46) || alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED || alert == TLS13_AD_CERTIFICATE_REQUIRED;
}

static enum reason find_alert(const struct tls *tls, int alert, bool shaking) {
	if (tls->asked && (is_about_certificate(alert) || alert == SSL_AD_HANDSHAKE_FAILURE)) return REASON_TLS_CLIENT_CERT;
	if (!shaking) return REASON_TLS_BROKEN;
	if (alert == SSL_AD_PROTOCOL_VERSION || alert == SSL_AD_INAPPROPRIATE_FALLBACK) return REASON_TLS_VERSION;
	if (alert == SSL_AD_NO_APPLICATION_PROTOCOL) return REASON_TLS_ALPN;
	return REASON_TLS_REFUSED;
}

bool tls_fault_is_other_protocol(const struct tls *tls) {
	const unsigned char *head = tls->head;
	return (tls->head_size > 0 && (head[0] < 20 || head[0] > 24)) || (tls->head_size > 1 && head[1] != 3);
}

enum reason tls_fault_find(const struct tls *tls, bool shaking) {
	bool in_alpn = false;
	int code = take_code(&in_alpn);
	if (code > SSL_AD_REASON_OFFSET && code <= SSL_AD_REASON_OFFSET + 255) return find_alert(tls, code - SSL_AD_REASON_OFFSET, shaking);
	if (!shaking) return REASON_TLS_BROKEN;
	if (tls_fault_is_other_protocol(tls)) return REASON_TLS_NOT_TLS;
	if (in_alpn) return REASON_TLS_ALPN;
	switch (code) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED: return find_certificate(SSL_get_verify_result(tls->ssl));
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH: return REASON_TLS_VERSION;
	case SSL_R_NO_APPLICATION_PROTOCOL: return REASON_TLS_ALPN;
	default: return REASON_TLS_BROKEN;
	}
}
