/* The rules across options, after all of them are read.
 * In: settings and where each comes from. Out: yes, or the rule that is broken. Texts live in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "config/origin.h"

/* What the rules look at. */
struct check {
	const struct settings *settings;
	const struct origins *origins;
	enum option_command command;
	struct arena *arena;
};

/* What a broken rule says. */
struct check_fault {
	struct tree_place at; /* in the file; {0, 0}: the command line broke it */
	struct err err;       /* "--warmup: ...", or without the place: "warmup: ..." */
};

/* Checks the rows' `conflicts` among what the command line gave. ERR_USAGE. */
bool check_conflicts(const struct check *check, struct err *err);

/* The rows' `requires` and the rules of a run: numbered from 0. */
unsigned check_count(void);

/* Checks one of them; true as well if a value that it looks at is broken. ERR_FAILED. */
bool check_rule(const struct check *check, unsigned number, struct check_fault *fault);

/* Checks all of them, and for a run that there is a URL or a list of them. The first one that is broken: ERR_FAILED, with file, line and column if it is the file's. */
bool check_all(const struct check *check, struct err *err);

/* Returns what a user should know of a run's settings that are not wrong, "--proxy-header: ...", with file, line and column if it is the file's; NULL:
 * nothing. */
const char *check_warning(const struct check *check);
