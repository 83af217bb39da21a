#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"

/* Our end of a connection, what it was told, and what it does then. */
struct end {
	struct loop_conn conn; /* first: a struct loop_conn * of ours points here */
	int opened, got, sent, closed;
	enum reason reason;
	bool reset;
	bool closed_seen; /* peer_closed, at the last bytes */
	size_t size;      /* bytes that came */
	uint64_t sum;     /* of them, with their places */
	nsec told;        /* the `now` of the last event */
	struct end *other;
	const struct address *again; /* where `other` is dialled anew */
	void (*then)(struct loop *loop, struct end *end);
};

static struct end *end_of(struct loop_conn *conn) {
	return (struct end *)(void *)conn;
}

static void end_open(struct loop *loop, struct loop_conn *conn, enum reason reason, nsec now) {
	(void)loop;
	end_of(conn)->opened++;
	end_of(conn)->reason = reason;
	end_of(conn)->told = now;
}

static void end_bytes(struct loop *loop, struct loop_conn *conn, struct slice bytes, nsec arrived) {
	struct end *end = end_of(conn);
	assert_in_range(bytes.size, 1, LOOP_READ_BYTES);
	for (size_t i = 0; i < bytes.size; i++) end->sum += (end->size + i + 1) * (unsigned char)bytes.at[i];
	end->size += bytes.size;
	end->got++;
	end->closed_seen = conn->peer_closed;
	end->told = arrived;
	if (end->then) end->then(loop, end);
}

static void end_sent(struct loop *loop, struct loop_conn *conn, nsec now) {
	end_of(conn)->sent++;
	end_of(conn)->told = now;
	if (end_of(conn)->then) end_of(conn)->then(loop, end_of(conn));
}

static void end_close(struct loop *loop, struct loop_conn *conn, bool reset, nsec now) {
	end_of(conn)->closed++;
	end_of(conn)->reset = reset;
	end_of(conn)->told = now;
	loop->ops->close(loop, conn);
}

static const struct loop_events events = {.on_open = end_open, .on_bytes = end_bytes, .on_sent = end_sent, .on_close = end_close};

struct box {
	struct loop *loop;
	int listener;
	struct address address;
};

/* Binds a TCP socket to a free port of 127.0.0.1 and says which in *ret. */
static int bind_free(struct address *ret) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*ret = (struct address){.size = sizeof(ret->socket.v4), .text = "127.0.0.1"};
	ret->socket.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, &ret->socket.any, ret->size), 0);
	assert_int_equal(getsockname(fd, &ret->socket.any, &ret->size), 0);
	return fd;
}

static int setup(void **state) {
	struct box *box = calloc(1, sizeof(*box));
	struct err err;
	box->listener = bind_free(&box->address);
	int small = 65536;
	setsockopt(box->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(listen(box->listener, 512), 0);
	assert_true(loop_open_epoll(&events, box, &box->loop, &err));
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	loop_close_epoll(box->loop);
	close(box->listener);
	free(box);
	return 0;
}

static void turn(struct box *box, nsec time) {
	box->loop->ops->turn(box->loop, clock_now() + time, NSEC_NEVER);
}

/* Turns the loop until `*counter` has grown to `wanted`, at most 5 s. */
static void turn_until(struct box *box, const int *counter, int wanted) {
	for (nsec limit = clock_now() + 5 * SEC; *counter < wanted && clock_now() < limit;) turn(box, 20 * MSEC);
	assert_int_equal(*counter, wanted);
}

/* Opens a connection; returns the peer's end. */
static int connect_end(struct box *box, struct end *end) {
	assert_int_equal(box->loop->ops->dial(box->loop, &end->conn, &(struct dial){.to = &box->address}), REASON_NONE);
	assert_true(end->conn.used);
	turn_until(box, &end->opened, end->opened + 1);
	assert_int_equal(end->reason, REASON_NONE);
	assert_true(end->conn.used);
	assert_false(end->conn.connecting);
	int peer = accept(box->listener, NULL, NULL);
	assert_true(peer >= 0);
	return peer;
}

static void close_with_reset(int fd) {
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0); /* socket(7): close sends RST */
	close(fd);
}

