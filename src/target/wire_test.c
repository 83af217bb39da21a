#include "target/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "target/target.h"

#define PATIENCE 10000 /* ms that a test waits for bytes */
#define ALL_MAX ((size_t)1 << 27)

static struct target *target;
static struct tls_context *context;
static struct tls_peer *peer;

static int set_up(void **state) {
	(void)state;
	struct target_settings settings = {.listen = "127.0.0.1:0", .threads = 1, .tls = true};
	struct tls_settings client = {.insecure = true, .resume = true};
	struct err err;
	if (!target_open(&settings, &target, &err) || !tls_context_open(&client, &context, &err)) return -1;
	peer = tls_peer_new(context, TLS_TARGET, "localhost", 1);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	tls_peer_free(peer);
	tls_context_close(context);
	target_close(target);
	return 0;
}

/* A client's connection. */
struct line {
	int fd;
	struct tls *tls;
	struct buf heard;
	bool reset; /* it ended so */
};

static int dial(void) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(target_port(target)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void send_waiting(struct line *line) {
	for (struct slice bytes; (bytes = tls_pending(line->tls)).size > 0;) {
		ssize_t n = send(line->fd, bytes.at, bytes.size, MSG_NOSIGNAL);
		assert_true(n > 0);
		tls_drained(line->tls, (size_t)n);
	}
}

/* Reads once; returns whether there may be more. */
static bool hear(struct line *line) {
	char bytes[65536], plain[65536];
	struct pollfd ready = {.fd = line->fd, .events = POLLIN};
	if (poll(&ready, 1, PATIENCE) != 1) fail_msg("no bytes within %d ms", PATIENCE);
	ssize_t n = recv(line->fd, bytes, sizeof(bytes), 0);
	line->reset = n < 0;
	if (n <= 0) return false;
	tls_feed(line->tls, (struct slice){bytes, (size_t)n});
	for (size_t size; (size = tls_read(line->tls, plain, sizeof(plain))) > 0;) buf_add(&line->heard, (struct slice){plain, size});
	send_waiting(line);
	return true;
}

static struct line open_line(void) {
	struct line line = {.fd = dial(), .tls = tls_connect(peer, 0)};
	buf_init(&line.heard, ALL_MAX);
	send_waiting(&line);
	while (tls_state(line.tls) == TLS_SHAKING) assert_true(hear(&line));
	assert_int_equal(tls_state(line.tls), TLS_READY);
	return line;
}

static void close_line(struct line *line) {
	tls_free(line->tls);
	close(line->fd);
	buf_fini(&line->heard);
}

static void say(struct line *line, struct slice text) {
	while (text.size > 0) {
		struct iovec iov = {(char *)(uintptr_t)text.at, text.size};
		size_t n = tls_write(line->tls, &iov, 1);
		assert_true(n > 0);
		text.at += n;
		text.size -= n;
		send_waiting(line);
	}
}

static void say_get(struct line *line, const char *method, const char *path, const char *fields) {
	char text[1200];
	int size = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, fields);
	say(line, (struct slice){text, (size_t)size});
}

static void hear_all(struct line *line) {
	while (hear(line)) continue;
}

static void hear_bytes(struct line *line, size_t size) {
	while (line->heard.size < size) assert_true(hear(line));
}

static const char *body_of(const struct line *line) {
	const char *blank = strstr(buf_text(&line->heard), "\r\n\r\n");
	assert_non_null(blank);
	return blank + 4;
}

static uint64_t stat_of(const char *name) {
	char key[64];
	struct line line = open_line();
	say_get(&line, "GET", "/stats", "Connection: close\r\n");
	hear_all(&line);
	snprintf(key, sizeof(key), "\"%s\": ", name);
	const char *at = strstr(buf_text(&line.heard), key);
	assert_non_null(at);
	uint64_t value = strtoull(at + strlen(key), NULL, 10);
	close_line(&line);
	return value;
}

