#include "net/tls_fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST(condition) ((condition) ? (void)0 : stop(__LINE__, #condition))

#define THINGS_MAX 64

static struct issued *issued[THINGS_MAX];
static SSL_CTX *contexts[THINGS_MAX];
static char *paths[THINGS_MAX];
static struct tls_context *opened[THINGS_MAX];
static struct tls_peer *peers[THINGS_MAX];
static size_t issued_count, context_count, path_count, opened_count, peer_count;
static char folder[] = "/tmp/strest-tls-XXXXXX";

static _Noreturn void stop(int line, const char *condition) {
	fprintf(stderr, "tls_fixture.c:%d: %s\n", line, condition);
	ERR_print_errors_fp(stderr);
	abort();
}

int fixture_init(void **state) {
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

int fixture_fini(void **state) {
	(void)state;
	for (size_t i = 0; i < issued_count; i++) {
		X509_free(issued[i]->certificate);
		EVP_PKEY_free(issued[i]->key);
		free(issued[i]);
	}
	for (size_t i = 0; i < context_count; i++) SSL_CTX_free(contexts[i]);
	for (size_t i = 0; i < path_count; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	for (size_t i = 0; i < peer_count; i++) tls_peer_free(peers[i]);
	for (size_t i = 0; i < opened_count; i++) tls_context_close(opened[i]);
	issued_count = context_count = path_count = opened_count = peer_count = 0;
	return rmdir(folder);
}

static void extend(const struct issued *made, int what, const char *value) {
	X509V3_CTX about;
	X509V3_set_ctx_nodb(&about);
	X509V3_set_ctx(&about, made->issuer ? made->issuer->certificate : made->certificate, made->certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &about, what, value);
	MUST(extension && X509_add_ext(made->certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

struct issued *fixture_issue(const struct fixture_spec *spec) {
	static long serial = 1;
	MUST(issued_count < THINGS_MAX);
	struct issued *made = issued[issued_count++] = calloc(1, sizeof(*made));
	bool usual = spec->from == 0 && spec->to == 0;
	made->issuer = spec->issuer;
	made->key = spec->is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *certificate = made->certificate = X509_new();
	MUST(made->key && certificate && X509_set_version(certificate, X509_VERSION_3) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++) == 1);
	MUST(X509_gmtime_adj(X509_getm_notBefore(certificate), usual ? -FIXTURE_DAY : spec->from));
	MUST(X509_gmtime_adj(X509_getm_notAfter(certificate), usual ? FIXTURE_DAY : spec->to));
	X509_NAME *name = X509_get_subject_name(certificate);
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)spec->name, -1, -1, 0) == 1);
	MUST(X509_set_issuer_name(certificate, spec->issuer ? X509_get_subject_name(spec->issuer->certificate) : name) == 1);
	MUST(X509_set_pubkey(certificate, made->key) == 1);
	extend(made, NID_basic_constraints, spec->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (spec->names) extend(made, NID_subject_alt_name, spec->names);
	if (spec->usage) extend(made, NID_ext_key_usage, spec->usage);
	MUST(X509_sign(certificate, spec->issuer ? spec->issuer->key : made->key, EVP_sha256()) > 0);
	return made;
}

static FILE *new_file(void) {
	MUST(path_count < THINGS_MAX);
	MUST(asprintf(&paths[path_count], "%s/%zu.pem", folder, path_count) > 0);
	FILE *file = fopen(paths[path_count], "w");
	MUST(file);
	path_count++;
	return file;
}

const char *fixture_write(const struct issued *first, int count, const struct issued *key, const char *pass_phrase) {
	FILE *file = new_file();
	for (; count > 0; count--, first = first->issuer) MUST(PEM_write_X509(file, first->certificate) == 1);
	int size = pass_phrase ? (int)strlen(pass_phrase) : 0;
	const EVP_CIPHER *cipher = pass_phrase ? EVP_aes_128_cbc() : NULL;
	if (key) MUST(PEM_write_PKCS8PrivateKey(file, key->key, cipher, pass_phrase, size, NULL, NULL) == 1);
	fclose(file);
	return paths[path_count - 1];
}

const char *fixture_write_text(const char *text) {
	FILE *file = new_file();
	fputs(text, file);
	fclose(file);
	return paths[path_count - 1];
}

static SSL_CTX *keep(SSL_CTX *context) {
	MUST(context && context_count < THINGS_MAX);
	contexts[context_count++] = context;
	SSL_CTX_set_security_level(context, 0); /* so that it speaks the old versions too */
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	return context;
}

SSL_CTX *fixture_server(const struct issued *own) {
	SSL_CTX *context = keep(SSL_CTX_new(TLS_server_method()));
	MUST(SSL_CTX_use_certificate(context, own->certificate) == 1 && SSL_CTX_use_PrivateKey(context, own->key) == 1);
	for (const struct issued *up = own->issuer; up && up->issuer; up = up->issuer) MUST(SSL_CTX_add1_chain_cert(context, up->certificate) == 1);
	return context;
}

SSL_CTX *fixture_client(const struct issued *trusted) {
	SSL_CTX *context = keep(SSL_CTX_new(TLS_client_method()));
	if (trusted) {
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
		MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted->certificate) == 1);
	}
	return context;
}

