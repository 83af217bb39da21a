/* Pictures of a finished run: PNG charts of its course.
 * In: a report with a series. Out: files in a folder. Nothing is kept; called from one thread, it may use others until it returns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "stats/report.h"

#define CHART_COUNT 14

/* Returns the name of a file, in the order in which they are written; NULL from CHART_COUNT on. */
const char *chart_file(size_t number);

/* Draws all charts into `folder`, which is made with its parents; a file of the same name is replaced as a whole. *ret_written is the number of
 * files, always set: 0 if the run had no request to show, which is no error. A file that fails is left out and the others are still written:
 * false, with the first fault. ERR_FAILED. */
bool charts_write(const struct report *report, const char *folder, size_t *ret_written, struct err *err);
