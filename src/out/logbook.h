/* The files of the run log of one run, and the threads that write them: one for each shard. Formatting and writing happen there, never on a worker's thread.
 * In: blocks of records through the ports of the workers. Out: files metrics-PID-MS-SHARD.log, flushed at least once a second. Main thread, unless it says otherwise.
 * A file that cannot be written (a full disk) costs its records, which are counted; the run goes on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "record/logport.h"

#define LOGBOOK_SHARDS_MAX 64

struct logbook;

struct logbook_setup {
	const char *folder; /* is made, with its parents (0700), if it is missing */
	unsigned shards, workers;
	nsec range_from, range_to; /* records due in here are counted for logbook_totals.in_range */
};

struct logbook_totals {
	uint64_t written;  /* records that are in the files */
	uint64_t in_range; /* of them: in the range of the setup */
	uint64_t shed;     /* records that a writer was too slow for */
	uint64_t lost;     /* records that could not be written */
	struct err fault;  /* of the first failed write; its text is empty if there was none */
};

/* Makes folder and files and starts the writers. ERR_FAILED with the path in the sentence. */
bool logbook_open(const struct logbook_setup *setup, struct logbook **ret, struct err *err);

/* The ports, `shards` of each worker, those of worker 0 first. They live as long as the logbook. */
struct logport *logbook_ports(const struct logbook *book);

/* Says the first line of each file, with its '\n': once the start of the run is known. Nothing is written before. Copied. */
void logbook_begin(struct logbook *book, const char *line);

/* Returns the first failed write once there is one, and only once; else NULL. */
const struct err *logbook_fault(struct logbook *book);

/* All workers have ended: writes what is left, then the line of `end` (NULL: none; with '\n'), and stops the writers. */
void logbook_drain(struct logbook *book, struct logbook_totals *ret);
void logbook_end(struct logbook *book, const char *line);

/* Paths of the files, `shards` of them. */
const char *const *logbook_paths(const struct logbook *book);

/* Deletes the files (one that is gone already is fine), and the folder if it is empty then. ERR_FAILED with the path in the sentence. */
bool logbook_remove(struct logbook *book, struct err *err);

/* Frees it; the files stay. */
void logbook_close(struct logbook *book);
