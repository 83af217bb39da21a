/* Numbers by lot that are the same every time: f(seed, number, stream), no state.
 * In: numbers. Out: numbers. Any thread. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014): splitmix64. */
#pragma once

#include <stdint.h>

#define DRAW_STEP 0x9e3779b97f4a7c15ull

/* Returns splitmix64's mix of 64 bits: one to one. */
static inline uint64_t draw_mix(uint64_t x) {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Returns 64 bits: those of the number-th step of the splitmix64 that begins at a place made of seed and stream. Different streams have nothing to do with
 * each other; one stream does not give the same bits twice. */
static inline uint64_t draw_bits(uint64_t seed, uint64_t number, uint64_t stream) {
	uint64_t start = draw_mix(draw_mix(seed + DRAW_STEP) ^ draw_mix(stream));
	return draw_mix(start + number * DRAW_STEP);
}

/* Returns which of `count` (>= 1) the bits stand for, from 0. Of two of them one may come up more often by count / 2^64 at most. */
static inline uint64_t draw_below(uint64_t bits, uint64_t count) {
	return (uint64_t)(((unsigned __int128)bits * count) >> 64);
}
