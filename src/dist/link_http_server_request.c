#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "dist/link_http_server_inner.h"

#define MEMORY_BYTES ((size_t)16 << 10) /* of a connection: longer heads are refused */
#define STREAM_BLOCK ((size_t)1 << 10)  /* the library fills what the connection's memory has left, not this */
#define CHUNKED_FIRST ((size_t)64 << 10)
#define NOT_YET 0u

static enum MHD_Result answer(struct visitor *visitor, unsigned status, const char *text) {
	char challenge[DIGEST_CHALLENGE];
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (!response) return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	MHD_add_response_header(response, WIRE_MARK, WIRE_VERSION);
	if (status == MHD_HTTP_UNAUTHORIZED && digest_challenge(&visitor->digest, visitor->request.stale, challenge))
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, challenge);
	enum MHD_Result queued = MHD_queue_response(visitor->connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

/* Notes a refusal; it is sent when the request has come to its end, so that the connection stays. */
static void refuse(struct request *request, unsigned status, const char *words) {
	request->status = status;
	request->words = words;
}

/* Tells the caller about it, some time. */
static void note_refusal(struct visitor *visitor, const char *words) {
	pthread_mutex_lock(&visitor->server->lock);
	visitor_refused(visitor->server, visitor->address, words);
	pthread_mutex_unlock(&visitor->server->lock);
}

static const char *head_field(struct MHD_Connection *connection, const char *name) {
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
	return value ? value : "";
}

/* Which resource; refuses what is none. */
static void find_resource(struct request *request, const char *path, const char *method) {
	static const struct {
		const char *path, *method;
		enum request_what what;
	} resources[] = {
		{WIRE_HEALTH, MHD_HTTP_METHOD_GET, REQUEST_HEALTH},
		{WIRE_JOIN, MHD_HTTP_METHOD_POST, REQUEST_JOIN},
		{WIRE_COMMANDS, MHD_HTTP_METHOD_GET, REQUEST_COMMANDS},
		{WIRE_MESSAGE, MHD_HTTP_METHOD_POST, REQUEST_MESSAGE},
	};
	for (size_t i = 0; i < LENGTH(resources); i++) {
		if (strcmp(path, resources[i].path) != 0) continue;
		request->what = resources[i].what;
		if (strcmp(method, resources[i].method) != 0) refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "another method is wanted here\n");
		return;
	}
	refuse(request, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
}

/* Whether the visitor may speak at all. Counts those who may not. */
static void check_visitor(struct visitor *visitor, const char *path, const char *method) {
	struct server *server = visitor->server;
	struct request *request = &visitor->request;
	const char *shown = head_field(visitor->connection, MHD_HTTP_HEADER_AUTHORIZATION);
	if (server->ca && !server_certificate_holds(visitor->connection)) {
		note_refusal(visitor, "it shows no certificate of our authority");
		refuse(request, MHD_HTTP_FORBIDDEN, "a client certificate of the controller's authority is wanted\n");
	} else if (server->token) {
		struct digest_request about = {.authorization = shown, .method = method, .path = path};
		enum digest_result result = digest_check(&visitor->digest, &about, server->token);
		request->stale = result == DIGEST_STALE;
		visitor->challenged = result != DIGEST_RIGHT && (!shown[0] || request->stale);
		if (result != DIGEST_RIGHT) refuse(request, MHD_HTTP_UNAUTHORIZED, "the token is wanted\n");
		if (result == DIGEST_WRONG && shown[0]) note_refusal(visitor, "the token is wrong");
	}
}

/* The session of a request; also of one without the right nonce, so that its body may be read. Returns whether there is one. */
static bool find_session(struct visitor *visitor) {
	const char *session = head_field(visitor->connection, WIRE_SESSION);
	pthread_mutex_lock(&visitor->server->lock);
	struct peer *peer = peer_of_session(visitor->server, session);
	bool known = peer && !peer->ending;
	if (known && visitor->request.status == NOT_YET) visitor_bind(visitor, peer);
	pthread_mutex_unlock(&visitor->server->lock);
	return known;
}

static bool read_kind(const char *text, unsigned *ret) {
	char *end;
	unsigned long kind = strtoul(text, &end, 10);
	*ret = (unsigned)kind;
	return text[0] >= '0' && text[0] <= '9' && *end == 0 && kind < LINK_KIND_COUNT;
}

/* Returns the announced length, SIZE_MAX when it comes in chunks. */
static size_t announced(struct MHD_Connection *connection) {
	if (head_field(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING)[0] != 0) return SIZE_MAX;
	unsigned long long size = strtoull(head_field(connection, MHD_HTTP_HEADER_CONTENT_LENGTH), NULL, 10);
	return size < SIZE_MAX ? (size_t)size : SIZE_MAX - 1;
}

/* Takes memory for a body, or sends the visitor to those who wait for room. */
static void reserve(struct visitor *visitor, size_t size) {
	struct server *server = visitor->server;
	struct request *request = &visitor->request;
	size_t most = size == SIZE_MAX ? LINK_MESSAGE_MAX : size;
	pthread_mutex_lock(&server->lock);
	size_t held = server->held + server->inbox.bytes;
	request->wanted = most;
	request->waits = most > 0 && held > 0 && held + most > SERVER_HELD_MAX && visitor->peer && !server->closing;
	if (request->waits) {
		visitor->waiting = true;
		TAILQ_INSERT_TAIL(&server->waiting, visitor, in_wait);
		MHD_suspend_connection(visitor->connection);
	} else {
		server->held += most;
		request->reserved = most;
		request->room = size == SIZE_MAX ? CHUNKED_FIRST : size;
	}
	pthread_mutex_unlock(&server->lock);
	if (!request->waits && request->room > 0) request->body = mem_alloc(request->room);
}

static void unreserve(struct visitor *visitor) {
	struct server *server = visitor->server;
	struct request *request = &visitor->request;
	free(request->body);
	request->body = NULL;
	pthread_mutex_lock(&server->lock);
	if (visitor->waiting) TAILQ_REMOVE(&server->waiting, visitor, in_wait);
	visitor->waiting = false;
	server->held -= request->reserved;
	if (request->reserved > 0) visitor_wake(server);
	request->reserved = 0;
	pthread_mutex_unlock(&server->lock);
}

/* The head is here: what is wanted, and whether it is granted. */
static enum MHD_Result begin(struct visitor *visitor, const char *path, const char *method, const char *version) {
	struct request *request = &visitor->request;
	visitor->has_asked = true;
	*request = (struct request){0};
	find_resource(request, path, method);
	bool ours = request->what > REQUEST_HEALTH, known = false;
	if (ours && strcmp(version, MHD_HTTP_VERSION_1_1) != 0) refuse(request, MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is wanted\n");
	if (ours && request->status == NOT_YET) check_visitor(visitor, path, method);
	if (request->what == REQUEST_COMMANDS || request->what == REQUEST_MESSAGE) {
		known = find_session(visitor);
		if (!known && request->status == NOT_YET) refuse(request, MHD_HTTP_GONE, "the session has ended\n");
	}
	if (request->what == REQUEST_MESSAGE && request->status == NOT_YET && !read_kind(head_field(visitor->connection, WIRE_KIND), &request->kind))
		refuse(request, MHD_HTTP_BAD_REQUEST, "the message has no kind\n");
	size_t size = announced(visitor->connection);
	request->most = known && request->what == REQUEST_MESSAGE ? LINK_MESSAGE_MAX : SERVER_STRANGER_BODY;
	if (size != SIZE_MAX && size > request->most) {
		if (request->status == NOT_YET) refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long\n");
		note_refusal(visitor, "it announces too long a body");
		return answer(visitor, request->status, request->words); /* at once, then the library closes the connection */
	}
	if (request->status == NOT_YET && request->what == REQUEST_MESSAGE) reserve(visitor, size);
	return MHD_YES;
}

/* A piece of a body. MHD_NO closes the connection. */
static enum MHD_Result take(struct visitor *visitor, const char *piece, size_t size) {
	struct request *request = &visitor->request;
	bool kept = request->reserved > 0 || request->room > 0;
	if (size > request->most - request->size) { /* in chunks, and too long */
		note_refusal(visitor, "it sends too long a body");
		return MHD_NO;
	}
	if (kept && request->size + size > request->room) {
		while (request->room < request->size + size) request->room *= 2;
		request->body = mem_resize(request->body, request->room);
	}
	if (kept) memcpy(request->body + request->size, piece, size);
	request->size += size;
	return MHD_YES;
}

static enum MHD_Result finish_join(struct visitor *visitor) {
	char session[WIRE_SESSION_MAX] = "";
	pthread_mutex_lock(&visitor->server->lock);
	struct peer *peer = peer_add(visitor->server, visitor->address);
	if (peer) {
		visitor_bind(visitor, peer);
		peer_write_session(peer, session);
	}
	pthread_mutex_unlock(&visitor->server->lock);
	if (peer) return answer(visitor, MHD_HTTP_OK, session);
	return answer(visitor, MHD_HTTP_SERVICE_UNAVAILABLE, "there are too many agents, or the controller is ending\n");
}

static enum MHD_Result finish_message(struct visitor *visitor) {
	struct server *server = visitor->server;
	struct request *request = &visitor->request;
	pthread_mutex_lock(&server->lock);
	struct peer *peer = visitor->peer;
	bool taken = peer && peer->up && !peer->ending && !server->closing;
	if (taken) {
		inbox_put_message(&server->inbox, peer->id, request->kind, request->body, request->size);
		request->body = NULL;
	}
	pthread_mutex_unlock(&server->lock);
	unreserve(visitor);
	return answer(visitor, taken ? MHD_HTTP_NO_CONTENT : MHD_HTTP_GONE, taken ? "" : "the session has ended\n");
}

static enum MHD_Result finish_commands(struct visitor *visitor) {
	struct server *server = visitor->server;
	pthread_mutex_lock(&server->lock);
	struct peer *peer = visitor->peer;
	bool free = peer && !peer->up && !peer->ending && !server->closing;
	if (free) server_peer_open(peer, visitor->connection, visitor->fd);
	pthread_mutex_unlock(&server->lock);
	if (!free) return answer(visitor, MHD_HTTP_CONFLICT, "the session has a command stream, or has ended\n");
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, peer_give, peer, peer_let_go);
	if (!response) mem_fail();
	MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	MHD_add_response_header(response, WIRE_MARK, WIRE_VERSION);
	enum MHD_Result queued = MHD_queue_response(visitor->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result finish(struct visitor *visitor) {
	struct request *request = &visitor->request;
	if (request->status != NOT_YET) return answer(visitor, request->status, request->words);
	switch (request->what) {
	case REQUEST_JOIN: return finish_join(visitor);
	case REQUEST_MESSAGE: return finish_message(visitor);
	case REQUEST_COMMANDS: return finish_commands(visitor);
	case REQUEST_HEALTH:
	case REQUEST_NONE: break;
	}
	return answer(visitor, MHD_HTTP_OK, "ok\n");
}

static struct visitor *visitor_of(struct MHD_Connection *connection) {
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Called when the head has come, for each piece of the body, and at its end; once more for one that had waited. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
	const char *piece, size_t *size, void **state) {
	struct visitor *visitor = visitor_of(connection);
	(void)user;
	if (!*state) {
		*state = visitor;
		return begin(visitor, path, method, version);
	}
	if (visitor->request.waits) {
		visitor->request.waits = false;
		reserve(visitor, announced(connection));
		return MHD_YES;
	}
	if (*size == 0) return finish(visitor);
	enum MHD_Result taken = take(visitor, piece, *size);
	*size = 0;
	return taken;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
	struct visitor *visitor = visitor_of(connection);
	(void)user;
	(void)code;
	if (!*state) return;
	*state = NULL;
	unreserve(visitor);
	if (visitor->request.what != REQUEST_COMMANDS) return;
	pthread_mutex_lock(&visitor->server->lock);
	if (visitor->peer && visitor->peer->stream == connection) peer_down(visitor->peer, "its connection was closed");
	pthread_mutex_unlock(&visitor->server->lock);
}

static void on_connection(void *user, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code) {
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = visitor_add(user, connection);
	} else {
		visitor_free(*context);
	}
}

static enum MHD_Result on_newcomer(void *user, const struct sockaddr *address, socklen_t size) {
	(void)address;
	(void)size;
	return visitor_is_welcome(user) ? MHD_YES : MHD_NO;
}

/* The library's words about foreign speakers: ours are in link_http_refused. */
static void drop_words(void *user, const char *format, va_list args) {
	(void)user;
	(void)format;
	(void)args;
}

bool server_start(struct server *server, struct err *err) {
	struct MHD_OptionItem options[16] = {
		{MHD_OPTION_LISTEN_SOCKET, server->place.fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)(2 * server->peers_max + 2 * SERVER_STRANGERS), NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)MEMORY_BYTES, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
		{server->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, server->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
		{server->ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, server->ca},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (server->cert ? MHD_USE_TLS : 0);
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the caller's thread */
	server->daemon = MHD_start_daemon(flags, 0, on_newcomer, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, drop_words, NULL,
		MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return server->daemon || err_set(err, ERR_FAILED, "'%s': the server of the agents cannot be started", server->place.address);
}
