/* What a replay reads: which files, and what of their records counts.
 * In: settings. Out: records that were judged, by a callback; the lines of a log around them. Texts in the arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "cmd/replay_progress.h"
#include "cmd/replay_runs.h"
#include "out/replay_read.h"

struct replay_source {
	struct replay_input input;
	const char *option;           /* for messages: "--export-csv" */
	const char *words;            /* the file, or the folder */
	const struct replay_run *run; /* NULL: a file */
	bool has_head;
	struct run_head head; /* of a file without one: made up */
	bool judges;          /* --status was given: it decides, not what the run said */
	struct status_set expected;
	struct replay_progress *progress; /* who is told how far each walk has come; NULL: nobody. The caller's */
};

/* Finds the files and reads their head. ERR_FAILED. */
bool replay_source_open(const struct settings *settings, bool status_given, struct arena *arena, struct replay_source *ret, struct err *err);

/* Times of records in ms from the end of the warm-up, both ends inclusive. */
struct replay_span {
	uint64_t from, to;
};

/* What a pass over the records found. */
struct replay_pass {
	struct replay_totals totals;
	bool has_wholes; /* records with all columns */
	uint64_t halves; /* lines of a log that are cut off but look like a record of the original tool; not among the records */
	unsigned ends;   /* last lines */
	bool has_end;
	struct run_end end;         /* of the first file; texts in the arena of the source */
	uint64_t first_ms, last_ms; /* of all records; first > last: none */
};

/* Who gets the records of a span. */
struct replay_taker {
	const struct replay_span *span;
	void (*each)(void *user, const struct logged *record); /* NULL: none of them */
	void *user;
};

/* Reads all records once; texts of *ret are in the arena. ERR_FAILED. */
bool replay_source_walk(
	const struct replay_source *source, const struct replay_taker *taker, struct arena *arena, struct replay_pass *ret, struct err *err);
