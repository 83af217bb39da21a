/* A rule that a run must keep, as the user writes it: "p99<250ms", "errors<1%", "rps>900", "stage.2.p95<300ms", "step.login.p95<400ms", "iteration.p95<5s".
 * In: text. Out: plain values. Any thread. What it is compared with: stats/judge.h. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/str.h"

enum threshold_metric {
	THRESHOLD_QUANTILE, /* p50, p99.9 ...: of response times by the slo view. Limit in ns */
	THRESHOLD_MAX,      /* max: the longest response time by the slo view. Limit in ns */
	THRESHOLD_ERRORS,   /* errors: planned requests that were not ok. Limit: a share (1%) or a count (10) */
	THRESHOLD_RPS,      /* rps: complete responses per second of the window. Limit per second */
};

enum threshold_relation { THRESHOLD_LESS, THRESHOLD_LESS_EQUAL, THRESHOLD_MORE, THRESHOLD_MORE_EQUAL };

struct threshold {
	const char *text; /* as written, blanks left out: set by whoever keeps it */
	enum threshold_metric metric;
	enum threshold_relation relation;
	double quantile;   /* THRESHOLD_QUANTILE: 0 < quantile < 1 */
	unsigned stage;    /* from 1; 0: no stage */
	struct slice step; /* name of a step, in the text that was read; `at` NULL: no step. With neither, nor is_iteration: the whole run */
	bool is_iteration; /* about the iterations of all scenarios: their durations, those that failed, how many per second */
	bool is_share;     /* THRESHOLD_ERRORS: the limit is a share, 0..1 */
	double limit;      /* ns, share, count or per second; >= 0 */
};

/* Why a rule is none. */
enum threshold_fault {
	THRESHOLD_GOOD,
	THRESHOLD_NO_RELATION, /* no <, <=, > or >= */
	THRESHOLD_NO_METRIC,   /* an unknown name left of it */
	THRESHOLD_NO_QUANTILE, /* pNN with NN not over 0 and below 100 */
	THRESHOLD_NO_STAGE,    /* stage.N. with N not from 1 to STAGE_MAX */
	THRESHOLD_NO_STEP,     /* step. without a name behind it */
	THRESHOLD_NO_TIME,     /* the metric wants a time on the right */
	THRESHOLD_NO_SHARE,    /* ... a share (1%) or a count */
	THRESHOLD_NO_NUMBER,   /* ... a number */
};

/* Reads a rule; blanks may stand around its parts. A time without a unit is refused (is it ms or s?). *ret is untouched on a fault; its `step` points into
 * `text`. The name of a step ends where the last metric begins: it may hold dots and blanks, but neither < nor >. */
enum threshold_fault threshold_parse(struct slice text, struct threshold *ret);

/* What is wrong and what to write instead, for people: "has no time on the right; write e.g. p99<250ms". Constant. */
const char *threshold_fault_words(enum threshold_fault fault);
