#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "dist/link_http_server_inner.h"

#define FILE_MAX ((size_t)1 << 20)

/* Reads a whole file of text; NULL with *err set. */
static char *read_file(const char *path, struct err *err) {
	struct buf text;
	char piece[4096];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set_sys(err, ERR_FAILED, errno, "'%s'", path);
		return NULL;
	}
	buf_init(&text, FILE_MAX);
	while ((got = read(fd, piece, sizeof(piece))) > 0 && !text.full) buf_add(&text, (struct slice){piece, (size_t)got});
	int sys = errno;
	close(fd);
	if (got == 0 && !text.full) return buf_take(&text);
	if (text.full) {
		err_set(err, ERR_FAILED, "'%s' is larger than 1 MiB; give a PEM file", path);
	} else {
		err_set_sys(err, ERR_FAILED, sys, "'%s'", path);
	}
	buf_fini(&text);
	return NULL;
}

static gnutls_datum_t datum(const char *text) {
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* Tries the files, so that the user reads which one does not fit: the library only says that it does not start. */
static bool try_files(const struct server *server, const struct link_http_setup *setup, struct err *err) {
	gnutls_certificate_credentials_t credentials;
	if (gnutls_certificate_allocate_credentials(&credentials) != 0) mem_fail();
	gnutls_datum_t cert = datum(server->cert), key = datum(server->key), ca = datum(server->ca ? server->ca : "");
	int result = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	int trusted = server->ca ? gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM) : 1;
	gnutls_certificate_free_credentials(credentials);
	if (result < 0)
		return err_set(err, ERR_FAILED, "the certificate '%s' and the key '%s' cannot be used together: %s", setup->cert, setup->key,
			gnutls_strerror(result));
	if (trusted <= 0) return err_set(err, ERR_FAILED, "'%s' holds no certificate; give a PEM file of the authority", setup->ca);
	return true;
}

bool server_read_files(struct server *server, const struct link_http_setup *setup, struct err *err) {
	if (!setup->cert != !setup->key) return err_set(err, ERR_FAILED, "a certificate and its key belong together; give both");
	if (!setup->cert && setup->ca)
		return err_set(err, ERR_FAILED, "certificates of agents can only be asked for over TLS; give our own certificate and key too");
	if (!setup->cert) return true;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) return err_set(err, ERR_FAILED, "this libmicrohttpd has no TLS");
	if (!(server->cert = read_file(setup->cert, err)) || !(server->key = read_file(setup->key, err))) return false;
	if (setup->ca && !(server->ca = read_file(setup->ca, err))) return false;
	return try_files(server, setup, err);
}

bool server_certificate_holds(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned faults = 1;
	if (!info) return false;
	return gnutls_certificate_verify_peers((gnutls_session_t)info->tls_session, &purpose, 1, &faults) == 0 && faults == 0;
}
