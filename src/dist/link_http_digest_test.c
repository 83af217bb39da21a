#include "dist/link_http_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

/* What curl 7.88.1 answered to that nonce with --digest -u agent:secret and POST /v1/join. */
#define NONCE "3c6a3fb63d6ab23bf20238f2ba346475"
#define RESPONSE "64850fc0b38f768070a4bb7c1c56fb355c9155352f39fd1d327479af07397b3a"
#define CNONCE "YzA4OGU0MGE4MDNjYmU1Y2E3OWI1YTBlMmRjOTNkNmI="
#define ANSWER(user, nonce, uri, count, response, algorithm)                                                                                         \
	"Digest username=\"" user "\", realm=\"strest\", nonce=\"" nonce "\", uri=\"" uri "\", cnonce=\"" CNONCE "\", nc=" count                     \
	", qop=auth, response=\"" response "\", algorithm=" algorithm
#define GOOD ANSWER("agent", NONCE, "/v1/join", "00000001", RESPONSE, "SHA-256")

static enum digest_result check(struct digest *digest, const char *text, const char *token) {
	struct digest_request request = {.authorization = text, .method = "POST", .path = "/v1/join"};
	return digest_check(digest, &request, token);
}

static void the_answer_of_curl_is_right_once(void **state) {
	(void)state;
	struct digest digest = {.nonce = NONCE};
	assert_int_equal(check(&digest, GOOD, "secret"), DIGEST_RIGHT);
	assert_int_equal(digest.used, 1);
	assert_int_equal(check(&digest, GOOD, "secret"), DIGEST_STALE); /* played again */
}

static void it_is_stale_on_another_connection(void **state) {
	(void)state;
	struct digest other = {.nonce = "00112233445566778899aabbccddeeff"}, none = {0};
	assert_int_equal(check(&other, GOOD, "secret"), DIGEST_STALE);
	assert_int_equal(check(&none, GOOD, "secret"), DIGEST_STALE);
}

static void anything_else_is_wrong(void **state) {
	(void)state;
	static const char *const texts[] = {
		"",
		"Digest",
		"Digest ",
		"Basic YWdlbnQ6c2VjcmV0",
		"Digest =",
		"Digest username",
		"Digest username=\"agent",
		"Digest username=\"agent\"x",
		ANSWER("root", NONCE, "/v1/join", "00000001", RESPONSE, "SHA-256"),
		ANSWER("agent", NONCE, "/v1/message", "00000001", RESPONSE, "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "00000002", RESPONSE, "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "0000000g", RESPONSE, "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "1", RESPONSE, "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "00000001", RESPONSE, "MD5"),
		ANSWER("agent", NONCE, "/v1/join", "00000001", RESPONSE "00", "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "00000001", "", "SHA-256"),
		ANSWER("agent", NONCE, "/v1/join", "00000001", "74850fc0b38f768070a4bb7c1c56fb355c9155352f39fd1d327479af07397b3a", "SHA-256"),
		GOOD ", nc=00000001",
	};
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct digest digest = {.nonce = NONCE};
		if (check(&digest, texts[i], "secret") != DIGEST_WRONG) fail_msg("taken: %s", texts[i]);
		assert_int_equal(digest.used, 0);
	}
	struct digest digest = {.nonce = NONCE};
	assert_int_equal(check(&digest, GOOD, "Secret"), DIGEST_WRONG);
	assert_int_equal(check(&digest, GOOD, ""), DIGEST_WRONG);
}

static void a_value_may_not_be_endless(void **state) {
	(void)state;
	char text[4000] = "Digest username=\"";
	struct digest digest = {.nonce = NONCE};
	size_t size = strlen(text);
	memset(text + size, 'a', sizeof(text) - size - 2);
	strcpy(text + sizeof(text) - 2, "\"");
	assert_int_equal(check(&digest, text, "secret"), DIGEST_WRONG);
}

static void challenges_are_never_the_same(void **state) {
	(void)state;
	struct digest one = {.used = 7}, two = {0};
	char first[DIGEST_CHALLENGE], second[DIGEST_CHALLENGE];
	assert_true(digest_challenge(&one, false, first));
	assert_true(digest_challenge(&two, true, second));
	assert_int_equal(one.used, 0);
	assert_int_equal(strlen(one.nonce), 32);
	assert_string_not_equal(one.nonce, two.nonce);
	assert_non_null(strstr(first, one.nonce));
	assert_null(strstr(first, "stale"));
	assert_non_null(strstr(second, ", stale=true"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_curl_is_right_once),
		cmocka_unit_test(it_is_stale_on_another_connection),
		cmocka_unit_test(anything_else_is_wrong),
		cmocka_unit_test(a_value_may_not_be_endless),
		cmocka_unit_test(challenges_are_never_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
