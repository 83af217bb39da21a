/* Snapshots of a replay: exports of parts of its time.
 * In: a source, the span of the replay. Out: files; where each one is stands on stderr. Main thread. */
#pragma once

#include "cmd/replay_source.h"

/* Returns whether any option asks for them. */
bool replay_snapshot_wanted(const struct out_settings *out);

/* Writes those that the options ask for. ERR_FAILED with the option in the sentence; those that were written before stay. */
bool replay_snapshot_write(const struct out_settings *out, const struct replay_source *source, const struct replay_span *span, struct err *err);

/* Reads --replay-snapshot-start and -end, clamped into `within`. ERR_FAILED: also when --replay-snapshot-interval makes too many parts of it. */
bool replay_snapshot_span(const struct out_settings *out, const struct replay_span *within, struct replay_span *ret, struct err *err);

/* Two bounds as options give them; NULL: not given. */
struct replay_bounds {
	const char *option; /* "--replay": they are --replay-start and --replay-end */
	const char *start, *end;
};

/* Reads them, clamped into `within`, whose ends stand for those that are not given. ERR_FAILED: the first lies behind the second. */
bool replay_span_read(const struct replay_bounds *bounds, const struct replay_span *within, struct replay_span *ret, struct err *err);

/* ---- one by one ---- */

struct snapshot {
	struct replay_span span;
	bool last; /* its end belongs to it */
};

/* Returns the first part of a span, as long as --replay-snapshot-interval; without one it is all. */
struct snapshot snapshot_first(const struct out_settings *out, const struct replay_span *span);

struct snapshots;

struct snapshots_setup {
	const struct out_settings *out; /* outlives them, as `source` does */
	const struct replay_source *source;
	struct replay_span span; /* in which all of them lie */
	bool single;             /* a file in --replay-snapshot-out is the name of the only one; else names with their times lie beside it */
};

/* Makes the folder, and sorts the records into a nameless file there: as much work as reading them. NULL: ERR_FAILED. */
struct snapshots *snapshots_open(const struct snapshots_setup *setup, struct err *err);
void snapshots_close(struct snapshots *s);

/* Writes one. ERR_FAILED with the option in the sentence. */
bool snapshots_write(struct snapshots *s, const struct snapshot *part, struct err *err);

/* Returns the path of the last one that was written; NULL: none. */
const char *snapshots_last(const struct snapshots *s);
