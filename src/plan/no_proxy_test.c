#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plan/no_proxy.h"

/* As curl(1) has it under "NO_PROXY": commas, names with all that lies below them, the leading dot, addresses and blocks; ports as in Go's
 * httpproxy package. */
static void the_list_names_hosts(void **state) {
	(void)state;
	static const struct {
		const char *list, *host;
		uint16_t port;
		bool named;
	} rows[] = {
		{"", "example.com", 80, false},
		{NULL, "example.com", 80, false},
		{"*", "example.com", 80, true},
		{"*", "10.0.0.1", 80, true},
		{" * ", "::1", 80, true},
		{"other.org,*", "example.com", 80, true},
		{"example.com", "example.com", 80, true},
		{"example.com", "EXAMPLE.com", 80, true},
		{"Example.COM", "example.com", 80, true},
		{"example.com", "www.example.com", 80, true}, /* "local.com would match local.com, www.local.com" */
		{"example.com", "a.b.example.com", 80, true},
		{"example.com", "notexample.com", 80, false}, /* "but not www.notlocal.com" */
		{"example.com", "example.com.org", 80, false},
		{"example.com", "com", 80, false},
		{"www.example.com", "example.com", 80, false},
		{".example.com", "www.example.com", 80, true},
		{".example.com", "example.com", 80, true},
		{".example.com", "notexample.com", 80, false},
		{"example.com.", "example.com", 80, true}, /* a dot at the end is the root */
		{"example.com", "www.example.com.", 80, true},
		{".", "example.com", 80, false},
		{"a.org,example.com,b.org", "example.com", 80, true},
		{"a.org, example.com", "example.com", 80, true},
		{"a.org example.com\tb.org", "b.org", 80, true},
		{",,example.com,,", "example.com", 80, true},
		{"a.org,b.org", "example.com", 80, false},
		{"example.com:8080", "example.com", 8080, true},
		{"example.com:8080", "example.com", 80, false},
		{".example.com:8080", "www.example.com", 8080, true},
		{"*:8080", "example.com", 8080, true},
		{"*:8080", "example.com", 80, false},
		{"example.com:0x50", "example.com", 80, false},
		{"example.com:65536", "example.com", 80, false},
		{"192.0.2.1", "192.0.2.1", 80, true},
		{"192.0.2.1", "192.0.2.11", 80, false},
		{"2.1", "192.0.2.1", 80, false}, /* an address has nothing below it */
		{"192.0.2.1:81", "192.0.2.1", 81, true},
		{"192.0.2.1:81", "192.0.2.1", 80, false},
		{"192.168.0.0/16", "192.168.7.9", 80, true},
		{"192.168.0.0/16", "192.169.7.9", 80, false},
		{"192.168.0.9/16", "192.168.7.9", 80, true},
		{"10.0.0.0/8:8080", "10.1.2.3", 8080, true},
		{"10.0.0.0/8:8080", "10.1.2.3", 80, false},
		{"0.0.0.0/0", "203.0.113.5", 80, true},
		{"0.0.0.0/0", "::1", 80, false},
		{"10.0.0.0/33", "10.0.0.0", 80, false},
		{"10.0.0.0/", "10.0.0.0", 80, false},
		{"10.0.0.0/8", "host.example", 80, false},
		{"::1", "::1", 80, true},
		{"[::1]", "::1", 80, true},
		{"[::1]:80", "::1", 80, true},
		{"[::1]:81", "::1", 80, false},
		{"2001:db8::1", "2001:DB8:0:0::1", 80, true}, /* the same address (RFC 4291 section 2.2) */
		{"2001:db8::/32", "2001:db8:5::7", 80, true},
		{"2001:db8::/32", "2001:db9::7", 80, false},
		{"2001:db8::/33", "2001:db8:8000::7", 80, false},
		{"fe80::7/10", "fe80::1234", 80, true},
		{":", "example.com", 80, false},
		{":80", "example.com", 80, false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++)
		if (no_proxy_has(slice_of(rows[i].list), slice_of(rows[i].host), rows[i].port) != rows[i].named)
			fail_msg("'%s': %s:%u", rows[i].list, rows[i].host, rows[i].port);
}

static void loopback_is_known_by_name_and_address(void **state) {
	(void)state;
	static const struct {
		const char *host;
		bool is;
	} rows[] = {
		{"localhost", true},
		{"LocalHost", true},
		{"localhost.", true},
		{"api.localhost", true},
		{"127.0.0.1", true},
		{"127.255.0.9", true},
		{"::1", true},
		{"0:0:0:0:0:0:0:1", true},
		{"localhost.example.com", false},
		{"notlocalhost", false},
		{"128.0.0.1", false},
		{"::2", false},
		{"", false},
		{"127.0.0.1.example.com", false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++)
		if (host_is_loopback(slice_of(rows[i].host)) != rows[i].is) fail_msg("%s", rows[i].host);
}

static void hosts_are_the_same_however_they_are_written(void **state) {
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"example.com", "EXAMPLE.COM", true},
		{"example.com", "example.com.", true},
		{"example.com", "www.example.com", false},
		{"::1", "0:0::1", true},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"0.0.0.0", "::", false},
		{"10.0.0.0/8", "10.1.1.1", false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++)
		if (host_equal(slice_of(rows[i].a), slice_of(rows[i].b)) != rows[i].same) fail_msg("%s %s", rows[i].a, rows[i].b);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_names_hosts),
		cmocka_unit_test(loopback_is_known_by_name_and_address),
		cmocka_unit_test(hosts_are_the_same_however_they_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
