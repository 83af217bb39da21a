/* Where requests come from: prepared bytes for request k.
 * In: the settings. Out: requests, the same for the same k whatever the number of threads. Const; any thread. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "http/http.h"
#include "http/url.h"

struct source;

struct source_ops {
	/* Returns request k of this user (task or connection); valid until the user asks again. Per-request path: no allocation. */
	const struct http_request *(*next)(const struct source *source, uint64_t user, uint64_t k);
};

struct source {
	const struct source_ops *ops;
	const struct http_request *requests; /* request k is number k % count */
	uint64_t count;
};

/* Makes the source that the settings describe: one fixed request, or with --data-lines one for each line. Heads and bodies are laid out once in the
 * arena; lines of the same length share a head. ERR_FAILED: an unreadable or empty file. */
bool source_build(const struct http_settings *http, const struct url *url, struct arena *arena, struct source *ret, struct err *err);

/* Returns a method's name as it goes over the wire ("GET"). */
const char *method_name(enum method method);
