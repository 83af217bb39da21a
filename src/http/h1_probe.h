/* For tests only: sends one request through h1_ops and writes down what the owner is told.
 * In: the bytes of a response and how they are cut. Out: the events as plain values. No memory of its own; one thread. */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

#define PROBE_BODY_MAX 65536
#define PROBE_STATE_MAX 1024

/* What follows the bytes. */
enum probe_then {
	PROBE_NOTHING,
	PROBE_EOF,
	PROBE_RESET,
};

struct probe {
	unsigned heads; /* head events */
	unsigned ends;  /* end events */
	unsigned sents; /* sent events ... */
	bool sent_all;  /* ... and what the last one said */
	nsec sent_at;
	unsigned head_status;
	bool alive; /* what the last feed() said */
	bool order; /* head before body before end, ids as submitted */
	struct http_end end;
	size_t head_size;
	size_t body_size;
	uint64_t body_sum; /* a checksum of the body's bytes, over its full length */
	char body[PROBE_BODY_MAX];
	char head[HTTP_HEAD_MAX];
};

static inline void probe_head(void *owner, uint32_t id, unsigned status, struct slice head) {
	struct probe *probe = owner;
	if (id != 7 || probe->ends || probe->heads || probe->body_size) probe->order = false;
	probe->heads++;
	probe->head_status = status;
	probe->head_size = head.size;
	if (head.size > HTTP_HEAD_MAX)
		probe->order = false;
	else
		memcpy(probe->head, head.at, head.size);
}

static inline void probe_body(void *owner, uint32_t id, struct slice bytes) {
	struct probe *probe = owner;
	if (id != 7 || probe->ends || !probe->heads || !bytes.size) probe->order = false;
	for (size_t i = 0; i < bytes.size; i++) probe->body_sum = probe->body_sum * 31 + (unsigned char)bytes.at[i];
	size_t room = PROBE_BODY_MAX - probe->body_size;
	size_t size = bytes.size < room ? bytes.size : room;
	if (size) memcpy(probe->body + probe->body_size, bytes.at, size);
	probe->body_size += size;
}

static inline void probe_end(void *owner, uint32_t id, const struct http_end *end) {
	struct probe *probe = owner;
	if (id != 7 || probe->ends) probe->order = false;
	probe->ends++;
	probe->end = *end;
}

static inline void probe_sent(void *owner, uint32_t id, bool all, nsec now) {
	struct probe *probe = owner;
	if (id != 7) probe->order = false;
	probe->sents++;
	probe->sent_all = all;
	probe->sent_at = now;
}

static const struct http_events probe_events = {.sent = probe_sent, .head = probe_head, .body = probe_body, .end = probe_end};

static const struct http_request probe_get = {.head = {"GET / HTTP/1.1\r\n\r\n", 18}, .is_idempotent = true};
static const struct http_request probe_head_request = {.head = {"HEAD / HTTP/1.1\r\n\r\n", 19}, .is_head = true, .is_idempotent = true};

/* Begins a connection in `state` (PROBE_STATE_MAX bytes, aligned) with one request outstanding and completely sent. */
static inline void probe_begin(struct probe *probe, void *state, struct http_shared *shared, bool is_head) {
	assert(h1_ops.state_bytes <= PROBE_STATE_MAX);
	memset(probe, 0, offsetof(struct probe, body));
	probe->order = true;
	probe->alive = true;
	const struct http_request *request = is_head ? &probe_head_request : &probe_get;
	memset(state, 0xa5, h1_ops.state_bytes);
	h1_ops.start(state, shared, probe);
	h1_ops.submit(state, 7, request);
	h1_ops.drained(state, request->head.size, 0);
}

/* Feeds [from, to) of `bytes` at the time `arrived`, from memory of exactly this size so that a sanitizer sees a read beyond it. */
static inline void probe_feed(struct probe *probe, void *state, struct slice bytes, nsec arrived) {
	char *copy = malloc(bytes.size ? bytes.size : 1);
	assert(copy);
	if (bytes.size) memcpy(copy, bytes.at, bytes.size);
	probe->alive = h1_ops.feed(state, (struct slice){copy, bytes.size}, arrived);
	free(copy);
}

/* A response: what comes, in answer to what, and what happens to the connection then. */
struct probe_input {
	struct slice bytes;
	bool is_head;
	enum probe_then then;
};

/* Everything at once: piece k of the bytes, cut at the `cuts` (ascending offsets, then 0; NULL: whole), arrives at time k + 1.
 * Stops feeding when refused. */
static inline void probe_run(struct probe *probe, struct http_shared *shared, const struct probe_input *input, const size_t *cuts) {
	_Alignas(max_align_t) char state[PROBE_STATE_MAX];
	probe_begin(probe, state, shared, input->is_head);
	size_t from = 0;
	for (nsec k = 1; from < input->bytes.size && probe->alive; k++) {
		size_t to = cuts && *cuts ? *cuts++ : input->bytes.size;
		probe_feed(probe, state, (struct slice){input->bytes.at + from, to - from}, k);
		from = to;
	}
	if (input->then != PROBE_NOTHING)
		h1_ops.finish(state, input->then == PROBE_RESET, 99);
	else if (!probe->ends)
		h1_ops.cancel(state, 7);
}

/* Returns whether both saw the same, apart from times. */
static inline bool probe_equal(const struct probe *a, const struct probe *b) {
	return a->heads == b->heads && a->ends == b->ends && a->head_status == b->head_status && a->alive == b->alive && a->order == b->order &&
	       a->head_size == b->head_size && memcmp(a->head, b->head, a->head_size) == 0 && a->body_size == b->body_size &&
	       a->body_sum == b->body_sum && memcmp(a->body, b->body, a->body_size) == 0 && a->end.reason == b->end.reason &&
	       a->end.status == b->end.status && a->end.any_byte == b->end.any_byte && a->end.reusable == b->end.reusable &&
	       a->end.body_bytes == b->end.body_bytes;
}
