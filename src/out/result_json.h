/* The results as one JSON object: docs/schema/result.json.
 * In: a report. Out: text in a buffer. Any thread; owns nothing. */
#pragma once

#include "base/buf.h"
#include "stats/report.h"

/* Appends the object and a newline. */
void result_json_write(const struct report *report, struct buf *into);
