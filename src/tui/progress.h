/* One line on stderr that says how the run goes: a bar on a terminal, a plain line every 10 s elsewhere.
 * In: the tally of each tick. Out: text on a descriptor. Main thread. Constant work per tick. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/tally.h"

/* What does not change during a run. */
struct progress_setup {
	int fd;
	bool terminal; /* rewrites one line in place every 250 ms; else a line every 10 s (the first one after 10 s) */
	bool color;
	bool open_loop;
	nsec duration, warmup; /* of the run; warm-up included in the duration */
	uint64_t requests;     /* --requests; 0: none */
};

enum progress_phase { PROGRESS_CONNECT, PROGRESS_WARMUP, PROGRESS_RAMP, PROGRESS_STEADY, PROGRESS_DRAIN };

/* How the run stands at a tick. */
struct progress_moment {
	nsec elapsed; /* since the start line; 0 before it */
	enum progress_phase phase;
	double asked_per_s; /* of the schedule at this moment; closed loop: 0 */
};

struct progress;

/* `setup` is copied. Free with progress_free; the descriptor stays the caller's. Cannot fail. */
struct progress *progress_new(const struct progress_setup *setup);

/* Takes what was counted in this tick (NULL: nothing, as before the start line) and draws if it is time to. Rates and p99 (response times in an open loop,
 * service times in a closed one; p90, p50 or the maximum while fewer than 10 requests lie beyond it) are those of the last 10 s and say so; failures count
 * from the start. A tick brings what was counted up to the one before it: the workers hand over with that delay. The bar follows --requests when that limit is nearer. A terminal that takes nothing now (stopped output) is passed over. */
void progress_tick(struct progress *progress, const struct progress_moment *moment, const struct tally *tick);

/* The run is over: a terminal's line is drawn a last time with the true end ("done", or "stopped" before a limit was reached) and ended by a newline.
 * Call it once, after the last tick; a file gets nothing more. */
void progress_end(struct progress *progress, const struct progress_moment *moment);

/* Takes the line off the terminal, so that something else can be printed; the next tick draws it anew. Registered with base/log.h. */
void progress_hide(struct progress *progress);
void progress_free(struct progress *progress);
