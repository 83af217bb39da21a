#include "http/h1_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#include "base/arena.h"
#include "http/head.h"

#define PATH_MAX_BYTES 1024
#define VALUE_MAX_BYTES 1024

enum phase {
	PHASE_HEAD,    /* a head is awaited or begun */
	PHASE_LENGTH,  /* `left` bytes of the body are to come */
	PHASE_CHUNKED, /* the parser is in the body or its trailers */
	PHASE_DONE,    /* the request is complete; only within feed() */
};

/* Fields that are looked for. */
enum field {
	FIELD_AUTHORIZATION,
	FIELD_COOKIE,
	FIELD_KEPT, /* of so many the value is kept */
	FIELD_EXPECT = FIELD_KEPT,
	FIELD_OTHER, /* the rest; last */
};

static const struct slice field_names[FIELD_OTHER] = {SLICE("authorization"), SLICE("cookie"), SLICE("expect")};

/* Bytes of a head, from its begin; size 0: none. */
struct span {
	uint32_t at, size;
};

/* What a request head says. Where something stands in it: only of heads that came in one piece. */
struct meaning {
	uint64_t length;                /* of the body; 0 with `chunked` */
	struct span values[FIELD_KEPT]; /* from the colon to the line's end */
	uint32_t path_at;
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
	struct slice path;               /* in the fed bytes, or `path_copy` */
	struct slice values[FIELD_KEPT]; /* the same with `value_copies` */
	uint64_t left;
	uint64_t body_bytes;
	uint32_t head_bytes; /* bytes of the head; then, chunked: bytes since the last byte of the body */
	uint8_t phase;
	bool begun;    /* the parser is in the middle of a head */
	uint8_t field; /* enum field: the one that is being read */
	uint8_t seen;  /* bit i: field i was there */
	struct word name;
	struct word value;
	struct meaning meaning;
	llhttp_t parser;
	char path_copy[PATH_MAX_BYTES];
	char value_copies[FIELD_KEPT][VALUE_MAX_BYTES];
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

/* Which field a name may be that begins so: one at most. */
static enum field field_of(char first) {
	for (unsigned i = 0; i < FIELD_OTHER; i++)
		if ((first | 0x20) == field_names[i].at[0]) return i;
	return FIELD_OTHER;
}

static int take_field(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	if (size == 0) return 0;
	if (server->name.seen == 0 && !server->name.differs) server->field = (uint8_t)field_of(at[0]);
	if (server->field == FIELD_OTHER)
		server->name.differs = true;
	else
		word_add(&server->name, field_names[server->field], at, size);
	return 0;
}

static int end_field(llhttp_t *parser) {
	struct h1_server *server = parser->data;
	bool is_known = server->field != FIELD_OTHER && word_end(&server->name, field_names[server->field]);
	server->name = (struct word){0};
	/* Trailers do not count (RFC 9110 section 6.5.1), and of values that are kept only the first. */
	if (!is_known || server->phase != PHASE_HEAD || server->seen & 1u << server->field) server->field = FIELD_OTHER;
	if (server->field < FIELD_KEPT) server->seen |= (uint8_t)(1u << server->field);
	return 0;
}

/* Adds a piece to the value of a field that is kept. */
static void value_add(struct h1_server *server, const char *at, size_t size) {
	struct slice *value = &server->values[server->field];
	struct span *span = &server->meaning.values[server->field];
	if (span->size == 0) span->at = (uint32_t)(at - server->shared->begin);
	span->size += (uint32_t)size;
	if (size > VALUE_MAX_BYTES - value->size) size = VALUE_MAX_BYTES - value->size;
	char *copy = server->value_copies[server->field];
	memcpy(copy + value->size, at, size);
	*value = (struct slice){copy, value->size + size};
}

static int take_value(llhttp_t *parser, const char *at, size_t size) {
	struct h1_server *server = parser->data;
	if (server->field < FIELD_KEPT) value_add(server, at, size);
	if (server->field == FIELD_EXPECT) word_add(&server->value, SLICE("100-continue"), at, size);
	return 0;
}

static int end_value(llhttp_t *parser) {
	struct h1_server *server = parser->data;
	if (server->field < FIELD_KEPT) server->values[server->field] = slice_trim(server->values[server->field]);
	if (server->field == FIELD_EXPECT && word_end(&server->value, SLICE("100-continue"))) server->meaning.expects_continue = true;
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
	       a->chunked == b->chunked && a->keep == b->keep && a->expects_continue == b->expects_continue &&
	       memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

/* Makes the spans of values go from colon to line end, because so much may differ in heads that are taken for the same. False: a line is folded. */
static bool meaning_widen(struct meaning *meaning, struct slice head) {
	for (unsigned i = 0; i < FIELD_KEPT; i++) {
		struct span *span = &meaning->values[i];
		if (span->size == 0) continue;
		uint32_t from = span->at;
		while (head.at[from - 1] == ' ' || head.at[from - 1] == '\t') from--;
		const char *end = memchr(head.at + from, '\r', head.size - from);
		if (head.at[from - 1] != ':' || !end || end[1] != '\n' || end[2] == ' ' || end[2] == '\t') return false;
		*span = (struct span){from, (uint32_t)(end - head.at) - from};
	}
	return true;
}

/* Returns the value that stands in a head. */
static struct slice meaning_value(const struct meaning *meaning, unsigned field, const char *head) {
	const struct span *span = &meaning->values[field];
	if (span->size == 0) return (struct slice){NULL, 0};
	struct slice value = slice_trim((struct slice){head + span->at, span->size});
	if (value.size > VALUE_MAX_BYTES) value.size = VALUE_MAX_BYTES;
	return slice_trim(value);
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
		.authorization = server->values[FIELD_AUTHORIZATION],
		.cookie = server->values[FIELD_COOKIE],
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
	for (unsigned i = 0; i < FIELD_KEPT; i++) server->values[i] = meaning_value(&server->meaning, i, rest->at);
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
		server->name = server->value = (struct word){0};
		server->field = FIELD_OTHER;
		server->seen = 0;
		server->meaning = (struct meaning){0};
		memset(server->values, 0, sizeof(server->values));
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
	if (whole && meaning_widen(&server->meaning, piece)) head_learn(server, piece);
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

static void slice_keep(struct slice *text, char *copy) {
	if (text->at == copy || text->size == 0) return;
	memmove(copy, text->at, text->size);
	text->at = copy;
}

/* Makes what is told of a request outlive the bytes that it came in. */
static void text_keep(struct h1_server *server) {
	slice_keep(&server->path, server->path_copy);
	for (unsigned i = 0; i < FIELD_KEPT; i++) slice_keep(&server->values[i], server->value_copies[i]);
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
	if (server->phase != PHASE_HEAD) text_keep(server); /* the rest of the body comes with other bytes */
	return H1_SERVER_MORE;
}
