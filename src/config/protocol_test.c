#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/protocol.h"

/* The names on the wire are those of the IANA registry "TLS Application-Layer Protocol Negotiation (ALPN) Protocol IDs". */
static void every_spelling_is_one_name_on_the_wire(void **state) {
	(void)state;
	static const struct {
		const char *given, *name;
	} rows[] = {
		{"h2", "h2"},
		{"H2", "h2"},
		{"http2", "h2"},
		{"HTTP/2", "h2"},
		{" h2\t", "h2"},
		{"http/1.1", "http/1.1"},
		{"HTTP1.1", "http/1.1"},
		{"http1", "http/1.1"},
		{"Http/1", "http/1.1"},
		{"h1", NULL},
		{"h2c", NULL}, /* never in a TLS handshake (RFC 9113 section 11.1) */
		{"http/2.0", NULL},
		{"h3", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *name = protocol_name(slice_of(rows[i].given));
		if (!name || !rows[i].name ? name != rows[i].name : strcmp(name, rows[i].name) != 0) fail_msg("'%s': %s", rows[i].given, name);
	}
}

static void http3_is_for_later(void **state) {
	(void)state;
	static const char *const later[] = {"h3", "HTTP3", " http/3", "h3-29", "H3-Q050"}, *const others[] = {"h2", "http/1.1", "h3-", "h33", ""};
	for (size_t i = 0; i < LENGTH(later); i++) assert_true(protocol_is_later(slice_of(later[i])));
	for (size_t i = 0; i < LENGTH(others); i++) assert_false(protocol_is_later(slice_of(others[i])));
}

#define NAMES 3
#define H1 "http/1.1"

/* What each of the three options asks for, and what is then offered in the handshake. */
static void the_options_make_the_offer(void **state) {
	(void)state;
	static const struct {
		bool http2;
		const char *version, *alpn[NAMES];
		bool wants;
		const char *offer[NAMES];
	} rows[] = {
		{false, NULL, {NULL}, false, {NULL}},
		{true, NULL, {NULL}, true, {"h2", H1}},
		{true, NULL, {"h2"}, true, {"h2"}},
		{true, NULL, {H1, "h2"}, true, {H1, "h2"}},
		{false, NULL, {"h2"}, true, {"h2"}},
		{false, NULL, {"h2", H1}, true, {"h2", H1}},
		{false, NULL, {H1}, false, {H1}},
		{false, NULL, {"h2", "h2", H1}, true, {"h2", H1}},
		{false, "2", {NULL}, true, {"h2"}},
		{true, "2", {NULL}, true, {"h2"}},
		{true, "2", {"h2"}, true, {"h2"}},
		{false, "1.1", {NULL}, false, {NULL}},
		{false, "1.1", {H1}, false, {H1}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *given[NAMES];
		struct settings settings = {.net = {.http2 = rows[i].http2, .http_version = rows[i].version}, .tls.alpn.at = given};
		for (size_t j = 0; j < NAMES && rows[i].alpn[j]; j++) given[settings.tls.alpn.count++] = rows[i].alpn[j];
		if (protocol_wants_h2(&settings) != rows[i].wants) fail_msg("row %zu", i);
		for (int again = 0; again < 2; again++) { /* the second time it has nothing to do */
			size_t count = 0;
			protocol_settle(&settings, &arena);
			for (; count < NAMES && rows[i].offer[count]; count++)
				if (!protocol_is_among(&settings.tls.alpn, rows[i].offer[count])) fail_msg("row %zu: no %s", i, rows[i].offer[count]);
			if (settings.tls.alpn.count != count) fail_msg("row %zu: %zu names", i, settings.tls.alpn.count);
			if (count > 0) assert_string_equal(settings.tls.alpn.at[0], rows[i].offer[0]);
			if (protocol_wants_h2(&settings) != rows[i].wants) fail_msg("row %zu", i);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_one_name_on_the_wire),
		cmocka_unit_test(http3_is_for_later),
		cmocka_unit_test_setup_teardown(the_options_make_the_offer, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
