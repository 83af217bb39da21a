/* The parts of an absolute http:// or https:// URL, through libcurl's URL parser.
 * In: text from the user. Out: host, port, what stands in the request line. Texts belong to the given arena; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct url {
	const char *text;      /* as given, without userinfo and fragment: for people */
	const char *scheme;    /* "http" or "https" */
	bool tls;              /* https */
	const char *host;      /* for resolving: no brackets */
	const char *authority; /* for the Host header: host, and :port unless it is the scheme's default; IPv6 in brackets */
	const char *target;    /* for the request line: path and query, path as is (dot segments kept), never empty */
	const char *userinfo;  /* "user:password", decoded; NULL: none */
	uint16_t port;         /* 1..65535 */
};

/* Reads an absolute URL. Refuses with one clear sentence (quoting the value, saying what to write): relative URLs and "localhost:3000"
 * (hint: write http://localhost:3000), schemes other than http and https, port 0 or over 65535, a missing host, blanks and control characters.
 * What must be percent-encoded is encoded (RFC 3986 section 2.1); the fragment is dropped. User and password are not quoted. ERR_FAILED. */
bool url_parse(const char *text, struct arena *arena, struct url *ret, struct err *err);

/* The same, but sentences quote `shown` and nothing of the text: for a text that holds what must not be seen. */
bool url_parse_shown(const char *text, const char *shown, struct arena *arena, struct url *ret, struct err *err);

/* Returns where user and password stand in what is, or was meant as, a URL: before the last '@' of "http://u:p@host/" or "u:p@host/"; of
 * "http://u:a/b@host" also. Size 0: there are none. A view of the text. */
struct slice url_userinfo(const char *text);

/* Returns the text with user and password as "***": for people. The text itself if it has none. */
const char *url_mask(const char *text, struct arena *arena);

/* Returns whether the host is an IP address. */
bool url_host_is_address(const struct url *url);

/* Reads a reference as a Location header has it (RFC 9110 section 10.2.2) against the absolute URL `base` (RFC 3986 section 5): absolute, without a
 * scheme, with a path only, a query only ... Its fragment is dropped; blanks around it do not matter; what must be percent-encoded is encoded; dot
 * segments go, but for those of an absolute URL. Without a host of its own it keeps the base's userinfo. False, *ret untouched, for anything that
 * does not lead to an http:// or https:// URL. All texts belong to `arena`: `base` may go. */
bool url_join(const struct url *base, struct slice reference, struct arena *arena, struct url *ret);
