#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dist/agent_inner.h"

#define READY_PATIENCE (1 * SEC) /* for samples of the clock */

void agent_say(struct agent *a, enum log_level level, const char *format, ...) {
	char text[MESSAGE_WORDS_MAX + 1];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	a->ops.say(a->user, level, text);
}

bool agent_send(struct agent *a, const struct message *message) {
	struct buf body;
	struct err err;
	if (a->wire == WIRE_AWAY || a->wire == WIRE_CONNECTING) return false;
	buf_init(&body, LINK_MESSAGE_MAX);
	bool good = message_write(message, &body, &err);
	if (!good) agent_say(a, LOG_ERROR, "%s", err.text);
	good = good && a->ops.send(a->user, message->kind, (struct slice){body.at, body.size});
	buf_fini(&body);
	return good;
}

void agent_forget(struct agent *a) {
	arena_fini(&a->arena);
	a->config = (struct message_config){0};
	a->phase = PHASE_NONE;
	a->ready_due = a->stopped = a->discard = false;
	a->early[0] = 0;
}

void agent_leave(struct agent *a, int status, const char *words) {
	if (a->left) return;
	a->left = true;
	if (a->wire == WIRE_JOINED) agent_send(a, &(struct message){LINK_GOODBYE, .order = {.run_id = a->config.run_id, .words = words}});
	a->wire = WIRE_AWAY;
	a->ops.disconnect(a->user);
	a->ops.leave(a->user, status);
}

void agent_break(struct agent *a, const char *words) {
	agent_say(a, LOG_ERROR, "%s", words);
	agent_send(a, &(struct message){LINK_FAULT, .order = {.words = words}});
	a->wire = WIRE_AWAY;
	a->retry_at = NSEC_NEVER;
	a->ops.disconnect(a->user);
	if (a->phase == PHASE_DELAY || a->phase == PHASE_RUN) {
		a->discard = true; /* agent_finished goes on from here */
		a->ops.stop(a->user, words);
		return;
	}
	if (a->phase == PHASE_ARMED || a->phase == PHASE_READY) a->ops.cancel(a->user);
	agent_forget(a);
	wire_retry(a);
}

struct agent *agent_new(const struct agent_rules *rules, const struct agent_ops *ops, void *user, nsec now) {
	struct agent *a = mem_zeroed(1, sizeof(*a));
	a->rules = *rules;
	a->ops = *ops;
	a->user = user;
	a->now = a->last_tick = a->last_heard = now;
	a->heartbeat_timeout = 3 * rules->heartbeat_interval;
	a->interval = rules->heartbeat_interval;
	a->lot = rules->seed;
	arena_init(&a->arena);
	wire_connect(a);
	return a;
}

void agent_free(struct agent *a) {
	if (!a) return;
	arena_fini(&a->arena);
	free(a);
}

static bool is_run(const struct agent *a, const char *run_id) {
	return a->phase != PHASE_NONE && strcmp(run_id, a->config.run_id) == 0;
}

/* Takes the arena when the run is taken. */
static void take_config(struct agent *a, const struct message_config *config, struct arena *arena) {
	if (a->phase != PHASE_NONE) {
		agent_break(a, "the controller sent a second CONFIG before the run was over");
		return;
	}
	a->arena = *arena;
	arena_init(arena);
	a->config = *config;
	a->phase = PHASE_ARMED;
	a->snapshots = 0;
	a->heartbeat_timeout = config->heartbeat_timeout_ms * MSEC;
	agent_say(a, LOG_INFO, "run %s: preparing, share %lld of %zu agents", config->run_id, (long long)config->index + 1, config->weights.count);
	a->ops.prepare(a->user, &a->config);
}

/* Tells the controller that the run is prepared; a little later when its clock is not known well. */
static void send_ready(struct agent *a) {
	const struct agent_clock_sample *best = agent_clock_best(&a->clock);
	if (!a->ready_due || (a->clock.count < AGENT_FIRST_SAMPLES && a->now < a->ready_by)) return;
	struct message_ready ready = {.run_id = a->config.run_id, .attempt = a->config.attempt, .addresses = a->addresses, .threads = a->threads};
	if (best) ready.offset_ns = best->offset, ready.round_trip_ns = best->round_trip;
	a->ready_due = false;
	agent_send(a, &(struct message){LINK_READY, .ready = ready});
}

