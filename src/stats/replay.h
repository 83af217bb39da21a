/* A run counted again from its records: what its workers had counted, and its course.
 * In: records in any order. Out: sums for report_build. Memory is bounded whatever the number of records. One thread. */
#pragma once

#include "record/runlog.h"
#include "stats/series.h"

#define REPLAY_SLOTS 256 /* of the course, of one second; when the run is longer they become wider */

struct replay_setup {
	const struct group_table *groups;
	nsec warmup;      /* the times of records begin at its end */
	size_t url_count; /* rows of a list of URLs; 0: none */
};

struct replay {
	struct replay_setup setup;
	uint64_t records;
	uint64_t first_ms, last_ms; /* due of the first and the last record, cut off */
	nsec last_done;
	struct tally *tally;
	struct totals *totals;
	uint64_t (*step_reasons)[REASON_COUNT]; /* NULL: no steps */
	struct digest *urls;                    /* NULL: no list */
	/* Its own. */
	nsec width;
	struct tally *slots[REPLAY_SLOTS];
};

struct replay *replay_new(const struct replay_setup *setup);
void replay_free(struct replay *replay);

/* Returns the row of the stage that a due time from the start of the run lies in; 0: there are no stages. */
size_t replay_stage(const struct group_table *groups, nsec due);

/* Returns the row that a record counts in: a step or URL that the head does not know counts as the last one. */
uint16_t replay_row(const struct replay_setup *setup, uint16_t row);

/* Counts a record of the window. */
void replay_add(struct replay *replay, const struct logged *record);

/* Makes the course of the run from it; `window` is the time behind the warm-up. Once. The caller frees it. */
struct series *replay_series(const struct replay *replay, nsec window);
