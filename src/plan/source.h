/* Where requests come from: prepared bytes for request k.
 * In: the settings, targets and their route. Out: requests, the same for the same k whatever the number of threads. Const; any thread. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "http/http.h"
#include "http/url.h"
#include "plan/protocols.h"
#include "plan/route.h"
#include "plan/targets.h"

struct source;
struct user; /* plan/user.h */

struct source_ops {
	/* Returns request k of this user (task or connection); valid until the user asks again. Per-request path: no allocation. */
	const struct http_request *(*next)(const struct source *source, uint64_t user, uint64_t k);
};

struct script;       /* plan/script.h */
struct source_words; /* the header fields of all requests, made ready; opaque */

struct source {
	const struct source_ops *ops;
	const struct http_request *requests; /* request k is number k % count */
	uint64_t count;
	const struct targets *targets;
	const struct source_words *words;
	const char *content_type; /* of a form, which says its own; else NULL */
	const struct script *
		script; /* scenarios: a request of this source is the first step of iteration k, without what differs; the users make the real ones. NULL: none */
	struct protocols protocols;
};

/* What requests are made from. */
struct source_inputs {
	const struct http_settings *http;
	const struct net_settings *net;
	uint64_t seed;
	const struct targets *targets;
	struct route *route;        /* the targets' origins are added to it */
	struct protocols protocols; /* which origins may be spoken to in HTTP/2: their requests get that head, too */
};

/* Makes the source that the settings describe: one request, one for each line of --data-lines, or one for each of the list's URLs. Heads and bodies are laid
 * out once in the arena; requests that have the same head share it. ERR_FAILED: an unreadable or empty file, a form that cannot be built, more than
 * ROUTE_ORIGINS_MAX origins, a head over 1 MiB. */
bool source_build(const struct source_inputs *inputs, struct arena *arena, struct source *ret, struct err *err);

/* Reads the bodies of --data-file, --data-lines, --form or --data alone: requests without heads. ERR_FAILED as above. */
bool source_read_bodies(const struct source_inputs *inputs, struct arena *arena, struct source *ret, struct err *err);

/* Makes the source of a script. */
void source_of_script(const struct script *script, const struct targets *targets, struct protocols protocols, struct source *ret);

/* A redirect to be followed. */
struct hop {
	const struct http_request *from; /* what was redirected: of the source, or an earlier hop */
	unsigned status;                 /* 301, 302, 303, 307, 308 */
	const struct url *url;           /* where to */
	uint32_t origin;                 /* of that, in `route` */
	const struct route *route;
	struct user *user; /* whose request it is; NULL: without scenarios */
	bool is_other; /* an earlier or this hop left the first request's origin: credentials (Authorization, Cookie, and what else names a secret), --host and a Host
			* of --headers stay behind */
};

/* Lays the next request of a redirect out in the arena: 301 and 302 make POST a GET, 303 everything but HEAD, and then the body and what describes it go; 307
 * and 308 keep both (RFC 9110 section 15.4). `ret` keeps body, row and method's consequences in order. */
void source_hop(const struct source *source, const struct hop *hop, struct arena *arena, struct http_request *ret);

/* Returns the URL of request k, as base of a redirect. */
const struct url *source_url(const struct source *source, uint64_t k);

/* Returns a method's name as it goes over the wire ("GET"). */
const char *method_name(enum method method);
