#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mapped.h"
#include "net/loop.h"

/* What the loop does beside plain connections: local addresses, Unix sockets, calls from other threads, files that shrink while they are sent, the first and last packets. */

struct end {
	struct loop_conn conn; /* first: the events point here */
	int opened, closed;
	enum reason reason;
	char text[64]; /* that came */
	size_t size;
};

static struct end *end_of(struct loop_conn *conn) {
	return (struct end *)(void *)conn;
}

static int woken;
static bool wakes_again; /* on_wake calls wake() */

static void end_open(struct loop *loop, struct loop_conn *conn, enum reason reason, nsec now) {
	(void)loop, (void)now;
	end_of(conn)->opened++;
	end_of(conn)->reason = reason;
}

static void end_bytes(struct loop *loop, struct loop_conn *conn, struct slice bytes, nsec arrived) {
	(void)loop, (void)arrived;
	struct end *end = end_of(conn);
	assert_true(end->size + bytes.size < sizeof(end->text));
	memcpy(end->text + end->size, bytes.at, bytes.size);
	end->size += bytes.size;
}

static void end_close(struct loop *loop, struct loop_conn *conn, bool reset, nsec now) {
	(void)reset, (void)now;
	end_of(conn)->closed++;
	loop->ops->close(loop, conn);
}

static void note_wake(struct loop *loop, nsec now) {
	assert_in_range(now, clock_now() - 10 * SEC, clock_now());
	woken++;
	if (wakes_again) loop->ops->wake(loop);
	wakes_again = false;
}

static const struct loop_events events = {.on_open = end_open, .on_bytes = end_bytes, .on_close = end_close, .on_wake = note_wake};

static struct loop *loop;
static char folder[] = "/tmp/strest-dial-XXXXXX", path[64];

static int setup(void **state) {
	(void)state;
	struct err err;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder)) return -1;
	snprintf(path, sizeof(path), "%s/it", folder);
	woken = 0;
	return loop_open_epoll(&events, NULL, &loop, &err) ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	loop_close_epoll(loop);
	unlink(path);
	return rmdir(folder);
}

static void turn(nsec time) {
	loop->ops->turn(loop, clock_now() + time, NSEC_NEVER);
}

/* Turns the loop until `*counter` is `wanted`, at most 5 s. */
static void turn_until(const int *counter, int wanted) {
	for (nsec limit = clock_now() + 5 * SEC; *counter < wanted && clock_now() < limit;) turn(20 * MSEC);
	assert_int_equal(*counter, wanted);
}

static struct address make_address(int family, const char *host) {
	struct address address = {.size = family == AF_INET6 ? sizeof(address.socket.v6) : sizeof(address.socket.v4)};
	address.socket.any.sa_family = (sa_family_t)family;
	void *bytes = family == AF_INET6 ? (void *)&address.socket.v6.sin6_addr : &address.socket.v4.sin_addr;
	assert_int_equal(inet_pton(family, host, bytes), 1);
	return address;
}

static struct address make_unix(void) {
	struct address address = {.socket.path.sun_family = AF_UNIX};
	strcpy(address.socket.path.sun_path, path);
	address.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	return address;
}

/* Listens at the address, whose port becomes known; -1: this machine has no such address. */
static int listen_at(struct address *address, int backlog) {
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	socklen_t size = address->size;
	if (bind(fd, &address->socket.any, address->size) != 0 || listen(fd, backlog) != 0) {
		close(fd);
		return -1;
	}
	if (address->socket.any.sa_family != AF_UNIX) assert_int_equal(getsockname(fd, &address->socket.any, &size), 0);
	return fd;
}

/* Dials; the refusal may come at once or by event. */
static enum reason dial(struct end *end, const struct address *to, const struct address *from) {
	memset(end, 0, sizeof(*end));
	enum reason reason = loop->ops->dial(loop, &end->conn, &(struct dial){.to = to, .from = from});
	if (reason != REASON_NONE) {
		assert_false(end->conn.used);
		return reason;
	}
	turn_until(&end->opened, 1);
	assert_int_equal(end->conn.used, end->reason == REASON_NONE);
	return end->reason;
}

