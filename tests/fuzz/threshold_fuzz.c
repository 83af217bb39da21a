/* Any text as a threshold: what is accepted is a rule that can be judged, what is not leaves the result alone and has words. */
#include <math.h>

#include "base/stage.h"
#include "base/threshold.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *copy = malloc(size + 1);
	assert(copy);
	memcpy(copy, data, size);
	struct threshold rule = {.limit = -1, .stage = 12345};
	enum threshold_fault fault = threshold_parse((struct slice){copy, size}, &rule);
	assert(fault >= THRESHOLD_GOOD && fault <= THRESHOLD_NO_NUMBER && threshold_fault_words(fault));
	if (fault == THRESHOLD_GOOD) {
		assert(isfinite(rule.limit) && rule.limit >= 0 && rule.stage <= STAGE_MAX && !rule.text);
		assert((rule.metric == THRESHOLD_QUANTILE) == (rule.quantile > 0) && rule.quantile < 1);
		assert((rule.stage > 0) + (rule.step.at != NULL) + rule.is_iteration <= 1);
		assert(!rule.step.at || (rule.step.size > 0 && rule.step.at > copy && rule.step.at + rule.step.size < copy + size));
		assert(!rule.is_share || (rule.metric == THRESHOLD_ERRORS && rule.limit <= 1));
	} else {
		assert(rule.limit == -1 && rule.stage == 12345);
	}
	free(copy);
	return 0;
}
