#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tls_fixture.h"

static struct issued *authority;
static const char *bundle;

static int set_up(void **state) {
	if (fixture_init(state) != 0) return -1;
	authority = fixture_issue(&(struct fixture_spec){.name = "test root", .is_authority = true});
	bundle = fixture_write(authority, 1, NULL, NULL);
	return 0;
}

/* The reason with which a client with these settings ends a handshake with `server`; REASON_NONE if both sides can talk afterwards. */
static enum reason try(const struct tls_settings *settings, const char *host, SSL_CTX *server) {
	struct tls *tls = tls_connect(fixture_peer(settings, host), 0);
	struct bare bare;
	struct buf heard;
	buf_init(&heard, 1000);
	bare_open(&bare, server, true);
	bare_talk(&bare, tls, SIZE_MAX, NULL);
	if (tls_state(tls) == TLS_READY) {
		assert_int_equal(tls_write(tls, &(struct iovec){(char[]){"hello"}, 5}, 1), 5);
		bare_talk(&bare, tls, SIZE_MAX, &heard);
	}
	if (tls_state(tls) == TLS_READY) assert_string_equal(buf_text(&bare.heard), "hello");
	assert_true(tls_state(tls) == TLS_READY || tls_state(tls) == TLS_FAILED);
	enum reason reason = tls_reason(tls);
	tls_free(tls);
	bare_close(&bare);
	buf_fini(&heard);
	return reason;
}

static void each_fault_of_a_certificate_has_its_reason(void **state) {
	(void)state;
	struct issued *stranger = fixture_issue(&(struct fixture_spec){.name = "stranger", .is_authority = true});
	struct issued *between = fixture_issue(&(struct fixture_spec){.name = "intermediate", .is_authority = true, .issuer = authority});
	struct issued *no_authority = fixture_issue(&(struct fixture_spec){.name = "no authority", .issuer = authority});
	const struct {
		const char *what;
		struct fixture_spec spec;
		enum reason reason;
	} cases[] = {
		{"good", {.names = "DNS:localhost", .usage = "serverAuth", .issuer = authority}, REASON_NONE},
		{"good, RSA", {.names = "DNS:localhost", .is_rsa = true, .issuer = authority}, REASON_NONE},
		{"good, by an intermediate", {.names = "DNS:localhost", .issuer = between}, REASON_NONE},
		{"expired", {.names = "DNS:localhost", .from = -2 * FIXTURE_DAY, .to = -60, .issuer = authority}, REASON_TLS_EXPIRED},
		{"not yet valid", {.names = "DNS:localhost", .from = 3600, .to = FIXTURE_DAY, .issuer = authority}, REASON_TLS_EXPIRED},
		{"self-signed", {.names = "DNS:localhost"}, REASON_TLS_SELF_SIGNED},
		{"self-signed and expired", {.names = "DNS:localhost", .from = -2 * FIXTURE_DAY, .to = -60}, REASON_TLS_SELF_SIGNED},
		{"unknown authority", {.names = "DNS:localhost", .issuer = stranger}, REASON_TLS_UNTRUSTED},
		{"another host", {.names = "DNS:example.org", .issuer = authority}, REASON_TLS_HOST},
		{"the host's name only as common name", {.issuer = authority}, REASON_TLS_HOST},
		{"for clients", {.names = "DNS:localhost", .usage = "clientAuth", .issuer = authority}, REASON_TLS_PURPOSE},
		{"signed by somebody who may not", {.names = "DNS:localhost", .issuer = no_authority}, REASON_TLS_CERTIFICATE},
	};
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		for (size_t i = 0; i < LENGTH(cases); i++) {
			struct fixture_spec spec = cases[i].spec;
			spec.name = "localhost";
			SSL_CTX *server = fixture_server(fixture_issue(&spec));
			SSL_CTX_set_max_proto_version(server, version);
			struct tls_settings settings = {.cacert = bundle};
			enum reason reason = try(&settings, "localhost", server);
			if (reason != cases[i].reason) fail_msg("%s: %s", cases[i].what, reason_name(reason));
			settings = (struct tls_settings){.insecure = true, .cacert = "/nowhere"}; /* not even read */
			assert_int_equal(try(&settings, "localhost", server), REASON_NONE);
		}
	}
}

