#include "net/http_server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/listening.h"

#define IDLE_S 10u
#define MEMORY_BYTES ((size_t)16 << 10) /* of a connection: longer heads are refused */
#define PAGE_MAX ((size_t)4 << 20)
#define BACKLOG 16

struct http_server {
	struct MHD_Daemon *daemon;
	http_server_page_fn *page;
	void *user;
	struct listening place;
};

/* What is known of the library's own words goes nowhere: a client's mistakes are no news for the user of a load test. */
static void drop_words(void *user, const char *format, va_list args) {
	(void)user;
	(void)format;
	(void)args;
}

/* Answers with a text that is copied. */
static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text) {
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (!response) return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result queued = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const char *type, struct buf *page) {
	size_t size = page->size;
	struct MHD_Response *response = MHD_create_response_from_buffer(size, buf_take(page), MHD_RESPMEM_MUST_FREE);
	if (!response) return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response); /* of a HEAD the library leaves the body out */
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
	const char *body, size_t *body_size, void **state) {
	struct http_server *server = user;
	static int seen;
	(void)version;
	(void)body;
	bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	if (!reads) return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
	if (!*state || *body_size > 0) { /* the head has come; what follows it is of no interest */
		*state = &seen;
		*body_size = 0;
		return MHD_YES;
	}
	struct buf page;
	buf_init(&page, PAGE_MAX);
	const char *type = server->page(server->user, path, &page);
	enum MHD_Result queued = type ? answer_page(connection, type, &page) : answer_text(connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
	buf_fini(&page);
	return queued;
}

bool http_server_open(const char *address, http_server_page_fn *page, void *user, struct http_server **ret, struct err *err) {
	struct http_server *server = mem_zeroed(1, sizeof(*server));
	server->page = page;
	server->user = user;
	if (listening_open(address, "127.0.0.1:9464", BACKLOG, &server->place, err)) {
		/* epoll: a run may have more descriptors open than select() can name; ITC: with all connections taken the end would not be noticed otherwise */
		server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
			MHD_OPTION_EXTERNAL_LOGGER, drop_words, NULL, MHD_OPTION_LISTEN_SOCKET, server->place.fd, MHD_OPTION_CONNECTION_LIMIT,
			(unsigned)HTTP_SERVER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_BYTES,
			MHD_OPTION_END);
		if (!server->daemon) {
			close(server->place.fd);
			err_set(err, ERR_FAILED, "'%s': the server of the figures cannot be started", address);
		}
	}
	if (!server->daemon) {
		free(server);
		return false;
	}
	*ret = server;
	return true;
}

const char *http_server_address(const struct http_server *server) {
	return server->place.address;
}

bool http_server_is_loopback(const struct http_server *server) {
	return server->place.loopback;
}

void http_server_close(struct http_server *server) {
	if (!server) return;
	MHD_stop_daemon(server->daemon);
	free(server);
}
