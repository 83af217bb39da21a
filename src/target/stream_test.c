#include "target/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"

static void collect(struct stream stream, struct buf *out) {
	struct slice piece;
	nsec due;
	buf_init(out, 1 << 20);
	stream_prepare();
	while (stream_next(&stream, NSEC_NEVER, &piece, &due) == STREAM_PIECE) assert_true(buf_add(out, piece));
	assert_int_equal(stream_next(&stream, NSEC_NEVER, &piece, &due), STREAM_END);
}

static void a_plain_body_has_its_size_and_its_tail(void **state) {
	(void)state;
	static const uint64_t sizes[] = {0, 1, 15, 65535, 65536, 65537, 200000};
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		struct buf got;
		collect((struct stream){.form = STREAM_PLAIN, .bytes = sizes[i], .tail = SLICE("end")}, &got);
		assert_int_equal(got.size, sizes[i] + 3);
		assert_memory_equal(got.at + sizes[i], "end", 3);
		if (sizes[i] > 40000) assert_int_equal(got.at[40000], '0'); /* 40000 = 16 * 2500 */
		buf_fini(&got);
	}
}

static void a_small_body_in_chunks_is_as_rfc_9112_writes_it(void **state) {
	(void)state;
	struct buf got;
	collect((struct stream){.form = STREAM_CHUNKED, .bytes = 10}, &got);
	assert_string_equal(buf_text(&got), "a\r\n0123456789\r\n0\r\nX-Bytes: 10\r\n\r\n");
	buf_fini(&got);
	collect((struct stream){.form = STREAM_CHUNKED, .bytes = 0}, &got);
	assert_string_equal(buf_text(&got), "0\r\nX-Bytes: 0\r\n\r\n");
	buf_fini(&got);
}

/* Reads chunked coding by the grammar of RFC 9112 section 7.1; returns the size of the body, the trailer in *ret_trailer. */
static size_t read_chunks(const char *at, const char **ret_trailer) {
	size_t sum = 0;
	for (;;) {
		char *end;
		size_t size = strtoul(at, &end, 16);
		assert_memory_equal(end, "\r\n", 2);
		at = end + 2;
		if (size == 0) break;
		sum += size;
		assert_memory_equal(at + size, "\r\n", 2);
		at += size + 2;
	}
	*ret_trailer = at;
	return sum;
}

static void large_bodies_in_chunks_keep_the_grammar(void **state) {
	(void)state;
	static const uint64_t sizes[] = {8191, 8192, 8193, 16384, 100000};
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		struct buf got;
		const char *trailer;
		char want[64];
		collect((struct stream){.form = STREAM_CHUNKED, .bytes = sizes[i]}, &got);
		assert_int_equal(read_chunks(got.at, &trailer), sizes[i]);
		snprintf(want, sizeof(want), "X-Bytes: %llu\r\n\r\n", (unsigned long long)sizes[i]);
		assert_string_equal(trailer, want);
		buf_fini(&got);
	}
}

static void a_slow_body_comes_in_equal_steps(void **state) {
	(void)state;
	struct stream stream = {.form = STREAM_SLOW, .bytes = 4, .start = 1000, .time = 400};
	static const struct {
		nsec now, due; /* due 0: a byte comes */
		char want;
	} steps[] = {
		{1000, 1100, 0}, {1099, 1100, 0}, {1100, 0, '0'}, {1100, 1200, 0}, {1350, 0, '1'}, {1350, 0, '2'}, {1350, 1400, 0}, {1400, 0, '3'}};
	struct slice piece;
	nsec due;
	stream_prepare();
	for (size_t i = 0; i < LENGTH(steps); i++) {
		enum stream_step step = stream_next(&stream, steps[i].now, &piece, &due);
		assert_int_equal(step, steps[i].due ? STREAM_WAIT : STREAM_PIECE);
		if (steps[i].due) {
			assert_int_equal(due, steps[i].due);
		} else {
			assert_int_equal(piece.size, 1);
			assert_int_equal(piece.at[0], steps[i].want);
		}
	}
	assert_int_equal(stream_next(&stream, 2000, &piece, &due), STREAM_END);
}

static void a_large_slow_body_is_complete(void **state) {
	(void)state;
	struct buf got;
	collect((struct stream){.form = STREAM_SLOW, .bytes = 12345, .start = 0, .time = SEC}, &got);
	assert_int_equal(got.size, 12345);
	assert_int_equal(got.at[12344], '8'); /* 12344 = 16 * 771 + 8 */
	buf_fini(&got);
}

static void an_endless_body_does_not_end(void **state) {
	(void)state;
	struct stream stream = {.form = STREAM_PLAIN, .bytes = STREAM_ENDLESS};
	struct slice piece;
	nsec due;
	stream_prepare();
	for (int i = 0; i < 100000; i++) assert_int_equal(stream_next(&stream, 0, &piece, &due), STREAM_PIECE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_body_has_its_size_and_its_tail),
		cmocka_unit_test(a_small_body_in_chunks_is_as_rfc_9112_writes_it),
		cmocka_unit_test(large_bodies_in_chunks_keep_the_grammar),
		cmocka_unit_test(a_slow_body_comes_in_equal_steps),
		cmocka_unit_test(a_large_slow_body_is_complete),
		cmocka_unit_test(an_endless_body_does_not_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
