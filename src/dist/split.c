#include "dist/split.h"

#include <assert.h>

void split_share(uint64_t total, const uint32_t *weights, size_t count, uint64_t *ret) {
	uint64_t sum = 0, left = total;
	for (size_t i = 0; i < count; i++) sum += weights[i];
	assert(sum > 0);
	for (size_t i = 0; i < count; i++) {
		ret[i] = (uint64_t)((unsigned __int128)total * weights[i] / sum);
		left -= ret[i];
	}
	for (size_t i = 0; left > 0; i++, left--) ret[i]++; /* less than one each is left */
}
