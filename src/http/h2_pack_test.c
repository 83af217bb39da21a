/* Heads and their blocks. The blocks are those of RFC 7541 appendix C, or written out by hand. */
#include "http/h2_pack.h"

#include <setjmp.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "http/h2_head.h"
#include "http/h2_pool.h"
#include "http/http.h"

struct box {
	struct h2_pool pool;
	struct h2_packer packer;
	struct h2_unpacker unpacker;
	struct h2_text text;
	char *spare;
	struct arena arena;
};

static int set_up(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	h2_pool_init(&box->pool);
	h2_packer_init(&box->packer, &box->pool.mem);
	h2_unpacker_init(&box->unpacker, &box->pool.mem);
	arena_init(&box->arena);
	*state = box;
	return 0;
}

static int tear_down(void **state) {
	struct box *box = *state;
	h2_text_drop(&box->text, &box->spare);
	free(box->spare);
	h2_packer_fini(&box->packer);
	h2_unpacker_fini(&box->unpacker);
	h2_pool_fini(&box->pool);
	arena_fini(&box->arena);
	free(box);
	return 0;
}

static enum h2_unpacked unpack(struct box *box, struct slice block, bool trailers, unsigned from, struct h2_seen *ret) {
	h2_text_drop(&box->text, &box->spare);
	return h2_unpack(&box->unpacker, block, trailers, &(struct h2_wanted){from, &box->text, &box->spare}, ret);
}

static void what_changes_the_table_is_told_from_what_does_not(void **state) {
	(void)state;
	static const struct {
		struct slice block;
		enum h2_block kind;
	} cases[] = {
		{{"", 0}, H2_BLOCK_PURE}, {{"\x82\x86\x84", 3}, H2_BLOCK_PURE}, /* indexed: C.3.1's first three */
		{{"\xff\x80\x01", 3}, H2_BLOCK_PURE},                           /* an index in two more bytes */
		{{"\xff\x80", 2}, H2_BLOCK_OTHER},                              /* ... that is not whole */
		{{"\x04\x0c/sample/path", 14}, H2_BLOCK_PURE},                  /* C.2.2: literal, not put into the table */
		{{"\x10\x08password\x06secret", 17}, H2_BLOCK_PURE},            /* C.2.3: never */
		{{"\x10\x08password\x06secre", 16}, H2_BLOCK_OTHER},            /* cut */
		{{"\x40\x0a"
		  "custom-key\x0d"
		  "custom-header",
			 26},
			H2_BLOCK_CLOSED}, /* C.2.1: put into it */
		{{"\x82\x48\x03"
		  "302",
			 6},
			H2_BLOCK_CLOSED}, /* the second one is */
		{{"\xbe\x48\x03"
		  "302",
			 6},
			H2_BLOCK_OTHER}, /* and the first one was */
		{{"\x7f\x00\x03"
		  "302",
			 6},
			H2_BLOCK_OTHER}, /* its name (63) was */
		{{"\x7e\x03"
		  "302",
			 5},
			H2_BLOCK_OTHER}, /* (62) */
		{{"\x7d\x03"
		  "302",
			 5},
			H2_BLOCK_CLOSED},                  /* the last one of the static table (61) */
		{{"\x3f\xe1\x1f\x82", 4}, H2_BLOCK_OTHER}, /* the size of the table changes */
		{{"\x00\x01"
		  "a\xff\xff\xff\xff\xff\xff\x01",
			 10},
			H2_BLOCK_OTHER}, /* a length beyond all bounds */
	};
	for (size_t i = 0; i < LENGTH(cases); i++)
		if (h2_block_kind((const uint8_t *)cases[i].block.at, cases[i].block.size) != cases[i].kind) fail_msg("case %zu", i);
}

