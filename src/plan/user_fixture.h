/* For unit tests: users of a script from the text of a config file.
 * In: TOML, answers. Out: `user` and its requests. Included by one *_test.c each. */
#pragma once

#include "plan/script_fixture.h"
#include "plan/user.h"

#define NOW_MS 1764201234567 /* 2025-11-26, 23:53:54 UTC */

static struct user_tools tools;
static struct user *user;

static inline int set_up_user(void **state) {
	user = NULL;
	user_tools_open(&tools);
	return set_up(state);
}

static inline int tear_down_user(void **state) {
	user_free(user);
	user_tools_close(&tools);
	return tear_down(state);
}

/* Builds the script, and begins iteration n of user `number`. */
static inline void begin(const char *text, uint64_t number, uint64_t n) {
	user_free(user);
	user = NULL;
	build(text);
	user = user_new(script, &tools, number);
	user_begin(user, n, 0);
}

/* Returns the request of the present step, which must be possible. */
static inline const struct http_request *request(void) {
	const struct http_request *made = user_request(user, NOW_MS);
	if (!made) fail_msg("step %u is impossible", user->step->number);
	return made;
}

/* Gives the answer, and returns the verdict. */
static inline enum reason answer(const char *fields, const char *body) {
	user_see_head(user, slice_of(arena_format(&arena, "HTTP/1.1 200 OK\r\n%s\r\n", fields)), user->url, false);
	user_see_body(user, slice_of(body));
	return user_judge(user, 1);
}

/* The step goes well, and another one follows. */
static inline void pass(const char *fields, const char *body) {
	assert_string_equal(reason_name(answer(fields, body)), reason_name(REASON_NONE));
	assert_true(user_go_on(user, false));
}

/* The request is this head and body. */
static inline void assert_request(const char *head, const char *body) {
	const struct http_request *made = request();
	assert_slice(made->head, head);
	assert_slice(made->body, body);
	assert_int_equal(made->body_bytes, strlen(body));
}

#define USER_CASE(name) cmocka_unit_test_setup_teardown(name, set_up_user, tear_down_user)
