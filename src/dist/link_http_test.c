#include "dist/link_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "dist/link_http_fixture.h"

static char *pattern(size_t size, unsigned seed) {
	char *bytes = malloc(size + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 31 + i / 251 + seed);
	return bytes;
}

static void messages_of_all_sizes_go_both_ways(void **state) {
	(void)state;
	static const size_t sizes[] = {0, 1, 2, 1000, 4096, 16384, 65536, 200000, LINK_MESSAGE_MAX - 1, LINK_MESSAGE_MAX};
	struct link *controller = fixture_listen((struct link_http_setup){.token = *state});
	struct link *agent = fixture_join(controller, (struct link_http_setup){.token = *state});
	struct got got = {0};
	uint64_t peer = fixture_both_up(controller, agent);
	assert_string_equal(link_address(agent), link_address(controller));
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		char *sent = pattern(sizes[i], (unsigned)i);
		assert_true(link_send(agent, 1, LINK_REPORT, (struct slice){sent, sizes[i]}));
		got_wait(controller, &got);
		assert_int_equal(got.what, LINK_MESSAGE);
		assert_int_equal(got.peer, peer);
		assert_int_equal(got.kind, LINK_REPORT);
		assert_int_equal(got.size, sizes[i]);
		if (sizes[i] > 0) assert_memory_equal(got.body, sent, sizes[i]);
		assert_true(link_send(controller, peer, LINK_CONFIG, (struct slice){sent, sizes[i]}));
		got_wait(agent, &got);
		assert_int_equal(got.what, LINK_MESSAGE);
		assert_int_equal(got.peer, 1);
		assert_int_equal(got.kind, LINK_CONFIG);
		assert_int_equal(got.size, sizes[i]);
		if (sizes[i] > 0) assert_memory_equal(got.body, sent, sizes[i]);
		free(sent);
	}
	got_free(&got);
	link_close(agent);
	link_close(controller);
}

static void what_is_longer_is_not_sent(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct link *agent = fixture_join(controller, (struct link_http_setup){0});
	uint64_t peer = fixture_both_up(controller, agent);
	char *sent = pattern(LINK_MESSAGE_MAX + 1, 0);
	assert_false(link_send(agent, 1, LINK_REPORT, (struct slice){sent, LINK_MESSAGE_MAX + 1}));
	assert_false(link_send(controller, peer, LINK_CONFIG, (struct slice){sent, LINK_MESSAGE_MAX + 1}));
	assert_false(link_send(controller, peer + 1, LINK_CONFIG, SLICE("nobody")));
	free(sent);
	link_close(agent);
	link_close(controller);
}

static void the_order_is_kept(void **state) {
	(void)state;
	enum { COUNT = 500 };
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct link *agent = fixture_join(controller, (struct link_http_setup){0});
	struct got got = {0};
	char text[16];
	uint64_t peer = fixture_both_up(controller, agent);
	for (int i = 0; i < COUNT; i++) {
		int size = snprintf(text, sizeof(text), "%d", i);
		assert_true(link_send(agent, 1, LINK_SNAPSHOT, (struct slice){text, (size_t)size}));
		assert_true(link_send(controller, peer, LINK_STRIPE, (struct slice){text, (size_t)size}));
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "%d", i);
		got_wait(controller, &got);
		assert_string_equal(got.body, text);
		got_wait(agent, &got);
		assert_string_equal(got.body, text);
	}
	got_free(&got);
	link_close(agent);
	link_close(controller);
}