static void connections_come_from_where_they_are_told_to(void **state) {
	(void)state;
	static const struct {
		int family;
		const char *to, *from;
	} rows[] = {{AF_INET, "127.0.0.1", "127.0.0.7"}, {AF_INET, "127.0.0.1", "127.9.8.7"}, {AF_INET, "127.0.3.1", "127.0.0.1"},
		{AF_INET6, "::1", "::1"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct address to = make_address(rows[i].family, rows[i].to), from = make_address(rows[i].family, rows[i].from), seen = {0};
		struct end end;
		int listener = listen_at(&to, 5), on = 0;
		if (listener < 0 && rows[i].family == AF_INET6) continue; /* switched off */
		assert_int_equal(dial(&end, &to, &from), REASON_NONE);
		seen.size = sizeof(seen.socket);
		int peer = accept(listener, &seen.socket.any, &seen.size);
		if (rows[i].family == AF_INET6)
			assert_memory_equal(&seen.socket.v6.sin6_addr, &from.socket.v6.sin6_addr, 16);
		else
			assert_memory_equal(&seen.socket.v4.sin_addr, &from.socket.v4.sin_addr, 4);
		socklen_t size = sizeof(on);
		assert_int_equal(getsockopt(end.conn.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, &size), 0);
		assert_int_equal(on, 1); /* else 28,000 ports were all for all targets together */
		loop->ops->close(loop, &end.conn);
		close(peer);
		close(listener);
	}
}

static void a_foreign_local_address_is_named(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1"), from = make_address(AF_INET, "198.51.100.1"); /* RFC 5737: nobody's */
	struct end end;
	int listener = listen_at(&to, 5);
	assert_int_equal(dial(&end, &to, &from), REASON_NO_SOURCE);
	close(listener);
}

/* Enters a network of its own with loopback and four local ports. Returns what leads back; -1: this user may not. */
static int enter_small_network(void) {
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (back < 0 || unshare(CLONE_NEWNET) != 0) {
		if (back >= 0) close(back);
		return -1;
	}
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
	FILE *ports = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	assert_non_null(ports);
	assert_true(fprintf(ports, "40000 40003\n") > 0);
	assert_int_equal(fclose(ports), 0);
	return back;
}

static void each_local_address_has_all_ports(void **state) {
	(void)state;
	int back = enter_small_network();
	if (back < 0) skip();
	struct address to = make_address(AF_INET, "127.0.0.1"), other = to, seven = make_address(AF_INET, "127.0.0.7"),
		       eight = make_address(AF_INET, "127.0.0.8");
	to.socket.v4.sin_port = htons(3000); /* else the listener takes one of the four */
	other.socket.v4.sin_port = htons(3001);
	int listeners[] = {listen_at(&to, 100), listen_at(&other, 100)};
	const struct { const struct address *to, *from; } ways[] = {{&to, &seven}, {&to, &eight}, {&to, NULL}, {&other, &seven}};
	struct end ends[LENGTH(ways)][4], more;
	for (size_t i = 0; i < LENGTH(ways); i++) {
		for (size_t j = 0; j < 4; j++) assert_int_equal(dial(&ends[i][j], ways[i].to, ways[i].from), REASON_NONE);
		assert_int_equal(dial(&more, ways[i].to, ways[i].from), REASON_NO_PORT);
	}
	for (size_t i = 0; i < LENGTH(ways); i++)
		for (size_t j = 0; j < 4; j++) loop->ops->close(loop, &ends[i][j].conn);
	for (size_t i = 0; i < LENGTH(listeners); i++) close(listeners[i]);
	assert_int_equal(setns(back, CLONE_NEWNET), 0);
	close(back);
}

static void a_unix_socket_is_talked_to(void **state) {
	(void)state;
	struct address to = make_unix();
	struct end end;
	int listener = listen_at(&to, 5);
	assert_int_equal(dial(&end, &to, NULL), REASON_NONE);
	int peer = accept(listener, NULL, NULL);
	assert_int_equal(loop->ops->send(loop, &end.conn, &(struct iovec){(char[]){"question"}, 8}, 1), 8);
	char heard[9] = "";
	assert_int_equal(recv(peer, heard, 8, MSG_WAITALL), 8);
	assert_string_equal(heard, "question");
	loop->ops->stamp(loop, &end.conn, true); /* the kernel may have none for it */
	assert_int_equal(send(peer, "answer", 6, 0), 6);
	close(peer);
	turn_until(&end.closed, 1);
	assert_string_equal(end.text, "answer");
	assert_false(end.conn.used);
	close(listener);
}

static void a_unix_socket_that_is_not_served_is_named(void **state) {
	(void)state;
	struct address to = make_unix();
	struct end end, fillers[2];
	assert_int_equal(dial(&end, &to, NULL), REASON_NO_SOCKET); /* no file */
	int listener = listen_at(&to, 0);
	assert_int_equal(dial(&fillers[0], &to, NULL), REASON_NONE);
	assert_int_equal(dial(&end, &to, NULL), REASON_CONNECT_FAILED); /* a backlog of 0 holds one: EAGAIN, and not the want of a port */
	close(accept(listener, NULL, NULL));
	assert_int_equal(dial(&fillers[1], &to, NULL), REASON_NONE); /* room again */
	close(listener);
	for (size_t i = 0; i < LENGTH(fillers); i++) loop->ops->close(loop, &fillers[i].conn);
	assert_int_equal(dial(&end, &to, NULL), REASON_NO_SOCKET); /* a file without a listener */
}

static void wake_ends_a_turn_and_is_told_once(void **state) {
	(void)state;
	for (int i = 0; i < 3; i++) loop->ops->wake(loop);
	nsec start = clock_now();
	turn(10 * SEC);
	assert_true(clock_now() - start < 5 * SEC);
	assert_int_equal(woken, 1);
	turn(20 * MSEC);
	assert_int_equal(woken, 1);
	wakes_again = true;
	loop->ops->wake(loop);
	turn(SEC);
	turn(SEC);
	assert_int_equal(woken, 3);
	start = clock_now();
	loop->ops->wake(loop);
	loop->ops->turn(loop, start + 10 * SEC, start); /* also while it spins */
	assert_true(clock_now() - start < 5 * SEC);
	assert_int_equal(woken, 4);
}

static void *wake_soon(void *argument) {
	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	loop->ops->wake(argument);
	return NULL;
}

static void wake_may_come_from_another_thread(void **state) {
	(void)state;
	pthread_t thread;
	nsec start = clock_now();
	assert_int_equal(pthread_create(&thread, NULL, wake_soon, loop), 0);
	turn(10 * SEC);
	assert_in_range(clock_now() - start, 25 * MSEC, 5 * SEC);
	assert_int_equal(woken, 1);
	pthread_join(thread, NULL);
}

/* The linker puts this in the place of the room base's (--wrap): it does what that one does, for one file. */
static char *mapped;
static size_t mapped_size;
static int touched;
static bool mends; /* the touch helps */

__attribute__((used)) void __wrap_mapped_touch(const struct iovec *iov, int count);

void __wrap_mapped_touch(const struct iovec *iov, int count) {
	touched++;
	assert_ptr_equal(iov[count - 1].iov_base, mapped);
	if (mends) assert_ptr_equal(mmap(mapped, mapped_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), mapped);
}

static void a_file_that_shrank_is_touched_and_sent_again(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1");
	struct end end;
	int listener = listen_at(&to, 5);
	mapped_size = (size_t)sysconf(_SC_PAGESIZE);
	for (int count = 1; count <= 2; count++) {
		FILE *file = fopen(path, "w+");
		assert_int_equal(ftruncate(fileno(file), (off_t)mapped_size), 0);
		mapped = mmap(NULL, mapped_size, PROT_READ, MAP_SHARED, fileno(file), 0);
		assert_int_equal(ftruncate(fileno(file), 0), 0);
		fclose(file);
		touched = 0;
		assert_int_equal(dial(&end, &to, NULL), REASON_NONE);
		int peer = accept(listener, NULL, NULL);
		struct iovec iov[2] = {{(char[]){"head"}, count == 2 ? 4 : 0}, {mapped, 100}};
		const struct iovec *sent = iov + (count == 1);
		mends = false;
		ssize_t size = loop->ops->send(loop, &end.conn, sent, count);
		assert_int_equal(touched, 1); /* once only: it did not help */
		assert_int_equal(size, -1);
		mends = true;
		size = loop->ops->send(loop, &end.conn, sent, count);
		assert_int_equal(touched, 2);
		assert_int_equal(size, count == 1 ? 100 : 104);
		char heard[105] = "";
		assert_int_equal(recv(peer, heard, (size_t)size, MSG_WAITALL), size);
		if (count == 2) assert_memory_equal(heard, "head\0\0\0\0", 8);
		loop->ops->close(loop, &end.conn);
		close(peer);
		munmap(mapped, mapped_size);
	}
	close(listener);
}

/* Whether a connection can be accepted at once. */
static bool has_arrived(int listener) {
	return poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 0) == 1;
}

