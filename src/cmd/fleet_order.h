/* One run of a controller: what its agents are told, what they count, what is left of it.
 * In: settings, agents, their snapshots and reports. Out: a message for the agents; the live view, outputs, an exit status. Main thread. */
#pragma once

#include "cmd/fleet_sum.h"
#include "cmd/watch.h"
#include "config/cli.h"

struct fleet_order;

/* Reads what is to be sent, and checks all of it as far as it can be checked here. `cli` outlives it. NULL: ERR_FAILED and others. */
struct fleet_order *fleet_order_new(const struct cli *cli, struct err *err);
void fleet_order_free(struct fleet_order *order);

/* Fills what the controller machine has to know. */
void fleet_order_describe(const struct fleet_order *order, struct controller_run *ret);

/* All agents are ready. `stop` is called when a threshold is missed (--threshold-abort). ERR_FAILED. */
bool fleet_order_begin(struct fleet_order *order, const struct controller_began *began, int signals, struct err *err);

/* Take what agents say; a fault is a sentence for the run's errors. */
bool fleet_order_snapshot(struct fleet_order *order, size_t index, const struct message_snapshot *snapshot, struct err *err);
bool fleet_order_report(struct fleet_order *order, size_t index, const struct controller_report *report, struct err *err);
void fleet_order_lose(struct fleet_order *order, size_t index, const char *why);

/* Keeps a run-time error for the list at the end. */
void fleet_order_error(struct fleet_order *order, const char *words);

/* Returns the live view; NULL: none. And whether a threshold is missed that ends the run: true once. */
struct show *fleet_order_show(const struct fleet_order *order);
bool fleet_order_is_missed(struct fleet_order *order);

/* Draws, and lets the time be seen before the first snapshots. Call it often. */
enum view_wish fleet_order_turn(struct fleet_order *order);

/* The run is over: prints and writes everything. Returns the exit status. */
int fleet_order_conclude(struct fleet_order *order, const struct controller_outcome *outcome);

/* The run came to nothing: says why, and what went wrong before. `order` may be NULL. */
void fleet_order_fail(const struct fleet_order *order, const char *words);

/* Returns the result as JSON (docs/schema/result.json), of a run that is concluded; NULL: there is none. */
const char *fleet_order_result(const struct fleet_order *order);
