/* The figures of the compatible formats: the 16 lines, the summary within exports. Times in ms and everything cut off, never rounded: that is how they are defined.
 * In: a report. Out: plain values. Any thread. */
#pragma once

#include <stdint.h>

#include "stats/report.h"

struct figures {
	uint64_t duration_ms; /* of the measured window */
	uint64_t total, successful, errors, timeouts, transport_errors, non_expected_status;
	struct figures_latency {
		uint64_t min_ms, max_ms, avg_ms, p50_ms, p90_ms, p99_ms; /* nearest ranks */
	} all, ok;
	uint64_t success_x100, rps_x100, rpm_x100; /* in hundredths */
};

void figures_read(const struct report *report, struct figures *ret);

/* Writes hundredths, "99.42", into `text` (32 bytes) and returns it. */
const char *figures_format_x100(uint64_t x100, char text[32]);
