#include <stdio.h>
#include <stdlib.h>

#include "dist/controller_inner.h"
#include "dist/split.h"

#define STRIPE_AHEAD (2 * SEC) /* at least: every agent must have the new share by then */

static nsec add_times(nsec a, nsec b) {
	return a > NSEC_NEVER - b ? NSEC_NEVER : a + b;
}

static size_t count_seats(const struct controller *c, enum seat_state state) {
	size_t count = 0;
	for (size_t i = 0; i < c->seat_count; i++) count += c->seats[i].state == state;
	return count;
}

static bool send_order(struct controller *c, const struct seat *seat, enum link_kind kind, const char *words) {
	if (!seat->member) return false;
	return controller_send(c, seat->member->peer, &(struct message){kind, .order = {.run_id = c->run_id, .words = words}});
}

struct seat *controller_run_find(struct controller *c, const char *id) {
	for (size_t i = 0; i < c->seat_count; i++)
		if (strcmp(c->seats[i].id, id) == 0) return &c->seats[i];
	return NULL;
}

void controller_run_leave(struct seat *seat) {
	if (seat->member) seat->member->seat = NULL;
	seat->member = NULL;
}

static void forget_addresses(struct controller *c) {
	for (size_t i = 0; i < c->address_count; i++) free(c->addresses[i]);
	c->address_count = 0;
}

static void seat_members(struct controller *c) {
	struct member **sorted = mem_alloc(c->registered * sizeof(*sorted));
	for (size_t i = 0; i < c->seat_count; i++) {
		report_forget(c, &c->seats[i]);
		controller_run_leave(&c->seats[i]);
	}
	free(c->seats);
	c->seats = mem_zeroed(c->registered, sizeof(*c->seats));
	c->seat_count = 0;
	controller_pool_sort(c, sorted);
	for (size_t i = 0; i < c->registered; i++) {
		struct member *m = sorted[i];
		if (!controller_pool_usable(m)) continue;
		struct seat *seat = &c->seats[c->seat_count++];
		*seat = (struct seat){.member = m, .weight = m->weight, .cpus = m->cpus};
		memcpy(seat->id, m->id, sizeof(seat->id));
		memcpy(seat->host, m->host, sizeof(seat->host));
		m->seat = seat;
	}
	free(sorted);
}

/* Writes what all agents are told, with the place of the first one. */
static bool write_config(struct controller *c, const uint32_t *weights, struct buf *into, struct err *err) {
	struct message_config config = {.run_id = c->run_id, .attempt = c->attempt, .stream = c->rules.stream_interval > 0};
	config.interval_ms = config.stream ? (c->rules.stream_interval + MSEC - 1) / MSEC : 1000;
	config.heartbeat_timeout_ms = (c->rules.heartbeat_timeout + MSEC - 1) / MSEC;
	config.config = c->run.config;
	config.files = c->run.files;
	config.weights = (struct message_weights){weights, c->seat_count};
	return message_write(&(struct message){LINK_CONFIG, .config = config}, into, err);
}

static void send_configs(struct controller *c, struct slice bulk, const uint64_t *requests) {
	for (size_t i = 0; i < c->seat_count; i++) {
		struct seat *seat = &c->seats[i];
		struct buf body;
		buf_init(&body, LINK_MESSAGE_MAX);
		if (c->attempt > 1) send_order(c, seat, LINK_STOP, "the shares are given out anew");
		seat->state = SEAT_PREPARING;
		if (!message_write_share(bulk, (int64_t)i, (int64_t)requests[i], &body))
			controller_run_lose(c, seat, "its configuration is longer than a message of 4 MiB", false);
		else if (!seat->member || !c->ops.send(c->user, seat->member->peer, LINK_CONFIG, (struct slice){body.at, body.size}))
			controller_run_lose(c, seat, "its configuration could not be sent", false);
		buf_fini(&body);
	}
}

