#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tls_fixture.h"

#define WHOLE SIZE_MAX /* as a step: all at once */

static struct issued *authority, *own;
static const char *bundle;
static struct buf heard; /* by our side */

/* A certificate for localhost that a client with --cacert bundle trusts. */
static int set_up(void **state) {
	if (fixture_init(state) != 0) return -1;
	authority = fixture_issue(&(struct fixture_spec){.name = "test root", .is_authority = true});
	own = fixture_issue(&(struct fixture_spec){.name = "server", .names = "DNS:localhost", .usage = "serverAuth", .issuer = authority});
	bundle = fixture_write(authority, 1, NULL, NULL);
	buf_init(&heard, (size_t)1 << 26);
	return 0;
}

static int tear_down(void **state) {
	buf_fini(&heard);
	return fixture_fini(state);
}

static size_t write_all(struct tls *tls, const char *text) {
	struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
	return tls_write(tls, &iov, 1);
}

/* A connection of ours with a bare server; ready or failed. */
static struct tls *meet(struct tls_peer *peer, SSL_CTX *server, size_t step, struct bare *bare) {
	struct tls *tls = tls_connect(peer, 0);
	bare_open(bare, server, true);
	bare_talk(bare, tls, step, NULL);
	return tls;
}

static void part(struct tls *tls, struct bare *bare) {
	tls_free(tls);
	bare_close(bare);
}

static void check_echo(struct tls *tls, struct bare *bare, size_t step) {
	buf_fini(&heard);
	assert_int_equal(write_all(tls, "question"), 8);
	bare_talk(bare, tls, step, &heard);
	assert_string_equal(buf_text(&bare->heard), "question");
	assert_int_equal(SSL_write(bare->ssl, "answer", 6), 6);
	bare_talk(bare, tls, step, &heard);
	assert_string_equal(buf_text(&heard), "answer");
}

static void a_connection_works_however_its_bytes_are_split(void **state) {
	(void)state;
	static const size_t steps[] = {1, 2, 5, 6, 97, 1000, WHOLE};
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle, .min = TLS_VERSION_1_0}, "localhost");
	SSL_CTX *server = fixture_server(own);
	for (size_t v = 0; v < LENGTH(versions); v++) {
		SSL_CTX_set_max_proto_version(server, versions[v]);
		for (size_t i = 0; i < LENGTH(steps); i++) {
			struct bare bare;
			struct tls_facts facts;
			struct tls *tls = meet(peer, server, steps[i], &bare);
			assert_int_equal(tls_state(tls), TLS_READY);
			tls_describe(tls, &facts);
			assert_int_equal(SSL_version(bare.ssl), versions[v]);
			assert_string_equal(facts.version, SSL_get_version(bare.ssl));
			assert_string_equal(facts.cipher, SSL_get_cipher_name(bare.ssl));
			assert_int_equal(facts.alpn.size, 0);
			check_echo(tls, &bare, steps[i]);
			part(tls, &bare);
		}
	}
}

static void sessions_are_resumed_when_asked_and_kept_apart_by_address(void **state) {
	(void)state;
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	static const unsigned char name[] = "tls_test";
	SSL_CTX *server = fixture_server(own);
	SSL_CTX_set_session_id_context(server, name, sizeof(name));
	for (size_t v = 0; v < LENGTH(versions); v++) {
		SSL_CTX_set_max_proto_version(server, versions[v]);
		for (int resume = 0; resume < 2; resume++) {
			struct tls_settings settings = {.cacert = bundle, .resume = resume};
			struct tls_peer *peer = tls_peer_new(fixture_context(&settings), TLS_TARGET, "localhost", 2);
			static const unsigned addresses[] = {0, 0, 0, 1, 1, 0};
			static const bool known[] = {false, true, true, false, true, true};
			for (size_t i = 0; i < LENGTH(addresses); i++) {
				struct bare bare;
				struct tls *tls = tls_connect(peer, addresses[i]);
				bare_open(&bare, server, true);
				bare_talk(&bare, tls, 100, NULL);
				struct tls_facts facts;
				tls_describe(tls, &facts);
				assert_int_equal(tls_state(tls), TLS_READY);
				assert_int_equal(facts.resumed, resume && known[i]);
				assert_int_equal(SSL_session_reused(bare.ssl), resume && known[i]);
				part(tls, &bare);
			}
			tls_peer_free(peer);
		}
	}
}

