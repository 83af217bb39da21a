#include "plan/user.h"

#include <stdlib.h>

#include "base/digits.h"
#include "config/secret.h"
#include "http/hpack.h"
#include "plan/fields.h"

#define ANSWER_KEPT ((size_t)64 << 10) /* a buffer for answers that has grown beyond gives its memory back */

static const struct slice path_begin = {"\x00\x05:path", 7};
static const struct slice length_begin = {"\x00\x0e\x63ontent-length", 16};
static const struct slice cookie_begin = {"\x10\x06\x63ookie", 8}; /* never to be put into a table */

void user_tools_open(struct user_tools *tools) {
	*tools = (struct user_tools){json_search_new(), regex_scratch_new()};
}

void user_tools_close(struct user_tools *tools) {
	json_search_free(tools->search);
	regex_scratch_free(tools->scratch);
	*tools = (struct user_tools){NULL, NULL};
}

struct user *user_new(const struct script *script, struct user_tools *tools, uint64_t number) {
	struct user *user = mem_zeroed(1, sizeof(*user));
	user->script = script;
	user->tools = tools;
	user->number = number;
	user->values = mem_zeroed(script->slot_count, sizeof(*user->values));
	user->kept = mem_zeroed(script->slot_count, sizeof(*user->kept));
	for (size_t i = 0; i < script->slot_count; i++) buf_init(&user->kept[i], SCRIPT_VALUE_MAX);
	for (size_t i = 0; i < script->scenario_count && !user->jar; i++)
		if (!script->scenarios[i].no_cookies) user->jar = cookies_new();
	buf_init(&user->head, SCRIPT_HEAD_MAX);
	buf_init(&user->fields, SCRIPT_HEAD_MAX);
	buf_init(&user->target, SCRIPT_HEAD_MAX);
	buf_init(&user->cookie, SCRIPT_HEAD_MAX);
	buf_init(&user->h2_before, SCRIPT_HEAD_MAX + 16);
	buf_init(&user->h2_after, SCRIPT_HEAD_MAX);
	buf_init(&user->body, SCRIPT_BODY_MAX);
	buf_init(&user->answer, SCRIPT_BODY_MAX);
	buf_init(&user->answer_head, HTTP_HEAD_MAX);
	return user;
}

void user_free(struct user *user) {
	if (!user) return;
	struct buf *const buffers[] = {&user->head, &user->fields, &user->target, &user->cookie, &user->h2_before, &user->h2_after, &user->body,
		&user->answer, &user->answer_head};
	for (size_t i = 0; i < LENGTH(buffers); i++) buf_fini(buffers[i]);
	for (size_t i = 0; i < user->script->slot_count; i++) buf_fini(&user->kept[i]);
	cookies_free(user->jar);
	free(user->kept);
	free(user->values);
	free(user);
}

static void buf_empty(struct buf *buf) {
	buf->size = 0;
	buf->full = false;
}

static struct slice buf_slice(const struct buf *buf) {
	return (struct slice){buf_text(buf), buf->size};
}

void user_begin(struct user *user, uint64_t n, nsec due) {
	const struct script *script = user->script;
	user->scenario = script_pick(script, n);
	user->step = user->scenario->steps;
	user->iter = n;
	user->due = due;
	user->has_failed = false;
	if (user->jar && !user->scenario->no_cookies) cookies_clear(user->jar);
	for (size_t i = 0; i < script->slot_count; i++) user->values[i] = SLICE("");
	for (size_t i = 0; i < script->preset_count; i++) {
		const struct script_preset *preset = &script->presets[i];
		user->values[preset->slot] =
			preset->data ? data_cell(preset->data, data_row(preset->data, script->seed, n), preset->column) : preset->value;
	}
}

struct cookie_place user_cookie_place(const struct user *user, const struct url *url) {
	return (struct cookie_place){
		.host = slice_of(url->host),
		.path = slice_of(url->target),
		.secure = url->tls,
		.is_address = url == user->url ? user->step->is_address : url_host_is_address(url),
		.now_s = user->unix_ms / 1000,
	};
}

