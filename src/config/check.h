/* The rules across options, after all of them are read.
 * In: settings and which options were given. Out: yes, or the rule that is broken. Owns nothing; main thread. */
#pragma once

#include "base/err.h"
#include "base/settings.h"
#include "config/option.h"

/* Checks the rows' `conflicts` (of given options only; ERR_USAGE) and `requires` (ERR_FAILED) of one command.
 * `given` tells for each row of the table whether the user gave it. */
bool check_pairs(enum option_command command, const struct settings *settings, const bool given[OPTION_COUNT], struct err *err);

/* Checks what else a run needs: a URL, a warm-up shorter than the run, permission to hide the User-Agent, a rate for the options that shape
 * one. ERR_FAILED. */
bool check_run(const struct settings *settings, const bool given[OPTION_COUNT], struct err *err);
