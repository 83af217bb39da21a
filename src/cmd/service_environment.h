/* The variables that a service is started with: its tokens, and those that stand as ${NAME} in its config file.
 * In: settings, and where tokens come from. Out: names and values. Texts in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cmd/service_arguments.h"
#include "cmd/service_unit.h"

#define SERVICE_VARIABLES_MAX 80

struct service_environment {
	size_t count;
	struct service_variable at[SERVICE_VARIABLES_MAX];
	const char *files[SERVICE_VARIABLES_MAX]; /* of a value that is still to be read; else NULL */
};

/* Finds the variables; reads no file of a token yet. A token of the config file, or of a file that is named there, stays where it is. ERR_FAILED: a value has
 * control characters; the config file cannot be read again. */
bool service_environment_read(const struct service_origin *origin, struct arena *arena, struct service_environment *ret, struct err *err);

/* Reads the files of tokens. ERR_FAILED with the option in the sentence. */
bool service_environment_fill(struct service_environment *environment, struct arena *arena, struct err *err);
