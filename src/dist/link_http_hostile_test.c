#include "dist/link_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "dist/link_http_fixture.h"

/* The controller still works: an agent joins, one message goes each way. */
static void assert_sound(struct link *controller, const char *token) {
	struct link *agent = fixture_join(controller, (struct link_http_setup){.token = token});
	struct got got = {0};
	uint64_t peer = fixture_both_up(controller, agent);
	assert_true(link_send(agent, 1, LINK_HELLO, SLICE("hello")));
	got_wait(controller, &got);
	assert_string_equal(got.body, "hello");
	assert_true(link_send(controller, peer, LINK_WELCOME, SLICE("welcome")));
	got_wait(agent, &got);
	assert_string_equal(got.body, "welcome");
	link_close(agent);
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	got_free(&got);
}

/* What an agent reads that cannot join. */
static void assert_turned_away(struct link *controller, struct link_http_setup setup, const char *words, bool refused) {
	struct link *agent = fixture_join(controller, setup);
	struct got got = {0};
	got_wait(agent, &got);
	assert_int_equal(got.what, LINK_DOWN);
	if (!strstr(got.words, words)) fail_msg("'%s', where '%s' should be", got.words, words);
	assert_int_equal(got.refused, refused);
	got_free(&got);
	link_close(agent);
}

static void a_wrong_token_is_refused_and_told(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){.token = "right"});
	assert_turned_away(controller, (struct link_http_setup){.token = "wrong"}, "the token was refused by the controller at 127.0.0.1:", true);
	assert_non_null(strstr(fixture_refusal(controller), ": the token is wrong"));
	assert_sound(controller, "right");
	link_close(controller);
}

static void an_agent_without_token_is_refused_and_told(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){.token = "right"});
	assert_turned_away(controller, (struct link_http_setup){0}, "wants a token; give one", true);
	assert_non_null(strstr(fixture_refusal(controller), ": it shows no token"));
	assert_sound(controller, "right");
	link_close(controller);
}

static void a_controller_without_token_takes_any(void **state) {
	(void)state;
	struct link_http_refusals refusals;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	assert_sound(controller, "any");
	assert_false(link_http_refused(controller, &refusals));
	link_close(controller);
}

static void nobody_there_is_told(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){0});
	char address[100];
	snprintf(address, sizeof(address), "%s", link_address(controller));
	link_close(controller);
	assert_turned_away(NULL, (struct link_http_setup){.address = address}, ": connection refused", false);
	assert_turned_away(NULL, (struct link_http_setup){.address = "nobody.invalid:9009"}, "nobody.invalid:9009: the name is not known", false);
}

/* Another server: answers one connection after the other with the same text. */
struct foreign {
	int fd;
	const char *text;
	pthread_t thread;
	char address[40];
};

static void *answer_all(void *user) {
	struct foreign *foreign = user;
	char asked[4096];
	int fd;
	while ((fd = accept(foreign->fd, NULL, NULL)) >= 0) {
		if (recv(fd, asked, sizeof(asked), 0) > 0) fixture_say(fd, foreign->text);
		close(fd);
	}
	return NULL;
}

static void assert_words_for(const char *text, const char *words, bool refused) {
	struct foreign foreign = {.fd = socket(AF_INET, SOCK_STREAM, 0), .text = text};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	assert_int_equal(bind(foreign.fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(foreign.fd, 8), 0);
	getsockname(foreign.fd, (struct sockaddr *)&at, &size);
	snprintf(foreign.address, sizeof(foreign.address), "127.0.0.1:%u", ntohs(at.sin_port));
	pthread_create(&foreign.thread, NULL, answer_all, &foreign);
	assert_turned_away(NULL, (struct link_http_setup){.address = foreign.address, .token = "secret"}, words, refused);
	shutdown(foreign.fd, SHUT_RDWR);
	pthread_join(foreign.thread, NULL);
	close(foreign.fd);
}

static void a_foreign_server_is_no_controller(void **state) {
	(void)state;
	static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.0 404 Not Found\r\n\r\n", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"};
	for (size_t i = 0; i < LENGTH(texts); i++) assert_words_for(texts[i], "no strest controller answers at 127.0.0.1:", false);
}

static void another_version_is_told(void **state) {
	(void)state;
	assert_words_for(
		"HTTP/1.1 200 OK\r\nStrest-Link: 2\r\nContent-Length: 2\r\n\r\nhi", "speaks another version of the link ('2', not '1')", true);
}

