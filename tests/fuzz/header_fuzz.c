/* Any text as a header field: what is accepted can be sent, and put together it is the same again. */
#include "config/header.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice text = {(const char *)data, size}, name = {0}, value = {0};
	if (!header_parse(text, &name, &value)) {
		assert(!name.at && !value.at);
		return 0;
	}
	assert(name.size && name.at >= text.at && name.at + name.size <= text.at + text.size);
	assert(!value.size || (value.at > name.at && value.at + value.size <= text.at + text.size));
	for (size_t i = 0; i < name.size; i++) assert(name.at[i] > ' ' && name.at[i] <= '~' && name.at[i] != ':');
	for (size_t i = 0; i < value.size; i++) assert(value.at[i] != '\r' && value.at[i] != '\n' && value.at[i]);
	char *line = malloc(name.size + value.size + 2);
	assert(line);
	memcpy(line, name.at, name.size);
	memcpy(line + name.size, ": ", 2);
	if (value.size) memcpy(line + name.size + 2, value.at, value.size);
	struct slice again_name, again_value;
	assert(header_parse((struct slice){line, name.size + value.size + 2}, &again_name, &again_value));
	assert(slice_equal(name, again_name) && slice_equal(value, again_value));
	free(line);
	return 0;
}
