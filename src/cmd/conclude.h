/* From a run's totals to everything that is left of it: results on stdout, files, an exit status.
 * In: a run that was watched to its end. Out: outputs; a failing one never takes the others with it. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "cmd/watch.h"
#include "net/address.h"

struct conclusion {
	const struct out_settings *out;
	const struct plan *plan;
	const struct address_list *addresses;
	const struct watch *watch;
	const struct strain *strain; /* complete */
	bool insecure;
	size_t threshold_count;
	const struct threshold *thresholds;
};

/* Prints and writes everything; returns the exit status (docs/architecture.md, "Errors, exits, streams"). */
int conclude(const struct conclusion *conclusion, struct arena *arena);
