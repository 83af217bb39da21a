#include "engine/pool.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/worker.h"
#include "http/proxy.h"

#define SLOTS_MORE 65536 /* but not more slots than this beyond those of the tasks */

void pool_open(struct worker *worker) {
	const struct plan *plan = worker->plan;
	size_t times = plan->route.origin_count < POOL_ORIGINS ? plan->route.origin_count : POOL_ORIGINS;
	size_t more = worker->task_count * times;
	if (more > SLOTS_MORE) more = SLOTS_MORE;
	worker->slot_count = worker->task_count + more;
	size_t state = h1_ops.state_bytes > PROXY_STATE_BYTES ? h1_ops.state_bytes : PROXY_STATE_BYTES;
	if (protocols_have_h2(&plan->protocols) && h2_ops.state_bytes > state) state = h2_ops.state_bytes;
	worker->stride = (sizeof(struct conn) + state + 15) / 16 * 16;
	worker->conns = mem_zeroed(worker->slot_count, worker->stride); /* untouched slots cost nothing */
	timers_init(&worker->timers, worker->slot_count);
}

void pool_close(struct worker *worker) {
	free(worker->conns);
}

static struct conn_list *pool_list(const struct conn *conn) {
	return conn->state == CONN_OPEN ? &conn->peer->ready : &conn->peer->opening;
}

static void pool_list_append(struct conn *conn) {
	struct conn_list *list = pool_list(conn);
	conn->before = list->last;
	conn->next = NULL;
	if (list->last)
		list->last->next = conn;
	else
		list->first = conn;
	list->last = conn;
	conn->listed = true;
}

void pool_unlist(struct conn *conn) {
	if (!conn->listed) return;
	struct conn_list *list = pool_list(conn);
	if (conn->before)
		conn->before->next = conn->next;
	else
		list->first = conn->next;
	if (conn->next)
		conn->next->before = conn->before;
	else
		list->last = conn->before;
	conn->before = conn->next = NULL;
	conn->listed = false;
}

static bool pool_has_slot(const struct worker *worker) {
	return worker->down || worker->slots_used < worker->slot_count;
}

static void pool_push_down(struct worker *worker, struct conn *conn) {
	conn->next = worker->down;
	worker->down = conn;
}

/* Returns a slot that is down, NULL if there is none. */
static struct conn *pool_pop_down(struct worker *worker) {
	struct conn *conn = worker->down;
	if (!conn) return worker->slots_used < worker->slot_count ? worker_conn(worker, worker->slots_used++) : NULL;
	worker->down = conn->next;
	conn->next = NULL;
	return conn;
}

/* Returns the least recently used idle connection of the first peer behind `turn` that has one; NULL: none is idle. */
static struct conn *pool_find_idle(const struct worker *worker, size_t turn) {
	const struct peers *peers = &worker->peers;
	for (size_t i = 1; i <= peers->used; i++) {
		struct conn *conn = peers->at[(turn + i) % peers->used].ready.first;
		while (conn && conn->taken > 0) conn = conn->next;
		if (conn) return conn;
	}
	return NULL;
}

/* Closes an idle connection, of each origin in turn, and returns its slot; NULL if none is idle. */
static struct conn *pool_give_up(struct worker *worker) {
	struct peers *peers = &worker->peers;
	struct conn *conn = pool_find_idle(worker, peers->turn);
	if (!conn) return NULL;
	peers->turn = (size_t)(conn->peer - peers->at);
	conn_close(worker, conn, CLOSER_US);
	return conn;
}

bool pool_spare(struct worker *worker) {
	struct conn *conn = pool_give_up(worker);
	if (conn) pool_push_down(worker, conn);
	return conn != NULL;
}

bool pool_has(const struct worker *worker, const struct peer *peer) {
	if (peer->ready.first || peer->opening.first) return true;
	return peer->conns < peer->conns_max && (pool_has_slot(worker) || pool_find_idle(worker, worker->peers.turn));
}

struct conn *pool_new(struct worker *worker, struct peer *peer) {
	if (peer->conns >= peer->conns_max) return NULL;
	struct conn *conn = pool_pop_down(worker);
	if (!conn) conn = pool_give_up(worker);
	if (!conn) return NULL;
	peer->conns++;
	conn->peer = peer;
	conn->taken = conn->served = conn->ended = 0;
	conn->room = peer->streams;
	conn->retired = false;
	return conn;
}

struct conn *pool_take(struct worker *worker, struct peer *peer) {
	struct conn *conn = worker->plan->pick_mru ? peer->ready.last : peer->ready.first;
	if (!conn) conn = peer->opening.first;
	return conn ? conn : pool_new(worker, peer);
}

struct conn *pool_take_fresh(struct worker *worker, struct peer *peer) {
	struct conn *conn = peer->opening.first;
	if (!conn) conn = pool_new(worker, peer);
	return conn ? conn : pool_take(worker, peer);
}

void pool_relist(const struct worker *worker, struct conn *conn) {
	bool is_open = conn->state == CONN_OPEN; /* those in set-up are filled one after the other */
	assert(conn->taken <= conn->room && !conn->retired);
	if (conn->taken < conn->room && (!is_open || worker->plan->pick_mru)) return;
	pool_unlist(conn);
	if (conn->taken < conn->room) pool_list_append(conn);
}

void pool_put(struct worker *worker, struct conn *conn) {
	if (conn->state == CONN_DOWN)
		pool_push_down(worker, conn);
	else if (!conn->listed && !conn->retired && conn->taken < conn->room)
		pool_list_append(conn);
}

void pool_detach(struct worker *worker, struct conn *conn) {
	conn->taken--;
	pool_put(worker, conn);
}

void pool_drop(struct conn *conn) {
	pool_unlist(conn);
	if (conn->retired) return;
	conn->retired = true;
	conn->room = 0;
	conn->peer->conns--;
}

void pool_expect(const struct worker *worker, struct peer *peer, bool h2) {
	uint64_t most = worker->plan->requests_per_connection;
	peer->streams = 1;
	if (h2) peer->streams = (uint32_t)(worker->plan->streams < most ? worker->plan->streams : most);
	peer->conns_max = h2 ? (worker->task_count + worker->plan->streams - 1) / worker->plan->streams : worker->task_count;
}