static void every_answer_is_the_same_as_without_tls(void **state) {
	(void)state;
	static const struct {
		const char *method, *path, *head; /* what the head holds */
		size_t body;
	} cases[] = {{"GET", "/", "Content-Length: 3\r\n", 3}, {"HEAD", "/", "Content-Length: 3\r\n", 0},
		{"GET", "/bytes/70000", "Content-Length: 70000\r\n", 70000}, {"GET", "/bytes/20000000", "Content-Length: 20000000\r\n", 20000000},
		{"GET", "/status/204", "204 No Content\r\n", 0}, {"GET", "/chunked/5", "Trailer: X-Bytes\r\n", 3 + 5 + 2 + 3 + 12 + 2},
		{"GET", "/delay/5ms", "200 OK\r\n", 3}, {"GET", "/slow-body?bytes=20&time=20ms", "Content-Length: 20\r\n", 20},
		{"GET", "/interim", "100 Continue\r\n", strlen("HTTP/1.1 103")}, {"GET", "/nowhere", "404 Not Found\r\n", 100}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct line line = open_line();
		say_get(&line, cases[i].method, cases[i].path, "Connection: close\r\n");
		hear_all(&line);
		assert_non_null(strstr(buf_text(&line.heard), cases[i].head));
		size_t size = line.heard.size - (size_t)(body_of(&line) - line.heard.at);
		if (size != cases[i].body && (i < LENGTH(cases) - 2 || size < cases[i].body)) fail_msg("%s: %zu bytes", cases[i].path, size);
		assert_int_equal(tls_state(line.tls), TLS_CLOSED); /* by close_notify */
		assert_false(line.reset);
		close_line(&line);
	}
	assert_int_equal(stat_of("requests"), LENGTH(cases));
	assert_int_equal(stat_of("answered"), LENGTH(cases));
}

static void handshakes_are_counted_full_and_resumed(void **state) {
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct line line = open_line();
		say_get(&line, "GET", "/", "");
		hear_bytes(&line, 100);
		struct tls_facts facts;
		tls_describe(line.tls, &facts);
		assert_int_equal(facts.resumed, i > 0);
		close_line(&line);
	}
	assert_int_equal(stat_of("handshakes_full"), 1);
	assert_int_equal(stat_of("handshakes_resumed"), 3 + 2); /* these questions are asked over TLS too */
}

static void large_bodies_come_back(void **state) {
	(void)state;
	const size_t size = 8 << 20;
	char *body = malloc(size), fields[64];
	for (size_t i = 0; i < size; i++) body[i] = (char)(i * 2654435761u >> 24);
	struct line line = open_line();
	snprintf(fields, sizeof(fields), "Content-Length: %zu\r\nExpect: 100-continue\r\n", size);
	say_get(&line, "PUT", "/echo", fields);
	hear_bytes(&line, 25);
	assert_string_equal(buf_text(&line.heard), "HTTP/1.1 100 Continue\r\n\r\n");
	buf_fini(&line.heard);
	say(&line, (struct slice){body, size});
	hear_bytes(&line, size);
	hear_bytes(&line, (size_t)(body_of(&line) - line.heard.at) + size);
	assert_memory_equal(body_of(&line), body, size);
	close_line(&line);
	free(body);
}

