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
#include "plan/stripe.h"

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

/* What a cursor walks: of the numbers that the pieces say are this machine's, numbered j from 0 within each piece's stripe, those whose j leaves `share` when
 * divided by `shares`. */
struct cursor_part {
	const struct stripe_piece *pieces; /* outlive the cursor; it looks at those it was told of (cursor_learn), at first one */
	uint64_t share, shares;            /* share < shares */
	uint64_t k_end;                    /* numbers from there on are nobody's; UINT64_MAX: there is no end */
};

/* Walks the requests of a part in order. */
struct cursor {
	const struct schedule *schedule;
	struct cursor_part part;
	const struct stripe *stripe; /* of the piece it is in */
	unsigned piece, known;       /* that piece, and how many there are as far as it was told */
	uint32_t place, place_step;  /* of the number among the stripe's residues, and what a step adds to it ... */
	uint64_t base, base_step;    /* ... and to the beginning of its round */
	uint64_t k_turn;             /* from there on the next piece holds; UINT64_MAX: none is known */
	uint64_t k;                  /* of the request that is next */
	nsec due;                    /* of it; NSEC_NEVER: no further request */
	double mass;                 /* Poisson: the sum of draws up to k */
	bool has_passed;             /* a number ... */
	uint64_t before_k;           /* ... the last one (even spacing: or an earlier one); else 0 ... */
	double before_mass;          /* ... and the mass there */
};

/* Puts the cursor on the first request of its share of all numbers, without an end. share < shares. */
void cursor_init(struct cursor *cursor, const struct schedule *schedule, uint64_t share, uint64_t shares);

/* The same for any part. */
void cursor_init_part(struct cursor *cursor, const struct schedule *schedule, const struct cursor_part *part);

/* Tells the cursor that there are `known` pieces now, and moves it if the number it stands on is another's by a new one. Returns how many numbers of its share by
 * the new pieces it has gone by without passing them, so that they are lost: 0 if it was told in time. Time: constant (even) or the draws between the number
 * passed last and the new one. */
uint64_t cursor_learn(struct cursor *cursor, unsigned known);

/* Returns the first number of the whole schedule, whosever it is, that is due at or after `at`, which lies behind the due time of what the cursor has passed. */
uint64_t cursor_first_at(const struct cursor *cursor, nsec at);

/* Moves on to the next request of the share. Constant time (even) or the draws up to it (Poisson). Per-request path: no division. */
void cursor_next(struct cursor *cursor);

/* Moves on to the first request due at or after `at` and returns how many were passed. Even spacing: constant time for each piece. */
uint64_t cursor_skip(struct cursor *cursor, nsec at);

/* Returns the i-th exponential draw of mean 1: f(seed, i). Method: splitmix64, inversion. */
double schedule_draw(uint64_t seed, uint64_t i);
