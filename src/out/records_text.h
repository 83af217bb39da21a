/* What the exports have in common: the summary of a run, and a record as a JSON object.
 * In: a report, records. Out: JSON. Any thread; owns nothing. */
#pragma once

#include "base/json.h"
#include "out/records.h"

#define RECORD_TEXT_MAX 1024 /* bytes of a record as JSON */

/* Puts the compatible figures of the run (all of it, whatever is exported) and ours into `object`. */
void records_put_summary(struct json *object, const struct records_run *run);

/* Writes a record as JSON's members, without braces, to `at` (RECORD_TEXT_MAX bytes); returns the place behind. */
char *records_put_record(const struct logged *record, char *at);
