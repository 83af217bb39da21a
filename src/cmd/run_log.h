/* The run log of one run and what is made of it at the end: exports, the database, the histogram log.
 * In: settings, a run, its report. Out: files. A failing output never takes the others with it. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "engine/run.h"
#include "out/logbook.h"
#include "out/records.h"

#define RUN_LOG_OUTPUTS 6

struct run_log {
	const struct out_settings *out;
	const struct plan *plan;
	const struct run_info *info; /* what describe_run says; set by the caller before run_log_begin */
	struct logbook *book;        /* NULL: nothing needs a log */
	const char *folder;
	unsigned count;
	struct record_output outputs[RUN_LOG_OUTPUTS];
	const char *text_path; /* --output with a summary in it; NULL: none */
	bool quiet;            /* the summary is not printed */
	bool without;          /* there are no requests to be written */
	nsec range_from, range_to;
	struct logbook_totals totals;
};

/* Works out what is to be written, and opens the log if that needs one. ERR_FAILED. */
bool run_log_open(const struct settings *settings, const struct plan *plan, struct arena *arena, struct run_log *ret, struct err *err);

/* Works out what is to be written of a run whose requests are on other machines: there is no log, and exports have only what a report has. */
bool run_log_open_without(const struct settings *settings, struct arena *arena, struct run_log *ret);

/* Makes it part of a run that is to start. */
void run_log_join(const struct run_log *log, struct run_inputs *inputs);

/* The run has started: what the log's first line says is known. */
void run_log_begin(struct run_log *log, const char *run_id, int64_t start_unix_ns);

/* Says once on stderr that the log cannot be written any more. To be called now and then during the run. */
void run_log_watch(struct run_log *log);

/* The workers have ended: everything goes to the files. Returns how many records a writer was too slow for. */
uint64_t run_log_drain(struct run_log *log);

/* Returns whether --metrics-max leaves something out of an export. */
bool run_log_truncates(const struct run_log *log);

/* Ends the log with the books (NULL: there was no run), writes all outputs and deletes the log unless it is to be kept. Each fault is a line on stderr; returns whether there was none. */
bool run_log_end(struct run_log *log, const struct report *report);

/* Frees everything, also after a run_log_open that failed. */
void run_log_close(struct run_log *log);
