#include "target/mux.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/arena.h"
#include "target/peer.h"
#include "target/truth.h"
#include "target/wire.h"

#define PUSH_MAX ((size_t)1 << 20)        /* bytes sent to one connection in one turn */
#define BIG_FIELD_BYTES ((size_t)1 << 20) /* of /big-head: here a field has to be there as a whole */
#define EVENTS_IDLE (EPOLLIN | EPOLLRDHUP)

struct mux {
	struct peer *peer;
	struct h2_server *server;
	nsec read; /* of the bytes being digested */
	bool is_leaving;
	struct exchange *ready, **ready_end; /* answers whose moment has come, in order: their heads are made right before they are sent */
	struct slice last_word;              /* not HTTP/2 at all: sent, then the connection is closed. NULL: none */
};

/* A request and its answer: the mark of a stream. */
struct exchange {
	struct timer timer; /* first: found again from it. Of the answer's delay, then of its stream */
	struct mux *mux;
	struct exchange *next_ready;
	int32_t stream;
	bool touched;
	bool is_ready;  /* in the mux's list */
	bool has_begun; /* the answer's head was handed on */
	nsec read;
	struct buf *body;     /* of the request, if its endpoint wants it; NULL: none */
	struct answer answer; /* its `owned` is ours */
	char *copy;           /* of what the answer points to; NULL: nothing */
	struct slice piece;   /* of the answer's body, still to be handed out */
};

struct mux *mux_new(struct peer *peer) {
	struct mux *mux = mem_zeroed(1, sizeof(*mux));
	mux->peer = peer;
	mux->ready_end = &mux->ready;
	mux->server = h2_server_new(peer->server->mux_parser, mux, peer->server->group->streams);
	return mux;
}

void mux_free(struct mux *mux) {
	if (!mux) return;
	h2_server_free(mux->server);
	free(mux);
}

/* ---- answers */

static void fields_add(struct h2_server_fields *fields, struct slice name, struct slice value) {
	assert(fields->count < H2_SERVER_FIELDS);
	fields->at[fields->count++] = (struct h2_server_field){name, value, false};
}

/* Adds lines "Name: value" CR LF; `names` is room for their names in lower case. */
static void fields_add_lines(struct h2_server_fields *fields, struct slice lines, char *names) {
	while (lines.size > 0) {
		struct slice value, line = slice_cut(lines, '\r', &lines), name = slice_cut(line, ':', &value);
		lines = (struct slice){lines.at + 1, lines.size - 1}; /* the LF */
		if (name.size == 0 || value.size == 0) continue;
		for (size_t i = 0; i < name.size; i++) names[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]);
		fields_add(fields, (struct slice){names, name.size}, slice_trim(value));
		names += name.size;
	}
}

/* Interim responses, which stand there as HTTP/1.1 has them: status lines and fields. */
static void send_interim(struct exchange *exchange) {
	struct slice rest = exchange->answer.before;
	char names[ANSWER_HEAD_MAX];
	while (rest.size > 0) {
		const char *end = memmem(rest.at, rest.size, "\r\n\r\n", 4);
		struct slice head = {rest.at, (size_t)(end - rest.at) + 2}, lines;
		struct h2_server_fields fields = {.count = 0};
		rest.size -= head.size + 2;
		rest.at += head.size + 2;
		struct slice first = slice_cut(head, '\n', &lines);
		for (size_t i = 9; i < 12; i++) fields.status = fields.status * 10 + (unsigned)(first.at[i] - '0');
		fields_add_lines(&fields, lines, names);
		if (fields.status != 101) /* HTTP/2 has no such response (RFC 9113 section 8.6) */
			h2_server_interim(exchange->mux->server, exchange->stream, &fields);
	}
}

/* The same fields as answer_format_head gives, but for those of a connection. */
static void send_head(struct exchange *exchange) {
	struct answer *answer = &exchange->answer;
	struct h2_server_fields fields = {.status = answer->status};
	char names[ANSWER_HEAD_MAX], length[24], truth[TRUTH_BYTES] = TRUTH_BLANK, *big = NULL;
	truth_write(truth, exchange->read, clock_now(), exchange->touched || exchange->mux->peer->server->touched);
	fields_add(&fields, SLICE("x-strest"), (struct slice){truth, TRUTH_BYTES});
	fields.at[0].is_unique = true;
	fields_add(&fields, SLICE("server"), SLICE("strest-target"));
	fields_add(&fields, SLICE("content-type"), answer_type(answer));
	if (answer->fields.size > 0) fields_add_lines(&fields, answer->fields, names);
	if (answer->framing == ANSWER_SIZED || answer->framing == ANSWER_OPEN) {
		int size = snprintf(length, sizeof(length), "%llu", (unsigned long long)answer->body_bytes);
		fields_add(&fields, SLICE("content-length"), (struct slice){length, (size_t)size});
	}
	if (answer->framing == ANSWER_CHUNKED) fields_add(&fields, SLICE("trailer"), SLICE("x-bytes"));
	if (answer->framing == ANSWER_OPEN) {
		big = mem_alloc(BIG_FIELD_BYTES);
		memset(big, 'b', BIG_FIELD_BYTES);
		fields_add(&fields, SLICE("x-big"), (struct slice){big, BIG_FIELD_BYTES});
		answer->body = answer->is_head ? SLICE("") : SLICE(ANSWER_BODY);
		answer->stream.form = STREAM_NONE;
	}
	bool has_body = answer->body.size > 0 || answer->stream.form != STREAM_NONE;
	h2_server_answer(exchange->mux->server, exchange->stream, &fields, has_body);
	free(big);
}

