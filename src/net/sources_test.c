#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "net/sources.h"

static struct arena arena;
static struct err err;
static const struct address to_v4 = {.socket.v4.sin_family = AF_INET}, to_v6 = {.socket.v6.sin6_family = AF_INET6},
			    to_unix = {.socket.path.sun_family = AF_UNIX};

static int setup(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static const struct sources *open_sources(size_t count, const char **texts) {
	const struct sources *sources;
	if (!sources_open(&(struct text_list){count, texts}, &arena, &sources, &err)) fail_msg("%s", err.text);
	return sources;
}

static void check_turn(const struct sources *sources, const struct address *to, uint64_t turn, const char *expected) {
	struct address picked;
	char text[INET6_ADDRSTRLEN] = "";
	memset(&picked, 0xa5, sizeof(picked));
	assert_true(sources_pick(sources, to, turn, &picked));
	assert_int_equal(picked.socket.any.sa_family, to->socket.any.sa_family);
	assert_null(picked.text);
	if (to == &to_v4) {
		assert_int_equal(picked.size, sizeof(struct sockaddr_in));
		assert_int_equal(picked.socket.v4.sin_port, 0);
		inet_ntop(AF_INET, &picked.socket.v4.sin_addr, text, sizeof(text));
	} else {
		assert_int_equal(picked.size, sizeof(struct sockaddr_in6));
		assert_int_equal(picked.socket.v6.sin6_port, 0);
		assert_int_equal(picked.socket.v6.sin6_scope_id, 0);
		inet_ntop(AF_INET6, &picked.socket.v6.sin6_addr, text, sizeof(text));
	}
	assert_string_equal(text, expected);
}

static void nothing_given_is_nothing(void **state) {
	(void)state;
	const struct sources *sources = open_sources(0, NULL);
	assert_null(sources);
}

static void addresses_come_in_turn_and_again(void **state) {
	(void)state;
	static const char *const expected[] = {
		"127.0.0.9", "127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.4", "127.0.2.5", "127.0.2.6", "127.0.0.3", "127.0.4.4", "127.0.4.5"};
	const struct sources *sources = open_sources(3, (const char *[]){"127.0.0.9", "127.0.2.0/29, 127.0.0.3", "127.0.4.4/31"});
	assert_int_equal(sources_count(sources, AF_INET), LENGTH(expected));
	assert_int_equal(sources_count(sources, AF_INET6), 0);
	assert_int_equal(sources_count(sources, AF_UNIX), 0);
	for (uint64_t turn = 0; turn < 3 * LENGTH(expected); turn++) check_turn(sources, &to_v4, turn, expected[turn % LENGTH(expected)]);
	check_turn(sources, &to_v4, UINT64_MAX, expected[5]); /* 2^64 - 1 is 5 modulo 10 */
	struct address picked = {.size = 7};
	assert_false(sources_pick(sources, &to_v6, 0, &picked));
	assert_false(sources_pick(sources, &to_unix, 0, &picked));
	assert_int_equal(picked.size, 7);
}

/* IPv6 may be switched off. */
static bool has_v6(void) {
	struct sockaddr_in6 one = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&one, sizeof(one)) == 0;
	if (fd >= 0) close(fd);
	return has;
}

static void families_have_their_own_turns(void **state) {
	(void)state;
	if (!has_v6()) skip();
	const struct sources *sources = open_sources(1, (const char *[]){"127.0.0.9,[::1],127.0.0.1"});
	assert_int_equal(sources_count(sources, AF_INET), 2);
	assert_int_equal(sources_count(sources, AF_INET6), 1);
	for (uint64_t turn = 0; turn < 4; turn++) {
		check_turn(sources, &to_v4, turn, turn % 2 ? "127.0.0.1" : "127.0.0.9");
		check_turn(sources, &to_v6, turn, "::1");
	}
}

static void a_large_block_is_not_listed(void **state) {
	(void)state;
	const struct sources *sources = open_sources(1, (const char *[]){"127.0.0.0/8,127.0.0.5"});
	assert_int_equal(sources_count(sources, AF_INET), 16777215); /* 2^24 - 2 + 1 */
	check_turn(sources, &to_v4, 0, "127.0.0.1");
	check_turn(sources, &to_v4, 65535, "127.1.0.0");
	check_turn(sources, &to_v4, 16777213, "127.255.255.254");
	check_turn(sources, &to_v4, 16777214, "127.0.0.5");
	check_turn(sources, &to_v4, 16777215, "127.0.0.1");
}

/* Documentation addresses (RFC 5737, RFC 3849) are nobody's; from broadcast and multicast addresses nobody connects. */
static void addresses_of_others_are_refused(void **state) {
	(void)state;
	static const struct {
		const char *texts[2], *named;
	} rows[] = {{{"198.51.100.1", "127.0.0.1"}, "'198.51.100.1'"},
		{{"127.0.0.1", "127.0.0.2,198.51.100.0/24"}, "'198.51.100.0/24': this machine has no address 198.51.100.1;"},
		{{"127.0.0.1", "255.255.255.255"}, "'255.255.255.255'"}, {{"127.0.0.1", "224.0.0.1"}, "'224.0.0.1'"},
		{{"127.0.0.1", "2001:db8::1"}, "'2001:db8::1'"}, {{"ff02::1", "127.0.0.1"}, "'ff02::1'"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct sources *sources = (const struct sources *)&rows;
		const char *texts[] = {rows[i].texts[0], rows[i].texts[1]};
		if (sources_open(&(struct text_list){2, texts}, &arena, &sources, &err)) fail_msg("%s was taken", rows[i].named);
		assert_int_equal(err.code, ERR_FAILED);
		assert_memory_equal(err.text, "--bind: ", 8);
		if (!strstr(err.text, rows[i].named)) fail_msg("%s", err.text);
		assert_ptr_equal(sources, &rows);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_given_is_nothing),
		TEST(addresses_come_in_turn_and_again),
		TEST(families_have_their_own_turns),
		TEST(a_large_block_is_not_listed),
		TEST(addresses_of_others_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