void bare_open(struct bare *bare, SSL_CTX *context, bool is_server) {
	bare->ssl = SSL_new(context);
	MUST(bare->ssl);
	SSL_set_bio(bare->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (is_server) {
		SSL_set_accept_state(bare->ssl);
	} else {
		SSL_set_connect_state(bare->ssl);
	}
	buf_init(&bare->heard, (size_t)1 << 26);
}

void bare_close(struct bare *bare) {
	SSL_set_shutdown(bare->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(bare->ssl);
	buf_fini(&bare->heard);
}

enum tls_state bare_feed(struct tls *tls, struct slice bytes, size_t step, struct buf *ours) {
	while (bytes.size > 0) {
		size_t size = bytes.size < step ? bytes.size : step, n;
		char *piece = malloc(size), plain[5000]; /* the size of nothing */
		memcpy(piece, bytes.at, size);
		tls_feed(tls, (struct slice){piece, size});
		while ((n = tls_read(tls, plain, sizeof(plain))) > 0) MUST(ours && buf_add(ours, (struct slice){plain, n}));
		free(piece);
		bytes.at += size;
		bytes.size -= size;
	}
	return tls_state(tls);
}

/* The bare side takes up what it was given. */
static void bare_act(struct bare *bare) {
	char plain[4000];
	int n = 0;
	ERR_clear_error();
	if (!SSL_is_init_finished(bare->ssl)) SSL_do_handshake(bare->ssl);
	if (!SSL_is_init_finished(bare->ssl)) return;
	while ((n = SSL_read(bare->ssl, plain, sizeof(plain))) > 0) MUST(buf_add(&bare->heard, (struct slice){plain, (size_t)n}));
	ERR_clear_error();
}

void bare_talk(struct bare *bare, struct tls *tls, size_t step, struct buf *ours) {
	char piece[70000];
	if (step > sizeof(piece)) step = sizeof(piece);
	bare_act(bare); /* a client begins */
	for (bool moved = true; moved;) {
		moved = false;
		struct slice waiting = tls_pending(tls);
		if (waiting.size > 0) {
			size_t size = waiting.size < step ? waiting.size : step;
			MUST(BIO_write(SSL_get_rbio(bare->ssl), waiting.at, (int)size) == (int)size);
			tls_drained(tls, size);
			bare_act(bare);
			moved = true;
		}
		int size = BIO_read(SSL_get_wbio(bare->ssl), piece, (int)step);
		if (size > 0) {
			bare_feed(tls, (struct slice){piece, (size_t)size}, step, ours);
			moved = true;
		}
	}
}

struct tls_context *fixture_context(const struct tls_settings *settings) {
	struct err err;
	MUST(opened_count < THINGS_MAX);
	if (!tls_context_open(settings, &opened[opened_count], &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return opened[opened_count++];
}

struct tls_peer *fixture_peer(const struct tls_settings *settings, const char *host) {
	MUST(peer_count < THINGS_MAX);
	return peers[peer_count++] = tls_peer_new(fixture_context(settings), TLS_TARGET, host, 1);
}
