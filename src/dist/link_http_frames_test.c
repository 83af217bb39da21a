#include "dist/link_http_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Three frames, written by hand: a message of three bytes, an empty one, the last words. */
static const char stream[] = "\0\0\0\3\11abc"
			     "\0\0\0\0\13"
			     "\0\0\0\2\377no";
#define STREAM_SIZE (sizeof(stream) - 1)

static void all_splits_give_the_same_frames(void **state) {
	(void)state;
	for (size_t first = 0; first <= STREAM_SIZE; first++) {
		for (size_t second = first; second <= STREAM_SIZE; second++) {
			size_t ends[] = {first, second, STREAM_SIZE}, from = 0, count = 0;
			struct frames frames = {0};
			for (size_t i = 0; i < LENGTH(ends); from = ends[i++]) {
				struct slice piece = {stream + from, ends[i] - from};
				unsigned kind = 0;
				while (frames_read(&frames, &piece, &kind) == FRAMES_WHOLE) {
					static const struct {
						unsigned kind;
						const char *body;
					} wanted[] = {{9, "abc"}, {11, ""}, {255, "no"}};
					assert_true(count < LENGTH(wanted));
					assert_int_equal(kind, wanted[count].kind);
					assert_int_equal(frames.size, strlen(wanted[count].body));
					if (frames.size > 0) assert_memory_equal(frames.body, wanted[count].body, frames.size);
					count++;
				}
				assert_int_equal(piece.size, 0);
			}
			assert_int_equal(count, 3);
			frames_fini(&frames);
		}
	}
}

static void a_length_is_refused_before_memory_is_taken(void **state) {
	(void)state;
	static const struct {
		unsigned char head[WIRE_HEAD];
		enum frames_result result;
	} cases[] = {
		{{0x00, 0x40, 0x00, 0x00, LINK_CONFIG}, FRAMES_MORE}, /* 4 MiB */
		{{0x00, 0x40, 0x00, 0x01, LINK_CONFIG}, FRAMES_BAD},
		{{0xff, 0xff, 0xff, 0xff, LINK_CONFIG}, FRAMES_BAD},
		{{0x47, 0x45, 0x54, 0x20, 0x2f}, FRAMES_BAD}, /* "GET /" */
		{{0, 0, 0, 1, LINK_KIND_COUNT}, FRAMES_BAD},
		{{0, 0, 0, 1, 253}, FRAMES_BAD},
		{{0, 0, 0, 0, WIRE_OPEN}, FRAMES_WHOLE},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct frames frames = {0};
		struct slice bytes = {(const char *)cases[i].head, WIRE_HEAD};
		unsigned kind;
		assert_int_equal(frames_read(&frames, &bytes, &kind), cases[i].result);
		assert_true((frames.body != NULL) == (cases[i].result == FRAMES_MORE));
		frames_fini(&frames);
	}
}

static void a_body_can_be_kept(void **state) {
	(void)state;
	struct frames frames = {0};
	struct slice bytes = {stream, STREAM_SIZE};
	unsigned kind;
	assert_int_equal(frames_read(&frames, &bytes, &kind), FRAMES_WHOLE);
	char *body = frames_take_body(&frames);
	assert_int_equal(frames_read(&frames, &bytes, &kind), FRAMES_WHOLE);
	assert_null(frames_take_body(&frames));
	assert_memory_equal(body, "abc", 3);
	free(body);
	frames_fini(&frames);
}

static void the_head_is_what_the_reader_reads(void **state) {
	(void)state;
	unsigned char head[WIRE_HEAD];
	wire_head(head, 0x00123456, 9);
	assert_memory_equal(head, "\x00\x12\x34\x56\x09", 5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_splits_give_the_same_frames),
		cmocka_unit_test(a_length_is_refused_before_memory_is_taken),
		cmocka_unit_test(a_body_can_be_kept),
		cmocka_unit_test(the_head_is_what_the_reader_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
