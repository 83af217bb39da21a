#include "http/h2_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "http/h2_out.h"
#include "http/h2_pool.h"

#define WINDOW (1 << 30)                 /* of the connection */
#define STREAM_WINDOW (16 << 20)         /* of a request: what /echo takes */
#define HEAD_BYTES_MAX ((size_t)4 << 20) /* of an answer */
#define PATH_MAX_BYTES 1024
#define VALUE_MAX_BYTES 1024

struct stream {
	struct stream *before, *next; /* of the connection's */
	int32_t number;
	bool expects_continue;
	bool has_trailers;
	uint8_t method_size;
	uint16_t path_size, authorization_size, cookie_size;
	char method[32];
	char path[PATH_MAX_BYTES];
	char authorization[VALUE_MAX_BYTES];
	char cookie[VALUE_MAX_BYTES];
	_Alignas(max_align_t) char mark[];
};

struct h2_server_shared {
	const struct h2_server_events *events;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *options;
	struct h2_pool pool;
	struct h2_out *spare; /* NULL: a connection has it */
};

struct h2_server {
	struct h2_server_shared *shared;
	void *owner;
	nghttp2_session *session;
	struct stream *streams;
	struct h2_out *out; /* NULL: nothing waits */
	struct h2_mark pending;
	bool is_broken;
};

static struct stream *find_stream(struct h2_server *server, int32_t number) {
	return nghttp2_session_get_stream_user_data(server->session, number);
}

static struct h2_server_request describe(const struct stream *stream) {
	struct slice method = {stream->method, stream->method_size};
	return (struct h2_server_request){
		.method = method,
		.path = {stream->path, stream->path_size},
		.is_head = slice_equal(method, SLICE("HEAD")),
		.expects_continue = stream->expects_continue,
		.authorization = {stream->authorization, stream->authorization_size},
		.cookie = {stream->cookie, stream->cookie_size},
	};
}

/* ---- what comes */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
	struct h2_server *server = user;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
	size_t mark = server->shared->events->mark_bytes;
	struct stream *stream = server->shared->pool.mem.malloc(sizeof(*stream) + mark, &server->shared->pool);
	stream->number = frame->hd.stream_id;
	stream->expects_continue = stream->has_trailers = false;
	stream->method_size = 0;
	stream->path_size = stream->authorization_size = stream->cookie_size = 0;
	memset(stream->mark, 0, mark);
	stream->before = NULL;
	stream->next = server->streams;
	if (stream->next) stream->next->before = stream;
	server->streams = stream;
	nghttp2_session_set_stream_user_data(session, stream->number, stream);
	return 0;
}

static size_t cut_copy(char *into, size_t room, const uint8_t *from, size_t size) {
	size_t kept = size < room ? size : room;
	memcpy(into, from, kept);
	return kept;
}

/* Keeps a value that only some endpoints ask for. */
static void take_value(struct stream *stream, struct slice name, const uint8_t *value, size_t size) {
	if (slice_equal(name, SLICE("authorization")) && stream->authorization_size == 0)
		stream->authorization_size = (uint16_t)cut_copy(stream->authorization, VALUE_MAX_BYTES, value, size);
	if (!slice_equal(name, SLICE("cookie"))) return;
	size_t have = stream->cookie_size;
	if (have > 0) have += cut_copy(stream->cookie + have, VALUE_MAX_BYTES - have, (const uint8_t *)"; ", 2);
	stream->cookie_size = (uint16_t)(have + cut_copy(stream->cookie + have, VALUE_MAX_BYTES - have, value, size));
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size, const uint8_t *value,
	size_t value_size, uint8_t flags, void *user) {
	struct stream *stream = find_stream(user, frame->hd.stream_id);
	(void)session, (void)flags;
	if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
	if (name_size == 5 && memcmp(name, ":path", 5) == 0) stream->path_size = (uint16_t)cut_copy(stream->path, PATH_MAX_BYTES, value, value_size);
	if (name_size == 7 && memcmp(name, ":method", 7) == 0)
		stream->method_size = (uint8_t)cut_copy(stream->method, sizeof(stream->method), value, value_size);
	if (name_size == 6 && memcmp(name, "expect", 6) == 0)
		stream->expects_continue = slice_equal_nocase((struct slice){(const char *)value, value_size}, SLICE("100-continue"));
	if (name[0] == 'a' || name[0] == 'c') take_value(stream, (struct slice){(const char *)name, name_size}, value, value_size);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t number, const uint8_t *bytes, size_t size, void *user) {
	struct h2_server *server = user;
	struct stream *stream = find_stream(server, number);
	(void)session, (void)flags;
	if (stream) server->shared->events->body(server->owner, stream->mark, (struct slice){(const char *)bytes, size});
	return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
	struct h2_server *server = user;
	const struct h2_server_events *events = server->shared->events;
	(void)session;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
	struct stream *stream = find_stream(server, frame->hd.stream_id);
	if (!stream) return 0;
	struct h2_server_request request = describe(stream);
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		events->head(server->owner, stream->mark, stream->number, &request);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) events->request(server->owner, stream->mark, &request);
	return 0;
}

