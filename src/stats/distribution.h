/* What is shown of many times: count, bounds, mean, quantiles.
 * In: histograms. Out: plain values. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/hist.h"

/* The quantiles of every distribution, in this order: 0.5 0.75 0.9 0.95 0.99 0.999 0.9999. */
#define REPORT_QUANTILES 7
extern const double report_quantiles[REPORT_QUANTILES];
extern const char *const report_quantile_keys[REPORT_QUANTILES]; /* "p50" ... "p99_9" "p99_99" */

/* A quantile says something when at least so many samples lie beyond it. */
#define FEW_BEYOND 10

struct quantile {
	nsec value; /* nearest rank, clamped to max; NSEC_NEVER (slo only): the rank falls on a request that never was ok */
	nsec rank;  /* nearest rank as the histogram gives it, not clamped: for the 16 compatible lines */
	bool few;   /* fewer than FEW_BEYOND samples lie beyond it: JSON prints null, the block "needs more requests" */
};

struct distribution {
	uint64_t count;
	nsec min, max; /* exact; 0 when count is 0 */
	double mean;   /* ns */
	struct quantile at[REPORT_QUANTILES];
};

/* Fill a distribution from a histogram; with `never` > 0 the ranks count that many requests beyond every time. */
void distribution_from_hist(const struct hist *hist, uint64_t never, struct distribution *ret);
void distribution_from_histlet(const struct histlet *histlet, uint64_t never, struct distribution *ret);
