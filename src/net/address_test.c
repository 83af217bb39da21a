#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/address.h"

/* The linker puts these in the place of the resolver (--wrap); names that begin with "fake-" are answered here, all others by the real one. */
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
void __real_freeaddrinfo(struct addrinfo *found);
void __wrap_freeaddrinfo(struct addrinfo *found);

struct answer {
	struct addrinfo info;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} socket;
};

static atomic_int fake_answers, fake_freed;
static atomic_size_t asked_size; /* of the host's name */
static sem_t gate;               /* "fake-gate" answers when it is open */

static void answer_fill(struct answer *answer, int family, const char *text) {
	answer->info.ai_family = family;
	answer->info.ai_socktype = SOCK_STREAM;
	answer->info.ai_addr = &answer->socket.any;
	answer->socket.any.sa_family = (sa_family_t)family;
	answer->info.ai_addrlen = family == AF_INET6 ? sizeof(answer->socket.v6) : sizeof(answer->socket.v4);
	if (family == AF_INET) assert_int_equal(inet_pton(AF_INET, text, &answer->socket.v4.sin_addr), 1);
	if (family == AF_INET6) assert_int_equal(inet_pton(AF_INET6, text, &answer->socket.v6.sin6_addr), 1);
}

/* One block for a whole list, freed as one. */
static struct answer *answers_new(size_t count) {
	struct answer *answers = calloc(count, sizeof(*answers));
	for (size_t i = 0; i + 1 < count; i++) answers[i].info.ai_next = &answers[i + 1].info;
	answers[0].info.ai_flags = 0x5354; /* marks a list of ours */
	return answers;
}

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
	if (strncmp(host, "fake-", 5) != 0) return __real_getaddrinfo(host, service, hints, found);
	struct answer *answers;
	asked_size = strlen(host);
	if (strcmp(host, "fake-none") == 0) return EAI_NONAME;
	if (strcmp(host, "fake-duplicates") == 0) {
		static const char *const texts[] = {"192.0.2.7", "192.0.2.9", "192.0.2.7", "192.0.2.8", "192.0.2.9"};
		answers = answers_new(6);
		for (size_t i = 0; i < 5; i++) answer_fill(&answers[i], AF_INET, texts[i]);
		answer_fill(&answers[5], AF_INET6, "2001:db8::7");
	} else if (strcmp(host, "fake-many") == 0) {
		answers = answers_new(100);
		for (size_t i = 0; i < 100; i++) {
			char text[32];
			snprintf(text, sizeof(text), "192.0.2.%zu", i);
			answer_fill(&answers[i], AF_INET, text);
		}
	} else if (strcmp(host, "fake-family") == 0) {
		answers = answers_new(1);
		answer_fill(&answers[0], AF_UNIX, "");
	} else if (strcmp(host, "fake-gate") == 0) {
		while (sem_wait(&gate) != 0) continue;
		answers = answers_new(1);
		answer_fill(&answers[0], AF_INET, "192.0.2.1");
	} else if (strncmp(host, "fake-long", 9) == 0) {
		answers = answers_new(1);
		answer_fill(&answers[0], AF_INET, "192.0.2.1");
	} else { /* fake-slow: an answer after 800 ms */
		nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
		answers = answers_new(1);
		answer_fill(&answers[0], AF_INET, "192.0.2.1");
	}
	fake_answers++;
	*found = &answers[0].info;
	return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *found) {
	if (found->ai_flags != 0x5354) {
		__real_freeaddrinfo(found);
		return;
	}
	free(found);
	fake_freed++;
}

struct box {
	struct arena arena;
	struct address_list list;
	struct err err;
};

static int setup(void **state) {
	struct box *box = calloc(1, sizeof(*box));
	arena_init(&box->arena);
	sem_init(&gate, 0, 0);
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	arena_fini(&box->arena);
	free(box);
	return 0;
}

