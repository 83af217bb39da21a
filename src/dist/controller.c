#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dist/controller_inner.h"

#define WARNINGS_AT_ONCE 5

void controller_say(struct controller *c, enum log_level level, const char *format, ...) {
	char text[MESSAGE_WORDS_MAX + 1];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	c->ops.say(c->user, level, text);
}

void controller_warn(struct controller *c, const char *format, ...) {
	char text[MESSAGE_WORDS_MAX + 1];
	va_list list;
	if (c->warnings >= WARNINGS_AT_ONCE && c->now - c->warned_at < 60 * SEC) {
		c->warnings_untold++;
		return;
	}
	c->warnings++;
	c->warned_at = c->now;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (c->warnings_untold)
		controller_say(c, LOG_WARN, "%s (and %u more since the last warning)", text, c->warnings_untold);
	else
		controller_say(c, LOG_WARN, "%s", text);
	c->warnings_untold = 0;
}

void controller_error(struct controller *c, const char *format, ...) {
	char text[MESSAGE_WORDS_MAX + 1];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	c->errors++;
	c->ops.error(c->user, text);
}

void controller_answer(struct controller *c, enum controller_answer answer, const char *words) {
	if (!c->answer_due) return;
	c->answer_due = false;
	c->ops.answer(c->user, answer, words);
}

bool controller_send(struct controller *c, uint64_t peer, const struct message *message) {
	struct buf body;
	struct err err;
	buf_init(&body, LINK_MESSAGE_MAX);
	bool good = message_write(message, &body, &err);
	if (!good) controller_say(c, LOG_ERROR, "%s", err.text);
	good = good && c->ops.send(c->user, peer, message->kind, (struct slice){body.at, body.size});
	buf_fini(&body);
	return good;
}

struct controller *controller_new(const struct controller_rules *rules, const struct controller_ops *ops, void *user, nsec now) {
	struct controller *c = mem_zeroed(1, sizeof(*c));
	c->rules = *rules;
	c->ops = *ops;
	c->user = user;
	c->now = c->last_tick = now;
	c->next_check = now;
	c->start_after = rules->start_after;
	c->state = rules->manual ? CONTROLLER_IDLE : CONTROLLER_WAIT;
	c->wait_until = !rules->manual && rules->wait > 0 ? now + rules->wait : NSEC_NEVER;
	return c;
}

void controller_free(struct controller *c) {
	if (!c) return;
	for (size_t i = 0; i < c->seat_count; i++) report_forget(c, &c->seats[i]);
	for (size_t i = 0; i < c->address_count; i++) free(c->addresses[i]);
	for (size_t i = 0; i < c->count; i++) free(c->members[i]);
	free(c->seats);
	free(c->members);
	free(c);
}

static void take_beat(struct controller *c, struct member *member, const struct message_beat *beat, nsec arrived) {
	member->beat = *beat;
	struct message_beat back = {.t1 = beat->t1, .t2 = arrived, .t3 = c->now, .seq = beat->seq};
	controller_send(c, member->peer, &(struct message){LINK_BEAT, .beat = back});
}

/* The agent cannot run what it was told to, or says that we broke the rules. */
static void take_fault(struct controller *c, struct member *member, const struct message_order *fault) {
	struct seat *seat = member->seat;
	if (!c->active || !seat || strcmp(fault->run_id, c->run_id) != 0) {
		controller_warn(c, "agent '%s': %s", member->id, fault->words);
		member->busy[0] = 0;
		return;
	}
	controller_run_leave(seat);
	/* It may have begun to prepare the next attempt meanwhile. */
	controller_send(c, member->peer, &(struct message){LINK_STOP, .order = {.run_id = c->run_id, .words = "this agent has left the run"}});
	controller_run_lose(c, seat, fault->words, false);
}

static void take_goodbye(struct controller *c, struct member *member, const struct message_order *goodbye) {
	struct seat *seat = member->seat;
	char why[MESSAGE_WORDS_MAX + 1];
	controller_say(c, LOG_INFO, "agent '%s' leaves: %s", member->id, goodbye->words);
	snprintf(why, sizeof(why), "it left: %.400s", goodbye->words);
	if (seat) {
		controller_run_leave(seat);
		controller_run_lose(c, seat, why, false);
	}
	c->ops.drop(c->user, member->peer, "goodbye");
	controller_pool_remove(c, member, why, false);
}

/* A message of a registered agent. */
static void take(struct controller *c, struct member *member, const struct message *m, nsec arrived) {
	char words[64];
	bool leaves = m->kind == LINK_FAULT || m->kind == LINK_GOODBYE;
	if (c->active && !leaves && member->seat && member->seat->state == SEAT_LOST) controller_run_return(c, member->seat);
	switch (m->kind) {
	case LINK_READY: controller_run_ready(c, member, &m->ready); return;
	case LINK_BEAT: take_beat(c, member, &m->beat, arrived); return;
	case LINK_SNAPSHOT: report_snapshot(c, member, &m->snapshot); return;
	case LINK_REPORT: report_take(c, member, &m->report); return;
	case LINK_FAULT: take_fault(c, member, &m->order); return;
	case LINK_GOODBYE: take_goodbye(c, member, &m->order); return;
	case LINK_HELLO: controller_pool_drop(c, member, "a second HELLO on one connection"); return;
	case LINK_WELCOME:
	case LINK_CONFIG:
	case LINK_START:
	case LINK_STOP:
	case LINK_STRIPE:
	case LINK_TAKEN:
	case LINK_KIND_COUNT: break;
	}
	snprintf(words, sizeof(words), "message %s is not for a controller", message_kind_words(m->kind));
	controller_pool_drop(c, member, words);
}