static void a_missing_or_sent_root_that_is_not_trusted_is_told_as_such(void **state) {
	(void)state;
	struct issued *stranger = fixture_issue(&(struct fixture_spec){.name = "stranger", .is_authority = true});
	struct issued *between = fixture_issue(&(struct fixture_spec){.name = "intermediate", .is_authority = true, .issuer = authority});
	struct issued *leaf = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = between});
	struct issued *other = fixture_issue(&(struct fixture_spec){.name = "b", .names = "DNS:localhost", .issuer = stranger});
	struct tls_settings settings = {.cacert = bundle};
	SSL_CTX *server = fixture_server(leaf);
	SSL_CTX_clear_chain_certs(server); /* the intermediate is not sent */
	assert_int_equal(try(&settings, "localhost", server), REASON_TLS_UNTRUSTED);
	struct tls_settings trusts_intermediate = {.cacert = fixture_write(between, 1, NULL, NULL)};
	assert_int_equal(try(&trusts_intermediate, "localhost", server), REASON_NONE);
	server = fixture_server(other);
	SSL_CTX_add1_chain_cert(server, stranger->certificate); /* its root is sent */
	assert_int_equal(try(&settings, "localhost", server), REASON_TLS_UNTRUSTED);
	struct tls_settings whole = {.cacert = fixture_write(leaf, 3, NULL, NULL)}; /* the root is the third of the bundle */
	assert_int_equal(try(&whole, "localhost", fixture_server(leaf)), REASON_NONE);
	struct issued *alone = fixture_issue(&(struct fixture_spec){.name = "c", .names = "DNS:localhost"});
	struct tls_settings trusts_it = {.cacert = fixture_write(alone, 1, NULL, NULL)};
	assert_int_equal(try(&trusts_it, "localhost", fixture_server(alone)), REASON_NONE);
}

static char asked[300]; /* by SNI; "-" for nothing */

static int note_name(SSL *ssl, int *alert, void *user) {
	(void)alert, (void)user;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	snprintf(asked, sizeof(asked), "%s", name ? name : "-");
	return SSL_TLSEXT_ERR_OK;
}

static void names_and_addresses_are_checked_as_what_they_are(void **state) {
	(void)state;
	static const char names[] = "DNS:localhost,DNS:*.example.com,DNS:10.0.0.9,IP:127.0.0.1,IP:::1,IP:fe80::1";
	static const struct {
		const char *host, *sni;
		enum reason reason;
	} cases[] = {{"localhost", "localhost", REASON_NONE}, {"LocalHost", "LocalHost", REASON_NONE}, {"localhost.", "localhost", REASON_NONE},
		{"www.example.com", "www.example.com", REASON_NONE}, {"a.www.example.com", "a.www.example.com", REASON_TLS_HOST},
		{"example.com", "example.com", REASON_TLS_HOST}, {"127.0.0.1", "-", REASON_NONE}, {"127.0.0.2", "-", REASON_TLS_HOST},
		{"::1", "-", REASON_NONE}, {"[::1]", "-", REASON_NONE}, {"0:0:0:0:0:0:0:1", "-", REASON_NONE}, {"::2", "-", REASON_TLS_HOST},
		{"fe80::1%lo", "-", REASON_NONE}, {"10.0.0.9", "-", REASON_TLS_HOST}};
	SSL_CTX *server = fixture_server(fixture_issue(&(struct fixture_spec){.name = "names", .names = names, .issuer = authority}));
	SSL_CTX_set_tlsext_servername_callback(server, note_name);
	struct tls_settings settings = {.cacert = bundle};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		enum reason reason = try(&settings, cases[i].host, server);
		if (reason != cases[i].reason) fail_msg("%s: %s", cases[i].host, reason_name(reason));
		assert_string_equal(asked, cases[i].sni);
	}
}

static void versions_keep_within_their_limits(void **state) {
	(void)state;
	static const struct {
		int min, max, server_min, server_max; /* 0: not given */
		int got;                              /* 0: REASON_TLS_VERSION */
	} cases[] = {
		{0, 0, 0, 0, TLS1_3_VERSION},
		{0, TLS_VERSION_1_2, 0, 0, TLS1_2_VERSION},
		{0, TLS_VERSION_1_3, 0, TLS1_2_VERSION, TLS1_2_VERSION},
		{TLS_VERSION_1_3, 0, 0, TLS1_2_VERSION, 0},
		{TLS_VERSION_1_3, TLS_VERSION_1_3, 0, 0, TLS1_3_VERSION},
		{0, TLS_VERSION_1_2, TLS1_3_VERSION, 0, 0},
		{0, 0, 0, TLS1_1_VERSION, 0},
		{TLS_VERSION_1_0, 0, 0, TLS1_1_VERSION, TLS1_1_VERSION},
		{TLS_VERSION_1_0, 0, 0, TLS1_VERSION, TLS1_VERSION},
		{0, TLS_VERSION_1_0, 0, 0, TLS1_VERSION},
		{0, TLS_VERSION_1_1, 0, 0, TLS1_1_VERSION},
		{TLS_VERSION_1_1, TLS_VERSION_1_2, 0, TLS1_VERSION, 0},
	};
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = authority});
	for (size_t i = 0; i < LENGTH(cases); i++) {
		SSL_CTX *server = fixture_server(own);
		if (cases[i].server_min) SSL_CTX_set_min_proto_version(server, cases[i].server_min);
		SSL_CTX_set_max_proto_version(server, cases[i].server_max);
		struct tls_settings settings = {.cacert = bundle, .min = cases[i].min, .max = cases[i].max};
		struct tls *tls = tls_connect(fixture_peer(&settings, "localhost"), 0);
		struct bare bare;
		bare_open(&bare, server, true);
		bare_talk(&bare, tls, SIZE_MAX, NULL);
		if (cases[i].got == 0 && tls_reason(tls) != REASON_TLS_VERSION) fail_msg("case %zu: %s", i, reason_name(tls_reason(tls)));
		if (cases[i].got != 0) assert_int_equal(SSL_version(bare.ssl), cases[i].got);
		assert_int_equal(tls_state(tls), cases[i].got ? TLS_READY : TLS_FAILED);
		tls_free(tls);
		bare_close(&bare);
	}
}