void agent_prepared(struct agent *a, const struct agent_prepared *prepared, nsec now) {
	a->now = now;
	if (a->left || a->phase != PHASE_ARMED) return;
	if (prepared->fault) {
		struct message_order fault = {.run_id = a->config.run_id, .attempt = a->config.attempt, .words = prepared->fault};
		agent_say(a, LOG_ERROR, "run %s: %s", a->config.run_id, prepared->fault);
		agent_send(a, &(struct message){LINK_FAULT, .order = fault});
		agent_forget(a);
		if (!a->rules.standby) agent_leave(a, 1, "the run cannot be prepared");
		return;
	}
	size_t count = prepared->addresses.count < MESSAGE_TEXTS_MAX ? prepared->addresses.count : MESSAGE_TEXTS_MAX;
	const char **addresses = arena_array(&a->arena, count, sizeof(*addresses));
	for (size_t i = 0; i < count; i++) addresses[i] = arena_copy(&a->arena, slice_of(prepared->addresses.at[i]));
	a->addresses = (struct message_texts){addresses, count};
	a->threads = prepared->threads;
	a->phase = PHASE_READY;
	a->ready_due = true;
	a->ready_by = now + READY_PATIENCE;
	send_ready(a);
}

/* Returns a moment of the controller's clock in ours, without skew. */
static nsec map_moment(const struct agent *a, nsec theirs) {
	const struct agent_clock_sample *best = agent_clock_best(&a->clock);
	nsec ours;
	if (__builtin_sub_overflow(theirs, (best ? best->offset : 0) + a->rules.skew, &ours)) return NSEC_NEVER;
	return ours;
}

static void take_start(struct agent *a, const struct message_order *order) {
	if (a->phase != PHASE_READY || !is_run(a, order->run_id)) {
		agent_break(a, a->phase == PHASE_NONE ? "the controller sent START without CONFIG"
						      : "the controller sent START for a run that is not ready");
		return;
	}
	nsec at = map_moment(a, order->at_ns), late = at < a->now ? a->now - at : 0;
	a->ordered_at = order->at_ns;
	a->start_at = at + late;
	a->phase = PHASE_DELAY;
	if (late > 0) agent_say(a, LOG_WARN, "run %s: the start was %lld ms ago", a->config.run_id, (long long)(late / MSEC));
	a->report.started_late_ns = late;
	struct agent_start start = {a->start_at - a->rules.monotonic_behind, late, &a->config};
	a->ops.start(a->user, &start);
}

static void take_stop(struct agent *a, const struct message_order *order) {
	if (a->phase == PHASE_NONE) return;
	if (!is_run(a, order->run_id)) {
		agent_say(a, LOG_WARN, "a stop of run %s, which is not ours, is ignored", order->run_id);
		return;
	}
	switch (a->phase) {
	case PHASE_NONE:
	case PHASE_REPORT: return;
	case PHASE_ARMED:
	case PHASE_READY:
		agent_say(a, LOG_INFO, "run %s is cancelled: %s", order->run_id, order->words);
		a->ops.cancel(a->user);
		agent_forget(a);
		return;
	case PHASE_DELAY:
	case PHASE_RUN:
		agent_say(a, LOG_INFO, "run %s ends: %s", order->run_id, order->words);
		a->ops.stop(a->user, order->words);
		return;
	}
}

static void take_stripe(struct agent *a, const struct message_stripe *message) {
	if ((a->phase != PHASE_DELAY && a->phase != PHASE_RUN) || !is_run(a, message->run_id)) {
		agent_say(a, LOG_WARN, "a new share of run %s, which is not in progress here, is ignored", message->run_id);
		return;
	}
	nsec at = map_moment(a, message->at_ns), late = at < a->now ? a->now - at : 0;
	agent_say(
		a, LOG_WARN, "run %s: share %lld of %zu agents from now on", message->run_id, (long long)message->index + 1, message->weights.count);
	struct agent_stripe stripe = {message->at_ns - a->ordered_at, late, message->weights, (size_t)message->index};
	a->ops.restripe(a->user, &stripe);
}

static void take_fault(struct agent *a, const char *run_id, const char *words) {
	agent_say(a, LOG_ERROR, "the controller says: %s", words);
	if (!run_id[0])
		wire_lost(a, words);
	else if (a->phase == PHASE_REPORT && is_run(a, run_id))
		report_done(a, 1);
}

static void take(struct agent *a, const struct message *m, const struct link_event *event, struct arena *arena) {
	char words[64];
	switch (m->kind) {
	case LINK_WELCOME: wire_welcome(a, &m->welcome, event->at); return;
	case LINK_BEAT:
		wire_answer(a, &m->beat, event->at);
		send_ready(a);
		return;
	case LINK_FAULT: take_fault(a, m->order.run_id, m->order.words); return;
	case LINK_CONFIG: take_config(a, &m->config, arena); return;
	case LINK_START: take_start(a, &m->order); return;
	case LINK_STOP: take_stop(a, &m->order); return;
	case LINK_STRIPE: take_stripe(a, &m->stripe); return;
	case LINK_TAKEN:
		if (a->phase == PHASE_REPORT && is_run(a, m->order.run_id)) report_done(a, 0);
		return;
	case LINK_HELLO:
	case LINK_READY:
	case LINK_SNAPSHOT:
	case LINK_REPORT:
	case LINK_GOODBYE:
	case LINK_KIND_COUNT: break;
	}
	snprintf(words, sizeof(words), "message %s is not for an agent", message_kind_words(m->kind));
	agent_break(a, words);
}

