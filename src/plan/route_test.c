#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena_fixture.h"
#include "plan/route.h"

#define AGENT "User-Agent: strest-loadtest/" STREST_VERSION "\r\n"

static struct route open_route(const struct settings *settings, size_t most) {
	struct route route;
	struct err err;
	if (!route_open(settings, most, &arena, &route, &err)) fail_msg("%s", err.text);
	return route;
}

static const struct origin *add(struct route *route, const char *text) {
	struct url url;
	struct err err;
	uint32_t index;
	if (!url_parse(text, &arena, &url, &err)) fail_msg("%s", err.text);
	if (!route_add(route, &url, &index)) fail_msg("no room for %s", text);
	return &route->origins[index];
}

static void assert_slice(struct slice slice, const char *expected) {
	if (!slice_equal(slice, slice_of(expected))) fail_msg("'%.*s', not '%s'", (int)slice.size, slice.at, expected);
}

#define LIST(...)                                                                                                                                    \
	{                                                                                                                                            \
		LENGTH(((const char *[]){__VA_ARGS__})), (const char *[]) {                                                                          \
			__VA_ARGS__                                                                                                                  \
		}                                                                                                                                    \
	}

/* The tree of route_add, from the first rule that applies to the last. `place` is host:port or a path, `proxy` the host of an https:// proxy. */
static void every_url_has_its_way(void **state) {
	(void)state;
	const struct {
		struct settings settings;
		const char *url, *place;
		enum way way;
		const char *proxy;
	} rows[] = {
		{{.net.proxy = NULL}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.net.proxy = NULL}, "https://example.com/", "example.com:443", WAY_DIRECT, NULL},
		{{.net.proxy = NULL}, "http://[::1]:81/", "::1:81", WAY_DIRECT, NULL},
		{{.net.unix_socket = "/run/x.sock"}, "http://example.com/", "/run/x.sock", WAY_DIRECT, NULL},
		{{.net.unix_socket = "/run/x.sock", .proxies.http = "http://env:1"}, "http://example.com/", "/run/x.sock", WAY_DIRECT, NULL},
		/* --connect-to: the first that matches; the port must, too. */
		{{.net.connect_to = LIST("example.com:80:127.0.0.1:8080")}, "http://example.com/", "127.0.0.1:8080", WAY_DIRECT, NULL},
		{{.net.connect_to = LIST("EXAMPLE.com:443:[fd00::1]:8443")}, "https://example.COM/", "fd00::1:8443", WAY_DIRECT, NULL},
		{{.net.connect_to = LIST("example.com:81:127.0.0.1:8080")}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.net.connect_to = LIST("other.org:80:a:1", "example.com:80:b:2", "example.com:80:c:3")}, "http://example.com/", "b:2", WAY_DIRECT,
			NULL},
		{{.net.connect_to = LIST("[0:0::1]:80:b:2")}, "http://[::1]/", "b:2", WAY_DIRECT, NULL},
		{{.net = {.connect_to = LIST("example.com:80:b:2"), .proxy = "http://p:3128"}}, "http://example.com/", "b:2", WAY_DIRECT, NULL},
		{{.net = {.connect_to = LIST("example.com:80:b:2"), .proxy = "http://p:3128"}}, "http://other.org/", "p:3128", WAY_FORWARD, NULL},
		/* --proxy is for everything, loopback and NO_PROXY included. */
		{{.net.proxy = "http://p:3128"}, "http://example.com/", "p:3128", WAY_FORWARD, NULL},
		{{.net.proxy = "http://p:3128"}, "https://example.com/", "p:3128", WAY_TUNNEL, NULL},
		{{.net.proxy = "http://p"}, "http://example.com/", "p:80", WAY_FORWARD, NULL},
		{{.net.proxy = "https://p"}, "http://example.com/", "p:443", WAY_FORWARD, "p"},
		{{.net.proxy = "https://u:pw@[fd00::9]:3129"}, "https://example.com/", "fd00::9:3129", WAY_TUNNEL, "fd00::9"},
		{{.net.proxy = "http://p:3128"}, "http://localhost/", "p:3128", WAY_FORWARD, NULL},
		{{.net.proxy = "http://p:3128", .proxies.none = "*"}, "http://127.0.0.1/", "p:3128", WAY_FORWARD, NULL},
		{{.net.proxy = "http://p:3128", .proxies.http = "http://env:1"}, "http://example.com/", "p:3128", WAY_FORWARD, NULL},
		/* HTTP/2 goes through a tunnel, with TLS or without it. */
		{{.net = {.proxy = "http://p:3128", .http2 = true}}, "http://example.com/", "p:3128", WAY_TUNNEL, NULL},
		{{.net = {.proxy = "https://p:3128", .http2 = true}}, "http://example.com/", "p:3128", WAY_TUNNEL, "p"},
		{{.net = {.proxy = "http://p:3128", .http_version = "2"}, .tls.alpn = LIST("h2")}, "http://example.com/", "p:3128", WAY_TUNNEL, NULL},
		{{.net.proxy = "http://p:3128", .tls.alpn = LIST("h2", "http/1.1")}, "http://example.com/", "p:3128", WAY_FORWARD, NULL},
		{{.net.http2 = true}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.proxies.http = "http://h:1", .net.http2 = true}, "http://example.com/", "h:1", WAY_TUNNEL, NULL},
		/* The environment: by scheme, else ALL_PROXY. */
		{{.proxies.http = "http://h:1"}, "http://example.com/", "h:1", WAY_FORWARD, NULL},
		{{.proxies.http = "http://h:1"}, "https://example.com/", "example.com:443", WAY_DIRECT, NULL},
		{{.proxies.https = "http://s:1"}, "https://example.com/", "s:1", WAY_TUNNEL, NULL},
		{{.proxies.https = "http://s:1"}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.proxies = {.http = "http://h:1", .https = "http://s:2", .all = "http://a:3"}}, "http://example.com/", "h:1", WAY_FORWARD, NULL},
		{{.proxies = {.http = "http://h:1", .all = "https://a:3"}}, "https://example.com/", "a:3", WAY_TUNNEL, "a"},
		{{.proxies.all = "http://a:3"}, "http://example.com/", "a:3", WAY_FORWARD, NULL},
		{{.proxies.all = "proxy:3128"}, "http://example.com/", "proxy:3128", WAY_FORWARD, NULL}, /* without a scheme */
		{{.proxies.http = "ann:pw@proxy:3128/"}, "http://example.com/", "proxy:3128", WAY_FORWARD, NULL},
		/* Two that are never used need not be good. */
		{{.proxies = {.http = "http://h:1", .https = "http://s:2", .all = "socks5://a:3"}}, "http://example.com/", "h:1", WAY_FORWARD, NULL},
		{{.proxies = {.all = "socks5://a:3", .none = " * "}}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.proxies.all = "socks5://a:3", .net.no_proxy = true}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		{{.proxies.http = "http://h:1", .net.no_proxy = true}, "http://example.com/", "example.com:80", WAY_DIRECT, NULL},
		/* NO_PROXY, and what is never gone to by way of the environment's. */
		{{.proxies = {.http = "http://h:1", .none = "example.com"}}, "http://www.example.com/", "www.example.com:80", WAY_DIRECT, NULL},
		{{.proxies = {.http = "http://h:1", .none = "example.com:81"}}, "http://example.com/", "h:1", WAY_FORWARD, NULL},
		{{.proxies = {.http = "http://h:1", .none = "10.0.0.0/8"}}, "http://10.2.3.4/", "10.2.3.4:80", WAY_DIRECT, NULL},
		{{.proxies.all = "http://a:3"}, "http://localhost:3000/", "localhost:3000", WAY_DIRECT, NULL},
		{{.proxies.all = "http://a:3"}, "http://127.0.0.1:3000/", "127.0.0.1:3000", WAY_DIRECT, NULL},
		{{.proxies.all = "http://a:3"}, "https://[::1]:3000/", "::1:3000", WAY_DIRECT, NULL},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct route route = open_route(&rows[i].settings, 2);
		const struct origin *origin = add(&route, rows[i].url);
		const struct place *place = &route.places[origin->place];
		const char *text = place->host ? arena_format(&arena, "%s:%u", place->host, place->port) : place->unix_path;
		if (strcmp(text, rows[i].place) != 0 || origin->way != rows[i].way) fail_msg("row %zu: %s, way %d", i, text, origin->way);
		if (rows[i].proxy)
			assert_string_equal(origin->proxy_host, rows[i].proxy);
		else
			assert_null(origin->proxy_host);
		assert_int_equal(origin->connect.size > 0, origin->way == WAY_TUNNEL);
	}
}

