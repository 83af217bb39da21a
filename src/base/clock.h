/* Time in nanoseconds of CLOCK_MONOTONIC, the one clock of every measurement.
 * In: nothing. Out: plain numbers. Owns nothing; any thread. */
#pragma once

#include <stdint.h>
#include <time.h>

typedef int64_t nsec;

#define USEC ((nsec)1000)
#define MSEC ((nsec)1000000)
#define SEC ((nsec)1000000000)
#define NSEC_NEVER INT64_MAX /* a moment that does not come; a duration without end */

/* Returns nanoseconds since an arbitrary start (CLOCK_MONOTONIC, vDSO: no system call). Never goes back. */
static inline nsec clock_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (nsec)t.tv_sec * SEC + t.tv_nsec;
}

/* Returns `at` as a timespec, for the system calls that want one; negative values become 0. */
static inline struct timespec clock_timespec(nsec at) {
	if (at < 0) at = 0;
	return (struct timespec){.tv_sec = (time_t)(at / SEC), .tv_nsec = (long)(at % SEC)};
}
