/* How the run gets at its targets from this machine: the addresses of every place, looked up before the run, and the local addresses to connect from.
 * In: the route, the network, the settings. Out: plain values in the given arena. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "net/address.h"
#include "net/sources.h"
#include "plan/route.h"

struct reach {
	size_t found;                  /* places: those of the route */
	struct address_list *places;   /* of each; an empty list is looked up in the run */
	struct text_list texts;        /* of all addresses, place by place */
	const struct sources *sources; /* --bind; NULL: the kernel's choice */
	int family;                    /* AF_UNSPEC, AF_INET, AF_INET6 */
	bool is_local;                 /* the first address belongs to this machine */
};

/* Looks the places up and reads --bind; addresses of a family that nothing can be bound to are left out. ERR_UNREACHABLE, ERR_FAILED: a name without a
 * usable address, a local address that is none. */
bool reach_open(const struct settings *settings, const struct route *route, struct arena *arena, struct reach *ret, struct err *err);

/* Returns the number of pairs of a local address and one of the target's: each has its own local ports. 0: not known. */
uint64_t reach_pairs(const struct reach *reach);
