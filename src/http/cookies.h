/* The cookies of one user (RFC 6265): taken from Set-Cookie, sent back to where they belong.
 * In: values of Set-Cookie, hosts, paths. Out: the value of Cookie. One owner, one thread. No allocation once the jar has grown.
 *
 * Domain: without the attribute exactly that host; with it that host and all below it, if the answering host is one of them; a domain without a dot inside is
 * taken only if it is the host itself (there is no list of public suffixes here). Path: as the attribute says, else the folder of the request (section 5.1.4).
 * Secure: only over https. Max-Age goes before Expires (section 5.1.1); an end that has passed deletes. HttpOnly, SameSite and unknown attributes say nothing here. Stricter than RFC 6265, as its successor (draft-ietf-httpbis-rfc6265bis): a Set-Cookie with a control
 * character other than a tab, and a path over 1,024 bytes, are not taken. A jar takes at most 512 KiB, a few hundred bytes with a cookie or two. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define COOKIES_MAX 64        /* of a user; one more drives out the oldest */
#define COOKIE_BYTES_MAX 4096 /* of name and value together; a larger one is not taken */

struct cookie_jar; /* opaque */

struct cookie_jar *cookies_new(void);
void cookies_free(struct cookie_jar *jar); /* NULL is fine */

/* Forgets all cookies, keeps the memory. */
void cookies_clear(struct cookie_jar *jar);

/* Whom a request goes to, or an answer comes from. */
struct cookie_place {
	struct slice host; /* as in the URL: no port, no brackets; any case */
	struct slice path; /* as in the request line; its query does not matter */
	bool secure;       /* https */
	bool is_address;   /* the host is an IP address: Domain must be the same */
	int64_t now_s;     /* Unix time */
};

/* Takes the value of one Set-Cookie. Returns whether the jar has changed; what is not valid or not allowed is left out (section 5.2, 5.3), and the same cookie with
 * the same end once more is no change. */
bool cookies_take(struct cookie_jar *jar, struct slice value, const struct cookie_place *from);

/* The same for each Set-Cookie of a head ("Name: value" CR LF ...; the first line is the status line). */
bool cookies_take_head(struct cookie_jar *jar, struct slice head, const struct cookie_place *from);

/* Appends "a=1; b=2" for a request: longer paths first, then the older ones (section 5.4). Returns whether anything was appended. A cookie that the buffer
 * has no room for is left out whole, and marks the buffer as full. */
bool cookies_write(struct cookie_jar *jar, const struct cookie_place *to, struct buf *into);

/* Returns the value of the cookie of this name that a request to `to` would carry first; false: none. Valid until the jar changes. */
bool cookies_find(struct cookie_jar *jar, const struct cookie_place *to, struct slice name, struct slice *ret);

/* Reads the date of an Expires attribute (section 5.1.1) as Unix time. */
bool cookies_read_date(struct slice text, int64_t *ret);