/* Sends all their configuration, each with its own share. */
static void distribute(struct controller *c) {
	uint32_t *weights = mem_alloc(c->seat_count * sizeof(*weights));
	uint64_t *requests = mem_alloc(c->seat_count * sizeof(*requests));
	struct buf bulk;
	struct err err;
	buf_init(&bulk, LINK_MESSAGE_MAX);
	c->attempt++;
	c->uneven = false;
	c->ready_until = c->now + CONTROLLER_PREPARE_TIME + c->run.connect_timeout;
	forget_addresses(c);
	for (size_t i = 0; i < c->seat_count; i++) weights[i] = c->seats[i].weight;
	split_share(c->run.requests, weights, c->seat_count, requests);
	if (write_config(c, weights, &bulk, &err))
		send_configs(c, (struct slice){bulk.at, bulk.size}, requests);
	else
		controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_INVALID, err.text);
	buf_fini(&bulk);
	free(weights);
	free(requests);
}

void controller_run_begin(struct controller *c) {
	struct controller_run run = {0};
	struct err err = {0};
	c->errors = 0;
	c->ended[0] = 0;
	c->stopping = c->abort_due = false;
	c->attempt = 0;
	if (!c->ops.prepare(c->user, &run, &err)) {
		controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_INVALID, err.text);
		return;
	}
	c->run = run;
	c->active = true;
	snprintf(c->run_id, sizeof(c->run_id), "%s", run.run_id);
	c->state = CONTROLLER_DISTRIBUTE;
	seat_members(c);
	distribute(c);
}

/* Agents have failed before the start: the rest shares anew. */
static void share_anew(struct controller *c) {
	char words[MESSAGE_WORDS_MAX + 1];
	size_t count = 0;
	for (size_t i = 0; i < c->seat_count; i++) {
		if (c->seats[i].state == SEAT_LOST) {
			controller_run_leave(&c->seats[i]);
			continue;
		}
		c->seats[count] = c->seats[i];
		c->seats[count].member->seat = &c->seats[count]; /* a seat without member is lost */
		count++;
	}
	c->seat_count = count;
	if (count < c->rules.min_agents) {
		snprintf(words, sizeof(words), "%zu agent%s left, at least %u %s needed", count, count == 1 ? " is" : "s are", c->rules.min_agents,
			c->rules.min_agents == 1 ? "is" : "are");
		controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_GONE, words);
	} else if (c->attempt >= CONTROLLER_ATTEMPTS_MAX) {
		controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_GONE, "agents failed again and again before the start");
	} else {
		controller_say(c, LOG_WARN, "the run is shared anew by %zu agents", count);
		distribute(c);
	}
}

/* Returns an address's index among those of the run; one too many stands for the last. */
static uint16_t add_address(struct controller *c, const char *address) {
	size_t at = 0;
	while (at < c->address_count && strcmp(c->addresses[at], address) != 0) at++;
	if (at < c->address_count) return (uint16_t)at;
	if (at == CONTROLLER_ADDRESSES_MAX) return CONTROLLER_ADDRESSES_MAX - 1;
	size_t size = strlen(address) + 1;
	char *copy = mem_alloc(size);
	memcpy(copy, address, size);
	c->addresses[c->address_count++] = copy;
	return (uint16_t)at;
}

/* Tells the caller who takes part. */
static bool tell_began(struct controller *c, struct err *err) {
	struct controller_agent *agents = mem_zeroed(c->seat_count, sizeof(*agents));
	for (size_t i = 0; i < c->seat_count; i++) {
		const struct seat *s = &c->seats[i];
		agents[i] = (struct controller_agent){.id = s->id,
			.host = s->host,
			.weight = s->weight,
			.cpus = s->cpus,
			.threads = s->threads,
			.address_count = s->address_count,
			.addresses = s->addresses,
			.offset = s->offset,
			.round_trip = s->round_trip,
			.state = "ready",
			.last_seen = s->member->last_seen};
	}
	struct controller_began began = {agents, c->seat_count, (const char *const *)c->addresses, c->address_count, c->start_at};
	bool good = c->ops.began(c->user, &began, err);
	free(agents);
	return good;
}

