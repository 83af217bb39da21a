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

static bool source_read_file(const char *path, struct arena *arena, struct slice *ret, struct err *err) {
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "--data-file: cannot open '%s'", path);
	if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
		close(fd);
		return err_set(err, ERR_FAILED, "--data-file: '%s' is not a regular file", path);
	}
	if ((size_t)file.st_size > BODY_MAX) {
		close(fd);
		return err_set(err, ERR_FAILED, "--data-file: '%s' is larger than 1 GiB", path);
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
	if (done < size) return err_set_sys(err, ERR_FAILED, failed, "--data-file: cannot read '%s'", path);
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
	return source->plain;
}

static const struct source_ops source_plain_ops = {.next = source_plain_next};

/* The framing follows from the body; a header that says otherwise would make every answer a riddle (RFC 9112 section 6). */
static bool source_check_headers(const struct http_settings *http, struct err *err) {
	static const char *const ours[] = {"Content-Length", "Transfer-Encoding"};
	for (size_t i = 0; i < LENGTH(ours); i++)
		if (source_has_header(http, ours[i])) return err_set(err, ERR_FAILED, "--headers: '%s' follows from the body; leave it out", ours[i]);
	return true;
}

bool source_build_plain(const struct http_settings *http, const struct url *url, struct arena *arena, struct source *ret, struct err *err) {
	struct slice body = slice_of(http->data);
	if (!source_check_headers(http, err)) return false;
	if (http->data_file && !source_read_file(http->data_file, arena, &body, err)) return false;
	struct buf head;
	buf_init(&head, HEAD_MAX);
	source_write_head(http, url, body, &head);
	if (head.full) {
		buf_fini(&head);
		return err_set(err, ERR_FAILED, "--headers: the request head is larger than 1 MiB");
	}
	struct http_request *request = arena_alloc(arena, sizeof(*request));
	size_t size = head.size;
	request->head = (struct slice){arena_copy(arena, (struct slice){buf_text(&head), size}), size};
	request->body = body;
	request->is_head = http->method == METHOD_HEAD;
	request->is_idempotent = http->method != METHOD_POST && http->method != METHOD_PATCH; /* RFC 9110 section 9.2.2 */
	buf_fini(&head);
	*ret = (struct source){&source_plain_ops, request};
	return true;
}
