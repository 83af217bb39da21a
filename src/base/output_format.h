/* What --output writes, by --output-format or by the end of the file's name.
 * In: settings. Out: a format. Any thread. */
#pragma once

#include "base/settings.h"

/* Returns `asked`, or what the name stands for: .json, .jsonl, .ndjson, .csv, .txt in any case. OUTPUT_BY_NAME: the name says nothing. */
enum output_format output_format_of(const char *path, enum output_format asked);
