/* A record of an export in JSON as the line of a run log that says the same.
 * In: the text of an object. Out: a line. The caller's memory; any thread. */
#pragma once

#include "base/str.h"
#include "record/runlog.h"

enum replay_object { OBJECT_RECORD, OBJECT_OTHER, OBJECT_BAD }; /* OTHER: its "type" is not "record"; BAD: no object, or columns are missing */

struct replay_line {
	size_t size;
	char at[RUNLOG_LINE_MAX];
};

/* Fills *ret of a RECORD. Objects as exports have them are read here, all others by base/json_read.h: what is refused is the same. */
enum replay_object replay_object_read(struct slice text, struct replay_line *ret);
