/* The results as text for people, then the 16 compatible lines.
 * In: a report. Out: text in a buffer. Any thread; owns nothing. */
#pragma once

#include "base/buf.h"
#include "stats/report.h"

/* Appends the block for people: target and model, verdict, thresholds, response and service times (us/ms), parts, errors by reason, status codes,
 * books, results per stage, address and URL (the worst) when there is more than one. Plain text without colour, lines of at most 100 columns. */
void summary_write_block(const struct report *report, struct buf *into);

/* Appends the 16 lines of the compatible summary, in their order (docs/architecture.md, "The 16 lines"). */
void summary_write_lines(const struct report *report, struct buf *into);
