/* The files of a service, and those that it will read.
 * In: absolute paths. Out: files written whole or not at all; what may be read by whom. Main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SERVICE_TOKEN_MAX 4096 /* bytes */

struct service_found {
	bool for_all;   /* a user without rights of its own can read it (or start it), in a service that has a /tmp of its own */
	long long size; /* bytes; 0: this process may not know */
};

/* Looks a file up. ERR_FAILED: it is not there, or is no regular file. */
bool service_files_find(const char *path, bool executable, struct service_found *ret, struct err *err);

enum service_owner { SERVICE_NOBODY, SERVICE_OURS, SERVICE_FOREIGN };

/* Tells whether a file is there, and whether it is one of ours (cmd/service_unit.h). ERR_FAILED: that cannot be known. */
bool service_files_owner(const char *path, enum service_owner *ret, struct err *err);

/* Puts a file with these permissions in the place of the one that is there, in one step. ERR_FAILED. */
bool service_files_write(const char *path, struct slice text, unsigned mode, struct err *err);

/* Removes a file; one that is not there is fine. ERR_FAILED. */
bool service_files_remove(const char *path, struct err *err);

/* Reads a token: all of a file but the line end behind it. ERR_FAILED: cannot be read, empty, or more than one line. */
bool service_files_token(const char *path, struct arena *arena, const char **ret, struct err *err);
