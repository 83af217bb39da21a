#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "dist/control_plane_inner.h"
#include "dist/control_words.h"

#define IN_MAX (2 * CONTROL_PLANE_BYTES + PLANE_PIECE)
#define OUT_MAX (CONTROL_PLANE_ANSWER_MAX + 1024)
#define DATE_SIZE 32

static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8", json_type[] = "application/json";

struct route {
	const char *path, *method;
	enum control_kind kind;
	bool is_old; /* another method is as good as another path */
};

static const struct route routes[] = {
	{"/start", "POST", CONTROL_START, true},
	{"/stop", "POST", CONTROL_STOP, true},
	{"/status", "GET", CONTROL_STATUS, false},
	{"/agents", "GET", CONTROL_AGENTS, false},
	{"/scenarios", "GET", CONTROL_SCENARIOS, false},
	{"/metrics", "GET", CONTROL_METRICS, false},
};

static const char health_path[] = "/healthz";

void visit_begin(struct visit *visit, int fd, nsec until) {
	*visit = (struct visit){.fd = fd, .state = VISIT_HEAD, .until = until, .reader = control_head_new()};
	buf_init(&visit->in, IN_MAX);
	buf_init(&visit->out, OUT_MAX);
}

void visit_end(struct control_plane *plane, struct visit *visit) {
	if (visit->request) plane_forget(plane, visit->request);
	visit->request = NULL;
	control_head_free(visit->reader);
	visit->reader = NULL;
	buf_fini(&visit->in);
	buf_fini(&visit->out);
	close(visit->fd);
	visit->state = VISIT_OVER;
}

short visit_events(const struct visit *visit) {
	if (visit->state == VISIT_WAIT) return 0;
	return visit->state == VISIT_ANSWER ? POLLOUT : POLLIN;
}

nsec visit_until(const struct visit *visit) {
	return visit->until;
}

/* ---- answers ---- */

static const char *reason_of(unsigned status) {
	static const struct {
		unsigned status;
		const char *words;
	} reasons[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};
	for (size_t i = 0; i < LENGTH(reasons); i++)
		if (reasons[i].status == status) return reasons[i].words;
	return "Answer";
}

