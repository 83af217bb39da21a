/* How the owner of a connection uses h1_ops: sending, reuse, giving up, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/h1_probe.h"

#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static struct probe probe;
static _Alignas(max_align_t) char conn[PROBE_STATE_MAX];

static const struct http_request post = {.head = {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n", 39}, .body = {"0123456789", 10}, .body_bytes = 10};

static const struct slice files[] = {{"ab", 2}, {"c", 1}, {"defg", 4}};
static const struct http_request form = {
	.head = {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n", 39}, .body = {"012", 3}, .more = files, .more_count = 3, .body_bytes = 10};
static const struct http_request filed = {
	.head = {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n", 39}, .more = files, .more_count = 3, .body_bytes = 7};

static void a_connection_is_small(void **state) {
	(void)state;
	assert_true(h1_ops.state_bytes <= 256);
	assert_string_equal(h1_ops.name, "HTTP/1.1");
}

static const struct {
	const struct http_request *request;
	const char *text;
	int pieces;
} sendings[] = {
	{&probe_get, "GET / HTTP/1.1\r\n\r\n", 1},
	{&post, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789", 2},
	{&form, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n012abcdefg", 5},
	{&filed, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabcdefg", 4},
};

/* Sends all of it, at most `step` bytes and `max` pieces at a time. */
static void send(const struct http_request *request, size_t step, int max, struct slice want) {
	char sent[64];
	size_t size = 0;
	struct iovec iov[8];
	bool out = false;
	unsigned sends = 0;
	probe.sents = 0;
	h1_ops.submit(conn, 7, request);
	assert_int_equal(h1_ops.room(conn), 0);
	for (int count; (count = h1_ops.drain(conn, iov, max)) > 0;) {
		assert_false(out);
		assert_true(count <= max);
		size_t taken = 0;
		for (int i = 0; i < count; i++) {
			assert_true(iov[i].iov_len > 0);
			for (size_t k = 0; k < iov[i].iov_len && taken < step; k++, taken++) sent[size++] = ((const char *)iov[i].iov_base)[k];
		}
		assert_true(size <= want.size);
		out = h1_ops.drained(conn, taken, ++sends);
		assert_int_equal(probe.sents, sends == 1 || !out ? 1 : 2); /* the first byte is told, and the last one */
		assert_int_equal(probe.sent_all, out);
	}
	assert_true(out);
	assert_int_equal(probe.sent_at, sends);
	assert_int_equal(size, want.size);
	assert_memory_equal(sent, want.at, want.size);
}

static void a_request_goes_out_in_whatever_pieces_the_carrier_takes(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (size_t i = 0; i < LENGTH(sendings); i++) {
		struct slice text = slice_of(sendings[i].text);
		struct iovec iov[8];
		for (size_t step = 1; step <= text.size; step++) {
			for (int max = 1; max <= 6; max++) {
				h1_ops.start(conn, shared, &probe);
				assert_int_equal(h1_ops.drain(conn, iov, max), 0);
				send(sendings[i].request, step, max, text);
			}
		}
		h1_ops.start(conn, shared, &probe);
		h1_ops.submit(conn, 7, sendings[i].request);
		assert_int_equal(h1_ops.drain(conn, iov, 8), sendings[i].pieces);
		/* one piece at a time, if the owner wants it so */
		assert_int_equal(h1_ops.drain(conn, iov, 1), 1);
		assert_int_equal(iov[0].iov_len, sendings[i].request->head.size);
	}
	h1_ops.free_shared(shared);
}

static void an_answer_before_the_request_is_out_ends_the_connection(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (size_t sent = 0; sent <= 49; sent++) {
		probe_begin(&probe, conn, shared, false);
		h1_ops.start(conn, shared, &probe);
		h1_ops.submit(conn, 7, &post);
		h1_ops.drained(conn, sent, 0);
		probe_feed(&probe, conn, SLICE(OK_HI), 5);
		assert_int_equal(probe.end.reason, REASON_NONE);
		assert_int_equal(probe.end.reusable, sent == 49);
		assert_int_equal(probe.alive, sent == 49);
		assert_int_equal(h1_ops.room(conn), sent == 49);
		struct iovec iov[2];
		assert_int_equal(h1_ops.drain(conn, iov, 2), 0);
	}
	h1_ops.free_shared(shared);
}

struct chain {
	unsigned sent, done;
};

static void chain_sent(void *owner, uint32_t id, bool all, nsec now) {
	struct chain *chain = owner;
	assert_int_equal(id, chain->sent);
	assert_true(all);
	assert_int_equal(now, id + 100);
	chain->sent++;
}

static void chain_end(void *owner, uint32_t id, const struct http_end *end) {
	struct chain *chain = owner;
	assert_int_equal(end->reason, REASON_NONE);
	assert_int_equal(id, chain->done);
	assert_int_equal(end->body_bytes, 2);
	chain->done++;
}

