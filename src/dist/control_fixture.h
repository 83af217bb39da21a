/* What the tests of dist/control_plane.h share: a plane on loopback, a main thread that is the test itself, bare sockets.
 * In: texts that a client says. Out: what it hears until the plane closes. One thread beside the plane's. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "dist/control_plane.h"

#define FIXTURE_WAIT_MS 20000 /* for anything that must come */
#define FIXTURE_HEARD ((size_t)4 << 20)

static inline struct control_plane *fixture_open(struct control_plane_setup setup) {
	struct control_plane *plane;
	struct err err;
	setup.address = "127.0.0.1:0";
	if (!control_plane_open(&setup, &plane, &err)) fail_msg("%s", err.text);
	return plane;
}

static inline int fixture_connect(const struct control_plane *plane) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	to.sin_port = htons((uint16_t)atoi(strrchr(control_plane_address(plane), ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Says all of it, unless the plane closes before. */
static inline void fixture_say(int fd, struct slice text) {
	while (text.size) {
		ssize_t size = send(fd, text.at, text.size, MSG_NOSIGNAL);
		if (size <= 0) return;
		text = (struct slice){text.at + size, text.size - (size_t)size};
	}
}

/* Hears until the plane closes, and closes; free() it. */
static inline char *fixture_hear(int fd) {
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char piece[65536];
	struct buf heard;
	buf_init(&heard, FIXTURE_HEARD);
	for (;;) {
		assert_int_equal(poll(&readable, 1, FIXTURE_WAIT_MS), 1);
		ssize_t size = recv(fd, piece, sizeof(piece), 0);
		if (size <= 0) break;
		buf_add(&heard, (struct slice){piece, (size_t)size});
	}
	close(fd);
	return buf_take(&heard);
}

static inline char *fixture_ask(const struct control_plane *plane, const char *text) {
	int fd = fixture_connect(plane);
	fixture_say(fd, slice_of(text));
	return fixture_hear(fd);
}

/* Waits for a request, as a main loop does. */
static inline struct control_request fixture_next(struct control_plane *plane) {
	struct pollfd readable = {.fd = control_plane_descriptor(plane), .events = POLLIN};
	struct control_request request;
	assert_int_equal(poll(&readable, 1, FIXTURE_WAIT_MS), 1);
	assert_true(control_plane_next(plane, &request));
	return request;
}

/* An answer is whole: its status, the fields that each one has, and a body as long as it says. Returns the body. */
static inline const char *fixture_check(const char *heard, unsigned status) {
	const char *end = strstr(heard, "\r\n\r\n"), *length = strstr(heard, "\r\nContent-Length: ");
	char first[32];
	snprintf(first, sizeof(first), "HTTP/1.1 %u ", status);
	if (strncmp(heard, first, strlen(first)) != 0 || !end || !length) fail_msg("not a whole answer with %u: '%.200s'", status, heard);
	if (!strstr(heard, "\r\nConnection: close\r\n") || !strstr(heard, "\r\nDate: ")) fail_msg("a field is missing: '%.300s'", heard);
	assert_int_equal(strtoul(length + strlen("\r\nContent-Length: "), NULL, 10), strlen(end + 4));
	return end + 4;
}

/* An answer with this status and {"error":"..."} whose text has `words` in it. */
static inline void fixture_check_error(const char *heard, unsigned status, const char *words) {
	const char *body = fixture_check(heard, status);
	assert_non_null(strstr(heard, "\r\nContent-Type: application/json\r\n"));
	if (strncmp(body, "{\"error\":\"", 10) != 0 || strcmp(body + strlen(body) - 2, "\"}") != 0 || !strstr(body, words))
		fail_msg("%u: '%s' has no error with '%s'", status, body, words);
}
