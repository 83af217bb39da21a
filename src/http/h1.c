#include "http/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#include "base/arena.h"
#include "http/head.h"

/* How the end of a body is found, RFC 9112 section 6.3. */
enum frame {
	FRAME_NONE,
	FRAME_LENGTH,
	FRAME_CHUNKED,
	FRAME_CLOSE,
};

enum phase {
	PHASE_HEAD,    /* idle, or a head is awaited or begun */
	PHASE_LENGTH,  /* `left` bytes of the body are to come */
	PHASE_CHUNKED, /* the parser is in the body or its trailers */
	PHASE_CLOSE,   /* everything up to the end of the connection is body */
	PHASE_DONE,    /* the response is complete; only within feed() */
	PHASE_DEAD,    /* the connection carries nothing more */
};

/* What a head of a response says. */
struct meaning {
	enum frame frame; /* as for GET */
	uint16_t status;
	bool keep; /* the connection stays open, as far as the peer is concerned */
	uint64_t length;
};

struct http_shared {
	const struct http_events *events;
	const char *mark; /* end of the last piece of body that the parser reported; NULL: none */
	struct head_memory heads;
	struct meaning meanings[HEAD_COUNT];
	struct meaning other;         /* of the head that is being taken, if it is like a remembered one but for the length */
	llhttp_t parsers[HEAD_COUNT]; /* directly behind the head; used for FRAME_CHUNKED */
};

struct h1 {
	struct http_shared *shared;
	void *owner;
	const struct http_request *request; /* NULL: idle */
	size_t unsent;                      /* bytes of the request the carrier has not accepted yet */
	char *kept;                         /* the head so far if it comes in pieces; NULL: nothing */
	nsec first;
	uint64_t body_bytes;
	uint64_t left;
	uint32_t id;
	uint32_t kept_bytes;
	uint32_t kept_room;
	uint32_t head_bytes; /* bytes of all heads of this response; then, chunked: bytes since the last byte of the body */
	uint16_t status;
	uint8_t phase;
	bool begun; /* the parser is in the middle of a head */
	bool lined; /* the status line of this head is over */
	char last;  /* the last byte of it so far */
	bool any_byte;
	bool keep;
	bool begun_sending; /* the owner knows that the first byte is out */
	llhttp_t parser;
};

static int pause_parser(llhttp_t *parser) {
	(void)parser;
	return HPE_PAUSED;
}

static int take_status(llhttp_t *parser) {
	struct h1 *h1 = parser->data;
	if (parser->status_code >= 200 || parser->status_code == 101) h1->status = parser->status_code;
	return 0;
}

static int take_body(llhttp_t *parser, const char *at, size_t size) {
	struct h1 *h1 = parser->data;
	struct http_shared *shared = h1->shared;
	h1->body_bytes += size;
	shared->mark = at + size;
	if (shared->events->body) shared->events->body(h1->owner, h1->id, (struct slice){at, size});
	return 0;
}

/* The parser stops behind every head and every message: what the head means and what may follow the message is decided here. */
static const llhttp_settings_t settings = {
	.on_status_complete = take_status,
	.on_headers_complete = pause_parser,
	.on_body = take_body,
	.on_message_complete = pause_parser,
};

/* Understands the head that the parser has just read; false if HTTP/1.1 does not know such a thing.
 * llhttp lets HTTP/2.0 and statuses below 100 pass. */
