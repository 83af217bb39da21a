#include "plan/route.h"

#include <assert.h>

#include "base/buf.h"
#include "base/connect_to.h"
#include "http/basic.h"
#include "plan/fields.h"
#include "plan/no_proxy.h"
#include "plan/protocols.h"

#define TEXT_MAX ((size_t)64 << 20) /* of a request to the proxy: URLs are 8 MB at most (curl), the lists of fields FIELDS_MAX */

struct route_proxy {
	const char *variable; /* of the environment that named it; NULL: --proxy did */
	const char *words;    /* for people */
	struct url url;
	struct slice credentials; /* the value of Proxy-Authorization; `at` NULL: none */
	struct slice fields;      /* Proxy-Authorization and --proxy-header, for whole requests */
};

struct route_rules {
	const struct settings *settings;
	struct protocols protocols;
	size_t connect_count;
	struct connect_to *connects;
	const struct route_proxy *proxies[2]; /* for http, for https; NULL: none */
};

/* Moves a text into the arena. */
static struct slice text_take(struct buf *text, struct arena *arena) {
	struct slice copy = {arena_copy(arena, (struct slice){buf_text(text), text->size}), text->size};
	assert(!text->full);
	buf_fini(text);
	return copy;
}

static void text_add_field(struct buf *text, struct slice name, struct slice value) {
	buf_add(text, name);
	buf_add_text(text, ": ");
	buf_add(text, value);
	buf_add_text(text, "\r\n");
}

/* Adds one of our own fields, unless --proxy-header has one of this name. */
static void text_add_own(struct buf *text, const struct settings *settings, const char *name, struct slice value) {
	if (!fields_have(&settings->net.proxy_headers, slice_of(name))) text_add_field(text, slice_of(name), value);
}

/* Adds --proxy-header: of each name the last one. */
static void text_add_headers(struct buf *text, const struct text_list *headers) {
	for (size_t i = 0; i < headers->count; i++) {
		struct slice value, name = fields_split(headers->at[i], &value);
		struct text_list later = {headers->count - i - 1, headers->at + i + 1};
		if (!fields_have(&later, name)) text_add_field(text, name, value);
	}
}

/* Adds the User-Agent that the requests have. */
static void text_add_agent(struct buf *text, const struct settings *settings) {
	const struct text_list *headers = &settings->http.headers;
	bool own = fields_have(headers, SLICE("User-Agent"));
	for (size_t i = 0; i < headers->count; i++) {
		struct slice value, name = fields_split(headers->at[i], &value);
		if (slice_equal_nocase(name, SLICE("User-Agent"))) text_add_own(text, settings, "User-Agent", value);
	}
	if (!own && !settings->http.no_ua) text_add_own(text, settings, "User-Agent", SLICE(FIELDS_USER_AGENT));
}

static void proxy_prepare(struct route_proxy *proxy, const struct settings *settings, struct arena *arena) {
	struct buf text;
	buf_init(&text, TEXT_MAX);
	if (proxy->url.userinfo) {
		basic_write(&text, slice_of(proxy->url.userinfo));
		proxy->credentials = text_take(&text, arena);
	}
	buf_init(&text, TEXT_MAX);
	if (proxy->credentials.at) text_add_own(&text, settings, "Proxy-Authorization", proxy->credentials);
	text_add_headers(&text, &settings->net.proxy_headers);
	proxy->fields = text_take(&text, arena);
	proxy->words = arena_format(arena, "%s://%s", proxy->url.scheme, proxy->url.authority);
	if (proxy->variable) proxy->words = arena_format(arena, "%s (%s)", proxy->words, proxy->variable);
}

/* Returns the request line and fields that open a tunnel to `url`: the port always stands there (RFC 9110 section 9.3.6). */
static struct slice proxy_connect(const struct route_proxy *proxy, const struct url *url, const struct settings *settings, struct arena *arena) {
	bool has_port = url->port != (url->tls ? 443 : 80);
	const char *target = has_port ? url->authority : arena_format(arena, "%s:%u", url->authority, url->port);
	struct buf text;
	buf_init(&text, TEXT_MAX);
	buf_add_format(&text, "CONNECT %s HTTP/1.1\r\n", target);
	text_add_own(&text, settings, "Host", slice_of(target));
	if (proxy->credentials.at) text_add_own(&text, settings, "Proxy-Authorization", proxy->credentials);
	text_add_agent(&text, settings);
	text_add_headers(&text, &settings->net.proxy_headers);
	buf_add_text(&text, "\r\n");
	return text_take(&text, arena);
}

