/* What a run looked like at any moment of its replay: frames for the live view, from the records of its log.
 * In: records in any order, then a cursor. Out: frames. A frame costs a few milliseconds however long the run was, memory is bounded. One thread. */
#pragma once

#include <stdbool.h>

#include "record/runlog.h"
#include "stats/frame.h"
#include "stats/replay.h"

#define REPLAY_FRAME_SLOTS 32768          /* of 100 ms, wider in a run of over 54 minutes: a frame has what is over, slot by slot */
#define REPLAY_FRAME_TIMES (5 << 19)      /* struct slot_time of all of them, 30 MB: when response times spread over more, slots become wider too */
#define REPLAY_FRAME_ROW_SLOTS 512        /* the same for each stage and step, so wider in a run of over 51 s ... */
#define REPLAY_FRAME_ROWS_SLOTS (1 << 14) /* ... but so many for all of them together */
#define REPLAY_FRAME_ROWS_TIMES (3 << 18) /* 9 MB; a row may always have HISTLET_SLOTS */
#define REPLAY_FRAME_LONGEST (600 * SEC)  /* how far back a frame can look */

struct replay_frame;

struct replay_frame_setup {
	struct replay_setup records; /* its groups outlive it */
	bool open_loop;              /* due is when a request was asked for */
	nsec from;                   /* where the window of the replay begins, on the clock of the log; no record of it is due before */
};

/* `setup` is copied. Cannot fail. */
struct replay_frame *replay_frame_new(const struct replay_frame_setup *setup);
void replay_frame_free(struct replay_frame *frames);

/* Counts a record of the window: as asked for when due, as sent when sent, all else when it ended. */
void replay_frame_add(struct replay_frame *frames, const struct logged *record);

/* Ends the adding. Returns where the window ends: when the last of its requests ended, but not before `to`. */
nsec replay_frame_close(struct replay_frame *frames, nsec to);

/* Fills a frame of the moment `cursor`, which looks back over `window` ns (cut to 1 s .. REPLAY_FRAME_LONGEST); at the end of the window everything counts.
 * Iterations of scenarios are not in the log, so there are no rows of them. What is the player's is left for the caller: pause, speed, marks, note.
 * What it points to belongs to `frames` and is valid until the next call. */
void replay_frame_fill(struct replay_frame *frames, nsec cursor, nsec window, struct frame *ret);

/* Returns the first moment behind the cursor at which the frame has a failed request more; -1: there is none. */
nsec replay_frame_next_failure(const struct replay_frame *frames, nsec cursor);
