/* Faults put in on purpose, so that tests can see the books and the clock checks notice them.
 * In: STREST_FAULT=name (only in a build with -Dfaults=true). Out: a question that is constant false in every other build. Any thread. */
#pragma once

#include <stdbool.h>

enum fault {
	FAULT_DROP_SAMPLE, /* "drop_sample": worker 0 forgets its 10th sample */
	FAULT_LATE_TIMER,  /* "late_timer": every wait for a due time ends 2 ms late */
	FAULT_CRASH,       /* "crash": worker 0 writes to address 0 at its 200th sample */
	FAULT_FAST_SERIES, /* "fast_series": slots of a tick, not of a second: the series is full after 7 minutes instead of 68 */
};

#ifdef STREST_FAULTS
/* Returns whether STREST_FAULT names this fault. The environment is read once. */
bool fault_on(enum fault fault);
#else
static inline bool fault_on(enum fault fault) {
	(void)fault;
	return false;
}
#endif
