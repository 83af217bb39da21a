/* Load stages as the user writes them: "30s@500,1m@2000".
 * In: text. Out: durations and target rates. Plain values; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"

#define STAGE_MAX 256

struct stage {
	nsec duration; /* > 0 */
	double target; /* requests per second at its end, >= 0; the rate moves there in a straight line */
};

struct stage_list {
	size_t count; /* 0: none given */
	struct stage at[STAGE_MAX];
};

/* Reads DURATION@RATE, comma-separated. On failure returns false and leaves in *ret_bad the part that is wrong; *ret is untouched. */
bool stage_list_parse(struct slice text, struct stage_list *ret, struct slice *ret_bad);
