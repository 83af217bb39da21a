/* CSV: the names of the columns, then a line for each request, as in the run log; with scenarios the name of its step behind them. */
#include <stdlib.h>

#include "out/records_text.h"
#include "out/whole_file.h"

struct csv_state {
	struct whole_file file;
	struct arena arena;
	const struct report *report;
	const char *const *steps; /* NULL: no scenarios */
};

static bool csv_close(void *given, bool keep, struct err *err) {
	struct csv_state *state = given;
	bool ok = keep && whole_file_commit(&state->file, err);
	whole_file_abandon(&state->file);
	arena_fini(&state->arena);
	free(state);
	return ok;
}

static bool csv_put_titles(struct csv_state *state, struct err *err) {
	bool ok = true;
	for (int i = 0; ok && i < RUNLOG_COLUMNS; i++)
		ok = (i == 0 || whole_file_add(&state->file, SLICE(","), err)) && whole_file_add(&state->file, slice_of(runlog_columns[i]), err);
	return ok && whole_file_add(&state->file, state->steps ? SLICE(",step_name\n") : SLICE("\n"), err);
}

static bool csv_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	struct csv_state *state = mem_zeroed(1, sizeof(*state));
	if (!whole_file_open(path, &state->file, err)) {
		free(state);
		return false;
	}
	arena_init(&state->arena);
	state->report = run->report;
	state->steps = records_name_steps(run->report, true, &state->arena);
	*ret_state = state;
	return csv_put_titles(state, err) || csv_close(state, false, err);
}

static bool csv_add(void *given, const struct logged *record, struct err *err) {
	struct csv_state *state = given;
	char *room = whole_file_room(&state->file, RUNLOG_LINE_MAX, err);
	if (!room) return false;
	size_t size = runlog_format(record, 0, room);
	if (!state->steps) {
		whole_file_took(&state->file, size);
		return true;
	}
	room[size - 1] = ','; /* the line ends behind the name */
	whole_file_took(&state->file, size);
	return whole_file_add(&state->file, slice_of(records_step_of(state->steps, state->report, record)), err) &&
	       whole_file_add(&state->file, SLICE("\n"), err);
}

const struct record_ops csv_ops = {.bounded = true, .open = csv_open, .add = csv_add, .close = csv_close};
