#include <stdio.h>

#include "dist/agent_inner.h"

#define TRIES_TOLD 5 /* then once a minute */

static nsec silence_limit(const struct agent *a) {
	nsec limit = 3 * a->heartbeat_timeout;
	return limit > AGENT_SILENCE ? limit : AGENT_SILENCE;
}

static bool has_load(const struct agent *a) {
	return a->phase == PHASE_DELAY || a->phase == PHASE_RUN;
}

void wire_connect(struct agent *a) {
	a->wire = WIRE_CONNECTING;
	a->wire_until = a->now + AGENT_CONNECT_TIME;
	a->ops.connect(a->user);
}

/* Returns the time to the next attempt: doubling without a run, steady with one; +-20 %. */
static nsec retry_delay(struct agent *a) {
	nsec factor = 1;
	for (unsigned i = 0; a->phase == PHASE_NONE && i < a->tries && factor < AGENT_BACKOFF_MAX; i++) factor *= 2;
	if (factor > AGENT_BACKOFF_MAX) factor = AGENT_BACKOFF_MAX;
	a->lot = a->lot * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
	return a->rules.reconnect / 1000 * factor * (800 + (nsec)((a->lot >> 33) % 401));
}

void wire_retry(struct agent *a) {
	if (a->left) return;
	if (a->phase == PHASE_NONE && (a->leaving || !a->rules.standby)) {
		agent_leave(a, a->leaving ? 0 : 1, "");
		return;
	}
	a->retry_at = a->now + retry_delay(a);
	if (a->tries < AGENT_BACKOFF_MAX) a->tries++;
}

void wire_lost(struct agent *a, const char *words) {
	if (a->wire == WIRE_AWAY) return;
	a->wire = WIRE_AWAY;
	a->ops.disconnect(a->user);
	if (a->tries < TRIES_TOLD || a->now - a->said_at >= 60 * SEC) {
		a->said_at = a->now;
		agent_say(a, a->phase == PHASE_NONE && !a->rules.standby ? LOG_ERROR : LOG_WARN, "no connection to the controller: %s", words);
	}
	if (a->phase == PHASE_ARMED || a->phase == PHASE_READY) {
		a->ops.cancel(a->user);
		agent_forget(a);
	}
	wire_retry(a);
}

void wire_up(struct agent *a) {
	struct message_hello hello = {.protocol = MESSAGE_PROTOCOL,
		.program = a->rules.program,
		.id = a->rules.id,
		.host = a->rules.host,
		.cpus = a->rules.cpus,
		.weight = a->rules.weight};
	hello.run_id = a->phase == PHASE_NONE ? "" : a->config.run_id;
	a->wire = WIRE_HELLO;
	a->wire_until = a->now + AGENT_HELLO_TIME;
	a->hello_at = a->now;
	agent_send(a, &(struct message){LINK_HELLO, .hello = hello});
}

void wire_welcome(struct agent *a, const struct message_welcome *welcome, nsec arrived) {
	char words[MESSAGE_WORDS_MAX + 1];
	if (welcome->protocol != MESSAGE_PROTOCOL) {
		snprintf(words, sizeof(words),
			"the controller (strest %s) speaks protocol %lld, this agent (strest %s) speaks %d; use the same version on all machines",
			welcome->program, (long long)welcome->protocol, a->rules.program, MESSAGE_PROTOCOL);
		wire_lost(a, words);
		return;
	}
	if (strcmp(welcome->program, a->rules.program) != 0)
		agent_say(a, LOG_WARN, "the controller is strest %s, this agent is %s; results may differ", welcome->program, a->rules.program);
	a->wire = WIRE_JOINED;
	a->tries = 0;
	a->last_heard = a->now;
	a->heartbeat_timeout = welcome->heartbeat_timeout_ms * MSEC;
	a->interval = a->rules.heartbeat_interval;
	if (a->interval > a->heartbeat_timeout / 3) a->interval = a->heartbeat_timeout / 3 > MSEC ? a->heartbeat_timeout / 3 : MSEC;
	a->beats = 0;
	a->next_beat = a->now;
	a->clock = (struct agent_clock){0}; /* it may be another controller */
	const nsec t[4] = {a->hello_at + a->rules.skew, welcome->clock_ns, welcome->clock_ns, arrived + a->rules.skew};
	agent_clock_add(&a->clock, t);
	agent_say(a, LOG_INFO, "joined the controller as '%s'%s", a->rules.id,
		welcome->busy ? "; a run is in progress there, this agent takes part in the next one" : "");
	if (a->phase == PHASE_REPORT) report_begin(a);
}

void wire_beat(struct agent *a) {
	struct message_beat beat = {0};
	a->ops.strain(a->user, &beat);
	beat.t1 = a->now + a->rules.skew;
	beat.t2 = beat.t3 = 0;
	beat.seq = ++a->beats;
	a->next_beat = a->now + (a->beats < AGENT_FIRST_SAMPLES ? AGENT_FIRST_PERIOD : a->interval);
	agent_send(a, &(struct message){LINK_BEAT, .beat = beat});
}

void wire_answer(struct agent *a, const struct message_beat *beat, nsec arrived) {
	const nsec t[4] = {beat->t1, beat->t2, beat->t3, arrived + a->rules.skew};
	agent_clock_add(&a->clock, t);
	if (a->phase != PHASE_REPORT || a->mark == 0 || beat->seq < a->mark) return;
	a->mark = 0;
	report_go_on(a);
}

/* The controller is silent, or not to be reached, for too long: the load must not go on unwatched. */
static void check_silence(struct agent *a) {
	if (a->now - a->last_heard <= silence_limit(a)) return;
	if (a->wire == WIRE_JOINED) wire_lost(a, "nothing was heard of it for too long");
	if (a->left || !has_load(a) || a->stopped) return;
	a->stopped = true;
	if (!a->early[0]) snprintf(a->early, sizeof(a->early), "the controller was silent");
	agent_say(
		a, LOG_WARN, "run %s ends: the controller has been silent for %lld s", a->config.run_id, (long long)((a->now - a->last_heard) / SEC));
	a->ops.stop(a->user, a->early);
}

void wire_tick(struct agent *a) {
	nsec late = a->now - a->last_tick;
	if (late > silence_limit(a) / 2) a->last_heard = a->now; /* it is our own silence */
	a->last_tick = a->now;
	if ((a->wire == WIRE_CONNECTING || a->wire == WIRE_HELLO) && a->now >= a->wire_until)
		wire_lost(a, a->wire == WIRE_HELLO ? "it did not answer within 10 s" : "no connection within 30 s");
	if (!a->left) check_silence(a);
	if (a->left) return;
	if (a->wire == WIRE_AWAY && a->now >= a->retry_at) wire_connect(a);
	if (a->wire == WIRE_JOINED && a->now >= a->next_beat) wire_beat(a);
}
