#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/host_port.h"

static void addresses_with_a_port_are_read(void **state) {
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{"127.0.0.1:3000", "127.0.0.1", 3000},
		{"localhost:0", "localhost", 0},
		{"[::1]:65535", "::1", 65535},
		{":9464", "", 9464},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct host_port read;
		if (!host_port_parse(slice_of(cases[i].text), &read)) fail_msg("%s", cases[i].text);
		assert_true(slice_equal(read.host, slice_of(cases[i].host)));
		assert_int_equal(read.port, cases[i].port);
	}
}

static void anything_else_is_refused(void **state) {
	static const char *const cases[] = {"", "9464", "localhost", "localhost:", "localhost:http", "localhost:+1", "localhost:-1",
		"localhost:65536", "::1:80", "[]:80", "[::1]", "a:1:", "a:1 "};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct host_port read = {.port = 7};
		if (host_port_parse(slice_of(cases[i]), &read)) fail_msg("%s", cases[i]);
		assert_int_equal(read.port, 7);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_with_a_port_are_read),
		cmocka_unit_test(anything_else_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
