/* What a run looks like now: frames for the live view, from the ticks of the run.
 * In: the merged tally of each tick. Out: frames. The work for a frame does not depend on the rate, memory is bounded. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "record/group.h"
#include "record/strain.h"
#include "record/tally.h"
#include "stats/frame.h"

#define LIVE_LONGEST (600 * SEC) /* how far back a frame can look */

struct live;

/* What does not change during a run. */
struct live_setup {
	nsec duration;
	uint64_t requests;       /* --requests; 0: none */
	uint64_t in_flight_most; /* 0: no limit */
	unsigned threads;
	const struct group_table *groups; /* outlives it */
};

/* How the run stands at a tick. */
struct live_moment {
	nsec elapsed; /* since the start line; 0 before it */
	enum frame_phase phase;
	double asked_per_s; /* requests, at this moment; -1: a closed loop */
};

/* `setup` is copied. Cannot fail. */
struct live *live_new(const struct live_setup *setup);
void live_free(struct live *live);

/* Takes what was counted since the last call; NULL: nothing. A few ten microseconds and some per group. */
void live_add(struct live *live, const struct live_moment *moment, const struct tally *tick);

/* Takes what the workers and their machine have told so far (engine/run.h, run_read_strain); copied. What is not known in it is no cause. */
void live_heed(struct live *live, const struct strain *strain);

/* Takes rows of agents, which stand behind the others; `rows` and their texts outlive it and may change between frames. At most FRAME_ROWS in all are shown. */
void live_tell_agents(struct live *live, const struct frame_row *rows, size_t count);

/* Keeps a copy of the last warning, for the frames to come. */
void live_warn(struct live *live, const char *text);

/* Fills a frame that looks back over `window` ns (cut to 1 s .. LIVE_LONGEST); about a millisecond. Figures of the run are of what was due after the
 * warm-up. Requests that are open count among all, not among ok. What it points to belongs to `live` and is valid until the next call with it.
 * Rates are those of the last second, what was asked for too: in a ramp the two can be compared.
 * The light names the causes that the verdict (stats/verdict.h) would find if the run ended now, of what is known meanwhile; without one it is "target", or
 * "target, or --max-tasks" when all requests at once are in flight and more than a few wait to be sent. It is judged anew once in a second. */
void live_frame(struct live *live, nsec window, struct frame *ret);
