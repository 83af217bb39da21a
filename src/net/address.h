/* Names to addresses.
 * In: host and port, or a path. Out: the addresses to connect to, in the resolver's order. Main thread; a look-up: one thread, any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
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
		struct sockaddr_un path;
	} socket;
	socklen_t size;
	const char *text; /* "127.0.0.1:3000", "[::1]:3000", "unix:/run/x.sock" */
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
	int family; /* AF_UNSPEC (0): both; AF_INET (--ipv4), AF_INET6 (--ipv6): only these addresses */
};

/* Resolves a host for TCP; duplicates are dropped.
 * getaddrinfo runs on a thread of its own, because it cannot be cancelled: past the limit its answer is abandoned.
 * ERR_UNREACHABLE with the name in the sentence when there is no address. */
bool address_resolve(const struct address_query *query, struct arena *arena, struct address_list *ret, struct err *err);

/* A look-up that goes on beside other work. */
struct lookup;

/* Begins one; `done(user)` is called once, from another thread, when the answer is there (not after lookup_free, which waits for a call that has begun:
 * it must be short, and must not call these functions). `query->limit` is not looked at. ERR_FAILED: no thread can be started. */
bool lookup_begin(const struct address_query *query, void (*done)(void *user), void *user, struct lookup **ret, struct err *err);

/* Returns whether the answer is there; then *ret are the addresses, or empty if there are none (*ret_words says why; constant). */
bool lookup_take(struct lookup *lookup, struct arena *arena, struct address_list *ret, const char **ret_words);

/* Ends it, whether or not its answer has come; NULL is fine. */
void lookup_free(struct lookup *lookup);

/* Makes the list of one address that is a Unix socket. ERR_FAILED: the path is empty or too long for one (107 bytes). */
bool address_unix(const char *path, struct arena *arena, struct address_list *ret, struct err *err);

/* Returns whether the address belongs to this machine: a Unix socket, unspecified, loopback, or one of its interfaces; an IPv4 address mapped into IPv6
 * counts as itself. */
bool address_is_local(const struct address *address);