static void pause_ms(long ms) {
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static bool resolve(struct box *box, const char *host, nsec limit) {
	return address_resolve(&(struct address_query){host, 3000, limit}, &box->arena, &box->list, &box->err);
}

static void literals_are_addresses(void **state) {
	struct box *box = *state;
	static const struct {
		const char *host, *text;
		int family;
	} rows[] = {
		{"127.0.0.1", "127.0.0.1:3000", AF_INET}, {"192.0.2.1", "192.0.2.1:3000", AF_INET}, {"::1", "[::1]:3000", AF_INET6},
		{"2001:DB8:0:0::1", "[2001:db8::1]:3000", AF_INET6}, /* RFC 5952 form */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_true(resolve(box, rows[i].host, 5 * SEC));
		assert_int_equal(box->list.count, 1);
		assert_string_equal(box->list.at[0].text, rows[i].text);
		assert_int_equal(box->list.at[0].socket.any.sa_family, rows[i].family);
		bool v4 = rows[i].family == AF_INET;
		assert_int_equal(box->list.at[0].size, v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(v4 ? box->list.at[0].socket.v4.sin_port : box->list.at[0].socket.v6.sin6_port, htons(3000));
	}
}

static void localhost_is_here(void **state) {
	struct box *box = *state;
	assert_true(resolve(box, "localhost", 5 * SEC));
	assert_true(box->list.count >= 1);
	for (size_t i = 0; i < box->list.count; i++) {
		assert_true(address_is_local(&box->list.at[i]));
		for (size_t j = 0; j < i; j++) assert_string_not_equal(box->list.at[i].text, box->list.at[j].text);
	}
}

static void duplicates_are_dropped_and_the_order_kept(void **state) {
	struct box *box = *state;
	static const char *const expected[] = {"192.0.2.7:3000", "192.0.2.9:3000", "192.0.2.8:3000", "[2001:db8::7]:3000"};
	assert_true(resolve(box, "fake-duplicates", 5 * SEC));
	assert_int_equal(box->list.count, LENGTH(expected));
	for (size_t i = 0; i < LENGTH(expected); i++) assert_string_equal(box->list.at[i].text, expected[i]);
}

static void further_addresses_are_left_out(void **state) {
	struct box *box = *state;
	assert_true(resolve(box, "fake-many", 5 * SEC));
	assert_int_equal(box->list.count, ADDRESS_MAX);
	assert_string_equal(box->list.at[63].text, "192.0.2.63:3000");
}

/* "invalid" never resolves (RFC 6761 section 6.4), whether a name server answers or not. */
static void a_name_without_address_is_unreachable(void **state) {
	struct box *box = *state;
	static const char *const hosts[] = {"does-not-exist.invalid", "fake-family"};
	for (size_t i = 0; i < LENGTH(hosts); i++) {
		box->list.count = 77;
		assert_false(resolve(box, hosts[i], 3 * SEC));
		assert_int_equal(box->err.code, ERR_UNREACHABLE);
		assert_non_null(strstr(box->err.text, hosts[i]));
		assert_int_equal(box->list.count, 77);
	}
}

static void a_long_name_is_not_cut(void **state) {
	struct box *box = *state;
	char host[1001];
	memset(host, 'x', sizeof(host) - 1);
	memcpy(host, "fake-long", 9);
	host[sizeof(host) - 1] = 0;
	assert_true(resolve(box, host, 5 * SEC));
	assert_int_equal(asked_size, 1000);
}

static void only_the_family_asked_for_comes(void **state) {
	struct box *box = *state;
	static const struct {
		const char *host;
		int family;
		const char *words; /* NULL: it has such addresses */
	} rows[] = {{"127.0.0.1", AF_INET, NULL}, {"::1", AF_INET6, NULL}, {"localhost", AF_INET, NULL},
		{"127.0.0.1", AF_INET6, "'127.0.0.1' with --ipv6"}, {"::1", AF_INET, "'::1' with --ipv4"}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct address_query query = {rows[i].host, 3000, 5 * SEC, rows[i].family};
		bool found = address_resolve(&query, &box->arena, &box->list, &box->err);
		assert_int_equal(found, rows[i].words == NULL);
		if (!found && (box->err.code != ERR_UNREACHABLE || !strstr(box->err.text, rows[i].words))) fail_msg("%s", box->err.text);
		for (size_t j = 0; found && j < box->list.count; j++) assert_int_equal(box->list.at[j].socket.any.sa_family, rows[i].family);
	}
}

/* What a look-up's `done` is given. */
struct told {
	sem_t times;
};

static void note_done(void *user) {
	struct told *told = user;
	assert_int_equal(sem_post(&told->times), 0);
}

static struct lookup *begin(struct box *box, const char *host, struct told *told) {
	struct lookup *lookup;
	assert_int_equal(sem_init(&told->times, 0, 0), 0);
	assert_true(lookup_begin(&(struct address_query){host, 80, 0}, note_done, told, &lookup, &box->err));
	return lookup;
}

static void wait_until_told(struct told *told) {
	struct timespec limit;
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 10;
	assert_int_equal(sem_timedwait(&told->times, &limit), 0);
}

static int times_told(struct told *told) {
	int times;
	assert_int_equal(sem_getvalue(&told->times, &times), 0);
	return times;
}

static void a_lookup_goes_on_beside_other_work(void **state) {
	struct box *box = *state;
	struct told told;
	const char *words = "untouched";
	struct lookup *lookup = begin(box, "fake-gate", &told);
	box->list.count = 77;
	pause_ms(20);
	assert_false(lookup_take(lookup, &box->arena, &box->list, &words));
	assert_int_equal(box->list.count, 77);
	assert_string_equal(words, "untouched");
	assert_int_equal(times_told(&told), 0);
	sem_post(&gate);
	wait_until_told(&told);
	for (int i = 0; i < 2; i++) { /* as often as one likes */
		assert_true(lookup_take(lookup, &box->arena, &box->list, &words));
		assert_int_equal(box->list.count, 1);
		assert_string_equal(box->list.at[0].text, "192.0.2.1:80");
		assert_null(words);
	}
	lookup_free(lookup);
	assert_int_equal(times_told(&told), 0); /* once only */
	assert_string_equal(box->list.at[0].text, "192.0.2.1:80");
}

static void a_lookup_without_addresses_says_why(void **state) {
	struct box *box = *state;
	static const struct {
		const char *host, *words; /* as glibc's gai_strerror(3) has them */
	} rows[] = {{"fake-none", "Name or service not known"}, {"fake-family", "no IPv4 or IPv6 address"}, {"127.0.0.1", NULL}, {"localhost", NULL}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct told told;
		const char *words;
		struct lookup *lookup = begin(box, rows[i].host, &told);
		wait_until_told(&told);
		assert_true(lookup_take(lookup, &box->arena, &box->list, &words));
		assert_int_equal(box->list.count == 0, rows[i].words != NULL);
		if (rows[i].words) assert_string_equal(words, rows[i].words);
		lookup_free(lookup);
	}
}

/* Waits until every answer that was given is freed. */
static void wait_until_freed(int answers) {
	for (int i = 0; i < 500 && (fake_answers < answers || fake_freed < fake_answers); i++) pause_ms(10);
	assert_int_equal(fake_answers, answers);
	assert_int_equal(fake_freed, answers);
}

static void a_lookup_that_was_freed_tells_nobody(void **state) {
	struct box *box = *state;
	struct told told;
	int answers = fake_answers;
	struct lookup *lookup = begin(box, "fake-gate", &told);
	lookup_free(lookup);
	sem_post(&gate);
	wait_until_freed(answers + 1);
	assert_int_equal(times_told(&told), 0);
	lookup_free(NULL);
}

/* Whichever comes first, the answer or the end: nobody touches `told` afterwards (the sanitizers would see it). */
static void an_answer_and_an_end_may_meet(void **state) {
	struct box *box = *state;
	int answers = fake_answers;
	enum { TIMES = 200 };
	for (int i = 0; i < TIMES; i++) {
		struct told *told = malloc(sizeof(*told));
		struct lookup *lookup = begin(box, "fake-gate", told);
		sem_post(&gate);
		for (int spin = 0; spin < i * 50; spin++) atomic_signal_fence(memory_order_seq_cst);
		lookup_free(lookup);
		memset(told, 0xa5, sizeof(*told));
		free(told);
	}
	wait_until_freed(answers + TIMES);
}

static void a_unix_socket_is_an_address(void **state) {
	struct box *box = *state;
	char longest[109];
	memset(longest, 'x', sizeof(longest));
	longest[107] = 0;
	const char *const paths[] = {"/run/x.sock", "here", longest};
	for (size_t i = 0; i < LENGTH(paths); i++) {
		assert_true(address_unix(paths[i], &box->arena, &box->list, &box->err));
		assert_int_equal(box->list.count, 1);
		struct address *address = &box->list.at[0];
		assert_int_equal(address->socket.any.sa_family, AF_UNIX);
		assert_string_equal(address->socket.path.sun_path, paths[i]);
		assert_int_equal(address->size, 2 + strlen(paths[i]) + 1); /* unix(7): family, path, its 0 */
		assert_memory_equal(address->text, "unix:", 5);
		assert_string_equal(address->text + 5, paths[i]);
		assert_true(address_is_local(address));
	}
	longest[107] = 'x';
	longest[108] = 0;
	static const char *const words[] = {"empty", "107 bytes"};
	const char *const bad[] = {"", longest};
	for (size_t i = 0; i < LENGTH(bad); i++) {
		box->list.count = 77;
		assert_false(address_unix(bad[i], &box->arena, &box->list, &box->err));
		assert_int_equal(box->err.code, ERR_FAILED);
		if (!strstr(box->err.text, words[i])) fail_msg("%s", box->err.text);
		assert_int_equal(box->list.count, 77);
	}
}

static void a_slow_answer_is_abandoned_and_freed(void **state) {
	struct box *box = *state;
	nsec start = clock_now();
	int answers = fake_answers;
	assert_false(resolve(box, "fake-slow", 20 * MSEC));
	nsec took = clock_now() - start;
	assert_in_range(took, 20 * MSEC, 750 * MSEC);
	assert_int_equal(box->err.code, ERR_UNREACHABLE);
	assert_non_null(strstr(box->err.text, "fake-slow"));
	for (int i = 0; i < 500 && (fake_answers == answers || fake_freed < fake_answers); i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_int_equal(fake_answers, answers + 1);
	assert_int_equal(fake_freed, fake_answers);
	assert_true(resolve(box, "fake-slow", 20 * SEC)); /* patience helps */
	assert_string_equal(box->list.at[0].text, "192.0.2.1:3000");
}

/* Documentation addresses (RFC 5737, RFC 3849) are nobody's; all of 127.0.0.0/8 is loopback (RFC 1122 section 3.2.1.3). */
static void loopback_is_local_and_the_world_is_not(void **state) {
	struct box *box = *state;
	static const struct {
		const char *host;
		bool local;
	} rows[] = {{"127.0.0.1", true}, {"127.0.0.2", true}, {"127.255.255.254", true}, {"192.0.2.1", false}, {"198.51.100.1", false},
		{"2001:db8::1", false}, {"126.255.255.255", false}, {"128.0.0.1", false}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_true(resolve(box, rows[i].host, 5 * SEC));
		if (address_is_local(&box->list.at[0]) != rows[i].local) fail_msg("%s", rows[i].host);
	}
}

/* ::ffff:127.0.0.1 is 127.0.0.1 in the clothes of IPv6 (RFC 4291 section 2.5.5.2): connecting to it stays on this machine. */
static void mapped_loopback_is_local(void **state) {
	struct box *box = *state;
	assert_true(resolve(box, "::ffff:127.0.0.1", 5 * SEC));
	assert_true(address_is_local(&box->list.at[0]));
	assert_true(resolve(box, "::ffff:192.0.2.1", 5 * SEC));
	assert_false(address_is_local(&box->list.at[0]));
}

static void addresses_of_interfaces_are_local(void **state) {
	(void)state;
	struct ifaddrs *all;
	size_t seen = 0;
	assert_int_equal(getifaddrs(&all), 0);
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		struct address address = {.size = sizeof(struct sockaddr_in)};
		if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6)) continue;
		if (one->ifa_addr->sa_family == AF_INET6) address.size = sizeof(struct sockaddr_in6);
		memcpy(&address.socket, one->ifa_addr, address.size);
		assert_true(address_is_local(&address));
		seen++;
	}
	freeifaddrs(all);
	assert_true(seen > 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(literals_are_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(localhost_is_here, setup, teardown),
		cmocka_unit_test_setup_teardown(duplicates_are_dropped_and_the_order_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(further_addresses_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_without_address_is_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_name_is_not_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_family_asked_for_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lookup_goes_on_beside_other_work, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lookup_without_addresses_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lookup_that_was_freed_tells_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_and_an_end_may_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(a_unix_socket_is_an_address, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_answer_is_abandoned_and_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(loopback_is_local_and_the_world_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(mapped_loopback_is_local, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_of_interfaces_are_local, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
