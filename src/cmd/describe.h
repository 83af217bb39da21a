/* What a run is, as far as it is known before its start.
 * In: plan, settings. Out: struct run_info for outputs. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "cmd/reach.h"
#include "plan/plan.h"
#include "stats/report.h"

struct description {
	const struct plan *plan;
	const struct reach *reach;
	const struct settings *settings;
	size_t threshold_count;
	const struct threshold *thresholds;
};

/* Fills everything but id, start, charts, what TLS has agreed on, and what an export leaves out. The rate that is asked for is that of the whole run. */
void describe_run(const struct description *description, struct arena *arena, struct run_info *ret);
