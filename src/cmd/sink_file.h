/* A file that others may read at any moment while it is written again and again.
 * In: a path, a text. Out: the file, always whole. Any thread, one a path. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Refuses what rename() would replace or what could hang: anything that is there and no regular file. ERR_FAILED with the path in the sentence. */
bool sink_file_check(const char *path, struct err *err);

/* Writes PATH.tmp beside the file and renames it; with `sync` it is on the disk before. ERR_FAILED with the path in the sentence; the file is as it was
 * then, and PATH.tmp is gone. May block as long as the file system does. */
bool sink_file_write(const char *path, const struct buf *text, bool sync, struct err *err);
