/* A file in memory, mapped and not read: large bodies cost no memory of their own and no time at the start.
 * In: a path. Out: its bytes, until the program ends. Main thread opens; any thread reads.
 *
 * A file that shrinks while it is mapped would end the program with SIGBUS, or make send() fail with EFAULT. Here the pages that it lost read as
 * zeros from then on, and mapped_changed() names it, so that the run ends with its results and an error. */
#pragma once

#include <stdbool.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/str.h"

/* Maps a regular file of at most MAPPED_MAX bytes; an empty one is an empty slice with a pointer that is not NULL. ERR_FAILED with the path in the
 * sentence ("cannot open 'x': ...", "'x' is not a regular file"); the caller puts the option before it. At most MAPPED_FILES files. */
bool mapped_open(const char *path, struct slice *ret, struct err *err);
#define MAPPED_MAX ((size_t)1 << 36)
#define MAPPED_FILES 64

/* Unmaps all files, so that others can be mapped; nobody may look at them any more. */
void mapped_close_all(void);

/* Looks at every page of these pieces (a read of one byte each): after it, sending them does not fail with EFAULT for want of the file. */
void mapped_touch(const struct iovec *iov, int count);

/* Returns the path of a mapped file that lost bytes since it was mapped and was read there; NULL: none. */
const char *mapped_changed(void);
