/* A run being watched from its start line to its end: signals, ticks, progress, early ends.
 * In: a run that was started. Out: why it ended. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cmd/run_id.h"
#include "cmd/run_log.h"
#include "cmd/show.h"
#include "cmd/sinks.h"
#include "engine/run.h"
#include "plan/machine.h"
#include "stats/report.h"
#include "stats/series.h"
#include "tui/progress.h"

/* Somebody else on the main thread while a run is watched. */
struct watch_guest {
	void *user;
	int (*descriptor)(void *user);                                      /* what it waits for besides; -1: nothing */
	void (*turn)(void *user);                                           /* every RUN_TICK_MS, and when the descriptor is readable */
	void (*tick)(void *user, nsec elapsed, const struct tally *so_far); /* after each tick: all that was counted so far */
};

struct watch {
	/* Filled by the caller. */
	char run_id[RUN_ID_SIZE];
	const struct plan *plan;
	struct run *run;
	struct series *series;
	struct progress *progress;       /* NULL: none */
	struct show *show;               /* NULL: no live view */
	struct sinks *sinks;             /* NULL: none */
	const struct watch_guest *guest; /* NULL: none */
	size_t threshold_count;          /* those that may end the run early (--threshold-abort) */
	const struct threshold *thresholds;
	struct run_log *log;
	/* What came of it. */
	enum stop_cause cause;            /* STOP_DURATION also when --requests ended it */
	const struct threshold *missed;   /* STOP_THRESHOLD */
	nsec start;                       /* the start line, by clock_now(); 0: it was not reached */
	bool ordered;                     /* watch_order_stop has ended it; a signal is the first one then */
	int64_t start_unix_ns;            /* CLOCK_REALTIME at the start line; 0: it was not reached */
	bool forced;                      /* a second signal came: leave at once */
	struct run_totals totals;         /* unless forced; belongs to the run */
	struct machine_strain machine[2]; /* at the beginning and the end of the window */
	/* Its own. */
	unsigned marks; /* of `machine` taken so far */
	nsec stopped;   /* elapsed at which a signal or a threshold stopped it; 0: nothing did */
	struct tally *so_far;
};

/* Blocks SIGINT and SIGTERM, and for a view SIGTSTP and SIGCONT, so that only the descriptor that is returned sees them; SIGTTIN and SIGTTOU stop nobody
 * then; SIGPIPE is ignored. Before the threads start. */
int watch_catch_signals(void);

/* There is no view: from now on Ctrl-Z stops the program without our help. */
void watch_release_stops(int signals);

/* Returns the next signal that came, without waiting; 0: none. */
int watch_next_signal(int signals);

/* Watches until the workers are done or a second signal comes; ends the progress line and leaves the live view. */
void watch_run(struct watch *watch, int signals);

/* Ends the run before its time, because somebody else says so; also before watch_run, once run_start was called. */
void watch_order_stop(struct watch *watch);

/* Says how the run stands at a moment, in the words of the progress line; reads plan and stopped. */
void watch_describe(const struct watch *watch, nsec elapsed, struct progress_moment *ret);

/* From now on a signal ends or stops the program at once, while files are still being written. */
void watch_release_signals(int signals);
