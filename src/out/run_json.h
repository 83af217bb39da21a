/* What every JSON about a run says in the same way.
 * In: facts of a run. Out: members of an object. Any thread; owns nothing. */
#pragma once

#include "base/json.h"
#include "stats/report.h"

/* By enum stop_cause. */
#define RUN_JSON_CAUSES 6
extern const char *const run_json_causes[RUN_JSON_CAUSES];

/* Puts a moment under `key`: RFC 3339, UTC, milliseconds. 0, one that is not known, is null. */
void run_json_put_moment(struct json *object, const char *key, int64_t unix_ns);

/* Puts the object "labels": names and values of --label. */
void run_json_put_labels(struct json *object, const struct run_info *run);
