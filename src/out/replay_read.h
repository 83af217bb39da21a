/* Files that a run left of its requests, read again: run logs, CSV, JSON and JSON lines, ours and those of the reference tool.
 * In: paths. Out: records, and the lines of a log that begin with '#', by callbacks; nothing is kept, so a file may have any size. One thread.
 * What cannot be read is counted and left out; only a file that cannot be opened is an error. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "record/runlog.h"

enum replay_kind { REPLAY_LINES, REPLAY_JSON, REPLAY_JSONL }; /* LINES: of a run log, or CSV */

#define REPLAY_LINE_MAX ((size_t)4 << 20) /* bytes of a line, or of a record as JSON; a longer one is counted as unreadable */

struct replay_input {
	enum replay_kind kind;
	unsigned count;
	const char *const *paths;
	size_t chunk; /* bytes read at once; 0: REPLAY_CHUNK. For tests */
};
#define REPLAY_CHUNK ((size_t)256 << 10)

/* `from_reference`: the record has only the columns of the reference tool; whether its status is good is for the caller to say. */
struct replay_reader {
	void (*record)(void *user, const struct logged *record, bool from_reference);
	void (*comment)(void *user, struct slice line);            /* without its '\n'; NULL: not wanted */
	void (*progress)(void *user, unsigned file, size_t bytes); /* so many more were read of the file of this index; NULL: not wanted */
	void *user;
};

struct replay_totals {
	uint64_t records;
	uint64_t skipped;       /* lines that are no record, or objects; the cut one included */
	uint64_t first_skipped; /* number of the first one, from 1, and its file; 0: none */
	const char *skipped_path;
	bool cut; /* a file ends in the middle of one */
};

/* Reads all files in their order. ERR_FAILED with the path in the sentence. */
bool replay_read(const struct replay_input *input, const struct replay_reader *reader, struct replay_totals *ret, struct err *err);