static void take_message(struct controller *c, struct member *member, const struct link_event *event) {
	struct arena arena;
	struct message message;
	struct err err;
	member->last_seen = c->now;
	if (member->silent) {
		controller_say(c, LOG_WARN, "agent '%s' is heard again", member->id);
		member->silent = false;
		controller_pool_stop_busy(c, member);
	}
	if (!member->registered && event->kind != LINK_HELLO) {
		controller_pool_drop(c, member, "the first message must be HELLO");
		return;
	}
	arena_init(&arena);
	if (!message_read(event->kind, event->body, &arena, &message, &err))
		controller_pool_drop(c, member, err.text);
	else if (!member->registered)
		controller_pool_hello(c, member, &message.hello);
	else
		take(c, member, &message, event->at);
	arena_fini(&arena);
}

void controller_event(struct controller *c, const struct link_event *event, nsec now) {
	c->now = now;
	struct member *member = controller_pool_find(c, event->peer);
	switch (event->what) {
	case LINK_NOTHING: break;
	case LINK_UP:
		if (!member) controller_pool_add(c, event->peer, event->words);
		break;
	case LINK_MESSAGE:
		if (member) take_message(c, member, event);
		break;
	case LINK_DOWN:
		if (!member) break;
		if (member->registered) controller_say(c, LOG_INFO, "agent '%s' is disconnected: %s", member->id, event->words ? event->words : "");
		controller_pool_remove(c, member, event->words ? event->words : "the connection was closed", true);
		break;
	}
}

void controller_tick(struct controller *c, nsec now) {
	nsec late = now - c->last_tick - CONTROLLER_TICK;
	c->now = now;
	if (late > c->rules.heartbeat_timeout / 2) /* it is our own silence */
		for (size_t i = 0; i < c->count; i++) c->members[i]->last_seen = now;
	c->last_tick = now;
	controller_pool_check(c);
	controller_run_tick(c);
}

void controller_start(struct controller *c, nsec start_after, nsec wait, nsec now) {
	char words[MESSAGE_WORDS_MAX + 1];
	size_t there = controller_pool_count(c);
	c->now = now;
	if (c->state != CONTROLLER_IDLE) {
		c->ops.answer(c->user, CONTROLLER_BUSY, c->state == CONTROLLER_WAIT ? "a start is waiting for agents" : "a run is in progress");
		return;
	}
	c->answer_due = true;
	c->start_after = start_after < 0 ? c->rules.start_after : start_after;
	if (wait <= 0) wait = c->rules.wait;
	if (there >= c->rules.min_agents) {
		controller_run_begin(c);
	} else if (wait > 0) {
		c->state = CONTROLLER_WAIT;
		c->wait_until = now + wait;
	} else {
		snprintf(words, sizeof(words), "%zu agents are there, at least %u are needed", there, c->rules.min_agents);
		controller_answer(c, CONTROLLER_TOO_FEW, words);
	}
}

enum controller_stopping controller_stop(struct controller *c, nsec now) {
	c->now = now;
	switch (c->state) {
	case CONTROLLER_IDLE:
	case CONTROLLER_OVER: break;
	case CONTROLLER_WAIT:
	case CONTROLLER_DISTRIBUTE:
		controller_run_cancel(c, CONTROLLER_CANCELLED, CONTROLLER_WITHDRAWN, "stopped before the start");
		return CONTROLLER_STOP_WITHDRAWN;
	case CONTROLLER_STARTING:
	case CONTROLLER_RUNNING: controller_run_stop(c, "the controller was told to stop"); return CONTROLLER_STOPPING;
	}
	return CONTROLLER_STOP_IDLE;
}

void controller_interrupt(struct controller *c, nsec now) {
	bool again = c->leaving;
	c->now = now;
	c->leaving = true;
	if (again && c->active)
		controller_run_end(c, CONTROLLER_DONE, "interrupted twice");
	else
		controller_stop(c, now);
	if (c->state == CONTROLLER_IDLE) c->state = CONTROLLER_OVER;
}

enum controller_state controller_state(const struct controller *c) {
	return c->state;
}

const char *controller_run_id(const struct controller *c) {
	return c->active ? c->run_id : NULL;
}

static const char *state_words(const struct controller *c, const struct member *member) {
	static const char *const seated[] = {"preparing", "ready", "running", "lost", "reported"};
	if (member->silent) return "silent";
	if (member->busy[0]) return "busy";
	return c->active && member->seat ? seated[member->seat->state] : "idle";
}

size_t controller_list(const struct controller *c, struct controller_agent *ret, size_t room) {
	struct member **sorted = mem_alloc(c->registered * sizeof(*sorted));
	controller_pool_sort(c, sorted);
	for (size_t i = 0; i < c->registered && i < room; i++) {
		const struct member *m = sorted[i];
		ret[i] = (struct controller_agent){.id = m->id, .host = m->host, .weight = m->weight, .cpus = m->cpus, .state = state_words(c, m)};
		ret[i].last_seen = m->last_seen;
		ret[i].cpu = m->beat.cpu;
		ret[i].in_flight = m->beat.in_flight;
		ret[i].late = m->beat.late;
		if (!m->seat) continue;
		ret[i].threads = m->seat->threads;
		ret[i].offset = m->seat->offset;
		ret[i].round_trip = m->seat->round_trip;
	}
	free(sorted);
	return c->registered;
}
