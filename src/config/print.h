/* The settings in force as a config file that says the same, and where each comes from.
 * In: settings and origins. Out: TOML text, secrets left out. Lives in the given arena; any thread. */
#pragma once

#include "base/arena.h"
#include "config/origin.h"

/* Returns one line for each setting of a run: `rate = 100.0  # strest.toml:12`; one that is not set is a comment. User and password of URLs and
 * values of headers that carry secrets are "***"; texts with variables of the environment stand as they are written. */
const char *print_config(const struct settings *settings, const struct origins *origins, struct arena *arena);
