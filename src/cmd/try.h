/* What `strest scenario try` shows: each request and its answer.
 * In: exchanges, from the one worker's thread. Out: text on stdout, at once. */
#pragma once

#include "engine/run.h"

struct try {
	bool has_failed;  /* a step has */
	size_t completed; /* iterations that are over */
};

void try_hook(struct try *try, struct run_hooks *ret);
