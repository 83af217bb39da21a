/* loop_ops over epoll, level-triggered. What is not done makes it fast: no epoll_ctl after the connect, no second read after a short
 * one, no waiting for writability unless a send was short. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mapped.h"
#include "net/loop.h"

#define BATCH 128
#define OFFSET_EVERY SEC /* the two clocks are compared so often */
#define OFFSET_TRIES 5

struct epoll_loop {
	struct loop loop; /* first: a struct loop * of ours points here */
	int fd;
	int count, at;          /* of the batch: events fetched, event being handed out */
	struct loop_conn waker; /* the eventfd behind `wake`; it is always connecting, so that no other connection is asked whether it is the waker */
	/* Kernel stamps. */
	int stamper;      /* an idle socket that wants stamps, so that the kernel always makes them; -1: none */
	nsec offset;      /* CLOCK_REALTIME - CLOCK_MONOTONIC ... */
	nsec offset_next; /* ... and when it is measured again */
	struct epoll_event batch[BATCH];
	char bytes[LOOP_READ_BYTES];
};

static struct epoll_loop *epoll_of(struct loop *loop) {
	return (struct epoll_loop *)(void *)loop;
}

static enum reason epoll_dial_reason(int sys) {
	switch (sys) {
	case ECONNREFUSED: return REASON_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTDOWN: return REASON_UNREACHABLE;
	case EADDRNOTAVAIL: /* but see epoll_has_source */
	case EAGAIN:
	case EADDRINUSE: return REASON_NO_PORT;
	case EMFILE:
	case ENFILE: return REASON_NO_DESCRIPTOR;
	case ETIMEDOUT: return REASON_TIMEOUT_CONNECT;
	default: return REASON_CONNECT_FAILED;
	}
}

static bool epoll_watch(struct epoll_loop *loop, struct loop_conn *conn, int how, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = conn};
	return epoll_ctl(loop->fd, how, conn->fd, &event) == 0;
}

/* Returns whether this machine has an address of its own to send from towards `address`. Connecting fails with EADDRNOTAVAIL both for want of one
 * (IPv6 switched off, for example) and for want of a free port; the ports of UDP are others. */
static bool epoll_has_source(const struct address *address) {
	int fd = socket(address->socket.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return true; /* not known */
	bool has = connect(fd, &address->socket.any, address->size) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return has;
}

/* Makes connect() use this local address, with a port that need only be free towards the other end. Returns 0 or errno. */
static int epoll_bind(int fd, const struct address *from) {
	int on = 1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)); /* of IPv6 sockets, too */
	return bind(fd, &from->socket.any, from->size) == 0 ? 0 : errno;
}

static enum reason epoll_connect_reason(int sys, const struct address *address, const struct address *from) {
	if (address->socket.any.sa_family == AF_UNIX) {
		if (sys == ENOENT || sys == ECONNREFUSED) return REASON_NO_SOCKET;
		if (sys == EAGAIN) return REASON_CONNECT_FAILED; /* its backlog is full */
	}
	if (sys == EADDRNOTAVAIL && !from && !epoll_has_source(address)) return REASON_UNREACHABLE;
	return epoll_dial_reason(sys);
}

