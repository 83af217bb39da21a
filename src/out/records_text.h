/* What the exports have in common: the summary of a run, and a record as a JSON object.
 * In: a report, records. Out: JSON. Any thread; owns nothing. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "out/records.h"

#define RECORD_TEXT_MAX 1024 /* bytes of a record as JSON */

/* Puts the compatible figures of the run (all of it, whatever is exported) and ours into `object`. */
void records_put_summary(struct json *object, const struct records_run *run);

/* What a record says of its step, for each step of the run, ready to be appended: `,"step_name":"login"`, or with is_csv a field, quoted where it must be
 * (RFC 4180). Returns NULL for a run without steps. In the arena. */
const char *const *records_name_steps(const struct report *report, bool is_csv, struct arena *arena);

/* Returns what stands there for a record; "" if `names` is NULL, or if the log has a step that the run has not. */
const char *records_step_of(const char *const *names, const struct report *report, const struct logged *record);

/* Writes a record as JSON's members, without braces and without the name of its step, to `at` (RECORD_TEXT_MAX bytes); returns the place behind. */
char *records_put_record(const struct logged *record, char *at);
