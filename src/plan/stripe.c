#include "plan/stripe.h"

#include <inttypes.h>
#include <stdlib.h>

static const uint32_t stripe_all[] = {0};
const struct stripe stripe_whole = {1, 1, stripe_all};
const struct stripe_piece stripe_piece_whole = {0, 0, {1, 1, stripe_all}};

#define NONE UINT32_MAX

/* The agents while places are given away. An agent has one number at a time that is to be placed: it waits for its first place, or it may stand at the next one. */
struct dealer {
	uint32_t modulus;
	uint32_t *weights; /* without their common divisor */
	uint32_t *placed;  /* numbers of each agent that have their place */
	uint32_t *waiting; /* of each place: the first agent whose number may stand there from then on ... */
	uint32_t *next;    /* ... and of each agent the one behind it */
	uint64_t *heap;    /* those that may stand at the next place, the one with the earliest last place first: last place << 32 | agent */
	size_t heap_count;
};

static uint64_t stripe_common(uint64_t a, uint64_t b) {
	while (b > 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void dealer_push(struct dealer *dealer, uint32_t agent) {
	uint64_t w = dealer->weights[agent], last = ((dealer->placed[agent] + 1) * (uint64_t)dealer->modulus + w - 1) / w - 1;
	uint64_t key = last << 32 | agent;
	size_t i = dealer->heap_count++;
	for (; i > 0 && dealer->heap[(i - 1) / 2] > key; i = (i - 1) / 2) dealer->heap[i] = dealer->heap[(i - 1) / 2];
	dealer->heap[i] = key;
}

/* Takes the first one off the heap, which is not empty. */
static uint32_t dealer_pop(struct dealer *dealer) {
	uint64_t *heap = dealer->heap, first = heap[0], key = heap[--dealer->heap_count];
	size_t i = 0;
	for (size_t below; (below = 2 * i + 1) < dealer->heap_count; i = below) {
		if (below + 1 < dealer->heap_count && heap[below + 1] < heap[below]) below++;
		if (heap[below] >= key) break;
		heap[i] = heap[below];
	}
	heap[i] = key;
	return (uint32_t)first;
}

/* Gives place `place` away; returns to whom. */
static uint32_t dealer_deal(struct dealer *dealer, uint32_t place) {
	for (uint32_t agent = dealer->waiting[place]; agent != NONE; agent = dealer->next[agent]) dealer_push(dealer, agent);
	uint32_t agent = dealer_pop(dealer);
	if (++dealer->placed[agent] == dealer->weights[agent]) return agent;
	uint32_t from = (uint32_t)(dealer->placed[agent] * (uint64_t)dealer->modulus / dealer->weights[agent]);
	if (from <= place) {
		dealer_push(dealer, agent);
	} else {
		dealer->next[agent] = dealer->waiting[from];
		dealer->waiting[from] = agent;
	}
	return agent;
}

/* Deals the whole round and writes down the places of one agent. The dealer's memory lies in an arena of its own. */
static void dealer_play(struct dealer *dealer, size_t agents, size_t agent, uint32_t *ret) {
	for (uint32_t place = 0; place < dealer->modulus; place++) dealer->waiting[place] = NONE;
	for (uint32_t i = 0; i < agents; i++) dealer_push(dealer, i);
	for (uint32_t place = 0; place < dealer->modulus; place++)
		if (dealer_deal(dealer, place) == agent) *ret++ = place;
}

bool stripe_build(const struct stripe_share *share, struct arena *arena, struct stripe *ret, struct err *err) {
	uint64_t common = 0, sum = 0;
	for (size_t i = 0; i < share->count; i++) {
		uint64_t weight = share->weights[i];
		if (weight < 1 || weight > STRIPE_WEIGHT_MAX)
			return err_set(err, ERR_FAILED, "--agent-weight: '%" PRIu64 "' is out of range; write 1 to %d", weight, STRIPE_WEIGHT_MAX);
		common = stripe_common(weight, common);
		sum += weight;
	}
	if (sum / common > STRIPE_MODULUS_MAX)
		return err_set(err, ERR_FAILED,
			"--agent-weight: the weights of the %zu agents add up to %" PRIu64
			" without their common divisor; write smaller ones, together at most %d",
			share->count, sum / common, STRIPE_MODULUS_MAX);
	struct arena own;
	arena_init(&own);
	struct dealer dealer = {.modulus = (uint32_t)(sum / common)};
	dealer.weights = arena_array(&own, share->count, sizeof(*dealer.weights));
	dealer.placed = arena_array(&own, share->count, sizeof(*dealer.placed));
	dealer.next = arena_array(&own, share->count, sizeof(*dealer.next));
	dealer.heap = arena_array(&own, share->count, sizeof(*dealer.heap));
	dealer.waiting = arena_array(&own, dealer.modulus, sizeof(*dealer.waiting));
	for (size_t i = 0; i < share->count; i++) dealer.weights[i] = (uint32_t)(share->weights[i] / common);
	uint32_t count = dealer.weights[share->agent], *residues = arena_array(arena, count, sizeof(*residues));
	dealer_play(&dealer, share->count, share->agent, residues);
	arena_fini(&own);
	*ret = (struct stripe){(uint32_t)(sum / common), count, residues};
	return true;
}

uint64_t stripe_count(const struct stripe *stripe, uint64_t k) {
	uint32_t low = 0, high = stripe->count, rest = (uint32_t)(k % stripe->modulus);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (stripe->residues[middle] < rest)
			low = middle + 1;
		else
			high = middle;
	}
	return k / stripe->modulus * stripe->count + low;
}
