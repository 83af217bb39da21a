/* The files and variables of the environment that a run reads, by name: those of this machine, or those that a controller handed over, and then no others.
 * In: names. Out: descriptors, bytes. Main thread.
 *
 * A controller notes which of them it read while it made its plan ready, and sends their bytes (files_each). An agent that was given files (files_give)
 * finds them under the same names, in memory; what it was not given is not there, whatever lies on its disk or in its environment. A variable is
 * noted and given as "${NAME}". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#define FILES_MOST 64 /* of a run */

/* Opens a file to read from its beginning; the caller closes it. -1, errno tells why. Does not wait for whoever writes a pipe. */
int files_open(const char *name);

/* Returns the value of a variable of the environment; NULL: it is not set. Valid until the next function of this header. */
const char *files_variable(const char *name);

/* From now on the names that are opened are noted, each once; what was noted or given before is forgotten. */
void files_note(void);

/* Reads all of each file that was noted and hands its bytes over. ERR_FAILED: a file cannot be read again, is none (a pipe), or all together are larger
 * than `most`; the sentence names it. */
typedef void files_each_fn(void *user, const char *name, struct slice bytes);
bool files_each(size_t most, files_each_fn *each, void *user, struct err *err);

/* From now on only files that are given can be opened; those given before are forgotten. */
void files_seal(void);

/* Gives a file: a copy of the bytes is kept in memory. ERR_FAILED: there are FILES_MOST already, or memory cannot be had. */
bool files_give(const char *name, struct slice bytes, struct err *err);
#define FILES_NAME 4096 /* bytes of a name, its end included */

/* Forgets what was noted or given: all files are those of this machine again. */
void files_reset(void);
