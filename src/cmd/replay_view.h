/* The interactive replay: the live view of a run from its log, played, sought in, cut into snapshots.
 * In: frames, keys, signals. Out: the terminal, snapshots; where each one is stands on stderr. Main thread. */
#pragma once

#include "cmd/replay_source.h"
#include "stats/replay_frame.h"

/* Returns whether it is shown: stdout is a terminal, and no option is against it. */
bool replay_view_wanted(const struct out_settings *out);

/* All outlives the call. */
struct replay_view_setup {
	const struct out_settings *out;
	const struct replay_source *source;
	const struct replay_span *span; /* of the replay: snapshots lie within */
	struct replay_frame *frames;    /* closed */
	nsec to;                        /* what closing returned */
};

enum replay_view_end {
	REPLAY_VIEW_LEFT,
	REPLAY_VIEW_FAILED,
	REPLAY_VIEW_NONE
}; /* FAILED: a snapshot was not written; NONE: the terminal cannot be drawn on */

/* Shows it until the user leaves or a signal comes. Errors of snapshots are logged; NONE fills err. */
enum replay_view_end replay_view_run(const struct replay_view_setup *setup, struct err *err);