/* RFC 9110 section 9.3.6; credentials: base64(1). The order is that of curl -v. */
static void a_tunnel_is_asked_for_with_these_bytes(void **state) {
	(void)state;
	const struct {
		struct settings settings;
		const char *url, *request;
	} rows[] = {
		{{.net.proxy = "http://p:1"}, "https://example.com/a", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n" AGENT "\r\n"},
		{{.net.proxy = "http://p:1"}, "https://[::1]/", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n" AGENT "\r\n"},
		{{.net.proxy = "http://p:1"}, "https://[fd00::1]:8443/", "CONNECT [fd00::1]:8443 HTTP/1.1\r\nHost: [fd00::1]:8443\r\n" AGENT "\r\n"},
		{{.net.proxy = "http://ann:pw@p:1"}, "https://h:80/",
			"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nProxy-Authorization: Basic YW5uOnB3\r\n" AGENT "\r\n"},
		{{.net.proxy = "http://p:1", .http.no_ua = true}, "https://h/", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"},
		{{.net.proxy = "http://p:1", .http.headers = LIST("user-agent: own/1", "X-A: 1")}, "https://h/",
			"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nUser-Agent: own/1\r\n\r\n"},
		{{.net = {.proxy = "http://ann:pw@p:1", .http2 = true}}, "http://example.com/a",
			"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nProxy-Authorization: Basic YW5uOnB3\r\n" AGENT "\r\n"},
		/* --host and the URL's user are for the target. */
		{{.net.proxy = "http://p:1", .http.host = "virtual", .http.no_ua = true}, "https://u:v@h/",
			"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"},
		{{.net = {.proxy = "http://p:1", .proxy_headers = LIST("X-A: 1", "X-B:2", "x-a:  3 ")}, .http.no_ua = true}, "https://h/",
			"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nX-B: 2\r\nx-a: 3\r\n\r\n"},
		{{.net = {.proxy = "http://ann:pw@p:1", .proxy_headers = LIST("proxy-authorization: Bearer x", "USER-AGENT: y")}}, "https://h/",
			"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nproxy-authorization: Bearer x\r\nUSER-AGENT: y\r\n\r\n"},
		{{.net = {.proxy = "http://p:1", .proxy_headers = LIST("Host: other", "X-Empty:")}, .http.no_ua = true}, "https://h/",
			"CONNECT h:443 HTTP/1.1\r\nHost: other\r\nX-Empty: \r\n\r\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct route route = open_route(&rows[i].settings, 1);
		assert_slice(add(&route, rows[i].url)->connect, rows[i].request);
	}
}

static void a_forwarding_proxy_gets_its_own_fields(void **state) {
	(void)state;
	const struct settings settings = {.net = {.proxy = "http://ann:pw@p:1", .proxy_headers = LIST("X-A: 1", "X-A: 2")}},
			      bare = {.net.proxy = "http://p"};
	struct route route = open_route(&settings, 1);
	assert_slice(route_proxy_fields(&route, add(&route, "http://h/")), "Proxy-Authorization: Basic YW5uOnB3\r\nX-A: 2\r\n");
	route = open_route(&bare, 1);
	assert_slice(route_proxy_fields(&route, add(&route, "http://h/")), "");
}

static void bad_proxies_are_named(void **state) {
	(void)state;
	const struct {
		struct settings settings;
		const char *words[3], *hidden;
	} rows[] = {
		{{.net.proxy = "socks5://p:1"}, {"--proxy: ", "'socks5'", "http:// or https://"}, NULL},
		{{.net.proxy = "http://ann:geheim@"}, {"--proxy: ", "host"}, "geheim"},
		{{.proxies.http = "http://p:0"}, {"HTTP_PROXY: ", "port", "--no-proxy"}, NULL},
		{{.proxies.https = "socks5h://ann:geheim@p:1"}, {"HTTPS_PROXY: ", "'socks5h'", "--no-proxy"}, "geheim"},
		{{.proxies = {.http = "http://p", .all = "ftp://p"}}, {"ALL_PROXY: ", "'ftp'", "--no-proxy"}, NULL},
		{{.net = {.proxy = "http://p", .proxy_headers = LIST("content-length: 1")}}, {"--proxy-header: ", "'Content-Length'"}, NULL},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct route route;
		struct err err;
		assert_false(route_open(&rows[i].settings, 1, &arena, &route, &err));
		assert_int_equal(err.code, ERR_FAILED);
		for (size_t j = 0; j < LENGTH(rows[i].words) && rows[i].words[j]; j++)
			if (!strstr(err.text, rows[i].words[j])) fail_msg("'%s' is missing in '%s'", rows[i].words[j], err.text);
		if (rows[i].hidden) assert_null(strstr(err.text, rows[i].hidden));
	}
}

/* RFC 6454 section 4: scheme, host and port. Two origins may have one place. */
static void origins_are_told_apart_and_found_again(void **state) {
	(void)state;
	static const struct {
		const char *url;
		uint32_t origin, place;
	} rows[] = {
		{"http://a/", 0, 0},
		{"http://a/b?c", 0, 0},
		{"http://A:80/", 0, 0},
		{"http://u:p@a/", 0, 0},
		{"https://a/", 1, 1},
		{"https://a:80/", 2, 0},
		{"http://a:81/", 3, 2},
		{"http://b/", 4, 3},
		{"http://[::1]/", 5, 4},
		{"http://a/", 0, 0},
	};
	const struct settings settings = {0};
	struct route route = open_route(&settings, 6);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct origin *origin = add(&route, rows[i].url);
		if (origin - route.origins != rows[i].origin || origin->place != rows[i].place) fail_msg("row %zu: place %u", i, origin->place);
	}
	struct url url;
	struct err err;
	uint32_t index = 77;
	assert_true(url_parse("http://c/", &arena, &url, &err));
	assert_false(route_add(&route, &url, &index)); /* full */
	assert_int_equal(index, 77);
	assert_string_equal(route.origins[5].authority, "[::1]");
	assert_string_equal(route.origins[5].host, "::1");
	assert_string_equal(route.origins[3].authority, "a:81");
}

static void a_copy_grows_by_itself(void **state) {
	(void)state;
	const struct settings settings = {.net.proxy = "http://p:1"};
	struct route route = open_route(&settings, 2), copy;
	struct arena other;
	arena_init(&other);
	add(&route, "http://a/");
	add(&route, "https://b/");
	route_copy(&route, 100, &other, &copy);
	assert_int_equal(add(&copy, "https://b/") - copy.origins, 1);
	for (unsigned i = 0; i < 100; i++) assert_int_equal(add(&copy, arena_format(&arena, "http://h%u/", i)) - copy.origins, 2 + i);
	assert_int_equal(add(&copy, "http://h37/") - copy.origins, 39);
	assert_int_equal(copy.place_count, 1);
	struct url url;
	struct err err;
	uint32_t index;
	assert_true(url_parse("http://c/", &arena, &url, &err));
	assert_false(route_add(&copy, &url, &index));
	assert_int_equal(route.origin_count, 2);
	arena_fini(&other);
}

static void the_proxy_is_told_without_its_user(void **state) {
	(void)state;
	const struct {
		struct settings settings;
		const char *urls[2], *words;
	} rows[] = {
		{{.net.proxy = NULL}, {"http://h/"}, NULL},
		{{.net.proxy = "http://ann:pw@p:3128"}, {"http://h/"}, "http://p:3128"},
		{{.proxies.http = "ann:pw@p:3128"}, {"http://h/"}, "http://p:3128 (HTTP_PROXY)"},
		{{.proxies.http = "p:3128"}, {"https://h/"}, NULL},
		{{.proxies.all = "https://p"}, {"https://h/", "http://h/"}, "https://p (ALL_PROXY)"},
		{{.proxies = {.http = "p:1", .https = "p:2"}}, {"https://h/", "http://h/"}, "http://p:1 (HTTP_PROXY), http://p:2 (HTTPS_PROXY)"},
		{{.proxies = {.http = "p:1", .https = "p:2", .none = "h"}}, {"https://h/", "http://i/"}, "http://p:1 (HTTP_PROXY)"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct route route = open_route(&rows[i].settings, 2);
		for (size_t j = 0; j < LENGTH(rows[i].urls) && rows[i].urls[j]; j++) add(&route, rows[i].urls[j]);
		const char *words = route_proxy_words(&route);
		if (!words || !rows[i].words)
			assert_ptr_equal(words, rows[i].words);
		else
			assert_string_equal(words, rows[i].words);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(every_url_has_its_way),
		CASE(a_tunnel_is_asked_for_with_these_bytes),
		CASE(a_forwarding_proxy_gets_its_own_fields),
		CASE(bad_proxies_are_named),
		CASE(origins_are_told_apart_and_found_again),
		CASE(a_copy_grows_by_itself),
		CASE(the_proxy_is_told_without_its_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
