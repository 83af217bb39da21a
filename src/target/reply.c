#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "target/conn.h"
#include "target/truth.h"

#define PUSH_MAX ((size_t)1 << 20) /* bytes sent to one connection in one turn */
#define DRAIN_TIME SEC

/* Sends without waiting; returns the bytes that were taken, 0 if there is no room, -1 if the connection is dead. */
static ssize_t send_bytes(struct conn *conn, struct slice bytes, int flags) {
	ssize_t n = send(conn->fd, bytes.at, bytes.size, MSG_NOSIGNAL | flags);
	if (n < 0) return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
	record_count(&conn->server->record->bytes_out, (uint64_t)n);
	return n;
}

bool reply_send_raw(struct conn *conn, struct slice bytes) {
	server_stall(conn->server);
	return send_bytes(conn, bytes, 0) == (ssize_t)bytes.size;
}

static struct reply *reply_new(struct conn *conn, enum reply_kind kind, nsec read) {
	struct reply *reply = mem_zeroed(1, sizeof(*reply));
	reply->conn = conn;
	reply->kind = kind;
	reply->read = read;
	reply->touched = conn->server->touched;
	assert(!conn->reply);
	conn->reply = reply;
	return reply;
}

void reply_free(struct conn *conn) {
	struct reply *reply = conn->reply;
	if (!reply) return;
	timer_drop(&conn->server->timers, &reply->timer);
	free(reply->owned);
	free(reply->answer.owned);
	free(reply);
	conn->reply = NULL;
}

static enum reply_state close_now(struct conn *conn) {
	conn_close(conn);
	return REPLY_GONE;
}

static enum reply_state close_with_reset(struct conn *conn) {
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return close_now(conn);
}

/* Closes in order: what the peer may still be sending is read, because a close with unread bytes is a reset that destroys the answer on its way. */
static enum reply_state close_gently(struct conn *conn, nsec now) {
	reply_free(conn);
	free(conn->held);
	conn->held = NULL;
	shutdown(conn->fd, SHUT_WR);
	struct reply *reply = reply_new(conn, REPLY_DRAIN, now);
	timer_set(&conn->server->timers, &reply->timer, now + DRAIN_TIME);
	conn_watch(conn, EPOLLIN);
	return REPLY_PENDING;
}

/* The whole answer is out. */
static enum reply_state end_answer(struct conn *conn, const struct answer *answer) {
	if (!answer->is_partial && !answer->is_hidden) record_count(&conn->server->record->answered, 1);
	bool keeps = answer->end == ANSWER_KEEP && answer->keep_alive;
	if (keeps) reply_free(conn);
	return keeps ? REPLY_DONE : close_gently(conn, clock_now());
}

/* Sends conn->reply's pieces while the socket takes them. */
static enum reply_state push(struct conn *conn) {
	struct reply *reply = conn->reply;
	struct server *server = conn->server;
	for (size_t sent = 0;;) {
		server_stall(server);
		ssize_t n = 0;
		if (reply->piece.size > 0) {
			int flags = reply->answer.stream.form == STREAM_CHUNKED && !reply->answer.stream.ended ? MSG_MORE : 0;
			n = send_bytes(conn, reply->piece, flags);
			if (n < 0) return close_now(conn);
			reply->piece.at += n;
			reply->piece.size -= (size_t)n;
			sent += (size_t)n;
			if (reply->piece.size > 0 || sent >= PUSH_MAX) {
				conn_watch(conn, EPOLLOUT | (conn->events & EPOLLRDHUP));
				return REPLY_PENDING;
			}
		}
		nsec due;
		switch (stream_next(&reply->answer.stream, clock_now(), &reply->piece, &due)) {
		case STREAM_PIECE: break;
		case STREAM_WAIT:
			conn_watch(conn, conn->events & ~(uint32_t)EPOLLOUT);
			timer_set(&server->timers, &reply->timer, due);
			return REPLY_PENDING;
		case STREAM_END: return end_answer(conn, &reply->answer);
		}
	}
}

