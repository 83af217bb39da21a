/* Scenarios on their way into a run, and `strest scenario check` and `try`.
 * In: settings. Out: a source; for the commands text on stdout and an exit status. Main thread. */
#pragma once

#include "config/cli.h"
#include "plan/script.h"

struct scenario_loaded {
	struct script *script; /* script_free it */
	struct targets targets;
	struct source source; /* points to `targets` */
};

/* Compiles what script_is_wanted says; origins are added to the route. ERR_FAILED: the first fault, with file, line and column if it is the file's. */
bool scenario_load(const struct settings *settings, struct route *route, struct arena *arena, struct scenario_loaded *ret, struct err *err);

/* Says all that is wrong with the scenarios of a file, or what they are. Returns the exit status. */
int scenario_check(const struct cli *cli, struct arena *arena);

/* Lets one user run one iteration of each scenario and shows requests and answers. Returns the exit status: 0, 1 if a step failed. */
int scenario_try(const struct cli *cli, struct arena *arena);
