/* The scenarios that a manual controller knows by name: those of its file, and what was sent with a name. In memory only.
 * In: trees of documents. Out: texts of JSON. Owns its texts; main thread. Contract: spec/distributed.md 4. */
#pragma once

#include "config/cli.h"
#include "config/origin.h"

#define FLEET_REGISTRY_NAMES 1000              /* scenarios at most */
#define FLEET_REGISTRY_BYTES ((size_t)1 << 20) /* of each, as JSON */

struct fleet_registry;

/* Makes the registry, with what stands in [scenarios.<name>] of the controller's file. `base`: the settings of the controller's start; it outlives the
 * registry. ERR_FAILED: one of them is larger than FLEET_REGISTRY_BYTES. */
bool fleet_registry_new(const struct cli *base, struct fleet_registry **ret, struct err *err);
void fleet_registry_free(struct fleet_registry *registry);

/* Returns the settings it was made with. */
const struct cli *fleet_registry_base(const struct fleet_registry *registry);

/* Returns a scenario as JSON, with all variables of the environment filled in; NULL: the name is not known. Valid until the next store. */
const char *fleet_registry_find(const struct fleet_registry *registry, const char *name);

/* Stores a scenario, which is known to be good, or replaces the one of that name. ERR_FAILED: it is too large, or there are too many. */
bool fleet_registry_store(struct fleet_registry *registry, const char *name, const struct tree *scenario, struct err *err);

/* Returns {"scenarios":[{"name":"login","steps":2,"bytes":345}]} in one line, in the order in which the names came; free() it. */
char *fleet_registry_list(const struct fleet_registry *registry);
