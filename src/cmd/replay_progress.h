/* How far the reading of a replay's files has come: one line on a terminal's stderr, rewritten in place, from half a second on.
 * In: bytes that were read. Out: text. Main thread; a clock reading for each call. */
#pragma once

#include "out/replay_read.h"

struct replay_progress {
	bool on;         /* stderr is a terminal */
	bool drawn;      /* the line stands there */
	unsigned files;  /* in each pass */
	unsigned passes; /* over all files */
	uint64_t total;  /* bytes of all passes; 0: not known */
	uint64_t done;
	nsec next; /* CLOCK_MONOTONIC: when it is drawn again */
};

/* Looks at the size of the files; `passes` >= 1: how often they will be read. */
void replay_progress_begin(struct replay_progress *progress, const struct replay_input *input, unsigned passes);

/* Counts bytes of a file (its index); may draw. */
void replay_progress_add(struct replay_progress *progress, unsigned file, size_t bytes);

/* Takes the line away. It may be called again. */
void replay_progress_end(struct replay_progress *progress);