/* Fills `cookie` with what goes with a request; empty: nothing. */
static void user_write_cookies(struct user *user, const struct url *url) {
	buf_empty(&user->cookie);
	if (user->scenario->no_cookies || user->step->is_cookie_own) return;
	struct cookie_place place = user_cookie_place(user, url);
	cookies_write(user->jar, &place, &user->cookie);
}

static void add_cookies(const struct user *user, struct buf *head) {
	if (user->cookie.size == 0) return;
	buf_add(head, SLICE("Cookie: "));
	buf_add(head, buf_slice(&user->cookie));
	buf_add(head, SLICE("\r\n"));
}

/* Replaces the first `size` bytes of the target. */
static bool target_begin_with(struct buf *target, size_t size, struct slice begin) {
	size_t rest = target->size - size;
	if (!buf_add(target, begin)) return false; /* room */
	memmove(target->at + begin.size, target->at + size, rest + 1);
	memcpy(target->at, begin.at, begin.size);
	target->size = begin.size + rest;
	target->at[target->size] = 0;
	return true;
}

/* Returns the size of scheme and authority at the beginning of a reference if they are the step's; 0: it has none; SIZE_MAX: they are others. */
static size_t reference_head(struct slice text, const struct url *base) {
	const char *sign = memmem(text.at, text.size, "//", 2);
	struct slice scheme = {text.at, sign ? (size_t)(sign - text.at) : 0}, authority = slice_of(base->authority);
	if (!sign || memchr(scheme.at, '/', scheme.size) || memchr(scheme.at, '?', scheme.size)) return 0;
	if (scheme.size > 0 && scheme.at[scheme.size - 1] != ':') return 0;
	if (scheme.size > 0 && !slice_equal_nocase((struct slice){scheme.at, scheme.size - 1}, slice_of(base->scheme))) return SIZE_MAX;
	size_t head = scheme.size + 2 + authority.size;
	if (text.size < head || !slice_equal_nocase((struct slice){sign + 2, authority.size}, authority)) return SIZE_MAX;
	return text.size == head || text.at[head] == '/' || text.at[head] == '?' ? head : SIZE_MAX;
}

/* Makes a target of a reference that is known only now (RFC 3986 section 5.2); dot segments are left to the server. False: it leads to another place. */
static bool user_resolve_target(struct user *user) {
	const struct script_step *step = user->step;
	struct buf *target = &user->target;
	struct slice text = {buf_text(target), target->size}, base = slice_of(step->base->target);
	size_t head = reference_head(text, step->base);
	if (head == SIZE_MAX) return false;
	if (head > 0 && text.size > head && text.at[head] == '/') return target_begin_with(target, head, SLICE(""));
	if (head > 0) return target_begin_with(target, head, SLICE("/"));
	if (text.size == 0) return buf_add(target, base);
	if (*text.at == '/') return true;
	if (*text.at == '?') return target_begin_with(target, 0, (struct slice){base.at, strcspn(base.at, "?")});
	return target_begin_with(target, 0, slice_of(step->folder));
}

static bool user_write_target(struct user *user, const struct template_moment *moment) {
	const struct script_step *step = user->step;
	buf_empty(&user->target);
	if (!step->is_reference) buf_add(&user->target, slice_of(step->folder));
	return template_render(step->target, moment, &user->target) && (!step->is_reference || user_resolve_target(user));
}

/* Writes the fields that differ, as lines and as HPACK has them. */
static bool user_write_fields(struct user *user, const struct template_moment *moment) {
	const struct script_step *step = user->step;
	buf_empty(&user->fields);
	for (size_t i = 0; i < step->field_count; i++) {
		const struct script_field *field = &step->fields[i];
		buf_add(&user->fields, field->name);
		size_t begin = user->fields.size;
		if (!template_render(field->value, moment, &user->fields)) return false;
		struct slice value = {user->fields.at + begin, user->fields.size - begin};
		if (step->h2 && field->packed.size > 0) hpack_write(field->packed, value, field->is_host ? &user->h2_before : &user->h2_after);
		buf_add(&user->fields, SLICE("\r\n"));
	}
	return !user->fields.full;
}

