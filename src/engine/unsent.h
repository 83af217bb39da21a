/* Books of what was due in the window and never begun: requests, with scenarios iterations.
 * In: numbers, counts. Out: a tally. Whoever owns the tally. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"
#include "record/tally.h"

/* Counts `count` of them that were due in stage `stage` (from 0, 0 without stages). */
void unsent_add(const struct plan *plan, struct tally *tally, size_t stage, uint64_t count);

/* With scenarios: counts `count` of them (and their first steps) at the scenario of iteration `k`; plain ones have none. */
void unsent_add_iterations(const struct plan *plan, struct tally *tally, uint64_t k, uint64_t count);