/* Reads a proxy's URL; NULL, and *err says why, if it is none. One of the environment may lack its scheme, as with other programs. */
static const struct route_proxy *proxy_open(
	const struct settings *settings, const char *variable, const char *text, struct arena *arena, struct err *err) {
	struct route_proxy *proxy = arena_alloc(arena, sizeof(*proxy));
	proxy->variable = variable;
	if (variable && !strstr(text, "://")) text = arena_format(arena, "http://%s", text);
	if (url_parse(text, arena, &proxy->url, err)) {
		proxy_prepare(proxy, settings, arena);
		return proxy;
	}
	if (variable)
		err_set(err, ERR_FAILED, "%s: %s; --no-proxy leaves it aside", variable, arena_copy(arena, slice_of(err->text)));
	else
		err_add(err, "--proxy");
	return NULL;
}

static bool rules_open_environment(struct route_rules *rules, struct arena *arena, struct err *err) {
	const struct proxy_environment *names = &rules->settings->proxies;
	const char *const own[2] = {names->http, names->https}, *const variables[2] = {"HTTP_PROXY", "HTTPS_PROXY"};
	if (slice_equal(slice_trim(slice_of(names->none)), SLICE("*"))) return true;
	const struct route_proxy *all = NULL;
	if (names->all && (!own[0] || !own[1]) && !(all = proxy_open(rules->settings, "ALL_PROXY", names->all, arena, err))) return false;
	for (int tls = 0; tls < 2; tls++) {
		rules->proxies[tls] = own[tls] ? proxy_open(rules->settings, variables[tls], own[tls], arena, err) : all;
		if (own[tls] && !rules->proxies[tls]) return false;
	}
	return true;
}

static bool rules_open_proxies(struct route_rules *rules, struct arena *arena, struct err *err) {
	const struct net_settings *net = &rules->settings->net;
	if (!fields_check(&rules->settings->http.headers, "--headers", err) || !fields_check(&net->proxy_headers, "--proxy-header", err))
		return false;
	if (net->unix_socket || net->no_proxy) return true;
	if (!net->proxy) return rules_open_environment(rules, arena, err);
	rules->proxies[0] = rules->proxies[1] = proxy_open(rules->settings, NULL, net->proxy, arena, err);
	return rules->proxies[0] != NULL;
}

bool route_open(const struct settings *settings, size_t origins_max, struct arena *arena, struct route *ret, struct err *err) {
	struct route_rules *rules = arena_alloc(arena, sizeof(*rules));
	const struct text_list *connect_to = &settings->net.connect_to;
	rules->settings = settings;
	rules->protocols = protocols_of(settings);
	rules->connects = arena_array(arena, connect_to->count, sizeof(*rules->connects));
	for (size_t i = 0; i < connect_to->count; i++)
		if (connect_to_parse(slice_of(connect_to->at[i]), &rules->connects[rules->connect_count]))
			rules->connect_count++; /* config/ refuses others */
	if (!rules_open_proxies(rules, arena, err)) return false;
	*ret = (struct route){.rules = rules, .arena = arena, .origins_max = origins_max};
	ret->origins = arena_array(arena, origins_max, sizeof(*ret->origins));
	ret->places = arena_array(arena, origins_max, sizeof(*ret->places));
	table_init(&ret->by_origin, origins_max, arena);
	return true;
}

/* Returns the proxy for a URL that no other rule is for; NULL: none. */
static const struct route_proxy *rules_proxy(const struct route_rules *rules, const struct url *url) {
	const struct route_proxy *proxy = rules->proxies[url->tls];
	struct slice host = slice_of(url->host);
	if (!proxy || !proxy->variable) return proxy;
	if (host_is_loopback(host) || no_proxy_has(slice_of(rules->settings->proxies.none), host, url->port)) return NULL;
	return proxy;
}

static const struct connect_to *rules_connect(const struct route_rules *rules, const struct url *url) {
	for (size_t i = 0; i < rules->connect_count; i++)
		if (rules->connects[i].port == url->port && host_equal(rules->connects[i].host, slice_of(url->host))) return &rules->connects[i];
	return NULL;
}

static bool place_same(const struct place *a, const struct place *b) {
	if (!a->host || !b->host) return a->host == b->host;
	return a->port == b->port && slice_equal_nocase(slice_of(a->host), slice_of(b->host));
}

