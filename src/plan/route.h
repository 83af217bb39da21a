/* Where requests go: origins, and the way to each of them (directly, by a proxy, to another place by --connect-to, through a Unix socket).
 * In: the settings, URLs. Out: origins by index. A route may be copied (route_copy), so that a worker can add the origins that redirects lead it to.
 * Texts and tables live in the given arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/str.h"
#include "http/url.h"
#include "plan/table.h"

#define ROUTE_ORIGINS_MAX 1024 /* different origins of a list of URLs */
#define ROUTE_FOUND_MAX 64     /* origins that redirects add on one worker */

/* A place that connections are opened to. */
struct place {
	const char *host; /* name or address, without brackets; NULL: unix_path */
	uint16_t port;
	const char *unix_path; /* NULL: host and port */
};

enum way {
	WAY_DIRECT,
	WAY_FORWARD, /* a proxy, which gets the whole URL in the request line (RFC 9112 section 3.2.2) */
	WAY_TUNNEL, /* a proxy, which is asked to CONNECT first (RFC 9110 section 9.3.6); what then goes through is TLS (https), or HTTP/2 without it */
};

/* Scheme, host and port (RFC 6454 section 4), and the way there. */
struct origin {
	bool tls; /* https */
	uint16_t port;
	const char *host;      /* what certificates are checked against; no brackets */
	const char *authority; /* for the Host header and for CONNECT */
	enum way way;
	uint32_t place; /* index: what is dialled */
	const char *
		proxy_host; /* WAY_FORWARD, WAY_TUNNEL over an https:// proxy: TLS with it comes first, and its certificate is checked against this; else NULL */
	struct slice connect; /* WAY_TUNNEL: the CONNECT request, ready to send */
};

struct route_rules; /* what the settings say, made ready; opaque */

struct route {
	const struct route_rules *rules;
	struct arena *arena;
	size_t origin_count, place_count;
	size_t origins_max; /* room in both tables */
	struct origin *origins;
	struct place *places;
	struct table by_origin;
};

/* Makes an empty route from the settings: the proxy (--proxy, else the environment's unless --no-proxy), --connect-to, --unix-socket. `origins_max`
 * origins may be added. ERR_FAILED: a proxy's URL that is none, or is not http:// or https:// ("--proxy: ...", "HTTPS_PROXY: ..."). */
bool route_open(const struct settings *settings, size_t origins_max, struct arena *arena, struct route *ret, struct err *err);

/* Returns (in *ret) the index of the origin of a URL, which is added if it is new, with its place. False: there is no room for another one.
 *
 * The way: --unix-socket first; then a --connect-to whose first half is this host and port (the first one that matches); both directly. Else the proxy:
 * CONNECT for https and for http that is spoken to in HTTP/2, the whole URL for other http. From the environment: HTTPS_PROXY or HTTP_PROXY by the URL's scheme, else ALL_PROXY; never for what NO_PROXY
 * names ("*", a host and all below it, with or without a dot before it, an address, a block of addresses; each perhaps with :port), and never for
 * localhost and loopback addresses. */
bool route_add(struct route *route, const struct url *url, uint32_t *ret);

/* Makes a copy with room for `more` further origins, in another arena. */
void route_copy(const struct route *from, size_t more, struct arena *arena, struct route *ret);

/* Returns the header lines for a proxy that gets whole requests (WAY_FORWARD): Proxy-Authorization and --proxy-header, each ended by CR LF. */
struct slice route_proxy_fields(const struct route *route, const struct origin *origin);

/* Returns what is to be said of the proxy, "http://proxy:3128 (HTTP_PROXY)" without user and password; NULL: no origin goes by one. */
const char *route_proxy_words(const struct route *route);
