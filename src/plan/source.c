#include "plan/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define BODY_MAX ((size_t)1 << 30)
#define HEAD_MAX ((size_t)1 << 20)

const char *method_name(enum method method) {
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	return names[method];
}

/* Reads a whole file; `option` is the one that named it. */
static bool source_read_file(const char *option, const char *path, struct arena *arena, struct slice *ret, struct err *err) {
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "%s: cannot open '%s'", option, path);
	if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
		close(fd);
		return err_set(err, ERR_FAILED, "%s: '%s' is not a regular file", option, path);
	}
	if ((size_t)file.st_size > BODY_MAX) {
		close(fd);
		return err_set(err, ERR_FAILED, "%s: '%s' is larger than 1 GiB", option, path);
	}
	size_t size = (size_t)file.st_size, done = 0;
	char *bytes = arena_alloc(arena, size);
	while (done < size) {
		ssize_t more = read(fd, bytes + done, size - done);
		if (more <= 0) break;
		done += (size_t)more;
	}
	int failed = errno;
	close(fd);
	if (done < size) return err_set_sys(err, ERR_FAILED, failed, "%s: cannot read '%s'", option, path);
	*ret = (struct slice){bytes, size};
	return true;
}

/* Returns whether the user gave a header of this name with --headers. */
static bool source_has_header(const struct http_settings *http, const char *name) {
	for (size_t i = 0; i < http->headers.count; i++) {
		struct slice rest;
		if (slice_equal_nocase(slice_trim(slice_cut(slice_of(http->headers.at[i]), ':', &rest)), slice_of(name))) return true;
	}
	return false;
}

static void source_add_header(struct buf *head, const char *name, const char *value) {
	buf_add_format(head, "%s: %s\r\n", name, value);
}

/* Adds the Authorization header for the userinfo of the URL ("user:password"). Source: RFC 7617 section 2, RFC 4648 section 4. */
static void source_add_basic(struct buf *head, const char *userinfo) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct buf plain;
	buf_init(&plain, HEAD_MAX);
	buf_add_format(&plain, "%s%s", userinfo, strchr(userinfo, ':') ? "" : ":");
	buf_add_text(head, "Authorization: Basic ");
	for (size_t i = 0; i < plain.size; i += 3) {
		const unsigned char *at = (const unsigned char *)plain.at + i; /* a 0 follows the text */
		size_t left = plain.size - i;
		unsigned bits = (unsigned)at[0] << 16 | (left > 1 ? (unsigned)at[1] << 8 : 0) | (left > 2 ? at[2] : 0);
		char group[5] = {
			digits[bits >> 18], digits[bits >> 12 & 63], left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '=', 0};
		buf_add_text(head, group);
	}
	buf_add_text(head, "\r\n");
	buf_fini(&plain);
}

static void source_write_head(const struct http_settings *http, const struct url *url, struct slice body, struct buf *head) {
	buf_add_format(head, "%s %s HTTP/1.1\r\n", method_name((enum method)http->method), url->target);
	if (!source_has_header(http, "Host")) source_add_header(head, "Host", http->host ? http->host : url->authority);
	if (!http->no_ua && !source_has_header(http, "User-Agent")) source_add_header(head, "User-Agent", "strest-loadtest/" STREST_VERSION);
	if (http->accept) source_add_header(head, "Accept", http->accept);
	if (!http->accept && !source_has_header(http, "Accept")) source_add_header(head, "Accept", "*/*");
	if (url->userinfo && !source_has_header(http, "Authorization")) source_add_basic(head, url->userinfo);
	if (http->content_type) source_add_header(head, "Content-Type", http->content_type);
	for (size_t i = 0; i < http->headers.count; i++) {
		struct slice value, name = slice_trim(slice_cut(slice_of(http->headers.at[i]), ':', &value));
		value = slice_trim(value);
		buf_add_format(head, "%.*s: %.*s\r\n", (int)name.size, name.at, (int)value.size, value.at);
	}
	bool expects_body = http->method == METHOD_POST || http->method == METHOD_PUT || http->method == METHOD_PATCH; /* RFC 9110 section 8.6 */
	bool given = body.at != NULL;
	if (given || expects_body) buf_add_format(head, "Content-Length: %zu\r\n", body.size);
	buf_add_text(head, "\r\n");
}