static bool user_write_body(struct user *user, const struct template_moment *moment) {
	const struct script_step *step = user->step;
	struct http_request *request = &user->request;
	if (step->bodies) {
		const struct http_request *from = &step->bodies[user->iter % step->body_count];
		request->body = from->body;
		request->more = from->more;
		request->more_count = from->more_count;
		request->body_bytes = from->body_bytes;
	} else if (step->body) {
		buf_empty(&user->body);
		if (!template_render(step->body, moment, &user->body)) return false;
		request->body = buf_slice(&user->body);
		request->body_bytes = user->body.size;
	}
	return true;
}

/* Puts the head together from its pieces. */
static bool user_write_head(struct user *user) {
	const struct script_step *step = user->step;
	struct buf *head = &user->head;
	char digits[DIGITS_MAX];
	buf_empty(head);
	buf_add(head, step->opening);
	buf_add(head, user->where);
	buf_add(head, step->fixed);
	if (step->field_count > 0) buf_add(head, buf_slice(&user->fields));
	add_cookies(user, head);
	if (user->cookie.size > 0 && step->h2) hpack_write(cookie_begin, buf_slice(&user->cookie), &user->h2_after);
	if (step->has_body) {
		struct slice length = {digits, (size_t)(digits_put(digits, user->request.body_bytes) - digits)};
		buf_add(head, SLICE("Content-Length: "));
		buf_add(head, length);
		buf_add(head, SLICE("\r\n"));
		if (step->h2) hpack_write(length_begin, length, &user->h2_after);
	}
	buf_add(head, step->ending);
	user->request.head = buf_slice(head);
	return !head->full && !user->h2_after.full && !user->h2_before.full;
}

const struct http_request *user_request(struct user *user, int64_t unix_ms) {
	const struct script_step *step = user->step;
	user->unix_ms = unix_ms;
	user->is_looking = step->wants_body;
	user->verdict = REASON_NONE;
	buf_empty(&user->answer);
	buf_empty(&user->answer_head);
	user->url = step->base;
	user->where = slice_of(step->base->target);
	struct template_moment moment = {
		.seed = user->script->seed,
		.seq = user->iter * user->script->step_most + step->number - 1,
		.iter = user->iter,
		.worker = user->number,
		.step = step->number,
		.unix_ms = unix_ms,
		.values = user->values,
	};
	if (step->target) {
		if (!user_write_target(user, &moment)) return NULL;
		user->where = buf_slice(&user->target);
		user->own_url = *step->base;
		user->own_url.target = user->where.at;
		user->url = &user->own_url;
	}
	user_write_cookies(user, user->url);
	if (step->is_constant && user->cookie.size == 0) return &step->like;
	buf_empty(&user->h2_before);
	buf_empty(&user->h2_after);
	user->request = step->like;
	user->request.h2 = step->h2;
	if (step->h2 && step->target) hpack_write(path_begin, user->where, &user->h2_before);
	if (!user_write_fields(user, &moment)) return NULL;
	if (!user_write_body(user, &moment)) return NULL;
	if (!user_write_head(user)) return NULL;
	user->request.h2_before = buf_slice(&user->h2_before);
	user->request.h2_after = buf_slice(&user->h2_after);
	return &user->request;
}

bool user_go_on(struct user *user, bool failed) {
	const struct script_scenario *scenario = user->scenario;
	user->has_failed |= failed;
	bool is_over = user->step->number == scenario->step_count || (failed && scenario->is_restarting);
	if (user->answer.room > ANSWER_KEPT) buf_fini(&user->answer);
	if (is_over)
		user->scenario = NULL;
	else
		user->step++;
	return !is_over;
}

struct slice user_hop_fields(struct user *user, const struct url *url, bool is_other, bool keeps_body) {
	const struct script_step *step = user->step;
	struct slice rest = step->field_count > 0 ? buf_slice(&user->fields) : (struct slice){NULL, 0};
	buf_empty(&user->head);
	while (rest.size > 0) {
		struct slice line = slice_cut(rest, '\n', &rest), value, name = slice_cut(line, ':', &value);
		if (is_other && (secret_is_header(name) || slice_equal_nocase(name, SLICE("Host")))) continue;
		if (!keeps_body && fields_describe_body(name)) continue;
		buf_add(&user->head, line);
		buf_add(&user->head, SLICE("\n"));
	}
	user_write_cookies(user, url);
	add_cookies(user, &user->head);
	user->is_looking = step->wants_body;
	return buf_slice(&user->head);
}
