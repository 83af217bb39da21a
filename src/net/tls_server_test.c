#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tls_fixture.h"

static struct tls_server *open_server(const char *cert, const char *key) {
	struct tls_server *server;
	struct err err;
	if (!tls_server_open(cert, key, &server, &err)) fail_msg("%s", err.text);
	return server;
}

/* A connection of a bare client with our server. */
static struct tls *meet(const struct tls_server *server, SSL_CTX *client, size_t step, struct bare *bare) {
	struct tls *tls = tls_accept(server);
	bare_open(bare, client, false);
	bare_talk(bare, tls, step, NULL);
	return tls;
}

static void part(struct tls *tls, struct bare *bare) {
	tls_free(tls);
	bare_close(bare);
}

static void a_server_works_however_its_bytes_are_split(void **state) {
	(void)state;
	struct issued *authority = fixture_issue(&(struct fixture_spec){.name = "root", .is_authority = true});
	struct issued *between = fixture_issue(&(struct fixture_spec){.name = "intermediate", .is_authority = true, .issuer = authority});
	struct issued *own = fixture_issue(&(struct fixture_spec){.name = "a", .names = "DNS:localhost", .is_rsa = true, .issuer = between});
	struct tls_server *server = open_server(fixture_write(own, 2, NULL, NULL), fixture_write(NULL, 0, own, NULL));
	static const size_t steps[] = {1, 3, 5, 100, SIZE_MAX};
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *client = fixture_client(authority);
		SSL_CTX_set_max_proto_version(client, version);
		for (size_t i = 0; i < LENGTH(steps); i++) {
			struct bare bare;
			struct buf heard;
			struct tls *tls = meet(server, client, steps[i], &bare);
			buf_init(&heard, 1000);
			assert_int_equal(tls_state(tls), TLS_READY);
			assert_int_equal(SSL_version(bare.ssl), version);
			assert_int_equal(SSL_get_verify_result(bare.ssl), X509_V_OK);
			assert_int_equal(SSL_write(bare.ssl, "question", 8), 8);
			bare_talk(&bare, tls, steps[i], &heard);
			assert_string_equal(buf_text(&heard), "question");
			assert_int_equal(tls_write(tls, &(struct iovec){(char[]){"answer"}, 6}, 1), 6);
			bare_talk(&bare, tls, steps[i], &heard);
			assert_string_equal(buf_text(&bare.heard), "answer");
			part(tls, &bare);
			buf_fini(&heard);
		}
	}
	tls_server_close(server);
}

static void its_own_certificate_is_for_the_names_of_loopback(void **state) {
	(void)state;
	struct tls_server *server = open_server(NULL, NULL);
	struct bare bare;
	struct tls *tls = meet(server, fixture_client(NULL), SIZE_MAX, &bare);
	X509 *certificate = SSL_get1_peer_certificate(bare.ssl);
	assert_non_null(certificate);
	part(tls, &bare);
	assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
	assert_int_equal(X509_check_host(certificate, "example.com", 0, 0, NULL), 0);
	SSL_CTX *client = fixture_client(&(struct issued){.certificate = certificate});
	tls = meet(server, client, SIZE_MAX, &bare);
	assert_int_equal(tls_state(tls), TLS_READY);
	assert_int_equal(SSL_get_verify_result(bare.ssl), X509_V_OK);
	part(tls, &bare);
	X509_free(certificate);
	tls_server_close(server);
}

static void sessions_are_resumed_by_whoever_asks(void **state) {
	(void)state;
	struct tls_server *server = open_server(NULL, NULL);
	for (int version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
		struct tls_settings settings = {.insecure = true, .resume = true, .max = version};
		struct tls_peer *peer = fixture_peer(&settings, "localhost");
		for (int i = 0; i < 3; i++) { /* our client and our server */
			struct tls *client = tls_connect(peer, 0), *served = tls_accept(server);
			for (int round = 0; round < 10; round++) {
				bare_feed(served, tls_pending(client), SIZE_MAX, NULL);
				tls_drained(client, tls_pending(client).size);
				bare_feed(client, tls_pending(served), SIZE_MAX, NULL);
				tls_drained(served, tls_pending(served).size);
			}
			struct tls_facts there, here;
			tls_describe(client, &there);
			tls_describe(served, &here);
			assert_int_equal(tls_state(client), TLS_READY);
			assert_int_equal(tls_state(served), TLS_READY);
			assert_int_equal(there.resumed, i > 0);
			assert_int_equal(here.resumed, i > 0);
			tls_free(client);
			tls_free(served);
		}
	}
	tls_server_close(server);
}

static void only_http_is_spoken(void **state) {
	(void)state;
	static const struct {
		const char *offer; /* as on the wire */
		unsigned size;
		const char *chosen; /* NULL: the handshake fails */
	} cases[] = {{"", 0, ""}, {"\x08http/1.1", 9, "http/1.1"}, {"\x08http/1.1\x02h2", 12, "h2"}, {"\x02h2", 3, "h2"}, {"\x02h3", 3, NULL}};
	struct tls_server *server = open_server(NULL, NULL);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct bare bare;
		SSL_CTX *client = fixture_client(NULL);
		SSL_CTX_set_alpn_protos(client, (const unsigned char *)cases[i].offer, cases[i].size);
		struct tls *tls = meet(server, client, SIZE_MAX, &bare);
		const unsigned char *chosen;
		unsigned size;
		SSL_get0_alpn_selected(bare.ssl, &chosen, &size);
		assert_int_equal(tls_state(tls), cases[i].chosen ? TLS_READY : TLS_FAILED);
		assert_int_equal(size, cases[i].chosen ? strlen(cases[i].chosen) : 0);
		if (size > 0) assert_memory_equal(chosen, cases[i].chosen, size);
		part(tls, &bare);
	}
	tls_server_close(server);
}

static void old_versions_and_bad_files_are_refused(void **state) {
	(void)state;
	struct tls_server *server = open_server(NULL, NULL);
	SSL_CTX *client = fixture_client(NULL);
	SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
	struct bare bare;
	struct tls *tls = meet(server, client, SIZE_MAX, &bare);
	assert_int_equal(tls_state(tls), TLS_FAILED);
	part(tls, &bare);
	tls_server_close(server);
	struct issued *one = fixture_issue(&(struct fixture_spec){.name = "one"}), *two = fixture_issue(&(struct fixture_spec){.name = "two"});
	struct err err;
	assert_false(tls_server_open(fixture_write(one, 1, NULL, NULL), fixture_write(NULL, 0, two, NULL), &server, &err));
	assert_non_null(strstr(err.text, "--key: "));
	assert_non_null(strstr(err.text, "does not belong"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_fini)
	const struct CMUnitTest tests[] = {
		TEST(a_server_works_however_its_bytes_are_split),
		TEST(its_own_certificate_is_for_the_names_of_loopback),
		TEST(sessions_are_resumed_by_whoever_asks),
		TEST(only_http_is_spoken),
		TEST(old_versions_and_bad_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
