/* strest --replay: the results of a run again, from the files that it left of its requests.
 * In: settings. Out: the summary on stdout, snapshots, charts. Main thread. */
#pragma once

#include "config/cli.h"

/* Does it all; returns the exit status. */
int replay_main(const struct cli *cli, struct arena *arena);
