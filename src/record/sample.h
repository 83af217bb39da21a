/* One finished request: plain values, written by a worker, read by whoever counts.
 * In: the stamps of the engine. Out: the parts of its time. Plain value of 96 bytes; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/outcome.h"

#define SAMPLE_ROWS_MAX 16384 /* URLs that are told apart; all from the last one on share its row */

enum sample_flag {
	SAMPLE_REUSED = 1, /* the last attempt went out on a connection that had carried a request before */
	SAMPLE_OPEN = 2,   /* not finished when the run ended: its times are lower bounds */
};

/* Stamps are CLOCK_MONOTONIC and never decrease from due to done; one that was not reached equals `done`. */
struct sample {
	nsec due;     /* when it should be sent: from the schedule, or when the task was free */
	nsec ready;   /* when a connection slot was free for its first attempt, >= due */
	nsec sent;    /* directly before the send of the last attempt */
	nsec written; /* its last byte was accepted; = sent where one send took everything */
	nsec first;   /* first byte of the final response */
	nsec done;    /* last byte of the body, or the end by failure */
	nsec dns;     /* durations between ready and sent, set-up for this request only */
	nsec connect;
	nsec tls;
	nsec retry;       /* from the first attempt's sent to the last attempt's ready; 0: one attempt */
	uint64_t bytes;   /* of the body */
	uint16_t status;  /* 0: none */
	uint8_t reason;   /* enum reason */
	uint8_t flags;    /* enum sample_flag */
	uint16_t address; /* index into the plan's addresses */
	uint16_t row; /* with a list of URLs: index of its row, below SAMPLE_ROWS_MAX; with scenarios: of its step among the steps of all; else 0 */
};
_Static_assert(sizeof(struct sample) <= 96, "a sample is at most 96 bytes");

/* The parts of a response time; what each one is stands in docs/architecture.md. */
enum part { PART_BLOCKED, PART_LATE, PART_DNS, PART_CONNECT, PART_TLS, PART_WRITE, PART_WAIT, PART_TRANSFER, PART_RETRY, PART_COUNT };

/* Returns a part's name as it stands in JSON. */
const char *part_name(enum part part);

/* Splits done - due. The parts add up to it exactly; none is negative if the stamps are in order. */
static inline void sample_parts(const struct sample *sample, nsec parts[PART_COUNT]) {
	parts[PART_BLOCKED] = sample->ready - sample->due;
	parts[PART_LATE] = sample->sent - sample->ready - sample->dns - sample->connect - sample->tls - sample->retry;
	parts[PART_DNS] = sample->dns;
	parts[PART_CONNECT] = sample->connect;
	parts[PART_TLS] = sample->tls;
	parts[PART_WRITE] = sample->written - sample->sent;
	parts[PART_WAIT] = sample->first - sample->written;
	parts[PART_TRANSFER] = sample->done - sample->first;
	parts[PART_RETRY] = sample->retry;
}

/* Response time: from due. Service time: from the send of the last attempt, plus the set-up it needed. Both >= 0. */
static inline nsec sample_response(const struct sample *sample) {
	return sample->done - sample->due;
}
static inline nsec sample_service(const struct sample *sample) {
	return sample->done - sample->sent + sample->dns + sample->connect + sample->tls;
}
