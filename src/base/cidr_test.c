#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "base/cidr.h"

static struct cidr parse(const char *text) {
	struct cidr cidr;
	if (!cidr_parse(slice_of(text), &cidr)) fail_msg("'%s' was refused", text);
	return cidr;
}

static void addresses_and_blocks_are_read(void **state) {
	(void)state;
	static const struct {
		const char *text;
		bool v6;
		uint8_t bits, bytes[16];
	} rows[] = {
		{"10.0.0.7", false, 32, {10, 0, 0, 7}},
		{"127.0.1.0/24", false, 24, {127, 0, 1, 0}},
		{"0.0.0.0/0", false, 0, {0}},
		{"0.0.0.0", false, 32, {0}},
		{"255.255.255.255/32", false, 32, {255, 255, 255, 255}},
		{"172.16.0.0/12", false, 12, {172, 16, 0, 0}}, /* RFC 1918 */
		{"128.0.0.0/1", false, 1, {128}},
		{"10.0.0.8/29", false, 29, {10, 0, 0, 8}},
		{"::", true, 128, {0}},
		{"::/0", true, 0, {0}},
		{"::1", true, 128, {[15] = 1}},
		{"[::1]", true, 128, {[15] = 1}},
		{"fd00::/64", true, 64, {0xfd}},
		{"[fd00::]/64", true, 64, {0xfd}},
		{"2001:DB8::/29", true, 29, {0x20, 0x01, 0x0d, 0xb8}},
		{"2001:0DB8:0:CD30::/60", true, 60, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0xcd, 0x30}}, /* RFC 4291 section 2.3 */
		{"::ffff:192.0.2.1", true, 128, {[10] = 0xff, 0xff, 192, 0, 2, 1}},
		{"0001:0002:0003:0004:0005:0006:123.123.123.123/128", true, 128, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 123, 123, 123, 123}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cidr cidr = parse(rows[i].text);
		assert_int_equal(cidr.v6, rows[i].v6);
		assert_int_equal(cidr.bits, rows[i].bits);
		assert_memory_equal(cidr.bytes, rows[i].bytes, sizeof(cidr.bytes));
	}
}

static void anything_else_is_refused(void **state) {
	(void)state;
	static const char *const rows[] = {"", " ", "/", "/24", "localhost", "10.0.0", "10.0.0.", "10.0.0.256", "10.0.0.1.1", "10.0.0.01", "0x7f.1",
		"10.0.0.7 ", " 10.0.0.7", "10.0.0.7:80", "[10.0.0.7]", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
		"10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/a", "10.0.0.0/255.0.0.0", "10.0.0.0/264", "10.0.0.0/4294967304",
		"10.0.0.7/24", "10.0.0.0/6", "0.0.0.1/0", "128.0.0.0/0", "fd00::/129", "fd00::/1280", "fd00::1/64", "fd00::/7/7", "fe80::1%lo",
		"::1%0", "[::1", "::1]", "[]", "[", "]", "[]/8", "[fd00::/64]", "[[::1]]", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"12345::", "2001:0DB8:0:CD3/60", "2001:0DB8::CD3/60", "10.0.0.1,10.0.0.2",
		"0001:0002:0003:0004:0005:0006:123.123.123.123000000000000000"};
	struct cidr before, cidr;
	memset(&before, 0xa5, sizeof(before));
	for (size_t i = 0; i < LENGTH(rows); i++) {
		memset(&cidr, 0xa5, sizeof(cidr));
		if (cidr_parse(slice_of(rows[i]), &cidr)) fail_msg("'%s' was taken", rows[i]);
		assert_memory_equal(&cidr, &before, sizeof(cidr));
	}
	assert_false(cidr_parse(SLICE("10.0.0.7\0"), &cidr));
	assert_false(cidr_parse(SLICE("10.0.0.0/8\0"), &cidr));
	assert_false(cidr_parse((struct slice){NULL, 0}, &cidr));
}