static void end_stream(struct h2_server *server, struct stream *stream) {
	if (stream->before)
		stream->before->next = stream->next;
	else
		server->streams = stream->next;
	if (stream->next) stream->next->before = stream->before;
	server->shared->events->closed(server->owner, stream->mark);
	nghttp2_session_set_stream_user_data(server->session, stream->number, NULL);
	server->shared->pool.mem.free(stream, &server->shared->pool);
}

static int on_stream_close(nghttp2_session *session, int32_t number, uint32_t code, void *user) {
	struct h2_server *server = user;
	struct stream *stream = find_stream(server, number);
	(void)session, (void)code;
	if (stream) end_stream(server, stream);
	return 0;
}

/* ---- what is sent */

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
	struct h2_server *server = user;
	(void)session;
	bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || !ends) return 0;
	struct stream *stream = find_stream(server, frame->hd.stream_id);
	if (stream) server->pending = (struct h2_mark){.stream = stream->number, .all = server->shared->events->ended(server->owner, stream->mark)};
	return 0;
}

static ssize_t read_body(
	nghttp2_session *session, int32_t number, uint8_t *into, size_t room, uint32_t *flags, nghttp2_data_source *source, void *user) {
	struct h2_server *server = user;
	struct stream *stream = find_stream(server, number);
	(void)session, (void)source;
	if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	enum h2_server_more more;
	size_t size = server->shared->events->read(server->owner, stream->mark, (char *)into, room, &more);
	if (size == 0 && more == H2_SERVER_LATER) return NGHTTP2_ERR_DEFERRED;
	if (size == 0 && more == H2_SERVER_BREAK) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (more == H2_SERVER_END) *flags |= NGHTTP2_DATA_FLAG_EOF | (stream->has_trailers ? NGHTTP2_DATA_FLAG_NO_END_STREAM : 0u);
	return (ssize_t)size;
}

/* ---- connections */

struct h2_server_shared *h2_server_new_shared(const struct h2_server_events *events) {
	struct h2_server_shared *shared = mem_zeroed(1, sizeof(*shared));
	shared->events = events;
	h2_pool_init(&shared->pool);
	if (nghttp2_session_callbacks_new(&shared->callbacks) != 0 || nghttp2_option_new(&shared->options) != 0) mem_fail();
	nghttp2_session_callbacks *callbacks = shared->callbacks;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_option_set_no_closed_streams(shared->options, 1);
	nghttp2_option_set_max_send_header_block_length(shared->options, HEAD_BYTES_MAX);
	return shared;
}

void h2_server_free_shared(struct h2_server_shared *shared) {
	if (!shared) return;
	nghttp2_session_callbacks_del(shared->callbacks);
	nghttp2_option_del(shared->options);
	h2_pool_fini(&shared->pool);
	h2_out_free(shared->spare);
	free(shared);
}

struct h2_server *h2_server_new(struct h2_server_shared *shared, void *owner, uint32_t streams) {
	struct h2_server *server = mem_zeroed(1, sizeof(*server));
	nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
	};
	server->shared = shared;
	server->owner = owner;
	if (nghttp2_session_server_new3(&server->session, shared->callbacks, server, shared->options, &shared->pool.mem) != 0) mem_fail();
	if (nghttp2_submit_settings(server->session, NGHTTP2_FLAG_NONE, settings, LENGTH(settings)) != 0) mem_fail();
	if (nghttp2_session_set_local_window_size(server->session, NGHTTP2_FLAG_NONE, 0, WINDOW) != 0) mem_fail();
	return server;
}

