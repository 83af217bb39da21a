/* Runs made up by hand, for the tests of this room.
 * In: samples. Out: a report. The caller owns the struct; one thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "stats/report.h"

#define REPORT_SAMPLE_RULES 8

struct report_sample {
	struct arena arena;
	struct tally *tally;
	struct totals *totals;
	struct run_info run;
	struct series *series; /* one slot of 10 s with everything */
	struct run_result result;
	struct report report;
	struct threshold thresholds[REPORT_SAMPLE_RULES];
	struct buf text;
};

/* A run of 2 addresses and 2 stages without requests, measured for 10 s: open loop at 100/s, or closed. */
void report_sample_init(struct report_sample *sample, bool open_loop);
void report_sample_fini(struct report_sample *sample);

/* Adds `count` planned requests that took `wait` from due to done and ended by `reason` with `status`. */
void report_sample_add(struct report_sample *sample, unsigned count, nsec wait, enum reason reason, uint16_t status);

/* 2,000 requests in both stages and at both addresses: ok, errors of several kinds, open, unsent; every counter is set, thresholds are kept and
 * missed, and a cause and a note stand in the verdict. */
void report_sample_fill(struct report_sample *sample);

/* Builds the report. */
const struct report *report_sample_build(struct report_sample *sample);
