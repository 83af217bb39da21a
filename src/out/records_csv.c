/* CSV: the names of the columns, then a line for each request, as in the run log. */
#include <stdlib.h>

#include "base/arena.h"
#include "out/records.h"
#include "out/whole_file.h"

static bool csv_close(void *state, bool keep, struct err *err) {
	struct whole_file *file = state;
	bool ok = keep && whole_file_commit(file, err);
	whole_file_abandon(file);
	free(file);
	return ok;
}

static bool csv_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	(void)run;
	struct whole_file *file = mem_alloc(sizeof(*file));
	if (!whole_file_open(path, file, err)) {
		free(file);
		return false;
	}
	bool ok = true;
	for (int i = 0; ok && i < RUNLOG_COLUMNS; i++)
		ok = whole_file_add(file, slice_of(runlog_columns[i]), err) &&
		     whole_file_add(file, i + 1 < RUNLOG_COLUMNS ? SLICE(",") : SLICE("\n"), err);
	*ret_state = file;
	return ok || csv_close(file, false, err);
}

static bool csv_add(void *state, const struct logged *record, struct err *err) {
	char *room = whole_file_room(state, RUNLOG_LINE_MAX, err);
	if (!room) return false;
	whole_file_took(state, runlog_format(record, 0, room));
	return true;
}

const struct record_ops csv_ops = {.bounded = true, .open = csv_open, .add = csv_add, .close = csv_close};
