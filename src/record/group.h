/* The groups that results are split into; the list is known from the plan, before the first request.
 * In: the plan's addresses, stages, steps. Out: an index for every dimension of a sample. Const after plan_build; any thread. */
#pragma once

#include <stddef.h>

#include "base/clock.h"

enum group_dimension { GROUP_BY_ALL, GROUP_BY_CONNECTION, GROUP_BY_ADDRESS, GROUP_BY_STAGE, GROUP_BY_STEP, GROUP_BY_SCENARIO, GROUP_DIMENSIONS };

#define GROUP_ELSEWHERE "elsewhere" /* the row of addresses that are found in the run: not shown while nothing is counted there */

struct group {
	enum group_dimension dimension;
	const char *
		name; /* "new", "reused", "127.0.0.1:3000", "2", "login" or, with several scenarios, "buy/login"; the last of the addresses may be GROUP_ELSEWHERE */
	nsec begin, end; /* rows of stages: from the start of the run; NSEC_NEVER: the last one holds. Else 0 */
};

/* Row 0 is all, 1 new, 2 reused connections; then the addresses from `first_address`, the stages from `first_stage`, the steps of scenarios from `first_step`
 * and the scenarios from `first_scenario`, whose cells count iterations instead of requests. */
struct group_table {
	size_t count;
	const struct group *rows;
	size_t first_address;
	size_t first_stage;    /* = first_step when there are no stages */
	size_t first_step;     /* = first_scenario when there are none; in the order of a sample's `row` */
	size_t first_scenario; /* = count when there are none */
};

/* Returns a dimension's name as it stands in JSON: "all", "connection", "address", "stage", "step", "scenario". */
const char *group_dimension_name(enum group_dimension dimension);
