/* The runs whose logs lie in a folder.
 * In: a folder. Out: a list, the newest run first, and one of them by what the user calls it. Texts in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "out/run_lines.h"

#define REPLAY_FILES_MAX 100000 /* logs in a folder */

struct replay_run {
	const char *name; /* "PID-MS", as in the names of its files */
	long pid;
	long long unix_ms;
	unsigned count; /* files, one for each shard */
	const char **paths;
};

struct replay_runs {
	const char *folder;
	size_t count;
	struct replay_run *at;
};

/* Finds all files metrics-PID-MS-SHARD.log. ERR_FAILED if the folder cannot be read, has none, or over REPLAY_FILES_MAX. */
bool replay_runs_find(const char *folder, struct arena *arena, struct replay_runs *ret, struct err *err);

/* Reads the first line of a run's log. False: it has none. */
bool replay_run_head(const struct replay_run *run, struct arena *arena, struct run_head *ret);

/* Returns the run called so: its name, its number in the list (1 is the newest), or the beginning of its id; NULL: the newest. NULL with `err`: none. */
const struct replay_run *replay_runs_choose(const struct replay_runs *runs, const char *word, struct err *err);

/* Returns whether the process that writes the log is alive; one of another user that may not be looked at is not. */
bool replay_run_goes_on(const struct replay_run *run);

/* Prints the list on stdout. */
void replay_runs_print(const struct replay_runs *runs);
