/* The few words that all threads of a run share.
 * In: written by main before the start line, or as noted. Out: read by the workers. Lives as long as the run. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/run.h"

struct run_shared {
	const struct plan *plan;
	const struct address_list *places;       /* of each place of the route; empty: looked up in the run */
	const struct tls_context *tls;           /* NULL: neither a target nor a proxy is https; a redirect may still lead there, with ... */
	const struct tls_settings *tls_settings; /* ... these */
	const struct sources *sources;           /* local addresses; NULL: the kernel's choice */
	int family;                              /* of the addresses that are looked up in the run: AF_UNSPEC, AF_INET, AF_INET6 */
	const struct run_hooks *hooks;           /* NULL: none */
	struct logport *log;                     /* the run log's ports, `shards` of each worker; NULL: no log */
	unsigned shards;
	nsec start; /* of the run */
	struct stripe_piece
		pieces[RUN_RESTRIPES + 1]; /* whose numbers are this run's: first the plan's stripe; open loop: then those that came in the run */
	_Atomic unsigned piece_count;      /* of them that hold, >= 1; what is counted here stays as it is */
	_Atomic nsec stop;                 /* no request due at or after it is sent; a signal makes it earlier, to at least 200 ms from then */
	_Atomic bool abandon;              /* by a signal: what waits for a connection is given up */
	_Atomic uint64_t tickets;          /* closed loop with --requests: tickets not yet granted ... */
	_Atomic uint64_t numbers; /* ... and the next number of a request without a ticket: the two shared counters, used once in 128 requests */
};
