/* Which numbers of one schedule are this agent's, when several machines share it.
 * In: the weights of all agents, in an order that all know, and which one this is. Out: a set of residues: number k is the agent's if k mod modulus is one of them.
 * The same weights give the same stripes on every machine; each residue belongs to exactly one agent. Plain values, const afterwards; any thread.
 * Method: weights are divided by their greatest common divisor, W is their sum. The i-th number (from 0) that an agent of weight w has of a round of W may stand at the
 * places from floor(iW/w) to ceil((i+1)W/w) - 1; from place to place the number that may stand there and has the earliest last place gets it, of equals that of the
 * first agent. Such windows can always be kept (Baruah and others, "Proportionate progress", Algorithmica 1996), so after any number of places every agent has
 * its share of them to less than one: as even as whole numbers can be. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define STRIPE_MODULUS_MAX 1000000 /* W */
#define STRIPE_WEIGHT_MAX 1000000

struct stripe {
	uint32_t modulus;         /* W, >= 1 */
	uint32_t count;           /* residues that are the agent's, 1 to W */
	const uint32_t *residues; /* ascending, below W; whoever made the stripe keeps them */
};

/* From a number on, a stripe; a list of such pieces says whose which number is. */
struct stripe_piece {
	uint64_t from; /* number; the first piece has 0, none has less than the one before it */
	nsec at;       /* the instant that made it so, from the start of the run */
	struct stripe stripe;
};

/* All numbers. */
extern const struct stripe stripe_whole;
extern const struct stripe_piece stripe_piece_whole;

/* One of several agents. */
struct stripe_share {
	size_t count, agent; /* agents, >= 1; which one of them, from 0 */
	const uint64_t *weights;
};

/* Makes the stripe of a share; the residues lie in the arena. Takes 20 bytes an agent and 4 a place meanwhile.
 * ERR_FAILED: a weight that is not 1 to STRIPE_WEIGHT_MAX, or W beyond STRIPE_MODULUS_MAX. */
bool stripe_build(const struct stripe_share *share, struct arena *arena, struct stripe *ret, struct err *err);

/* Returns the stripe's number j, from 0, in ascending order. */
static inline uint64_t stripe_number(const struct stripe *stripe, uint64_t j) {
	if (stripe->modulus == 1) return j;
	return j / stripe->count * stripe->modulus + stripe->residues[j % stripe->count];
}

/* Returns how many of the stripe's numbers are below `k`: the j of the first one that is not. */
uint64_t stripe_count(const struct stripe *stripe, uint64_t k);

/* Returns whether number k is the stripe's. */
static inline bool stripe_has(const struct stripe *stripe, uint64_t k) {
	return stripe_count(stripe, k + 1) > stripe_count(stripe, k);
}

/* Returns the stripe's part of all numbers, above 0 to 1. */
static inline double stripe_fraction(const struct stripe *stripe) {
	return (double)stripe->count / stripe->modulus;
}
