/* One step made ready. For plan/script*.c only.
 * In: a step as written, names that stand for something. Out: struct script_step. Main thread. */
#pragma once

#include "plan/script.h"

/* A name whose value is known only in the run. */
struct script_slot {
	struct slice name;
	const char *file; /* the data file that it is a column of; NULL: it is extracted */
	size_t from_step; /* it has a value from behind this step on (from 1); 0: from the beginning */
};

/* A script that is being made. */
struct script_making {
	const struct script_inputs *inputs;
	struct arena *arena;
	struct script *script;
	size_t slot_count;
	struct script_slot *slots;
	size_t own_slots;  /* those of the present scenario begin here; those before are data columns, or other scenarios' */
	size_t data_slots; /* data columns */
	size_t preset_count;
	struct script_preset *presets;
	const struct scenario *scenario; /* the present one */
};

/* Returns the index of a slot from `first` on, slot_count: there is none of this name. */
size_t making_find_slot(const struct script_making *making, size_t first, struct slice name);

/* Returns what a key of the present scenario is called, "scenario.data", "scenarios.buy.data". */
const char *making_path(const struct script_making *making, const char *key);

/* A step that is being made. */
struct step_making {
	const struct script_making *script;
	const struct scenario_step *from;
	size_t index;
	struct template_scope scope;
	struct script_step *to;
	bool good;
};

/* A text, and what it is called where it is written. */
struct step_text {
	const char *text; /* NULL: not given */
	struct tree_place at;
	const char *path; /* "scenario.steps, step 2, url", "--url" */
};

/* Returns what a key of the step is called, "scenario.steps, step 2, KEY". */
const char *step_path(const struct step_making *making, const char *key);

/* Adds the fault "PATH: ..." at the text's place, unless it stands there already: what a scenario says is read once for each step. Returns false. */
bool step_fault(struct step_making *making, const struct step_text *text, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Compiles `bytes`, which are made of the text. NULL with a fault. */
const struct template *step_compile(struct step_making *making, const struct step_text *text, enum template_place place, const char *bytes);

/* Makes step `index` of the present scenario. False with faults in making->inputs->findings. */
bool script_step_make(const struct script_making *making, size_t index, struct script_step *ret);

/* Frees its patterns. */
void script_step_free(const struct script_step *step);
