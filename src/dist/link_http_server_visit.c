#include <arpa/inet.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "dist/link_http_server_inner.h"
#include "dist/link_http_silence.h"

static void write_address(const struct sockaddr *from, char *into, size_t room) {
	char host[INET6_ADDRSTRLEN] = "";
	bool six = from->sa_family == AF_INET6;
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;
	inet_ntop(from->sa_family, six ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host, sizeof(host));
	snprintf(into, room, six ? "[%s]:%u" : "%s:%u", host, ntohs(six ? v6->sin6_port : v4->sin_port));
}

static void leave_line(struct visitor *visitor) {
	if (!visitor->stranger) return;
	visitor->stranger = false;
	visitor->server->stranger_count--;
	TAILQ_REMOVE(&visitor->server->strangers, visitor, in_line);
}

static void cut(struct visitor *visitor) {
	leave_line(visitor);
	shutdown(visitor->fd, SHUT_RDWR);
}

struct visitor *visitor_add(struct server *server, struct MHD_Connection *connection) {
	struct visitor *visitor = mem_zeroed(1, sizeof(*visitor));
	visitor->server = server;
	visitor->connection = connection;
	visitor->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	visitor->since = clock_now();
	write_address(
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, visitor->address, sizeof(visitor->address));
	silence_set(visitor->fd, server->silence);
	pthread_mutex_lock(&server->lock);
	visitor->stranger = true;
	server->stranger_count++;
	TAILQ_INSERT_TAIL(&server->strangers, visitor, in_line);
	pthread_mutex_unlock(&server->lock);
	return visitor;
}

static bool has_spoken(int fd) {
	struct tcp_info about = {0};
	socklen_t size = sizeof(about);
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &about, &size) == 0 && about.tcpi_bytes_received > 0;
}

void visitor_free(struct visitor *visitor) {
	struct server *server = visitor->server;
	pthread_mutex_lock(&server->lock);
	if (!visitor->peer && visitor->challenged)
		visitor_refused(server, visitor->address, "it shows no token");
	else if (!visitor->peer && !visitor->has_asked && has_spoken(visitor->fd))
		visitor_refused(
			server, visitor->address, server->cert ? "it speaks no HTTPS, or does not trust our certificate" : "it speaks no HTTP");
	leave_line(visitor);
	visitor_bind(visitor, NULL);
	pthread_mutex_unlock(&server->lock);
	free(visitor);
}

bool visitor_is_welcome(struct server *server) {
	pthread_mutex_lock(&server->lock);
	struct visitor *oldest = TAILQ_FIRST(&server->strangers);
	bool full = server->stranger_count >= SERVER_STRANGERS;
	if (full && clock_now() - oldest->since >= SERVER_STRANGER_YOUNG) {
		visitor_refused(server, oldest->address, "it shows no session, and others wait");
		cut(oldest);
		full = false;
	}
	bool welcome = !full && !server->closing;
	pthread_mutex_unlock(&server->lock);
	return welcome;
}

void visitor_bind(struct visitor *visitor, struct peer *peer) {
	if (visitor->peer == peer) return;
	if (visitor->peer) LIST_REMOVE(visitor, of_peer);
	visitor->peer = peer;
	if (!peer) return;
	leave_line(visitor);
	LIST_INSERT_HEAD(&peer->visitors, visitor, of_peer);
}

static void sweep_peers(struct server *server, nsec now) {
	for (unsigned i = 0; i < server->table_size; i++) {
		struct peer *next;
		for (struct peer *peer = server->table[i]; peer; peer = next) {
			next = peer->chain;
			if (peer->ending ? now - peer->since > SERVER_END_LIMIT : !peer->up && now - peer->since > SERVER_STRANGER_LIMIT)
				peer_down(peer, NULL);
		}
	}
}

void visitor_sweep(struct server *server) {
	nsec now = clock_now();
	struct visitor *oldest;
	while ((oldest = TAILQ_FIRST(&server->strangers)) && now - oldest->since > SERVER_STRANGER_LIMIT) {
		if (oldest->has_asked || has_spoken(oldest->fd)) visitor_refused(server, oldest->address, "it has shown no session in 10 s");
		oldest->has_asked = true; /* that was said */
		oldest->challenged = false;
		cut(oldest);
	}
	sweep_peers(server, now);
}

void visitor_refused(struct server *server, const char *address, const char *words) {
	server->refused++;
	snprintf(server->refused_words, sizeof(server->refused_words), "%s: %s", address, words);
}

void visitor_resume(struct visitor *visitor) {
	if (!visitor->waiting) return;
	visitor->waiting = false;
	TAILQ_REMOVE(&visitor->server->waiting, visitor, in_wait);
	MHD_resume_connection(visitor->connection);
}

void visitor_wake(struct server *server) {
	struct visitor *visitor;
	size_t held = server->held + server->inbox.bytes; /* with what those will take that are let go */
	while ((visitor = TAILQ_FIRST(&server->waiting))) {
		if (!server->closing && held > 0 && held + visitor->request.wanted > SERVER_HELD_MAX) return;
		held += visitor->request.wanted;
		visitor_resume(visitor);
	}
}