static const struct http_request *source_plain_next(const struct source *source, uint64_t user, uint64_t k) {
	(void)user;
	(void)k;
	return source->requests;
}

static const struct http_request *source_lines_next(const struct source *source, uint64_t user, uint64_t k) {
	(void)user;
	return &source->requests[k % source->count];
}

static const struct source_ops source_plain_ops = {.next = source_plain_next};
static const struct source_ops source_lines_ops = {.next = source_lines_next};

/* The framing follows from the body; a header that says otherwise would make every answer a riddle (RFC 9112 section 6). */
static bool source_check_headers(const struct http_settings *http, struct err *err) {
	static const char *const ours[] = {"Content-Length", "Transfer-Encoding"};
	for (size_t i = 0; i < LENGTH(ours); i++)
		if (source_has_header(http, ours[i])) return err_set(err, ERR_FAILED, "--headers: '%s' follows from the body; leave it out", ours[i]);
	return true;
}

/* What the requests of one run are made from. */
struct source_maker {
	const struct http_settings *http;
	const struct url *url;
	struct arena *arena;
	struct err *err;
};

/* Lays out one request; `like`, if its body has the same size, lends its head. */
static bool source_make(const struct source_maker *maker, struct slice body, const struct http_request *like, struct http_request *ret) {
	const struct http_settings *http = maker->http;
	*ret = (struct http_request){
		.body = body,
		.is_head = http->method == METHOD_HEAD,
		.is_idempotent = http->method != METHOD_POST && http->method != METHOD_PATCH, /* RFC 9110 section 9.2.2 */
	};
	if (like) {
		ret->head = like->head;
		return true;
	}
	struct buf head;
	buf_init(&head, HEAD_MAX);
	source_write_head(http, maker->url, body, &head);
	bool full = head.full;
	if (!full) ret->head = (struct slice){arena_copy(maker->arena, (struct slice){buf_text(&head), head.size}), head.size};
	buf_fini(&head);
	return !full || err_set(maker->err, ERR_FAILED, "--headers: the request head is larger than 1 MiB");
}

static bool source_build_one(const struct source_maker *maker, struct source *ret) {
	const struct http_settings *http = maker->http;
	struct slice body = slice_of(http->data);
	struct http_request *request = arena_alloc(maker->arena, sizeof(*request));
	if (http->data_file && !source_read_file("--data-file", http->data_file, maker->arena, &body, maker->err)) return false;
	if (!source_make(maker, body, NULL, request)) return false;
	*ret = (struct source){&source_plain_ops, request, 1};
	return true;
}

/* Takes the next line off a text, without its LF or CRLF. A line end at the end of the text does not begin another line. */
static struct slice source_next_line(struct slice *text) {
	struct slice line = slice_cut(*text, '\n', text);
	if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
	return line;
}

static size_t source_count_lines(struct slice text) {
	size_t count = 0;
	for (; text.size > 0; count++) source_next_line(&text);
	return count;
}

#define SHARED_HEADS 4096 /* lines shorter than this share the head of an earlier line as long */

/* One request a line; blank lines are requests with an empty body. */
static bool source_build_lines(const struct source_maker *maker, struct source *ret) {
	const char *path = maker->http->data_lines;
	const struct http_request **by_size = arena_array(maker->arena, SHARED_HEADS, sizeof(struct http_request *));
	struct slice text;
	if (!source_read_file("--data-lines", path, maker->arena, &text, maker->err)) return false;
	size_t count = source_count_lines(text);
	if (count == 0) return err_set(maker->err, ERR_FAILED, "--data-lines: '%s' has no line; write one request body a line", path);
	struct http_request *requests = arena_array(maker->arena, count, sizeof(*requests));
	for (size_t i = 0; i < count; i++) {
		struct slice line = source_next_line(&text);
		const struct http_request **like = line.size < SHARED_HEADS ? &by_size[line.size] : NULL;
		if (!source_make(maker, line, like ? *like : NULL, &requests[i])) return false;
		if (like) *like = &requests[i];
	}
	*ret = (struct source){&source_lines_ops, requests, count};
	return true;
}

bool source_build(const struct http_settings *http, const struct url *url, struct arena *arena, struct source *ret, struct err *err) {
	struct source_maker maker = {http, url, arena, err};
	if (!source_check_headers(http, err)) return false;
	return http->data_lines ? source_build_lines(&maker, ret) : source_build_one(&maker, ret);
}