/* Starts connecting a new socket; REASON_NONE: it is on its way, or there already. */
static enum reason epoll_connect(int fd, const struct dial *dial) {
	const struct address *address = dial->to, *from = dial->from;
	bool tcp = address->socket.any.sa_family != AF_UNIX;
	int on = 1, off = 0;
	if (tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (tcp && dial->eager) setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	int failed = from ? epoll_bind(fd, from) : 0;
	if (failed) return failed == EADDRNOTAVAIL ? REASON_NO_SOURCE : epoll_dial_reason(failed);
	if (connect(fd, &address->socket.any, address->size) == 0 || errno == EINPROGRESS) return REASON_NONE;
	return epoll_connect_reason(errno, address, from);
}

static enum reason epoll_dial(struct loop *outer, struct loop_conn *conn, const struct dial *dial) {
	struct epoll_loop *loop = epoll_of(outer);
	sa_family_t family = dial->to->socket.any.sa_family;
	assert(!dial->from || dial->from->socket.any.sa_family == family);
	*conn = (struct loop_conn){.fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	if (conn->fd < 0) return epoll_dial_reason(errno);
	enum reason reason = epoll_connect(conn->fd, dial);
	if (reason == REASON_NONE && !epoll_watch(loop, conn, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) reason = epoll_dial_reason(errno);
	if (reason != REASON_NONE) {
		close(conn->fd);
		return reason;
	}
	conn->used = conn->connecting = true;
	return REASON_NONE;
}

/* The C library's send() and recv() let the thread be cancelled in between, which ours never is, and which costs more than all else that they do. */
static inline ssize_t plain_send(int fd, const void *bytes, size_t size) {
	return syscall(SYS_sendto, fd, bytes, size, MSG_NOSIGNAL, NULL, 0);
}

static inline ssize_t plain_receive(int fd, void *bytes, size_t room) {
	return syscall(SYS_recvfrom, fd, bytes, room, 0, NULL, NULL);
}

static ssize_t epoll_send_once(int fd, const struct iovec *iov, int count) {
	if (count == 1) return plain_send(fd, iov->iov_base, iov->iov_len);
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static ssize_t epoll_send(struct loop *outer, struct loop_conn *conn, const struct iovec *iov, int count) {
	size_t size = 0;
	for (int i = 0; i < count; i++) size += iov[i].iov_len;
	ssize_t sent = epoll_send_once(conn->fd, iov, count);
	if (sent < 0 && errno == EFAULT) { /* a mapped file that has shrunk */
		mapped_touch(iov, count);
		sent = epoll_send_once(conn->fd, iov, count);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR) return -1;
	if (sent < 0) sent = 0;
	if ((size_t)sent < size && !conn->want_write) {
		conn->want_write = true;
		if (!epoll_watch(epoll_of(outer), conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) return -1;
	}
	return sent;
}

static bool epoll_want_stamps(int fd, int on) {
	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

static void epoll_stamp(struct loop *outer, struct loop_conn *conn, bool on) {
	struct epoll_loop *loop = epoll_of(outer);
	if (conn) {
		conn->stamped = epoll_want_stamps(conn->fd, on) && on;
	} else if (loop->stamper < 0) {
		loop->stamper = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (loop->stamper >= 0) epoll_want_stamps(loop->stamper, 1);
	}
}

/* Compares the two clocks: of a few bracketed readings the tightest counts, for between two readings the thread may have been held up. */
static void epoll_measure_offset(struct epoll_loop *loop, nsec now) {
	nsec best = NSEC_NEVER;
	for (int i = 0; i < OFFSET_TRIES; i++) {
		struct timespec wall;
		nsec before = clock_now();
		clock_gettime(CLOCK_REALTIME, &wall);
		nsec after = clock_now();
		if (after - before >= best) continue;
		best = after - before;
		loop->offset = (nsec)wall.tv_sec * SEC + wall.tv_nsec - (before + best / 2);
	}
	loop->offset_next = now + OFFSET_EVERY;
}

/* Returns the stamp in a message by CLOCK_MONOTONIC, at most `now`; 0: there is none. */
static nsec epoll_find_stamp(struct epoll_loop *loop, struct msghdr *message, nsec now) {
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		struct timespec wall;
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
		memcpy(&wall, CMSG_DATA(part), sizeof(wall));
		if (now >= loop->offset_next) epoll_measure_offset(loop, now);
		nsec stamp = (nsec)wall.tv_sec * SEC + wall.tv_nsec - loop->offset;
		return stamp < now ? stamp : now;
	}
	return 0;
}

static void epoll_close(struct loop *outer, struct loop_conn *conn) {
	struct epoll_loop *loop = epoll_of(outer);
	if (!conn->used) return;
	close(conn->fd);
	for (int i = loop->at + 1; i < loop->count; i++) /* its events of this batch are void */
		if (loop->batch[i].data.ptr == conn) loop->batch[i].data.ptr = NULL;
	*conn = (struct loop_conn){.fd = -1};
}

static void epoll_opened(struct epoll_loop *loop, struct loop_conn *conn, uint32_t events) {
	int failed = 0;
	socklen_t size = sizeof(failed);
	bool doubtful = events & (EPOLLERR | EPOLLHUP);
	if (doubtful && getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
	conn->connecting = false;
	if (failed == 0 && !epoll_watch(loop, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP)) failed = errno;
	if (failed) epoll_close(&loop->loop, conn);
	loop->loop.events->on_open(&loop->loop, conn, failed ? epoll_dial_reason(failed) : REASON_NONE, clock_now());
}

/* Receives on a connection with stamps; *ret_now is read directly afterwards. */
static ssize_t epoll_receive_stamped(struct epoll_loop *loop, struct loop_conn *conn, nsec *ret_now) {
	union {
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr aligned;
	} control;
	struct iovec iov = {loop->bytes, sizeof(loop->bytes)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(conn->fd, &message, 0);
	if (size <= 0) return size;
	*ret_now = clock_now();
	conn->stamp = epoll_find_stamp(loop, &message, *ret_now);
	return size;
}

static void epoll_read(struct epoll_loop *loop, struct loop_conn *conn) {
	nsec now = 0;
	bool stamped = conn->stamped;
	ssize_t size = stamped ? epoll_receive_stamped(loop, conn, &now) : plain_receive(conn->fd, loop->bytes, sizeof(loop->bytes));
	if (size > 0) {
		if (!stamped) now = clock_now();
		loop->loop.events->on_bytes(&loop->loop, conn, (struct slice){loop->bytes, (size_t)size}, now);
		if (stamped) conn->stamp = 0;
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop->loop.events->on_close(&loop->loop, conn, size < 0, clock_now());
	}
}

static void epoll_wake(struct loop *outer) {
	assert(outer->events->on_wake);
	eventfd_write(epoll_of(outer)->waker.fd, 1);
}

static void epoll_woken(struct epoll_loop *loop) {
	eventfd_t times;
	eventfd_read(loop->waker.fd, &times);
	loop->loop.events->on_wake(&loop->loop, clock_now());
}

static void epoll_handle(struct epoll_loop *loop, struct loop_conn *conn, uint32_t events) {
	if (conn->connecting) {
		if (conn == &loop->waker)
			epoll_woken(loop);
		else
			epoll_opened(loop, conn, events);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->peer_closed = true;
	if (conn->peer_closed && conn->parting) {
		loop->loop.events->on_close(&loop->loop, conn, false, clock_now());
		return;
	}
	if ((events & EPOLLOUT) && conn->want_write && !(events & (EPOLLHUP | EPOLLERR))) {
		conn->want_write = false;
		if (epoll_watch(loop, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP))
			loop->loop.events->on_sent(&loop->loop, conn, clock_now());
		else
			loop->loop.events->on_close(&loop->loop, conn, true, clock_now());
		if (!conn->used || conn->connecting) return; /* the owner closed it, perhaps dialled anew */
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) epoll_read(loop, conn);
}

/* Fetches a batch: sleeps until `until`, but not beyond `spin_from`; returns the time spent awake without an event. */
static nsec epoll_fetch(struct epoll_loop *loop, nsec until, nsec spin_from) {
	nsec now = clock_now(), spun = 0;
	nsec sleep_until = until < spin_from ? until : spin_from;
	struct timespec wait = clock_timespec(sleep_until - now);
	loop->count = epoll_pwait2(loop->fd, loop->batch, BATCH, &wait, NULL);
	if (loop->count < 0) loop->count = epoll_wait(loop->fd, loop->batch, BATCH, 0); /* interrupted, by a stop and its end for example */
	if (loop->count != 0 || sleep_until == until) return 0;
	nsec start = now = clock_now();
	while (loop->count == 0 && now < until) {
		loop->count = epoll_wait(loop->fd, loop->batch, BATCH, 0);
		now = clock_now();
		spun = now - start;
	}
	return spun;
}

static nsec epoll_turn(struct loop *outer, nsec until, nsec spin_from) {
	struct epoll_loop *loop = epoll_of(outer);
	nsec spun = epoll_fetch(loop, until, spin_from);
	for (loop->at = 0; loop->at < loop->count; loop->at++) {
		struct loop_conn *conn = loop->batch[loop->at].data.ptr;
		if (conn) epoll_handle(loop, conn, loop->batch[loop->at].events);
	}
	outer->more = loop->count == BATCH;
	loop->count = 0;
	return spun;
}

static const struct loop_ops epoll_ops = {
	.dial = epoll_dial,
	.send = epoll_send,
	.stamp = epoll_stamp,
	.close = epoll_close,
	.wake = epoll_wake,
	.turn = epoll_turn,
};

/* Takes the descriptors of a loop. Returns 0 or errno; what was taken is there to be closed then. */
static int epoll_take_descriptors(struct epoll_loop *loop) {
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0) return errno;
	loop->waker.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return loop->waker.fd >= 0 && epoll_watch(loop, &loop->waker, EPOLL_CTL_ADD, EPOLLIN) ? 0 : errno;
}

bool loop_open_epoll(const struct loop_events *events, void *owner, struct loop **ret, struct err *err) {
	struct epoll_loop *loop = mem_zeroed(1, sizeof(*loop));
	loop->loop = (struct loop){&epoll_ops, events, owner};
	loop->waker = (struct loop_conn){.fd = -1, .connecting = true};
	loop->stamper = -1;
	int failed = epoll_take_descriptors(loop);
	if (failed) {
		loop_close_epoll(&loop->loop);
		return err_set_sys(err, ERR_FAILED, failed, "cannot make an event loop");
	}
	struct timespec at_once = {0, 0};
	struct epoll_event none;
	if (epoll_pwait2(loop->fd, &none, 1, &at_once, NULL) < 0) { /* Linux 5.11; a container may forbid it */
		failed = errno;
		loop_close_epoll(&loop->loop);
		return err_set_sys(err, ERR_FAILED, failed, "this system does not offer epoll_pwait2");
	}
	*ret = &loop->loop;
	return true;
}

void loop_close_epoll(struct loop *outer) {
	if (!outer) return;
	struct epoll_loop *loop = epoll_of(outer);
	if (loop->fd >= 0) close(loop->fd);
	if (loop->waker.fd >= 0) close(loop->waker.fd);
	if (loop->stamper >= 0) close(loop->stamper);
	free(loop);
}