static void leave(struct mux *mux) {
	if (!mux->is_leaving) h2_server_leave(mux->server);
	mux->is_leaving = true;
}

/* Hands an answer on: its head now, its body as it is asked for. */
static void send_answer(struct exchange *exchange) {
	struct answer *answer = &exchange->answer;
	exchange->has_begun = true;
	if (answer->stream.form == STREAM_CHUNKED)
		answer->stream.form = STREAM_PLAIN; /* frames are its chunks; the trailer comes by h2_server_trailers */
	send_interim(exchange);
	send_head(exchange);
	exchange->piece = answer->body;
	if (answer->end == ANSWER_CLOSE && answer->framing == ANSWER_SIZED && !answer->is_partial) leave(exchange->mux);
}

static void get_ready(struct exchange *exchange) {
	struct mux *mux = exchange->mux;
	exchange->is_ready = true;
	*mux->ready_end = exchange;
	mux->ready_end = &exchange->next_ready;
}

static void send_ready(struct mux *mux) {
	while (mux->ready) {
		struct exchange *exchange = mux->ready;
		mux->ready = exchange->next_ready;
		exchange->is_ready = false;
		send_answer(exchange);
	}
	mux->ready_end = &mux->ready;
}

/* The stream of a ready answer is over before it was sent. */
static void drop_ready(struct exchange *exchange) {
	struct mux *mux = exchange->mux;
	struct exchange **link = &mux->ready;
	while (*link != exchange) link = &(*link)->next_ready;
	*link = exchange->next_ready;
	if (!*link) mux->ready_end = link;
}

static void expire(struct timer *timer) {
	struct exchange *exchange = (struct exchange *)(void *)timer;
	if (exchange->has_begun)
		h2_server_resume(exchange->mux->server, exchange->stream);
	else
		get_ready(exchange);
	mux_flush(exchange->mux);
}

/* Begins to answer, now or when the delay is over. */
static void begin_answer(struct exchange *exchange) {
	struct answer *answer = &exchange->answer;
	struct mux *mux = exchange->mux;
	if (answer->framing == ANSWER_BARE) {
		mux->last_word = answer->body;
	} else if (answer->end == ANSWER_RESET) {
		h2_server_reset(mux->server, exchange->stream);
	} else if (answer->delay > 0) {
		exchange->timer.expire = expire;
		timer_set(&mux->peer->server->timers, &exchange->timer, exchange->read + answer->delay);
	} else if (answer->end != ANSWER_HANG) {
		get_ready(exchange);
	}
}

/* What an answer points to lives as long as the exchange: what stands in the server's scratch memory, which the next request uses, is copied. */
static void keep_text(struct exchange *exchange) {
	struct answer *answer = &exchange->answer;
	bool stays = answer->owned || (exchange->body && answer->body.at == exchange->body->at);
	struct slice *const parts[] = {&answer->before, &answer->fields, stays ? NULL : &answer->body};
	size_t size = 0;
	if (answer->is_plain) return;
	for (size_t i = 0; i < LENGTH(parts); i++) size += parts[i] ? parts[i]->size : 0;
	if (size == 0) return;
	char *copy = exchange->copy = mem_alloc(size);
	for (size_t i = 0; i < LENGTH(parts); i++) {
		if (!parts[i] || parts[i]->size == 0) continue;
		memcpy(copy, parts[i]->at, parts[i]->size);
		parts[i]->at = copy;
		copy += parts[i]->size;
	}
}

/* ---- what the protocol tells */

static void take_head(void *owner, void *mark, int32_t stream, const struct h2_server_request *request) {
	struct mux *mux = owner;
	struct exchange *exchange = mark;
	struct slice path, query;
	exchange->mux = mux;
	exchange->stream = stream;
	endpoint_split(request->path, &path, &query);
	if (endpoint_find(path)->wants_body) {
		exchange->body = mem_alloc(sizeof(*exchange->body));
		buf_init(exchange->body, ENDPOINT_BODY_MAX);
	}
	if (request->expects_continue) h2_server_interim(mux->server, stream, &(struct h2_server_fields){.status = 100});
}

static void take_body(void *owner, void *mark, struct slice bytes) {
	struct exchange *exchange = mark;
	(void)owner;
	if (exchange->body && !exchange->body->full) buf_add(exchange->body, bytes);
}