static bool meaning_read(const llhttp_t *parser, struct meaning *ret) {
	if (parser->http_major != 1 || parser->http_minor > 1 || parser->status_code < 100) return false;
	unsigned flags = parser->flags;
	*ret = (struct meaning){.status = parser->status_code};
	if (ret->status < 200 || ret->status == 204 || ret->status == 304)
		ret->frame = FRAME_NONE;
	else if (flags & F_CHUNKED)
		ret->frame = FRAME_CHUNKED;
	else if (flags & F_TRANSFER_ENCODING || !(flags & F_CONTENT_LENGTH))
		ret->frame = FRAME_CLOSE;
	else
		ret->frame = FRAME_LENGTH;
	if (ret->frame == FRAME_LENGTH) ret->length = parser->content_length;
	/* HTTP/1.0 knows no transfer codings: RFC 9112 section 6.1 wants the connection closed after such a message. */
	if (parser->http_minor == 0)
		ret->keep = (flags & F_CONNECTION_KEEP_ALIVE) && !(flags & (F_CONNECTION_CLOSE | F_TRANSFER_ENCODING));
	else
		ret->keep = !(flags & F_CONNECTION_CLOSE);
	return true;
}

/* Returns whether both mean the same, the length of the body apart. */
static bool meaning_alike(const struct meaning *a, const struct meaning *b) {
	return a->frame == b->frame && a->status == b->status && a->keep == b->keep;
}

/* Remembers a head that was parsed from one piece. */
static void head_learn(struct http_shared *shared, struct slice head, const struct meaning *meaning, const llhttp_t *parser) {
	for (int i = 0; i < HEAD_COUNT; i++)
		if (meaning_alike(&shared->meanings[i], meaning) && head_loosen(&shared->heads, i, head)) return;
	int number = head_keep(&shared->heads, head);
	if (number < 0) return;
	shared->meanings[number] = *meaning;
	shared->parsers[number] = *parser;
}

/* Returns whether the status line, of which `piece` is the next part, does not end in a bare LF. llhttp lets that pass, in this line only. */
static bool line_check(struct h1 *h1, struct slice piece) {
	if (h1->lined || !piece.size) return true;
	const char *lf = memchr(piece.at, '\n', piece.size);
	char before = lf && lf != piece.at ? lf[-1] : h1->last;
	h1->lined = lf != NULL;
	h1->last = piece.at[piece.size - 1];
	return !lf || before == '\r';
}

/* Keeps the next piece of a head that does not come at once; HTTP_HEAD_MAX bounds it by way of head_bytes. */
static void kept_add(struct h1 *h1, struct slice piece) {
	if (piece.size > h1->kept_room - h1->kept_bytes) {
		size_t room = h1->kept_room ? h1->kept_room : 512;
		while (room < h1->kept_bytes + piece.size) room *= 2;
		h1->kept = mem_resize(h1->kept, room);
		h1->kept_room = (uint32_t)room;
	}
	memcpy(h1->kept + h1->kept_bytes, piece.at, piece.size);
	h1->kept_bytes += (uint32_t)piece.size;
}

static void kept_drop(struct h1 *h1) {
	free(h1->kept);
	h1->kept = NULL;
	h1->kept_bytes = 0;
	h1->kept_room = 0;
}

/* Acts on a complete head. The parser of a chunked message stands directly behind it. */
static enum reason head_take(struct h1 *h1, const struct meaning *meaning, struct slice head) {
	h1->begun = false;
	if (meaning->status < 200 && meaning->status != 101) {
		h1->first = 0;
		return REASON_NONE;
	}
	h1->status = meaning->status;
	h1->keep = meaning->keep;
	if (meaning->status == 101) return REASON_UPGRADE;
	const struct http_events *events = h1->shared->events;
	if (events->head && h1->status >= events->head_from) events->head(h1->owner, h1->id, h1->status, head);
	switch (h1->request->is_head ? FRAME_NONE : meaning->frame) {
	case FRAME_NONE: h1->phase = PHASE_DONE; break;
	case FRAME_LENGTH:
		h1->left = meaning->length;
		h1->phase = h1->left ? PHASE_LENGTH : PHASE_DONE;
		break;
	case FRAME_CHUNKED:
		h1->head_bytes = 0;
		h1->phase = PHASE_CHUNKED;
		llhttp_resume(&h1->parser);
		break;
	case FRAME_CLOSE:
		h1->phase = PHASE_CLOSE;
		h1->keep = false;
		break;
	}
	return REASON_NONE;
}

