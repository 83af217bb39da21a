/* The tables `scenario`, `scenarios` and `data` of a file: into struct scenario_set (base/scenario.h).
 * In: the document of the keys. Out: settings->scenarios, and findings. Everything lives in the arena of the keys; main thread (environment). */
#pragma once

#include "config/scenario_field.h"

/* Reads `scenario` and `scenarios` of the document. */
void scenario_keys_read(struct keys *keys);

/* Returns whether the node, which is the document's `data`, means data files: else it is the body of a request. data_keys.c. */
bool data_keys_are(const struct tree *node);

/* Reads [[data]]; data_keys.c. */
void data_keys_read(struct keys *keys, const struct tree *node);

/* Reads one step, in which all but the name's uniqueness is checked; scenario_step_keys.c. `number` is from 1. */
void scenario_step_keys_read(const struct scenario_field *f, size_t number, struct scenario_step *ret);

/* Reads what a step asserts of the body, of fields and of JSON values; scenario_assert_keys.c. */
void scenario_assert_keys_read(const struct scenario_field *f, struct scenario_step *ret);

/* Reads what a step takes out of its answer; scenario_extract_keys.c. */
void scenario_extract_keys_read(const struct scenario_field *f, struct scenario_step *ret);
