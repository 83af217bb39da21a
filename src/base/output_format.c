#include "base/output_format.h"

#include <string.h>
#include <strings.h>

enum output_format output_format_of(const char *path, enum output_format asked) {
	static const struct {
		const char *end;
		enum output_format format;
	} ends[] = {{".json", OUTPUT_JSON}, {".jsonl", OUTPUT_JSONL}, {".ndjson", OUTPUT_JSONL}, {".csv", OUTPUT_CSV}, {".txt", OUTPUT_TEXT}};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; asked == OUTPUT_BY_NAME && dot && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcasecmp(dot, ends[i].end) == 0) return ends[i].format;
	return asked;
}
