#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/files.h"
#include "net/tls_inner.h"

bool tls_pem_fail(struct err *err, const char *context) {
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	err_set(err, ERR_FAILED, "%s: %s", context, reason ? reason : "openssl gives no reason");
	ERR_clear_error();
	return false;
}

static bool fail_file(struct err *err, const char *option, const char *path) {
	tls_pem_fail(err, path);
	return err_add(err, "%s", option);
}

static FILE *open_file(const char *option, const char *path, struct err *err) {
	int fd = files_open(path);
	FILE *file = fd >= 0 && fcntl(fd, F_SETFL, 0) == 0 ? fdopen(fd, "r") : NULL;
	if (!file) err_set_sys(err, ERR_FAILED, errno, "%s: '%s'", option, path);
	return file;
}

/* The end of a PEM file looks like a block that does not begin. */
static bool is_end(void) {
	unsigned long code = ERR_peek_last_error();
	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static void free_certificates(STACK_OF(X509) * certificates) {
	sk_X509_pop_free(certificates, X509_free);
}

/* Reads all certificates of a file, at least one; other blocks are passed over. */
static STACK_OF(X509) * read_certificates(const char *option, const char *path, struct err *err) {
	FILE *file = open_file(option, path, err);
	if (!file) return NULL;
	STACK_OF(X509) *found = sk_X509_new_null();
	ERR_clear_error();
	X509 *certificate;
	while (found && (certificate = PEM_read_X509_AUX(file, NULL, NULL, NULL)) != NULL) {
		X509_check_purpose(certificate, -1, 0); /* OpenSSL notes its extensions in it: now, not when several threads share it */
		sk_X509_push(found, certificate);
	}
	int count = sk_X509_num(found), sys = ferror(file) ? errno : 0;
	bool fine = is_end() && !sys;
	if (sys) {
		err_set_sys(err, ERR_FAILED, sys, "%s: '%s'", option, path);
	} else if (!fine) {
		err_set(err, ERR_FAILED, "%s: certificate %d of '%s' is damaged; write a PEM file", option, count + 1, path);
	} else if (count == 0) {
		fine = err_set(err, ERR_FAILED, "%s: there is no certificate in '%s'; write a PEM file (-----BEGIN CERTIFICATE-----)", option, path);
	}
	ERR_clear_error();
	fclose(file);
	if (fine) return found;
	free_certificates(found);
	return NULL;
}

/* OpenSSL would ask on the terminal. */
static int refuse_pass_phrase(char *into, int room, int writes, void *user) {
	(void)into, (void)room, (void)writes;
	*(bool *)user = true;
	return -1;
}

static EVP_PKEY *read_key(const char *path, struct err *err) {
	FILE *file = open_file("--key", path, err);
	if (!file) return NULL;
	bool is_encrypted = false;
	ERR_clear_error();
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, refuse_pass_phrase, &is_encrypted);
	if (!key && is_encrypted) {
		err_set(err, ERR_FAILED, "--key: '%s' is encrypted; write a key without a pass phrase (openssl pkey -in '%s' -out FILE)", path, path);
	} else if (!key) {
		err_set(err, ERR_FAILED, "--key: there is no private key in '%s'; write a PEM file (-----BEGIN PRIVATE KEY-----)", path);
	}
	ERR_clear_error();
	fclose(file);
	return key;
}

bool tls_pem_use_pair(SSL_CTX *ssl, const char *cert, const char *key, struct err *err) {
	STACK_OF(X509) *chain = read_certificates("--cert", cert, err);
	EVP_PKEY *pair = chain ? read_key(key, err) : NULL;
	bool fine = pair != NULL;
	if (fine) {
		X509 *own = sk_X509_shift(chain);
		ERR_clear_error();
		if (X509_check_private_key(own, pair) != 1) {
			fine = err_set(err, ERR_FAILED,
				"--key: '%s' does not belong to the certificate in '%s'; give the two that were made together", key, cert);
		} else if (SSL_CTX_use_cert_and_key(ssl, own, pair, chain, 1) != 1) {
			fine = fail_file(err, "--cert", cert);
		}
		ERR_clear_error();
		X509_free(own);
	}
	EVP_PKEY_free(pair);
	free_certificates(chain);
	return fine;
}

bool tls_pem_trust(X509_STORE *store, const char *path, struct err *err) {
	STACK_OF(X509) *bundle = read_certificates("--cacert", path, err);
	if (!bundle) return false;
	bool fine = true;
	for (int i = 0; i < sk_X509_num(bundle) && fine; i++) fine = X509_STORE_add_cert(store, sk_X509_value(bundle, i)) == 1;
	if (!fine) fail_file(err, "--cacert", path);
	free_certificates(bundle);
	return fine;
}
