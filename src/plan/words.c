#include "plan/words.h"

#include "base/buf.h"
#include "config/secret.h"
#include "http/basic.h"
#include "http/body.h"
#include "plan/fields.h"

#define BASIC_MAX ((size_t)16 << 20) /* curl reads URLs up to 8 MB */

/* Fields being made ready. */
struct words_maker {
	struct source_words *words;
	const struct http_settings *http;
	const struct net_settings *net;
	struct arena *arena;
};

static void maker_add(const struct words_maker *maker, struct slice name, struct slice value) {
	char *line = arena_alloc(maker->arena, name.size + value.size + 5), *at = line;
	at = mempcpy(mempcpy(at, name.at, name.size), ": ", 2);
	at = mempcpy(at, value.size ? value.at : "", value.size);
	at = mempcpy(at, "\r\n", 2);
	maker->words->fields[maker->words->count++] = (struct words_field){
		.line = {line, (size_t)(at - line)},
		/* secret_is_header knows Authorization and Cookie as well as what is like them. */
		.marks = (secret_is_header(name) ? WORDS_SECRET : 0) | (slice_equal_nocase(name, SLICE("Host")) ? WORDS_HOST : 0) |
			 (fields_describe_body(name) ? WORDS_BODY : 0) | (fields_have(&maker->net->proxy_headers, name) ? WORDS_TAKEN : 0),
	};
}

/* Adds a field of ours, unless --headers has one of this name. */
static void maker_add_own(const struct words_maker *maker, const char *name, const char *value) {
	if (!fields_have(&maker->http->headers, slice_of(name))) maker_add(maker, slice_of(name), slice_of(value));
}

static void maker_add_credentials(const struct words_maker *maker) {
	struct source_words *words = maker->words;
	const struct http_settings *http = maker->http;
	words->credentials_at = words->count;
	words->has_credentials = http->basic_auth || http->bearer || fields_have(&http->headers, SLICE("Authorization"));
	if (http->basic_auth)
		maker_add_own(maker, "Authorization", words_basic(http->basic_auth, maker->arena).at);
	else if (http->bearer)
		maker_add_own(maker, "Authorization", arena_format(maker->arena, "Bearer %s", http->bearer));
}

#define OWN_FIELDS 8 /* at most, besides --headers */

const struct source_words *words_build(const struct http_settings *http, const struct net_settings *net, const char *type, struct arena *arena) {
	struct source_words *words = arena_alloc(arena, sizeof(*words));
	struct words_maker maker = {words, http, net, arena};
	words->fields = arena_array(arena, http->headers.count + OWN_FIELDS, sizeof(*words->fields));
	words->host = http->host;
	words->has_host = fields_have(&http->headers, SLICE("Host"));
	words->host_taken = fields_have(&net->proxy_headers, SLICE("Host"));
	words->credentials_taken = fields_have(&net->proxy_headers, SLICE("Authorization"));
	words->has_body = http->data || http->data_file || http->data_lines || http->form.count > 0;
	if (!http->no_ua) maker_add_own(&maker, "User-Agent", FIELDS_USER_AGENT);
	if (http->accept)
		maker_add(&maker, SLICE("Accept"), slice_of(http->accept));
	else
		maker_add_own(&maker, "Accept", "*/*");
	if (http->compressed) maker_add_own(&maker, "Accept-Encoding", body_accept);
	maker_add_credentials(&maker);
	if (type) maker_add(&maker, SLICE("Content-Type"), slice_of(type));
	if (!type && http->content_type) maker_add(&maker, SLICE("Content-Type"), slice_of(http->content_type));
	if (net->disable_keepalive) maker_add_own(&maker, "Connection", "close");
	for (size_t i = 0; i < http->headers.count; i++) {
		struct slice value, name = fields_split(http->headers.at[i], &value);
		maker_add(&maker, name, value);
	}
	return words;
}

struct slice words_basic(const char *userinfo, struct arena *arena) {
	struct buf text;
	if (!userinfo) return (struct slice){NULL, 0};
	buf_init(&text, BASIC_MAX);
	basic_write(&text, slice_of(userinfo));
	struct slice value = {arena_copy(arena, (struct slice){buf_text(&text), text.size}), text.size};
	buf_fini(&text);
	return value;
}