static void start(struct controller *c) {
	struct err err = {0};
	nsec grace = add_times(c->run.request_timeout, 5 * SEC);
	c->start_at = add_times(c->now, c->start_after);
	if (!tell_began(c, &err)) {
		controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_INVALID, err.text);
		return;
	}
	if (grace < CONTROLLER_REPORT_TIME) grace = CONTROLLER_REPORT_TIME;
	c->deadline = c->run.duration == NSEC_NEVER ? NSEC_NEVER : add_times(add_times(c->start_at, c->run.duration), grace);
	c->state = CONTROLLER_STARTING;
	for (size_t i = 0; i < c->seat_count; i++) c->seats[i].state = SEAT_RUNNING;
	for (size_t i = 0; i < c->seat_count; i++) {
		struct seat *seat = &c->seats[i];
		struct message order = {LINK_START, .order = {.run_id = c->run_id, .at_ns = c->start_at}};
		if (!seat->member || !controller_send(c, seat->member->peer, &order))
			controller_run_lose(c, seat, "the start could not be sent", false);
	}
	controller_answer(c, CONTROLLER_STARTED, c->run_id);
}

void controller_run_ready(struct controller *c, struct member *member, const struct message_ready *ready) {
	struct seat *seat = member->seat;
	if (c->state != CONTROLLER_DISTRIBUTE || !seat || strcmp(ready->run_id, c->run_id) != 0 || ready->attempt != c->attempt)
		return; /* an attempt before */
	if (seat->state != SEAT_PREPARING) return;
	seat->state = SEAT_READY;
	seat->threads = (unsigned)ready->threads;
	seat->offset = ready->offset_ns;
	seat->round_trip = ready->round_trip_ns;
	seat->address_count = ready->addresses.count;
	for (size_t i = 0; i < ready->addresses.count; i++) seat->addresses[i] = add_address(c, ready->addresses.at[i]);
}

void controller_run_lose(struct controller *c, struct seat *seat, const char *why, bool may_return) {
	bool before = c->state == CONTROLLER_DISTRIBUTE;
	if (!c->active || seat->state == SEAT_LOST || seat->state == SEAT_REPORTED) return;
	seat->state = SEAT_LOST;
	c->uneven = true;
	report_forget(c, seat);
	if (before) send_order(c, seat, LINK_STOP, why); /* a silent one reads it when it wakes up */
	snprintf(seat->why, sizeof(seat->why), "%s", why);
	if (before) {
		controller_error(c, "agent '%s': %s", seat->id, why);
		return;
	}
	controller_say(c, LOG_WARN, "agent '%s' is lost: %s", seat->id, why); /* an error at the end, if it does not report */
	seat->back_until = may_return ? c->now + c->rules.heartbeat_timeout : 0;
	c->ops.agent_lost(c->user, (size_t)(seat - c->seats), why);
	if (c->rules.on_loss != CONTROLLER_ABORT || c->stopping) return;
	c->abort_due = true;
	if (!c->ended[0]) snprintf(c->ended, sizeof(c->ended), "agent '%s' was lost", seat->id);
}

void controller_run_return(struct controller *c, struct seat *seat) {
	if (c->state == CONTROLLER_DISTRIBUTE || seat->state != SEAT_LOST) return;
	seat->state = SEAT_RUNNING;
	controller_say(c, LOG_WARN, "agent '%s' is back; its report is taken if it comes in time", seat->id);
	if (c->stopping || seat->replaced) send_order(c, seat, LINK_STOP, c->stopping ? "the run was stopped" : "other agents have its share");
}

