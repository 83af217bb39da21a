/* The listening sockets: one for each thread, all on the same address.
 * In: an address as text. Out: sockets, the address as it really is. The caller owns the sockets; main thread. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/err.h"

#define LISTEN_TEXT_MAX 80

union listen_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* Reads "HOST:PORT" or "[IPv6]:PORT" (port 0: a free one) and opens `count` sockets on it; ret_sockets has room for them. The kernel spreads new
 * connections over them. ERR_FAILED: not an address, in use (by whomever), not ours. Nothing is open then. */
bool listen_open(const char *text, unsigned count, int *ret_sockets, union listen_address *ret_address, struct err *err);

/* Writes "127.0.0.1:3000" or "[::1]:3000" into `text` of LISTEN_TEXT_MAX bytes and returns it. */
const char *listen_format(const union listen_address *address, char *text);

/* Returns the port in host order. */
unsigned short listen_port(const union listen_address *address);