bool words_expects_body(enum method method) {
	return method == METHOD_POST || method == METHOD_PUT || method == METHOD_PATCH;
}

void words_set_method(struct http_request *request, enum method method) {
	request->method = (uint8_t)method;
	request->is_head = method == METHOD_HEAD;
	request->is_idempotent = method != METHOD_POST && method != METHOD_PATCH; /* RFC 9110 section 9.2.2, RFC 5789 section 2 */
}

/* Where a head is written; NULL: it is only measured. */
struct pen {
	char *at;
	size_t size;
};

static void pen_write(struct pen *pen, struct slice bytes) {
	if (pen->at && bytes.size > 0) memcpy(pen->at + pen->size, bytes.at, bytes.size);
	pen->size += bytes.size;
}

static void pen_write_number(struct pen *pen, uint64_t number) {
	char digits[20], *at = digits + sizeof(digits);
	do *--at = (char)('0' + number % 10);
	while (number /= 10);
	pen_write(pen, (struct slice){at, (size_t)(digits + sizeof(digits) - at)});
}

static void pen_write_field(struct pen *pen, struct slice name, struct slice value) {
	pen_write(pen, name);
	pen_write(pen, SLICE(": "));
	pen_write(pen, value);
	pen_write(pen, SLICE("\r\n"));
}

/* To a proxy the request line has the whole URL (RFC 9112 section 3.2.2). */
static void pen_write_request_line(struct pen *pen, const struct words_head *head, bool is_forward) {
	pen_write(pen, slice_of(method_name(head->method)));
	pen_write(pen, SLICE(" "));
	if (is_forward) {
		pen_write(pen, head->url->tls ? SLICE("https://") : SLICE("http://"));
		pen_write(pen, slice_of(head->url->authority));
	}
	pen_write(pen, slice_of(head->url->target));
	pen_write(pen, SLICE(" HTTP/1.1\r\n"));
}

static void pen_write_fields(struct pen *pen, const struct source_words *words, const struct words_head *head, bool is_forward) {
	unsigned without =
		(head->is_other ? WORDS_SECRET | WORDS_HOST : 0) | (head->describes_body ? 0 : WORDS_BODY) | (is_forward ? WORDS_TAKEN : 0);
	bool has_credentials = head->credentials.at && (head->is_other || !words->has_credentials) && !(is_forward && words->credentials_taken);
	for (size_t i = 0; i <= words->count; i++) {
		if (i == words->credentials_at && has_credentials) pen_write_field(pen, SLICE("Authorization"), head->credentials);
		if (i < words->count && !(words->fields[i].marks & without)) pen_write(pen, words->fields[i].line);
	}
}

static void pen_write_head(struct pen *pen, const struct source_words *words, const struct words_head *head) {
	const struct origin *origin = &head->route->origins[head->origin];
	bool is_forward = origin->way == WAY_FORWARD, has_own_host = words->has_host && !head->is_other;
	pen_write_request_line(pen, head, is_forward);
	if (!has_own_host && !(is_forward && words->host_taken))
		pen_write_field(pen, SLICE("Host"), slice_of(words->host && !head->is_other ? words->host : head->url->authority));
	pen_write_fields(pen, words, head, is_forward);
	if (head->has_body) {
		pen_write(pen, SLICE("Content-Length: "));
		pen_write_number(pen, head->body_bytes);
		pen_write(pen, SLICE("\r\n"));
	}
	pen_write(pen, head->more);
	if (is_forward) pen_write(pen, route_proxy_fields(head->route, origin));
	pen_write(pen, SLICE("\r\n"));
}

struct slice words_lay_out(const struct source_words *words, const struct words_head *head, struct arena *arena) {
	struct pen pen = {NULL, 0};
	pen_write_head(&pen, words, head);
	pen = (struct pen){arena_alloc(arena, pen.size), 0};
	pen_write_head(&pen, words, head);
	return (struct slice){pen.at, pen.size};
}
