/* What --help and --version print.
 * In: the option table. Out: text of lines up to 100 columns, ending with a newline. Texts live in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "config/option.h"

/* Returns the help of a command: its options in groups, with units, choices, defaults and other names; examples and exit codes. */
const char *help_format(enum option_command command, struct arena *arena);

/* Returns "strest VERSION". */
const char *help_version(struct arena *arena);