/* The agents that run share what is nobody's. */
static void redistribute(struct controller *c) {
	nsec ahead = 2 * c->rules.heartbeat_timeout / 3; /* two heartbeats: a timeout is three */
	size_t count = 0, running = count_seats(c, SEAT_RUNNING);
	struct buf bulk, body;
	struct err err;
	c->uneven = false;
	if (c->rules.on_loss != CONTROLLER_REDISTRIBUTE || !c->run.open_loop || c->stopping || running == 0) return;
	uint32_t *weights = mem_alloc(running * sizeof(*weights));
	for (size_t i = 0; i < c->seat_count; i++) {
		if (c->seats[i].state == SEAT_RUNNING) weights[count++] = c->seats[i].weight;
		if (c->seats[i].state == SEAT_LOST) c->seats[i].replaced = true;
	}
	struct message_stripe stripe = {c->run_id, c->now + (ahead > STRIPE_AHEAD ? ahead : STRIPE_AHEAD), {weights, count}, 0};
	if (stripe.at_ns < c->start_at) stripe.at_ns = c->start_at;
	buf_init(&bulk, LINK_MESSAGE_MAX);
	buf_init(&body, LINK_MESSAGE_MAX);
	bool good = message_write(&(struct message){LINK_STRIPE, .stripe = stripe}, &bulk, &err);
	for (size_t i = 0, index = 0; good && i < c->seat_count; i++) {
		if (c->seats[i].state != SEAT_RUNNING) continue;
		body.size = 0;
		if (message_write_share((struct slice){bulk.at, bulk.size}, (int64_t)index++, 0, &body) && c->seats[i].member)
			c->ops.send(c->user, c->seats[i].member->peer, LINK_STRIPE, (struct slice){body.at, body.size});
	}
	controller_say(c, LOG_WARN, "%zu agents share the whole load from %lld ms on", count, (long long)((stripe.at_ns - c->now) / MSEC));
	buf_fini(&bulk);
	buf_fini(&body);
	free(weights);
}

void controller_run_stop(struct controller *c, const char *why) {
	if (c->stopping) return;
	c->stopping = true;
	c->deadline = c->now + CONTROLLER_REPORT_TIME;
	for (size_t i = 0; i < c->seat_count; i++)
		if (c->seats[i].state == SEAT_RUNNING) send_order(c, &c->seats[i], LINK_STOP, why);
}

static void leave_state(struct controller *c) {
	c->active = false;
	c->state = c->rules.manual && !c->leaving ? CONTROLLER_IDLE : CONTROLLER_OVER;
}

void controller_run_cancel(struct controller *c, enum controller_end end, enum controller_answer answer, const char *words) {
	struct controller_outcome outcome = {.end = end, .words = words, .stopped = answer == CONTROLLER_WITHDRAWN, .errors = c->errors};
	bool told = c->active || !c->rules.manual;
	if (c->active) {
		outcome.agents = c->seat_count;
		for (size_t i = 0; i < c->seat_count; i++) {
			send_order(c, &c->seats[i], LINK_STOP, words);
			controller_run_leave(&c->seats[i]);
		}
	}
	leave_state(c);
	controller_answer(c, answer, words);
	if (told) c->ops.over(c->user, &outcome);
}

/* Closes a seat: what its agent may still send is of a former run. */
static void close_seat(struct controller *c, struct seat *seat) {
	report_forget(c, seat);
	if (seat->state == SEAT_REPORTED || !seat->member) return;
	send_order(c, seat, LINK_STOP, "the run is over");
	snprintf(seat->member->busy, sizeof(seat->member->busy), "%s", c->run_id);
	controller_run_leave(seat);
}

