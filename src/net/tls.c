#include "net/tls.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_inner.h"

#define OUT_FIRST 512                     /* bytes of a new buffer: a small request with its record */
#define OUT_KEPT 4096                     /* a buffer up to this size is kept for the next request, a larger one only with few connections */
#define OUT_MAX (TLS_PENDING_MAX + 65536) /* what waits is never more: a peer that asks and does not read is broken */
#define LEAN_FROM 256    /* connections; from then on idle ones keep no buffers: 17 KB instead of 33 each, for 1 % more time per request */
#define RECORD_MAX 16384 /* plain bytes of a record, RFC 8446 section 5.1 */
#define RECORD_MORE 512  /* more than a record adds to its plain bytes, in any version */

/* The carrier as OpenSSL sees it: it reads from tls->in and writes behind tls->out, so nothing is copied once more. */

static int carrier_read(BIO *bio, char *into, size_t room, size_t *ret) {
	struct tls *tls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (tls->in.size == 0) {
		BIO_set_retry_read(bio);
		*ret = 0;
		return -1;
	}
	size_t n = room < tls->in.size ? room : tls->in.size;
	memcpy(into, tls->in.at, n);
	tls->in.at += n;
	tls->in.size -= n;
	*ret = n;
	return 1;
}

static void grow_out(struct tls *tls, size_t more) {
	if (tls->out_begin > 0) {
		memmove(tls->out, tls->out + tls->out_begin, tls->out_end - tls->out_begin);
		tls->out_end -= tls->out_begin;
		tls->out_begin = 0;
	}
	size_t room = tls->out_room ? tls->out_room : OUT_FIRST;
	while (room < tls->out_end + more) room *= 2;
	if (room == tls->out_room) return;
	tls->out = mem_resize(tls->out, room);
	tls->out_room = room;
}

static int carrier_write(BIO *bio, const char *bytes, size_t size, size_t *ret) {
	struct tls *tls = BIO_get_data(bio);
	*ret = 0;
	if (tls->out_end - tls->out_begin + size > OUT_MAX) return 0;
	if (tls->out_room - tls->out_end < size) grow_out(tls, size);
	memcpy(tls->out + tls->out_end, bytes, size);
	tls->out_end += size;
	*ret = size;
	return 1;
}

static long carrier_control(BIO *bio, int what, long number, void *pointer) {
	(void)bio, (void)number, (void)pointer;
	return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *carrier;

static void make_carrier(void) {
	carrier = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "strest carrier");
	if (!carrier) mem_fail();
	BIO_meth_set_read_ex(carrier, carrier_read);
	BIO_meth_set_write_ex(carrier, carrier_write);
	BIO_meth_set_ctrl(carrier, carrier_control);
}

/* OpenSSL judges its own calls by what it finds in its queue. */
static void clear_errors(void) {
	if (ERR_peek_error() != 0) ERR_clear_error();
}

static void drop_session(struct tls *tls) {
	if (!tls->peer) return;
	SSL_SESSION_free(tls->peer->sessions[tls->address]);
	tls->peer->sessions[tls->address] = NULL;
}

static void fail(struct tls *tls, enum reason reason) {
	if (tls->state == TLS_SHAKING) drop_session(tls); /* it may be what the server does not like */
	tls->state = TLS_FAILED;
	tls->reason = reason;
	tls->in.size = 0;
}

/* RFC 7301 section 3.2: the answer must be one of the offer. No answer means HTTP/1.1. */
static bool alpn_is_fine(const struct tls *tls) {
	const unsigned char *chosen;
	unsigned size;
	SSL_get0_alpn_selected(tls->ssl, &chosen, &size);
	if (!tls->peer || size == 0) return true;
	const struct tls_context *context = tls->peer->context;
	for (size_t at = 0; at < context->alpn_size; at += 1u + context->alpn[at])
		if (context->alpn[at] == size && memcmp(context->alpn + at + 1, chosen, size) == 0) return true;
	return false;
}

static void shake(struct tls *tls) {
	clear_errors();
	int result = SSL_do_handshake(tls->ssl);
	if (result == 1) {
		tls->state = TLS_READY;
		if (!alpn_is_fine(tls)) fail(tls, REASON_TLS_ALPN);
		return;
	}
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ: return;
	case SSL_ERROR_ZERO_RETURN: fail(tls, REASON_TLS_CLOSED); return;
	default: fail(tls, tls_fault_find(tls, true));
	}
}

static struct tls *new_tls(SSL_CTX *context) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_carrier);
	struct tls *tls = mem_zeroed(1, sizeof(*tls));
	BIO *bio = BIO_new(carrier);
	tls->ssl = SSL_new(context);
	if (!bio || !tls->ssl) mem_fail();
	BIO_set_data(bio, tls);
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	return tls;
}

/* Offers a copy of the session: OpenSSL spoils what it resumes with TLS 1.3, and others may want the same before a new ticket has come. */
static void resume(struct tls *tls, SSL_SESSION *session) {
	SSL_SESSION *copy = SSL_SESSION_dup(session);
	if (copy) SSL_set_session(tls->ssl, copy);
	SSL_SESSION_free(copy);
}

