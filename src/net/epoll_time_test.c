#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"

/* The loop and the clock: how long a turn without connections takes, and when the kernel says that bytes came. Bounds above are wide, because the
 * machine may be busy. */

static int setup(void **state) {
	static const struct loop_events silent; /* nothing can happen */
	struct err err;
	struct loop *loop;
	if (!loop_open_epoll(&silent, NULL, &loop, &err)) return -1;
	*state = loop;
	return 0;
}

static int teardown(void **state) {
	loop_close_epoll(*state);
	return 0;
}

static void a_turn_without_events_ends_at_until(void **state) {
	struct loop *loop = *state;
	nsec start = clock_now();
	assert_int_equal(loop->ops->turn(loop, start + 20 * MSEC, NSEC_NEVER), 0); /* asleep all the time */
	assert_in_range(clock_now() - start, 20 * MSEC, 2 * SEC);
	start = clock_now();
	assert_int_equal(loop->ops->turn(loop, start - SEC, NSEC_NEVER), 0); /* in the past: it only looks */
	assert_true(clock_now() - start < SEC);
}

static void a_turn_spins_from_the_given_moment(void **state) {
	struct loop *loop = *state;
	nsec start = clock_now();
	nsec spun = loop->ops->turn(loop, start + 30 * MSEC, start + 10 * MSEC), took = clock_now() - start;
	assert_in_range(took, 30 * MSEC, 2 * SEC);
	assert_in_range(spun, 0, took - 10 * MSEC); /* never while it slept */
	start = clock_now();
	spun = loop->ops->turn(loop, start + 100 * MSEC, start);
	took = clock_now() - start;
	assert_in_range(took, 100 * MSEC, 2 * SEC);
	assert_in_range(spun, 20 * MSEC, took); /* from the first moment on */
}

/* Both ends of a connection, and what was seen of the last bytes. */
struct pair {
	struct loop_conn conn; /* first: the events point here */
	struct loop *loop;
	int peer;
	int opened, got;
	nsec stamp, read;
};

static void pair_open(struct loop *loop, struct loop_conn *conn, enum reason reason, nsec now) {
	(void)loop, (void)now;
	assert_int_equal(reason, REASON_NONE);
	((struct pair *)(void *)conn)->opened++;
}

static void pair_bytes(struct loop *loop, struct loop_conn *conn, struct slice bytes, nsec arrived) {
	struct pair *pair = (struct pair *)(void *)conn;
	(void)loop;
	pair->got += (int)bytes.size;
	pair->stamp = conn->stamp;
	pair->read = arrived;
}

static void pair_connect(struct pair *pair) {
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct address address = {.size = sizeof(address.socket.v4)};
	address.socket.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(listener, &address.socket.any, address.size), 0);
	assert_int_equal(getsockname(listener, &address.socket.any, &address.size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(pair->loop->ops->dial(pair->loop, &pair->conn, &(struct dial){.to = &address}), REASON_NONE);
	for (nsec limit = clock_now() + 5 * SEC; pair->opened == 0 && clock_now() < limit;) pair->loop->ops->turn(pair->loop, limit, NSEC_NEVER);
	assert_int_equal(pair->opened, 1);
	pair->peer = accept(listener, NULL, NULL);
	assert_true(pair->peer >= 0);
	close(listener);
}

static void pair_read(struct pair *pair, int wanted) {
	for (nsec limit = clock_now() + 5 * SEC; pair->got < wanted && clock_now() < limit;) pair->loop->ops->turn(pair->loop, limit, NSEC_NEVER);
	assert_int_equal(pair->got, wanted);
	assert_int_equal(pair->conn.stamp, 0); /* only while on_bytes runs */
}

static void pair_send(struct pair *pair, nsec *ret_before, nsec *ret_after) {
	*ret_before = clock_now();
	assert_int_equal(send(pair->peer, "x", 1, 0), 1);
	*ret_after = clock_now();
}

static int pair_setup(void **state) {
	static const struct loop_events events = {.on_open = pair_open, .on_bytes = pair_bytes};
	struct pair *pair = calloc(1, sizeof(*pair));
	struct err err;
	if (!loop_open_epoll(&events, pair, &pair->loop, &err)) return -1;
	pair->loop->ops->stamp(pair->loop, NULL, true);
	pair_connect(pair);
	*state = pair;
	return 0;
}

static int pair_teardown(void **state) {
	struct pair *pair = *state;
	pair->loop->ops->close(pair->loop, &pair->conn);
	loop_close_epoll(pair->loop);
	close(pair->peer);
	free(pair);
	return 0;
}

/* Turns the stamps on; the kernel begins a moment after it is asked to. */
static void pair_begin_stamps(struct pair *pair) {
	nsec unused;
	pair->loop->ops->stamp(pair->loop, &pair->conn, true);
	assert_true(pair->conn.stamped);
	for (nsec limit = clock_now() + 5 * SEC; pair->stamp == 0 && clock_now() < limit;) {
		pair_send(pair, &unused, &unused);
		pair_read(pair, pair->got + 1);
	}
	assert_true(pair->stamp > 0);
}

static void pause_ms(long ms) {
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

#define CLOCKS_AGREE (50 * USEC) /* the two clocks are compared by readings some 20 ns apart; a busy machine may come between */

static void a_stamp_is_the_arrival_not_the_read(void **state) {
	struct pair *pair = *state;
	nsec before, after;
	pair_begin_stamps(pair);
	for (int i = 0; i < 5; i++) {
		pair_send(pair, &before, &after);
		pause_ms(20);
		pair_read(pair, pair->got + 1);
		assert_in_range(pair->stamp, before - CLOCKS_AGREE, pair->read - 10 * MSEC); /* loopback delivers within the send, or soon after */
	}
}

static void a_stamp_is_of_the_last_bytes(void **state) {
	struct pair *pair = *state;
	nsec before, after;
	pair_begin_stamps(pair);
	pair_send(pair, &before, &after);
	pause_ms(20);
	pair_send(pair, &before, &after);
	pair_read(pair, pair->got + 2);
	assert_in_range(pair->stamp, before - CLOCKS_AGREE, pair->read);
}

static void a_stamp_never_lies_in_the_future(void **state) {
	struct pair *pair = *state;
	nsec before, after;
	pair_begin_stamps(pair);
	for (int i = 0; i < 2000; i++) {
		pair_send(pair, &before, &after);
		pair_read(pair, pair->got + 1);
		assert_in_range(pair->stamp, before - CLOCKS_AGREE, pair->read);
	}
}

static void without_stamps_there_are_none(void **state) {
	struct pair *pair = *state;
	nsec unused;
	pair_send(pair, &unused, &unused);
	pair_read(pair, 1);
	assert_int_equal(pair->stamp, 0);
	pair_begin_stamps(pair);
	pair->loop->ops->stamp(pair->loop, &pair->conn, false);
	assert_false(pair->conn.stamped);
	pair_send(pair, &unused, &unused);
	pair_read(pair, pair->got + 1);
	assert_int_equal(pair->stamp, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_turn_without_events_ends_at_until, setup, teardown),
		cmocka_unit_test_setup_teardown(a_turn_spins_from_the_given_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stamp_is_the_arrival_not_the_read, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(a_stamp_is_of_the_last_bytes, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(a_stamp_never_lies_in_the_future, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(without_stamps_there_are_none, pair_setup, pair_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