/* "Fri, 27 Nov 2026 10:40:12 GMT" (RFC 9110 section 5.6.7), whatever the locale. */
static void write_date(char into[DATE_SIZE]) {
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	snprintf(into, DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7], (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12],
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

static void answer(struct visit *visit, unsigned status, const char *type, const char *body) {
	struct buf *out = &visit->out;
	char date[DATE_SIZE];
	write_date(date);
	buf_add_format(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n", status,
		reason_of(status), date, type, strlen(body));
	if (status == 401) buf_add_text(out, "WWW-Authenticate: Bearer\r\n");
	if (status == 405) buf_add_text(out, "Allow: GET\r\n");
	if (status == 409) buf_add_text(out, "Retry-After: 1\r\n");
	buf_add_text(out, "\r\n");
	if (!visit->bare) buf_add_text(out, body);
	buf_fini(&visit->in);
	visit->state = VISIT_ANSWER;
	visit->until = clock_now() + PLANE_WRITE_LIMIT;
}

static void refuse(struct visit *visit, unsigned status, const char *words) {
	char *body = control_words_error(words);
	answer(visit, status, json_type, body);
	free(body);
}

/* ---- requests ---- */

/* Returns whether a request bears the token. How long that takes tells nothing of it but its length. */
static bool bears_token(const struct control_head *head, const char *token) {
	static const char scheme[] = "Bearer ";
	struct slice given = head->authorization, right = slice_of(token);
	size_t ahead = sizeof(scheme) - 1;
	volatile unsigned char differs = 0;
	if (head->authorizations != 1 || given.size < ahead || memcmp(given.at, scheme, ahead) != 0) return false;
	given = slice_trim((struct slice){given.at + ahead, given.size - ahead});
	if (given.size != right.size) return false;
	for (size_t i = 0; i < given.size; i++) differs = (unsigned char)(differs | (given.at[i] ^ right.at[i]));
	return differs == 0;
}

/* Whether the client may ask at all. */
static bool check_client(const struct control_plane *plane, struct visit *visit, const struct control_head *head) {
	if (plane->token && !bears_token(head, plane->token)) {
		refuse(visit, 401, "the token of --control-auth-token is wanted; send Authorization: Bearer TOKEN");
		return false;
	}
	if (!plane->token && head->has_origin) {
		refuse(visit, 403, "pages of a browser need a token; start the controller with --control-auth-token-file FILE");
		return false;
	}
	return true;
}

/* What is asked for; refuses what is not there. */
static bool check_route(struct visit *visit, const struct control_head *head) {
	bool known = slice_equal(head->target, SLICE(health_path));
	for (size_t i = 0; i < LENGTH(routes); i++) {
		if (!slice_equal(head->target, slice_of(routes[i].path))) continue;
		visit->kind = routes[i].kind;
		if (slice_equal(head->method, slice_of(routes[i].method))) return true;
		known = !routes[i].is_old;
	}
	if (known)
		refuse(visit, 405, "this path is only read; send GET");
	else
		refuse(visit, 404,
			"there is nothing here; POST /start and /stop, GET /status, /agents, /scenarios, /metrics and /healthz are, without a query");
	return false;
}

static bool check_body(struct visit *visit, const struct control_head *head) {
	if (head->has_coding)
		refuse(visit, 411, "a body comes with Content-Length here, not with Transfer-Encoding");
	else if (!head->has_length && visit->in.size > head->size)
		refuse(visit, 411, "there is a body, but no Content-Length; send one");
	else if (head->length > CONTROL_PLANE_BYTES)
		refuse(visit, 413, "the body is over 1 MiB; send a shorter one");
	return visit->state != VISIT_ANSWER;
}

/* The head is complete: answers, or goes on to the body. */
static void judge(const struct control_plane *plane, struct visit *visit, const struct control_head *head) {
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	visit->bare = slice_equal(head->method, SLICE("HEAD"));
	if (slice_equal(head->target, SLICE(health_path)) && slice_equal(head->method, SLICE("GET"))) {
		answer(visit, 200, json_type, "{\"status\":\"ok\"}");
		return;
	}
	if (!check_client(plane, visit, head) || !check_route(visit, head) || !check_body(visit, head)) return;
	visit->body_at = head->size;
	visit->body_size = (size_t)head->length;
	visit->state = VISIT_BODY;
	/* the first bytes on this connection, so there is room for them */
	if (head->expects && visit->in.size < head->size + head->length) send(visit->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void refuse_head(struct visit *visit, const char *why) {
	char words[160];
	snprintf(words, sizeof(words), "this is no request of HTTP/1.1: %s", why);
	refuse(visit, 400, words);
}

static void read_head(const struct control_plane *plane, struct visit *visit) {
	struct slice bytes = {visit->in.at, visit->in.size < CONTROL_PLANE_BYTES ? visit->in.size : CONTROL_PLANE_BYTES};
	struct control_head head;
	const char *why;
	switch (control_head_read(visit->reader, bytes, &head, &why)) {
	case CONTROL_HEAD_COMPLETE: judge(plane, visit, &head); break;
	case CONTROL_HEAD_MORE:
		if (visit->in.size >= CONTROL_PLANE_BYTES) refuse(visit, 413, "the head is over 1 MiB; send a shorter one");
		break;
	case CONTROL_HEAD_BAD: refuse_head(visit, why); break;
	}
}

static void read_body(struct control_plane *plane, struct visit *visit) {
	if (visit->in.size - visit->body_at < visit->body_size) return;
	char *body = mem_alloc(visit->body_size + 1);
	if (visit->body_size) memcpy(body, visit->in.at + visit->body_at, visit->body_size);
	body[visit->body_size] = 0;
	visit->request = plane_put(plane, visit->kind, body, visit->body_size);
	buf_fini(&visit->in);
	visit->state = VISIT_WAIT;
	visit->until = NSEC_NEVER;
}

/* The client has closed its side in the middle, or the connection broke. */
static void lose(struct control_plane *plane, struct visit *visit, bool broke) {
	if (broke || visit->in.size == 0)
		visit_end(plane, visit);
	else
		refuse(visit, 400,
			visit->state == VISIT_HEAD ? "the request ends in the middle of its head"
						   : "the body is shorter than its Content-Length says");
}

static void receive(struct control_plane *plane, struct visit *visit) {
	ssize_t size = recv(visit->fd, plane->piece, sizeof(plane->piece), MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (size <= 0) {
		lose(plane, visit, size < 0);
		return;
	}
	buf_add(&visit->in, (struct slice){plane->piece, (size_t)size}); /* fits: see IN_MAX */
	if (visit->state == VISIT_HEAD) read_head(plane, visit);
	if (visit->state == VISIT_BODY) read_body(plane, visit);
}

static void give(struct control_plane *plane, struct visit *visit) {
	ssize_t size = send(visit->fd, visit->out.at + visit->sent, visit->out.size - visit->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (size < 0) {
		visit_end(plane, visit);
		return;
	}
	visit->sent += (size_t)size;
	if (visit->sent < visit->out.size) return;
	shutdown(visit->fd, SHUT_WR);
	visit->state = VISIT_LINGER;
	visit->until = clock_now() + PLANE_LINGER;
}

static void await(struct control_plane *plane, struct visit *visit, short happened, bool closing) {
	unsigned status;
	char *body;
	if (happened & (POLLHUP | POLLERR)) {
		visit_end(plane, visit);
	} else if (plane_take(plane, visit->request, closing, &status, &body)) {
		visit->request = NULL;
		answer(visit, status, visit->kind == CONTROL_METRICS && status == 200 ? text_type : json_type, body);
		free(body);
	}
}

static void linger(struct control_plane *plane, struct visit *visit) {
	ssize_t size = recv(visit->fd, plane->piece, sizeof(plane->piece), MSG_DONTWAIT);
	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) visit_end(plane, visit);
}

/* The time of a state is over. */
static void expire(struct control_plane *plane, struct visit *visit) {
	bool reads = visit->state == VISIT_HEAD || visit->state == VISIT_BODY;
	if (reads && visit->in.size > 0)
		refuse(visit, 408, "the request has not come to its end in time");
	else
		visit_end(plane, visit);
}

void visit_turn(struct control_plane *plane, struct visit *visit, short happened, bool closing) {
	if (happened || visit->state == VISIT_WAIT) {
		switch (visit->state) {
		case VISIT_HEAD:
		case VISIT_BODY: receive(plane, visit); break;
		case VISIT_WAIT: await(plane, visit, happened, closing); break;
		case VISIT_ANSWER: give(plane, visit); break;
		case VISIT_LINGER: linger(plane, visit); break;
		case VISIT_OVER: break;
		}
	}
	if (visit->state == VISIT_OVER) return;
	if (closing && visit->state != VISIT_WAIT && visit->state != VISIT_ANSWER)
		visit_end(plane, visit);
	else if (visit->state != VISIT_WAIT && clock_now() >= visit->until)
		expire(plane, visit);
}
