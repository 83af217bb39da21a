#include "target/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "target/mux.h"
#include "target/wire.h"

#define BODY_KEPT 4096 /* bytes of memory for bodies that a connection keeps for the next */
#define EVENTS_IDLE (EPOLLIN | EPOLLRDHUP)

void peer_open(struct server *server, int fd) {
	struct peer *peer = mem_zeroed(1, sizeof(*peer) + h1_server_state_bytes());
	peer->server = server;
	peer->fd = fd;
	peer->events = EVENTS_IDLE;
	h1_server_start(peer->parser, server->parser);
	struct epoll_event event = {.events = EVENTS_IDLE, .data.ptr = peer};
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		log_warn("target: no room to watch a connection: %s", strerror(errno));
		close(fd);
		free(peer);
		return;
	}
	peer->next = server->peers;
	if (peer->next) peer->next->link = &peer->next;
	peer->link = &server->peers;
	server->peers = peer;
	if (server->group->tls) peer->tls = tls_accept(server->group->tls);
}

ssize_t peer_send(struct peer *peer, struct slice bytes, int flags) {
	if (peer->tls) return wire_send(peer, bytes, flags);
	ssize_t n = send(peer->fd, bytes.at, bytes.size, MSG_NOSIGNAL | flags);
	if (n < 0) return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
	record_count(&peer->server->record->bytes_out, (uint64_t)n);
	return n;
}

static void drop_body(struct peer *peer) {
	if (!peer->body) return;
	buf_fini(peer->body);
	free(peer->body);
	peer->body = NULL;
}

/* The request's body is of no use any more. */
static void end_body(struct peer *peer) {
	if (!peer->takes_body) return;
	peer->takes_body = false;
	if (peer->body->room > BODY_KEPT) drop_body(peer);
	if (!peer->body) return;
	peer->body->size = 0;
	peer->body->full = false;
}

void peer_close(struct peer *peer) {
	mux_free(peer->mux);
	peer->mux = NULL;
	reply_free(peer);
	drop_body(peer);
	free(peer->held);
	*peer->link = peer->next;
	if (peer->next) peer->next->link = peer->link;
	tls_free(peer->tls);
	peer->tls = NULL;
	close(peer->fd); /* leaves the epoll set with it */
	peer->fd = -1;
	peer->next = peer->server->closed;
	peer->server->closed = peer;
}

void peer_free_closed(struct server *server) {
	while (server->closed) {
		struct peer *peer = server->closed;
		server->closed = peer->next;
		free(peer);
	}
}

