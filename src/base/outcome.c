#include "base/outcome.h"

static const char *const outcome_names[] = {
#define OUTCOME(id, name) [OUTCOME_##id] = name,
#include "base/outcome.def"
#undef OUTCOME
};

static const struct {
	enum outcome outcome;
	const char *name, *words;
} reasons[] = {
#define REASON(id, outcome, name, words) [REASON_##id] = {OUTCOME_##outcome, name, words},
#include "base/outcome.def"
#undef REASON
};

enum outcome reason_outcome(enum reason reason) {
	return reasons[reason].outcome;
}

const char *outcome_name(enum outcome outcome) {
	return outcome_names[outcome];
}

const char *reason_name(enum reason reason) {
	return reasons[reason].name;
}

const char *reason_words(enum reason reason) {
	return reasons[reason].words;
}