static void pause_ms(long ms) {
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void a_dial_opens_a_connection(void **state) {
	struct box *box = *state;
	struct end end = {0};
	nsec before = clock_now();
	int peer = connect_end(box, &end);
	assert_in_range(end.told, before, clock_now());
	turn(box, 10 * MSEC);
	assert_int_equal(end.opened, 1); /* and only once */
	assert_int_equal(end.got + end.sent + end.closed, 0);
	box->loop->ops->close(box->loop, &end.conn);
	assert_false(end.conn.used);
	char byte;
	assert_int_equal(recv(peer, &byte, 1, 0), 0); /* the peer sees the end */
	close(peer);
}

/* A bound socket that does not listen refuses. The refusal may come at once or by event; then the connection is closed already. */
static void a_refused_dial_says_so(void **state) {
	struct box *box = *state;
	struct address closed;
	int deaf = bind_free(&closed);
	struct end end = {0};
	enum reason reason = box->loop->ops->dial(box->loop, &end.conn, &(struct dial){.to = &closed});
	if (reason == REASON_NONE) {
		turn_until(box, &end.opened, 1);
		reason = end.reason;
	}
	assert_int_equal(reason, REASON_REFUSED);
	assert_false(end.conn.used);
	box->loop->ops->close(box->loop, &end.conn); /* closed already: nothing happens */
	turn(box, 10 * MSEC);
	assert_int_equal(end.got + end.sent + end.closed, 0);
	close(deaf);
}

static void without_descriptors_a_dial_fails_at_once(void **state) {
	struct box *box = *state;
	struct rlimit old, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	struct end end = {0};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum reason reason = box->loop->ops->dial(box->loop, &end.conn, &(struct dial){.to = &box->address});
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(reason, REASON_NO_DESCRIPTOR);
	assert_false(end.conn.used);
}

static void bytes_go_out_and_come_in(void **state) {
	struct box *box = *state;
	struct end end = {0};
	int peer = connect_end(box, &end);
	struct iovec iov[] = {{(char[]){"GET / "}, 6}, {(char[]){""}, 0}, {(char[]){"HTTP/1.1"}, 8}};
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, iov, 3), 14);
	assert_false(end.conn.want_write);
	char text[64] = "";
	assert_int_equal(recv(peer, text, 14, MSG_WAITALL), 14);
	assert_string_equal(text, "GET / HTTP/1.1");
	nsec before = clock_now();
	assert_int_equal(send(peer, "\x05\x07", 2, 0), 2);
	turn_until(box, &end.got, 1);
	assert_in_range(end.told, before, clock_now());
	assert_int_equal(end.size, 2);
	assert_int_equal(end.sum, 1 * 5 + 2 * 7);
	assert_false(end.closed_seen);
	assert_int_equal(end.sent, 0); /* no send was short */
	box->loop->ops->close(box->loop, &end.conn);
	close(peer);
}

/* More than one receive buffer arrives in pieces, complete and in order. */
static void large_answers_arrive_whole(void **state) {
	struct box *box = *state;
	enum { TOTAL = 3 * LOOP_READ_BYTES + 17 };
	static unsigned char bytes[TOTAL];
	uint64_t sum = 0;
	for (size_t i = 0; i < TOTAL; i++) {
		bytes[i] = (unsigned char)(i * 31 >> 3);
		sum += (i + 1) * bytes[i];
	}
	struct end end = {0};
	int peer = connect_end(box, &end);
	nsec limit = clock_now() + 5 * SEC;
	for (size_t done = 0; end.size < TOTAL && clock_now() < limit;) {
		ssize_t more = done < TOTAL ? send(peer, bytes + done, TOTAL - done, MSG_DONTWAIT) : 0;
		if (more > 0) done += (size_t)more;
		turn(box, 10 * MSEC);
	}
	assert_int_equal(end.size, TOTAL);
	assert_int_equal(end.sum, sum);
	assert_true(end.got >= 4);
	box->loop->ops->close(box->loop, &end.conn);
	close(peer);
}

/* Sends until the kernel takes no more; returns the bytes it took. */
static size_t fill(struct box *box, struct end *end) {
	static char bytes[1 << 20];
	size_t taken = 0;
	for (int i = 0; i < 64 && !end->conn.want_write; i++) {
		struct iovec iov = {bytes, sizeof(bytes)};
		ssize_t more = box->loop->ops->send(box->loop, &end->conn, &iov, 1);
		assert_in_range(more, 0, sizeof(bytes));
		taken += (size_t)more;
	}
	assert_true(end->conn.want_write);
	return taken;
}

static void a_short_send_is_followed_by_on_sent(void **state) {
	struct box *box = *state;
	struct end end = {0};
	int peer = connect_end(box, &end);
	size_t taken = fill(box, &end), drained = 0;
	struct iovec more = {(char[]){"x"}, 1};
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, &more, 1), 0); /* full: nothing, and no failure */
	turn(box, 20 * MSEC);
	assert_int_equal(end.sent, 0); /* nobody has read */
	static char sink[1 << 20];
	while (drained < taken) {
		ssize_t size = recv(peer, sink, sizeof(sink), MSG_DONTWAIT);
		if (size > 0) drained += (size_t)size;
		if (size <= 0) turn(box, 1 * MSEC);
		if (end.sent > 1) break;
	}
	turn_until(box, &end.sent, 1);
	assert_false(end.conn.want_write);
	turn(box, 10 * MSEC);
	assert_int_equal(end.sent, 1); /* once for one short send */
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, &more, 1), 1);
	box->loop->ops->close(box->loop, &end.conn);
	close(peer);
}