/* Returns what a remembered head means with the Content-Length of this one. */
static __attribute__((noinline)) const struct meaning *meaning_with_length(struct http_shared *shared, int number, struct slice head) {
	shared->other = shared->meanings[number];
	shared->other.length = head_length(&shared->heads, number, head);
	return &shared->other;
}

/* Takes `*rest`'s head over from the memory, without parsing. Returns whether that was possible. */
static bool head_recall(struct h1 *h1, struct slice *rest) {
	struct http_shared *shared = h1->shared;
	int number = head_find(&shared->heads, *rest);
	if (number < 0) return false;
	struct slice head = {rest->at, head_size(&shared->heads, number)};
	if (head.size > HTTP_HEAD_MAX - h1->head_bytes) return false;
	const struct meaning *meaning = &shared->meanings[number];
	if (head_differs_in_length(&shared->heads, number)) meaning = meaning_with_length(shared, number, head);
	if (meaning->frame == FRAME_CHUNKED) {
		h1->parser = shared->parsers[number];
		h1->parser.data = h1;
	}
	*rest = (struct slice){rest->at + head.size, rest->size - head.size};
	head_take(h1, meaning, head);
	return true;
}

/* Reads (more of) a head from `*rest`, up to its end or the end of `*rest`. */
static enum reason head_read(struct h1 *h1, struct slice *rest, nsec arrived) {
	bool whole = !h1->begun;
	if (whole) {
		h1->first = arrived;
		if (head_recall(h1, rest)) return REASON_NONE;
		if (*rest->at != 'H') return REASON_MALFORMED; /* llhttp would skip empty lines */
		llhttp_init(&h1->parser, HTTP_RESPONSE, &settings);
		h1->parser.data = h1;
		h1->begun = true;
		h1->lined = false;
	}
	struct slice piece = *rest;
	if (piece.size > HTTP_HEAD_MAX - h1->head_bytes) piece.size = HTTP_HEAD_MAX - h1->head_bytes;
	if (!piece.size) return REASON_HEAD_TOO_LARGE;
	llhttp_errno_t result = llhttp_execute(&h1->parser, piece.at, piece.size);
	if (result != HPE_OK && result != HPE_PAUSED) return REASON_MALFORMED;
	if (result == HPE_PAUSED) piece.size = (size_t)(llhttp_get_error_pos(&h1->parser) - piece.at);
	if (!line_check(h1, piece)) return REASON_MALFORMED;
	h1->head_bytes += (uint32_t)piece.size;
	*rest = (struct slice){rest->at + piece.size, rest->size - piece.size};
	if ((!whole || result == HPE_OK) && h1->shared->events->head) kept_add(h1, piece);
	if (result == HPE_OK) return REASON_NONE;
	struct meaning meaning;
	if (!meaning_read(&h1->parser, &meaning)) return REASON_MALFORMED;
	if (whole && meaning.status >= 200) head_learn(h1->shared, piece, &meaning, &h1->parser);
	enum reason reason = head_take(h1, &meaning, whole ? piece : (struct slice){h1->kept, h1->kept_bytes});
	if (!whole) kept_drop(h1);
	return reason;
}

static enum reason chunks_read(struct h1 *h1, struct slice *rest) {
	while (rest->size && h1->phase == PHASE_CHUNKED) {
		struct slice piece = *rest;
		if (piece.size > HTTP_HEAD_MAX - h1->head_bytes) piece.size = HTTP_HEAD_MAX - h1->head_bytes;
		if (!piece.size) return REASON_HEAD_TOO_LARGE; /* endless trailers or chunk extensions */
		h1->shared->mark = NULL;
		llhttp_errno_t result = llhttp_execute(&h1->parser, piece.at, piece.size);
		if (result != HPE_OK && result != HPE_PAUSED) return REASON_MALFORMED;
		if (result == HPE_PAUSED) {
			piece.size = (size_t)(llhttp_get_error_pos(&h1->parser) - piece.at);
			h1->phase = PHASE_DONE;
		}
		const char *end = piece.at + piece.size;
		h1->head_bytes = h1->shared->mark ? (uint32_t)(end - h1->shared->mark) : h1->head_bytes + (uint32_t)piece.size;
		*rest = (struct slice){end, rest->size - piece.size};
	}
	return REASON_NONE;
}