/* Until the third packet of the handshake comes there is nothing to accept; Linux delays it by 40 ms at least if it may wait for bytes. */
static void an_eager_dial_lets_its_bytes_take_the_acknowledgement_along(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1");
	int listener = listen_at(&to, 5);
	for (int eager = 0; eager < 2; eager++) {
		struct end end;
		bool in_time = false, arrived = false;
		for (int tries = 0; tries < 20 && !in_time; tries++) { /* until nobody held us up for longer than that */
			memset(&end, 0, sizeof(end));
			nsec before = clock_now();
			assert_int_equal(loop->ops->dial(loop, &end.conn, &(struct dial){.to = &to, .eager = eager}), REASON_NONE);
			turn_until(&end.opened, 1);
			assert_int_equal(end.reason, REASON_NONE);
			arrived = has_arrived(listener);
			in_time = clock_now() - before < 30 * MSEC;
			assert_int_equal(loop->ops->send(loop, &end.conn, &(struct iovec){(char[]){"x"}, 1}, 1), 1);
			assert_true(has_arrived(listener));
			close(accept(listener, NULL, NULL));
			loop->ops->close(loop, &end.conn);
		}
		assert_true(in_time);
		assert_int_equal(arrived, !eager);
	}
	close(listener);
}

static void an_eager_dial_that_sends_nothing_is_open_all_the_same(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1");
	struct end end = {0};
	int listener = listen_at(&to, 5);
	assert_int_equal(loop->ops->dial(loop, &end.conn, &(struct dial){.to = &to, .eager = true}), REASON_NONE);
	turn_until(&end.opened, 1);
	int peer = accept(listener, NULL, NULL);
	assert_int_equal(send(peer, "first", 5, 0), 5);
	close(peer);
	turn_until(&end.closed, 1);
	assert_string_equal(end.text, "first");
	close(listener);
}

