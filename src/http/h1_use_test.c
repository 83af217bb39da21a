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

static const struct http_request post = {.head = {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n", 39}, .body = {"0123456789", 10}};

static void a_connection_is_small(void **state) {
	(void)state;
	assert_true(h1_ops.state_bytes <= 256);
	assert_string_equal(h1_ops.name, "http/1.1");
}

static void a_request_goes_out_in_whatever_pieces_the_carrier_takes(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (size_t step = 1; step <= 49; step++) {
		char sent[64];
		size_t size = 0;
		struct iovec iov[2];
		bool out = false;
		h1_ops.start(conn, shared, &probe);
		assert_int_equal(h1_ops.drain(conn, iov, 2), 0);
		h1_ops.submit(conn, 7, &post);
		assert_int_equal(h1_ops.room(conn), 0);
		for (int count; (count = h1_ops.drain(conn, iov, 2)) > 0;) {
			assert_false(out);
			size_t taken = 0;
			for (int i = 0; i < count; i++)
				for (size_t k = 0; k < iov[i].iov_len && taken < step; k++, taken++)
					sent[size++] = ((const char *)iov[i].iov_base)[k];
			out = h1_ops.drained(conn, taken);
			assert_true(size <= 49);
		}
		assert_true(out);
		assert_int_equal(size, 49);
		assert_memory_equal(sent, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789", 49);
	}
	/* one piece at a time, if the owner wants it so */
	struct iovec one;
	h1_ops.start(conn, shared, &probe);
	h1_ops.submit(conn, 7, &post);
	assert_int_equal(h1_ops.drain(conn, &one, 1), 1);
	assert_int_equal(one.iov_len, 39);
	h1_ops.free_shared(shared);
}

static void an_answer_before_the_request_is_out_ends_the_connection(void **state) {
	(void)state;
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (size_t sent = 0; sent <= 49; sent++) {
		probe_begin(&probe, conn, shared, false);
		h1_ops.start(conn, shared, &probe);
		h1_ops.submit(conn, 7, &post);
		h1_ops.drained(conn, sent);
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
	unsigned left;
	unsigned done;
};

static void chain_end(void *owner, uint32_t id, const struct http_end *end) {
	struct chain *chain = owner;
	assert_int_equal(end->reason, REASON_NONE);
	assert_int_equal(id, chain->done);
	assert_int_equal(end->body_bytes, 2);
	chain->done++;
	if (!chain->left) {
		h1_ops.start(conn, NULL, NULL); /* as if the memory was given to somebody else */
		return;
	}
	chain->left--;
	assert_int_equal(h1_ops.room(conn), 1);
	h1_ops.submit(conn, chain->done, &probe_get);
	struct iovec iov[2];
	assert_int_equal(h1_ops.drain(conn, iov, 2), 1);
	assert_true(h1_ops.drained(conn, iov[0].iov_len));
}

static void the_next_request_may_be_submitted_from_the_end_event(void **state) {
	(void)state;
	static const struct http_events events = {.end = chain_end}; /* head and body not wanted */
	struct http_shared *shared = h1_ops.new_shared(&events);
	struct chain chain = {.left = 4};
	h1_ops.start(conn, shared, &chain);
	h1_ops.submit(conn, 0, &probe_get);
	h1_ops.drained(conn, probe_get.head.size);
	assert_true(h1_ops.feed(conn, SLICE(OK_HI), 1));
	assert_true(h1_ops.feed(conn, SLICE("HTTP/1.1 200 OK\r\n"), 2));
	assert_true(h1_ops.feed(conn, SLICE("Content-Length: 2\r\n\r\nhi"), 3));
	assert_true(h1_ops.feed(conn, SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), 4));
	assert_true(h1_ops.feed(conn, SLICE(OK_HI), 5));
	assert_int_equal(chain.done, 4);
	h1_ops.feed(conn, SLICE(OK_HI), 6);
	assert_int_equal(chain.done, 5);
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

static void the_head_is_handed_over_when_it_came_whole(void **state) {
	(void)state;
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n" OK_HI;
	struct probe_input input = {.bytes = slice_of(text)};
	struct http_shared *shared = h1_ops.new_shared(&probe_events);
	for (int again = 0; again < 2; again++) {
		probe_run(&probe, shared, &input, NULL);
		assert_int_equal(probe.head_at, 25);
		assert_int_equal(probe.head_size, sizeof(text) - 1 - 25 - 2);
		probe_run(&probe, shared, &input, (size_t[]){25, 0});
		assert_int_equal(probe.head_at, 0);
		assert_int_equal(probe.head_size, sizeof(text) - 1 - 25 - 2);
		probe_run(&probe, shared, &input, (size_t[]){30, 0});
		assert_int_equal(probe.heads, 1);
		assert_int_equal(probe.head_size, 0);
	}
	h1_ops.free_shared(shared);
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
	struct http_shared *shared = h1_ops.new_shared(&(struct http_events){.end = probe_end});
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
		cmocka_unit_test(the_next_request_may_be_submitted_from_the_end_event),
		cmocka_unit_test(giving_up_tells_what_is_known_and_ends_nothing_twice),
		cmocka_unit_test(the_head_is_handed_over_when_it_came_whole),
		cmocka_unit_test(a_head_over_the_limit_is_refused_at_the_same_byte_always),
		cmocka_unit_test(trailers_without_end_are_refused),
		cmocka_unit_test(an_endless_body_is_only_counted),
		cmocka_unit_test(an_answer_to_head_teaches_nothing_wrong_about_get),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
