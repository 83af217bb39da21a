/* Paths in the user's home folder.
 * In: a path as it was given, or none. Out: the path to use, in the given arena. Any thread. */
#pragma once

#include "base/arena.h"

/* Returns `path` with a leading "~/" replaced by $HOME; NULL: ~/.strest/`name`, or .strest/`name` where there is no $HOME. */
const char *home_path(const char *path, const char *name, struct arena *arena);
