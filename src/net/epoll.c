/* loop_ops over epoll, level-triggered. What is not done makes it fast: no epoll_ctl after the connect, no second read after a short
 * one, no waiting for writability unless a send was short. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/loop.h"

#define BATCH 128

struct epoll_loop {
	struct loop loop; /* first: a struct loop * of ours points here */
	int fd;
	int count, at; /* of the batch: events fetched, event being handed out */
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
	case EADDRNOTAVAIL:
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

static enum reason epoll_dial(struct loop *outer, struct loop_conn *conn, const struct address *address) {
	struct epoll_loop *loop = epoll_of(outer);
	int on = 1;
	*conn = (struct loop_conn){.fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	if (conn->fd < 0) return epoll_dial_reason(errno);
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	int failed = connect(conn->fd, &address->socket.any, address->size) == 0 ? 0 : errno;
	if ((failed && failed != EINPROGRESS) || !epoll_watch(loop, conn, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) {
		enum reason reason = epoll_dial_reason(failed && failed != EINPROGRESS ? failed : errno);
		close(conn->fd);
		return reason;
	}
	conn->used = conn->connecting = true;
	return REASON_NONE;
}

static ssize_t epoll_send(struct loop *outer, struct loop_conn *conn, const struct iovec *iov, int count) {
	size_t size = 0;
	for (int i = 0; i < count; i++) size += iov[i].iov_len;
	ssize_t sent;
	if (count == 1) {
		sent = send(conn->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
	} else {
		struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
		sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR) return -1;
	if (sent < 0) sent = 0;
	if ((size_t)sent < size && !conn->want_write) {
		conn->want_write = true;
		if (!epoll_watch(epoll_of(outer), conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) return -1;
	}
	return sent;
}

static void epoll_close(struct loop *outer, struct loop_conn *conn) {
	struct epoll_loop *loop = epoll_of(outer);
	if (!conn->used) return;
	close(conn->fd);
	for (int i = loop->at + 1; i < loop->count; i++) /* its events of this batch are void */
		if (loop->batch[i].data.ptr == conn) loop->batch[i].data.ptr = NULL;
	*conn = (struct loop_conn){.fd = -1};
}

static void epoll_opened(struct epoll_loop *loop, struct loop_conn *conn) {
	int failed = 0;
	socklen_t size = sizeof(failed);
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
	conn->connecting = false;
	if (failed == 0 && !epoll_watch(loop, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP)) failed = errno;
	if (failed) epoll_close(&loop->loop, conn);
	loop->loop.events->on_open(&loop->loop, conn, failed ? epoll_dial_reason(failed) : REASON_NONE, clock_now());
}

static void epoll_read(struct epoll_loop *loop, struct loop_conn *conn) {
	ssize_t size = recv(conn->fd, loop->bytes, sizeof(loop->bytes), 0);
	if (size > 0) {
		nsec now = clock_now();
		loop->loop.events->on_bytes(&loop->loop, conn, (struct slice){loop->bytes, (size_t)size}, now);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop->loop.events->on_close(&loop->loop, conn, size < 0, clock_now());
	}
}

static void epoll_handle(struct epoll_loop *loop, struct loop_conn *conn, uint32_t events) {
	if (conn->connecting) {
		epoll_opened(loop, conn);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->peer_closed = true;
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
	loop->count = 0;
	return spun;
}

static const struct loop_ops epoll_ops = {
	.dial = epoll_dial,
	.send = epoll_send,
	.close = epoll_close,
	.turn = epoll_turn,
};

bool loop_open_epoll(const struct loop_events *events, void *owner, struct loop **ret, struct err *err) {
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot make an event loop");
	struct timespec at_once = {0, 0};
	struct epoll_event none;
	if (epoll_pwait2(fd, &none, 1, &at_once, NULL) < 0) { /* Linux 5.11; a container may forbid it */
		int failed = errno;
		close(fd);
		return err_set_sys(err, ERR_FAILED, failed, "this system does not offer epoll_pwait2");
	}
	struct epoll_loop *loop = mem_zeroed(1, sizeof(*loop));
	loop->loop = (struct loop){&epoll_ops, events, owner};
	loop->fd = fd;
	*ret = &loop->loop;
	return true;
}

void loop_close_epoll(struct loop *loop) {
	if (!loop) return;
	close(epoll_of(loop)->fd);
	free(loop);
}
