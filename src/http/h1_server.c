#include "http/h1_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#include "base/arena.h"
#include "http/head.h"

#define PATH_MAX_BYTES 1024

enum phase {
	PHASE_HEAD,    /* a head is awaited or begun */
	PHASE_LENGTH,  /* `left` bytes of the body are to come */
	PHASE_CHUNKED, /* the parser is in the body or its trailers */
	PHASE_DONE,    /* the request is complete; only within feed() */
};

/* What a request head says. */
struct meaning {
	uint64_t length;  /* of the body; 0 with `chunked` */
	uint32_t path_at; /* offset in the head; only of heads that came in one piece */
	uint16_t path_size;
	uint8_t method; /* enum llhttp_method */
	bool chunked;
	bool keep;
	bool expects_continue;
};

/* Progress of comparing a text that comes in pieces with a word. */
struct word {
	uint8_t seen;
	bool differs;
};

struct h1_server_shared {
	struct head_memory heads;
	struct meaning meanings[HEAD_COUNT];
	llhttp_t parsers[HEAD_COUNT]; /* directly behind the head; used if chunked */
	/* of the feed() in progress */
	const struct h1_server_events *events;
	void *owner;
	const char *begin; /* of the piece that the parser reads */
	const char *mark;  /* end of the last piece of body in it; NULL: none */
};

struct h1_server {
	struct h1_server_shared *shared;
	struct slice path; /* in the fed bytes, or `path_copy` */
	uint64_t left;
	uint64_t body_bytes;
	uint32_t head_bytes; /* bytes of the head; then, chunked: bytes since the last byte of the body */
	uint8_t phase;
	bool begun; /* the parser is in the middle of a head */
	bool expect_field;
	struct word field;
	struct word value;
	struct meaning meaning;
	llhttp_t parser;
	char path_copy[PATH_MAX_BYTES];
};

static void word_add(struct word *word, struct slice want, const char *at, size_t size) {
	if (word->differs || size > want.size - word->seen ||
		!slice_equal_nocase((struct slice){want.at + word->seen, size}, (struct slice){at, size}))
		word->differs = true;
	else
		word->seen = (uint8_t)(word->seen + size);
}

static bool word_end(struct word *word, struct slice want) {
	bool equal = !word->differs && word->seen == want.size;
	*word = (struct word){0};
	return equal;
}

static int take_url(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	struct meaning *meaning = &server->meaning;
	if (!meaning->path_size) meaning->path_at = (uint32_t)(at - server->shared->begin);
	size_t room = (size_t)(PATH_MAX_BYTES - meaning->path_size);
	if (size > room) size = room;
	memcpy(server->path_copy + meaning->path_size, at, size);
	meaning->path_size = (uint16_t)(meaning->path_size + size);
	return 0;
}

static int take_field(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	word_add(&server->field, SLICE("expect"), at, size);
	return 0;
}

static int end_field(llhttp_t *parser) {
	struct h1_server *server = parser->data;
	server->expect_field = word_end(&server->field, SLICE("expect"));
	return 0;
}

static int take_value(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	if (server->expect_field) word_add(&server->value, SLICE("100-continue"), at, size);
	return 0;
}

static int end_value(llhttp_t *parser) {
	struct h1_server *server = parser->data;
	if (server->expect_field && word_end(&server->value, SLICE("100-continue"))) server->meaning.expects_continue = true;
	return 0;
}

static int take_body(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	struct h1_server_shared *shared = server->shared;
	server->body_bytes += size;
	shared->mark = at + size;
	if (shared->events && shared->events->body) shared->events->body(shared->owner, (struct slice){at, size});
	return 0;
}

static int pause_parser(llhttp_t *parser) {
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = take_url,
	.on_header_field = take_field,
	.on_header_field_complete = end_field,
	.on_header_value = take_value,
	.on_header_value_complete = end_value,
	.on_headers_complete = pause_parser,
	.on_body = take_body,
	.on_message_complete = pause_parser,
};

