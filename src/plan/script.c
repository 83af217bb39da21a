#include "plan/script.h"

#include "config/secret.h"
#include "plan/draw.h"
#include "plan/script_step.h"

#define STREAM 0x5ce4a210 /* of draws: which scenario an iteration is of */

/* Texts of the command line that may be templates. */
static bool script_has_templates(const struct http_settings *http) {
	bool has = template_is_in(slice_of(http->url)) || template_is_in(slice_of(http->data));
	for (size_t i = 0; i < http->headers.count; i++) has = has || template_is_in(slice_of(http->headers.at[i]));
	return has;
}

bool script_is_wanted(const struct settings *settings) {
	return settings->scenarios.count > 0 || (!settings->http.urls_from_file && script_has_templates(&settings->http));
}

/* Returns how many scenarios take part: [scenario] alone, or all. */
static size_t script_count_scenarios(const struct scenario_set *set) {
	return set->is_single ? 1 : set->count;
}

/* Returns the data column of a name; NULL: there is none. */
static const struct script_slot *script_find_column(const struct script_making *making, struct slice name) {
	for (size_t i = 0; i < making->data_slots; i++)
		if (slice_equal(making->slots[i].name, name)) return &making->slots[i];
	return NULL;
}

static struct script_slot *script_add_slot(struct script_making *making, struct slice name) {
	struct script_slot *slot = &making->slots[making->slot_count++];
	*slot = (struct script_slot){.name = name};
	return slot;
}

/* Refuses a name under which nobody would get at the value. `path`: of the table that it stands in. */
static bool script_check_name(const struct script_making *making, const struct placed *name, const char *path) {
	struct slice text = slice_of(name->text);
	const struct script_slot *column = script_find_column(making, text);
	struct findings *findings = making->inputs->findings;
	if (template_is_built_in(text)) return findings_add(findings, name->at, "%s: '%s' is built in; write another name", path, name->text);
	if (!column) return true;
	return findings_add(findings, name->at, "%s: '%s' is a column of %s, too; write another name", path, name->text, column->file);
}

/* Each column of a file is a slot, and has its value from the beginning of an iteration on. */
static bool script_add_columns(struct script_making *making, const struct data *data) {
	bool good = true;
	const struct data_file *file = data->file;
	for (size_t column = 0; column < data->column_count; column++) {
		struct slice name = data->columns[column];
		const struct script_slot *other = script_find_column(making, name);
		if (other)
			good = findings_add(making->inputs->findings, file->path.at,
				"data: %s:1: '%.*s' is a column of %s, too; give one of them another name", file->path.text, (int)name.size, name.at,
				other->file);
		making->presets[making->preset_count++] = (struct script_preset){.slot = making->slot_count, .data = data, .column = column};
		script_add_slot(making, name)->file = file->path.text;
	}
	making->data_slots = making->slot_count;
	return good;
}

static bool script_read_data(struct script_making *making, const struct scenario_set *set) {
	bool good = true;
	struct data *data = arena_array(making->arena, set->data_count, sizeof(*data));
	for (size_t i = 0; i < set->data_count; i++) {
		struct err err;
		if (!data_load(&set->data[i], making->arena, &data[i], &err)) {
			good = findings_add(making->inputs->findings, set->data[i].path.at, "%s", err.text);
			continue;
		}
		if (!script_add_columns(making, &data[i])) good = false;
		if (set->data[i].order == DATA_UNIQUE && data[i].row_count < making->script->iterations_max)
			making->script->iterations_max = data[i].row_count;
	}
	return good;
}

/* Room for all slots there may be: columns, and one for each extraction. */
static void script_make_room(struct script_making *making, const struct scenario_set *set) {
	size_t room = set->data_count * DATA_COLUMNS_MAX;
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < set->at[i].step_count; j++) room += set->at[i].steps[j].extract_count;
	making->slots = arena_array(making->arena, room, sizeof(*making->slots));
	making->presets = arena_array(making->arena, room, sizeof(*making->presets));
}

/* Returns the value that the scenario's `vars` give to a name; NULL: none. */
static const char *script_find_var(const struct scenario *from, struct slice name) {
	for (size_t i = 0; i < from->vars.count; i++)
		if (slice_equal(slice_of(from->vars.at[i].name.text), name)) return from->vars.at[i].value.text;
	return NULL;
}

/* An extraction is a slot of its scenario; what `vars` says of it is its value until then. */
static void script_add_extract(struct script_making *making, struct slice name, size_t step) {
	const char *preset = script_find_var(making->scenario, name);
	if (making_find_slot(making, making->own_slots, name) < making->slot_count) return;
	if (preset) making->presets[making->preset_count++] = (struct script_preset){.slot = making->slot_count, .value = slice_of(preset)};
	script_add_slot(making, name)->from_step = preset ? 0 : step;
}

