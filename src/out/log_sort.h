/* The records of a run log in the order of their due times: an external merge sort, in constant memory.
 * In: files of shards, each in the order of completion, or records one by one. Out: records, by a callback. One thread.
 * Runs of LOG_SORT_RUN records are sorted in memory and lie in one file without a name beside the log; up to LOG_SORT_FAN of them are merged at once.
 * Source: D. E. Knuth, The Art of Computer Programming, volume 3, section 5.4. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "record/runlog.h"

#define LOG_SORT_RUN (1 << 17) /* records: 18 MB */
#define LOG_SORT_FAN 256       /* each has a buffer of LOG_SORT_BUFFER records */
#define LOG_SORT_BUFFER 512

struct log_sort {
	unsigned count;
	const char *const *paths;
	const char *folder;   /* for what does not fit the memory */
	uint32_t run_records; /* sorted in memory at once; 0: LOG_SORT_RUN. For tests */
};

struct log_sort_totals {
	uint64_t records;
	uint64_t skipped; /* lines that are no record and no comment, one that is cut off included */
};

/* Called for each record, those of one time in the order of the files. False: no more are wanted. */
typedef bool log_sort_each(void *user, const struct logged *record);

/* Reads all files and calls `each`. ERR_FAILED with the path in the sentence; `each` may have been called before. */
bool log_sort_walk(const struct log_sort *input, log_sort_each *each, void *user, struct log_sort_totals *ret, struct err *err);

/* ---- records that come from elsewhere ---- */

struct log_sorter;

/* `folder` and `err` outlive it; `run_records` as above. */
struct log_sorter *log_sorter_new(const char *folder, uint32_t run_records, struct err *err);
void log_sorter_free(struct log_sorter *sorter);

/* Takes a record. False: ERR_FAILED in the err given to log_sorter_new(), nothing more may be added. */
bool log_sorter_add(struct log_sorter *sorter, const struct logged *record);

/* Calls `each` for all of them, those of one time in the order of adding. Once. False: as log_sorter_add(). */
bool log_sorter_walk(struct log_sorter *sorter, log_sort_each *each, void *user);
