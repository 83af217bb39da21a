/* strest --agent-join: does what a controller says, and reports to it.
 * In: settings. Out: an exit status. Main thread. */
#pragma once

#include "config/cli.h"

/* Joins, runs, reports; with --agent-standby again and again. Returns the exit status: 0 after a report that was taken. */
int fleet_agent_main(const struct cli *cli, struct arena *arena);
