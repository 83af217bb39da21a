#include "plan/source.h"

#include <stdlib.h>

#include "base/mapped.h"
#include "http/form.h"
#include "http/h2_head.h"
#include "plan/fields.h"
#include "plan/script.h"
#include "plan/words.h"

#define NOWHERE UINT64_MAX

const char *method_name(enum method method) {
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	return names[method];
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

const struct url *source_url(const struct source *source, uint64_t k) {
	return &source->targets->at[k % source->targets->count].url;
}

/* The body of a request: pieces, none but the first of 0 bytes. */
struct body_pieces {
	struct slice first; /* `at` NULL: there is no body */
	size_t more_count;
	const struct slice *more;
	uint64_t bytes;
};

/* What the requests of one run are made from. */
struct source_maker {
	const struct source_inputs *inputs;
	const struct source_words *words;
	struct body_pieces body; /* of all requests; --data-lines has others */
	const char *content_type;
	struct arena *arena;
	struct err *err;
};

static struct body_pieces body_of(struct slice bytes) {
	return (struct body_pieces){.first = bytes, .bytes = bytes.size};
}

static bool source_map(const char *option, const char *path, struct slice *ret, struct err *err) {
	return mapped_open(path, ret, err) || err_add(err, "%s", option);
}

/* Finds body and fields. */
static bool source_prepare(struct source_maker *maker) {
	const struct http_settings *http = maker->inputs->http;
	struct form form = {0};
	struct slice file;
	if (!fields_check(&http->headers, "--headers", maker->err)) return false;
	if (http->form.count > 0) {
		if (!form_build(&http->form, maker->inputs->seed, maker->arena, &form, maker->err)) return false;
		maker->body = (struct body_pieces){form.pieces[0], form.count - 1, form.pieces + 1, form.bytes};
	} else if (http->data_file) {
		if (!source_map("--data-file", http->data_file, &file, maker->err)) return false;
		maker->body = body_of(file);
	} else {
		maker->body = body_of(slice_of(http->data));
	}
	maker->words = words_build(http, maker->inputs->net, form.content_type, maker->arena);
	maker->content_type = form.content_type;
	return true;
}

static void source_set_body(struct http_request *request, const struct body_pieces *body) {
	request->body = body->first;
	request->more = body->more;
	request->more_count = (unsigned)body->more_count;
	request->body_bytes = body->bytes;
}

/* Lays out the request for one item; `like`, if it has the same head, lends it. */
static bool source_make(const struct source_maker *maker, const struct target_item *item, const struct body_pieces *body,
	const struct http_request *like, struct http_request *ret) {
	bool expects_body = words_expects_body(item->method);
	bool has_body = body->first.at && (item->plain || expects_body);
	*ret = (struct http_request){.row = item->row, .expected = &maker->inputs->http->status};
	words_set_method(ret, item->method);
	if (has_body) source_set_body(ret, body);
	if (like) {
		ret->head = like->head;
		ret->h2 = like->h2;
		ret->origin = like->origin;
		return true;
	}
	if (!route_add(maker->inputs->route, &item->url, &ret->origin))
		return err_set(maker->err, ERR_FAILED, "--urls-from-file: the URLs have more than %zu different hosts and ports; split the list",
			maker->inputs->route->origins_max);
	struct words_head head = {
		.method = item->method,
		.url = &item->url,
		.route = maker->inputs->route,
		.origin = ret->origin,
		.credentials = words_basic(maker->words->has_credentials ? NULL : item->url.userinfo, maker->arena),
		.has_body = has_body || expects_body,
		.describes_body = has_body || !maker->words->has_body,
		.body_bytes = ret->body_bytes,
	};
	ret->head = words_lay_out(maker->words, &head, maker->arena);
	if (ret->head.size > FIELDS_MAX)
		return err_set(maker->err, ERR_FAILED, "--headers: with the URL, the request head is larger than 1 MiB; leave something out");
	if (protocols_may_h2(&maker->inputs->protocols, item->url.tls)) ret->h2 = h2_head_make(ret->head, item->url.tls, maker->arena);
	return true;
}

static bool source_build_one(const struct source_maker *maker, struct source *ret) {
	struct http_request *request = arena_alloc(maker->arena, sizeof(*request));
	if (!source_make(maker, maker->inputs->targets->at, &maker->body, NULL, request)) return false;
	ret->ops = &source_plain_ops;
	ret->requests = request;
	ret->count = 1;
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

/* Maps --data-lines and counts its lines. */
static bool source_open_lines(const struct source_maker *maker, struct slice *ret_text, size_t *ret_count) {
	const char *path = maker->inputs->http->data_lines;
	if (!source_map("--data-lines", path, ret_text, maker->err)) return false;
	*ret_count = source_count_lines(*ret_text);
	if (*ret_count > 0) return true;
	return err_set(maker->err, ERR_FAILED, "--data-lines: '%s' has no line; write one request body a line", path);
}

/* One request a line; blank lines are requests with an empty body. */
static bool source_build_lines(const struct source_maker *maker, struct source *ret) {
	const struct http_request **by_size = arena_array(maker->arena, SHARED_HEADS, sizeof(struct http_request *));
	struct slice text;
	size_t count;
	if (!source_open_lines(maker, &text, &count)) return false;
	struct http_request *requests = arena_array(maker->arena, count, sizeof(*requests));
	for (size_t i = 0; i < count; i++) {
		struct slice line = source_next_line(&text);
		const struct http_request **like = line.size < SHARED_HEADS ? &by_size[line.size] : NULL;
		struct body_pieces body = body_of(line);
		if (!source_make(maker, maker->inputs->targets->at, &body, like ? *like : NULL, &requests[i])) return false;
		if (like) *like = &requests[i];
	}
	ret->ops = &source_lines_ops;
	ret->requests = requests;
	ret->count = count;
	return true;
}

bool source_read_bodies(const struct source_inputs *inputs, struct arena *arena, struct source *ret, struct err *err) {
	struct source_maker maker = {.inputs = inputs, .arena = arena, .err = err};
	struct slice text = {NULL, 0};
	size_t count = 1;
	if (!source_prepare(&maker)) return false;
	if (inputs->http->data_lines && !source_open_lines(&maker, &text, &count)) return false;
	struct http_request *requests = arena_array(arena, count, sizeof(*requests));
	for (size_t i = 0; i < count; i++) {
		struct body_pieces line = inputs->http->data_lines ? body_of(source_next_line(&text)) : maker.body;
		source_set_body(&requests[i], &line);
	}
	*ret = (struct source){.requests = requests, .count = count, .content_type = maker.content_type};
	return true;
}

static const struct http_request *source_script_next(const struct source *source, uint64_t user, uint64_t k) {
	(void)user;
	return &script_pick(source->script, k)->steps[0].like;
}

static const struct source_ops source_script_ops = {.next = source_script_next};

void source_of_script(const struct script *script, const struct targets *targets, struct protocols protocols, struct source *ret) {
	*ret = (struct source){.ops = &source_script_ops,
		.script = script,
		.targets = targets,
		.words = script->scenarios[0].steps[0].words,
		.protocols = protocols};
}

/* Returns whether two items of a row have the same head; only who asks may differ, and whether the body goes with it. */
static bool source_is_like(const struct target_item *a, const struct target_item *b) {
	const char *one = a->url.userinfo, *other = b->url.userinfo;
	return a->plain == b->plain && (one == other || (one && other && strcmp(one, other) == 0));
}

/* One request an item. */
static bool source_build_list(const struct source_maker *maker, struct source *ret) {
	const struct targets *targets = maker->inputs->targets;
	struct http_request *requests = arena_array(maker->arena, targets->count, sizeof(*requests));
	uint64_t *firsts = mem_alloc(targets->row_count * sizeof(*firsts)); /* of each row: the first item */
	bool good = true;
	for (size_t i = 0; i < targets->row_count; i++) firsts[i] = NOWHERE;
	for (size_t i = 0; i < targets->count && good; i++) {
		const struct target_item *item = &targets->at[i];
		uint64_t *first = &firsts[item->row];
		if (*first == NOWHERE) *first = i;
		bool is_like = *first < i && source_is_like(item, &targets->at[*first]);
		good = source_make(maker, item, &maker->body, is_like ? &requests[*first] : NULL, &requests[i]);
	}
	free(firsts);
	ret->ops = &source_lines_ops;
	ret->requests = requests;
	ret->count = targets->count;
	return good;
}

bool source_build(const struct source_inputs *inputs, struct arena *arena, struct source *ret, struct err *err) {
	struct source_maker maker = {.inputs = inputs, .arena = arena, .err = err};
	struct source source = {.targets = inputs->targets, .protocols = inputs->protocols};
	bool good = source_prepare(&maker);
	if (good && inputs->targets->listed)
		good = source_build_list(&maker, &source);
	else if (good)
		good = inputs->http->data_lines ? source_build_lines(&maker, &source) : source_build_one(&maker, &source);
	if (!good) return false;
	source.words = maker.words;
	*ret = source;
	return true;
}
