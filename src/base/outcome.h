/* The closed list of ways in which a request can end, shared by everyone who produces, counts or prints them.
 * In: outcome.def. Out: two enums and their names. Constant; any thread. */
#pragma once

#include <stdint.h>

enum outcome {
#define OUTCOME(id, name) OUTCOME_##id,
#include "base/outcome.def"
#undef OUTCOME
	OUTCOME_COUNT
};

enum reason {
#define REASON(id, outcome, name, words) REASON_##id,
#include "base/outcome.def"
#undef REASON
	REASON_COUNT
};

/* Returns the outcome that a reason belongs to; REASON_NONE belongs to OUTCOME_OK. */
enum outcome reason_outcome(enum reason reason);

/* Names as they stand in JSON (lower case, constant). */
const char *outcome_name(enum outcome outcome);
const char *reason_name(enum reason reason);

/* One phrase for people. */
const char *reason_words(enum reason reason);