/* A server's choice; NULL: it refuses. */
static int choose(SSL *ssl, const unsigned char **ret, unsigned char *size, const unsigned char *offer, unsigned offered, void *user) {
	(void)ssl, (void)offer, (void)offered;
	if (!user) return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = user;
	*size = (unsigned char)strlen(user);
	return SSL_TLSEXT_ERR_OK;
}

static void alpn_is_offered_when_asked_and_its_answer_must_fit(void **state) {
	(void)state;
	static const char *offer[] = {"http/1.1"};
	static char same[] = "http/1.1", other[] = "h2";
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = authority});
	struct tls_settings offers = {.cacert = bundle, .alpn = {1, offer}}, silent = {.cacert = bundle};
	SSL_CTX *server = fixture_server(own);
	assert_int_equal(try(&offers, "localhost", server), REASON_NONE); /* no answer means HTTP/1.1 */
	SSL_CTX_set_alpn_select_cb(server, choose, same);
	assert_int_equal(try(&offers, "localhost", server), REASON_NONE);
	SSL_CTX_set_alpn_select_cb(server, choose, other);
	assert_int_equal(try(&offers, "localhost", server), REASON_TLS_ALPN);
	SSL_CTX_set_alpn_select_cb(server, choose, NULL);
	assert_int_equal(try(&offers, "localhost", server), REASON_TLS_ALPN);
	assert_int_equal(try(&silent, "localhost", server), REASON_NONE); /* it was not asked */
}

static void a_server_may_want_a_client_certificate(void **state) {
	(void)state;
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = authority});
	struct issued *between = fixture_issue(&(struct fixture_spec){.name = "intermediate", .is_authority = true, .issuer = authority});
	struct issued *user = fixture_issue(&(struct fixture_spec){.name = "user", .usage = "clientAuth", .issuer = between});
	struct issued *stranger = fixture_issue(&(struct fixture_spec){.name = "stranger"});
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *server = fixture_server(own);
		SSL_CTX_set_max_proto_version(server, version);
		SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority->certificate);
		struct tls_settings settings = {.cacert = bundle};
		assert_int_equal(try(&settings, "localhost", server), REASON_TLS_CLIENT_CERT);
		settings.cert = fixture_write(user, 2, NULL, NULL);
		settings.key = fixture_write(NULL, 0, user, NULL);
		assert_int_equal(try(&settings, "localhost", server), REASON_NONE);
		settings.cert = settings.key = fixture_write(stranger, 1, stranger, NULL); /* both in one file */
		assert_int_equal(try(&settings, "localhost", server), REASON_TLS_CLIENT_CERT);
	}
}

static unsigned offered_alpn; /* by a client; bytes */

static int note_offer(SSL *ssl, int *alert, void *user) {
	(void)alert, (void)user;
	const unsigned char *offer;
	size_t size = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offer, &size) != 1) size = 0;
	offered_alpn = (unsigned)size;
	return SSL_CLIENT_HELLO_SUCCESS;
}

static void what_is_for_the_target_is_kept_from_a_proxy(void **state) {
	(void)state;
	static const char *offer[] = {"http/1.1"};
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = authority});
	struct issued *user = fixture_issue(&(struct fixture_spec){.name = "user", .usage = "clientAuth", .issuer = authority});
	struct tls_settings settings = {.cacert = bundle, .cert = fixture_write(user, 1, user, NULL), .alpn = {1, offer}};
	settings.key = settings.cert;
	struct tls_context *context = fixture_context(&settings);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *server = fixture_server(own);
		SSL_CTX_set_max_proto_version(server, version);
		SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL); /* asks, and takes none for an answer */
		X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority->certificate);
		SSL_CTX_set_client_hello_cb(server, note_offer, NULL);
		static const enum tls_role roles[] = {TLS_TARGET, TLS_PROXY, TLS_TARGET};
		for (size_t i = 0; i < LENGTH(roles); i++) {
			struct tls_peer *peer = tls_peer_new(context, roles[i], "localhost", 1);
			struct tls *tls = tls_connect(peer, 0);
			struct bare bare;
			bare_open(&bare, server, true);
			bare_talk(&bare, tls, SIZE_MAX, NULL);
			assert_int_equal(tls_state(tls), TLS_READY);
			assert_int_equal(SSL_get0_peer_certificate(bare.ssl) != NULL, roles[i] == TLS_TARGET);
			assert_int_equal(
				offered_alpn, roles[i] == TLS_TARGET ? 2 + 1 + 8 : 0); /* RFC 7301 section 3.1: two lengths before the name */
			tls_free(tls);
			tls_peer_free(peer);
			bare_close(&bare);
		}
	}
}