static void peers_of_one_context_know_nothing_of_each_other(void **state) {
	(void)state;
	static const char *const hosts[] = {"localhost", "example.org"};
	struct issued *other = fixture_issue(&(struct fixture_spec){.name = "other", .names = "DNS:example.org", .issuer = authority});
	SSL_CTX *servers[] = {fixture_server(own), fixture_server(other)};
	struct tls_context *context = fixture_context(&(struct tls_settings){.cacert = bundle, .resume = true});
	struct tls_peer *peers[2];
	for (size_t i = 0; i < 2; i++) peers[i] = tls_peer_new(context, TLS_TARGET, hosts[i], 1);
	static const struct {
		unsigned peer, server;
		bool resumed;
		enum reason reason;
	} steps[] = {{0, 0, false, REASON_NONE}, {1, 1, false, REASON_NONE}, {0, 0, true, REASON_NONE}, {1, 0, false, REASON_TLS_HOST},
		{0, 0, true, REASON_NONE}, {1, 1, false, REASON_NONE}, {1, 1, true, REASON_NONE}}; /* a failure costs the session of its own peer */
	for (size_t i = 0; i < LENGTH(steps); i++) {
		struct bare bare;
		struct tls_facts facts;
		struct tls *tls = meet(peers[steps[i].peer], servers[steps[i].server], WHOLE, &bare);
		if (tls_reason(tls) != steps[i].reason) fail_msg("step %zu: %s", i, reason_name(tls_reason(tls)));
		tls_describe(tls, &facts);
		assert_int_equal(facts.resumed, steps[i].resumed);
		part(tls, &bare);
	}
	for (size_t i = 0; i < 2; i++) tls_peer_free(peers[i]);
}

static void one_ticket_serves_until_another_comes(void **state) {
	(void)state;
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle, .resume = true}, "localhost");
	SSL_CTX *server = fixture_server(own);
	struct bare bare;
	part(meet(peer, server, WHOLE, &bare), &bare);
	SSL_CTX_set_num_tickets(server, 0); /* the one of the first connection is the last */
	for (int i = 0; i < 3; i++) {
		struct tls *tls = meet(peer, server, WHOLE, &bare);
		assert_int_equal(SSL_version(bare.ssl), TLS1_3_VERSION);
		assert_int_equal(SSL_session_reused(bare.ssl), 1);
		part(tls, &bare);
	}
}

static void a_shared_context_reads_no_file_again_and_has_its_own_sessions(void **state) {
	(void)state;
	const struct issued *user = fixture_issue(&(struct fixture_spec){.name = "user", .usage = "clientAuth", .issuer = authority});
	const char *cert = fixture_write(user, 2, NULL, NULL), *key = fixture_write(NULL, 0, user, NULL);
	const char *trust = fixture_write(authority, 1, NULL, NULL);
	static const char *const names[] = {"http/1.1"};
	struct tls_settings settings = {.cacert = trust, .cert = cert, .key = key, .resume = true, .alpn = {1, (const char **)(uintptr_t)names}};
	struct tls_context *first;
	struct err err;
	assert_true(tls_context_open(&settings, &first, &err));
	for (size_t i = 0; i < 3; i++) assert_int_equal(remove((const char *[]){cert, key, trust}[i]), 0);
	struct tls_context *second = tls_context_share(first);
	SSL_CTX *server = fixture_server(own);
	SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority->certificate);
	SSL_CTX_set_session_id_context(server, (const unsigned char *)"x", 1);
	struct tls_peer *peers[] = {tls_peer_new(first, TLS_TARGET, "localhost", 1), tls_peer_new(second, TLS_TARGET, "localhost", 1)};
	struct tls_peer *used[] = {peers[0], peers[1], peers[1]};
	static const bool resumed[] = {false, false, true};
	for (size_t i = 0; i < LENGTH(used); i++) {
		struct bare bare;
		struct tls_facts facts;
		struct tls *tls = meet(used[i], server, WHOLE, &bare);
		assert_int_equal(tls_state(tls), TLS_READY);
		tls_describe(tls, &facts);
		assert_int_equal(facts.resumed, resumed[i]);
		assert_int_equal(SSL_get_verify_result(bare.ssl), X509_V_OK);
		check_echo(tls, &bare, WHOLE);
		part(tls, &bare);
		if (i > 0) continue;
		tls_peer_free(peers[0]);
		tls_context_close(first);
	}
	tls_peer_free(peers[1]);
	tls_context_close(second);
}

