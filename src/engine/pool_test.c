#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/worker.h"

/* The pool alone: connections are opened, filled and closed by what is done to them here; nothing is dialled. */

#define TASKS 4
#define PEERS 3
#define SLOTS (TASKS + TASKS * PEERS) /* fewer origins than may keep connections for every task */

static struct worker worker;
static struct plan plan;
static struct peer peers[PEERS];
static int closes;

static void note_close(struct loop *loop, struct loop_conn *conn) {
	(void)loop, (void)conn;
	closes++;
}

static const struct loop_ops ops = {.close = note_close};
static struct loop loop = {.ops = &ops};

static void stop(void *state) {
	(void)state;
}

static const struct http_ops one_at_once = {.stop = stop}, many_at_once = {.stop = stop, .is_batched = true};

static int setup_streams(unsigned streams) {
	plan = (struct plan){.route.origin_count = PEERS, .streams = streams, .requests_per_connection = UINT64_MAX};
	worker = (struct worker){.plan = &plan, .loop = &loop, .task_count = TASKS};
	memset(peers, 0, sizeof(peers));
	worker.peers.at = peers;
	worker.peers.used = PEERS;
	for (int i = 0; i < PEERS; i++) pool_expect(&worker, &peers[i], streams > 1);
	worker.tally = tally_new(1);
	closes = 0;
	pool_open(&worker);
	assert_int_equal(worker.slot_count, SLOTS);
	return 0;
}

static int setup(void **state) {
	(void)state;
	return setup_streams(1);
}

static int setup_two(void **state) {
	(void)state;
	return setup_streams(2);
}

static int teardown(void **state) {
	(void)state;
	timers_fini(&worker.timers);
	pool_close(&worker);
	free(worker.tally);
	return 0;
}

/* A connection of the pool gets one more request; it is open from then on. */
static struct conn *take_open(struct peer *peer) {
	struct conn *conn = pool_take(&worker, peer);
	assert_non_null(conn);
	assert_ptr_equal(conn->peer, peer);
	if (conn->state == CONN_DOWN) {
		conn->state = CONN_OPEN;
		conn->http = peer->streams > 1 ? &many_at_once : &one_at_once;
	}
	pool_attach(&worker, conn);
	pool_put(&worker, conn);
	return conn;
}

/* One of its requests is over. */
static void give(struct conn *conn) {
	conn->taken--;
	pool_put(&worker, conn);
}

static void shut(struct conn *conn) {
	conn_close(&worker, conn, CLOSER_US);
	pool_put(&worker, conn);
}

static void idle_connections_are_taken_in_turn_or_the_last_one_again(void **state) {
	(void)state;
	for (int mru = 0; mru < 2; mru++) {
		struct conn *conns[3];
		plan.pick_mru = mru;
		for (int i = 0; i < 3; i++) conns[i] = take_open(&peers[0]);
		for (int i = 0; i < 3; i++) give(conns[i]);
		assert_ptr_equal(take_open(&peers[0]), mru ? conns[2] : conns[0]);
		assert_ptr_equal(take_open(&peers[0]), conns[1]);
		assert_ptr_equal(take_open(&peers[0]), mru ? conns[0] : conns[2]);
		for (int i = 0; i < 3; i++) shut(conns[i]);
		assert_int_equal(peers[0].conns, 0);
	}
}

static void another_origins_idle_connection_is_given_up_only_when_no_slot_is_left(void **state) {
	(void)state;
	struct conn *first[2] = {take_open(&peers[0]), take_open(&peers[1])};
	peers[2].conns_max = SLOTS;
	for (int i = 0; i < SLOTS - 2; i++) take_open(&peers[2]);
	assert_int_equal(closes, 0);
	give(first[0]);
	give(first[1]);
	for (int i = 0; i < 2; i++) {
		assert_true(pool_has(&worker, &peers[2]));
		struct conn *conn = pool_take(&worker, &peers[2]);
		assert_true(conn == first[0] || conn == first[1]);
		assert_int_equal(conn->state, CONN_DOWN);
		assert_ptr_equal(conn->peer, &peers[2]);
		assert_int_equal(closes, i + 1);
	}
	assert_false(pool_has(&worker, &peers[2]));
	assert_null(pool_take(&worker, &peers[2]));
	assert_int_equal(worker.tally->closed[CLOSER_US], 2);
	assert_int_equal(peers[0].conns + peers[1].conns, 0);
}

