/* JSON, one object with `summary` and `records`; and JSONL, an object a line: the summary, the records, the end. Of a controller, which has no records, the
 * course of the run and the agents stand behind the summary. Schemas: docs/schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "out/fleet_json.h"
#include "out/records_text.h"
#include "out/series_json.h"
#include "out/whole_file.h"

struct json_state {
	struct whole_file file;
	struct arena arena;
	const struct report *report;
	const char *const *steps; /* `,"step_name":"login"`; NULL: no scenarios */
	uint64_t records;
	bool lines; /* JSONL */
};

static bool add(struct json_state *state, const char *text, struct err *err) {
	return whole_file_add(&state->file, slice_of(text), err);
}

static bool put_head(struct json_state *state, const struct records_run *run, struct err *err) {
	struct json *summary = json_new_object();
	if (state->lines) json_put_text(summary, "type", "summary");
	records_put_summary(summary, run);
	char *text = json_format_line(summary);
	bool ok = add(state, state->lines ? "" : "{\n\"summary\": ", err) && add(state, text, err) && add(state, state->lines ? "\n" : ",\n", err);
	free(text);
	json_free(summary);
	return ok;
}

/* Adds an object as a line, or as the members of the whole one. Takes it. */
static bool add_object(struct json_state *state, struct json *object, struct err *err) {
	char *text = json_format_line(object);
	size_t size = strlen(text);
	bool ok = whole_file_add(&state->file, state->lines ? (struct slice){text, size} : (struct slice){text + 1, size - 2}, err) &&
		  add(state, state->lines ? "\n" : ",\n", err);
	free(text);
	json_free(object);
	return ok;
}

struct slot_lines {
	struct json_state *state;
	nsec width;
	bool ok;
	struct err *err;
};

static void put_slot_line(void *user, const struct series_slot *slot) {
	struct slot_lines *lines = user;
	struct json *object = json_new_object();
	json_put_text(object, "type", "series");
	json_put_int(object, "width_ns", lines->width);
	series_json_put_slot(object, slot);
	lines->ok = add_object(lines->state, object, lines->err) && lines->ok;
}

/* What a controller has instead of records: the course of the run, and its agents. */
static bool put_fleet(struct json_state *state, const struct report *report, struct err *err) {
	const struct fleet_report *fleet = report->fleet;
	if (!fleet) return true;
	if (!state->lines) {
		struct json *both = json_new_object();
		series_json_put(both, report->series);
		struct json *agents = json_put_array(both, "agents");
		for (size_t i = 0; i < fleet->count; i++) fleet_json_put_agent(json_put_object(agents, NULL), &fleet->at[i]);
		return add_object(state, both, err);
	}
	struct slot_lines lines = {state, report->series ? series_width(report->series) : 0, true, err};
	if (report->series) series_walk(report->series, put_slot_line, &lines);
	for (size_t i = 0; i < fleet->count && lines.ok; i++) {
		struct json *object = json_new_object();
		json_put_text(object, "type", "agent");
		fleet_json_put_agent(object, &fleet->at[i]);
		lines.ok = add_object(state, object, err);
	}
	return lines.ok;
}

static void json_free_state(struct json_state *state) {
	arena_fini(&state->arena);
	free(state);
}

static bool open_either(const char *path, const struct records_run *run, bool lines, void **ret_state, struct err *err) {
	struct json_state *state = mem_zeroed(1, sizeof(*state));
	arena_init(&state->arena);
	state->report = run->report;
	state->steps = records_name_steps(run->report, false, &state->arena);
	state->lines = lines;
	bool ok = whole_file_open(path, &state->file, err);
	if (ok && !(put_head(state, run, err) && put_fleet(state, run->report, err) && (lines || add(state, "\"records\": [", err)))) {
		whole_file_abandon(&state->file);
		ok = false;
	}
	if (ok)
		*ret_state = state;
	else
		json_free_state(state);
	return ok;
}

static bool json_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	return open_either(path, run, false, ret_state, err);
}

static bool jsonl_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	return open_either(path, run, true, ret_state, err);
}

static bool json_add(void *given, const struct logged *record, struct err *err) {
	struct json_state *state = given;
	char *room = whole_file_room(&state->file, RECORD_TEXT_MAX, err), *at = room;
	if (!room) return false;
	const char *before = state->lines ? "{\"type\":\"record\"," : state->records > 0 ? ",\n{" : "\n{";
	size_t size = strlen(before);
	memcpy(at, before, size);
	at = records_put_record(record, at + size);
	whole_file_took(&state->file, (size_t)(at - room));
	state->records++;
	return (!state->steps || add(state, records_step_of(state->steps, state->report, record), err)) &&
	       add(state, state->lines ? "}\n" : "}", err);
}

static bool json_close(void *given, bool keep, struct err *err) {
	struct json_state *state = given;
	char end[80] = "\n]\n}\n";
	if (state->lines) snprintf(end, sizeof(end), "{\"type\":\"end\",\"records\":%llu}\n", (unsigned long long)state->records);
	bool ok = keep && (add(state, end, err) && whole_file_commit(&state->file, err));
	whole_file_abandon(&state->file);
	json_free_state(state);
	return ok;
}

const struct record_ops json_ops = {.bounded = true, .open = json_open, .add = json_add, .close = json_close};
const struct record_ops jsonl_ops = {.bounded = true, .open = jsonl_open, .add = json_add, .close = json_close};
