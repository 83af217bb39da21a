/* What happened in the last 10 s of a run.
 * In: the tally of each tick. Out: rates and a high quantile of the times. Constant memory (ten slots of a second); one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/tally.h"

struct recent;

/* The figures of the last 10 s, or since the start line when that is less. */
struct recent_figures {
	double sent_per_s;  /* requests put on the wire, second sends of the same one left out; 0 before the first tick */
	double asked_per_s; /* mean of what the schedule asked for */
	uint64_t count;     /* requests that ended */
	unsigned quantile;  /* 99, 90 or 50: the highest that has at least 10 requests beyond it; 100: none has, `time` is the maximum */
	nsec time;          /* at that quantile; 0 when count is 0 */
};

/* `response`: keeps response times, else service times. */
struct recent *recent_new(bool response);
void recent_free(struct recent *recent);

/* Counts what was done since the last call, which ends at `elapsed` (never before the last one); NULL: nothing. `asked_per_s` held since then. */
void recent_add(struct recent *recent, nsec elapsed, double asked_per_s, const struct tally *tick);

/* Counts the times of requests that ended after the last one was due: the rates stay those of the time in which requests were due. */
void recent_add_late(struct recent *recent, const struct tally *tick);

/* Adds up the slots: some ten microseconds. */
void recent_read(const struct recent *recent, struct recent_figures *ret);
