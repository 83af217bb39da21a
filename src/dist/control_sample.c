/* A control plane for control_yaml_test.py: its main thread answers a POST with the status that stands in the body (a silent one to "504", the end to "503"),
 * a GET with a sample.
 * In: the token ("-": none) and the read limit in ms. Out: the address as a line; ends with standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>

#include "dist/control_plane.h"
#include "dist/control_words.h"

static const struct controller_agent agents[] = {
	{.id = "a-1", .host = "a", .weight = 1, .cpus = 4, .state = "idle", .last_seen = 1, .cpu = 3.5, .in_flight = 2, .offset = 1234567},
	{.id = "b-1", .host = "b", .weight = 2, .cpus = 2, .state = "lost"},
};

static char *sample_of(enum control_kind kind) {
	struct control_status status = {.state = CONTROLLER_IDLE, .elapsed = -1, .agents = agents, .agent_count = 2};
	if (kind == CONTROL_STATUS) return control_words_status(&status, link_clock());
	if (kind == CONTROL_AGENTS) return control_words_agents(agents, 2, link_clock());
	if (kind == CONTROL_START) return control_words_done("started", "1-2");
	if (kind == CONTROL_STOP) return control_words_done("idle", NULL);
	return strdup(kind == CONTROL_SCENARIOS ? "{\"scenarios\":[]}" : "strest_agents 2\n");
}

/* False: the end is wanted. */
static bool answer(struct control_plane *plane, const struct control_request *request) {
	unsigned status = request->body.size == 3 ? (unsigned)strtoul(request->body.at, NULL, 10) : 200; /* a 0 is behind a body */
	char *body = sample_of(request->kind);
	if (status == 504)
		control_plane_extend(plane, request->id, 1);
	else if (status == 200)
		control_plane_answer(plane, request->id, status, body);
	else if (status != 503)
		control_plane_refuse(plane, request->id, status, "a reason");
	free(body);
	return status != 503;
}

int main(int argc, char **argv) {
	struct control_plane_setup setup = {.address = "127.0.0.1:0"};
	struct control_plane *plane;
	struct control_request request;
	struct err err;
	if (argc != 3) return 2;
	if (strcmp(argv[1], "-") != 0) setup.token = argv[1];
	setup.read_limit = strtoll(argv[2], NULL, 10) * MSEC;
	if (!control_plane_open(&setup, &plane, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	puts(control_plane_address(plane));
	fflush(stdout);
	struct pollfd watched[2] = {{.fd = 0, .events = POLLIN}, {.fd = control_plane_descriptor(plane), .events = POLLIN}};
	bool goes_on = true;
	while (goes_on && poll(watched, 2, 120000) > 0 && !watched[0].revents)
		while (goes_on && control_plane_next(plane, &request)) goes_on = answer(plane, &request);
	control_plane_close(plane);
	return 0;
}
