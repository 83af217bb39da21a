#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "target/peer.h"
#include "target/truth.h"
#include "target/wire.h"

#define PUSH_MAX ((size_t)1 << 20) /* bytes sent to one connection in one turn */
#define DRAIN_TIME SEC

bool reply_send_raw(struct peer *peer, struct slice bytes) {
	server_stall(peer->server);
	return peer_send(peer, bytes, 0) == (ssize_t)bytes.size;
}

static struct reply *reply_new(struct peer *peer, enum reply_kind kind) {
	struct reply *reply = mem_zeroed(1, sizeof(*reply));
	reply->peer = peer;
	reply->kind = kind;
	reply->timer.expire = peer_expire;
	assert(!peer->reply);
	peer->reply = reply;
	return reply;
}

void reply_free(struct peer *peer) {
	struct reply *reply = peer->reply;
	if (!reply) return;
	timer_drop(&peer->server->timers, &reply->timer);
	free(reply->owned);
	free(reply->answer.owned);
	free(reply);
	peer->reply = NULL;
}

static enum reply_state close_now(struct peer *peer) {
	peer_close(peer);
	return REPLY_GONE;
}

static enum reply_state close_with_reset(struct peer *peer) {
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return close_now(peer);
}

/* Closes in order: what the peer may still be sending is read, because a close with unread bytes is a reset that destroys the answer on its way. */
static enum reply_state close_gently(struct peer *peer, nsec now) {
	reply_free(peer);
	free(peer->held);
	peer->held = NULL;
	shutdown(peer->fd, SHUT_WR);
	struct reply *reply = reply_new(peer, REPLY_DRAIN);
	timer_set(&peer->server->timers, &reply->timer, now + DRAIN_TIME);
	peer_watch(peer, EPOLLIN);
	return REPLY_PENDING;
}

/* The whole answer is out. */
static enum reply_state end_answer(struct peer *peer, const struct answer *answer) {
	if (!answer->is_partial && !answer->is_hidden) record_count(&peer->server->record->answered, 1);
	bool keeps = answer->end == ANSWER_KEEP && answer->keep_alive;
	if (!keeps && peer->tls && !answer->is_partial) wire_end(peer);
	if (!keeps) return peer->held || answer->status == 400 ? close_gently(peer, clock_now()) : close_now(peer);
	reply_free(peer);
	return REPLY_DONE;
}

/* Sends peer->reply's pieces while the socket takes them. */
static enum reply_state push(struct peer *peer) {
	struct reply *reply = peer->reply;
	struct server *server = peer->server;
	for (size_t sent = 0;;) {
		server_stall(server);
		if (wire_waits(peer) && !wire_flush(peer, 0)) return close_now(peer);
		if (reply->piece.size > 0 && !wire_waits(peer)) {
			int flags = reply->answer.stream.form == STREAM_CHUNKED && !reply->answer.stream.ended ? MSG_MORE : 0;
			ssize_t n = peer_send(peer, reply->piece, flags);
			if (n < 0) return close_now(peer);
			reply->piece.at += n;
			reply->piece.size -= (size_t)n;
			sent += (size_t)n;
		}
		if (reply->piece.size > 0 || sent >= PUSH_MAX || wire_waits(peer)) {
			peer_watch(peer, EPOLLOUT | (peer->events & EPOLLRDHUP));
			return REPLY_PENDING;
		}
		nsec due;
		switch (stream_next(&reply->answer.stream, clock_now(), &reply->piece, &due)) {
		case STREAM_PIECE: break;
		case STREAM_WAIT:
			peer_watch(peer, peer->events & ~(uint32_t)EPOLLOUT);
			timer_set(&server->timers, &reply->timer, due);
			return REPLY_PENDING;
		case STREAM_END: return end_answer(peer, &reply->answer);
		}
	}
}

/* Makes peer->reply, if it is not there yet, carry what is left of the answer: `rest` is copied; the stream goes on behind it if `streams`. */
static enum reply_state push_rest(struct peer *peer, const struct answer *answer, struct slice rest, bool streams) {
	struct reply *reply = peer->reply;
	if (!reply) {
		reply = reply_new(peer, REPLY_PUSH);
		reply->answer = *answer;
		reply->answer.owned = NULL; /* the caller's: its bytes are in `rest` */
	}
	reply->kind = REPLY_PUSH;
	if (!streams) reply->answer.stream.form = STREAM_NONE;
	if (rest.size > 0) {
		reply->owned = mem_alloc(rest.size);
		memcpy(reply->owned, rest.at, rest.size);
		reply->piece = (struct slice){reply->owned, rest.size};
	}
	return push(peer);
}

