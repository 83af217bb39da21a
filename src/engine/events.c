/* What the protocol tells of a response, on its way to whoever wants to know: the end always, heads and bodies only if the run needs them. */
#include <assert.h>
#include <string.h>

#include "engine/decoding.h"
#include "engine/recording.h"
#include "engine/redirect.h"
#include "engine/users.h"
#include "engine/worker.h"

static void events_on_sent(void *owner, uint32_t id, bool all, nsec now) {
	struct worker *worker = owner;
	struct flight *flight = &worker->tasks[id].flight;
	if (!flight->on_wire) {
		flight->sent = now;
		recording_attempt(worker, flight);
	}
	if (all) flight->written = now;
}

static void events_on_end(void *owner, uint32_t id, const struct http_end *end) {
	struct worker *worker = owner;
	worker->ended = *end;
	worker->ended_task = &worker->tasks[id];
}

static void events_on_one_of_many(void *owner, uint32_t id, const struct http_end *end) {
	struct worker *worker = owner;
	assert(worker->end_count < worker->end_room);
	if (end->any_byte) worker_note_answer(worker);
	worker->ends[worker->end_count++] = (struct worker_end){*end, id};
}

/* Reads 16 hexadecimal digits; false on anything else. */
static bool events_read_hex(const char *at, nsec *ret) {
	uint64_t value = 0;
	for (int i = 0; i < 16; i++) {
		char c = at[i];
		bool digit = c >= '0' && c <= '9';
		if (!digit && !(c >= 'a' && c <= 'f')) return false;
		value = value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
	}
	*ret = (nsec)value;
	return true;
}

/* The built-in target says when it read and when it answered a request, and marks those that a stall touched. */
static void events_read_truth(struct flight *flight, struct slice head) {
	static const char name[] = "\r\nX-Strest: ", lower[] = "\r\nx-strest: ";
	nsec read, answered;
	const char *found = memmem(head.at, head.size, name, sizeof(name) - 1);
	if (!found) found = memmem(head.at, head.size, lower, sizeof(lower) - 1);
	if (!found) return;
	const char *value = found + sizeof(name) - 1;
	if (head.at + head.size - value < 35 || value[34] != '-') return;
	if (!events_read_hex(value, &read) || !events_read_hex(value + 17, &answered)) return;
	flight->truth = answered - read;
	flight->has_truth = true;
}

static void events_on_head(void *owner, uint32_t id, unsigned status, struct slice head) {
	struct worker *worker = owner;
	struct task *task = &worker->tasks[id];
	if (status >= 300 && status < 400) redirect_note(worker, task, status, head);
	if (task->user) users_see_head(task, head);
	if (worker->plan->truth) events_read_truth(&task->flight, head);
	if (worker->plan->compressed) decoding_begin(worker, task, head);
}

static void events_on_body(void *owner, uint32_t id, struct slice bytes) {
	struct worker *worker = owner;
	struct task *task = &worker->tasks[id];
	if (task->body)
		decoding_feed(task, bytes);
	else if (task->user)
		user_see_body(task->user, bytes);
}

static void events_on_frame(void *owner, bool sent, struct slice text) {
	worker_trace_bytes(owner, sent ? TRACE_FRAME_SENT : TRACE_FRAME_RECEIVED, text, clock_now());
}

void worker_set_events(struct worker *worker) {
	const struct plan *plan = worker->plan;
	struct http_events *events = &worker->events;
	*events = (struct http_events){.sent = events_on_sent, .end = events_on_end};
	bool sees_heads = plan->compressed || plan->truth || (plan->source.script && plan->source.script->wants_head);
	if (sees_heads || plan->redirects > 0) events->head = events_on_head;
	if (!sees_heads) events->head_from = 300;
	if (plan->compressed || (plan->source.script && plan->source.script->wants_body)) events->body = events_on_body;
	worker->batch_events = *events;
	worker->batch_events.end = events_on_one_of_many;
	if (worker->trace) worker->batch_events.frame = events_on_frame;
}
