/* The origins of a run as one worker sees them: addresses, TLS, the connections that lie idle.
 * In: the plan's route, looked-up addresses, redirects that lead elsewhere. Out: peers by the index of their origin. The worker's thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/task.h"
#include "http/http.h"
#include "http/url.h"
#include "net/address.h"
#include "net/tls.h"
#include "plan/route.h"

struct worker;
struct conn;

struct conn_list {
	struct conn *first, *last;
};

struct peer {
	const struct origin *origin;
	struct address_list addresses; /* of what is dialled: the origin's, or its proxy's; none while they are not known */
	size_t row;                    /* of addresses[0] among the plan's addresses ... */
	size_t row_step;               /* ... and the distance to the next one's: 0 if they were found in the run and share a row */
	uint16_t next_address;
	uint64_t addresses_down;     /* bit i: the last dial to address i failed; new connections go elsewhere while there is an elsewhere */
	nsec addresses_again;        /* when they are tried again */
	struct lookup *lookup;       /* that goes on; NULL: none */
	nsec lookup_again;           /* not before: the last one found nothing */
	struct http_shared *h1, *h2; /* of the connections that speak it; h2 NULL: none may */
	uint32_t streams;            /* requests at once that a new connection is expected to take */
	size_t conns, conns_max;     /* connections that are open or being set up and not retired, and at most */
	bool is_serving;             /* flow_serve is under way */
	struct tls_peer *tls;        /* with the one that gets the requests; NULL: plain */
	struct tls_peer *outer;      /* with a proxy that tunnels; NULL: plain, or none */
	struct conn_list ready;      /* open, with room for a request; least recently used first */
	struct conn_list opening;    /* being set up, with room for a request */
	struct task_list queue;      /* requests for which no connection has room */
};

struct peers {
	struct route route; /* the plan's, and what redirects found */
	struct arena arena;
	struct peer *at; /* one for each origin, made when it is first used */
	size_t used;     /* up to here they may have been made */
	size_t turn;     /* where the search for a connection to give up goes on */
};

/* Takes the memory for the plan's origins and ROUTE_FOUND_MAX more, and makes the plan's. */
void peers_open(struct worker *worker);

/* After all connections. */
void peers_close(struct worker *worker);

/* Returns the peer of an origin of the worker's route. */
struct peer *peers_get(struct worker *worker, uint32_t origin);

/* Begins to look up a peer that has no addresses, unless that goes on already. False: its name was just found to have none. */
bool peers_look_up(struct worker *worker, struct peer *peer, nsec now);

/* The loop was woken up: look-ups that came to their end let their connections go on (setup_looked_up). */
void peers_woken(struct worker *worker, nsec now);
