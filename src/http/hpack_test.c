#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena_fixture.h"
#include "http/h2_fields.h"
#include "http/hpack.h"

#define LONG_MAX_BYTES ((size_t)70000)

static char many[LONG_MAX_BYTES]; /* of 'x' */

static int set_up_many(void **state) {
	memset(many, 'x', sizeof(many));
	return set_up(state);
}

/* Reads the one field of a block with nghttp2's inflater. */
static void inflate(struct slice block, struct slice name, struct slice value, bool is_secret) {
	nghttp2_hd_inflater *inflater;
	nghttp2_nv field;
	int flags = 0;
	size_t fields = 0;
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, (const uint8_t *)block.at, block.size, 1);
		assert_true(used >= 0);
		block = (struct slice){block.at + used, block.size - (size_t)used};
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT)) continue;
		fields++;
		assert_true(slice_equal((struct slice){(const char *)field.name, field.namelen}, name));
		assert_true(slice_equal((struct slice){(const char *)field.value, field.valuelen}, value));
		assert_int_equal((field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0, is_secret);
	}
	assert_int_equal(fields, 1);
	assert_int_equal(nghttp2_hd_inflate_get_num_table_entries(inflater), 61); /* RFC 7541 appendix A, and nothing put into the table */
	nghttp2_hd_inflate_del(inflater);
}

static void nghttp2_reads_what_is_written(void **state) {
	(void)state;
	static const size_t sizes[] = {0, 1, 5, 126, 127, 128, 254, 255, 256, 16510, 16511, 65536};
	static const struct {
		const char *name, *lower;
		bool is_secret;
	} names[] = {
		{":path", ":path", false}, {"X-Request-Id", "x-request-id", false}, {"AUTHORIZATION", "authorization", true},
		{"Cookie", "cookie", true}, {"proxy-authorization", "proxy-authorization", true},
		{"x_[@`{~", "x_[@`{~", false}, /* none of these is a letter */
	};
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct slice begin = hpack_begin(slice_of(names[i].name), &arena);
		for (size_t k = 0; k < LENGTH(sizes); k++) {
			struct buf block;
			buf_init(&block, LONG_MAX_BYTES);
			hpack_write(begin, (struct slice){many, sizes[k]}, &block);
			inflate((struct slice){block.at, block.size}, slice_of(names[i].lower), (struct slice){many, sizes[k]}, names[i].is_secret);
			buf_fini(&block);
		}
	}
}

static void a_long_name_is_read_too(void **state) {
	(void)state;
	struct slice name = {many, 300};
	struct buf block;
	buf_init(&block, LONG_MAX_BYTES);
	hpack_write(hpack_begin(name, &arena), SLICE("v"), &block);
	inflate((struct slice){block.at, block.size}, name, SLICE("v"), false);
	buf_fini(&block);
}

/* RFC 7541 section 5.1 for a prefix of 7 bits: below 127 one byte, then 127 and the rest, 7 bits a byte. Appendix C.1.2 does so with 1337 and 5 bits: 31, 154, 10;
 * here 1337 - 127 = 1210 = 58 + 9 * 128. */
static void sizes_are_the_integers_of_the_rfc(void **state) {
	(void)state;
	static const struct {
		size_t size;
		unsigned char bytes[4];
		size_t count;
	} rows[] = {
		{0, {0}, 1},
		{10, {10}, 1}, /* appendix C.1.1's number */
		{126, {126}, 1},
		{127, {127, 0}, 2},
		{128, {127, 1}, 2},
		{254, {127, 127}, 2},
		{255, {127, 0x80, 1}, 3},
		{1337, {127, 0x80 | 58, 9}, 3},
		{16510, {127, 0xff, 127}, 3},
		{16511, {127, 0x80, 0x80, 1}, 4},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf block;
		buf_init(&block, LONG_MAX_BYTES);
		hpack_write(hpack_begin(SLICE("a"), &arena), (struct slice){many, rows[i].size}, &block);
		assert_int_equal(block.size, 3 + rows[i].count + rows[i].size);
		assert_memory_equal(block.at,
			"\x00\x01"
			"a",
			3);
		assert_memory_equal(block.at + 3, rows[i].bytes, rows[i].count);
		buf_fini(&block);
	}
}

/* Appendix C.2.2 and C.2.3 have such fields, but with an indexed name and with one to be kept out of tables. */
static void the_kind_of_field_is_its_first_byte(void **state) {
	(void)state;
	assert_int_equal(*hpack_begin(SLICE("password"), &arena).at, 0x00);
	assert_int_equal(*hpack_begin(SLICE("Authorization"), &arena).at, 0x10);
	assert_true(hpack_is_secret(SLICE("cookie")));
	assert_false(hpack_is_secret(SLICE("set-cookie")));
}

static void what_is_written_is_read_for_people(void **state) {
	(void)state;
	struct buf block;
	struct slice name, value;
	buf_init(&block, LONG_MAX_BYTES);
	hpack_write(hpack_begin(SLICE("X-A"), &arena), SLICE("1"), &block);
	hpack_write(hpack_begin((struct slice){many, 200}, &arena), (struct slice){many, 40000}, &block);
	hpack_write(hpack_begin(SLICE("b"), &arena), SLICE(""), &block);
	struct slice rest = {block.at, block.size};
	assert_true(hpack_read(&rest, &name, &value) && slice_equal(name, SLICE("x-a")) && slice_equal(value, SLICE("1")));
	assert_true(hpack_read(&rest, &name, &value) && name.size == 200 && value.size == 40000 && value.at[39999] == 'x');
	assert_true(hpack_read(&rest, &name, &value) && slice_equal(name, SLICE("b")) && value.size == 0);
	assert_false(hpack_read(&rest, &name, &value));
	for (size_t size = 0; size < 6; size++) { /* what is cut is not read past its end */
		char *cut = malloc(size + !size);
		memcpy(cut, block.at, size);
		rest = (struct slice){cut, size};
		assert_false(hpack_read(&rest, &name, &value));
		free(cut);
	}
	buf_fini(&block);
}

static void what_does_not_fit_marks_the_buffer(void **state) {
	(void)state;
	struct buf block;
	buf_init(&block, 8);
	hpack_write(hpack_begin(SLICE("a"), &arena), SLICE("12345"), &block);
	assert_true(block.full);
	buf_fini(&block);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nghttp2_reads_what_is_written, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(a_long_name_is_read_too, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(sizes_are_the_integers_of_the_rfc, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(the_kind_of_field_is_its_first_byte, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(what_is_written_is_read_for_people, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_fit_marks_the_buffer, set_up_many, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
