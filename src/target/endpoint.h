/* Which path gives which answer: a table, one row an endpoint.
 * In: a request. Out: a description of the answer. Owns nothing; one thread a server. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "http/h1_server.h"
#include "target/answer.h"

#define ENDPOINT_TEXT_MAX 8192
#define ENDPOINT_BODY_MAX ((size_t)16 << 20) /* of a request whose endpoint wants it */

struct server;
struct shop;

struct endpoint_request {
	struct slice path;  /* without query */
	struct slice rest;  /* of the path, behind the endpoint's name */
	struct slice query; /* behind '?' */
	struct slice method;
	struct slice authorization, cookie; /* values of these fields; empty: not there */
	const struct buf *body;             /* of the request if the endpoint wants it, else NULL */
	nsec read;                          /* when its last byte was read */
	const struct server *server;        /* whose counts /stats shows */
	struct shop *shop;                  /* the thread's counts of the shop */
	char *text;                         /* ENDPOINT_TEXT_MAX bytes for what the answer points to */
};

struct endpoint {
	struct slice name; /* "/delay/" */
	bool takes_rest;   /* the path goes on behind the name */
	bool is_plain;     /* always the prepared answer: `answer` is not asked */
	bool wants_body;   /* the request's body is kept */
	bool is_hidden;    /* its requests are not counted */
	const char *help;  /* how to write it, and what it does */
	void (*answer)(const struct endpoint_request *request, struct answer *ret);
};

/* The table; the last row, without a name, answers what no other row does. */
extern const struct endpoint endpoints[];
extern const size_t endpoint_count;
#define ENDPOINT_COUNT_MAX 32

/* Cuts what a request line asks for ("/delay/5ms?x", "http://host/delay/5ms") into path and query. */
void endpoint_split(struct slice target, struct slice *ret_path, struct slice *ret_query);

/* Returns the value of "name=" in a query, as it stands there; empty if there is none. */
struct slice endpoint_find_value(struct slice query, struct slice name);

/* Returns the row for a path. Never NULL. */
const struct endpoint *endpoint_find(struct slice path);
