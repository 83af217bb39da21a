/* What is shown of the URLs of a list.
 * In: by stats/report. Out: plain values. Any thread. */
#pragma once

#include "stats/distribution.h"

/* The URLs of a list, the worst first: by requests that were not ok, then by p99. */
#define REPORT_URLS 100      /* so many by themselves; all others are one more row, "others" */
#define REPORT_URLS_WORST 10 /* so many for people, and `url_rest` */
struct url_report {
	const char *name; /* "others" in the last row, if there are more, and in url_rest */
	uint64_t urls;    /* rows that this one stands for: 1, or those of "others" */
	uint64_t ok, failed, open, bytes;
	double mean; /* response times of all of them, ns; the quantiles are known to 6 % */
	struct quantile p50, p99;
	nsec max; /* 0: no request */
};
