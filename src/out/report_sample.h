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
	uint16_t row; /* of the samples that report_sample_add adds */
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

/* Makes it a run over a list: URL i (".../item/007" is the one of i = 7) was asked for 20 times and took i + 1 ms; number 7 failed another 4 times, in
 * 2 ms. */
void report_sample_list(struct report_sample *sample, size_t urls);

/* Sends it by a proxy, from 3 addresses, 5 requests a connection, with --compressed; 3 connections went elsewhere. */
void report_sample_reroute(struct report_sample *sample);

/* Asks for HTTP/2 with 10 streams a connection: 66 of its 70 connections speak it, to a peer that allows 8. */
void report_sample_speak_h2(struct report_sample *sample);

/* Makes it a run of two scenarios, with requests in their three steps, iterations, and a step that is judged; before anything else is added.
 *   buy/login                  96 ok in 20 ms, 3 with status 503 and 1 whose body is wrong in 30 ms, 10 never sent
 *   buy/put something ...      95 ok in 50 ms, 1 without a value to extract in 40 ms, 1 open
 *   look/list                  200 ok in 5 ms
 *   buy   80 ok of 1 s, 14 ok of 2 s, 5 failed of 500 ms, 1 cut off, 10 never begun
 *   look  200 ok of 5 ms */
void report_sample_script(struct report_sample *sample);

/* Builds the report. */
const struct report *report_sample_build(struct report_sample *sample);