/* Completes the meaning of the head that the parser has just read; false if the request cannot be framed (RFC 9112 section 6.3). */
static bool meaning_read(struct h1_server *server) {
	llhttp_t *parser = &server->parser;
	struct meaning *meaning = &server->meaning;
	unsigned flags = parser->flags;
	if (parser->http_major != 1 || parser->http_minor > 1) return false;
	if ((flags & F_TRANSFER_ENCODING) && !(flags & F_CHUNKED)) return false;
	meaning->method = parser->method;
	meaning->chunked = flags & F_CHUNKED;
	meaning->length = meaning->chunked ? 0 : parser->content_length;
	if (parser->http_minor == 0)
		meaning->keep = (flags & F_CONNECTION_KEEP_ALIVE) && !(flags & (F_CONNECTION_CLOSE | F_TRANSFER_ENCODING));
	else
		meaning->keep = !(flags & F_CONNECTION_CLOSE);
	parser->upgrade = 0; /* an upgrade is never accepted here, so the message goes on as HTTP/1.1 */
	return true;
}

/* Of an absolute-form target (RFC 9112 section 3.2.2) only path and query count. */
static void meaning_cut_authority(struct meaning *meaning, const char *path) {
	struct slice target = {path, meaning->path_size};
	if (!target.size || target.at[0] == '/') return;
	for (size_t i = 0; i + 2 < target.size; i++) {
		if (memcmp(target.at + i, "://", 3) != 0) continue;
		const char *slash = memchr(target.at + i + 3, '/', target.size - i - 3);
		if (!slash) return;
		meaning->path_at += (uint32_t)(slash - path);
		meaning->path_size = (uint16_t)(meaning->path_size - (slash - path));
		return;
	}
}

static bool meaning_equal(const struct meaning *a, const struct meaning *b) {
	return a->length == b->length && a->path_at == b->path_at && a->path_size == b->path_size && a->method == b->method &&
	       a->chunked == b->chunked && a->keep == b->keep && a->expects_continue == b->expects_continue;
}

static void head_learn(struct h1_server *server, struct slice head) {
	struct h1_server_shared *shared = server->shared;
	for (int i = 0; i < HEAD_COUNT; i++)
		if (meaning_equal(&shared->meanings[i], &server->meaning) && head_loosen(&shared->heads, i, head)) return;
	int number = head_keep(&shared->heads, head);
	if (number < 0) return;
	shared->meanings[number] = server->meaning;
	shared->parsers[number] = server->parser;
}

static void request_describe(const struct h1_server *server, uint64_t body_bytes, struct h1_server_request *ret) {
	const struct meaning *meaning = &server->meaning;
	*ret = (struct h1_server_request){
		.method = meaning->method == HTTP_GET ? SLICE("GET") : slice_of(llhttp_method_name(meaning->method)),
		.path = server->path,
		.keep_alive = meaning->keep,
		.is_head = meaning->method == HTTP_HEAD,
		.expects_continue = meaning->expects_continue,
		.body_bytes = body_bytes,
	};
}

/* Acts on a complete head. The parser of a chunked message stands directly behind it. */
static void head_take(struct h1_server *server) {
	const struct meaning *meaning = &server->meaning;
	const struct h1_server_events *events = server->shared->events;
	server->begun = false;
	server->left = meaning->length;
	server->body_bytes = 0;
	server->phase = meaning->chunked ? PHASE_CHUNKED : meaning->length ? PHASE_LENGTH : PHASE_DONE;
	if (meaning->chunked) {
		server->head_bytes = 0;
		llhttp_resume(&server->parser);
	}
	if (!events || !events->head) return;
	struct h1_server_request request;
	request_describe(server, meaning->length, &request);
	events->head(server->shared->owner, &request);
}

/* Takes the head of `*rest` over from the memory, without parsing. Returns whether that was possible. */
static bool head_recall(struct h1_server *server, struct slice *rest) {
	struct h1_server_shared *shared = server->shared;
	int number = head_find(&shared->heads, *rest);
	if (number < 0) return false;
	size_t size = head_size(&shared->heads, number);
	server->meaning = shared->meanings[number];
	server->path = (struct slice){rest->at + server->meaning.path_at, server->meaning.path_size};
	if (server->meaning.chunked) {
		server->parser = shared->parsers[number];
		server->parser.data = server;
	}
	*rest = (struct slice){rest->at + size, rest->size - size};
	head_take(server);
	return true;
}

