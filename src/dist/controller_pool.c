#include <stdio.h>
#include <stdlib.h>

#include "dist/controller_inner.h"

#define SHORT_TIMEOUT (200 * MSEC) /* half a heartbeat timeout below this: the check has the period of a whole one */
#define FORGET_TIMEOUTS 20         /* heartbeat timeouts after which the connection of a silent agent is closed */

/* Returns where the peer is or belongs. */
static size_t find_place(const struct controller *c, uint64_t peer) {
	size_t low = 0, high = c->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->members[middle]->peer < peer)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct member *controller_pool_find(struct controller *c, uint64_t peer) {
	size_t place = find_place(c, peer);
	return place < c->count && c->members[place]->peer == peer ? c->members[place] : NULL;
}

void controller_pool_add(struct controller *c, uint64_t peer, const char *address) {
	size_t place = find_place(c, peer);
	if (c->count - c->registered >= CONTROLLER_GUESTS_MAX) {
		c->ops.drop(c->user, peer, "too many connections that have not said HELLO");
		return;
	}
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		c->members = mem_resize(c->members, c->room * sizeof(struct member *));
	}
	memmove(c->members + place + 1, c->members + place, (c->count - place) * sizeof(struct member *));
	c->count++;
	struct member *member = c->members[place] = mem_zeroed(1, sizeof(*member));
	member->peer = peer;
	member->since = member->last_seen = c->now;
	snprintf(member->address, sizeof(member->address), "%s", address ? address : "?");
}

void controller_pool_remove(struct controller *c, struct member *member, const char *why, bool may_return) {
	size_t place = find_place(c, member->peer);
	struct seat *seat = member->seat;
	memmove(c->members + place, c->members + place + 1, (c->count - place - 1) * sizeof(struct member *));
	c->count--;
	c->registered -= member->registered;
	if (seat) {
		controller_run_leave(seat);
		controller_run_lose(c, seat, why, may_return);
	}
	free(member);
}

void controller_pool_drop(struct controller *c, struct member *member, const char *words) {
	controller_warn(c, "%s%s%s from %s is refused: %s", member->registered ? "agent '" : "a connection", member->id,
		member->registered ? "'" : "", member->address, words);
	c->ops.drop(c->user, member->peer, words);
	controller_pool_remove(c, member, words, false);
}

/* Frees the id for the newcomer if the agent that has it is gone, or is the same one on a new connection. False: it is taken. */
static bool clear_id(struct controller *c, const struct message_hello *hello) {
	struct member *old = NULL;
	for (size_t i = 0; i < c->count && !old; i++)
		if (c->members[i]->registered && strcmp(c->members[i]->id, hello->id) == 0) old = c->members[i];
	if (!old) return true;
	bool same = old->seat && c->active && strcmp(hello->run_id, c->run_id) == 0;
	if (!same && !old->silent) return false;
	if (old->seat) controller_run_leave(old->seat); /* lost already, or taken again at once */
	c->ops.drop(c->user, old->peer, "the agent has connected anew");
	controller_pool_remove(c, old, "", false);
	return true;
}

/* Returns false when the newcomer was refused and is gone. */
static bool admit(struct controller *c, struct member *member, const struct message_hello *hello) {
	char words[MESSAGE_WORDS_MAX + 1];
	if (hello->protocol != MESSAGE_PROTOCOL) {
		snprintf(words, sizeof(words),
			"the agent (strest %s) speaks protocol %lld, the controller (strest %s) speaks %d; use the same version on all machines",
			hello->program, (long long)hello->protocol, c->rules.program, MESSAGE_PROTOCOL);
	} else if (c->registered >= MESSAGE_AGENTS_MAX) {
		snprintf(words, sizeof(words), "%d agents are there, which is the most", MESSAGE_AGENTS_MAX);
	} else if (!clear_id(c, hello)) {
		snprintf(words, sizeof(words), "an agent '%s' is there already; give each agent its own --agent-id", hello->id);
	} else {
		return true;
	}
	controller_pool_drop(c, member, words);
	return false;
}

void controller_pool_stop_busy(struct controller *c, const struct member *member) {
	if (!member->busy[0]) return;
	struct message_order stop = {.run_id = member->busy, .words = "the run is over"};
	controller_send(c, member->peer, &(struct message){LINK_STOP, .order = stop});
}

