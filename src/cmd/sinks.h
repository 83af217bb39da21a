/* Where the figures of a run go while it lasts, and at its end: files, and an endpoint for Prometheus.
 * In: what was counted so far, from the main thread; it writes no file and waits for none while the run lasts. Out: files, written by a thread of its
 * own; pages, served by another (net/http_server.h). All functions: main thread. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/settings.h"
#include "record/tally.h"
#include "stats/report.h"

struct sinks;

/* What is to be told of a run. Texts are copied. */
struct sinks_setup {
	const struct out_settings *out;
	const char *run_id, *target;
	bool open_loop;
	const struct group_table *groups;
	size_t agents; /* of a fleet, on its controller; 0: one machine */
};

/* How the run stands. */
struct sinks_moment {
	nsec elapsed, window;      /* since the start line; length of the measured window so far */
	double asked_per_s;        /* open loop: what the schedule asks for now */
	const struct tally *tally; /* everything that was counted so far */
	size_t agents;             /* of a fleet: that are not lost */
};

/* Looks at the paths, listens, starts the thread and has a first round written, all zeros. *ret is NULL if no sink is asked for. Signals are blocked
 * before. ERR_FAILED, with the key in the sentence: a path that is no file, an address that is in use. A file that cannot be written is a warning. */
bool sinks_open(const struct sinks_setup *setup, struct sinks **ret, struct err *err);

/* To be called with every tick: hands the figures over when their time has come, and logs what went wrong, each sentence once. Never blocks. */
void sinks_tick(struct sinks *sinks, const struct sinks_moment *moment);

/* Has the figures of the end written and waits for that, 2 s at most. Logs what went wrong as errors; false: something did. Once, after the ticks. */
bool sinks_finish(struct sinks *sinks, const struct report *report);

/* Ends both threads and frees everything; a writer that hangs is left to the end of the process. NULL is fine. */
void sinks_close(struct sinks *sinks);