void peer_watch(struct peer *peer, uint32_t events) {
	if (peer->events == events) return;
	peer->events = events;
	struct epoll_event event = {.events = events, .data.ptr = peer};
	epoll_ctl(peer->server->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

/* The parser's events: a request's head is complete, its body may be to come. */
static void take_head(void *owner, const struct h1_server_request *request) {
	struct peer *peer = owner;
	if (request->path.size > 1) {
		struct slice path, query;
		endpoint_split(request->path, &path, &query);
		peer->takes_body = endpoint_find(path)->wants_body;
		if (peer->takes_body && !peer->body) {
			peer->body = mem_alloc(sizeof(*peer->body));
			buf_init(peer->body, ENDPOINT_BODY_MAX);
		}
	}
	if (request->expects_continue && !reply_send_raw(peer, SLICE("HTTP/1.1 100 Continue\r\n\r\n"))) peer->is_dead = true;
}

static void take_body(void *owner, struct slice bytes) {
	struct peer *peer = owner;
	if (peer->takes_body && !peer->body->full) buf_add(peer->body, bytes);
}

const struct h1_server_events peer_parser_events = {.head = take_head, .body = take_body};

static void count_request(struct server *server, const struct endpoint *endpoint, nsec read) {
	if (endpoint->is_hidden) return;
	record_arrival(server->record, server->arrivals, read);
	record_count(&server->paths[endpoint - endpoints], 1);
}

/* Fills `asked` in, and counts it. */
static const struct endpoint *look_up(struct server *server, struct slice path, struct endpoint_request *asked) {
	endpoint_split(path, &asked->path, &asked->query);
	const struct endpoint *endpoint = endpoint_find(asked->path);
	asked->rest = (struct slice){asked->path.at + endpoint->name.size, asked->path.size - endpoint->name.size};
	count_request(server, endpoint, asked->read);
	return endpoint;
}

void peer_answer(struct server *server, struct slice path, const struct endpoint_request *asked, struct answer *ret) {
	struct endpoint_request whole = *asked;
	const struct endpoint *endpoint = look_up(server, path, &whole);
	*ret = (struct answer){.status = 200, .is_hidden = endpoint->is_hidden};
	endpoint->answer(&whole, ret);
}

/* A complete request: looks up what to answer, and begins to. */
static enum reply_state take_request(struct peer *peer, const struct h1_server_request *request, nsec read) {
	struct server *server = peer->server;
	struct endpoint_request asked = {.method = request->method, .read = read, .server = server, .shop = &server->shop, .text = server->text};
	const struct endpoint *endpoint = look_up(server, request->path, &asked);
	if (endpoint->is_plain && request->keep_alive && !request->is_head) return reply_send_plain(peer, read);
	struct answer answer = {.status = 200, .keep_alive = request->keep_alive, .is_head = request->is_head, .is_hidden = endpoint->is_hidden};
	asked.authorization = request->authorization;
	asked.cookie = request->cookie;
	asked.body = peer->takes_body ? peer->body : NULL;
	endpoint->answer(&asked, &answer);
	answer_fit_method(&answer);
	enum reply_state state = reply_begin(peer, &answer, read);
	if (state != REPLY_GONE) end_body(peer);
	return state;
}

static enum reply_state refuse(struct peer *peer, nsec read) {
	static const struct answer answer = {
		.status = 400, .end = ANSWER_CLOSE, .is_hidden = true, .body = {"not an HTTP/1.1 request\n", 24}, .body_bytes = 24};
	return reply_begin(peer, &answer, read);
}

/* Keeps bytes that came behind a request whose answer is pending. */
static void hold(struct peer *peer, struct slice bytes) {
	peer->held = mem_resize(peer->held, peer->held_size + bytes.size);
	memcpy(peer->held + peer->held_size, bytes.at, bytes.size);
	peer->held_size += bytes.size;
}

/* Digests bytes of HTTP/1.1 that were read at `read`; those behind a request whose answer is pending are held. Returns whether the connection is still there. */
static bool digest_h1(struct peer *peer, struct slice bytes, nsec read) {
	while (bytes.size > 0) {
		size_t used = 0;
		struct h1_server_request request;
		enum h1_server_result result = h1_server_feed(peer->parser, bytes, &used, &request, peer);
		bytes.at += used;
		bytes.size -= used;
		if (peer->is_dead) {
			peer_close(peer);
			return false;
		}
		if (result == H1_SERVER_MORE) return true;
		enum reply_state state = result == H1_SERVER_BAD ? refuse(peer, read) : take_request(peer, &request, read);
		if (state == REPLY_GONE) return false;
		if (state == REPLY_DONE) continue;
		if (bytes.size > 0 && peer->reply->kind != REPLY_DRAIN) hold(peer, bytes);
		return true;
	}
	return true;
}

/* The first bytes of a connection tell which protocol it is, unless TLS has (RFC 9113 section 3.3). Returns whether that is known now. */
static bool see_protocol(struct peer *peer, struct slice bytes) {
	static const char preface[] = H2_SERVER_PREFACE;
	struct tls_facts facts = {.alpn = {"", 0}};
	char first[3] = {0};
	size_t held = peer->held_size, more = bytes.size < sizeof(first) - held ? bytes.size : sizeof(first) - held, size = held + more;
	if (peer->tls) tls_describe(peer->tls, &facts);
	if (held > 0) memcpy(first, peer->held, held);
	memcpy(first + held, bytes.at, more);
	bool is_preface = facts.alpn.size > 0 ? slice_equal(facts.alpn, SLICE("h2")) : memcmp(first, preface, size) == 0;
	if (is_preface && size < sizeof(first) && facts.alpn.size == 0) return false;
	if (is_preface) peer->mux = mux_new(peer);
	peer->is_known = true;
	return true;
}

static bool digest(struct peer *peer, struct slice bytes, nsec read);

/* The same while it is not known which protocol they belong to. */
static bool digest_first(struct peer *peer, struct slice bytes, nsec read) {
	bool is_known = see_protocol(peer, bytes);
	if (!peer->held && is_known) return digest(peer, bytes, read);
	hold(peer, bytes);
	if (!is_known) return true;
	struct slice all = {peer->held, peer->held_size};
	char *held = peer->held;
	peer->held = NULL;
	peer->held_size = 0;
	bool alive = digest(peer, all, read);
	free(held);
	return alive;
}

/* Digests plain bytes that were read at `read`. Returns whether the connection is still there. With HTTP/2 answers wait for mux_flush. */
static bool digest(struct peer *peer, struct slice bytes, nsec read) {
	if (!peer->is_known) return digest_first(peer, bytes, read);
	if (!peer->mux) return digest_h1(peer, bytes, read);
	mux_feed(peer->mux, bytes, read);
	return true;
}

/* The pending answer is out: what was held back is taken up, at this moment. */
static void resume(struct peer *peer) {
	char *held = peer->held;
	size_t size = peer->held_size;
	peer->held = NULL;
	peer->held_size = 0;
	bool alive = !held || digest(peer, (struct slice){held, size}, clock_now());
	free(held);
	if (alive && !peer->reply) peer_watch(peer, EVENTS_IDLE);
}

/* Sends what TLS has to say by itself: its handshake, alerts. Returns whether the connection is still there. */
static bool flush(struct peer *peer) {
	server_stall(peer->server);
	if (!wire_flush(peer, 0)) {
		peer_close(peer);
		return false;
	}
	peer_watch(peer, EVENTS_IDLE | (wire_waits(peer) ? EPOLLOUT : 0));
	return true;
}

static void count_handshake(struct peer *peer) {
	struct tls_facts facts;
	tls_describe(peer->tls, &facts);
	record_count(facts.resumed ? &peer->server->record->handshakes_resumed : &peer->server->record->handshakes_full, 1);
}

/* The same for encrypted bytes. All of them are decrypted now, because the next read writes over them. */
static void digest_encrypted(struct peer *peer, struct slice bytes, nsec read) {
	struct server *server = peer->server;
	bool was_shaking = tls_state(peer->tls) == TLS_SHAKING;
	enum tls_state state = tls_feed(peer->tls, bytes);
	if (was_shaking && state == TLS_READY) count_handshake(peer);
	size_t size;
	while ((size = tls_read(peer->tls, server->decrypted, SERVER_IN_BYTES)) > 0) {
		struct slice plain = {server->decrypted, size};
		if (!peer->reply) {
			if (!digest(peer, plain, read)) return;
		} else if (peer->reply->kind != REPLY_DRAIN) {
			hold(peer, plain);
		}
	}
	if (peer->reply) return; /* which sends what waits, too */
	if (peer->mux && !mux_flush(peer->mux)) return;
	state = tls_state(peer->tls);
	if (state == TLS_CLOSED) tls_close_notify(peer->tls);
	if (wire_waits(peer) && !flush(peer)) return;
	if (state == TLS_CLOSED || state == TLS_FAILED) peer_close(peer);
}

static void read_bytes(struct peer *peer) {
	struct server *server = peer->server;
	server_stall(server);
	ssize_t n = recv(peer->fd, server->in, SERVER_IN_BYTES, 0);
	nsec read = clock_now();
	server->worked = read;
	if (n > 0) {
		record_count(&server->record->bytes_in, (uint64_t)n);
		if (peer->reply) return; /* REPLY_DRAIN: thrown away */
		struct slice bytes = {server->in, (size_t)n};
		if (peer->tls) {
			digest_encrypted(peer, bytes, read);
		} else {
			if (digest(peer, bytes, read) && peer->mux) mux_flush(peer->mux);
		}
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		peer_close(peer);
	}
}

/* An answer is pending: nothing is read until it is out. */
static void handle_pending(struct peer *peer, uint32_t events) {
	struct reply *reply = peer->reply;
	bool sends = reply->kind == REPLY_PUSH && reply->timer.place == 0;
	if (events & (EPOLLERR | EPOLLHUP) || (events & EPOLLRDHUP && !sends)) {
		peer_close(peer); /* nobody waits for it any more */
		return;
	}
	peer_watch(peer, peer->events & ~(events & (EPOLLIN | EPOLLRDHUP)));
	if (events & EPOLLOUT && sends && reply_continue(peer) == REPLY_DONE) resume(peer);
}

void peer_handle(struct peer *peer, uint32_t events) {
	if (peer->fd < 0) return;
	if (peer->reply && peer->reply->kind != REPLY_DRAIN) {
		handle_pending(peer, events);
	} else if (peer->mux && events & EPOLLOUT) {
		if (mux_flush(peer->mux) && events & EPOLLIN) read_bytes(peer);
	} else if (!(events & EPOLLOUT) || flush(peer)) { /* watched without a pending answer: TLS has something to say */
		read_bytes(peer);
	}
}

void peer_expire(struct timer *timer) {
	struct peer *peer = ((struct reply *)(void *)timer)->peer;
	if (reply_continue(peer) == REPLY_DONE) resume(peer);
}
