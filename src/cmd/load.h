/* The main command: a load test from settings to printed results.
 * In: the command line as read. Out: results on stdout, progress and warnings on stderr, an exit status. Main thread. */
#pragma once

#include "base/arena.h"
#include "config/cli.h"

struct try; /* cmd/try.h */

/* Runs the load test and returns the exit status (architecture, "Errors, exits, streams"). Prints its own errors. */
int load_run(const struct cli *cli, struct arena *arena);

/* The same with scenarios that are tried: shows the exchanges instead of results. */
int load_try(const struct cli *cli, struct try *try, struct arena *arena);
