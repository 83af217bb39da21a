/* The course of a run, and quantiles, as JSON: for the results and for the exports of a controller.
 * In: a series. Out: members of an object. Any thread; owns nothing. */
#pragma once

#include "base/json.h"
#include "stats/distribution.h"
#include "stats/series.h"

/* Puts a quantile: ns; null when there are too few samples; "never". */
void series_json_put_quantile(struct json *object, const char *key, const struct quantile *at);

/* Puts the counts and times of a slot. */
void series_json_put_slot(struct json *object, const struct series_slot *slot);

/* Puts `series` {width_ns, slots}; NULL: none was kept, width 0. */
void series_json_put(struct json *parent, const struct series *series);