static void two_hundred_agents_are_heard(void **state) {
	enum { AGENTS = 200 };
	struct link *controller = fixture_listen((struct link_http_setup){.token = *state});
	struct link *agents[AGENTS];
	struct got got = {0};
	bool seen[AGENTS] = {0};
	uint64_t peers[AGENTS];
	char text[16];
	int ups = 0, messages = 0;
	for (int i = 0; i < AGENTS; i++) {
		agents[i] = fixture_join(controller, (struct link_http_setup){.token = *state});
		assert_true(link_send(agents[i], 1, LINK_HELLO, (struct slice){text, (size_t)snprintf(text, sizeof(text), "%d", i)}));
	}
	while (messages < AGENTS) {
		got_wait(controller, &got);
		assert_true(got.what == LINK_UP || got.what == LINK_MESSAGE);
		if (got.what == LINK_UP) {
			ups++;
			continue;
		}
		int who = atoi(got.body);
		assert_false(seen[who]);
		seen[who] = true;
		peers[who] = got.peer;
		messages++;
	}
	assert_int_equal(ups, AGENTS);
	for (int i = 0; i < AGENTS; i++)
		assert_true(link_send(controller, peers[i], LINK_WELCOME, (struct slice){text, (size_t)snprintf(text, sizeof(text), "%d", i)}));
	for (int i = 0; i < AGENTS; i++) {
		got_wait(agents[i], &got);
		assert_int_equal(got.what, LINK_UP);
		got_wait(agents[i], &got);
		assert_int_equal(got.what, LINK_MESSAGE);
		assert_int_equal(atoi(got.body), i);
		link_close(agents[i]);
	}
	for (int i = 0; i < AGENTS; i++) {
		got_wait(controller, &got);
		assert_int_equal(got.what, LINK_DOWN);
	}
	got_free(&got);
	link_close(controller);
}

static void one_that_is_dropped_reads_why(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct link *agent = fixture_join(controller, (struct link_http_setup){0});
	struct got got = {0};
	uint64_t peer = fixture_both_up(controller, agent);
	assert_true(link_send(controller, peer, LINK_BEAT, SLICE("last")));
	link_drop(controller, peer, "version 2 is not ours");
	assert_false(link_send(controller, peer, LINK_BEAT, SLICE("later")));
	got_wait(agent, &got);
	assert_string_equal(got.body, "last");
	got_wait(agent, &got);
	assert_int_equal(got.what, LINK_DOWN);
	assert_string_equal(got.words, "version 2 is not ours");
	assert_true(got.refused);
	assert_false(link_send(agent, 1, LINK_BEAT, SLICE("later")));
	got_wait_for(controller, &got, 200 * MSEC); /* no LINK_DOWN for it */
	assert_int_equal(got.what, LINK_NOTHING);
	link_close(agent);
	link_close(controller);
}

static void an_agent_sees_the_controller_go(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct link *agent = fixture_join(controller, (struct link_http_setup){0});
	struct got got = {0};
	uint64_t peer = fixture_both_up(controller, agent);
	char *last = pattern(1000000, 7);
	assert_true(link_send(controller, peer, LINK_STOP, (struct slice){last, 1000000}));
	link_close(controller); /* what waits is sent before */
	got_wait(agent, &got);
	assert_int_equal(got.what, LINK_MESSAGE);
	assert_int_equal(got.size, 1000000);
	assert_memory_equal(got.body, last, 1000000);
	got_wait(agent, &got);
	assert_int_equal(got.what, LINK_DOWN);
	assert_non_null(strstr(got.words, "the connection to the controller at 127.0.0.1:"));
	assert_false(got.refused);
	got_wait_for(agent, &got, 100 * MSEC); /* once */
	assert_int_equal(got.what, LINK_NOTHING);
	free(last);
	link_close(agent);
}

static void the_last_message_of_an_agent_arrives(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct link *agent = fixture_join(controller, (struct link_http_setup){0});
	struct got got = {0};
	fixture_both_up(controller, agent);
	assert_true(link_send(agent, 1, LINK_GOODBYE, SLICE("done")));
	link_close(agent);
	got_wait(controller, &got);
	assert_string_equal(got.body, "done");
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	got_free(&got);
	link_close(controller);
}

/* Breaks the younger of the two connections that the agent has: that of its messages. */
static void break_messages(struct link *controller) {
	int port = atoi(strrchr(link_address(controller), ':') + 1), found = -1, count = 0;
	for (int fd = 3; fd < 1000; fd++) {
		struct sockaddr_in to;
		socklen_t size = sizeof(to);
		if (getpeername(fd, (struct sockaddr *)&to, &size) != 0 || to.sin_family != AF_INET || ntohs(to.sin_port) != port) continue;
		found = fd;
		count++;
	}
	assert_int_equal(count, 2);
	shutdown(found, SHUT_RDWR);
}

