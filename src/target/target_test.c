#include "target/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "target/record.h"

#define PATIENCE 10000 /* ms that a test waits for bytes */

static struct target *open_target(const char *stall, uint64_t threads) {
	struct target_settings settings = {.listen = "127.0.0.1:0", .threads = threads, .stall = stall};
	struct target *target;
	struct err err;
	if (!target_open(&settings, &target, &err)) fail_msg("%s", err.text);
	return target;
}

static int dial(uint16_t port) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Reads until `size` bytes are there or the peer closes; returns the bytes read, -1 for a reset. */
static ssize_t read_bytes(int fd, char *into, size_t size) {
	size_t have = 0;
	while (have < size) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (poll(&ready, 1, PATIENCE) != 1) fail_msg("no bytes within %d ms", PATIENCE);
		ssize_t n = recv(fd, into + have, size - have, 0);
		if (n < 0) return -1;
		if (n == 0) break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Reads one head up to its blank line, 0-terminated. */
static void read_head(int fd, char head[1024]) {
	size_t size = 0;
	while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0) {
		assert_true(size < 1000);
		assert_int_equal(read_bytes(fd, head + size, 1), 1);
		size++;
	}
	head[size] = 0;
}

static void say(int fd, const char *text) {
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void say_get(int fd, const char *path) {
	char text[1200];
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	say(fd, text);
}

/* Everything that comes until the peer closes. */
static struct buf read_all(int fd) {
	struct buf all;
	char some[65536];
	buf_init(&all, 1 << 24);
	for (ssize_t n; (n = read_bytes(fd, some, sizeof(some))) > 0;) buf_add(&all, (struct slice){some, (size_t)n});
	return all;
}

/* One request on a connection of its own, closed by the target; the answer with a 0 behind it. */
static struct buf get(const struct target *target, const char *method, const char *path) {
	char text[1200];
	int fd = dial(target_port(target));
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	say(fd, text);
	struct buf all = read_all(fd);
	close(fd);
	return all;
}

static void read_truth(const char *head, nsec *ret_read, nsec *ret_answered, char *ret_flag) {
	const char *at = strstr(head, "\r\nX-Strest: ");
	unsigned long long read, answered;
	assert_non_null(at);
	assert_int_equal(sscanf(at + 12, "%16llx %16llx %c\r\n", &read, &answered, ret_flag), 3);
	assert_memory_equal(at + 12 + 35, "\r\n", 2);
	*ret_read = (nsec)read;
	*ret_answered = (nsec)answered;
}

static uint64_t stat_of(const struct target *target, const char *name) {
	char key[64];
	struct buf all = get(target, "GET", "/stats");
	snprintf(key, sizeof(key), "\"%s\": ", name);
	const char *at = strstr(buf_text(&all), key);
	assert_non_null(at);
	uint64_t value = strtoull(at + strlen(key), NULL, 10);
	buf_fini(&all);
	return value;
}

static void each_answer_tells_when_it_was_read_and_answered(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int fd = dial(target_port(target));
	nsec last = 0;
	for (int i = 0; i < 50; i++) {
		char head[1024], body[3], flag;
		nsec before = clock_now(), read, answered;
		say_get(fd, "/");
		read_head(fd, head);
		assert_int_equal(read_bytes(fd, body, 3), 3);
		read_truth(head, &read, &answered, &flag);
		assert_true(before < read && last < read && read <= answered && answered < clock_now());
		assert_int_equal(flag, '-');
		assert_memory_equal(head, "HTTP/1.1 200 OK\r\nX-Strest: ", 27);
		assert_memory_equal(body, "ok\n", 3);
		last = answered;
	}
	close(fd);
	assert_int_equal(stat_of(target, "requests"), 50);
	assert_int_equal(stat_of(target, "answered"), 50);
	assert_int_equal(stat_of(target, "connections"), 4); /* the ones for the counts are seen too */
	target_close(target);
}

static void a_delay_counts_from_the_read_and_is_never_short(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int fd = dial(target_port(target));
	nsec best = NSEC_NEVER;
	for (int i = 0; i < 30; i++) {
		char head[1024], body[3], flag;
		nsec read, answered;
		say_get(fd, "/delay/3ms");
		read_head(fd, head);
		read_bytes(fd, body, 3);
		read_truth(head, &read, &answered, &flag);
		assert_true(answered - read >= 3 * MSEC);
		if (answered - read - 3 * MSEC < best) best = answered - read - 3 * MSEC;
	}
	assert_true(best < 100 * USEC); /* of 30, at least one was not disturbed */
	close(fd);
	target_close(target);
}

static void delayed_answers_come_in_the_order_of_their_time(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int slow = dial(target_port(target)), fast = dial(target_port(target));
	char head[1024], flag;
	nsec read[2], answered[2];
	say_get(slow, "/delay/80ms");
	say_get(fast, "/delay/20ms");
	read_head(fast, head);
	read_truth(head, &read[0], &answered[0], &flag);
	read_head(slow, head);
	read_truth(head, &read[1], &answered[1], &flag);
	assert_true(answered[0] < answered[1]);
	close(slow);
	close(fast);
	target_close(target);
}

static void pipelined_requests_are_answered_one_after_the_other(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int fd = dial(target_port(target));
	say(fd, "GET /delay/30ms HTTP/1.1\r\nHost: a\r\n\r\nGET /status/404 HTTP/1.1\r\nHost: a\r\n\r\nGET /delay/1ms HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
	struct buf all = read_all(fd);
	const char *at = buf_text(&all);
	static const char *const want[] = {"HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "Connection: close"};
	for (size_t i = 0; i < LENGTH(want); i++) {
		at = strstr(at, want[i]);
		assert_non_null(at);
		at++;
	}
	buf_fini(&all);
	close(fd);
	assert_int_equal(stat_of(target, "requests"), 4);
	target_close(target);
}

static void a_request_in_single_bytes_is_understood(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int fd = dial(target_port(target));
	static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
	for (size_t i = 0; i < sizeof(text) - 1; i++) assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
	struct buf all = read_all(fd);
	assert_non_null(strstr(buf_text(&all), "X-Method: POST\r\n"));
	assert_non_null(strstr(buf_text(&all), "\r\n\r\nhello"));
	buf_fini(&all);
	close(fd);
	target_close(target);
}

static void heads_and_bodies_fit_the_method_and_the_status(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	static const struct {
		const char *method, *path, *head; /* what the head holds */
		size_t body;
	} cases[] = {{"GET", "/", "Content-Length: 3\r\n", 3}, {"HEAD", "/", "Content-Length: 3\r\n", 0},
		{"GET", "/bytes/70000", "Content-Length: 70000\r\n", 70000}, {"HEAD", "/bytes/70000", "Content-Length: 70000\r\n", 0},
		{"GET", "/bytes/0", "Content-Length: 0\r\n", 0}, {"GET", "/status/204", "204 No Content\r\n", 0},
		{"HEAD", "/chunked/5", "Transfer-Encoding: chunked\r\n", 0}, {"GET", "/chunked/5", "Trailer: X-Bytes\r\n", 3 + 5 + 2 + 3 + 12 + 2},
		{"GET", "/cut", "Content-Length: 1000\r\n", 10}, {"HEAD", "/slow-body", "Content-Length: 100\r\n", 0},
		{"GET", "/slow-body?bytes=20&time=20ms", "Content-Length: 20\r\n", 20}, {"DELETE", "/health", "200 OK\r\n", 3}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf all = get(target, cases[i].method, cases[i].path);
		const char *blank = strstr(buf_text(&all), "\r\n\r\n");
		assert_non_null(blank);
		assert_non_null(strstr(buf_text(&all), cases[i].head));
		assert_int_equal(all.size - (size_t)(blank + 4 - all.at), cases[i].body);
		buf_fini(&all);
	}
	target_close(target);
}

static void faults_are_as_announced(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	char some[4096];
	int fd = dial(target_port(target));
	say_get(fd, "/reset");
	assert_int_equal(read_bytes(fd, some, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
	struct buf all = get(target, "GET", "/garbage");
	assert_true(all.size > 0 && memcmp(all.at, "HTTP", 4) != 0);
	buf_fini(&all);
	fd = dial(target_port(target));
	say_get(fd, "/hang");
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&ready, 1, 100), 0);
	close(fd);
	fd = dial(target_port(target));
	say(fd, "nonsense\r\n\r\n");
	all = read_all(fd);
	assert_memory_equal(buf_text(&all), "HTTP/1.1 400 ", 13);
	buf_fini(&all);
	close(fd);
	assert_int_equal(stat_of(target, "requests"), 3); /* the nonsense is none */
	assert_int_equal(stat_of(target, "answered"), 0);
	target_close(target);
}

static void streams_do_not_stop_the_others_and_end_when_the_client_goes(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	static char some[1 << 20];
	static const char *const paths[] = {"/endless", "/big-head", "/bytes/1073741824"};
	int fds[LENGTH(paths)];
	for (size_t i = 0; i < LENGTH(paths); i++) {
		fds[i] = dial(target_port(target));
		say_get(fds[i], paths[i]);
		assert_int_equal(read_bytes(fds[i], some, sizeof(some)), sizeof(some));
	}
	assert_int_equal(stat_of(target, "requests"), 3); /* it still answers while nobody reads these */
	for (size_t i = 0; i < LENGTH(paths); i++) close(fds[i]);
	assert_int_equal(stat_of(target, "answered"), 0);
	target_close(target);
}

static void continue_is_said_before_the_body(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 1);
	int fd = dial(target_port(target));
	char head[1024];
	say(fd, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	read_head(fd, head);
	assert_string_equal(head, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "ok");
	read_head(fd, head);
	assert_non_null(strstr(head, "X-Method: PUT\r\nX-Body-Bytes: 2\r\n"));
	close(fd);
	target_close(target);
}

/* A second of requests against stalls of 100 ms in every 300: returns whether all was as it must be. */
static bool stalls_are_kept(void) {
	struct target *target = open_target("100ms/300ms", 1);
	nsec begun = (nsec)stat_of(target, "started_ns");
	int fd = dial(target_port(target));
	int touched = 0;
	bool kept = true;
	for (nsec now = begun; now - begun < SEC; now = clock_now()) {
		char head[1024], body[3], flag;
		nsec read, answered, sent = now;
		say_get(fd, "/delay/2ms");
		read_head(fd, head);
		read_bytes(fd, body, 3);
		read_truth(head, &read, &answered, &flag);
		bool held_up = answered - sent > 50 * MSEC;
		if (held_up && flag != 's') kept = false;
		touched += held_up;
		/* No read and no answer within [300 k, 300 k + 100) ms; 10 ms for a thread that looked at the clock just before and was put off. */
		nsec read_phase = (read - begun) % (300 * MSEC), phase = (answered - begun) % (300 * MSEC);
		if (read - begun > 300 * MSEC && read_phase >= 10 * MSEC && read_phase < 100 * MSEC) kept = false;
		if (answered - begun > 300 * MSEC && phase >= 10 * MSEC && phase < 100 * MSEC) kept = false;
	}
	close(fd);
	target_close(target);
	return kept && touched >= 2 && touched <= 4; /* windows at 300, 600, 900 ms */
}

static void a_stall_holds_up_and_says_so(void **state) {
	(void)state;
	for (int round = 0; round < 5; round++) /* a pause of the machine may upset one */
		if (stalls_are_kept()) return;
	fail_msg("no round of five kept to its stalls");
}

static void many_threads_serve_one_port(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 4);
	int fds[64];
	for (size_t i = 0; i < LENGTH(fds); i++) fds[i] = dial(target_port(target));
	for (size_t i = 0; i < LENGTH(fds); i++) say_get(fds[i], "/");
	for (size_t i = 0; i < LENGTH(fds); i++) {
		char head[1024];
		read_head(fds[i], head);
		close(fds[i]);
	}
	assert_int_equal(stat_of(target, "requests"), 64);
	target_close(target);
}

static void addresses_that_cannot_be_are_refused_in_words(void **state) {
	(void)state;
	struct target *target = open_target(NULL, 2), *other;
	char taken[64];
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", target_port(target));
	const struct {
		const char *listen, *words;
	} cases[] = {{taken, "is in use"}, {"3000", "is not ADDRESS:PORT"}, {"127.0.0.1:65536", "is not ADDRESS:PORT"},
		{"::1:3000", "is not ADDRESS:PORT"}, {"192.0.2.1:3000", "Cannot assign"}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct target_settings settings = {.listen = cases[i].listen, .threads = 1 + i % 2};
		struct err err;
		assert_false(target_open(&settings, &other, &err));
		assert_int_equal(err.code, ERR_FAILED);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_non_null(strstr(err.text, cases[i].listen));
	}
	target_close(target);
}

/* A target in a process of its own; its port comes through a pipe. `descriptors` 0: as many as there are. */
static pid_t fork_target(const char *record, rlim_t descriptors, uint16_t *ret_port) {
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	if (child == 0) {
		struct target_settings settings = {.listen = "127.0.0.1:0", .threads = 1, .record = record};
		struct rlimit limit = {descriptors, descriptors};
		struct target *target;
		struct err err;
		if (descriptors && setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(2);
		if (!target_open(&settings, &target, &err)) _exit(3);
		uint16_t port = target_port(target);
		if (write(pipes[1], &port, sizeof(port)) != sizeof(port)) _exit(4);
		for (int i = 0; i < 60; i++) sleep(1);
		_exit(5);
	}
	assert_int_equal(read(pipes[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
	close(pipes[0]);
	close(pipes[1]);
	return child;
}

static void the_record_survives_a_kill(void **state) {
	(void)state;
	char path[] = "/tmp/strest-record-XXXXXX", head[1024];
	close(mkstemp(path));
	uint16_t port;
	pid_t child = fork_target(path, 0, &port);
	int fd = dial(port);
	nsec stamps[20], answered;
	for (int i = 0; i < 20; i++) {
		char body[3], flag;
		say_get(fd, i % 2 ? "/delay/1ms" : "/");
		read_head(fd, head);
		read_bytes(fd, body, 3);
		read_truth(head, &stamps[i], &answered, &flag);
	}
	say_get(fd, "/hang");
	usleep(50000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	int file = open(path, O_RDONLY);
	struct stat about;
	fstat(file, &about);
	const struct record_head *record = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, file, 0);
	assert_ptr_not_equal(record, MAP_FAILED);
	assert_int_equal(about.st_size, record->head_bytes + 8u * RECORD_ARRIVALS);
	assert_true(about.st_blocks * 512 < 4 << 20); /* sparse */
	assert_memory_equal(&record->magic, "streset1", 8);
	assert_int_equal(record->thread[0].requests, 21);
	assert_int_equal(record->thread[0].answered, 20);
	assert_int_equal(record->thread[0].connections, 1);
	assert_int_equal(record->thread[0].arrivals, 21);
	const nsec *arrivals = (const nsec *)(const void *)((const char *)record + record->head_bytes);
	assert_memory_equal(arrivals, stamps, sizeof(stamps));
	munmap((void *)(uintptr_t)record, (size_t)about.st_size);
	close(file);
	unlink(path);
}

static nsec cpu_time(pid_t child) {
	clockid_t clock;
	struct timespec time;
	assert_int_equal(clock_getcpuclockid(child, &clock), 0);
	assert_int_equal(clock_gettime(clock, &time), 0);
	return (nsec)time.tv_sec * SEC + time.tv_nsec;
}

static void without_descriptors_it_waits_instead_of_turning_in_circles(void **state) {
	(void)state;
	uint16_t port;
	pid_t child = fork_target(NULL, 24, &port);
	int fds[40];
	char head[1024];
	for (size_t i = 0; i < LENGTH(fds); i++) fds[i] = dial(port);
	nsec before = cpu_time(child);
	usleep(400000);
	assert_true(cpu_time(child) - before < 100 * MSEC);
	for (size_t i = 0; i < 30; i++) close(fds[i]);
	say_get(fds[39], "/");
	read_head(fds[39], head); /* accepted as soon as there is room */
	for (size_t i = 30; i < LENGTH(fds); i++) close(fds[i]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		/* These fork, which thread sanitizers want before the first thread. */
		cmocka_unit_test(the_record_survives_a_kill),
		cmocka_unit_test(without_descriptors_it_waits_instead_of_turning_in_circles),
		cmocka_unit_test(each_answer_tells_when_it_was_read_and_answered),
		cmocka_unit_test(a_delay_counts_from_the_read_and_is_never_short),
		cmocka_unit_test(delayed_answers_come_in_the_order_of_their_time),
		cmocka_unit_test(pipelined_requests_are_answered_one_after_the_other),
		cmocka_unit_test(a_request_in_single_bytes_is_understood),
		cmocka_unit_test(heads_and_bodies_fit_the_method_and_the_status),
		cmocka_unit_test(faults_are_as_announced),
		cmocka_unit_test(streams_do_not_stop_the_others_and_end_when_the_client_goes),
		cmocka_unit_test(continue_is_said_before_the_body),
		cmocka_unit_test(a_stall_holds_up_and_says_so),
		cmocka_unit_test(many_threads_serve_one_port),
		cmocka_unit_test(addresses_that_cannot_be_are_refused_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
