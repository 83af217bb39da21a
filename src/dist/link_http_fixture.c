#include "dist/link_http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void stop(const char *words) {
	fprintf(stderr, "link_http_fixture.c: %s\n", words);
	abort();
}

struct link *fixture_listen(struct link_http_setup setup) {
	struct link *link;
	struct err err = {0};
	if (!setup.address) setup.address = "127.0.0.1:0";
	if (!link_http_listen(&setup, &link, &err)) stop(err.text);
	return link;
}

struct link *fixture_join(struct link *controller, struct link_http_setup setup) {
	struct link *link;
	struct err err = {0};
	if (!setup.address) setup.address = link_address(controller);
	if (!link_http_join(&setup, &link, &err)) stop(err.text);
	return link;
}

void got_free(struct got *got) {
	free(got->body);
	*got = (struct got){0};
}

void got_wait_for(struct link *link, struct got *got, nsec limit) {
	struct link_event event;
	nsec until = clock_now() + limit;
	got_free(got);
	while (!link_next(link, &event)) {
		nsec left = until - clock_now();
		struct pollfd wait = {.fd = link_descriptor(link), .events = POLLIN};
		if (left <= 0) return;
		poll(&wait, 1, (int)(left / MSEC) + 1);
	}
	*got = (struct got){
		.what = event.what, .peer = event.peer, .kind = event.kind, .size = event.body.size, .refused = event.refused, .at = event.at};
	if (event.words) snprintf(got->words, sizeof(got->words), "%s", event.words);
	if (event.what != LINK_MESSAGE) return;
	got->body = malloc(event.body.size + 1);
	if (!got->body) stop("no memory");
	memcpy(got->body, event.body.at, event.body.size);
	got->body[event.body.size] = 0;
}

void got_wait(struct link *link, struct got *got) {
	got_wait_for(link, got, FIXTURE_WAIT);
}

uint64_t fixture_both_up(struct link *controller, struct link *agent) {
	struct got got = {0};
	got_wait(agent, &got);
	if (got.what != LINK_UP) stop(got.words);
	got_wait(controller, &got);
	if (got.what != LINK_UP) stop("the controller does not say LINK_UP");
	uint64_t peer = got.peer;
	got_free(&got);
	return peer;
}

const char *fixture_refusal(struct link *controller) {
	struct link_http_refusals refusals;
	struct got got = {0};
	nsec until = clock_now() + FIXTURE_WAIT;
	while (!link_http_refused(controller, &refusals)) {
		if (clock_now() > until) return "";
		got_wait_for(controller, &got, 20 * MSEC);
		if (got.what != LINK_NOTHING) stop("an event, where a refusal should be");
	}
	return refusals.words;
}

int fixture_connect(struct link *controller) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	to.sin_port = htons((uint16_t)atoi(strrchr(link_address(controller), ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) stop(strerror(errno));
	return fd;
}

void fixture_say(int fd, const char *text) {
	size_t size = strlen(text);
	if (send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size && errno != EPIPE && errno != ECONNRESET) stop(strerror(errno));
}

/* Reads a piece; 0: the end, -1: nothing in time. */
static ssize_t hear(int fd, char *into, size_t room, nsec until) {
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	nsec left = until - clock_now();
	if (left <= 0 || poll(&wait, 1, (int)(left / MSEC) + 1) <= 0) return -1;
	ssize_t got = recv(fd, into, room, 0);
	return got < 0 ? 0 : got;
}

const char *fixture_hear(int fd, nsec limit) {
	static char text[65536];
	size_t size = 0;
	ssize_t got;
	nsec until = clock_now() + limit;
	while (size < sizeof(text) - 1 && (got = hear(fd, text + size, sizeof(text) - 1 - size, until)) > 0) size += (size_t)got;
	text[size] = 0;
	return text;
}

bool fixture_is_closed(int fd, nsec limit) {
	char text[4096];
	ssize_t got;
	nsec until = clock_now() + limit;
	while ((got = hear(fd, text, sizeof(text), until)) > 0) continue;
	return got == 0;
}