/* Returns the index of a place, which is added if it is new. */
static uint32_t route_add_place(struct route *route, const struct place *place) {
	size_t i = 0;
	while (i < route->place_count && !place_same(&route->places[i], place)) i++;
	if (i == route->place_count) route->places[route->place_count++] = *place;
	return (uint32_t)i;
}

/* Finds the way of a new origin. */
static void route_find_way(struct route *route, const struct url *url, struct origin *origin) {
	const struct route_rules *rules = route->rules;
	const struct connect_to *to = rules_connect(rules, url);
	struct place place = {.host = origin->host, .port = url->port};
	const struct route_proxy *proxy = NULL;
	if (rules->settings->net.unix_socket)
		place = (struct place){.unix_path = rules->settings->net.unix_socket};
	else if (to)
		place = (struct place){.host = arena_copy(route->arena, to->to_host), .port = to->to_port};
	else
		proxy = rules_proxy(rules, url);
	if (proxy) {
		place = (struct place){.host = proxy->url.host, .port = proxy->url.port};
		origin->way = url->tls || rules->protocols.clear_h2 ? WAY_TUNNEL : WAY_FORWARD;
		if (proxy->url.tls) origin->proxy_host = proxy->url.host;
		if (origin->way == WAY_TUNNEL) origin->connect = proxy_connect(proxy, url, rules->settings, route->arena);
	}
	origin->place = route_add_place(route, &place);
}

/* A URL whose origin is looked for. */
struct origin_key {
	const struct route *route;
	const struct url *url;
};

static bool origin_same(const void *user, uint32_t number) {
	const struct origin_key *key = user;
	const struct origin *origin = &key->route->origins[number];
	const struct url *url = key->url;
	return origin->port == url->port && origin->tls == url->tls && slice_equal_nocase(slice_of(origin->host), slice_of(url->host));
}

static uint64_t origin_hash(bool tls, uint16_t port, const char *host) {
	return table_hash((uint64_t)port * 2 + tls, slice_of(host));
}

bool route_add(struct route *route, const struct url *url, uint32_t *ret) {
	struct origin_key key = {route, url};
	uint32_t *slot = table_seek(&route->by_origin, origin_hash(url->tls, url->port, url->host), origin_same, &key);
	if (!*slot) {
		if (route->origin_count == route->origins_max) return false;
		struct origin *origin = &route->origins[route->origin_count++];
		*origin = (struct origin){.tls = url->tls, .port = url->port};
		origin->host = arena_copy(route->arena, slice_of(url->host));
		origin->authority = arena_copy(route->arena, slice_of(url->authority));
		route_find_way(route, url, origin);
		*slot = (uint32_t)route->origin_count;
	}
	*ret = *slot - 1;
	return true;
}

static bool number_never_same(const void *user, uint32_t number) {
	(void)user;
	(void)number;
	return false;
}

void route_copy(const struct route *from, size_t more, struct arena *arena, struct route *ret) {
	*ret = *from;
	ret->arena = arena;
	ret->origins_max = from->origin_count + more;
	ret->origins = arena_array(arena, ret->origins_max, sizeof(*ret->origins));
	ret->places = arena_array(arena, ret->origins_max, sizeof(*ret->places));
	table_init(&ret->by_origin, ret->origins_max, arena);
	for (size_t i = 0; i < from->place_count; i++) ret->places[i] = from->places[i];
	for (size_t i = 0; i < from->origin_count; i++) {
		const struct origin *origin = &from->origins[i];
		ret->origins[i] = *origin;
		*table_seek(&ret->by_origin, origin_hash(origin->tls, origin->port, origin->host), number_never_same, NULL) = (uint32_t)i + 1;
	}
}

struct slice route_proxy_fields(const struct route *route, const struct origin *origin) {
	assert(origin->way == WAY_FORWARD);
	return route->rules->proxies[origin->tls]->fields;
}

const char *route_proxy_words(const struct route *route) {
	const struct route_proxy *used[2] = {NULL, NULL};
	for (size_t i = 0; i < route->origin_count; i++)
		if (route->origins[i].way != WAY_DIRECT) used[route->origins[i].tls] = route->rules->proxies[route->origins[i].tls];
	if (used[0] && used[1] && used[0] != used[1]) return arena_format(route->arena, "%s, %s", used[0]->words, used[1]->words);
	const struct route_proxy *proxy = used[0] ? used[0] : used[1];
	return proxy ? proxy->words : NULL;
}
