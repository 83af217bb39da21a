/* The charts of a run: whether they are wanted, and where.
 * In: settings, a report. Out: files; a failure is told on stderr. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "stats/report.h"

#define EXIT_INTERRUPTED 130

/* Draws the charts unless --no-charts or --debug was given, and sets run.charts of the report. Returns false, after one line of error, if any could
 * not be written. A second SIGINT or SIGTERM of the run, or of this time, ends the program at once with EXIT_INTERRUPTED. */
bool charts_out(const struct out_settings *out, struct report *report, struct arena *arena);