/* Packs a head and gives its block to a decoder of its own, which must see the same fields whatever was remembered. */
static size_t pack(struct box *box, const struct h2_head *head, nghttp2_hd_inflater *inflater) {
	uint8_t block[4096];
	size_t bound = h2_pack_bound(&box->packer, head), count = 0;
	assert_in_range(bound, 1, sizeof(block));
	size_t size = h2_pack(&box->packer, head, block, bound);
	for (size_t at = 0;;) {
		nghttp2_nv field;
		int flags = 0;
		ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, block + at, size - at, 1);
		assert_true(used >= 0);
		at += (size_t)used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			assert_true(count < head->count);
			const nghttp2_nv *want = &head->fields[count++];
			assert_int_equal(field.namelen, want->namelen);
			assert_memory_equal(field.name, want->name, want->namelen);
			assert_int_equal(field.valuelen, want->valuelen);
			assert_memory_equal(field.value, want->value, want->valuelen);
		}
		if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
	}
	nghttp2_hd_inflate_end_headers(inflater);
	assert_int_equal(count, head->count);
	return size;
}

static void a_head_is_packed_small_from_its_second_time_on(void **state) {
	struct box *box = *state;
	nghttp2_hd_inflater *inflater;
	const struct h2_head *one = h2_head_make(SLICE("GET /one HTTP/1.1\r\nHost: example.test\r\nUser-Agent: strest\r\n\r\n"), false, &box->arena);
	const struct h2_head *two = h2_head_make(SLICE("GET /two?a=b HTTP/1.1\r\nHost: example.test\r\nX-A: 1\r\n\r\n"), true, &box->arena);
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	assert_true(pack(box, one, inflater) > 20);
	/* One byte for each field, but for :path, which libnghttp2 does not put into the table: its name, and 22 bits of "/one" in Huffman's code with their length. */
	assert_int_equal(pack(box, one, inflater), 4 + 1 + 1 + 3);
	assert_int_equal(pack(box, one, inflater), 9);
	assert_true(pack(box, two, inflater) > 9);
	for (unsigned i = 0; i < 20; i++) pack(box, i % 3 ? one : two, inflater);
	h2_packer_resize(&box->packer, 0); /* the peer has no table any more */
	for (unsigned i = 0; i < 5; i++) assert_true(pack(box, one, inflater) > 20);
	nghttp2_hd_inflate_del(inflater);
}

/* Many heads, so that entries leave the table: what is remembered must not outlive them. */
static void what_left_the_table_is_not_referred_to(void **state) {
	struct box *box = *state;
	const struct h2_head *heads[200];
	nghttp2_hd_inflater *inflater;
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	for (size_t i = 0; i < LENGTH(heads); i++)
		heads[i] = h2_head_make(slice_of(arena_format(&box->arena, "GET /%zu HTTP/1.1\r\nHost: h%zu.test\r\nX-%zu: %zu\r\n\r\n", i, i, i, i)),
			false, &box->arena);
	for (unsigned i = 0, k = 1; i < 3000; i++, k = k * 75 % 65537) pack(box, heads[i % 7 ? k % 10 : k % LENGTH(heads)], inflater);
	nghttp2_hd_inflate_del(inflater);
}

/* RFC 7541 appendix C.5: three responses, with entries leaving a table of 256 bytes there; ours has 4,096, which the fields seen do not depend on. */
static void the_responses_of_the_rfc(void **state) {
	struct box *box = *state;
	struct h2_seen seen;
	static const struct slice blocks[] = {
		{"\x48\x03"
		 "302\x58\x07"
		 "private\x61\x1d"
		 "Mon, 21 Oct 2013 20:13:21 GMT\x6e\x17"
		 "https://www.example.com",
			70},
		{"\x48\x03"
		 "307\xc1\xc0\xbf",
			8},
		{"\x48\x03"
		 "307\xc1\xc0\xbf",
			8},
	};
	assert_int_equal(unpack(box, blocks[0], false, UINT_MAX, &seen), H2_HEAD_FINE);
	assert_int_equal(seen.status, 302);
	assert_int_equal(seen.bytes, 222); /* the size of the table that the appendix gives: all four entries */
	assert_int_equal(unpack(box, blocks[1], false, 200, &seen), H2_HEAD_FINE);
	assert_int_equal(seen.status, 307);
	static const char text[] =
		"HTTP/2 307\r\ncache-control: private\r\ndate: Mon, 21 Oct 2013 20:13:21 GMT\r\nlocation: https://www.example.com\r\n";
	assert_int_equal(box->text.size, sizeof(text) - 1);
	assert_memory_equal(box->text.at, text, sizeof(text) - 1);
}

