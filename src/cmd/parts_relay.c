#include "cmd/parts_relay.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"

#define ENDS 256 /* sockets at most */
#define HEAD_MAX 4096

/* A socket of the relay, at the index that poll() has it at. The first one listens. */
struct end {
	int other; /* of a tunnel: the index that its bytes go to; 0: none */
	size_t size;
	char head[HEAD_MAX]; /* of a request, as far as it came */
};

struct relay {
	const char *url;
	uint16_t port;
	pthread_t thread;
	_Atomic bool stop;
	uint64_t requests;
	int count;
	struct pollfd polled[ENDS];
	struct end ends[ENDS];
};

static void relay_drop(struct relay *relay, int i) {
	if (relay->polled[i].fd < 0) return;
	close(relay->polled[i].fd);
	relay->polled[i].fd = -1;
	if (relay->ends[i].other) relay_drop(relay, relay->ends[i].other);
}

/* Returns the index of a new socket; those of closed ones are used again. */
static int relay_add(struct relay *relay, int fd) {
	int i = 1;
	while (i < relay->count && relay->polled[i].fd >= 0) i++;
	assert(fd >= 0 && i < ENDS);
	if (i == relay->count) relay->count++;
	relay->polled[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	relay->ends[i].other = 0;
	relay->ends[i].size = 0;
	return i;
}

static void relay_say(struct relay *relay, int i, const char *text) {
	size_t size = strlen(text);
	if (send(relay->polled[i].fd, text, size, MSG_NOSIGNAL) != (ssize_t)size) relay_drop(relay, i);
}

static void relay_connect(struct relay *relay, int i, uint16_t port) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		relay_say(relay, i, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	int other = relay_add(relay, fd);
	relay->ends[other].other = i;
	relay->ends[i].other = other;
	relay_say(relay, i, "HTTP/1.1 200 OK\r\n\r\n");
}

static void relay_answer(struct relay *relay, int i) {
	char text[512], to[300];
	unsigned number;
	relay->requests++;
	if (sscanf(relay->ends[i].head, "CONNECT 127.0.0.1:%u ", &number) == 1) {
		relay_connect(relay, i, (uint16_t)number);
		return;
	}
	if (sscanf(relay->ends[i].head, "GET /hop/%u ", &number) != 1) {
		relay_say(relay, i, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		return;
	}
	if (number > 0)
		snprintf(to, sizeof(to), "/hop/%u", number - 1);
	else
		snprintf(to, sizeof(to), "%s", relay->url);
	snprintf(text, sizeof(text), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nmoved", to);
	relay_say(relay, i, text);
}

/* Bytes came, or the end. */
static void relay_read(struct relay *relay, int i) {
	struct end *end = &relay->ends[i];
	char bytes[HEAD_MAX];
	ssize_t size = recv(relay->polled[i].fd, bytes, sizeof(bytes) - end->size - 1, 0);
	if (size <= 0) {
		relay_drop(relay, i);
	} else if (end->other) {
		if (send(relay->polled[end->other].fd, bytes, (size_t)size, MSG_NOSIGNAL) != size) relay_drop(relay, i);
	} else {
		memcpy(end->head + end->size, bytes, (size_t)size);
		end->size += (size_t)size;
		end->head[end->size] = 0;
		if (!strstr(end->head, "\r\n\r\n")) return;
		end->size = 0;
		relay_answer(relay, i);
	}
}

static void *relay_run(void *argument) {
	struct relay *relay = argument;
	while (!atomic_load(&relay->stop)) {
		int count = relay->count;
		poll(relay->polled, (nfds_t)count, 20);
		for (int i = 1; i < count; i++)
			if (relay->polled[i].fd >= 0 && relay->polled[i].revents) relay_read(relay, i);
		if (relay->polled[0].revents) relay_add(relay, accept4(relay->polled[0].fd, NULL, NULL, SOCK_CLOEXEC));
	}
	return NULL;
}

struct relay *relay_open(const char *url) {
	struct relay *relay = mem_zeroed(1, sizeof(*relay));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, ENDS) != 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0;
	assert(!failed);
	relay->url = url;
	relay->port = ntohs(at.sin_port);
	relay->polled[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	relay->count = 1;
	failed = pthread_create(&relay->thread, NULL, relay_run, relay);
	assert(!failed);
	return relay;
}

uint16_t relay_port(const struct relay *relay) {
	return relay->port;
}

uint64_t relay_close(struct relay *relay) {
	atomic_store(&relay->stop, true);
	pthread_join(relay->thread, NULL);
	for (int i = 0; i < relay->count; i++)
		if (relay->polled[i].fd >= 0) close(relay->polled[i].fd);
	uint64_t requests = relay->requests;
	free(relay);
	return requests;
}