static void one_request_follows_the_other_on_a_connection(void **state) {
	(void)state;
	static const char *const answers[] = {OK_HI, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", OK_HI};
	static const struct http_events events = {.sent = chain_sent, .end = chain_end}; /* head and body not wanted */
	struct http_shared *shared = h1_ops.new_shared(&events);
	struct chain chain = {0, 0};
	h1_ops.start(conn, shared, &chain);
	for (unsigned i = 0; i < LENGTH(answers); i++) {
		assert_int_equal(h1_ops.room(conn), 1);
		h1_ops.submit(conn, i, &probe_get);
		assert_true(h1_ops.drained(conn, probe_get.head.size, i + 100));
		assert_true(h1_ops.feed(conn, slice_of(answers[i]), i));
		assert_int_equal(chain.done, i + 1);
		assert_int_equal(chain.sent, i + 1);
		assert_false(h1_ops.is_ending(conn));
	}
	h1_ops.stop(conn);
	h1_ops.free_shared(shared);
}

static void giving_up_tells_what_is_known_and_ends_nothing_twice(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	probe_begin(&probe, conn, shared, false);
	struct http_end end = h1_ops.cancel(conn, 7);
	assert_false(end.any_byte);
	assert_int_equal(end.first, 0);
	probe_begin(&probe, conn, shared, false);
	probe_feed(&probe, conn, SLICE("HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nabc"), 42);
	end = h1_ops.cancel(conn, 7);
	assert_int_equal(end.status, 503);
	assert_true(end.any_byte);
	assert_false(end.reusable);
	assert_int_equal(end.first, 42);
	assert_int_equal(end.body_bytes, 3);
	assert_int_equal(h1_ops.room(conn), 0);
	assert_false(h1_ops.feed(conn, SLICE("defghi"), 43));
	h1_ops.finish(conn, false, 44);
	assert_int_equal(probe.ends, 0);
	h1_ops.free_shared(shared);
}

static void the_head_is_handed_over_whole_however_it_is_cut(void **state) {
	(void)state;
	static const char text[] = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" OK_HI;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
	struct probe_input input = {.bytes = slice_of(text)};
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (size_t one = 0; one < sizeof(text) - 1; one++) {
		for (size_t two = one; two < sizeof(text) - 1; two++) {
			probe_run(&probe, shared, &input, one == two ? (size_t[]){one, 0} : (size_t[]){one ? one : two, one ? two : 0, 0});
			assert_int_equal(probe.heads, 1);
			assert_int_equal(probe.head_size, sizeof(head) - 1);
			assert_memory_equal(probe.head, head, sizeof(head) - 1);
			assert_int_equal(probe.end.reason, REASON_NONE);
		}
	}
	h1_ops.free_shared(shared);
}

/* A sanitizer finds what is not given back. */
static void a_head_in_pieces_is_given_back_however_the_request_ends(void **state) {
	(void)state;
	static const struct http_events deaf = {.sent = probe_sent, .end = probe_end};
	for (int wanted = 0; wanted < 2; wanted++) {
		struct http_shared *shared = h1_ops.new_shared(wanted ? &probe_events : &deaf);
		for (int how = 0; how < 5; how++) {
			probe_begin(&probe, conn, shared, false);
			probe_feed(&probe, conn, SLICE("HTTP/1.1 100 Continue\r\nA:"), 1);
			probe_feed(&probe, conn, SLICE(" b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:"), 2);
			if (how == 0) h1_ops.cancel(conn, 7);
			if (how == 1) h1_ops.finish(conn, false, 3);
			if (how == 2) h1_ops.finish(conn, true, 3);
			if (how == 3) probe_feed(&probe, conn, SLICE("\x01"), 3);
			if (how == 4) probe_feed(&probe, conn, SLICE(" 2\r\n\r\nh"), 3);
			if (how == 4) h1_ops.cancel(conn, 7);
			assert_int_equal(probe.ends, how >= 1 && how <= 3);
			assert_int_equal(probe.heads, wanted && how == 4);
		}
		h1_ops.free_shared(shared);
	}
}

/* Builds a head of exactly `size` bytes without a body. */
static char *head_of(size_t size) {
	static const char begin[] = "HTTP/1.1 204 No Content\r\nX: ";
	char *text = malloc(size + 1);
	assert_non_null(text);
	memset(text, 'a', size);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + size - 4, "\r\n\r\n", 5);
	return text;
}