/* A connection to `listener`, whose other end is *ret_peer. */
static void open_pair(struct end *end, int listener, const struct address *to, int *ret_peer) {
	assert_int_equal(dial(end, to, NULL), REASON_NONE);
	*ret_peer = accept(listener, NULL, NULL);
	assert_true(*ret_peer >= 0);
}

static void the_last_words_of_a_parting_connection_are_passed_by(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1");
	int listener = listen_at(&to, 5), peer;
	for (int parting = 0; parting < 2; parting++) {
		struct end end;
		open_pair(&end, listener, &to, &peer);
		end.conn.parting = parting;
		assert_int_equal(send(peer, "words", 5, 0), 5);
		close(peer);
		turn(SEC); /* both have come: they are told in turn, but for one that is parting */
		assert_int_equal(end.closed, parting);
		assert_string_equal(end.text, parting ? "" : "words");
		turn_until(&end.closed, 1);
		assert_false(end.conn.used);
	}
	close(listener);
}

static void a_parting_connection_ends_with_its_peer_only(void **state) {
	(void)state;
	struct address to = make_address(AF_INET, "127.0.0.1");
	int listener = listen_at(&to, 5), peer;
	struct end end;
	open_pair(&end, listener, &to, &peer);
	end.conn.parting = true;
	assert_int_equal(send(peer, "more", 4, 0), 4);
	turn(SEC);
	assert_string_equal(end.text, "more");
	assert_int_equal(end.closed, 0);
	assert_true(end.conn.used);
	struct linger at_once = {1, 0}; /* a reset */
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(peer);
	turn_until(&end.closed, 1);
	open_pair(&end, listener, &to, &peer);
	assert_false(end.conn.parting); /* a new dial begins anew */
	loop->ops->close(loop, &end.conn);
	close(peer);
	close(listener);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(connections_come_from_where_they_are_told_to),
		TEST(a_foreign_local_address_is_named),
		TEST(each_local_address_has_all_ports),
		TEST(a_unix_socket_is_talked_to),
		TEST(a_unix_socket_that_is_not_served_is_named),
		TEST(wake_ends_a_turn_and_is_told_once),
		TEST(wake_may_come_from_another_thread),
		TEST(a_file_that_shrank_is_touched_and_sent_again),
		TEST(an_eager_dial_lets_its_bytes_take_the_acknowledgement_along),
		TEST(an_eager_dial_that_sends_nothing_is_open_all_the_same),
		TEST(the_last_words_of_a_parting_connection_are_passed_by),
		TEST(a_parting_connection_ends_with_its_peer_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