static void a_connection_that_carries_something_is_never_given_up(void **state) {
	(void)state;
	for (int i = 0; i < PEERS; i++) peers[i].conns_max = SLOTS;
	struct conn *busy = take_open(&peers[0]); /* it has room for another one, and stands in the list */
	for (int i = 0; i < 2 * (SLOTS - 1); i++) take_open(&peers[1]);
	assert_true(busy->listed);
	assert_false(pool_has(&worker, &peers[2]));
	assert_false(pool_spare(&worker));
	assert_null(pool_take(&worker, &peers[2]));
	assert_int_equal(closes, 0);
}

static void a_connection_is_filled_before_another_is_opened_and_there_are_no_more_than_needed(void **state) {
	(void)state;
	struct conn *a = take_open(&peers[0]);
	assert_ptr_equal(take_open(&peers[0]), a);
	struct conn *b = take_open(&peers[0]);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(take_open(&peers[0]), b);
	assert_int_equal(peers[0].conns, TASKS / 2);
	assert_false(pool_has(&worker, &peers[0]));
	assert_null(pool_take(&worker, &peers[0]));
	give(a);
	assert_ptr_equal(take_open(&peers[0]), a);
	pool_drop(b); /* its peer wants no more of it: what it carries goes on, and another one may be opened */
	assert_true(pool_has(&worker, &peers[0]));
	struct conn *c = take_open(&peers[0]);
	assert_true(c != a && c != b);
}

static void open_connections_with_room_are_taken_in_turn(void **state) {
	(void)state;
	struct conn *a = take_open(&peers[0]);
	take_open(&peers[0]);
	struct conn *b = take_open(&peers[0]);
	take_open(&peers[0]);
	for (int i = 0; i < 2; i++) give(a), give(b);
	assert_ptr_equal(take_open(&peers[0]), a);
	assert_ptr_equal(take_open(&peers[0]), b);
	assert_ptr_equal(take_open(&peers[0]), a);
	assert_ptr_equal(take_open(&peers[0]), b);
}

static void requests_wait_for_a_set_up_that_has_room(void **state) {
	(void)state;
	struct conn *conn = pool_take(&worker, &peers[0]);
	conn->state = CONN_CONNECTING;
	pool_attach(&worker, conn);
	pool_put(&worker, conn);
	assert_ptr_equal(pool_take(&worker, &peers[0]), conn);
	pool_attach(&worker, conn);
	assert_int_equal(conn->taken, 2);
	assert_ptr_not_equal(pool_take(&worker, &peers[0]), conn);
	pool_detach(&worker, conn);
	assert_ptr_equal(pool_take(&worker, &peers[0]), conn);
}

static void a_peer_that_falls_back_may_have_a_connection_for_every_task(void **state) {
	(void)state;
	pool_expect(&worker, &peers[0], false);
	for (int i = 0; i < TASKS; i++) assert_int_equal(take_open(&peers[0])->taken, 1);
	assert_int_equal(peers[0].conns, TASKS);
	assert_null(pool_take(&worker, &peers[0]));
}

/* An origin's list, forwards and backwards, holds its connections that have room. */
static size_t check_list(const struct conn_list *list, const struct peer *peer, bool is_open) {
	size_t count = 0;
	const struct conn *before = NULL;
	for (const struct conn *conn = list->first; conn; before = conn, conn = conn->next, count++) {
		assert_ptr_equal(conn->before, before);
		assert_ptr_equal(conn->peer, peer);
		assert_true(conn->listed);
		assert_false(conn->retired);
		assert_true(conn->taken < conn->room);
		assert_int_equal(conn->state == CONN_OPEN, is_open);
	}
	assert_ptr_equal(list->last, before);
	return count;
}