static void a_broken_message_connection_is_mended(void **state) {
	struct link *controller = fixture_listen((struct link_http_setup){.token = *state});
	struct link *agent = fixture_join(controller, (struct link_http_setup){.token = *state});
	struct got got = {0};
	char *sent = pattern(3000000, 5);
	fixture_both_up(controller, agent);
	for (int i = 0; i < 5; i++) {
		assert_true(link_send(agent, 1, LINK_REPORT, (struct slice){sent, 3000000}));
		got_wait(controller, &got);
		assert_int_equal(got.what, LINK_MESSAGE);
		assert_int_equal(got.size, 3000000);
		assert_memory_equal(got.body, sent, 3000000);
		got_wait_for(agent, &got, 50 * MSEC); /* the answer comes too */
		assert_int_equal(got.what, LINK_NOTHING);
		break_messages(controller);
	}
	free(sent);
	link_close(agent);
	link_close(controller);
}

/* Starts this program anew: a sanitizer does not like threads after a fork. */
static pid_t start(const char *role, const char *argument) {
	pid_t pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "link_http_test", role, argument, NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

/* A process that joins, says hello and then only waits. */
static int be_agent(const char *address) {
	struct got got = {0};
	struct link *agent = fixture_join(NULL, (struct link_http_setup){.address = address});
	link_send(agent, 1, LINK_HELLO, SLICE("here"));
	for (int i = 0; i < 300; i++) got_wait_for(agent, &got, 100 * MSEC);
	return 0;
}

static void a_killed_agent_is_noticed(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct got got = {0};
	pid_t pid = start("agent", link_address(controller));
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_UP);
	uint64_t peer = got.peer;
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_MESSAGE);
	nsec killed = clock_now();
	kill(pid, SIGKILL);
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	assert_int_equal(got.peer, peer);
	assert_non_null(strstr(got.words, "its connection"));
	print_message("# noticed after %.1f ms\n", (double)(clock_now() - killed) / MSEC);
	waitpid(pid, NULL, 0);
	got_free(&got);
	link_close(controller);
}

/* A controller as a process: tells its address, then how many messages of 4 KiB came in order, until it hears LINK_GOODBYE. */
static int be_controller(int out) {
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct got got = {0};
	unsigned count = 0;
	dprintf(out, "%s\n", link_address(controller));
	while (true) {
		got_wait(controller, &got);
		if (got.what != LINK_UP && (got.what != LINK_MESSAGE || got.kind == LINK_GOODBYE)) break;
		if (got.what == LINK_MESSAGE && (unsigned)atoi(got.body) == count) count++;
	}
	dprintf(out, "%u\n", count);
	got_free(&got);
	link_close(controller);
	return 0;
}

static void a_frozen_controller_loses_nothing(void **state) {
	(void)state;
	enum { COUNT = 1000, SIZE = 4096 };
	int pipes[2];
	char text[100] = "", body[SIZE] = "";
	assert_int_equal(pipe(pipes), 0);
	snprintf(text, sizeof(text), "%d", pipes[1]);
	pid_t pid = start("controller", text);
	close(pipes[1]);
	FILE *in = fdopen(pipes[0], "r");
	assert_non_null(fgets(text, sizeof(text), in));
	text[strcspn(text, "\n")] = 0;
	struct link *agent = fixture_join(NULL, (struct link_http_setup){.address = text, .silence = 10 * SEC});
	struct got got = {0};
	got_wait(agent, &got);
	assert_int_equal(got.what, LINK_UP);
	kill(pid, SIGSTOP);
	for (int i = 0; i < COUNT; i++) {
		snprintf(body, sizeof(body), "%d", i);
		assert_true(link_send(agent, 1, LINK_SNAPSHOT, (struct slice){body, SIZE}));
		if (i % 100 == 0) usleep(200000);
	}
	kill(pid, SIGCONT);
	assert_true(link_send(agent, 1, LINK_GOODBYE, SLICE("")));
	assert_non_null(fgets(text, sizeof(text), in));
	assert_int_equal(atoi(text), COUNT);
	fclose(in);
	got_free(&got);
	link_close(agent);
	waitpid(pid, NULL, 0);
}

