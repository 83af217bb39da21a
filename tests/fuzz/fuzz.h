/* What the fuzz targets share: libFuzzer's entry point and the reading of its bytes.
 * In: bytes from libFuzzer. Out: numbers and texts. One thread. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the next byte from the front; 0 when there is none. */
static inline unsigned fuzz_byte(struct slice *data) {
	if (!data->size) return 0;
	unsigned byte = (unsigned char)*data->at;
	*data = (struct slice){data->at + 1, data->size - 1};
	return byte;
}

/* Fills `cuts` (of `room` elements) with ascending offsets below `size`, then 0: pieces of 1 to 16 or of 1 to 256 bytes, by `seed`. */
static inline void fuzz_cuts(unsigned seed, size_t size, size_t *cuts, size_t room) {
	uint64_t number = seed * 2654435761u + 1;
	size_t at = 0, count = 0;
	unsigned mask = seed & 1 ? 15 : 255;
	while (count + 1 < room) {
		number = number * 6364136223846793005u + 1442695040888963407u;
		at += 1 + ((number >> 40) & mask);
		if (at >= size) break;
		cuts[count++] = at;
	}
	cuts[count] = 0;
}
