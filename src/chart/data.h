/* What charts show: the course of a run as points, one for each slot of its series.
 * In: a report. Out: plain values in an arena. Read by any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "stats/report.h"
#include "stats/series.h"

#define DATA_COLUMNS 400 /* of the heat map, at most */
#define DATA_DECADES 10  /* from 1 us on: beyond the longest time of a histogram */
#define DATA_STEPS 16    /* rows in a decade */
#define DATA_ROWS (DATA_DECADES * DATA_STEPS)

enum { DATA_P50, DATA_P90, DATA_P99, DATA_QUANTILES };

/* A slot, as far as it lies between the end of the warm-up (of a part of a run: its begin) and the end of the run. Times in ns, NAN: there is none. */
struct point {
	double from, to;     /* since the end of the warm-up, ns */
	double seconds;      /* to - from */
	double load_seconds; /* of them in the window, in which requests are sent */
	bool is_short;       /* less than half a slot, and not the only one: its rates say little */
	double whole;        /* seconds of a whole slot */
	struct series_counts counts;
	double total, ok; /* requests so far, at `to` */
	double mean;
	double all[DATA_QUANTILES], fine[DATA_QUANTILES]; /* response times of all requests, and of the ok ones */
	double late_p99, late_max;
	double wire_mean, wire_peak;
};

#define DATA_LOSSES 20 /* that are marked, at most */

/* An agent of a fleet that was lost. */
struct loss {
	double at; /* ns after the warm-up, 0..end */
	const char *id;
};

struct chart_data {
	const struct report *report;
	double end;    /* of the run, ns after the warm-up; > 0 */
	double window; /* of the load */
	size_t count;
	struct point *points;
	size_t columns; /* of the heat map: equal parts of the points */
	double (*heat)[DATA_ROWS];
	size_t loss_count;
	struct loss losses[DATA_LOSSES]; /* the first ones, in order of time */
};

/* Reads the series. Returns false if there was no request at all. */
bool data_read(const struct report *report, struct arena *arena, struct chart_data *ret);
