/* The header fields of a run's requests, made ready once, and heads laid out from them.
 * In: the settings. Out: heads in an arena. Const after words_build; any thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "base/str.h"
#include "http/url.h"
#include "plan/route.h"
#include "plan/source.h"

/* What can be wrong with sending a field: any of these leaves it out. */
enum words_mark {
	WORDS_SECRET = 1, /* says who asks: not to another origin */
	WORDS_HOST = 2,   /* the user's Host: not to another origin */
	WORDS_BODY = 4,   /* describes the body: not without it */
	WORDS_TAKEN = 8,  /* --proxy-header has one of this name: not to a proxy that gets whole requests */
};

struct words_field {
	struct slice line; /* "Accept: text/html" CR LF */
	unsigned marks;
};

struct source_words {
	size_t count;
	struct words_field *fields;         /* in the order in which they are sent */
	const char *host;                   /* --host; NULL: from the URL */
	size_t credentials_at;              /* here the Authorization of the URL's userinfo would stand */
	bool has_credentials;               /* but --headers, --basic-auth or --bearer say who asks */
	bool has_host;                      /* --headers has a Host */
	bool host_taken, credentials_taken; /* --proxy-header has a Host, an Authorization */
	bool has_body;                      /* the settings have one: where it is not sent, what describes it is not sent either */
};

/* Makes the fields ready. `type` is the Content-Type of the body if that says its own (a form), else NULL. */
const struct source_words *words_build(const struct http_settings *http, const struct net_settings *net, const char *type, struct arena *arena);

/* What makes one head differ from another. */
struct words_head {
	enum method method;
	const struct url *url;
	const struct route *route;
	uint32_t origin;          /* index in it */
	struct slice credentials; /* the value of Authorization, unless the words have one; `at` NULL: none */
	bool is_other;            /* not the origin that the user named: without WORDS_SECRET and WORDS_HOST */
	bool has_body;            /* perhaps one of 0 bytes: Content-Length says it */
	bool describes_body;      /* with WORDS_BODY */
	uint64_t body_bytes;
	struct slice more; /* further lines, each ended by CR LF */
};

/* Lays a head out in the arena, in the order request line, Host, fields, Content-Length, further lines, fields for the proxy. Allocates just its size. */
struct slice words_lay_out(const struct source_words *words, const struct words_head *head, struct arena *arena);

/* Sets the method of a request, and what follows from it for its connection. */
void words_set_method(struct http_request *request, enum method method);

/* Returns whether a method's requests have a body as a rule: then an empty one is said, too (RFC 9110 section 8.6). */
bool words_expects_body(enum method method);

/* Returns "Basic ..." of "user:password" in the arena; `at` is NULL if there is none (NULL). */
struct slice words_basic(const char *userinfo, struct arena *arena);
