#include "plan/source.h"

#include "http/h2_head.h"
#include "plan/user.h"
#include "plan/words.h"

/* Returns the method of the next request, and whether the body goes with it. */
static enum method hop_method(enum method from, unsigned status, bool *ret_keeps_body) {
	*ret_keeps_body = true;
	if (status == 303) {
		*ret_keeps_body = false;
		return from == METHOD_HEAD ? METHOD_HEAD : METHOD_GET;
	}
	if (from != METHOD_POST || status == 307 || status == 308) return from;
	*ret_keeps_body = false;
	return METHOD_GET;
}

/* Returns the value of the Authorization that a head of ours has, laid out by words_lay_out; `at` NULL: none. A copy: the fields of the hop are laid out where the
 * head of a user's request lies. */
static struct slice hop_find_credentials(struct slice head, struct arena *arena) {
	static const char name[] = "\r\nAuthorization: ";
	const char *at = memmem(head.at, head.size, name, sizeof(name) - 1);
	if (!at) return (struct slice){NULL, 0};
	at += sizeof(name) - 1;
	const char *end = memchr(at, '\r', head.size - (size_t)(at - head.at));
	struct slice value = {at, (size_t)(end - at)};
	return (struct slice){arena_copy(arena, value), value.size};
}

/* Returns the value of Authorization where the fields of the run have none: what the Location says itself, else what the request before said. */
static struct slice hop_credentials(const struct source_words *words, const struct hop *hop, struct arena *arena) {
	if (hop->url->userinfo) return words_basic(hop->url->userinfo, arena);
	if (hop->is_other || words->has_credentials) return (struct slice){NULL, 0};
	return hop_find_credentials(hop->from->head, arena);
}

void source_hop(const struct source *source, const struct hop *hop, struct arena *arena, struct http_request *ret) {
	const struct http_request *from = hop->from;
	bool keeps_body, had_body = from->body.at != NULL;
	enum method method = hop_method((enum method)from->method, hop->status, &keeps_body);
	const struct source_words *words = hop->user ? hop->user->step->words : source->words;
	struct http_request request = {.origin = hop->origin, .row = from->row, .expected = from->expected};
	words_set_method(&request, method);
	if (keeps_body) {
		request.body = from->body;
		request.more = from->more;
		request.more_count = from->more_count;
		request.body_bytes = from->body_bytes;
	}
	struct words_head head = {
		.method = method,
		.url = hop->url,
		.route = hop->route,
		.origin = hop->origin,
		.credentials = hop_credentials(words, hop, arena),
		.is_other = hop->is_other,
		.has_body = (keeps_body && had_body) || words_expects_body(method),
		.describes_body = keeps_body && (had_body || !words->has_body),
		.body_bytes = request.body_bytes,
	};
	if (hop->user) head.more = user_hop_fields(hop->user, hop->url, hop->is_other, keeps_body);
	request.head = words_lay_out(words, &head, arena);
	if (protocols_may_h2(&source->protocols, hop->url->tls)) request.h2 = h2_head_make(request.head, hop->url->tls, arena);
	*ret = request;
}