void h2_server_free(struct h2_server *server) {
	while (server->streams) end_stream(server, server->streams);
	nghttp2_session_del(server->session);
	if (server->out) h2_out_drop(&server->out, &server->shared->spare);
	free(server);
}

bool h2_server_feed(struct h2_server *server, struct slice bytes) {
	if (server->is_broken) return false;
	ssize_t taken = nghttp2_session_mem_recv(server->session, (const uint8_t *)bytes.at, bytes.size);
	server->is_broken = taken < 0;
	return !server->is_broken;
}

struct slice h2_server_drain(struct h2_server *server) {
	ssize_t size = 1;
	if (nghttp2_session_want_write(server->session)) {
		if (!server->out) h2_out_begin(&server->out, &server->shared->spare);
		while (size > 0 && !h2_out_is_full(server->out)) size = h2_out_add(server->out, server->session, &server->pending);
		if (size < 0) server->is_broken = true;
		if (server->out->begin == server->out->end) h2_out_drop(&server->out, &server->shared->spare);
	}
	const struct h2_out *out = server->out;
	return out ? (struct slice){out->bytes + out->begin, out->end - out->begin} : (struct slice){"", 0};
}

unsigned h2_server_drained(struct h2_server *server, size_t bytes) {
	struct h2_out *out = server->out;
	unsigned answers = 0;
	out->begin += bytes;
	for (; out->mark < out->mark_count && out->marks[out->mark].end <= out->begin; out->mark++) answers += out->marks[out->mark].all;
	if (out->begin == out->end) h2_out_drop(&server->out, &server->shared->spare);
	return answers;
}

bool h2_server_is_over(const struct h2_server *server) {
	if (server->out) return false;
	return server->is_broken || (!nghttp2_session_want_read(server->session) && !nghttp2_session_want_write(server->session));
}

/* ---- answers */

static nghttp2_nv make_field(struct slice name, struct slice value, uint8_t flags) {
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at, name.size, value.size, flags};
}

/* Fills `nv`, which has room for H2_SERVER_FIELDS. */
static size_t make_fields(nghttp2_nv *nv, const struct h2_server_fields *fields) {
	assert(fields->count <= H2_SERVER_FIELDS);
	for (size_t i = 0; i < fields->count; i++) {
		const struct h2_server_field *field = &fields->at[i];
		nv[i] = make_field(field->name, field->value, field->is_unique ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
	}
	return fields->count;
}

/* A head as the library wants it. */
struct head {
	size_t count;
	char digits[4];
	nghttp2_nv nv[H2_SERVER_FIELDS + 1];
};

static void make_head(struct head *head, const struct h2_server_fields *fields) {
	unsigned status = fields->status;
	assert(status >= 100 && status <= 999);
	for (int i = 2; i >= 0; i--, status /= 10) head->digits[i] = (char)('0' + status % 10);
	head->nv[0] = make_field(SLICE(":status"), (struct slice){head->digits, 3}, 0);
	head->count = 1 + make_fields(head->nv + 1, fields);
}

void h2_server_interim(struct h2_server *server, int32_t stream, const struct h2_server_fields *fields) {
	struct head head;
	make_head(&head, fields);
	nghttp2_submit_headers(server->session, NGHTTP2_FLAG_NONE, stream, NULL, head.nv, head.count, NULL);
}

void h2_server_answer(struct h2_server *server, int32_t stream, const struct h2_server_fields *fields, bool has_body) {
	nghttp2_data_provider body = {.read_callback = read_body};
	struct head head;
	make_head(&head, fields);
	nghttp2_submit_response(server->session, stream, head.nv, head.count, has_body ? &body : NULL);
}

void h2_server_trailers(struct h2_server *server, int32_t stream, const struct h2_server_fields *trailers) {
	nghttp2_nv nv[H2_SERVER_FIELDS];
	struct stream *found = find_stream(server, stream);
	if (!found) return;
	found->has_trailers = true;
	nghttp2_submit_trailer(server->session, stream, nv, make_fields(nv, trailers));
}

void h2_server_resume(struct h2_server *server, int32_t stream) {
	nghttp2_session_resume_data(server->session, stream);
}

void h2_server_reset(struct h2_server *server, int32_t stream) {
	nghttp2_submit_rst_stream(server->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
}

void h2_server_leave(struct h2_server *server) {
	int32_t last = nghttp2_session_get_last_proc_stream_id(server->session);
	nghttp2_submit_goaway(server->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}
