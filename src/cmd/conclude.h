/* From a run's totals to everything that is left of it: results on stdout, files, an exit status.
 * In: a run that was watched to its end. Out: outputs; a failing one never takes the others with it. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "cmd/debug.h"
#include "cmd/reach.h"
#include "cmd/watch.h"

struct conclusion {
	const struct out_settings *out;
	const struct settings *settings;
	const struct plan *plan;
	const struct reach *reach;
	struct debug *debug; /* --debug: its text is printed instead of the summary; else NULL */
	const struct watch *watch;
	int signals; /* of watch_catch_signals; -1: they go on being caught */
	struct run_log *log;
	const struct strain *strain; /* complete */
	size_t threshold_count;
	const struct threshold *thresholds;
	/* Of a run on several machines, else NULL: */
	const struct run_info *info; /* instead of describe_run's */
	const struct fleet_report *fleet;
	char **ret_result; /* gets the result as JSON; the caller frees it */
};

/* Prints and writes everything; returns the exit status (docs/architecture.md, "Errors, exits, streams"). */
int conclude(const struct conclusion *conclusion, struct arena *arena);
