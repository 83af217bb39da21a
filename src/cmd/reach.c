#include "cmd/reach.h"

#include "base/log.h"

static bool reach_has_source(const struct reach *reach, const struct address *address) {
	return !reach->sources || sources_count(reach->sources, address->socket.any.sa_family) > 0;
}

/* Leaves out the addresses that no local address can connect to. */
static bool reach_filter(const struct reach *reach, const char *host, struct address_list *list, struct err *err) {
	const char *other = list->at[0].socket.any.sa_family == AF_INET ? "IPv4" : "IPv6";
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++)
		if (reach_has_source(reach, &list->at[i])) list->at[kept++] = list->at[i];
	list->count = kept;
	return kept > 0 || err_set(err, ERR_FAILED, "--bind: '%s' has %s addresses only; give a local address of that kind", host, other);
}

/* Returns whether a proxy is dialled there. */
static bool reach_is_proxy(const struct route *route, const struct place *place) {
	for (size_t i = 0; i < route->origin_count; i++)
		if (&route->places[route->origins[i].place] == place && route->origins[i].way != WAY_DIRECT) return true;
	return false;
}

/* Finds the addresses of one place; with --no-pre-lookup none yet. */
static bool reach_find(struct reach *reach, const struct settings *settings, const struct place *place, struct arena *arena, struct err *err) {
	struct address_list *list = &reach->places[reach->found++];
	if (place->unix_path) return address_unix(place->unix_path, arena, list, err) || err_add(err, "--unix-socket");
	if (settings->net.no_pre_lookup) return true;
	struct address_query query = {.host = place->host, .port = place->port, .limit = settings->http.connect_timeout, .family = reach->family};
	return address_resolve(&query, arena, list, err) && reach_filter(reach, place->host, list, err);
}

/* Returns the name of an address; one that stands for another place already is told apart by its host. */
static const char *reach_name(const struct reach *reach, const struct place *place, const char *text, struct arena *arena) {
	for (size_t i = 0; i < reach->texts.count; i++)
		if (strcmp(reach->texts.at[i], text) == 0) return arena_format(arena, "%s (%s)", text, place->host);
	return text;
}

static void reach_list(struct reach *reach, const struct route *route, struct arena *arena) {
	size_t count = 0;
	for (size_t i = 0; i < reach->found; i++) count += reach->places[i].count;
	reach->texts.at = arena_array(arena, count, sizeof(char *));
	for (size_t i = 0; i < reach->found; i++) {
		const struct address_list *list = &reach->places[i];
		for (size_t j = 0; j < list->count; j++) {
			reach->texts.at[reach->texts.count] = reach_name(reach, &route->places[i], list->at[j].text, arena);
			reach->texts.count++;
			log_debug("address %zu of place %zu: %s", j + 1, i + 1, list->at[j].text);
		}
	}
}

bool reach_open(const struct settings *settings, const struct route *route, struct arena *arena, struct reach *ret, struct err *err) {
	struct reach reach = {.family = settings->net.ipv4 ? AF_INET : settings->net.ipv6 ? AF_INET6 : AF_UNSPEC};
	if (!sources_open(&settings->net.bind, arena, &reach.sources, err)) return false;
	reach.places = arena_array(arena, route->place_count, sizeof(*reach.places));
	for (size_t i = 0; i < route->place_count; i++)
		if (!reach_find(&reach, settings, &route->places[i], arena, err))
			return reach_is_proxy(route, &route->places[i]) ? err_add(err, "proxy %s", route_proxy_words(route)) : false;
	reach_list(&reach, route, arena);
	for (size_t i = reach.found; i > 0; i--)
		if (reach.places[i - 1].count > 0) reach.is_local = address_is_local(&reach.places[i - 1].at[0]);
	*ret = reach;
	return true;
}

uint64_t reach_pairs(const struct reach *reach) {
	uint64_t pairs = 0;
	for (size_t i = 0; i < reach->found; i++)
		for (size_t j = 0; j < reach->places[i].count; j++) {
			int family = reach->places[i].at[j].socket.any.sa_family;
			if (family != AF_UNIX) pairs += reach->sources ? sources_count(reach->sources, family) : 1;
		}
	return pairs;
}
