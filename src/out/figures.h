/* The figures of the compatible lines and of the sinks, of a run that lasts or has ended.
 * In: a tally so far, or a report. Out: plain values, times in ns: whoever prints them cuts. The caller owns the struct; any thread. */
#pragma once

#include "stats/report.h"

#define FIGURES_BUCKETS 16

/* Upper bounds of the buckets, ns. */
extern const nsec figures_bounds[FIGURES_BUCKETS];

/* Requests by the first digit of their status. */
enum status_class { STATUS_2XX, STATUS_3XX, STATUS_4XX, STATUS_5XX, STATUS_OTHER, STATUS_NONE, STATUS_CLASSES };

/* Response times. */
struct figures_times {
	uint64_t count;
	nsec min, max, p50, p90, p99; /* nearest ranks as the histogram gives them; all 0 when count is 0 */
	double mean;
	nsec sum;
};

struct figures {
	nsec window;                              /* length of the measured window so far, warm-up left out, >= 0 */
	uint64_t total, ok, errors;               /* total = ok + errors */
	uint64_t timeouts, transport, unexpected; /* of the errors; they are their sum */
	uint64_t success_x100;                    /* hundredths of a percent, 0..10000, cut */
	uint64_t rps_x100, rpm_x100;              /* total by the window, hundredths, cut */
	struct figures_times all, good;           /* every request; the ok ones */
	uint64_t classes[STATUS_CLASSES];
	uint64_t buckets[FIGURES_BUCKETS]; /* of all response times: those up to the bound, known to 1 % as the tally's times are */
};

#define FIGURES_STEPS_MAX 256 /* more are left out */
#define FIGURES_SCENARIOS_MAX 64

/* Requests of a step, or iterations of a scenario. */
struct figures_row {
	const char *name; /* the group table's */
	uint64_t ok, errors;
	nsec p50, p95, p99; /* response times, or durations, of both, known to 1 %; 0 without any */
	uint64_t times;     /* how many those are: iterations that the end cut off have none */
	nsec sum;
};

/* What is told of scenarios, in the order of the group table. */
struct figures_script {
	size_t step_count, scenario_count; /* 0: no scenarios */
	struct figures_row steps[FIGURES_STEPS_MAX];
	struct figures_row scenarios[FIGURES_SCENARIOS_MAX]; /* errors: only those that failed */
};

/* Of a run that lasts or has ended: what `tally` has counted so far. Names are those of `groups`. */
void figures_of_script(const struct tally *tally, const struct group_table *groups, struct figures_script *ret);

/* The figures of a run that has ended: those of its report. */
void figures_from_report(const struct report *report, struct figures *ret);

/* The figures of a run that lasts: what `tally` has counted in the first `window` ns of the window; percentiles are known to 1 %. */
void figures_from_tally(const struct tally *tally, nsec window, struct figures *ret);
