/* One user on the way through a scenario: makes the request of its step, looks at the answer, carries values and cookies on to the next one.
 * In: the number of an iteration, answers. Out: requests, judgements. Bytes are f(seed, iteration, step) and what the server said. An iteration begins with nothing
 * of the one before: no cookies, no values. One owner, one thread; no allocation once its buffers have grown. */
#pragma once

#include "base/outcome.h"
#include "http/cookies.h"
#include "plan/script.h"

/* What the users of one thread share: memory of searches and matches. */
struct user_tools {
	struct json_search *search;
	struct regex_scratch *scratch;
};
void user_tools_open(struct user_tools *tools);
void user_tools_close(struct user_tools *tools);

struct user {
	const struct script *script;
	struct user_tools *tools;
	const struct script_scenario *scenario; /* of the iteration; NULL: there is none */
	const struct script_step *step;         /* whose request is made, or was made last */
	uint64_t number;                        /* of the user, from 0 */
	uint64_t iter;
	bool has_failed;        /* a step of this iteration has */
	nsec due;               /* of its first step */
	struct slice *values;   /* of the script's slots */
	struct buf *kept;       /* what extracted values hold */
	struct cookie_jar *jar; /* NULL: no scenario keeps cookies */
	int64_t unix_ms;        /* when its request was made */
	struct http_request request;
	struct buf head, fields, target, cookie, body; /* of the request; `fields` are those that differ, as lines */
	struct buf h2_before, h2_after;
	const struct url *url; /* of the request */
	struct url own_url;
	struct slice where; /* its target */
	/* The answer: */
	bool is_looking;        /* its body is kept */
	bool has_extracted;     /* from its head, all that was wanted */
	enum reason verdict;    /* on its head */
	struct buf answer;      /* its body so far */
	struct buf answer_head; /* script->is_tried: its head */
};

struct user *user_new(const struct script *script, struct user_tools *tools, uint64_t number);
void user_free(struct user *user); /* NULL is fine */

/* Begins iteration n, whose first step is due at `due`. n is below script->iterations_max. */
void user_begin(struct user *user, uint64_t n, nsec due);

/* Makes the request of the present step, at Unix time `unix_ms`. It lives until the next call. NULL: a value makes it impossible (REASON_REQUEST). */
const struct http_request *user_request(struct user *user, int64_t unix_ms);

/* The head of an answer, to the request itself or (`is_hop`) one that leads elsewhere: cookies are taken, and what the step wants to know of it is noted. `url` is
 * whom the answer comes from. */
void user_see_head(struct user *user, struct slice head, const struct url *url, bool is_hop);

/* A piece of the body of that answer, as it was meant (decoded). */
void user_see_body(struct user *user, struct slice bytes);

/* The answer is complete, after `time`, with a status that was expected: extracts what is carried on, and says whether all asserts hold. */
enum reason user_judge(struct user *user, nsec time);

/* The present step is over. Returns whether another one follows in this iteration, which is the present one then. */
bool user_go_on(struct user *user, bool failed);

/* Lays the fields of a redirect's request out that the next one needs to have besides those of script_step.words: those that differ, and the cookies for `url`.
 * `is_other`: it leaves the first origin, and secrets stay behind. The result lives until the next call, or user_request. */
struct slice user_hop_fields(struct user *user, const struct url *url, bool is_other, bool keeps_body);

/* Returns whom the user speaks to, as its cookies see it. For plan/user*.c only. */
struct cookie_place user_cookie_place(const struct user *user, const struct url *url);
