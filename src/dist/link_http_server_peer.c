#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "dist/link_http_server_inner.h"

#define OUT_KEPT ((size_t)64 << 10) /* bytes of a queue's memory that an idle peer keeps */

static struct peer **place_of(const struct server *server, uint64_t id) {
	return &server->table[id % server->table_size];
}

struct peer *peer_find(const struct server *server, uint64_t id) {
	struct peer *peer = *place_of(server, id);
	while (peer && peer->id != id) peer = peer->chain;
	return peer;
}

struct peer *peer_add(struct server *server, const char *address) {
	if (server->closing || server->peer_count >= server->peers_max) return NULL;
	struct peer *peer = mem_zeroed(1, sizeof(*peer));
	if (getrandom(peer->secret, sizeof(peer->secret), 0) != (ssize_t)sizeof(peer->secret)) {
		free(peer);
		return NULL;
	}
	peer->server = server;
	peer->id = ++server->last_peer;
	peer->since = clock_now();
	snprintf(peer->address, sizeof(peer->address), "%s", address);
	buf_init(&peer->out, LINK_QUEUE_MAX + WIRE_HEAD);
	LIST_INIT(&peer->visitors);
	struct peer **place = place_of(server, peer->id);
	peer->chain = *place;
	*place = peer;
	server->peer_count++;
	return peer;
}

void peer_write_session(const struct peer *peer, char *into) {
	int size = snprintf(into, WIRE_SESSION_MAX, "%llu.", (unsigned long long)peer->id);
	for (unsigned i = 0; i < SERVER_SECRET; i++) size += snprintf(into + size, WIRE_SESSION_MAX - (size_t)size, "%02x", peer->secret[i]);
}

struct peer *peer_of_session(const struct server *server, const char *session) {
	char right[WIRE_SESSION_MAX] = "", given[WIRE_SESSION_MAX] = "";
	size_t size = strlen(session);
	if (size >= sizeof(given) || session[0] < '1' || session[0] > '9') return NULL;
	memcpy(given, session, size);
	struct peer *peer = peer_find(server, strtoull(given, NULL, 10));
	if (!peer) return NULL;
	peer_write_session(peer, right);
	unsigned char differs = 0;
	for (size_t i = 0; i < sizeof(right); i++) differs |= (unsigned char)(right[i] ^ given[i]);
	return differs == 0 ? peer : NULL;
}

static void free_if_unused(struct peer *peer) {
	if (!peer->gone || peer->streaming) return;
	buf_fini(&peer->out);
	free(peer);
}

void peer_wake(struct peer *peer) {
	if (!peer->suspended) return;
	peer->suspended = false;
	MHD_resume_connection(peer->stream);
}

bool peer_put(struct peer *peer, unsigned kind, struct slice body) {
	unsigned char head[WIRE_HEAD];
	if (peer->sent > 0 && peer->sent >= peer->out.size / 2) {
		memmove(peer->out.at, peer->out.at + peer->sent, peer->out.size - peer->sent);
		peer->out.size -= peer->sent;
		peer->sent = 0;
	}
	wire_head(head, body.size, kind);
	if (peer->out.size + sizeof(head) + body.size > peer->out.cap) return false;
	buf_add(&peer->out, (struct slice){(const char *)head, sizeof(head)});
	buf_add(&peer->out, body);
	peer_wake(peer);
	return true;
}

void server_peer_open(struct peer *peer, struct MHD_Connection *connection, int fd) {
	struct server *server = peer->server;
	peer->stream = connection;
	peer->streaming = true;
	peer->up = true;
	server->stream_count++;
	peer_put(peer, WIRE_OPEN, SLICE("")); /* so that the head of the answer does not wait for company */
	struct epoll_event about = {.events = EPOLLRDHUP | EPOLLET, .data.u64 = peer->id};
	epoll_ctl(server->watch, EPOLL_CTL_ADD, fd, &about);
	inbox_put_state(&server->inbox, LINK_UP, peer->id, peer->address, false);
}

void peer_end(struct peer *peer) {
	if (peer->ending) return;
	peer->ending = true;
	peer->since = clock_now();
	peer_wake(peer);
}

void peer_down(struct peer *peer, const char *words) {
	struct server *server = peer->server;
	struct peer **at = place_of(server, peer->id);
	struct visitor *visitor;
	if (peer->gone) return;
	while (*at != peer) at = &(*at)->chain;
	*at = peer->chain;
	server->peer_count--;
	if (words && peer->up && !peer->ending) inbox_put_state(&server->inbox, LINK_DOWN, peer->id, words, false);
	peer->gone = true;
	peer_wake(peer);
	while ((visitor = LIST_FIRST(&peer->visitors))) {
		visitor_bind(visitor, NULL);
		visitor_resume(visitor);          /* it may wait for room */
		shutdown(visitor->fd, SHUT_RDWR); /* the library's thread sees the end */
	}
	free_if_unused(peer);
}

ssize_t peer_give(void *user, uint64_t position, char *into, size_t room) {
	struct peer *peer = user;
	(void)position;
	pthread_mutex_lock(&peer->server->lock);
	size_t left = peer->out.size - peer->sent;
	ssize_t given = 0;
	if (peer->gone) {
		given = MHD_CONTENT_READER_END_WITH_ERROR;
	} else if (left > 0) {
		size_t count = left < room ? left : room;
		memcpy(into, peer->out.at + peer->sent, count);
		peer->sent += count;
		given = (ssize_t)count;
		if (count == left) {
			peer->out.size = peer->sent = 0;
			if (peer->out.room > OUT_KEPT) buf_fini(&peer->out);
		}
	} else if (peer->ending) {
		given = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		peer->suspended = true; /* a reader that gives nothing would be asked at once again */
		MHD_suspend_connection(peer->stream);
	}
	pthread_mutex_unlock(&peer->server->lock);
	return given;
}

void peer_let_go(void *user) {
	struct peer *peer = user;
	struct server *server = peer->server;
	pthread_mutex_lock(&server->lock);
	peer->streaming = false;
	peer->suspended = false;
	server->stream_count--;
	pthread_cond_signal(&server->settled);
	if (peer->gone) {
		free_if_unused(peer);
	} else {
		peer_down(peer, "its connection was closed");
	}
	pthread_mutex_unlock(&server->lock);
}