/* What a carrier says when the controller drops us need not be a message of ours. */
static void take_plain_fault(struct agent *a, struct slice body) {
	char words[MESSAGE_WORDS_MAX + 1];
	snprintf(words, sizeof(words), "%.*s", (int)(body.size < MESSAGE_WORDS_MAX ? body.size : MESSAGE_WORDS_MAX), body.at ? body.at : "");
	for (char *at = words; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
	take_fault(a, "", words);
}

static void take_message(struct agent *a, const struct link_event *event) {
	struct arena arena;
	struct message message;
	struct err err;
	bool joining = event->kind == LINK_WELCOME || event->kind == LINK_FAULT;
	if (a->wire == WIRE_AWAY || a->wire == WIRE_CONNECTING) return;
	arena_init(&arena);
	if (a->wire == WIRE_JOINED) a->last_heard = a->now;
	if (message_read(event->kind, event->body, &arena, &message, &err)) {
		if (joining != (a->wire == WIRE_HELLO) && event->kind != LINK_FAULT)
			agent_break(a, "the controller did not begin with one WELCOME");
		else
			take(a, &message, event, &arena);
	} else if (event->kind == LINK_FAULT) {
		take_plain_fault(a, event->body);
	} else {
		agent_break(a, err.text);
	}
	arena_fini(&arena);
}

void agent_event(struct agent *a, const struct link_event *event, nsec now) {
	a->now = now;
	if (a->left) return;
	switch (event->what) {
	case LINK_NOTHING: break;
	case LINK_UP:
		if (a->wire == WIRE_CONNECTING) wire_up(a);
		break;
	case LINK_MESSAGE: take_message(a, event); break;
	case LINK_DOWN:
		if (a->wire != WIRE_AWAY) wire_lost(a, event->words ? event->words : "the connection was closed");
		break;
	}
}

void agent_tick(struct agent *a, nsec now) {
	a->now = now;
	if (a->left) return;
	wire_tick(a);
	if (!a->left) report_tick(a);
	if (a->left) return;
	send_ready(a);
	if (a->phase == PHASE_DELAY && now >= a->start_at) a->phase = PHASE_RUN;
}

nsec agent_due(const struct agent *a) {
	nsec due = a->wire == WIRE_JOINED ? a->next_beat : a->wire == WIRE_AWAY ? a->retry_at : a->wire_until;
	if (a->phase == PHASE_DELAY && a->start_at < due) due = a->start_at;
	return due;
}

void agent_snapshot(struct agent *a, nsec elapsed, struct slice bytes) {
	if (a->left || a->wire != WIRE_JOINED || !a->config.stream || (a->phase != PHASE_DELAY && a->phase != PHASE_RUN)) return;
	struct message_snapshot snapshot = {a->config.run_id, ++a->snapshots, elapsed, bytes};
	agent_send(a, &(struct message){LINK_SNAPSHOT, .snapshot = snapshot});
}

void agent_interrupt(struct agent *a, nsec now) {
	a->now = now;
	if (a->left) return;
	if (a->leaving) {
		agent_leave(a, 130, "interrupted twice");
		return;
	}
	a->leaving = true;
	switch (a->phase) {
	case PHASE_ARMED:
	case PHASE_READY: a->ops.cancel(a->user); agent_forget(a);
	/* fall through */
	case PHASE_NONE: agent_leave(a, 0, "interrupted"); return;
	case PHASE_DELAY:
	case PHASE_RUN:
		if (!a->early[0]) snprintf(a->early, sizeof(a->early), "interrupted");
		a->ops.stop(a->user, a->early);
		return;
	case PHASE_REPORT: return;
	}
}

enum agent_state agent_state(const struct agent *a) {
	static const enum agent_state by_wire[] = {AGENT_RECONNECT, AGENT_CONNECT, AGENT_HELLO, AGENT_IDLE};
	static const enum agent_state by_phase[] = {AGENT_IDLE, AGENT_ARMED, AGENT_READY, AGENT_DELAY, AGENT_RUN, AGENT_REPORT};
	if (a->left) return AGENT_LEFT;
	return a->phase == PHASE_NONE ? by_wire[a->wire] : by_phase[a->phase];
}

bool agent_clock(const struct agent *a, nsec *ret_offset, nsec *ret_round_trip) {
	const struct agent_clock_sample *best = agent_clock_best(&a->clock);
	if (!best) return false;
	*ret_offset = best->offset;
	*ret_round_trip = best->round_trip;
	return true;
}
