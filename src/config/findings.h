/* What is wrong or left out in a file, with the place of each.
 * In: sentences from the readers. Out: a list, in the order of the text once it is sorted. Everything lives in the given arena; one thread. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/tree.h"

#define FINDINGS_MAX 1000 /* more are counted, not kept */

struct finding {
	struct tree_place at;
	bool warning;     /* the run goes on without it */
	const char *text; /* "load.rate: 'abc' is not a number; write e.g. rate = 100" */
	struct finding *next;
};

struct findings {
	struct arena *arena;
	struct finding *first; /* by place, after findings_sort */
	size_t faults, warnings, kept;
};

/* Adds a fault, or a warning (printf style). Control characters in the sentence become '?'. Always returns false. */
bool findings_add(struct findings *findings, struct tree_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool findings_warn(struct findings *findings, struct tree_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts them into the order of the text; what stands in one place keeps its order. */
void findings_sort(struct findings *findings);

/* Returns the first fault; NULL: there is none. */
const struct finding *findings_first_fault(const struct findings *findings);