static void the_same_block_is_the_same_head_until_the_table_changes(void **state) {
	struct box *box = *state;
	struct h2_seen seen;
	assert_int_equal(unpack(box,
				 (struct slice){"\x88\x40\x01"
						"a\x01"
						"b",
					 6},
				 false, UINT_MAX, &seen),
		H2_HEAD_FINE); /* a: b is entry 62 */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(unpack(box, SLICE("\x88\xbe"), false, UINT_MAX, &seen), H2_HEAD_FINE);
		assert_int_equal(seen.status, 200);
		assert_int_equal(seen.bytes, 7 + 3 + 32 + 1 + 1 + 32);
	}
	assert_int_equal(unpack(box,
				 (struct slice){"\x88\x40\x0e"
						"content-length\x01"
						"7",
					 19},
				 false, UINT_MAX, &seen),
		H2_HEAD_FINE); /* now 62 is this */
	assert_int_equal(unpack(box, SLICE("\x88\xbe"), false, UINT_MAX, &seen), H2_HEAD_FINE);
	assert_int_equal(seen.length, 7);
	assert_int_equal(unpack(box, SLICE("\x88\xbe"), false, 200, &seen), H2_HEAD_FINE); /* known, and wanted as text */
	assert_int_equal(box->text.size, sizeof("HTTP/2 200\r\ncontent-length: 7\r\n") - 1);
	assert_int_equal(unpack(box, SLICE("\xbe"), true, UINT_MAX, &seen), H2_HEAD_FINE); /* trailers in between */
	assert_int_equal(unpack(box, SLICE("\x88\xbe"), false, UINT_MAX, &seen), H2_HEAD_FINE);
	assert_int_equal(seen.length, 7);
}

/* A decoder without memory reads a block, too. */
static void inflate(nghttp2_hd_inflater *plain, struct slice block) {
	int flags = 0;
	nghttp2_nv field;
	for (size_t at = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
		ssize_t used = nghttp2_hd_inflate_hd2(plain, &field, &flags, (const uint8_t *)block.at + at, block.size - at, 1);
		assert_true(used >= 0);
		at += (size_t)used;
	}
	nghttp2_hd_inflate_end_headers(plain);
}

static void check_tables(nghttp2_hd_inflater *one, nghttp2_hd_inflater *other) {
	size_t count = nghttp2_hd_inflate_get_num_table_entries(one);
	assert_int_equal(count, nghttp2_hd_inflate_get_num_table_entries(other));
	assert_int_equal(nghttp2_hd_inflate_get_dynamic_table_size(one), nghttp2_hd_inflate_get_dynamic_table_size(other));
	for (size_t i = 62; i <= count; i++) {
		const nghttp2_nv *a = nghttp2_hd_inflate_get_table_entry(one, i), *b = nghttp2_hd_inflate_get_table_entry(other, i);
		assert_int_equal(a->namelen, b->namelen);
		assert_int_equal(a->valuelen, b->valuelen);
		assert_memory_equal(a->name, b->name, a->namelen);
		assert_memory_equal(a->value, b->value, a->valuelen);
	}
}

/* As nginx sends heads: always put into the table, never referred to. What is not read any more is in the table all the same. */
static void a_head_that_fills_the_table_with_itself_is_read_no_more(void **state) {
	struct box *box = *state;
	static const struct slice blocks[] = {
		{"\x88\x5c\x01"
		 "2\x5f\x0a"
		 "text/plain",
			16},
		{"\x88\x40\x01"
		 "a\x01"
		 "b",
			6},
		{"\x88\x40\x01"
		 "a\x01"
		 "c\x40\x01"
		 "d\x01"
		 "e\x5c\x01"
		 "7",
			14},
		{"\x88\xbe\xbf", 3},
		{"\x88\xbe\x40\x01"
		 "f\x01"
		 "g",
			7},
	};
	static const unsigned rounds[] = {1, 3, 127, 1, 128, 129, 1, 130, 400, 2};
	nghttp2_hd_inflater *plain;
	assert_int_equal(nghttp2_hd_inflate_new(&plain), 0);
	for (unsigned i = 0; i < 200; i++) {
		struct slice block = blocks[i * 7 % 11 % LENGTH(blocks)];
		for (unsigned k = 0; k < rounds[i % LENGTH(rounds)]; k++) {
			struct h2_seen seen;
			inflate(plain, block);
			assert_int_equal(unpack(box, block, false, k % 50 == 49 ? 200 : UINT_MAX, &seen), H2_HEAD_FINE);
			assert_int_equal(seen.status, 200);
		}
		check_tables(box->unpacker.inflater, plain);
	}
	nghttp2_hd_inflate_del(plain);
}

