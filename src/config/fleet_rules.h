/* The rules of controllers and agents.
 * In: a run's settings. Out: as all rules (config/check.h). Texts live in the check's arena; main thread. */
#pragma once

#include "config/rule.h"

/* Returns whether a run needs something to load: no agent does, no controller that is told later, nobody who only sees to a service. */
bool fleet_rules_aims(const struct settings *settings);

/* One role, and no option of another one. */
bool fleet_rules_role(const struct rule *r);

/* A manual controller can be told to start. */
bool fleet_rules_control(const struct rule *r);

/* Nobody but those who should can use the ports; each token comes from one place. */
bool fleet_rules_safe(const struct rule *r);

/* A controller is not asked for what only the machines that send the requests have. */
bool fleet_rules_outputs(const struct rule *r);

/* --install-service and the like. */
bool fleet_rules_service(const struct rule *r);
