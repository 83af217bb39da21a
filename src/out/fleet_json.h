/* The agents of a fleet as JSON: for the results and for the exports of a controller.
 * In: what a report says of them. Out: members of an object. Any thread; owns nothing. */
#pragma once

#include "base/json.h"
#include "stats/fleet.h"

/* Puts what is known of one agent. Texts need not be UTF-8: json.h sees to that. */
void fleet_json_put_agent(struct json *object, const struct fleet_agent *agent);

/* Puts `fleet`; NULL: null, one machine. */
void fleet_json_put(struct json *parent, const struct fleet_report *fleet);