static struct iovec *fill(char *bytes, size_t size, struct iovec iov[3]) {
	for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 2654435761u >> 24);
	iov[0] = (struct iovec){bytes, 10};
	iov[1] = (struct iovec){bytes + 10, 100000};
	iov[2] = (struct iovec){bytes + 100010, size - 100010};
	return iov;
}

static void big_bodies_pass_both_ways_and_little_waits(void **state) {
	(void)state;
	const size_t size = 8 << 20;
	char *bytes = malloc(size);
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	struct bare bare;
	struct tls *tls = meet(peer, fixture_server(own), WHOLE, &bare);
	struct iovec iov[3], *left = fill(bytes, size, iov);
	int rounds = 0;
	for (int count = 3; count > 0;) {
		size_t taken = tls_write(tls, left, count);
		assert_true(taken > 0 && tls_pending(tls).size < TLS_PENDING_MAX);
		rounds++;
		for (; count > 0 && taken >= left->iov_len; left++, count--) taken -= left->iov_len;
		if (count > 0) *left = (struct iovec){(char *)left->iov_base + taken, left->iov_len - taken};
		bare_talk(&bare, tls, WHOLE, NULL);
	}
	assert_true(rounds <= (8 << 20) / 65536);
	assert_int_equal(bare.heard.size, size);
	assert_memory_equal(bare.heard.at, bytes, size);
	assert_int_equal(SSL_write(bare.ssl, bytes, (int)size), size);
	bare_talk(&bare, tls, 65536, &heard);
	assert_int_equal(heard.size, size);
	assert_memory_equal(heard.at, bytes, size);
	part(tls, &bare);
	free(bytes);
}

/* The records in a run of bytes (RFC 8446 section 5.1): their number; each must be whole. */
static size_t count_records(struct slice bytes) {
	size_t count = 0;
	for (; bytes.size > 0; count++) {
		assert_true(bytes.size >= 5);
		size_t size = 5 + ((size_t)(unsigned char)bytes.at[3] << 8 | (unsigned char)bytes.at[4]);
		assert_true(size <= bytes.size);
		bytes.at += size;
		bytes.size -= size;
	}
	return count;
}

static void small_pieces_make_one_record(void **state) {
	(void)state;
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	struct bare bare;
	struct tls *tls = meet(peer, fixture_server(own), WHOLE, &bare);
	char body[40000];
	memset(body, 'b', sizeof(body));
	struct iovec small[] = {{(char[]){"GET / HTTP/1.1\r\n"}, 16}, {body, 0}, {(char[]){"Host: a\r\n\r\n"}, 11}, {body, 1000}};
	assert_int_equal(tls_write(tls, small, 4), 1027);
	assert_int_equal(count_records(tls_pending(tls)), 1);
	bare_talk(&bare, tls, WHOLE, NULL);
	assert_int_equal(bare.heard.size, 1027);
	assert_memory_equal(bare.heard.at, "GET / HTTP/1.1\r\nHost: a\r\n\r\nbbbb", 31);
	struct iovec large[] = {{(char[]){"head"}, 4}, {body, sizeof(body)}};
	assert_int_equal(tls_write(tls, large, 2), 40004);
	assert_int_equal(count_records(tls_pending(tls)), 3); /* of 16,384 bytes at most */
	part(tls, &bare);
}

static void an_end_is_told_in_both_directions(void **state) {
	(void)state;
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	struct bare bare;
	struct tls *tls = meet(peer, fixture_server(own), WHOLE, &bare);
	assert_int_equal(SSL_write(bare.ssl, "last words", 10), 10);
	SSL_shutdown(bare.ssl);
	bare_talk(&bare, tls, WHOLE, &heard);
	assert_string_equal(buf_text(&heard), "last words");
	assert_int_equal(tls_state(tls), TLS_CLOSED);
	assert_int_equal(tls_reason(tls), REASON_NONE);
	assert_int_equal(tls_feed(tls, SLICE("more")), TLS_CLOSED);
	assert_int_equal(tls_carrier_closed(tls), TLS_CLOSED);
	part(tls, &bare);
	tls = meet(peer, fixture_server(own), WHOLE, &bare);
	tls_close_notify(tls);
	tls_close_notify(tls);
	assert_int_equal(count_records(tls_pending(tls)), 1);
	bare_talk(&bare, tls, WHOLE, NULL);
	assert_true(SSL_get_shutdown(bare.ssl) & SSL_RECEIVED_SHUTDOWN);
	assert_int_equal(tls_carrier_closed(tls), TLS_READY); /* for the protocol above to judge */
	part(tls, &bare);
}