static void bytes_still_come_while_a_send_waits(void **state) {
	struct box *box = *state;
	struct end end = {0};
	int peer = connect_end(box, &end);
	fill(box, &end);
	assert_int_equal(send(peer, "early", 5, 0), 5); /* a server may answer before it has read everything */
	turn_until(box, &end.got, 1);
	assert_int_equal(end.size, 5);
	assert_int_equal(end.sent, 0);
	assert_true(end.conn.want_write);
	close_with_reset(peer);
	turn_until(box, &end.closed, 1);
	assert_true(end.reset);
	assert_int_equal(end.sent, 0);
}

static void an_end_and_a_reset_of_the_peer_differ(void **state) {
	struct box *box = *state;
	for (int reset = 0; reset < 2; reset++) {
		struct end end = {0};
		int peer = connect_end(box, &end);
		nsec before = clock_now();
		if (reset) close_with_reset(peer);
		if (!reset) close(peer);
		turn_until(box, &end.closed, 1);
		assert_int_equal(end.reset, reset);
		assert_in_range(end.told, before, clock_now());
		assert_false(end.conn.used);
		turn(box, 10 * MSEC);
		assert_int_equal(end.closed, 1);
		assert_int_equal(end.got, 0);
	}
}

/* peer_closed is known with the last bytes, before on_close. */
static void last_bytes_come_before_the_end(void **state) {
	struct box *box = *state;
	struct end end = {0};
	int peer = connect_end(box, &end);
	assert_int_equal(send(peer, "bye", 3, 0), 3);
	close(peer);
	pause_ms(20);
	turn_until(box, &end.got, 1);
	assert_int_equal(end.size, 3);
	assert_true(end.closed_seen);
	turn_until(box, &end.closed, 1);
	assert_false(end.reset);
}

static void a_send_after_a_reset_fails_without_a_signal(void **state) {
	struct box *box = *state;
	struct end end = {0};
	close_with_reset(connect_end(box, &end));
	struct pollfd poll_end = {.fd = end.conn.fd, .events = POLLIN};
	assert_int_equal(poll(&poll_end, 1, 5000), 1);
	struct iovec iov[] = {{(char[]){"x"}, 1}, {(char[]){"y"}, 1}};
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, iov, 1), -1); /* the pending ECONNRESET */
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, iov, 1), -1); /* EPIPE, which must not kill the process */
	assert_int_equal(box->loop->ops->send(box->loop, &end.conn, iov, 2), -1);
	box->loop->ops->close(box->loop, &end.conn);
	turn(box, 10 * MSEC);
	assert_int_equal(end.closed, 0);
}

static void close_other(struct loop *loop, struct end *end) {
	loop->ops->close(loop, &end->other->conn);
}

/* Both have bytes when the loop looks; who comes first closes the other, which must hear nothing then. */
static void a_connection_closed_by_another_hears_nothing(void **state) {
	struct box *box = *state;
	struct end a = {.then = close_other}, b = {.then = close_other, .other = &a};
	a.other = &b;
	int peers[] = {connect_end(box, &a), connect_end(box, &b)};
	for (size_t i = 0; i < 2; i++) assert_int_equal(send(peers[i], "x", 1, 0), 1);
	pause_ms(20);
	for (int i = 0; i < 3; i++) turn(box, 10 * MSEC);
	assert_int_equal(a.got + b.got, 1);
	assert_int_equal(a.closed + b.closed, 0);
	assert_int_equal(a.conn.used + b.conn.used, 1);
	box->loop->ops->close(box->loop, &a.conn);
	box->loop->ops->close(box->loop, &b.conn);
	close(peers[0]);
	close(peers[1]);
}

static void redial_other(struct loop *loop, struct end *end) {
	loop->ops->close(loop, &end->other->conn);
	assert_int_equal(loop->ops->dial(loop, &end->other->conn, &(struct dial){.to = end->again}), REASON_NONE);
}

/* A listener whose queue is full lets connects wait (listen(2)). Returns it, with the two connections that fill it. */
static int listen_full(struct address *ret, int fillers[2]) {
	int fd = bind_free(ret);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < 2; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fillers[i], &ret->socket.any, ret->size);
	}
	pause_ms(20);
	return fd;
}