/* Makes conn->reply, if it is not there yet, carry what is left of the answer: `rest` is copied. */
static enum reply_state push_rest(struct conn *conn, const struct answer *answer, struct slice rest, nsec read) {
	struct reply *reply = conn->reply;
	if (!reply) {
		reply = reply_new(conn, REPLY_PUSH, read);
		reply->answer = *answer;
		reply->answer.owned = NULL;
	}
	reply->kind = REPLY_PUSH;
	if (rest.size > 0) {
		reply->owned = mem_alloc(rest.size);
		memcpy(reply->owned, rest.at, rest.size);
		reply->piece = (struct slice){reply->owned, rest.size};
	}
	return push(conn);
}

/* The last thing before the send: nothing may come between the stamp and it. */
static ssize_t stamp_and_send(struct conn *conn, char *truth, struct slice bytes, nsec read, bool touched) {
	struct server *server = conn->server;
	server_stall(server);
	if (truth) truth_write(truth, read, clock_now(), touched || server->touched);
	return send_bytes(conn, bytes, 0);
}

/* Sends interim responses, head and body, then goes on with the stream. */
static enum reply_state send_answer(struct conn *conn, const struct answer *answer, nsec read, bool touched) {
	struct server *server = conn->server;
	size_t body_size = answer->is_head && answer->framing != ANSWER_BARE ? 0 : answer->body.size;
	size_t room = answer->before.size + ANSWER_HEAD_MAX + body_size;
	char *large = room > SERVER_OUT_BYTES ? mem_alloc(room) : NULL, *out = large ? large : server->out, *truth = NULL;
	size_t size = answer->before.size, truth_at;
	if (size > 0) memcpy(out, answer->before.at, size);
	if (answer->framing != ANSWER_BARE) {
		size_t head = answer_format_head(answer, out + size, &truth_at);
		truth = out + size + truth_at;
		size += head;
	}
	if (body_size > 0) memcpy(out + size, answer->body.at, body_size);
	size += body_size;
	ssize_t n = stamp_and_send(conn, truth, (struct slice){out, size}, read, touched);
	bool streams = answer->stream.form != STREAM_NONE && !(answer->is_head && answer->framing != ANSWER_OPEN);
	enum reply_state state;
	if (n < 0) {
		state = close_now(conn);
	} else if (n == (ssize_t)size && !streams) {
		state = end_answer(conn, answer);
	} else {
		state = push_rest(conn, answer, (struct slice){out + n, size - (size_t)n}, read);
	}
	free(large);
	return state;
}

enum reply_state reply_begin(struct conn *conn, const struct answer *answer, nsec read) {
	struct server *server = conn->server;
	if (answer->end == ANSWER_RESET) return close_with_reset(conn);
	if (answer->end == ANSWER_HANG) {
		reply_new(conn, REPLY_HANG, read);
		return REPLY_PENDING;
	}
	if (answer->delay > 0) {
		struct reply *reply = reply_new(conn, REPLY_DELAY, read);
		reply->answer = *answer;
		timer_set(&server->timers, &reply->timer, read + answer->delay);
		return REPLY_PENDING;
	}
	char *owned = answer->owned;
	enum reply_state state = send_answer(conn, answer, read, server->touched);
	free(owned);
	return state;
}

static enum reply_state send_plain(struct conn *conn, nsec read, bool touched) {
	static const struct answer plain = {.status = 200, .keep_alive = true, .is_plain = true};
	struct server *server = conn->server;
	ssize_t n = stamp_and_send(conn, server->plain + server->plain_truth, (struct slice){server->plain, server->plain_size}, read, touched);
	if (n < 0) return close_now(conn);
	if ((size_t)n < server->plain_size) return push_rest(conn, &plain, (struct slice){server->plain + n, server->plain_size - (size_t)n}, read);
	record_count(&server->record->answered, 1);
	reply_free(conn);
	return REPLY_DONE;
}

enum reply_state reply_send_plain(struct conn *conn, nsec read) {
	return send_plain(conn, read, false);
}

enum reply_state reply_continue(struct conn *conn) {
	struct reply *reply = conn->reply;
	const struct answer *answer = &reply->answer;
	switch (reply->kind) {
	case REPLY_DELAY:
		if (answer->is_plain && answer->keep_alive && !answer->is_head) return send_plain(conn, reply->read, reply->touched);
		return send_answer(conn, answer, reply->read, reply->touched);
	case REPLY_PUSH: return push(conn);
	case REPLY_HANG: return REPLY_PENDING;
	case REPLY_DRAIN: break;
	}
	return close_now(conn);
}
