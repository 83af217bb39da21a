#include "record/group.h"

static const char *const dimension_names[GROUP_DIMENSIONS] = {
	[GROUP_BY_ALL] = "all",
	[GROUP_BY_CONNECTION] = "connection",
	[GROUP_BY_ADDRESS] = "address",
	[GROUP_BY_STAGE] = "stage",
	[GROUP_BY_STEP] = "step",
	[GROUP_BY_SCENARIO] = "scenario",
};

const char *group_dimension_name(enum group_dimension dimension) {
	return dimension_names[dimension];
}
