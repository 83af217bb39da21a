#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/protocol.h"
#include "plan/protocols.h"

#define H1 "http/1.1"

/* --http2 is prior knowledge for http:// (RFC 9113 section 3.3) and a wish over TLS (section 3.2); what leaves no choice insists. */
static void the_options_choose_the_protocol(void **state) {
	(void)state;
	static const struct {
		bool http2;
		const char *version, *alpn[2];
		bool clear_h2;
		enum tls_http tls;
	} rows[] = {
		{false, NULL, {NULL}, false, TLS_HTTP_1},
		{true, NULL, {NULL}, true, TLS_HTTP_BEST},
		{true, NULL, {"h2"}, true, TLS_HTTP_2},
		{true, NULL, {"h2", H1}, true, TLS_HTTP_BEST},
		{false, NULL, {"h2"}, true, TLS_HTTP_2},
		{false, NULL, {"h2", H1}, false, TLS_HTTP_BEST},
		{false, NULL, {H1, "h2"}, false, TLS_HTTP_BEST},
		{false, NULL, {H1}, false, TLS_HTTP_1},
		{false, "1.1", {NULL}, false, TLS_HTTP_1},
		{false, "1.1", {H1}, false, TLS_HTTP_1},
		{false, "2", {NULL}, true, TLS_HTTP_2},
		{true, "2", {NULL}, true, TLS_HTTP_2},
		{true, "2", {"h2"}, true, TLS_HTTP_2},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *given[2];
		struct settings settings = {.net = {.http2 = rows[i].http2, .http_version = rows[i].version}, .tls.alpn.at = given};
		for (size_t j = 0; j < LENGTH(given) && rows[i].alpn[j]; j++) given[settings.tls.alpn.count++] = rows[i].alpn[j];
		for (int settled = 0; settled < 2; settled++) {
			struct protocols protocols = protocols_of(&settings);
			if (protocols.clear_h2 != rows[i].clear_h2 || protocols.tls != rows[i].tls) fail_msg("row %zu, settled %d", i, settled);
			assert_int_equal(protocols_have_h2(&protocols), rows[i].clear_h2 || rows[i].tls != TLS_HTTP_1);
			assert_int_equal(protocols_may_h2(&protocols, false), rows[i].clear_h2);
			assert_int_equal(protocols_must_h2(&protocols, false), rows[i].clear_h2);
			assert_int_equal(protocols_may_h2(&protocols, true), rows[i].tls != TLS_HTTP_1);
			assert_int_equal(protocols_must_h2(&protocols, true), rows[i].tls == TLS_HTTP_2);
			protocol_settle(&settings, &arena);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(the_options_choose_the_protocol, set_up, tear_down)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