static void a_head_over_the_limit_is_refused_at_the_same_byte_always(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (int more = 0; more < 2; more++) {
		char *text = head_of(HTTP_HEAD_MAX + (size_t)more);
		struct probe_input input = {.bytes = slice_of(text)};
		enum reason want = more ? REASON_HEAD_TOO_LARGE : REASON_NONE;
		static const size_t cuts[][3] = {{0}, {10, 0}, {HTTP_HEAD_MAX - 1, 0}, {HTTP_HEAD_MAX - 2, HTTP_HEAD_MAX - 1, 0}, {4096, 30000, 0}};
		for (size_t i = 0; i < LENGTH(cuts); i++) {
			probe_run(&probe, shared, &input, cuts[i]);
			assert_int_equal(probe.end.reason, want);
			assert_int_equal(probe.end.status, 204);
			assert_int_equal(probe.heads, !more);
			if (more) continue;
			assert_int_equal(probe.head_size, HTTP_HEAD_MAX);
			assert_memory_equal(probe.head, text, HTTP_HEAD_MAX);
		}
		free(text);
	}
	/* all 1xx heads count together: 25 bytes each */
	probe_begin(&probe, conn, shared, false);
	unsigned fed = 0;
	while (probe.alive && fed < 10000) {
		probe_feed(&probe, conn, SLICE("HTTP/1.1 100 Continue\r\n\r\n"), 1);
		fed++;
	}
	assert_int_equal(probe.end.reason, REASON_HEAD_TOO_LARGE);
	assert_int_equal(fed, HTTP_HEAD_MAX / 25 + 1);
	h1_ops.free_shared(shared);
}

static void trailers_without_end_are_refused(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (int more = 0; more < 2; more++) {
		probe_begin(&probe, conn, shared, false);
		probe_feed(&probe, conn, SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx"), 1);
		probe_feed(&probe, conn, SLICE("\r\n0\r\n"), 1); /* 5 bytes since the body, and 4 bytes end it */
		size_t size = HTTP_HEAD_MAX - 5 - 4 - 2 + (size_t)more;
		char *line = malloc(size);
		assert_non_null(line);
		memset(line, 'a', size);
		line[1] = ':';
		probe_feed(&probe, conn, (struct slice){line, size}, 2);
		assert_int_equal(probe.ends, 0);
		probe_feed(&probe, conn, SLICE("xx\r\n\r\n"), 3);
		assert_int_equal(probe.end.reason, more ? REASON_HEAD_TOO_LARGE : REASON_NONE);
		free(line);
	}
	h1_ops.free_shared(shared);
}

static void an_endless_body_is_only_counted(void **state) {
	(void)state;
	static char block[65536];
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
	};
	struct http_shared *shared = h1_ops.new_shared(&(struct http_events){.sent = probe_sent, .end = probe_end});
	for (size_t i = 0; i < LENGTH(heads); i++) {
		probe_begin(&probe, conn, shared, false);
		assert_true(h1_ops.feed(conn, slice_of(heads[i]), 1));
		for (unsigned k = 0; k < 65536; k++) assert_true(h1_ops.feed(conn, (struct slice){block, sizeof(block)}, 2));
		h1_ops.finish(conn, false, 3);
		assert_int_equal(probe.end.body_bytes, (uint64_t)65536 * 65536); /* 4 GiB */
		assert_int_equal(probe.end.reason, i == 0 ? REASON_NONE : REASON_CUT);
	}
	h1_ops.free_shared(shared);
}

static void an_answer_to_head_teaches_nothing_wrong_about_get(void **state) {
	(void)state;
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	static const char *const bodies[] = {"hi", "2\r\nhi\r\n0\r\n\r\n"};
	for (size_t i = 0; i < LENGTH(heads); i++) {
		struct http_shared *shared = h1_ops.new_shared(&probe_events);
		for (int again = 0; again < 3; again++) {
			probe_begin(&probe, conn, shared, true);
			probe_feed(&probe, conn, slice_of(heads[i]), 1);
			assert_int_equal(probe.ends, 1);
			assert_true(probe.end.reusable);
			probe_begin(&probe, conn, shared, false);
			probe_feed(&probe, conn, slice_of(heads[i]), 1);
			assert_int_equal(probe.ends, 0);
			probe_feed(&probe, conn, slice_of(bodies[i]), 2);
			assert_int_equal(probe.ends, 1);
			assert_true(probe.end.reusable);
			assert_int_equal(probe.end.body_bytes, 2);
		}
		h1_ops.free_shared(shared);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_small),
		cmocka_unit_test(a_request_goes_out_in_whatever_pieces_the_carrier_takes),
		cmocka_unit_test(an_answer_before_the_request_is_out_ends_the_connection),
		cmocka_unit_test(one_request_follows_the_other_on_a_connection),
		cmocka_unit_test(giving_up_tells_what_is_known_and_ends_nothing_twice),
		cmocka_unit_test(the_head_is_handed_over_whole_however_it_is_cut),
		cmocka_unit_test(a_head_in_pieces_is_given_back_however_the_request_ends),
		cmocka_unit_test(a_head_over_the_limit_is_refused_at_the_same_byte_always),
		cmocka_unit_test(trailers_without_end_are_refused),
		cmocka_unit_test(an_endless_body_is_only_counted),
		cmocka_unit_test(an_answer_to_head_teaches_nothing_wrong_about_get),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