/* Checks the names of the present scenario, and adds its extractions. */
static bool script_add_names(struct script_making *making) {
	const struct scenario *from = making->scenario;
	bool good = true;
	making->own_slots = making->slot_count;
	for (size_t i = 0; i < from->vars.count; i++) good = script_check_name(making, &from->vars.at[i].name, making_path(making, "vars")) && good;
	for (size_t i = 0; i < from->step_count; i++) {
		const struct scenario_step *step = &from->steps[i];
		const char *steps = making_path(making, "steps");
		const char *vars = arena_format(making->arena, "%s, step %zu, vars", steps, i + 1);
		const char *extract = arena_format(making->arena, "%s, step %zu, extract", steps, i + 1);
		for (size_t k = 0; k < step->vars.count; k++) good = script_check_name(making, &step->vars.at[k].name, vars) && good;
		for (size_t k = 0; k < step->extract_count; k++) {
			good = script_check_name(making, &step->extracts[k].name, extract) && good;
			script_add_extract(making, slice_of(step->extracts[k].name.text), i + 1);
		}
	}
	return good;
}

static bool script_add_scenario(struct script_making *making, const struct scenario *from, struct script_scenario *ret) {
	struct script *script = making->script;
	struct script_step *steps = arena_array(making->arena, from->step_count, sizeof(*steps));
	making->scenario = from;
	bool good = script_add_names(making);
	script->weight += from->weight;
	*ret = (struct script_scenario){
		.name = from->name.text ? from->name.text : "scenario",
		.until = script->weight,
		.first_row = (uint32_t)script->step_count,
		.no_cookies = from->no_cookies,
		.is_restarting = from->is_restarting,
		.step_count = from->step_count,
		.steps = steps,
	};
	for (size_t i = 0; i < from->step_count; i++) {
		if (!script_step_make(making, i, &steps[i])) good = false;
		script->wants_head = script->wants_head || steps[i].wants_head || !from->no_cookies;
		script->wants_body = script->wants_body || steps[i].wants_body;
		script->step_count++;
	}
	if (from->step_count > script->step_most) script->step_most = from->step_count;
	script->step_mean += (double)from->step_count * (double)from->weight;
	return good;
}

static bool script_add_scenarios(struct script_making *making) {
	const struct scenario_set *set = &making->inputs->settings->scenarios;
	struct script *script = making->script;
	size_t count = script_count_scenarios(set);
	struct script_scenario *scenarios = arena_array(making->arena, count, sizeof(*scenarios));
	script_make_room(making, set);
	bool good = script_read_data(making, set);
	if (!good) return false; /* what the columns are called is not known */
	script->path = set->path;
	for (size_t i = 0; i < count; i++)
		if (!script_add_scenario(making, &set->at[i], &scenarios[i])) good = false;
	script->scenarios = scenarios;
	script->scenario_count = count;
	return good;
}

/* The templates of the command line: a scenario of one step. */
static bool script_add_plain(struct script_making *making) {
	static const struct scenario_step step = {.method = -1};
	static const struct scenario plain = {.no_cookies = true, .weight = 1, .step_count = 1, .method = -1, .steps = &step};
	struct script *script = making->script;
	struct script_scenario *scenario = arena_alloc(making->arena, sizeof(*scenario));
	script->is_plain = true;
	script->scenarios = scenario;
	script->scenario_count = 1;
	return script_add_scenario(making, &plain, scenario);
}

bool script_build(const struct script_inputs *inputs, struct arena *arena, struct script **ret) {
	struct script *script = arena_alloc(arena, sizeof(*script));
	struct script_making making = {.inputs = inputs, .arena = arena, .script = script};
	script->seed = inputs->settings->load.seed;
	script->iterations_max = UINT64_MAX;
	bool good = inputs->settings->scenarios.count > 0 ? script_add_scenarios(&making) : script_add_plain(&making);
	if (script->weight > 0) script->step_mean /= (double)script->weight;
	script->slot_count = making.slot_count;
	script->preset_count = making.preset_count;
	script->presets = making.presets;
	*ret = script;
	if (good) return true;
	script_free(script);
	return false;
}

void script_free(struct script *script) {
	for (size_t i = 0; script && i < script->scenario_count; i++)
		for (size_t j = 0; j < script->scenarios[i].step_count; j++) script_step_free(&script->scenarios[i].steps[j]);
}

void script_try(struct script *script) {
	script->is_tried = script->wants_head = script->wants_body = true;
	if (script->scenario_count < script->iterations_max) script->iterations_max = script->scenario_count;
}

const char *script_describe(const struct script *script, struct arena *arena) {
	const char *steps = script->step_count == 1 ? "step" : "steps";
	if (script->scenario_count == 1) return arena_format(arena, "a scenario of %zu %s (%s)", script->step_count, steps, script->path);
	return arena_format(arena, "%zu scenarios of %zu %s (%s)", script->scenario_count, script->step_count, steps, script->path);
}

const struct script_scenario *script_pick(const struct script *script, uint64_t n) {
	const struct script_scenario *scenario = script->scenarios;
	if (script->scenario_count == 1) return scenario;
	if (script->is_tried) return &scenario[n % script->scenario_count];
	uint64_t draw = draw_below(draw_bits(script->seed, n, STREAM), script->weight);
	while (draw >= scenario->until) scenario++;
	return scenario;
}

uint64_t script_iterations(const struct script *script, uint64_t first, uint64_t requests) {
	uint64_t count = 0, steps = 0;
	if (script->scenario_count == 1) return (requests - 1) / script->step_most + 1;
	while (steps < requests) steps += script_pick(script, first + count++)->step_count;
	return count;
}
