/* Names to addresses, before the start line.
 * In: host and port. Out: the addresses to connect to, in the resolver's order. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define ADDRESS_MAX 64 /* addresses of one name; further ones are left out */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} socket;
	socklen_t size;
	const char *text; /* "127.0.0.1:3000", "[::1]:3000" */
};

struct address_list {
	size_t count;
	struct address *at; /* in the arena */
};

/* What to look up. */
struct address_query {
	const char *host; /* name, IPv4 or IPv6 literal without brackets */
	uint16_t port;
	nsec limit; /* longest time of the look-up */
};

/* Resolves a host for TCP; duplicates are dropped.
 * getaddrinfo runs on a thread of its own, because it cannot be cancelled: past the limit its answer is abandoned.
 * ERR_UNREACHABLE with the name in the sentence when there is no address. */
bool address_resolve(const struct address_query *query, struct arena *arena, struct address_list *ret, struct err *err);

/* Returns whether the address belongs to this machine: unspecified, loopback, or one of its interfaces; an IPv4 address mapped into IPv6
 * counts as itself. */
bool address_is_local(const struct address *address);
