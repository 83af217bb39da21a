/* The numbers of a result that have names of their own in the last line of a run log: written and read by the same tables.
 * In: structs. Out: JSON, and back. Only out/run_lines*.c include it. */
#pragma once

#include "base/json.h"
#include "base/tree.h"
#include "record/strain.h"
#include "record/tally.h"

void run_numbers_put(const struct tally *tally, const struct strain *strain, struct json *into);
void run_numbers_get(const struct tree *from, struct tally *tally);
void run_numbers_get_strain(const struct tree *from, struct strain *ret);

/* Times as one flat array: clipped, sum, min, max, then number of a slot and its count for each slot in use. */
void run_numbers_put_hist(const struct hist *times, struct json *into);
void run_numbers_put_histlet(const struct histlet *times, struct json *into);
void run_numbers_get_hist(const struct tree *from, struct hist *ret);
void run_numbers_get_histlet(const struct tree *from, struct histlet *ret);
