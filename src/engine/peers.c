#include "engine/peers.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/carrier.h"
#include "engine/setup.h"
#include "engine/worker.h"

#define LOOKUP_AGAIN SEC /* after a look-up that found nothing */

/* The row of addresses that are found in the run: the last one of the addresses. */
static size_t peers_row_elsewhere(const struct worker *worker) {
	const struct group_table *groups = &worker->plan->groups;
	return groups->first_stage - groups->first_address - 1;
}

/* The worker's context for TLS; a run whose targets are all http:// gets it when a redirect leads to https://. */
static struct tls_context *peers_tls(struct worker *worker) {
	struct err err;
	if (worker->tls) return worker->tls;
	if (worker->shared->tls)
		worker->tls = tls_context_share(worker->shared->tls);
	else if (!tls_context_open(worker->shared->tls_settings, &worker->tls, &err))
		return NULL;
	worker->plain = mem_alloc(CARRIER_PLAIN_BYTES);
	return worker->tls;
}

/* Its addresses are known: what goes by their number is made. */
static void peers_know(struct worker *worker, struct peer *peer, const struct address_list *addresses) {
	const struct origin *origin = peer->origin;
	peer->addresses = *addresses;
	peer->next_address = (uint16_t)(worker->index % addresses->count);
	bool tunnels = origin->way == WAY_TUNNEL, wrapped = origin->proxy_host != NULL;
	bool forwards = origin->way == WAY_FORWARD;
	if (!wrapped && (!origin->tls || forwards)) return;
	struct tls_context *tls = peers_tls(worker);
	if (!tls) return;
	unsigned count = (unsigned)addresses->count;
	if (wrapped && !tunnels) {
		peer->tls = tls_peer_new(tls, TLS_PROXY, origin->proxy_host, count);
		return;
	}
	if (wrapped) {
		peer->outer = tls_peer_new(tls, TLS_PROXY, origin->proxy_host, count);
		if (!worker->unwrapped) worker->unwrapped = mem_alloc(CARRIER_PLAIN_BYTES);
	}
	if (origin->tls) peer->tls = tls_peer_new(tls, TLS_TARGET, origin->host, tunnels ? 1 : count);
}

static bool peers_may_speak_h2(const struct protocols *protocols, const struct origin *origin) {
	if (origin->way == WAY_FORWARD) return false;
	return origin->tls ? protocols->tls != TLS_HTTP_1 : protocols->clear_h2;
}

/* What can be known of an origin before its first connection. */
static void peers_make(struct worker *worker, uint32_t number) {
	struct peers *peers = &worker->peers;
	struct peer *peer = &peers->at[number];
	peer->origin = &peers->route.origins[number];
	peer->h1 = h1_ops.new_shared(&worker->events);
	bool h2 = peers_may_speak_h2(&worker->plan->protocols, peer->origin);
	if (h2) peer->h2 = h2_ops.new_shared(&worker->batch_events);
	pool_expect(worker, peer, h2);
	peer->row = peers_row_elsewhere(worker);
	const struct place *place = &peers->route.places[peer->origin->place];
	const struct address_list *known = worker->shared->places;
	size_t row = 0;
	for (uint32_t i = 0; i < peer->origin->place && i < worker->plan->route.place_count; i++) row += known[i].count;
	if (peer->origin->place < worker->plan->route.place_count && known[peer->origin->place].count > 0) {
		peer->row = row;
		peer->row_step = 1;
		peers_know(worker, peer, &known[peer->origin->place]);
	} else if (place->unix_path) {
		struct address_list list;
		struct err err;
		if (address_unix(place->unix_path, &peers->arena, &list, &err)) peers_know(worker, peer, &list);
	}
}

void peers_open(struct worker *worker) {
	struct peers *peers = &worker->peers;
	const struct route *route = &worker->plan->route;
	arena_init(&peers->arena);
	route_copy(route, ROUTE_FOUND_MAX, &peers->arena, &peers->route);
	peers->at = mem_zeroed(peers->route.origins_max, sizeof(*peers->at));
	if (worker->shared->tls) peers_tls(worker); /* from now on it tells that answers are noted by worker_note_answer */
	for (uint32_t i = 0; i < route->origin_count; i++) peers_get(worker, i);
}

void peers_close(struct worker *worker) {
	struct peers *peers = &worker->peers;
	for (size_t i = 0; i < peers->used; i++) {
		struct peer *peer = &peers->at[i];
		lookup_free(peer->lookup);
		tls_peer_free(peer->tls);
		tls_peer_free(peer->outer);
		if (peer->h1) h1_ops.free_shared(peer->h1);
		if (peer->h2) h2_ops.free_shared(peer->h2);
	}
	free(peers->at);
	arena_fini(&peers->arena);
}

struct peer *peers_get(struct worker *worker, uint32_t origin) {
	struct peers *peers = &worker->peers;
	assert(origin < peers->route.origin_count);
	if (!peers->at[origin].origin) peers_make(worker, origin);
	if (peers->used <= origin) peers->used = origin + 1;
	return &peers->at[origin];
}

static void peers_wake(void *user) {
	struct worker *worker = user;
	worker->loop->ops->wake(worker->loop);
}

bool peers_look_up(struct worker *worker, struct peer *peer, nsec now) {
	const struct place *place = &worker->peers.route.places[peer->origin->place];
	struct err err;
	assert(peer->addresses.count == 0);
	if (peer->lookup) return true;
	if (now < peer->lookup_again || !place->host) return false;
	peer->lookup_again = now + LOOKUP_AGAIN;
	struct address_query query = {.host = place->host, .port = place->port, .family = worker->shared->family};
	return lookup_begin(&query, peers_wake, worker, &peer->lookup, &err);
}

/* A look-up has come to its end: the connections that wait for it go on, or fail. */
static void peers_looked_up(struct worker *worker, struct peer *peer, nsec now) {
	struct address_list found;
	const char *words;
	if (!lookup_take(peer->lookup, &worker->peers.arena, &found, &words)) return;
	lookup_free(peer->lookup);
	peer->lookup = NULL;
	peer->lookup_again = now + LOOKUP_AGAIN; /* it may have taken longer than that */
	if (found.count > 0) peers_know(worker, peer, &found);
	for (size_t i = 0; i < worker->slots_used; i++) {
		struct conn *conn = worker_conn(worker, i);
		if (conn->state == CONN_LOOKING && conn->peer == peer) setup_looked_up(worker, conn, now);
	}
}

void peers_woken(struct worker *worker, nsec now) {
	for (size_t i = 0; i < worker->peers.used; i++)
		if (worker->peers.at[i].lookup) peers_looked_up(worker, &worker->peers.at[i], now);
}