/* Puts an agent that comes back into its seat, or remembers what it is busy with. */
static void seat_again(struct controller *c, struct member *member, const char *run_id) {
	struct seat *seat = run_id[0] && strcmp(run_id, c->run_id) == 0 ? controller_run_find(c, member->id) : NULL;
	if (!seat || seat->member || !(c->active || seat->state == SEAT_REPORTED)) {
		snprintf(member->busy, sizeof(member->busy), "%s", run_id);
		controller_pool_stop_busy(c, member);
		return;
	}
	seat->member = member;
	member->seat = seat;
	if (!c->active)
		snprintf(member->busy, sizeof(member->busy), "%s", run_id);
	else if (seat->state == SEAT_LOST)
		controller_run_return(c, seat);
}

void controller_pool_hello(struct controller *c, struct member *member, const struct message_hello *hello) {
	if (!admit(c, member, hello)) return;
	member->registered = true;
	c->registered++;
	member->order = c->orders++;
	member->weight = hello->weight ? (uint32_t)hello->weight : 1;
	member->cpus = (unsigned)hello->cpus;
	snprintf(member->id, sizeof(member->id), "%s", hello->id);
	snprintf(member->host, sizeof(member->host), "%s", hello->host);
	if (strcmp(hello->program, c->rules.program) != 0)
		controller_say(c, LOG_WARN, "agent '%s' is strest %s, the controller is %s; results may differ", hello->id, hello->program,
			c->rules.program);
	struct message welcome = {LINK_WELCOME, .welcome = {.protocol = MESSAGE_PROTOCOL, .program = c->rules.program, .clock_ns = c->now}};
	welcome.welcome.heartbeat_timeout_ms = (c->rules.heartbeat_timeout + MSEC - 1) / MSEC;
	welcome.welcome.busy = c->active && strcmp(hello->run_id, c->run_id) != 0;
	controller_send(c, member->peer, &welcome);
	controller_say(c, LOG_INFO, "agent '%s' joined from %s (host %s, weight %u, CPUs %u)%s; %zu there", member->id, member->address, member->host,
		member->weight, member->cpus, welcome.welcome.busy ? "; a run is in progress" : "", c->registered);
	seat_again(c, member, hello->run_id);
}

static void check_silence(struct controller *c, struct member *member) {
	char why[64];
	nsec silence = c->now - member->last_seen;
	if (silence <= c->rules.heartbeat_timeout) return;
	bool seated = c->active && member->seat;
	if (member->silent) {
		if (!seated && silence > FORGET_TIMEOUTS * c->rules.heartbeat_timeout)
			controller_pool_drop(c, member, "nothing was heard for too long");
		return;
	}
	member->silent = true;
	snprintf(why, sizeof(why), "nothing was heard for %lld ms", (long long)(silence / MSEC));
	if (seated)
		controller_run_lose(c, member->seat, why, false);
	else
		controller_say(c, LOG_WARN, "agent '%s': %s", member->id, why);
}

void controller_pool_check(struct controller *c) {
	nsec period = c->rules.heartbeat_timeout / 2;
	bool due = c->now >= c->next_check;
	if (period < SHORT_TIMEOUT) period = c->rules.heartbeat_timeout;
	if (due) c->next_check = c->now + period;
	for (size_t i = c->count; i-- > 0;) {
		struct member *member = c->members[i];
		if (!member->registered && c->now - member->since > CONTROLLER_HELLO_TIME)
			controller_pool_drop(c, member, "no HELLO came within 10 s");
		else if (member->registered && due)
			check_silence(c, member);
	}
}

bool controller_pool_usable(const struct member *member) {
	return member->registered && !member->silent && !member->busy[0];
}

size_t controller_pool_count(const struct controller *c) {
	size_t count = 0;
	for (size_t i = 0; i < c->count; i++) count += controller_pool_usable(c->members[i]);
	return count;
}

static int compare_orders(const void *a, const void *b) {
	uint64_t one = (*(struct member *const *)a)->order, two = (*(struct member *const *)b)->order;
	return (one > two) - (one < two);
}

void controller_pool_sort(const struct controller *c, struct member **ret) {
	size_t count = 0;
	for (size_t i = 0; i < c->count; i++)
		if (c->members[i]->registered) ret[count++] = c->members[i];
	qsort(ret, count, sizeof(struct member *), compare_orders);
}
