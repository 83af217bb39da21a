#include "target/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/endpoint.h"
#include "target/server.h"

static char text[ENDPOINT_TEXT_MAX];
static struct server servers[2];
static struct server_group group = {.servers = servers, .count = 2};

static int begin(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(servers); i++) servers[i] = (struct server){.group = &group};
	return 0;
}

/* The answer to a request that may have a body and credentials, by the thread `thread`. */
static struct answer ask_thread(unsigned thread, const char *line, const char *body, const char *authorization, const char *cookie) {
	struct slice target, method = slice_cut(slice_of(line), ' ', &target);
	struct buf kept;
	buf_init(&kept, 10000);
	if (body) buf_add_text(&kept, body);
	struct endpoint_request request = {.method = method,
		.authorization = slice_of(authorization),
		.cookie = slice_of(cookie),
		.body = body ? &kept : NULL,
		.server = &servers[thread],
		.shop = &servers[thread].shop,
		.text = text};
	struct answer answer = {.status = 200, .keep_alive = true};
	endpoint_split(target, &request.path, &request.query);
	const struct endpoint *row = endpoint_find(request.path);
	request.rest = (struct slice){request.path.at + row->name.size, request.path.size - row->name.size};
	row->answer(&request, &answer);
	buf_fini(&kept);
	return answer;
}

static struct answer ask(const char *line, const char *body, const char *authorization, const char *cookie) {
	return ask_thread(0, line, body, authorization, cookie);
}

static void assert_slice(struct slice is, const char *want) {
	if (!slice_equal(is, slice_of(want))) fail_msg("'%.*s' is not '%s'", (int)is.size, is.at, want);
}

static void assert_body(struct answer answer, unsigned status, const char *want) {
	assert_int_equal(answer.status, status);
	assert_slice(answer.type, "application/json");
	assert_int_equal(answer.body_bytes, answer.body.size);
	assert_slice(answer.body, want);
}