void controller_run_end(struct controller *c, enum controller_end end, const char *words) {
	struct controller_outcome outcome = {.agents = c->seat_count, .stopped = c->stopping};
	nsec first = NSEC_NEVER, last = 0;
	if (c->state == CONTROLLER_DISTRIBUTE) {
		controller_run_cancel(c, end, CONTROLLER_WITHDRAWN, words);
		return;
	}
	for (size_t i = 0; i < c->seat_count; i++) {
		struct seat *seat = &c->seats[i];
		if (seat->state == SEAT_RUNNING) {
			controller_error(c, "agent '%s': it has not reported: %s", seat->id, words);
		} else if (seat->state == SEAT_LOST) {
			controller_error(c, "agent '%s': %s", seat->id, seat->why);
		} else if (seat->state == SEAT_REPORTED) {
			outcome.reported++;
			outcome.early += seat->early;
			if (seat->started_late < first) first = seat->started_late;
			if (seat->started_late > last) last = seat->started_late;
		}
		if (seat->round_trip / 2 > outcome.clock_doubt) outcome.clock_doubt = seat->round_trip / 2;
		close_seat(c, seat);
	}
	outcome.end = outcome.reported ? end : CONTROLLER_FAILED;
	outcome.words = outcome.reported ? c->ended : "no agent has reported";
	outcome.spread = outcome.reported ? last - first : 0;
	outcome.errors = c->errors;
	if (outcome.spread > CONTROLLER_SPREAD_MAX)
		controller_say(c, LOG_WARN, "the agents did not start together: the last one %lld ms after the first one",
			(long long)(outcome.spread / MSEC));
	leave_state(c);
	c->ops.over(c->user, &outcome);
}

/* Waits for all to be ready. */
static void tick_distribute(struct controller *c) {
	if (c->now >= c->ready_until) {
		for (size_t i = 0; i < c->seat_count; i++) {
			struct seat *seat = &c->seats[i];
			if (seat->state == SEAT_PREPARING) controller_run_lose(c, seat, "it was not ready in time", false);
		}
	}
	size_t preparing = count_seats(c, SEAT_PREPARING), alive = preparing + count_seats(c, SEAT_READY);
	if (c->uneven && (preparing == 0 || alive < c->rules.min_agents)) /* one may fail like another: once for all who do */
		share_anew(c);
	else if (!c->uneven && preparing == 0)
		start(c);
}

/* Waits for all to report. */
static void tick_run(struct controller *c) {
	bool waiting = false;
	if (c->state == CONTROLLER_STARTING && c->now >= c->start_at) c->state = CONTROLLER_RUNNING;
	if (c->abort_due) {
		c->abort_due = false;
		controller_say(c, LOG_WARN, "the run ends: %s", c->ended);
		controller_run_stop(c, c->ended);
	}
	if (c->uneven) redistribute(c);
	for (size_t i = 0; i < c->seat_count && !waiting; i++)
		waiting = c->seats[i].state == SEAT_RUNNING || (c->seats[i].state == SEAT_LOST && c->now < c->seats[i].back_until);
	if (!waiting)
		controller_run_end(c, CONTROLLER_DONE, "");
	else if (c->now >= c->deadline)
		controller_run_end(c, CONTROLLER_DONE, "the deadline has passed");
}

void controller_run_tick(struct controller *c) {
	char words[MESSAGE_WORDS_MAX + 1];
	switch (c->state) {
	case CONTROLLER_IDLE:
	case CONTROLLER_OVER: return;
	case CONTROLLER_WAIT:
		if (controller_pool_count(c) >= c->rules.min_agents) {
			controller_run_begin(c);
		} else if (c->now >= c->wait_until) {
			snprintf(words, sizeof(words), "%u agents were wanted, %zu came", c->rules.min_agents, controller_pool_count(c));
			controller_run_cancel(c, CONTROLLER_FAILED, CONTROLLER_TOO_FEW, words);
		}
		return;
	case CONTROLLER_DISTRIBUTE: tick_distribute(c); return;
	case CONTROLLER_STARTING:
	case CONTROLLER_RUNNING: tick_run(c); return;
	}
}