/* Counts the next `size` bytes of `*rest` as body. */
static void body_take(struct h1 *h1, struct slice *rest, size_t size) {
	const struct http_events *events = h1->shared->events;
	h1->body_bytes += size;
	if (events->body) events->body(h1->owner, h1->id, (struct slice){rest->at, size});
	*rest = (struct slice){rest->at + size, rest->size - size};
}

static enum reason body_read(struct h1 *h1, struct slice *rest) {
	if (!rest->size || h1->phase == PHASE_DONE) return REASON_NONE;
	if (h1->phase == PHASE_CHUNKED) return chunks_read(h1, rest);
	if (h1->phase == PHASE_CLOSE) {
		body_take(h1, rest, rest->size);
		return REASON_NONE;
	}
	size_t size = h1->left < rest->size ? (size_t)h1->left : rest->size;
	body_take(h1, rest, size);
	h1->left -= size;
	if (!h1->left) h1->phase = PHASE_DONE;
	return REASON_NONE;
}

/* What is known of the outstanding request. */
static struct http_end end_of(const struct h1 *h1, enum reason reason, bool reusable) {
	return (struct http_end){
		.reason = reason,
		.status = h1->status,
		.any_byte = h1->any_byte,
		.reusable = reusable,
		.first = h1->first,
		.body_bytes = h1->body_bytes,
	};
}

/* Ends the outstanding request; the owner may do with the state what it likes, so nothing may touch it afterwards.
 * Returns whether the connection may be used further. */
static bool request_end(struct h1 *h1, enum reason reason) {
	bool fine = reason == REASON_NONE && h1->unsent == 0, reusable = fine && h1->keep;
	struct http_end end = end_of(h1, reason, reusable);
	end.leaving = fine && !h1->keep;
	h1->request = NULL;
	h1->unsent = 0;
	h1->phase = reusable ? PHASE_HEAD : PHASE_DEAD;
	if (!reusable) kept_drop(h1); /* a complete head is not kept any more */
	h1->shared->events->end(h1->owner, h1->id, &end);
	return reusable;
}

static struct http_shared *h1_new_shared(const struct http_events *events) {
	struct http_shared *shared = mem_zeroed(1, sizeof(*shared));
	shared->events = events;
	head_init(&shared->heads);
	return shared;
}

static void h1_free_shared(struct http_shared *shared) {
	free(shared);
}

static void h1_start(void *state, struct http_shared *shared, void *owner) {
	struct h1 *h1 = state;
	memset(h1, 0, sizeof(*h1));
	h1->shared = shared;
	h1->owner = owner;
	h1->phase = PHASE_HEAD;
}

static void h1_stop(void *state) {
	struct h1 *h1 = state;
	kept_drop(h1);
}

static unsigned h1_room(const void *state) {
	const struct h1 *h1 = state;
	return !h1->request && h1->phase == PHASE_HEAD;
}

static bool h1_is_ending(const void *state) {
	const struct h1 *h1 = state;
	return h1->phase == PHASE_DEAD;
}

static void h1_submit(void *state, uint32_t id, const struct http_request *request) {
	struct h1 *h1 = state;
	assert(h1_room(h1) && request->body_bytes >= request->body.size);
	h1->request = request;
	h1->id = id;
	h1->unsent = request->head.size + request->body_bytes;
	h1->first = 0;
	h1->body_bytes = 0;
	h1->head_bytes = 0;
	h1->status = 0;
	h1->any_byte = false;
	h1->begun = false;
	h1->begun_sending = false;
}