static void what_a_response_may_not_have(void **state) {
	struct box *box = *state;
	struct h2_seen seen;
	static const struct slice bad[] = {
		{"", 0},         /* no status */
		{"\x88\x88", 2}, /* two */
		{"\x08\x02"
		 "20",
			4}, /* no three digits */
		{"\x08\x03"
		 "2x0",
			5},
		{"\x08\x03"
		 "099",
			5},
		{"\x08\x03"
		 "101",
			5}, /* RFC 9113 section 8.6 */
		{"\x00\x01"
		 "a\x01"
		 "b\x88",
			6},      /* not the first field */
		{"\x88\x82", 2}, /* :method */
		{"\x88\x00\x01"
		 "A\x01"
		 "b",
			6}, /* a capital */
		{"\x88\x00\x01"
		 " \x01"
		 "b",
			6},
		{"\x88\x00\x00\x01"
		 "b",
			5}, /* no name */
		{"\x88\x00\x01"
		 "a\x02"
		 " b",
			7}, /* a blank at an end */
		{"\x88\x00\x01"
		 "a\x02"
		 "b\n",
			7},
		{"\x88\x00\x0a"
		 "connection\x05"
		 "close",
			19},
		{"\x88\x00\x11"
		 "transfer-encoding\x07"
		 "chunked",
			28},
		{"\x88\x00\x0e"
		 "content-length\x02"
		 "-1",
			20},
		{"\x88\x00\x0e"
		 "content-length\x00",
			18},
		{"\x88\x00\x0e"
		 "content-length\x01"
		 "1\x00\x0e"
		 "content-length\x01"
		 "2",
			37},
	};
	for (size_t i = 0; i < LENGTH(bad); i++)
		if (unpack(box, bad[i], false, UINT_MAX, &seen) != H2_HEAD_BAD) fail_msg("case %zu", i);
	assert_int_equal(unpack(box, SLICE("\x88"), true, UINT_MAX, &seen), H2_HEAD_BAD); /* trailers have no status */
	assert_int_equal(unpack(box, SLICE("\x88\xff\xff\xff\x0f"), false, UINT_MAX, &seen), H2_HEAD_BROKEN);
}

static void a_head_over_64_kib_is_too_large_and_the_table_goes_on(void **state) {
	struct box *box = *state;
	struct h2_seen seen;
	char block[3000];
	size_t size = 0;
	block[size++] = '\x88';
	memcpy(block + size, "\x40\x01x\x7f\x69", 5); /* x: 232 bytes, put into the table */
	size += 5;
	memset(block + size, 'b', 232);
	size += 232;
	memset(block + size, '\xbe', 300); /* and 300 times more: 301 * 265 bytes */
	size += 300;
	assert_int_equal(unpack(box, (struct slice){block, size}, false, UINT_MAX, &seen), H2_HEAD_TOO_LARGE);
	assert_int_equal(unpack(box, SLICE("\x88\xbe"), false, UINT_MAX, &seen), H2_HEAD_FINE);
	assert_int_equal(seen.bytes, 42 + 265);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_changes_the_table_is_told_from_what_does_not),
		TEST(a_head_is_packed_small_from_its_second_time_on),
		TEST(what_left_the_table_is_not_referred_to),
		TEST(the_responses_of_the_rfc),
		TEST(the_same_block_is_the_same_head_until_the_table_changes),
		TEST(a_head_that_fills_the_table_with_itself_is_read_no_more),
		TEST(what_a_response_may_not_have),
		TEST(a_head_over_64_kib_is_too_large_and_the_table_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
