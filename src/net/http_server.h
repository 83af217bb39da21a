/* A small HTTP server beside the run: pages that others fetch now and then. The one way to libmicrohttpd.
 * In: an address, a function that fills pages. Out: answers to GET and HEAD. A thread of its own; opened and closed by one other. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP_SERVER_CONNECTIONS 16 /* at once; further ones wait in the kernel's queue */

struct http_server;

/* Writes the page of `path` ("/metrics", without a query) into `into` and returns its Content-Type, a constant; NULL: there is no such page (404).
 * The server's thread; it must not block for long. */
typedef const char *http_server_page_fn(void *user, const char *path, struct buf *into);

/* Listens on "ADDRESS:PORT" (base/host_port.h; no address: loopback; port 0: one that is free) and serves. A connection on which nothing moves for
 * 10 s is closed. ERR_FAILED with the address in the sentence: it cannot be resolved, is in use, is not ours. */
bool http_server_open(const char *address, http_server_page_fn *page, void *user, struct http_server **ret, struct err *err);

/* Returns where it listens, "127.0.0.1:9464", and whether only this machine can reach it. */
const char *http_server_address(const struct http_server *server);
bool http_server_is_loopback(const struct http_server *server);

/* Stops listening, closes all connections, waits for the thread. NULL is fine. */
void http_server_close(struct http_server *server);
