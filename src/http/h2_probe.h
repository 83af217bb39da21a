/* For tests only: sends requests through h2_ops and writes down what the owner is told of each; frames made by hand.
 * In: a server's bytes. Out: the events as plain values. One thread. */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/h2_head.h"
#include "http/http.h"

#define H2_PROBES 8          /* requests, with ids 0 to 7 */
#define H2_PROBE_STATE 1024  /* bytes, at least those of a connection's state */
#define H2_PROBE_OUT 1048576 /* bytes that were drained, at most */

struct h2_probe {
	unsigned heads, ends, sents;
	bool order; /* sent before head before body before end */
	bool sent_all;
	nsec sent_at;
	unsigned status;
	struct http_end end;
	uint64_t body_bytes, body_sum;
	size_t head_size;
	char head[1024]; /* its beginning */
};

struct h2_probes {
	struct http_shared *shared;
	_Alignas(16) char state[H2_PROBE_STATE];
	struct h2_probe at[H2_PROBES];
	size_t out_size;
	char out[H2_PROBE_OUT];
};

static inline void h2_probe_sent(void *owner, uint32_t id, bool all, nsec now) {
	struct h2_probe *probe = &((struct h2_probes *)owner)->at[id];
	if (probe->ends || probe->sent_all || probe->sents > 1) probe->order = false;
	probe->sents++;
	probe->sent_all = all;
	probe->sent_at = now;
}

static inline void h2_probe_head(void *owner, uint32_t id, unsigned status, struct slice head) {
	struct h2_probe *probe = &((struct h2_probes *)owner)->at[id];
	if (probe->ends || probe->heads || probe->body_bytes || head.size > HTTP_HEAD_MAX + 64) probe->order = false;
	probe->heads++;
	probe->status = status;
	probe->head_size = head.size;
	memcpy(probe->head, head.at, head.size < sizeof(probe->head) ? head.size : sizeof(probe->head));
}

static inline void h2_probe_body(void *owner, uint32_t id, struct slice bytes) {
	struct h2_probe *probe = &((struct h2_probes *)owner)->at[id];
	if (probe->ends || !probe->heads || bytes.size == 0) probe->order = false;
	for (size_t i = 0; i < bytes.size; i++) probe->body_sum = probe->body_sum * 31 + (unsigned char)bytes.at[i];
	probe->body_bytes += bytes.size;
}

static inline void h2_probe_end(void *owner, uint32_t id, const struct http_end *end) {
	struct h2_probe *probe = &((struct h2_probes *)owner)->at[id];
	if (probe->ends) probe->order = false;
	probe->ends++;
	probe->end = *end;
}

static const struct http_events h2_probe_events = {.sent = h2_probe_sent, .head = h2_probe_head, .body = h2_probe_body, .end = h2_probe_end};

/* Begins a connection. */
static inline void h2_probes_start(struct h2_probes *probes) {
	assert(h2_ops.state_bytes <= sizeof(probes->state));
	memset(probes->at, 0, sizeof(probes->at));
	for (size_t i = 0; i < H2_PROBES; i++) probes->at[i].order = true;
	probes->out_size = 0;
	probes->shared = h2_ops.new_shared(&h2_probe_events);
	h2_ops.start(probes->state, probes->shared, probes);
}

static inline void h2_probes_stop(struct h2_probes *probes) {
	h2_ops.stop(probes->state);
	h2_ops.free_shared(probes->shared);
}

/* Takes all that is to be sent into probes->out, `most` bytes at once, at `now`. */
static inline void h2_probes_drain(struct h2_probes *probes, size_t most, nsec now) {
	struct iovec iov;
	for (unsigned rounds = 0; rounds < 100000 && h2_ops.drain(probes->state, &iov, 1) > 0; rounds++) {
		size_t size = iov.iov_len < most ? iov.iov_len : most;
		if (probes->out_size + size > sizeof(probes->out)) return;
		memcpy(probes->out + probes->out_size, iov.iov_base, size);
		probes->out_size += size;
		h2_ops.drained(probes->state, size, now);
	}
}

/* Puts a frame at `at` and returns its bytes (RFC 9113 section 4.1). */
static inline size_t h2_probe_frame(char *at, unsigned type, unsigned flags, uint32_t stream, struct slice payload) {
	const unsigned char head[9] = {(unsigned char)(payload.size >> 16), (unsigned char)(payload.size >> 8), (unsigned char)payload.size,
		(unsigned char)type, (unsigned char)flags, (unsigned char)(stream >> 24), (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
		(unsigned char)stream};
	memcpy(at, head, sizeof(head));
	if (payload.size > 0) memcpy(at + sizeof(head), payload.at, payload.size);
	return sizeof(head) + payload.size;
}

/* Feeds one frame; returns what feed() says. */
static inline bool h2_probes_feed(struct h2_probes *probes, unsigned type, unsigned flags, uint32_t stream, struct slice payload) {
	char bytes[20000];
	assert(payload.size < sizeof(bytes) - 9);
	size_t size = h2_probe_frame(bytes, type, flags, stream, payload);
	return h2_ops.feed(probes->state, (struct slice){bytes, size}, 1000);
}