static void take_request(void *owner, void *mark, const struct h2_server_request *request) {
	struct mux *mux = owner;
	struct exchange *exchange = mark;
	struct server *server = mux->peer->server;
	const struct endpoint_request asked = {.method = request->method,
		.authorization = request->authorization,
		.cookie = request->cookie,
		.body = exchange->body,
		.read = mux->read,
		.server = server,
		.shop = &server->shop,
		.text = server->text};
	exchange->read = mux->read;
	peer_answer(server, request->path, &asked, &exchange->answer);
	exchange->touched = exchange->answer.delay > 0 && server->touched;
	exchange->answer.keep_alive = true;
	exchange->answer.is_head = request->is_head;
	answer_fit_method(&exchange->answer);
	keep_text(exchange);
	begin_answer(exchange);
}

/* The body's end: with it a trailer, if the answer has one. */
static enum h2_server_more end_body(struct exchange *exchange) {
	const struct answer *answer = &exchange->answer;
	if (answer->is_partial) return H2_SERVER_BREAK;
	if (answer->framing != ANSWER_CHUNKED || answer->is_head) return H2_SERVER_END;
	char bytes[24];
	int size = snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)answer->stream.bytes);
	struct h2_server_fields trailers = {.count = 0};
	fields_add(&trailers, SLICE("x-bytes"), (struct slice){bytes, (size_t)size});
	h2_server_trailers(exchange->mux->server, exchange->stream, &trailers);
	return H2_SERVER_END;
}

/* Makes the next piece of the body ready; false: *ret says why there is none. */
static bool next_piece(struct exchange *exchange, enum h2_server_more *ret) {
	nsec due;
	switch (stream_next(&exchange->answer.stream, clock_now(), &exchange->piece, &due)) {
	case STREAM_PIECE: return true;
	case STREAM_WAIT:
		exchange->timer.expire = expire;
		if (exchange->timer.place == 0) timer_set(&exchange->mux->peer->server->timers, &exchange->timer, due);
		*ret = H2_SERVER_LATER;
		return false;
	case STREAM_END: break;
	}
	*ret = end_body(exchange);
	return false;
}

static size_t read_body(void *owner, void *mark, char *into, size_t room, enum h2_server_more *ret) {
	struct exchange *exchange = mark;
	size_t size = 0;
	(void)owner;
	*ret = H2_SERVER_MORE;
	while (size < room) {
		if (exchange->piece.size == 0 && (size > 0 && exchange->answer.is_partial))
			break; /* what was promised is broken off in a step of its own */
		if (exchange->piece.size == 0 && !next_piece(exchange, ret)) break;
		size_t part = exchange->piece.size < room - size ? exchange->piece.size : room - size;
		memcpy(into + size, exchange->piece.at, part);
		exchange->piece.at += part;
		exchange->piece.size -= part;
		size += part;
	}
	return size;
}

static bool take_ended(void *owner, void *mark) {
	const struct exchange *exchange = mark;
	(void)owner;
	return !exchange->answer.is_hidden;
}

static void take_closed(void *owner, void *mark) {
	const struct mux *mux = owner;
	struct exchange *exchange = mark;
	if (exchange->is_ready) drop_ready(exchange);
	if (exchange->timer.place) timer_drop(&mux->peer->server->timers, &exchange->timer);
	if (exchange->body) buf_fini(exchange->body);
	free(exchange->body);
	free(exchange->copy);
	free(exchange->answer.owned);
}

const struct h2_server_events mux_events = {
	.mark_bytes = sizeof(struct exchange),
	.head = take_head,
	.body = take_body,
	.request = take_request,
	.read = read_body,
	.ended = take_ended,
	.closed = take_closed,
};

/* ---- the connection */

void mux_feed(struct mux *mux, struct slice bytes, nsec read) {
	mux->read = read;
	h2_server_feed(mux->server, bytes); /* mux_flush sees whether it is over */
}

/* Nothing can be said any more, or nothing is left to say. */
static bool close_peer(struct mux *mux) {
	struct peer *peer = mux->peer;
	if (peer->tls) wire_end(peer);
	peer_close(peer);
	return false;
}

bool mux_flush(struct mux *mux) {
	struct peer *peer = mux->peer;
	struct slice bytes;
	bool waits = false;
	size_t sent = 0;
	server_stall(peer->server);
	send_ready(mux); /* nothing may come between its stamps and the send */
	if (mux->last_word.at) {
		peer_send(peer, mux->last_word, 0);
		peer_close(peer);
		return false;
	}
	if (peer->tls && !wire_flush(peer, 0)) return close_peer(mux);
	while (!waits && !wire_waits(peer) && (bytes = h2_server_drain(mux->server)).size > 0) {
		ssize_t n = peer_send(peer, bytes, 0);
		if (n < 0) return close_peer(mux);
		record_count(&peer->server->record->answered, h2_server_drained(mux->server, (size_t)n));
		sent += (size_t)n;
		waits = (size_t)n < bytes.size || sent > PUSH_MAX;
		server_stall(peer->server);
	}
	if (!waits && !wire_waits(peer) && h2_server_is_over(mux->server)) return close_peer(mux);
	peer_watch(peer, EVENTS_IDLE | (waits || wire_waits(peer) ? EPOLLOUT : 0u));
	return true;
}