/* The hashes of "a" and "foobar" stand in the test vectors of FNV-1a's authors; the one of nothing is its offset basis. */
static void a_token_is_the_bodys_hash_and_the_user(void **state) {
	(void)state;
	static const struct {
		const char *body, *cookie, *want;
	} cases[] = {
		{"a", "Set-Cookie: session=af63dc4c8601ec8c; Path=/\r\n", "{\"token\":\"af63dc4c8601ec8c\",\"user\":null}\n"},
		{"foobar", "Set-Cookie: session=85944171f73967e8; Path=/\r\n", "{\"token\":\"85944171f73967e8\",\"user\":null}\n"},
		{"", "Set-Cookie: session=cbf29ce484222325; Path=/\r\n", "{\"token\":\"cbf29ce484222325\",\"user\":null}\n"},
		{NULL, "Set-Cookie: session=cbf29ce484222325; Path=/\r\n", "{\"token\":\"cbf29ce484222325\",\"user\":null}\n"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct answer answer = ask("POST /login", cases[i].body, NULL, NULL);
		assert_slice(answer.fields, cases[i].cookie);
		assert_body(answer, 200, cases[i].want);
	}
	struct answer answer = ask("POST /login", "{\"user\" : \"demo\",\"seq\":\"0\"}", NULL, NULL);
	assert_non_null(memmem(answer.body.at, answer.body.size, "64656d6f\",\"user\":\"demo\"}", 24)); /* ASCII */
}

static void a_user_that_cannot_be_shown_is_null(void **state) {
	(void)state;
	static const char *const bodies[] = {"{\"user\":7}", "{\"user\":\"\"}", "{\"user\":\"a\\\"b\"}", "{\"user\":\"\xc3\xa4\"}", "{\"user\"",
		"{\"user\":", "{\"user\":\"", "{\"user\":\"cut", "{\"user\":\"12345678901234567890123456789012345678901234567890123456789012345\"}",
		"{\"user\":\"a\r\nb\"}"};
	for (size_t i = 0; i < LENGTH(bodies); i++) {
		struct answer answer = ask("POST /login", bodies[i], NULL, NULL);
		assert_int_equal(answer.status, 200);
		assert_non_null(memmem(answer.body.at, answer.body.size, "\"user\":null}", 12));
	}
}

static void the_profile_is_of_whom_the_token_was_made_for(void **state) {
	(void)state;
	static const struct {
		const char *authorization, *cookie, *want; /* NULL: 401 */
	} cases[] = {
		{"Bearer af63dc4c8601ec8c64656d6f", NULL, "{\"user\":\"demo\"}\n"},
		{NULL, "a=b; session=af63dc4c8601ec8c64656d6f; c", "{\"user\":\"demo\"}\n"},
		{"Bearer 0", NULL, "{\"user\":\"0\"}\n"},
		{"Bearer 0", "session=af63dc4c8601ec8c64656d6f", "{\"user\":\"0\"}\n"},
		{"token", NULL, "{\"user\":\"token\"}\n"},
		{"Bearer af63dc4c8601ec8c", NULL, "{\"user\":null}\n"},
		{"Bearer a\"b", NULL, "{\"user\":null}\n"},
		{"Bearer af63dc4c8601ec8c0a", NULL, "{\"user\":null}\n"},
		{NULL, NULL, NULL},
		{"", "", NULL},
		{NULL, "sessions=1; session=", NULL},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct answer answer = ask("GET /profile", NULL, cases[i].authorization, cases[i].cookie);
		assert_body(answer, cases[i].want ? 200 : 401, cases[i].want ? cases[i].want : "{\"error\":\"log in first\"}\n");
	}
	assert_int_equal(servers[0].shop.done[SHOP_PROFILE], 8);
	assert_int_equal(servers[0].shop.denied, 3);
}

/* 1: 100 + 7919 cents; 1,000,000: 7,919,000,000 modulo 9,900 is 9,800. */
static void items_are_numbers_from_one_to_a_million(void **state) {
	(void)state;
	assert_body(ask("GET /items/1", NULL, NULL, NULL), 200, "{\"id\":1,\"name\":\"item 1\",\"price\":80.19}\n");
	assert_body(ask("GET /items/1000000", NULL, NULL, NULL), 200, "{\"id\":1000000,\"name\":\"item 1000000\",\"price\":99.00}\n");
	static const char *const none[] = {"GET /items/0", "GET /items/1000001", "GET /items/", "GET /items/x", "GET /items/-1", "GET /items/+1",
		"GET /items/1/", "GET /items/1.0", "GET /items/18446744073709551617"};
	for (size_t i = 0; i < LENGTH(none); i++) assert_int_equal(ask(none[i], NULL, NULL, NULL).status, 404);
	assert_int_equal(servers[0].shop.done[SHOP_ITEM], 2);
	assert_int_equal(servers[0].shop.bad, LENGTH(none));
}

/* The hash of nothing, 14695981039346656037, leaves 656037 of a million. */
static void a_search_finds_three_items_of_its_words(void **state) {
	(void)state;
	struct answer answer = ask("GET /search", NULL, NULL, NULL);
	static const char want[] = "{\"query\":\"\",\"results\":[{\"id\":656038,";
	assert_memory_equal(answer.body.at, want, sizeof(want) - 1);
	assert_non_null(memmem(answer.body.at, answer.body.size, "{\"id\":989371,", 13));
	assert_non_null(memmem(answer.body.at, answer.body.size, "{\"id\":322704,", 13));
	answer = ask("GET /search?a=b&q=x\"y\\z\x01\xe4", NULL, NULL, NULL);
	static const char escaped[] = "{\"query\":\"x\\u0022y\\u005cz\\u0001\\u00e4\",";
	assert_memory_equal(answer.body.at, escaped, sizeof(escaped) - 1);
	char line[1025 + 4] = "GET /search?q="; /* the longest path, of the longest text */
	memset(line + 14, 1, sizeof(line) - 15);
	answer = ask(line, NULL, NULL, NULL);
	assert_in_range(answer.body_bytes, 1010 * 6, ENDPOINT_TEXT_MAX);
	assert_memory_equal(answer.body.at + answer.body.size - 4, "}]}\n", 4);
}

static void orders_have_numbers_of_their_own(void **state) {
	(void)state;
	assert_body(ask("POST /checkout", "{}", "Bearer 1", NULL), 200, "{\"order\":1,\"user\":\"1\"}\n");
	assert_body(ask_thread(1, "POST /checkout", NULL, "Bearer 1", NULL), 200, "{\"order\":2,\"user\":\"1\"}\n");
	assert_body(ask("POST /checkout", NULL, NULL, NULL), 401, "{\"error\":\"log in first\"}\n");
	assert_body(ask("POST /checkout", NULL, NULL, "session=1"), 200, "{\"order\":3,\"user\":\"1\"}\n");
	assert_body(ask("GET /shop/stats", NULL, NULL, NULL), 200,
		"{\"logins\":0,\"profiles\":0,\"searches\":0,\"items\":0,\"orders\":3,\"refused\":0,\"denied\":1,\"bad\":0}\n");
}

static void refusals_are_so_many_in_a_hundred(void **state) {
	(void)state;
	static const struct {
		const char *line;
		unsigned refused, first; /* 0: none */
	} cases[] = {{"POST /login?refuse=5", 5, 20}, {"GET /profile?refuse=0", 0, 0}, {"GET /search?q=a&refuse=100", 100, 1},
		{"GET /items/7?refuse=3", 3, 34}, {"POST /checkout?refuse=50", 50, 2}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		unsigned refused = 0, first = 0;
		for (unsigned n = 1; n <= 100; n++) {
			struct answer answer = ask(cases[i].line, NULL, "Bearer 1", NULL);
			refused += answer.status == 401;
			if (answer.status == 401 && first == 0) first = n;
		}
		assert_int_equal(refused, cases[i].refused);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(servers[0].shop.done[i], 100 - refused);
	}
	assert_int_equal(servers[0].shop.refused, 5 + 0 + 100 + 3 + 50);
	assert_int_equal(ask("POST /login?refuse=101", NULL, NULL, NULL).status, 400);
	assert_int_equal(ask("POST /login?refuse=x", NULL, NULL, NULL).status, 400);
}

static void the_method_must_be_that_of_the_step(void **state) {
	(void)state;
	static const struct {
		const char *line, *allow;
	} cases[] = {{"GET /login", "Allow: POST\r\n"}, {"PUT /checkout", "Allow: POST\r\n"}, {"POST /profile", "Allow: GET, HEAD\r\n"},
		{"POST /search?q=a", "Allow: GET, HEAD\r\n"}, {"DELETE /items/1", "Allow: GET, HEAD\r\n"}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct answer answer = ask(cases[i].line, NULL, "Bearer 1", NULL);
		assert_int_equal(answer.status, 405); /* RFC 9110 section 15.5.6: with Allow */
		assert_slice(answer.fields, cases[i].allow);
	}
	assert_int_equal(ask("HEAD /items/1", NULL, NULL, NULL).status, 200);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_the_bodys_hash_and_the_user),
		TEST(a_user_that_cannot_be_shown_is_null),
		TEST(the_profile_is_of_whom_the_token_was_made_for),
		TEST(items_are_numbers_from_one_to_a_million),
		TEST(a_search_finds_three_items_of_its_words),
		TEST(orders_have_numbers_of_their_own),
		TEST(refusals_are_so_many_in_a_hundred),
		TEST(the_method_must_be_that_of_the_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
