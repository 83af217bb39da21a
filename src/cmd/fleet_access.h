/* How controllers and agents get at each other: tokens and certificates.
 * In: settings. Out: what the link needs. Texts in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "dist/link_http.h"

/* Returns where the other side is or where to listen, with the token of option, environment or file; what is wrong with that is ERR_FAILED. */
bool fleet_access_link(const struct fleet_settings *fleet, struct arena *arena, struct link_http_setup *ret, struct err *err);

/* Reads the token of the control plane; *ret is NULL if there is none. ERR_FAILED. */
bool fleet_access_control(const struct fleet_settings *fleet, struct arena *arena, const char **ret, struct err *err);