/* Offers what is left of the body when `gone` bytes of it are out already; returns the number of pieces. On its own, so that a request without a
 * body does not save registers for it. */
static __attribute__((noinline)) int body_drain(const struct http_request *request, size_t gone, struct iovec *iov, int max) {
	int count = 0;
	for (unsigned i = 0; i <= request->more_count && count < max; i++) {
		struct slice piece = i ? request->more[i - 1] : request->body;
		size_t skip = gone < piece.size ? gone : piece.size;
		gone -= skip;
		if (skip < piece.size) iov[count++] = (struct iovec){(char *)piece.at + skip, piece.size - skip};
	}
	return count;
}

static int h1_drain(void *state, struct iovec *iov, int max) {
	const struct h1 *h1 = state;
	if (!h1->unsent) return 0;
	const struct http_request *request = h1->request;
	size_t head_left = h1->unsent > request->body_bytes ? h1->unsent - request->body_bytes : 0;
	size_t body_left = h1->unsent - head_left;
	int count = 0;
	if (head_left && count < max) iov[count++] = (struct iovec){(char *)request->head.at + (request->head.size - head_left), head_left};
	if (body_left) count += body_drain(request, request->body_bytes - body_left, iov + count, max - count);
	return count;
}

static bool h1_drained(void *state, size_t bytes, nsec now) {
	struct h1 *h1 = state;
	assert(bytes <= h1->unsent);
	h1->unsent -= bytes;
	if (h1->unsent == 0) {
		h1->shared->events->sent(h1->owner, h1->id, true, now);
		return true;
	}
	if (bytes > 0 && !h1->begun_sending) {
		h1->begun_sending = true;
		h1->shared->events->sent(h1->owner, h1->id, false, now);
	}
	return false;
}

static bool h1_feed(void *state, struct slice bytes, nsec arrived) {
	struct h1 *h1 = state;
	if (!bytes.size) return h1->phase != PHASE_DEAD;
	if (!h1->request) {
		h1->phase = PHASE_DEAD;
		return false;
	}
	h1->any_byte = true;
	enum reason reason = REASON_NONE;
	while (bytes.size && h1->phase == PHASE_HEAD && reason == REASON_NONE) reason = head_read(h1, &bytes, arrived);
	if (reason == REASON_NONE) reason = body_read(h1, &bytes);
	if (reason == REASON_NONE && h1->phase != PHASE_DONE) return true;
	if (reason == REASON_NONE && bytes.size) reason = REASON_LEFTOVER;
	return request_end(h1, reason);
}

static void h1_finish(void *state, bool reset, nsec now) {
	struct h1 *h1 = state;
	(void)now;
	enum reason reason = REASON_CUT;
	if (reset)
		reason = REASON_RESET;
	else if (h1->phase == PHASE_CLOSE)
		reason = REASON_NONE;
	else if (!h1->any_byte)
		reason = REASON_CLOSED;
	h1->keep = false;
	if (h1->request)
		request_end(h1, reason);
	else
		h1->phase = PHASE_DEAD;
}

static struct http_end h1_cancel(void *state, uint32_t id) {
	struct h1 *h1 = state;
	assert(h1->request && h1->id == id);
	(void)id;
	kept_drop(h1);
	h1->request = NULL;
	h1->unsent = 0;
	h1->phase = PHASE_DEAD;
	return end_of(h1, REASON_NONE, false);
}

const struct http_ops h1_ops = {
	.name = "HTTP/1.1",
	.state_bytes = sizeof(struct h1),
	.new_shared = h1_new_shared,
	.free_shared = h1_free_shared,
	.start = h1_start,
	.stop = h1_stop,
	.room = h1_room,
	.is_ending = h1_is_ending,
	.submit = h1_submit,
	.drain = h1_drain,
	.drained = h1_drained,
	.feed = h1_feed,
	.finish = h1_finish,
	.cancel = h1_cancel,
};
