/* The floor of the comparison: a bare epoll client for HTTP/1.1, one thread, keep-alive, closed loop, nothing else.
 * In: HOST PORT PATH CONNECTIONS SECONDS. Out: requests, seconds and percentiles of the response times on stdout.
 * A request costs one send and one recv, level triggered; a turn costs one epoll_wait. It checks the end of the head, the status (2xx) and the
 * length, reads the clock once per response and records the time since the send in a log-linear histogram. Anything unexpected ends it.
 * It knows nothing of chunked bodies, time-outs, reconnects: that is what makes it the floor. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define HEAD_MAX 4096
#define EVENTS 1024
#define SUB_BITS 7 /* 128 buckets an octave */
#define OCTAVES 40
#define SEC 1000000000ll

struct conn {
	int fd;
	int64_t sent;
	int64_t body_left; /* < 0: the head is not complete */
	size_t held;       /* bytes of it in `head` */
	char *head;        /* NULL until a head comes in pieces */
};

static struct {
	int epoll;
	int64_t stop;
	uint64_t requests;
	size_t request_size;
	char request[2048];
	char buffer[BUFFER_BYTES];
	uint32_t buckets[OCTAVES << SUB_BITS];
} bare;

static _Noreturn void die(const char *what) {
	fprintf(stderr, "bare: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

/* Buckets of one nanosecond below 2^SUB_BITS, then 2^SUB_BITS of them an octave. */
static void record(int64_t ns) {
	uint64_t value = ns > 0 ? (uint64_t)ns : 0;
	int shift = value >> SUB_BITS ? 63 - __builtin_clzll(value) - SUB_BITS : -1;
	size_t at = shift < 0 ? value : ((size_t)(shift + 1) << SUB_BITS) + ((value >> shift) & ((1u << SUB_BITS) - 1));
	if (at < sizeof(bare.buckets) / sizeof(*bare.buckets)) bare.buckets[at]++;
}

static double percentile_us(double part) {
	uint64_t want = (uint64_t)(part * (double)bare.requests), seen = 0;
	for (size_t at = 0; at < sizeof(bare.buckets) / sizeof(*bare.buckets); at++) {
		seen += bare.buckets[at];
		if (seen <= want) continue;
		size_t octave = at >> SUB_BITS, sub = at & ((1u << SUB_BITS) - 1);
		return octave == 0 ? (double)at / 1e3 : (double)(((1ull << SUB_BITS) + sub) << (octave - 1)) / 1e3;
	}
	return 0;
}

static void send_request(struct conn *conn, int64_t at) {
	conn->sent = at;
	conn->body_left = -1;
	if (send(conn->fd, bare.request, bare.request_size, MSG_NOSIGNAL) != (ssize_t)bare.request_size) die("send");
}

/* Checks a head that ends at `end`; returns the length of its body. */
static int64_t read_head(const char *head, const char *end) {
	static const char name[] = "\r\ncontent-length:";
	if (end - head < 12 || memcmp(head, "HTTP/1.1 2", 10) != 0) die("not the answer that was expected");
	for (const char *line = head; (line = memchr(line, '\r', (size_t)(end - line))); line++) {
		if (end - line < (ssize_t)sizeof(name) || (line[2] | 0x20) != 'c') continue;
		if (strncasecmp(line, name, sizeof(name) - 1) == 0) return strtoll(line + sizeof(name) - 1, NULL, 10);
	}
	die("an answer without Content-Length");
}

/* Takes `size` bytes at `data` of a head that may go on; returns how many belonged to it. */
static size_t take_head(struct conn *conn, const char *data, size_t size) {
	const char *head = data;
	size_t before = conn->held, all = size;
	if (before > 0 || !memmem(data, size, "\r\n\r\n", 4)) {
		if (!conn->head && !(conn->head = malloc(HEAD_MAX))) die("memory");
		all = before + size > HEAD_MAX ? HEAD_MAX : before + size;
		memcpy(conn->head + before, data, all - before);
		head = conn->head;
	}
	const char *end = memmem(head, all, "\r\n\r\n", 4);
	if (!end && all == HEAD_MAX) die("too long a head");
	conn->held = end ? 0 : all;
	if (!end) return size;
	conn->body_left = read_head(head, end);
	return (size_t)(end + 4 - head) - before;
}

static void on_readable(struct conn *conn) {
	ssize_t got = recv(conn->fd, bare.buffer, BUFFER_BYTES, 0);
	if (got < 0) die("recv");
	errno = 0; /* what may be wrong from here on is no system call's error */
	if (got == 0) die("the server closed a connection");
	const char *data = bare.buffer;
	size_t size = (size_t)got;
	if (conn->body_left < 0) {
		size_t taken = take_head(conn, data, size);
		size -= taken;
		if (conn->body_left < 0) return;
	}
	conn->body_left -= (int64_t)size;
	if (conn->body_left > 0) return;
	if (conn->body_left < 0) die("more bytes than announced");
	int64_t at = now();
	record(at - conn->sent);
	bare.requests++;
	if (at < bare.stop) send_request(conn, at);
}

static void open_connection(struct conn *conn, const struct addrinfo *address) {
	int one = 1;
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = conn};
	conn->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0 || connect(conn->fd, address->ai_addr, address->ai_addrlen) != 0) die("connect");
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(bare.epoll, EPOLL_CTL_ADD, conn->fd, &wanted) != 0) die("epoll_ctl");
}

static void run(struct conn *conns, size_t count, double seconds) {
	static struct epoll_event events[EVENTS];
	int64_t start = now();
	bare.stop = start + (int64_t)(seconds * 1e9);
	for (size_t i = 0; i < count; i++) send_request(&conns[i], now());
	while (now() < bare.stop) {
		int ready = epoll_wait(bare.epoll, events, EVENTS, 100);
		if (ready < 0 && errno != EINTR) die("epoll_wait");
		for (int i = 0; i < ready; i++) on_readable(events[i].data.ptr);
	}
	double took = (double)(now() - start) / 1e9;
	printf("requests %llu seconds %.6f p50_us %.1f p99_us %.1f\n", (unsigned long long)bare.requests, took, percentile_us(0.5),
		percentile_us(0.99));
}

int main(int argc, char **argv) {
	if (argc != 6) {
		fputs("usage: bare HOST PORT PATH CONNECTIONS SECONDS\n", stderr);
		return 2;
	}
	struct addrinfo *address, hints = {.ai_socktype = SOCK_STREAM};
	int count = atoi(argv[4]);
	double seconds = atof(argv[5]);
	struct conn *conns = count > 0 ? calloc((size_t)count, sizeof(*conns)) : NULL;
	if (!conns || seconds <= 0) die("CONNECTIONS and SECONDS must be over 0");
	if (getaddrinfo(argv[1], argv[2], &hints, &address) != 0) die("no such host or port");
	int size = snprintf(bare.request, sizeof(bare.request), "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", argv[3], argv[1], argv[2]);
	if (size < 0 || (size_t)size >= sizeof(bare.request)) die("too long a path");
	bare.request_size = (size_t)size;
	bare.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++) open_connection(&conns[i], address);
	run(conns, (size_t)count, seconds);
	freeaddrinfo(address);
	for (int i = 0; i < count; i++) free(conns[i].head);
	free(conns);
	return 0;
}
