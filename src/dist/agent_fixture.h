/* For the tests of dist/agent.h: an agent whose link is a text that says what was sent, and whose clock is a number.
 * In: messages of a controller. Out: the text, one line a call. One thread. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dist/agent.h"

struct post {
	struct agent *a;
	nsec now;
	struct buf text;
	nsec ahead;     /* of the controller's clock, before our `now` */
	nsec out, back; /* how long a beat is on its way */
	bool mute;      /* beats are not answered */
	bool beats_shown;
	struct message_beat beat;
	bool beat_due;
};

/* Agent "a", heartbeats of 1 s, an attempt every second, at 1000 s. */
struct agent_rules post_rules(bool standby);

/* Opens one, connecting. */
void post_open(struct post *post, const struct agent_rules *rules);
void post_close(struct post *post);

/* Compares what was said since the last time, and forgets it. */
void post_expect(struct post *post, const char *want);
void post_clear(struct post *post);

/* What the link says. */
void post_up(struct post *post);
void post_down(struct post *post);
void post_take(struct post *post, const struct message *message);

/* Answers a beat that is due, after its way there and back. */
void post_answer(struct post *post);

/* Lets time pass, beats are answered. */
void post_wait(struct post *post, nsec span);

/* Messages of the controller. */
void post_welcome(struct post *post);
void post_order(struct post *post, enum link_kind kind, const char *run_id, nsec at);
void post_config(struct post *post, const char *run_id, int64_t attempt);

/* Connected and joined, the clock is known. */
void post_join(struct post *post, const struct agent_rules *rules);

/* Ready for run r1. */
void post_ready(struct post *post, const struct agent_rules *rules);

/* In run r1, which began a second ago. */
void post_run(struct post *post, const struct agent_rules *rules);

/* The load is over. */
void post_finish(struct post *post, const char *bytes);