static void a_carrier_that_closes_in_the_handshake_is_a_failure(void **state) {
	(void)state;
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	for (int reset = 0; reset < 2; reset++) {
		for (int begun = 0; begun < 2; begun++) {
			struct tls *tls = tls_connect(peer, 0);
			tls_close_notify(tls); /* does nothing yet */
			assert_int_equal(count_records(tls_pending(tls)), 1);
			if (begun) assert_int_equal(tls_feed(tls, SLICE("\x16\x03\x03\x01")), TLS_SHAKING);
			assert_int_equal(tls_carrier_closed(tls), TLS_FAILED);
			assert_int_equal(tls_reason(tls), REASON_TLS_CLOSED);
			tls_free(tls);
		}
	}
}

static void bytes_that_are_not_tls_are_called_so(void **state) {
	(void)state;
	static const struct {
		struct slice bytes;
		enum reason reason;
	} cases[] = {{SLICE("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), REASON_TLS_NOT_TLS},
		{SLICE("SSH-2.0-x\r\n"), REASON_TLS_NOT_TLS}, {SLICE("H"), REASON_TLS_NOT_TLS}, {SLICE("\0\0\0\0\0\0\0\0"), REASON_TLS_NOT_TLS},
		{SLICE("\x16HTTP/"), REASON_TLS_NOT_TLS}, {SLICE("\x16\x03\x03\xff\xff....."), REASON_TLS_BROKEN},
		{SLICE("\x16\x03\x03\x00\x04garb"), REASON_TLS_BROKEN}, {SLICE("\x17\x03\x03\x00\x04garb"), REASON_TLS_BROKEN},
		{SLICE("\x15\x03\x03\x00\x02\x02\x28"), REASON_TLS_REFUSED}, {SLICE("\x15\x03\x01\x00\x02\x02\x46"), REASON_TLS_VERSION},
		{SLICE("\x15\x03\x01\x00\x02\x02\x70"), REASON_TLS_REFUSED}, {SLICE("\x15\x03\x03\x00\x02\x02\x78"), REASON_TLS_ALPN},
		{SLICE("\x15\x03\x03\x00\x02\x01\x00"), REASON_TLS_CLOSED}};
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		for (int split = 0; split < 2; split++) {
			struct tls *tls = tls_connect(peer, 0);
			bare_feed(tls, cases[i].bytes, split ? 1 : WHOLE, NULL);
			assert_int_equal(tls_carrier_closed(tls), TLS_FAILED); /* five bytes must be there before OpenSSL looks at them */
			if (tls_reason(tls) != cases[i].reason) fail_msg("case %zu: %s", i, reason_name(tls_reason(tls)));
			tls_free(tls);
		}
	}
}

static void a_damaged_record_breaks_the_connection(void **state) {
	(void)state;
	struct tls_peer *peer = fixture_peer(&(struct tls_settings){.cacert = bundle}, "localhost");
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct bare bare;
		char record[200];
		SSL_CTX *server = fixture_server(own);
		SSL_CTX_set_max_proto_version(server, version);
		struct tls *tls = meet(peer, server, WHOLE, &bare);
		SSL_write(bare.ssl, "good", 4);
		bare_talk(&bare, tls, WHOLE, &heard);
		SSL_write(bare.ssl, "bad", 3);
		int size = BIO_read(SSL_get_wbio(bare.ssl), record, sizeof(record));
		record[size - 1] ^= 1;
		assert_int_equal(bare_feed(tls, (struct slice){record, (size_t)size}, WHOLE, &heard), TLS_FAILED);
		assert_int_equal(tls_reason(tls), REASON_TLS_BROKEN);
		assert_string_equal(buf_text(&heard), "good");
		assert_int_equal(write_all(tls, "too late"), 0);
		assert_int_equal(count_records(tls_pending(tls)), 1); /* the alert */
		buf_fini(&heard);
		part(tls, &bare);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_works_however_its_bytes_are_split),
		TEST(sessions_are_resumed_when_asked_and_kept_apart_by_address),
		TEST(peers_of_one_context_know_nothing_of_each_other),
		TEST(one_ticket_serves_until_another_comes),
		TEST(a_shared_context_reads_no_file_again_and_has_its_own_sessions),
		TEST(big_bodies_pass_both_ways_and_little_waits),
		TEST(small_pieces_make_one_record),
		TEST(an_end_is_told_in_both_directions),
		TEST(a_carrier_that_closes_in_the_handshake_is_a_failure),
		TEST(bytes_that_are_not_tls_are_called_so),
		TEST(a_damaged_record_breaks_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