struct tls *tls_connect(struct tls_peer *peer, unsigned address) {
	assert(address < peer->session_count);
	struct tls *tls = new_tls(peer->context->ssl);
	tls->peer = peer;
	tls->address = address;
	if (++peer->context->live > LEAN_FROM) SSL_set_mode(tls->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_set_connect_state(tls->ssl);
	if (!tls_peer_apply(peer, tls->ssl)) mem_fail();
	if (peer->sessions[address]) resume(tls, peer->sessions[address]);
	shake(tls);
	return tls;
}

struct tls *tls_accept(const struct tls_server *server) {
	struct tls *tls = new_tls(server->ssl);
	SSL_set_accept_state(tls->ssl);
	return tls;
}

void tls_free(struct tls *tls) {
	if (!tls) return;
	SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else the session could not be resumed */
	SSL_free(tls->ssl);
	if (tls->peer) tls->peer->context->live--;
	free(tls->out);
	free(tls);
}

void tls_describe(const struct tls *tls, struct tls_facts *ret) {
	const unsigned char *alpn;
	unsigned size;
	SSL_get0_alpn_selected(tls->ssl, &alpn, &size);
	*ret = (struct tls_facts){.resumed = SSL_session_reused(tls->ssl) == 1,
		.version = SSL_get_version(tls->ssl),
		.cipher = SSL_get_cipher_name(tls->ssl),
		.alpn = {(const char *)alpn, size}};
}

enum tls_state tls_state(const struct tls *tls) {
	return tls->state;
}

enum reason tls_reason(const struct tls *tls) {
	return tls->reason;
}

enum tls_state tls_feed(struct tls *tls, struct slice bytes) {
	if (tls->state == TLS_CLOSED || tls->state == TLS_FAILED) return tls->state;
	assert(tls->in.size == 0); /* tls_read was called until it returned 0 */
	tls->in = bytes;
	if (tls->state != TLS_SHAKING) return tls->state;
	for (size_t i = 0; tls->head_size < sizeof(tls->head) && i < bytes.size; i++) tls->head[tls->head_size++] = (unsigned char)bytes.at[i];
	shake(tls);
	return tls->state;
}

static void end_reading(struct tls *tls) {
	switch (SSL_get_error(tls->ssl, 0)) {
	case SSL_ERROR_WANT_READ: return;
	case SSL_ERROR_ZERO_RETURN:
		tls->state = TLS_CLOSED;
		tls->in.size = 0;
		return;
	default: fail(tls, tls_fault_find(tls, false));
	}
}

size_t tls_read(struct tls *tls, char *into, size_t room) {
	if (tls->state != TLS_READY) return 0;
	if (tls->in.size == 0 && SSL_pending(tls->ssl) == 0) return 0;
	clear_errors();
	size_t n = 0;
	if (SSL_read_ex(tls->ssl, into, room, &n) == 1) return n;
	end_reading(tls);
	return 0;
}

/* A place in what is to be written. */
struct source {
	const struct iovec *iov;
	int left;    /* pieces */
	size_t done; /* bytes of the first one */
};

static size_t copy_from(struct source *source, char *into, size_t room) {
	size_t copied = 0;
	while (source->left > 0 && copied < room) {
		size_t size = source->iov->iov_len - source->done, n = size < room - copied ? size : room - copied;
		memcpy(into + copied, (const char *)source->iov->iov_base + source->done, n);
		copied += n;
		source->done += n;
		if (source->done < source->iov->iov_len) break;
		source->iov++;
		source->left--;
		source->done = 0;
	}
	return copied;
}

/* The bytes of the next record: in place if they lie together, else put together in `room`. */
static struct slice next_record(struct source *source, char room[RECORD_MAX]) {
	size_t size = source->iov->iov_len - source->done;
	if (source->left > 1 && size < RECORD_MAX) return (struct slice){room, copy_from(source, room, RECORD_MAX)};
	struct slice record = {(const char *)source->iov->iov_base + source->done, size < RECORD_MAX ? size : RECORD_MAX};
	source->done += record.size;
	if (record.size == size) {
		source->iov++;
		source->left--;
		source->done = 0;
	}
	return record;
}

size_t tls_write(struct tls *tls, const struct iovec *iov, int count) {
	struct source source = {.iov = iov, .left = count};
	char room[RECORD_MAX];
	size_t taken = 0, n;
	while (source.left > 0 && tls->state == TLS_READY && tls->out_end - tls->out_begin + RECORD_MAX + RECORD_MORE <= TLS_PENDING_MAX) {
		struct slice record = next_record(&source, room);
		if (record.size == 0) continue;
		clear_errors();
		if (SSL_write_ex(tls->ssl, record.at, record.size, &n) == 1) {
			taken += n;
		} else {
			fail(tls, tls_fault_find(tls, false));
		}
	}
	return taken;
}

struct slice tls_pending(const struct tls *tls) {
	return (struct slice){tls->out ? tls->out + tls->out_begin : NULL, tls->out_end - tls->out_begin};
}

void tls_drained(struct tls *tls, size_t bytes) {
	assert(bytes <= tls->out_end - tls->out_begin);
	tls->out_begin += bytes;
	if (tls->out_begin < tls->out_end) return;
	tls->out_begin = tls->out_end = 0;
	bool few = tls->peer && tls->peer->context->live <= LEAN_FROM;
	if (tls->out_room <= OUT_KEPT || few) return; /* the next request needs it again */
	free(tls->out);
	tls->out = NULL;
	tls->out_room = 0;
}

enum tls_state tls_carrier_closed(struct tls *tls) {
	if (tls->state == TLS_SHAKING) fail(tls, tls_fault_is_other_protocol(tls) ? REASON_TLS_NOT_TLS : REASON_TLS_CLOSED);
	return tls->state;
}

void tls_close_notify(struct tls *tls) {
	if (tls->state != TLS_READY && tls->state != TLS_CLOSED) return;
	clear_errors();
	SSL_shutdown(tls->ssl);
}