static void requests_that_come_together_are_answered_in_order(void **state) {
	(void)state;
	struct line line = open_line();
	say(&line, SLICE("GET /delay/30ms HTTP/1.1\r\nHost: a\r\n\r\nGET /status/404 HTTP/1.1\r\nHost: a\r\n\r\nGET /delay/1ms HTT"));
	struct iovec rest[] = {{(char[]){"P/1.1\r\nHost: a\r\n\r\n"}, 18}, {(char[]){"GET /close HTTP/1.1\r\nHost: a\r\n\r\n"}, 32}};
	tls_write(line.tls, &rest[0], 1); /* two records at once */
	tls_write(line.tls, &rest[1], 1);
	send_waiting(&line);
	hear_all(&line);
	const char *at = buf_text(&line.heard);
	static const char *const want[] = {"HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "Connection: close"};
	for (size_t i = 0; i < LENGTH(want); i++) {
		at = strstr(at, want[i]);
		assert_non_null(at);
		at++;
	}
	close_line(&line);
}

static void faults_are_as_announced(void **state) {
	(void)state;
	struct line line = open_line();
	say_get(&line, "GET", "/reset", "");
	hear_all(&line);
	assert_true(line.reset);
	close_line(&line);
	line = open_line();
	say_get(&line, "GET", "/cut", "");
	hear_all(&line);
	assert_string_equal(body_of(&line), "0123456789");
	assert_int_equal(tls_state(line.tls), TLS_READY); /* cut off: no close_notify */
	close_line(&line);
	line = open_line();
	say_get(&line, "GET", "/garbage", "");
	hear_all(&line);
	assert_true(line.heard.size > 0 && memcmp(line.heard.at, "HTTP", 4) != 0);
	close_line(&line);
	line = open_line();
	say_get(&line, "GET", "/hang", "");
	struct pollfd ready = {.fd = line.fd, .events = POLLIN};
	for (int n = 0; n < 2 && poll(&ready, 1, 100) > 0; n++) hear(&line); /* session tickets */
	assert_int_equal(poll(&ready, 1, 100), 0);
	assert_int_equal(line.heard.size, 0);
	close_line(&line);
	assert_int_equal(stat_of("answered"), 0);
}

static void a_client_that_does_not_read_stops_nobody(void **state) {
	(void)state;
	static const size_t size = 50000000;
	struct line slow = open_line();
	say_get(&slow, "GET", "/bytes/50000000", "");
	for (int i = 0; i < 5; i++) assert_int_equal(stat_of("requests"), 1);
	assert_int_equal(stat_of("answered"), 0);
	hear_bytes(&slow, size);
	hear_bytes(&slow, (size_t)(body_of(&slow) - slow.heard.at) + size);
	const char *body = body_of(&slow);
	for (size_t i = 0; i < size; i++)
		if (body[i] != "0123456789abcdef"[i % 16]) fail_msg("byte %zu", i);
	close_line(&slow);
	assert_int_equal(stat_of("answered"), 1);
}

static void what_is_not_tls_is_closed_and_not_counted(void **state) {
	(void)state;
	static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\x00\x05hello"};
	for (size_t i = 0; i < LENGTH(texts); i++) {
		int fd = dial();
		char some[1000];
		size_t size = strlen(texts[i]);
		if (i == 1) size = 10;
		assert_int_equal(send(fd, texts[i], size, MSG_NOSIGNAL), size);
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n = 1;
		while (n > 0) {
			if (poll(&ready, 1, PATIENCE) != 1) fail_msg("no end within %d ms", PATIENCE);
			n = recv(fd, some, sizeof(some), 0);
			assert_true(n <= 0 || (size_t)n < sizeof(some));
			if (n > 0) assert_int_equal(some[0], 0x15); /* an alert */
		}
		close(fd);
	}
	assert_int_equal(stat_of("requests"), 0);
	assert_int_equal(stat_of("connections"), 2 + 2);
}

static void a_certificate_without_tls_is_refused(void **state) {
	(void)state;
	struct target *other;
	struct err err;
	struct target_settings settings = {.listen = "127.0.0.1:0", .threads = 1, .cert = "a.pem", .key = "b.pem"};
	assert_false(target_open(&settings, &other, &err));
	assert_non_null(strstr(err.text, "--tls"));
	settings.tls = true;
	assert_false(target_open(&settings, &other, &err));
	assert_non_null(strstr(err.text, "--cert: 'a.pem'"));
	assert_int_equal(err.code, ERR_FAILED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_answer_is_the_same_as_without_tls),
		TEST(handshakes_are_counted_full_and_resumed),
		TEST(large_bodies_come_back),
		TEST(requests_that_come_together_are_answered_in_order),
		TEST(faults_are_as_announced),
		TEST(a_client_that_does_not_read_stops_nobody),
		TEST(what_is_not_tls_is_closed_and_not_counted),
		TEST(a_certificate_without_tls_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