static void a_peer_that_does_not_read_is_given_up(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct got got = {0};
	pid_t pid = start("agent", link_address(controller));
	got_wait(controller, &got);
	uint64_t peer = got.peer;
	got_wait(controller, &got);
	kill(pid, SIGSTOP);
	char *sent = pattern(1 << 20, 3);
	int count = 0;
	while (count < 100 && link_send(controller, peer, LINK_CONFIG, (struct slice){sent, 1 << 20})) count++;
	assert_in_range(count, 15, 40); /* the queue, and what the kernel takes */
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	assert_string_equal(got.words, "it lets too much wait that was sent to it");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(sent);
	got_free(&got);
	link_close(controller);
}

/* More than a controller holds at once (64 MiB): it takes some, the agents wait, and all arrives. */
static void a_slow_controller_makes_agents_wait(void **state) {
	(void)state;
	enum { AGENTS = 30, EACH = 3 };
	struct link *controller = fixture_listen((struct link_http_setup){0}), *agents[AGENTS];
	struct got got = {0};
	char *sent = pattern(LINK_MESSAGE_MAX, 1);
	unsigned count[AGENTS + 1] = {0};
	for (int i = 0; i < AGENTS; i++) {
		agents[i] = fixture_join(controller, (struct link_http_setup){0});
		for (int j = 0; j < EACH; j++) assert_true(link_send(agents[i], 1, LINK_REPORT, (struct slice){sent, LINK_MESSAGE_MAX}));
	}
	sleep(2); /* nothing is taken */
	for (int i = 0; i < AGENTS * (EACH + 1); i++) {
		got_wait(controller, &got);
		assert_true(got.what == LINK_UP || got.what == LINK_MESSAGE);
		assert_in_range(got.peer, 1, 2 * AGENTS);
		if (got.what == LINK_MESSAGE) {
			assert_int_equal(got.size, LINK_MESSAGE_MAX);
			count[got.peer % (AGENTS + 1)]++;
		}
	}
	unsigned all = 0;
	for (int i = 0; i <= AGENTS; i++) all += count[i];
	assert_int_equal(all, AGENTS * EACH);
	for (int i = 0; i < AGENTS; i++) link_close(agents[i]);
	free(sent);
	got_free(&got);
	link_close(controller);
}

int main(int count, char **arguments) {
	if (count == 3) return strcmp(arguments[1], "agent") == 0 ? be_agent(arguments[2]) : be_controller(atoi(arguments[2]));
	static char token[] = "a secret: with \"everything\" in it";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_all_sizes_go_both_ways),
		cmocka_unit_test_prestate(messages_of_all_sizes_go_both_ways, token),
		cmocka_unit_test(what_is_longer_is_not_sent),
		cmocka_unit_test(the_order_is_kept),
		cmocka_unit_test(two_hundred_agents_are_heard),
		cmocka_unit_test_prestate(two_hundred_agents_are_heard, token),
		cmocka_unit_test(one_that_is_dropped_reads_why),
		cmocka_unit_test(an_agent_sees_the_controller_go),
		cmocka_unit_test(the_last_message_of_an_agent_arrives),
		cmocka_unit_test(a_broken_message_connection_is_mended),
		cmocka_unit_test_prestate(a_broken_message_connection_is_mended, token),
		cmocka_unit_test(a_killed_agent_is_noticed),
		cmocka_unit_test(a_frozen_controller_loses_nothing),
		cmocka_unit_test(a_peer_that_does_not_read_is_given_up),
		cmocka_unit_test(a_slow_controller_makes_agents_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
