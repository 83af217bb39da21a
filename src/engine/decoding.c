#include "engine/decoding.h"

#include <stdlib.h>

#include "engine/users.h"
#include "engine/worker.h"
#include "http/body.h"
#include "http/field.h"

static void decoding_show(void *user, struct slice bytes) {
	user_see_body(user, bytes);
}

void decoding_begin(struct worker *worker, struct task *task, struct slice head) {
	struct slice encoding = {0};
	if (task->body || task->flight.request->is_head) return;
	field_find(head, SLICE("content-encoding"), &encoding);
	task->body = worker->decoder_count > 0 ? worker->decoders[--worker->decoder_count] : body_new();
	body_begin(task->body, encoding);
	if (task->user) body_tell(task->body, decoding_show, task->user);
}

void decoding_feed(struct task *task, struct slice bytes) {
	if (task->body) body_feed(task->body, bytes); /* what is wrong is told at its end */
}

void decoding_drop(struct worker *worker, struct task *task) {
	if (worker->decoder_count == worker->decoder_room) {
		worker->decoder_room = worker->decoder_room ? worker->decoder_room * 2 : 16;
		worker->decoders = mem_resize(worker->decoders, worker->decoder_room * sizeof(struct body *));
	}
	worker->decoders[worker->decoder_count++] = task->body;
	task->body = NULL;
}

void decoding_end(struct worker *worker, struct task *task, struct http_end *end) {
	enum reason reason = body_end(task->body);
	if (end->reason == REASON_NONE) end->reason = reason;
	if (task->flight.counted) {
		worker->tally->encoded += end->body_bytes;
		worker->tally->decoded += body_decoded(task->body);
	}
	decoding_drop(worker, task);
}

void decoding_close(struct worker *worker) {
	for (size_t i = 0; i < worker->tasks_used; i++) body_free(worker->tasks[i].body);
	while (worker->decoder_count > 0) body_free(worker->decoders[--worker->decoder_count]);
	free(worker->decoders);
}
