/* The progress line of a run, if there is something to show it on.
 * In: settings, a plan. Out: tui/progress.h, known to base/log.h, whose lines it makes way for. Main thread. */
#pragma once

#include "base/settings.h"
#include "plan/plan.h"
#include "tui/progress.h"

/* `quiet`: nothing is rewritten in place, as beside --debug. */
struct progress *progress_line_start(const struct out_settings *out, const struct plan *plan, bool quiet);

/* Frees it; NULL is fine. */
void progress_line_end(struct progress *progress);
