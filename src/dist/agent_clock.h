/* The controller's clock as an agent sees it: the sample with the smallest round trip of the last ones.
 * In: four moments of a beat. Out: an offset. The caller owns the struct; one thread. Method: RFC 5905 section 8 (offset, delay), clock filter by delay. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define AGENT_CLOCK_ROOM 32 /* samples that are kept: a clock that drifts by 50 ppm is wrong by 2 ms after as many seconds */

struct agent_clock {
	struct agent_clock_sample {
		nsec offset, round_trip;
	} samples[AGENT_CLOCK_ROOM];
	size_t count; /* samples so far */
};

/* Takes a beat: sent at t1, arrived at t4 (agent's clock), there from t2 to t3 (controller's clock). What cannot be is ignored: false. */
bool agent_clock_add(struct agent_clock *clock, const nsec t[4]);

/* Returns the best sample, or NULL. The true offset lies within half its round trip. */
const struct agent_clock_sample *agent_clock_best(const struct agent_clock *clock);
