/* For the tests of dist/controller.h: a controller whose link is a text that says what was sent, and whose clock is a number.
 * In: messages of agents. Out: the text, one line a call. One thread. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dist/controller.h"

struct desk {
	struct controller *c;
	nsec now;
	struct buf text;
	uint64_t deaf;             /* sending to this peer fails */
	const char *prepare_fault; /* NULL: prepare is true */
	const char *began_fault;
	struct controller_run run;
	struct controller_outcome outcome; /* the last one */
	size_t overs;
	size_t addresses; /* of the last began */
};

/* The usual rules: auto, two agents, a timeout of 3 s, start after 3 s. */
struct controller_rules desk_rules(void);

/* Opens a desk at 1000 s: a run of 10 s, 10 requests, an open loop. */
void desk_open(struct desk *desk, const struct controller_rules *rules);
void desk_close(struct desk *desk);

/* What the link says. */
void desk_up(struct desk *desk, uint64_t peer);
void desk_down(struct desk *desk, uint64_t peer);
void desk_raw(struct desk *desk, uint64_t peer, enum link_kind kind, struct slice body);
void desk_take(struct desk *desk, uint64_t peer, const struct message *message);

/* Messages of agents. */
void desk_hello(struct desk *desk, uint64_t peer, const char *id, const char *run_id);
void desk_beat(struct desk *desk, uint64_t peer);
void desk_ready(struct desk *desk, uint64_t peer, int64_t attempt);
void desk_report_in(struct desk *desk, uint64_t peer, const char *run_id, const char *bytes);

/* Lets time pass in ticks of 100 ms; the peers of `beating` (a text of digits) are heard at each. */
void desk_wait(struct desk *desk, nsec span, const char *beating);
void desk_tick(struct desk *desk);

/* Forgets what was said so far. */
void desk_clear(struct desk *desk);

/* Compares it first. */
void desk_expect(struct desk *desk, const char *want);

/* Two agents "a" (peer 1) and "b" (peer 2) run r1; START was sent at 1000.2 s for 1003.2 s. */
void desk_run(struct desk *desk, const struct controller_rules *rules);