/* Reads (more of) a head from `*rest`, up to its end or the end of `*rest`. */
static bool head_read(struct h1_server *server, struct slice *rest) {
	bool whole = !server->begun;
	if (whole) {
		if (head_recall(server, rest)) return true;
		llhttp_init(&server->parser, HTTP_REQUEST, &settings);
		server->parser.data = server;
		server->begun = true;
		server->head_bytes = 0;
		server->field = server->value = (struct word){0};
		server->meaning = (struct meaning){0};
	}
	struct slice piece = *rest;
	if (piece.size > H1_SERVER_HEAD_MAX - server->head_bytes) piece.size = H1_SERVER_HEAD_MAX - server->head_bytes;
	if (!piece.size) return false;
	server->shared->begin = piece.at;
	llhttp_errno_t result = llhttp_execute(&server->parser, piece.at, piece.size);
	if (result != HPE_OK && result != HPE_PAUSED) return false;
	if (result == HPE_PAUSED) piece.size = (size_t)(llhttp_get_error_pos(&server->parser) - piece.at);
	server->head_bytes += (uint32_t)piece.size;
	*rest = (struct slice){rest->at + piece.size, rest->size - piece.size};
	if (result == HPE_OK) return true;
	if (!meaning_read(server)) return false;
	uint32_t copy_at = server->meaning.path_at;
	meaning_cut_authority(&server->meaning, server->path_copy);
	server->path = (struct slice){server->path_copy + (server->meaning.path_at - copy_at), server->meaning.path_size};
	if (whole) head_learn(server, piece);
	head_take(server);
	return true;
}

static bool chunks_read(struct h1_server *server, struct slice *rest) {
	while (rest->size && server->phase == PHASE_CHUNKED) {
		struct slice piece = *rest;
		if (piece.size > H1_SERVER_HEAD_MAX - server->head_bytes) piece.size = H1_SERVER_HEAD_MAX - server->head_bytes;
		if (!piece.size) return false; /* endless trailers or chunk extensions */
		server->shared->mark = NULL;
		llhttp_errno_t result = llhttp_execute(&server->parser, piece.at, piece.size);
		if (result != HPE_OK && result != HPE_PAUSED) return false;
		if (result == HPE_PAUSED) {
			piece.size = (size_t)(llhttp_get_error_pos(&server->parser) - piece.at);
			server->phase = PHASE_DONE;
		}
		const char *mark = server->shared->mark, *end = piece.at + piece.size;
		server->head_bytes = mark ? (uint32_t)(end - mark) : server->head_bytes + (uint32_t)piece.size;
		*rest = (struct slice){end, rest->size - piece.size};
	}
	return true;
}

static void body_read(struct h1_server *server, struct slice *rest) {
	const struct h1_server_events *events = server->shared->events;
	size_t size = server->left < rest->size ? (size_t)server->left : rest->size;
	if (!size) return;
	server->left -= size;
	server->body_bytes += size;
	if (!server->left) server->phase = PHASE_DONE;
	if (events && events->body) events->body(server->shared->owner, (struct slice){rest->at, size});
	*rest = (struct slice){rest->at + size, rest->size - size};
}

struct h1_server_shared *h1_server_new_shared(const struct h1_server_events *events) {
	struct h1_server_shared *shared = mem_zeroed(1, sizeof(*shared));
	shared->events = events;
	head_init(&shared->heads);
	return shared;
}

void h1_server_free_shared(struct h1_server_shared *shared) {
	free(shared);
}

size_t h1_server_state_bytes(void) {
	return sizeof(struct h1_server);
}

void h1_server_start(void *state, struct h1_server_shared *shared) {
	struct h1_server *server = state;
	memset(server, 0, offsetof(struct h1_server, path_copy));
	server->shared = shared;
}

enum h1_server_result h1_server_feed(void *state, struct slice bytes, size_t *used, struct h1_server_request *ret, void *owner) {
	struct h1_server *server = state;
	struct slice rest = bytes;
	bool good = true;
	server->shared->owner = owner;
	while (good && rest.size && server->phase == PHASE_HEAD) good = head_read(server, &rest);
	if (good && server->phase == PHASE_CHUNKED) good = chunks_read(server, &rest);
	if (server->phase == PHASE_LENGTH) body_read(server, &rest);
	*used = bytes.size - rest.size;
	if (!good) return H1_SERVER_BAD;
	if (server->phase == PHASE_DONE) {
		request_describe(server, server->body_bytes, ret);
		server->phase = PHASE_HEAD;
		return H1_SERVER_REQUEST;
	}
	/* The rest of the body comes with other bytes: the path must outlive these. */
	if (server->phase != PHASE_HEAD && server->path.at != server->path_copy && server->path.size) {
		memmove(server->path_copy, server->path.at, server->path.size);
		server->path.at = server->path_copy;
	}
	return H1_SERVER_MORE;
}