static void the_slice_ends_the_text(void **state) {
	(void)state;
	struct cidr cidr;
	assert_true(cidr_parse((struct slice){"10.0.0.0/289", 11}, &cidr));
	assert_int_equal(cidr.bits, 28);
	assert_true(cidr_parse((struct slice){"10.0.0.25", 8}, &cidr));
	assert_int_equal(cidr.bytes[3], 2);
}

static void a_block_contains_what_begins_like_it(void **state) {
	(void)state;
	static const struct {
		const char *outer, *inner;
		bool contains;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.0.0.0/8", "10.64.0.0/10", true},
		{"10.64.0.0/10", "10.0.0.0/8", false},      /* the smaller one has not all of the larger */
		{"192.24.32.0/19", "192.24.63.0/24", true}, /* RFC 4632 section 5.1 */
		{"192.24.32.0/19", "192.24.64.0/24", false},
		{"10.0.0.7", "10.0.0.7", true},
		{"10.0.0.7", "10.0.0.6", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "::", false}, /* another family */
		{"::/0", "10.0.0.7", false},
		{"::/0", "ffff::", true},
		{"fd00::/8", "fc00::1", false},
		{"fc00::/7", "fd12:3456::1", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"::ffff:0:0/96", "10.0.0.7", false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cidr outer = parse(rows[i].outer), inner = parse(rows[i].inner);
		if (cidr_contains(&outer, &inner) != rows[i].contains) fail_msg("'%s' and '%s'", rows[i].outer, rows[i].inner);
	}
}

/* IPv4 as hosts() of Python's ipaddress counts them. */
static void addresses_of_a_block_are_counted_and_named(void **state) {
	(void)state;
	static const struct {
		const char *text;
		uint64_t count;
		const char *first, *last;
	} rows[] = {
		{"10.0.0.7", 1, "10.0.0.7", "10.0.0.7"},
		{"10.0.0.6/31", 2, "10.0.0.6", "10.0.0.7"}, /* RFC 3021 */
		{"10.0.0.4/30", 2, "10.0.0.5", "10.0.0.6"},
		{"127.0.1.0/24", 254, "127.0.1.1", "127.0.1.254"},
		{"10.0.0.0/16", 65534, "10.0.0.1", "10.0.255.254"},
		{"10.0.0.0/8", 16777214, "10.0.0.1", "10.255.255.254"},
		{"0.0.0.0/0", 4294967294, "0.0.0.1", "255.255.255.254"},
		{"fd00::7", 1, "fd00::7", "fd00::7"},
		{"fd00::/126", 4, "fd00::", "fd00::3"},
		{"fd00::/112", 65536, "fd00::", "fd00::ffff"},
		{"fd00::/96", 4294967296, "fd00::", "fd00::ffff:ffff"},
		{"fd00::/64", 4294967296, "fd00::", "fd00::ffff:ffff"},
		{"::/0", 4294967296, "::", "::ffff:ffff"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cidr cidr = parse(rows[i].text), first = parse(rows[i].first), last = parse(rows[i].last);
		uint8_t bytes[16] = {0};
		if (cidr_count(&cidr) != rows[i].count) fail_msg("%s: %" PRIu64, rows[i].text, cidr_count(&cidr));
		cidr_address(&cidr, 0, bytes);
		assert_memory_equal(bytes, first.bytes, sizeof(bytes));
		cidr_address(&cidr, rows[i].count - 1, bytes);
		assert_memory_equal(bytes, last.bytes, sizeof(bytes));
	}
}

static void each_address_of_a_block_comes_once(void **state) {
	(void)state;
	struct cidr cidr = parse("10.1.254.0/23");
	for (uint64_t i = 0; i < 510; i++) {
		uint8_t bytes[16] = {0}, expected[4] = {10, 1, i + 1 < 256 ? 254 : 255, (uint8_t)(i + 1)};
		cidr_address(&cidr, i, bytes);
		assert_memory_equal(bytes, expected, 4);
	}
	assert_int_equal(cidr_count(&cidr), 510);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_blocks_are_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(the_slice_ends_the_text),
		cmocka_unit_test(a_block_contains_what_begins_like_it),
		cmocka_unit_test(addresses_of_a_block_are_counted_and_named),
		cmocka_unit_test(each_address_of_a_block_comes_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
