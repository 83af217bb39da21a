/* The control plane of a manual controller: HTTP on an address of its own, by which people start and stop runs and look at them.
 * In: requests of clients, answers of the main thread. Out: requests that only the main thread can answer; all others are answered here.
 * A thread of its own; these functions are for one other. Contract: spec/distributed.md 4; docs/control.yaml.
 *
 * HTTP/1.1 as llhttp reads it, one request a connection. Every answer is JSON (the figures of GET /metrics are text) with Content-Length, and closes. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define CONTROL_PLANE_CONNECTIONS 64                /* at once; further ones wait in the kernel's queue */
#define CONTROL_PLANE_BYTES ((size_t)1 << 20)       /* of a head, and of a body */
#define CONTROL_PLANE_READ_LIMIT (10 * SEC)         /* from the connection to the end of its request; then 408 */
#define CONTROL_PLANE_ANSWER_LIMIT (5 * SEC)        /* until the main thread answers; then 504 */
#define CONTROL_PLANE_ANSWER_MAX ((size_t)64 << 20) /* bytes of an answer; longer ones become 500 */

enum control_kind {
	CONTROL_START,     /* POST /start */
	CONTROL_STOP,      /* POST /stop */
	CONTROL_STATUS,    /* GET /status */
	CONTROL_AGENTS,    /* GET /agents */
	CONTROL_SCENARIOS, /* GET /scenarios */
	CONTROL_METRICS,   /* GET /metrics */
};

struct control_request {
	uint64_t id;
	enum control_kind kind;
	struct slice body; /* as it came, maybe empty; valid until the next control_plane_next */
};

struct control_plane_setup {
	const char *address; /* "127.0.0.1:9010"; port 0: one that is free */
	const char *token;   /* that requests must bear ("Authorization: Bearer TOKEN"); NULL: anybody may, but no page of a browser (Origin) */
	nsec read_limit, answer_limit; /* 0: as above */
};

struct control_plane;

/* Listens and serves. Texts are copied. ERR_FAILED with the address in the sentence. */
bool control_plane_open(const struct control_plane_setup *setup, struct control_plane **ret, struct err *err);

/* Returns where it listens, "127.0.0.1:9010". */
const char *control_plane_address(const struct control_plane *plane);

/* Readable while a request waits for control_plane_next. */
int control_plane_descriptor(const struct control_plane *plane);

/* Shows the oldest request that nobody has looked at. False: none waits. Each one is to be answered, now or later. */
bool control_plane_next(struct control_plane *plane, struct control_request *ret);

/* Answers a request: `status` is one of docs/control.yaml (409 gets a Retry-After), `body` is copied. False: nobody waits for it any more. */
bool control_plane_answer(struct control_plane *plane, uint64_t id, unsigned status, const char *body);

/* Answers with {"error":"words"}. */
bool control_plane_refuse(struct control_plane *plane, uint64_t id, unsigned status, const char *words);

/* Gives the main thread `limit` from now for its answer. False as above. */
bool control_plane_extend(struct control_plane *plane, uint64_t id, nsec limit);

/* Stops listening, answers who still waits with 503, for a second at most. NULL is fine. */
void control_plane_close(struct control_plane *plane);
