/* The orders of people to a manual controller: from the control plane to the controller machine, and the answers back.
 * In: requests of the control plane. Out: starts, stops, answers. Main thread. */
#pragma once

#include "cmd/fleet_start.h"
#include "dist/controller.h"

struct fleet_control;

/* Listens at --control-listen. ERR_FAILED. */
bool fleet_control_open(const struct cli *cli, const char *token, struct fleet_control **ret, struct err *err);
void fleet_control_close(struct fleet_control *control);

/* Readable while a request waits. */
int fleet_control_descriptor(const struct fleet_control *control);

/* Does what waits. `wait`: for agents, if a start does not say. */
void fleet_control_turn(struct fleet_control *control, struct controller *controller, nsec wait);

/* In the words of struct controller_ops. Prepare: the settings of the start that waits, valid until fleet_control_over; NULL: err, for its answer. */
const struct cli *fleet_control_prepare(struct fleet_control *control, struct err *err);
void fleet_control_answer(struct fleet_control *control, enum controller_answer answer, const char *words);
void fleet_control_began(struct fleet_control *control, const struct controller_began *began);
void fleet_control_reported(struct fleet_control *control);

/* The run is over; `result` is its JSON, NULL: there is none. */
void fleet_control_over(struct fleet_control *control, const char *result);
