/* A file that is there as a whole or not at all: written under another name in the same folder, then renamed.
 * In: bytes. Out: a file. The caller owns the struct; one thread. A path that is no regular file (a pipe, a device, a link) is written through. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct whole_file {
	const char *path; /* the caller's; outlives it */
	char *temporary;  /* NULL: written through */
	int file;         /* -1: closed */
	char *text;
	size_t size; /* of the text that is not written yet */
};

#define WHOLE_FILE_BYTES ((size_t)128 << 10) /* of the text; whole_file_room gives up to half of it */

/* Opens it; nothing is at `path` that was not there before. Waits for no reader of a pipe. ERR_FAILED with the path in the sentence, as below. */
bool whole_file_open(const char *path, struct whole_file *ret, struct err *err);

/* Appends. */
bool whole_file_add(struct whole_file *file, struct slice bytes, struct err *err);

/* Returns the place for at least `size` bytes (at most WHOLE_FILE_BYTES / 2), NULL: a write failed. whole_file_took says how many were put there. */
char *whole_file_room(struct whole_file *file, size_t size, struct err *err);
static inline void whole_file_took(struct whole_file *file, size_t size) {
	file->size += size;
}

/* Writes what is left, sees that it is on the disk, and gives the file its name. It is closed then, also on failure. */
bool whole_file_commit(struct whole_file *file, struct err *err);

/* Closes it and leaves nothing behind; fine if it is closed already. */
void whole_file_abandon(struct whole_file *file);
