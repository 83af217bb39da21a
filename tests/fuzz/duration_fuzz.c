/* Any text as a duration, count or number: what is accepted lies within its limits, and written out it is read back the same. */
#include <math.h>

#include "base/units.h"
#include "fuzz.h"

#define YEARS_100 (SEC * 3600 * 24 * 366 * 100)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *copy = malloc(size + 1); /* of this size, so that a read behind the end is seen */
	char line[64];
	assert(copy);
	memcpy(copy, data, size);
	struct slice text = {copy, size};
	nsec time = -7;
	if (units_parse_duration(text, &time)) {
		assert(time >= 0 && time <= YEARS_100);
		nsec again;
		units_format_span(time, line, sizeof(line));
		assert(units_parse_duration(slice_of(line), &again) && again == time);
		units_format_duration(time, line, 32);
		assert(strlen(line) < 32);
	} else {
		assert(time == -7);
	}
	uint64_t count;
	if (units_parse_count(text, &count)) {
		units_format_bytes(count, line, 32);
		assert(strlen(line) < 32);
	}
	double real;
	if (units_parse_real(text, &real)) assert(isfinite(real) && real >= 0);
	free(copy);
	return 0;
}
