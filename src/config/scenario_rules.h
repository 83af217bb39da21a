/* The rules between scenarios and options: what would be ignored or contradict itself. Called by config/check.c, each as struct rule says.
 * In: settings and where each comes from. Out: yes, or the rule that is broken, with its place in the file. Texts live in the check's arena; any thread. */
#pragma once

#include "config/rule.h"

/* Options that say what is sent or where to leave nothing for a scenario to say. */
bool scenario_rules_others(const struct rule *r);

/* The headers of scenarios are checked as those of a run: User-Agent, Authorization. */
bool scenario_rules_headers(const struct rule *r);

/* No TLS through a Unix socket. */
bool scenario_rules_socket(const struct rule *r);

/* Iterations are those of a scenario. */
bool scenario_rules_unit(const struct rule *r);

/* Data files are read for scenarios. */
bool scenario_rules_data(const struct rule *r);

/* Without --url every step of the scenarios that are run knows where to. */
bool scenario_rules_aim(const struct rule *r);
