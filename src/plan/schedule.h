/* When is request n due: the one schedule of an open loop, as segments of straight lines.
 * In: a rate and load stages. Out: due times by request number, the same whatever the number of threads.
 * Times are ns from the start of the run. Const after it is built, shared by all threads; a cursor belongs to one thread.
 * Request k (from 0) is due where the integral of the rate reaches k; under Poisson arrivals, where it reaches the sum of the first k
 * exponential draws of mean 1, a function of (seed, k). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/stage.h"

#define SCHEDULE_SEGMENTS (STAGE_MAX + 1)

struct segment {
	nsec t0;      /* it begins here and ends where the next one begins; the last one has no end */
	double k0;    /* the integral up to t0 */
	double rate;  /* requests per second at t0 */
	double slope; /* change of the rate per second; 0 in the last segment */
};

struct schedule {
	size_t count; /* >= 1 */
	struct segment at[SCHEDULE_SEGMENTS];
	bool poisson;
	uint64_t seed;
};

/* Builds the schedule: `rate` from 0 on (0 with stages: they start from nothing), each stage moves the rate to its target in a straight
 * line, the last target holds. Cannot fail. */
void schedule_build(struct schedule *schedule, double rate, const struct stage_list *stages);

/* Returns the integral of the rate from 0 to `at` (requests). */
double schedule_integral(const struct schedule *schedule, nsec at);

/* Returns the rate at `at`, in requests per second; *ret_moving (NULL: not wanted) tells whether it changes just then. */
double schedule_rate(const struct schedule *schedule, nsec at, bool *ret_moving);

/* Returns the moment at which the integral reaches `mass`, rounded to ns; NSEC_NEVER if it never does. Where the rate is 0 for a while just
 * then, the moment is the end of that pause. */
nsec schedule_moment(const struct schedule *schedule, double mass);

/* Returns the highest rate up to `end` (requests per second). */
double schedule_peak(const struct schedule *schedule, nsec end);

/* Walks the requests of one share in order: those whose number leaves `share` when divided by `shares`. */
struct cursor {
	const struct schedule *schedule;
	uint64_t share, shares;
	uint64_t k;  /* of the request that is next */
	nsec due;    /* of it; NSEC_NEVER: no further request */
	double mass; /* Poisson: the sum of draws up to k */
};

/* Puts the cursor on the first request of its share. share < shares. */
void cursor_init(struct cursor *cursor, const struct schedule *schedule, uint64_t share, uint64_t shares);

/* Moves on to the next request of the share. Constant time (even) or `shares` draws (Poisson). */
void cursor_next(struct cursor *cursor);

/* Moves on to the first request due at or after `at` and returns how many were passed. Even spacing: constant time. */
uint64_t cursor_skip(struct cursor *cursor, nsec at);

/* Returns the i-th exponential draw of mean 1: f(seed, i). Method: splitmix64, inversion. */
double schedule_draw(uint64_t seed, uint64_t i);
