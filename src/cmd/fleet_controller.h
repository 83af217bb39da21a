/* strest --controller-listen: lets agents join, tells them what to run, shows what they measure together.
 * In: settings. Out: results, an exit status. Main thread. */
#pragma once

#include "config/cli.h"

/* auto: one run, its exit status as of any run, 1 if there was a run-time error. manual: until a signal. */
int fleet_controller_main(const struct cli *cli, struct arena *arena);