static void a_proxy_is_checked_like_a_target(void **state) {
	(void)state;
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .issuer = authority});
	SSL_CTX *server = fixture_server(own);
	struct tls_context *context = fixture_context(&(struct tls_settings){.cacert = bundle});
	static const struct {
		const char *host;
		enum reason reason;
	} cases[] = {{"localhost", REASON_NONE}, {"example.org", REASON_TLS_HOST}, {"127.0.0.1", REASON_TLS_HOST}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tls_peer *peer = tls_peer_new(context, TLS_PROXY, cases[i].host, 1);
		struct tls *tls = tls_connect(peer, 0);
		struct bare bare;
		bare_open(&bare, server, true);
		bare_talk(&bare, tls, SIZE_MAX, NULL);
		if (tls_reason(tls) != cases[i].reason) fail_msg("%s: %s", cases[i].host, reason_name(tls_reason(tls)));
		tls_free(tls);
		tls_peer_free(peer);
		bare_close(&bare);
	}
}

static void files_that_do_not_fit_are_refused_in_words(void **state) {
	(void)state;
	struct issued *one = fixture_issue(&(struct fixture_spec){.name = "one"}), *two = fixture_issue(&(struct fixture_spec){.name = "two"});
	const char *cert = fixture_write(one, 1, NULL, NULL), *key = fixture_write(NULL, 0, two, NULL),
		   *locked = fixture_write(NULL, 0, one, "secret");
	const char *text = fixture_write_text("no PEM here\n"), *empty = fixture_write_text("");
	const char *damaged = fixture_write_text("-----BEGIN CERTIFICATE-----\nMIIBZjCC\n-----END CERTIFICATE-----\n");
	const struct {
		struct tls_settings settings;
		const char *option, *path, *words;
	} cases[] = {
		{{.cert = cert, .key = key}, "--key: ", key, "does not belong to the certificate"},
		{{.cert = cert, .key = locked}, "--key: ", locked, "is encrypted"},
		{{.cert = cert, .key = text}, "--key: ", text, "no private key"},
		{{.cert = cert, .key = cert}, "--key: ", cert, "no private key"},
		{{.cert = cert, .key = "/nowhere/key"}, "--key: ", "/nowhere/key", "No such file"},
		{{.cert = "/nowhere/cert", .key = key}, "--cert: ", "/nowhere/cert", "No such file"},
		{{.cert = text, .key = key}, "--cert: ", text, "no certificate"},
		{{.cert = damaged, .key = key}, "--cert: ", damaged, "certificate 1 of"},
		{{.cert = "/tmp", .key = key}, "--cert: ", "/tmp", "Is a directory"},
		{{.cacert = "/nowhere/ca"}, "--cacert: ", "/nowhere/ca", "No such file"},
		{{.cacert = empty}, "--cacert: ", empty, "no certificate"},
		{{.cacert = damaged}, "--cacert: ", damaged, "is damaged"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tls_context *context;
		struct err err;
		assert_false(tls_context_open(&cases[i].settings, &context, &err));
		assert_int_equal(err.code, ERR_FAILED);
		assert_memory_equal(err.text, cases[i].option, strlen(cases[i].option));
		if (!strstr(err.text, cases[i].path) || !strstr(err.text, cases[i].words)) fail_msg("case %zu: %s", i, err.text);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_fini)
	const struct CMUnitTest tests[] = {
		TEST(each_fault_of_a_certificate_has_its_reason),
		TEST(a_missing_or_sent_root_that_is_not_trusted_is_told_as_such),
		TEST(names_and_addresses_are_checked_as_what_they_are),
		TEST(versions_keep_within_their_limits),
		TEST(alpn_is_offered_when_asked_and_its_answer_must_fit),
		TEST(a_server_may_want_a_client_certificate),
		TEST(what_is_for_the_target_is_kept_from_a_proxy),
		TEST(a_proxy_is_checked_like_a_target),
		TEST(files_that_do_not_fit_are_refused_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
