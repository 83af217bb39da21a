/* Any text as load stages: what is accepted has durations and rates, what is not names the part at fault. */
#include <math.h>

#include "base/stage.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct stage_list list;
	char *copy = malloc(size + 1);
	assert(copy);
	memcpy(copy, data, size);
	struct slice bad = {0};
	list.count = 12345;
	if (stage_list_parse((struct slice){copy, size}, &list, &bad)) {
		assert(list.count >= 1 && list.count <= STAGE_MAX);
		for (size_t i = 0; i < list.count; i++) assert(list.at[i].duration > 0 && isfinite(list.at[i].target) && list.at[i].target >= 0);
	} else {
		assert(list.count == 12345);
		assert(!bad.size || (bad.at >= copy && bad.at + bad.size <= copy + size));
	}
	free(copy);
	return 0;
}
