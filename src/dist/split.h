/* A number that several agents share by their weights (spec 2.4): whole shares whose sum is exact.
 * In: plain numbers. Out: plain numbers. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes each agent's share of `total`: floor(total * weight / sum of weights), and what is left over one by one from the first agent on.
 * count >= 1, at least one weight is not 0. */
void split_share(uint64_t total, const uint32_t *weights, size_t count, uint64_t *ret);
