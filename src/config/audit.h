/* strest config check: everything that can be said about a file without running it.
 * In: a file that was read. Out: text. Lives in the file's arena; main thread. */
#pragma once

#include "config/file.h"

/* Adds the rules across options to the file's findings, and returns all of them in the order of the file, a line each; at the end "FILE: good" if
 * there is no fault. */
const char *audit_write(struct file *file);
