#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/connect_to.h"

static void assert_slice(struct slice got, const char *want) {
	if (!slice_equal(got, slice_of(want))) fail_msg("'%.*s' is not '%s'", (int)got.size, got.at, want);
}

static void four_fields_are_read(void **state) {
	static const struct {
		const char *text, *host, *to_host;
		unsigned port, to_port;
	} cases[] = {
		{"example.com:443:127.0.0.1:8443", "example.com", "127.0.0.1", 443, 8443},
		{"a:1:b:65535", "a", "b", 1, 65535},
		{"[::1]:80:[fd00::1]:8080", "::1", "fd00::1", 80, 8080},
		{"localhost:80:[::ffff:10.0.0.1]:80", "localhost", "::ffff:10.0.0.1", 80, 80},
		{"[fe80::1%eth0]:80:x_y-z.test:080", "fe80::1%eth0", "x_y-z.test", 80, 80},
		{"192.0.2.1:80:192.0.2.2:81", "192.0.2.1", "192.0.2.2", 80, 81},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct connect_to got;
		if (!connect_to_parse(slice_of(cases[i].text), &got)) fail_msg("refused: %s", cases[i].text);
		assert_slice(got.host, cases[i].host);
		assert_slice(got.to_host, cases[i].to_host);
		assert_int_equal(got.port, cases[i].port);
		assert_int_equal(got.to_port, cases[i].to_port);
		assert_null(connect_to_fault(slice_of(cases[i].text)));
	}
}

#define FEW "has fewer than four parts"
#define MANY "has more than four parts (an IPv6 address stands in brackets)"
#define HOST "has an empty host"
#define NAME "has a host with characters that no host name has"
#define PORT "has a port that is not a number from 1 to 65535"
#define IPV6 "has no IPv6 address between the brackets"

static void anything_else_is_refused_with_its_reason(void **state) {
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"", FEW},
		{"a", FEW},
		{"a:1", FEW},
		{"a:1:b", FEW},
		{"[a:1:b:2", FEW},
		{"[::1]:80:[::1]", FEW},
		{"a:1:b:2:c", MANY},
		{"::1:80:b:2", MANY},
		{"a:1:::1:80", MANY},
		{":1:b:2", HOST},
		{"a:1::2", HOST},
		{"a b:1:b:2", NAME},
		{"a:1:b/:2", NAME},
		{"u@a:1:b:2", NAME},
		{"h\xc3\xa4st:1:b:2", NAME},
		{"a[::1]:1:b:2", NAME},
		{" a:1:b:2", NAME},
		{"a::b:2", PORT},
		{"a:0:b:2", PORT},
		{"a:1:b:", PORT},
		{"a:1:b:65536", PORT},
		{"a:1:b:99999999999999999999999", PORT},
		{"a:+1:b:2", PORT},
		{"a:-1:b:2", PORT},
		{"a:1 :b:2", PORT},
		{"a:http:b:2", PORT},
		{"a:1:b:2\n", PORT},
		{"[]:1:b:2", IPV6},
		{"[127.0.0.1]:1:b:2", IPV6},
		{"a:1:[::1]x:2", IPV6},
		{"a:1:[fe80::1%]:2", IPV6},
		{"[::1:1]]:1:b:2", IPV6},
		{"[1111:2222:3333:4444:5555:6666:7777:8888:1111:2222:3333:4444:5555:6666:7777:8888]:1:b:2", IPV6},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct connect_to got, before;
		memset(&got, 0x5a, sizeof(got));
		before = got;
		if (connect_to_parse(slice_of(cases[i].text), &got)) fail_msg("taken: %s", cases[i].text);
		assert_memory_equal(&got, &before, sizeof(got));
		if (!connect_to_fault(slice_of(cases[i].text))) fail_msg("no fault: %s", cases[i].text);
		if (strcmp(connect_to_fault(slice_of(cases[i].text)), cases[i].fault) != 0)
			fail_msg("%s: %s", cases[i].text, connect_to_fault(slice_of(cases[i].text)));
	}
	assert_false(connect_to_parse((struct slice){"a\0:1:b:2", 8}, &(struct connect_to){0}));
	assert_false(connect_to_parse((struct slice){"[::1\0]:1:b:2", 12}, &(struct connect_to){0}));
}

/* The text is a view: a cut one ends where it ends. The copy on the heap lets a sanitizer see a read behind it. */
static void every_beginning_of_a_text_is_read_within_its_bounds(void **state) {
	static const char text[] = "[fe80::1%eth0]:80:[fd00::1]:8080";
	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size ? size : 1);
		struct connect_to got;
		assert_non_null(copy);
		memcpy(copy, text, size);
		/* From the first digit of the last port on it is one, but not with the 0 of the literal. */
		assert_int_equal(connect_to_parse((struct slice){copy, size}, &got), size >= sizeof(text) - 4 && size < sizeof(text));
		free(copy);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_fields_are_read),
		cmocka_unit_test(anything_else_is_refused_with_its_reason),
		cmocka_unit_test(every_beginning_of_a_text_is_read_within_its_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
