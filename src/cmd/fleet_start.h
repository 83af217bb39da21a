/* What a POST /start asks for.
 * In: the settings of the controller's start, the scenarios it knows, the body of a request. Out: settings to run with. Main thread.
 * Contract: spec/distributed.md 4; docs/control.yaml.
 *
 * A start has two steps, because between them the controller looks whether a run is in progress and whether there are enough agents:
 * fleet_start_read says what is wrong with the body alone, fleet_start_settle finds the scenario and makes the settings. */
#pragma once

#include "base/clock.h"
#include "cmd/fleet_registry.h"

#define FLEET_START_MS_MAX 86400000 /* of start_after_ms and agent_wait_timeout_ms: a day */

struct fleet_asked; /* what the body says */

/* A start. The caller zeroes it and sets `arena`, in which everything lives; it must last until the run is over. */
struct fleet_start {
	struct arena *arena;
	/* fleet_start_read: */
	nsec start_after; /* -1: not given */
	nsec wait;        /* for agents; 0: not given */
	struct fleet_asked *asked;
	/* fleet_start_settle: */
	struct cli cli; /* the controller's, but for scenarios and what the body overrides; origins and document fit config/travel.h */
};

/* Reads a body; an empty one is {}. Unknown fields are ignored. ERR_FAILED, to be answered with 400: "the request:1:14: ...", with line and column. */
bool fleet_start_read(struct fleet_start *start, struct slice body, struct err *err);

/* Finds what is to be run, stores a scenario that has a name, and makes start->cli of it, checked as the settings of any run. ERR_FAILED, with the status
 * to answer: 404 for a name that is not known, else 400. */
bool fleet_start_settle(struct fleet_start *start, struct fleet_registry *registry, unsigned *ret_status, struct err *err);
