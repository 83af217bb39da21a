/* The thresholds as a JUnit report: what CI systems show as tests.
 * In: a report. Out: a file. Main thread. Format: the common subset of JUnit XML that Jenkins and GitLab read. */
#pragma once

#include "base/err.h"
#include "stats/report.h"

/* To be called before a run: writes a report with the error that the run did not come to its end, so that a file that cannot be written is known before
 * the load, and no report of an earlier run is taken for this one's. ERR_FAILED with the path in the sentence. */
bool junit_begin(const char *path, struct err *err);

/* Writes one testsuite, one testcase for each threshold, one for "verdict" with --strict, and one for "measured", an error, when the report is no
 * result: nothing was measured, or the books do not balance. Through a temporary file in the same folder, renamed.
 * ERR_FAILED with the path in the sentence. */
bool junit_write(const struct report *report, bool strict, const char *path, struct err *err);
