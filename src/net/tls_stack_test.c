#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tls_fixture.h"

/* TLS within TLS, as with a https:// target behind a https:// proxy: the plain bytes of the outer connection are the carrier bytes of the inner one. */

#define BIG 100000 /* bytes: several records of each layer */

struct side {
	struct tls *outer, *inner;
	struct buf heard; /* plain bytes of the inner connection */
};

/* Moves what the inner connection wants to send into the outer one. Returns whether there was something. */
static bool side_wrap(struct side *side) {
	struct slice inner = tls_pending(side->inner);
	if (inner.size == 0 || tls_state(side->outer) != TLS_READY) return false;
	size_t taken = tls_write(side->outer, &(struct iovec){(char *)(uintptr_t)inner.at, inner.size}, 1);
	tls_drained(side->inner, taken);
	return taken > 0;
}

/* Gives carrier bytes to a side, as they came; plain bytes of the outer connection go on in pieces of `step`. */
static void side_feed(struct side *side, struct slice bytes, size_t step) {
	char *carried = malloc(step);
	tls_feed(side->outer, bytes);
	for (size_t n; (n = tls_read(side->outer, carried, step)) > 0;) bare_feed(side->inner, (struct slice){carried, n}, n, &side->heard);
	free(carried);
}

/* Carries up to `step` bytes from one side to the other. Returns whether there were any. */
static bool side_carry(struct side *from, struct side *to, size_t step) {
	bool wrapped = side_wrap(from);
	struct slice waiting = tls_pending(from->outer);
	if (waiting.size == 0) return wrapped;
	size_t size = waiting.size < step ? waiting.size : step;
	char *piece = malloc(size); /* of exactly this size, so that reading beyond it is seen */
	memcpy(piece, waiting.at, size);
	tls_drained(from->outer, size);
	side_feed(to, (struct slice){piece, size}, step);
	free(piece);
	return true;
}

static void talk(struct side *client, struct side *server, size_t step) {
	for (bool moved = true; moved;) {
		moved = side_carry(client, server, step);
		moved = side_carry(server, client, step) || moved;
	}
}

/* Says all of it, however little is taken at once. */
static void say(struct side *from, struct side *to, struct slice bytes, size_t step) {
	while (bytes.size > 0) {
		size_t taken = tls_write(from->inner, &(struct iovec){(char *)(uintptr_t)bytes.at, bytes.size}, 1);
		assert_true(taken > 0);
		assert_true(tls_pending(from->inner).size < TLS_PENDING_MAX);
		bytes.at += taken;
		bytes.size -= taken;
		talk(from, to, step);
	}
	assert_int_equal(tls_pending(from->inner).size + tls_pending(from->outer).size, 0);
}

static void check_heard(struct side *side, struct slice bytes) {
	assert_int_equal(side->heard.size, bytes.size);
	assert_memory_equal(side->heard.at, bytes.at, bytes.size);
	buf_fini(&side->heard);
}

struct pair {
	struct tls_server *proxy, *target;
	struct tls_context *context;
	struct tls_peer *proxy_peer, *target_peer;
	struct side client, server;
};

static void pair_meet(struct pair *pair, size_t step) {
	struct side *client = &pair->client, *server = &pair->server;
	*client = (struct side){.outer = tls_connect(pair->proxy_peer, 0), .inner = tls_connect(pair->target_peer, 0)};
	*server = (struct side){.outer = tls_accept(pair->proxy), .inner = tls_accept(pair->target)};
	buf_init(&client->heard, (size_t)1 << 20);
	buf_init(&server->heard, (size_t)1 << 20);
	talk(client, server, step);
	struct tls *all[] = {client->outer, client->inner, server->outer, server->inner};
	for (size_t i = 0; i < LENGTH(all); i++) assert_int_equal(tls_state(all[i]), TLS_READY);
}

static void side_part(struct side *side) {
	tls_free(side->inner);
	tls_free(side->outer);
	buf_fini(&side->heard);
}

static void pair_open(struct pair *pair, int version) {
	static const char *offer[] = {"http/1.1"};
	struct err err;
	struct tls_settings settings = {.insecure = true, .resume = true, .max = version, .alpn = {1, offer}};
	assert_true(tls_server_open(NULL, NULL, &pair->proxy, &err));
	assert_true(tls_server_open(NULL, NULL, &pair->target, &err));
	pair->context = fixture_context(&settings);
	pair->proxy_peer = tls_peer_new(pair->context, TLS_PROXY, "127.0.0.1", 1);
	pair->target_peer = tls_peer_new(pair->context, TLS_TARGET, "localhost", 1);
}

static void pair_close(struct pair *pair) {
	tls_peer_free(pair->proxy_peer);
	tls_peer_free(pair->target_peer);
	tls_server_close(pair->proxy);
	tls_server_close(pair->target);
}

static void fill(char *bytes, size_t size) {
	for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 2654435761u >> 24);
}

static void two_layers_work_however_their_bytes_are_split(void **state) {
	(void)state;
	static const size_t steps[] = {1, 5, 97, 4096, 65536};
	static char bytes[BIG];
	struct slice big = {bytes, sizeof(bytes)};
	fill(bytes, sizeof(bytes));
	for (int version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
		struct pair pair;
		pair_open(&pair, version);
		for (size_t i = 0; i < LENGTH(steps); i++) {
			pair_meet(&pair, steps[i]);
			struct tls_facts outer, inner;
			tls_describe(pair.client.outer, &outer);
			tls_describe(pair.client.inner, &inner);
			assert_int_equal(outer.alpn.size, 0);
			assert_true(slice_equal(inner.alpn, SLICE("http/1.1")));
			assert_int_equal(outer.resumed, i > 0); /* each layer has its own session */
			assert_int_equal(inner.resumed, i > 0);
			say(&pair.client, &pair.server, SLICE("question"), steps[i]);
			check_heard(&pair.server, SLICE("question"));
			say(&pair.server, &pair.client, big, steps[i]);
			check_heard(&pair.client, big);
			say(&pair.client, &pair.server, big, steps[i]);
			check_heard(&pair.server, big);
			side_part(&pair.client);
			side_part(&pair.server);
		}
		pair_close(&pair);
	}
}

static void an_end_of_the_inner_layer_leaves_the_outer_one_open(void **state) {
	(void)state;
	struct pair pair;
	pair_open(&pair, TLS_VERSION_1_3);
	pair_meet(&pair, 65536);
	say(&pair.server, &pair.client, SLICE("last words"), 65536);
	tls_close_notify(pair.server.inner);
	talk(&pair.client, &pair.server, 3);
	check_heard(&pair.client, SLICE("last words"));
	assert_int_equal(tls_state(pair.client.inner), TLS_CLOSED);
	assert_int_equal(tls_state(pair.client.outer), TLS_READY);
	tls_close_notify(pair.server.outer);
	talk(&pair.client, &pair.server, 3);
	assert_int_equal(tls_state(pair.client.outer), TLS_CLOSED);
	side_part(&pair.client);
	side_part(&pair.server);
	pair_close(&pair);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_fini)
	const struct CMUnitTest tests[] = {
		TEST(two_layers_work_however_their_bytes_are_split),
		TEST(an_end_of_the_inner_layer_leaves_the_outer_one_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
