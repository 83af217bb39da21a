/* strest cleanup: deletes logs that runs left behind, and charts.
 * In: settings. Out: folders with less in them, a line for each entry on stdout. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"

/* The command. Looks only at what lies directly in the folder and follows no link; never deletes the log of a process that is alive. Returns the exit status. */
int cleanup_run(const struct settings *settings, struct arena *arena);