/* What is sent by hand, and how the answer begins; NULL: it is closed without one. */
static void foreign_speakers_are_refused(void **state) {
	(void)state;
	static char huge[40000];
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"},
		{"POST /v1/join HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 505"},
		{"GET /v1/join HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"},
		{"GET /v1/commands HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 410"},
		{"GET /v1/commands HTTP/1.1\r\nHost: x\r\nStrest-Session: 1.00000000000000000000000000000000\r\n\r\n", "HTTP/1.1 410"},
		{"POST /v1/message HTTP/1.1\r\nHost: x\r\nStrest-Kind: 1\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 410"},
		{"POST /v1/message HTTP/1.1\r\nHost: x\r\nStrest-Session: 99999999999999999999.0\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 410"},
		{"POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n", "HTTP/1.1 413"},
		{"POST /v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "HTTP/1.1 4"},
		{"POST /v1/join HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", "HTTP/1.1 400"},
		{"\x16\x03\x01\x02\x05\x01\x01\xfc\x03\x03\r\n\r\n", NULL},
		{"nonsense\r\n\r\n", NULL},
		{huge, NULL},
	};
	memset(huge, 'a', sizeof(huge) - 1);
	memcpy(huge, "GET /healthz HTTP/1.1\r\nX: ", 26);
	struct link *controller = fixture_listen((struct link_http_setup){0});
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = fixture_connect(controller);
		fixture_say(fd, cases[i].text);
		if (cases[i].answer) shutdown(fd, SHUT_WR);
		const char *answer = fixture_hear(fd, cases[i].answer ? 5 * SEC : 300 * MSEC);
		if (cases[i].answer && strncmp(answer, cases[i].answer, strlen(cases[i].answer)) != 0)
			fail_msg("%s is answered by %s", cases[i].text, answer);
		if (!cases[i].answer) assert_true(answer[0] == 0 || strncmp(answer, "HTTP/1.1 4", 10) == 0 || strncmp(answer, "HTTP/1.0 4", 10) == 0);
		close(fd);
	}
	assert_sound(controller, NULL);
	assert_non_null(strstr(fixture_refusal(controller), "127.0.0.1:"));
	link_close(controller);
}

/* Joins by hand and returns the session id. */
static void join_by_hand(struct link *controller, char *session, size_t room) {
	int fd = fixture_connect(controller);
	fixture_say(fd, "POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	const char *answer = fixture_hear(fd, 5 * SEC), *body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	snprintf(session, room, "%s", body + 4);
	close(fd);
}

static int say_message(struct link *controller, const char *session, const char *rest) {
	char text[1000];
	int fd = fixture_connect(controller);
	snprintf(text, sizeof(text), "POST /v1/message HTTP/1.1\r\nHost: x\r\nStrest-Session: %s\r\nStrest-Kind: 0\r\n%s", session, rest);
	fixture_say(fd, text);
	return fd;
}

static int open_by_hand(struct link *controller, const char *session) {
	char text[300];
	int fd = fixture_connect(controller);
	snprintf(text, sizeof(text), "GET /v1/commands HTTP/1.1\r\nHost: x\r\nStrest-Session: %s\r\n\r\n", session);
	fixture_say(fd, text);
	return fd;
}

static void bodies_too_long_or_cut_off_are_dropped(void **state) {
	(void)state;
	char session[100], piece[65001];
	struct got got = {0};
	struct link *controller = fixture_listen((struct link_http_setup){0});
	join_by_hand(controller, session, sizeof(session));
	int stream = open_by_hand(controller, session);
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_UP);

	int fd = say_message(controller, session, "Content-Length: 4194305\r\n\r\n");
	assert_memory_equal(fixture_hear(fd, 5 * SEC), "HTTP/1.1 413", 12);
	close(fd);
	fd = say_message(controller, session, "Transfer-Encoding: chunked\r\n\r\n");
	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = 0;
	for (int i = 0; i < 70; i++) { /* 4.5 MB in chunks of 65,000 bytes */
		fixture_say(fd, "fde8\r\n");
		fixture_say(fd, piece);
		fixture_say(fd, "\r\n");
	}
	assert_true(fixture_is_closed(fd, 5 * SEC));
	close(fd);
	fd = say_message(controller, session, "Content-Length: 100\r\n\r\nhalf of it");
	close(fd);
	fd = say_message(controller, session, "Content-Length: 5\r\n\r\nwhole");
	shutdown(fd, SHUT_WR);
	assert_memory_equal(fixture_hear(fd, 5 * SEC), "HTTP/1.1 204", 12);
	close(fd);
	fd = say_message(controller, session, "Transfer-Encoding: chunked\r\n\r\n3\r\nin \r\n6\r\nchunks\r\n0\r\n\r\n");
	shutdown(fd, SHUT_WR);
	assert_memory_equal(fixture_hear(fd, 5 * SEC), "HTTP/1.1 204", 12);
	close(fd);
	got_wait(controller, &got);
	assert_string_equal(got.body, "whole");
	got_wait(controller, &got);
	assert_string_equal(got.body, "in chunks");
	fd = open_by_hand(controller, session); /* a second stream */
	shutdown(fd, SHUT_WR);
	assert_memory_equal(fixture_hear(fd, 5 * SEC), "HTTP/1.1 409", 12);
	close(fd);
	close(stream);
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	fd = say_message(controller, session, "Content-Length: 5\r\n\r\nlater");
	shutdown(fd, SHUT_WR);
	assert_memory_equal(fixture_hear(fd, 5 * SEC), "HTTP/1.1 410", 12);
	close(fd);
	got_free(&got);
	link_close(controller);
}