/* The event of the old connection, fetched in the same batch, must not open the new one, whose connect is still on its way. */
static void an_old_event_does_not_touch_a_new_dial(void **state) {
	struct box *box = *state;
	struct address address;
	int fillers[2], full = listen_full(&address, fillers);
	struct end a = {.then = redial_other, .again = &address}, b = {.then = redial_other, .again = &address, .other = &a};
	a.other = &b;
	int peers[] = {connect_end(box, &a), connect_end(box, &b)};
	for (size_t i = 0; i < 2; i++) assert_int_equal(send(peers[i], "x", 1, 0), 1);
	pause_ms(20);
	for (int i = 0; i < 5; i++) turn(box, 10 * MSEC);
	assert_int_equal(a.got + b.got, 1);
	assert_int_equal(a.opened + b.opened, 2); /* the first dials */
	assert_true(a.conn.connecting != b.conn.connecting);
	box->loop->ops->close(box->loop, &a.conn); /* also while it connects */
	box->loop->ops->close(box->loop, &b.conn);
	turn(box, 10 * MSEC);
	assert_int_equal(a.opened + b.opened, 2);
	for (size_t i = 0; i < 2; i++) {
		close(peers[i]);
		close(fillers[i]);
	}
	close(full);
}

static void a_connection_may_close_itself_in_its_event(void **state) {
	struct box *box = *state;
	struct end end = {.then = close_other, .other = &end};
	int peer = connect_end(box, &end);
	assert_int_equal(send(peer, "x", 1, 0), 1);
	close(peer);
	pause_ms(20);
	for (int i = 0; i < 3; i++) turn(box, 10 * MSEC);
	assert_int_equal(end.got, 1);
	assert_int_equal(end.closed, 0);
	end.then = NULL;
	close(connect_end(box, &end)); /* and be dialled anew */
	turn_until(box, &end.closed, 1);
}

/* Writable and readable at once: the owner closes in on_sent, the bytes are void then. */
static void a_connection_closed_in_on_sent_gets_no_bytes(void **state) {
	struct box *box = *state;
	struct end end = {.then = close_other, .other = &end};
	int peer = connect_end(box, &end);
	size_t drained = 0, taken = fill(box, &end);
	assert_int_equal(send(peer, "x", 1, 0), 1);
	static char sink[1 << 20];
	for (ssize_t size = 1; drained < taken && size > 0; drained += (size_t)size) size = recv(peer, sink, sizeof(sink), 0);
	pause_ms(20);
	for (int i = 0; i < 3; i++) turn(box, 10 * MSEC);
	assert_int_equal(end.sent, 1);
	assert_int_equal(end.got + end.closed, 0);
	close(peer);
}

/* More connections are ready than one batch holds. */
static void every_ready_connection_has_its_turn(void **state) {
	struct box *box = *state;
	enum { COUNT = 300 };
	static struct end ends[COUNT];
	static int peers[COUNT];
	memset(ends, 0, sizeof(ends));
	for (size_t i = 0; i < COUNT; i++) peers[i] = connect_end(box, &ends[i]);
	for (size_t i = 0; i < COUNT; i++) assert_int_equal(send(peers[i], "x", 1, 0), 1);
	for (size_t i = 0; i < COUNT; i++) turn_until(box, &ends[i].got, 1);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(ends[i].size, 1);
		box->loop->ops->close(box->loop, &ends[i].conn);
		close(peers[i]);
	}
}

static void events_are_seen_while_spinning(void **state) {
	struct box *box = *state;
	struct end end = {0};
	int peer = connect_end(box, &end);
	assert_int_equal(send(peer, "x", 1, 0), 1);
	pause_ms(5);
	nsec start = clock_now();
	box->loop->ops->turn(box->loop, start + 10 * SEC, start);
	assert_true(clock_now() - start < 5 * SEC);
	assert_int_equal(end.got, 1);
	box->loop->ops->close(box->loop, &end.conn);
	box->loop->ops->close(box->loop, &end.conn); /* twice: nothing happens */
	close(peer);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_dial_opens_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_dial_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(without_descriptors_a_dial_fails_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_go_out_and_come_in, setup, teardown),
		cmocka_unit_test_setup_teardown(large_answers_arrive_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_short_send_is_followed_by_on_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_still_come_while_a_send_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_and_a_reset_of_the_peer_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(last_bytes_come_before_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_send_after_a_reset_fails_without_a_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_closed_by_another_hears_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_old_event_does_not_touch_a_new_dial, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_may_close_itself_in_its_event, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_closed_in_on_sent_gets_no_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(every_ready_connection_has_its_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(events_are_seen_while_spinning, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
