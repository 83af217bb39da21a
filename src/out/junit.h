/* The thresholds as a JUnit report: what CI systems show as tests.
 * In: a report. Out: a file. Main thread. Format: the common subset of JUnit XML that Jenkins and GitLab read. */
#pragma once

#include "base/err.h"
#include "stats/report.h"

/* Writes one testsuite, one testcase for each threshold, and one for "verdict" with --strict. Through a temporary file in the same folder, renamed.
 * ERR_FAILED with the path in the sentence. */
bool junit_write(const struct report *report, bool strict, const char *path, struct err *err);