/* Sixty-four silent ones and more do not keep agents out; in the end they are cut. */
static void slow_strangers_make_room(void **state) {
	(void)state;
	enum { COUNT = 80 };
	struct link *controller = fixture_listen((struct link_http_setup){0});
	struct got got = {0};
	int fds[COUNT];
	for (int i = 0; i < COUNT; i++) {
		fds[i] = fixture_connect(controller);
		fixture_say(fds[i], "POST /v1/join HTTP/1.1\r\n");
	}
	assert_sound(controller, NULL);
	nsec until = clock_now() + 13 * SEC, next = 0;
	while (clock_now() < until) { /* one byte now and then does not help them */
		if (clock_now() > next) {
			for (int i = 0; i < COUNT; i++) fixture_say(fds[i], "x");
			next = clock_now() + 1 * SEC;
		}
		got_wait_for(controller, &got, 200 * MSEC);
		assert_int_equal(got.what, LINK_NOTHING);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_true(fixture_is_closed(fds[i], 100 * MSEC));
		close(fds[i]);
	}
	assert_sound(controller, NULL);
	link_close(controller);
}

static void a_session_without_stream_ends(void **state) {
	(void)state;
	char session[100];
	struct got got = {0};
	struct link *controller = fixture_listen((struct link_http_setup){.peers_max = 1});
	join_by_hand(controller, session, sizeof(session));
	assert_turned_away(controller, (struct link_http_setup){0}, "there are too many agents", false);
	got_wait_for(controller, &got, 13 * SEC);
	assert_int_equal(got.what, LINK_NOTHING);
	for (int i = 0; i < 30; i++) got_wait_for(controller, &got, 100 * MSEC);
	assert_sound(controller, NULL);
	link_close(controller);
}

static void what_cannot_be_listened_on_is_told(void **state) {
	(void)state;
	struct link *first = fixture_listen((struct link_http_setup){0}), *second;
	static const struct {
		struct link_http_setup setup;
		const char *words;
	} cases[] = {
		{{.address = "here"}, "'here' is not ADDRESS:PORT; write e.g. 0.0.0.0:9009"},
		{{.address = "127.0.0.1:0", .cert = "/nowhere.pem"}, "belong together"},
		{{.address = "127.0.0.1:0", .cert = "/nowhere.pem", .key = "/nowhere.pem"}, "'/nowhere.pem': No such file"},
		{{.address = "127.0.0.1:0", .ca = "/nowhere.pem"}, "only be asked for over TLS"},
		{{.address = "127.0.0.1:0", .cert = "/dev/null", .key = "/dev/null"}, "cannot be used together"},
	};
	struct err err;
	struct link_http_setup taken = {.address = link_address(first)};
	assert_false(link_http_listen(&taken, &second, &err));
	assert_non_null(strstr(err.text, "is in use by another program"));
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_false(link_http_listen(&cases[i].setup, &second, &err));
		if (!strstr(err.text, cases[i].words)) fail_msg("'%s', where '%s' should be", err.text, cases[i].words);
	}
	struct link_http_setup nowhere = {.address = "controller"};
	assert_false(link_http_join(&nowhere, &second, &err));
	assert_non_null(strstr(err.text, "'controller' is not HOST:PORT"));
	link_close(first);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_token_is_refused_and_told),
		cmocka_unit_test(an_agent_without_token_is_refused_and_told),
		cmocka_unit_test(a_controller_without_token_takes_any),
		cmocka_unit_test(nobody_there_is_told),
		cmocka_unit_test(a_foreign_server_is_no_controller),
		cmocka_unit_test(another_version_is_told),
		cmocka_unit_test(foreign_speakers_are_refused),
		cmocka_unit_test(bodies_too_long_or_cut_off_are_dropped),
		cmocka_unit_test(slow_strangers_make_room),
		cmocka_unit_test(a_session_without_stream_ends),
		cmocka_unit_test(what_cannot_be_listened_on_is_told),
	};
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not be used */
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