/* The last thing before the send: nothing may come between the stamp and it. */
static ssize_t stamp_and_send(struct peer *peer, char *truth, struct slice bytes, nsec read, bool touched) {
	struct server *server = peer->server;
	server_stall(server);
	if (truth) truth_write(truth, read, clock_now(), touched || server->touched);
	return peer_send(peer, bytes, 0);
}

/* Puts a small stream's bytes behind the head, so that one send carries all; returns the new size, unchanged if they do not fit. */
static size_t take_small_stream(const struct answer *answer, char *out, size_t size) {
	struct stream stream = answer->stream;
	size_t framing = (size_t)(stream.bytes / 1024) + 128; /* more than chunks and trailer need */
	if (stream.form == STREAM_SLOW || stream.bytes > SERVER_OUT_BYTES || stream.bytes + stream.tail.size + framing + size > SERVER_OUT_BYTES)
		return size;
	struct slice piece;
	nsec due;
	while (stream_next(&stream, 0, &piece, &due) == STREAM_PIECE) {
		memcpy(out + size, piece.at, piece.size);
		size += piece.size;
	}
	return size;
}

/* Sends interim responses, head and body, then goes on with the stream. */
static enum reply_state send_answer(struct peer *peer, const struct answer *answer, nsec read, bool touched) {
	size_t room = answer->before.size + ANSWER_HEAD_MAX + answer->body.size, size = answer->before.size, truth_at;
	char *large = room > SERVER_OUT_BYTES ? mem_alloc(room) : NULL, *out = large ? large : peer->server->out, *truth = NULL;
	if (size > 0) memcpy(out, answer->before.at, size);
	if (answer->framing != ANSWER_BARE) {
		size_t head = answer_format_head(answer, out + size, &truth_at);
		truth = out + size + truth_at;
		size += head;
	}
	if (answer->body.size > 0) memcpy(out + size, answer->body.at, answer->body.size);
	size += answer->body.size;
	bool streams = answer->stream.form != STREAM_NONE;
	if (streams && !large) {
		size_t all = take_small_stream(answer, out, size);
		streams = all == size && answer->stream.bytes > 0;
		size = all;
	}
	ssize_t n = stamp_and_send(peer, truth, (struct slice){out, size}, read, touched);
	enum reply_state state;
	if (n < 0) {
		state = close_now(peer);
	} else if (n == (ssize_t)size && !streams && !wire_waits(peer)) {
		state = end_answer(peer, answer);
	} else {
		state = push_rest(peer, answer, (struct slice){out + n, size - (size_t)n}, streams);
	}
	free(large);
	return state;
}

enum reply_state reply_begin(struct peer *peer, const struct answer *answer, nsec read) {
	struct server *server = peer->server;
	if (answer->end == ANSWER_RESET) return close_with_reset(peer);
	if (answer->end == ANSWER_HANG) {
		reply_new(peer, REPLY_HANG);
		return REPLY_PENDING;
	}
	if (answer->delay > 0) {
		struct reply *reply = reply_new(peer, REPLY_DELAY);
		reply->read = read;
		reply->touched = server->touched;
		reply->answer = *answer;
		timer_set(&server->timers, &reply->timer, read + answer->delay);
		return REPLY_PENDING;
	}
	char *owned = answer->owned;
	enum reply_state state = send_answer(peer, answer, read, server->touched);
	free(owned);
	return state;
}

static enum reply_state send_plain(struct peer *peer, nsec read, bool touched) {
	static const struct answer plain = {.status = 200, .keep_alive = true, .is_plain = true};
	struct server *server = peer->server;
	ssize_t n = stamp_and_send(peer, server->plain + server->plain_truth, (struct slice){server->plain, server->plain_size}, read, touched);
	if (n < 0) return close_now(peer);
	if ((size_t)n < server->plain_size || wire_waits(peer))
		return push_rest(peer, &plain, (struct slice){server->plain + n, server->plain_size - (size_t)n}, false);
	record_count(&server->record->answered, 1);
	reply_free(peer);
	return REPLY_DONE;
}

enum reply_state reply_send_plain(struct peer *peer, nsec read) {
	return send_plain(peer, read, false);
}

enum reply_state reply_continue(struct peer *peer) {
	struct reply *reply = peer->reply;
	const struct answer *answer = &reply->answer;
	switch (reply->kind) {
	case REPLY_DELAY:
		if (answer->is_plain && answer->keep_alive && !answer->is_head) return send_plain(peer, reply->read, reply->touched);
		return send_answer(peer, answer, reply->read, reply->touched);
	case REPLY_PUSH: return push(peer);
	case REPLY_HANG: return REPLY_PENDING;
	case REPLY_DRAIN: break;
	}
	return close_now(peer);
}