static void check_all(void) {
	size_t down = 0, listed = 0, roomy = 0, with_peer[PEERS] = {0};
	for (const struct conn *conn = worker.down; conn; conn = conn->next, down++) assert_int_equal(conn->state, CONN_DOWN);
	for (size_t i = 0; i < worker.slots_used; i++) {
		const struct conn *conn = worker_conn(&worker, i);
		if (conn->state == CONN_DOWN) {
			down--;
			continue;
		}
		roomy += !conn->retired && conn->taken < conn->room;
		with_peer[conn->peer - peers] += !conn->retired;
	}
	assert_int_equal(down, 0);
	for (int i = 0; i < PEERS; i++) {
		listed += check_list(&peers[i].ready, &peers[i], true) + check_list(&peers[i].opening, &peers[i], false);
		assert_int_equal(peers[i].conns, with_peer[i]);
		assert_true(peers[i].conns <= peers[i].conns_max);
	}
	assert_int_equal(listed, roomy);
}

static struct conn *random_conn(bool with_requests) {
	size_t first = (size_t)rand() % SLOTS;
	for (size_t i = 0; i < worker.slots_used; i++) {
		struct conn *conn = worker_conn(&worker, (first + i) % worker.slots_used);
		if (conn->state != CONN_DOWN && (!with_requests || conn->taken > 0)) return conn;
	}
	return NULL;
}

static void every_connection_is_in_its_place_whatever_is_done(void **state) {
	(void)state;
	srand(4);
	for (int i = 0; i < 50000; i++) {
		struct peer *peer = &peers[rand() % PEERS];
		struct conn *conn;
		switch (rand() % 6) {
		case 0:
		case 1:
			if (!pool_has(&worker, peer)) {
				assert_null(pool_take(&worker, peer));
				break;
			}
			conn = pool_take(&worker, peer);
			assert_non_null(conn);
			if (conn->state == CONN_DOWN) {
				conn->state = rand() % 2 ? CONN_OPEN : CONN_CONNECTING;
				conn->http = &many_at_once;
			}
			pool_attach(&worker, conn);
			pool_put(&worker, conn);
			break;
		case 2:
			if (!(conn = random_conn(true))) break;
			conn->taken--;
			if (conn->retired && conn->taken == 0 && conn->state == CONN_OPEN)
				shut(conn);
			else
				pool_put(&worker, conn);
			break;
		case 3:
			if ((conn = random_conn(false)) && conn->state == CONN_OPEN) pool_drop(conn);
			break;
		case 4:
			if ((conn = random_conn(false)) && conn->state == CONN_OPEN) shut(conn);
			break;
		default:
			if (!(conn = random_conn(false)) || conn->state != CONN_CONNECTING) break;
			pool_unlist(conn);
			conn->state = CONN_OPEN;
			pool_put(&worker, conn);
		}
		check_all();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_TWO(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(idle_connections_are_taken_in_turn_or_the_last_one_again),
		TEST(another_origins_idle_connection_is_given_up_only_when_no_slot_is_left),
		TEST_TWO(a_connection_that_carries_something_is_never_given_up),
		TEST_TWO(a_connection_is_filled_before_another_is_opened_and_there_are_no_more_than_needed),
		TEST_TWO(open_connections_with_room_are_taken_in_turn),
		TEST_TWO(requests_wait_for_a_set_up_that_has_room),
		TEST_TWO(a_peer_that_falls_back_may_have_a_connection_for_every_task),
		TEST(every_connection_is_in_its_place_whatever_is_done),
		TEST_TWO(every_connection_is_in_its_place_whatever_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
