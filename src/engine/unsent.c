#include "engine/unsent.h"

#include "plan/script.h"

void unsent_add(const struct plan *plan, struct tally *tally, size_t stage, uint64_t count) {
	const struct group_table *groups = &plan->groups;
	tally->unsent += count;
	tally->cells[0].unsent += count;
	if (groups->first_stage + stage < groups->first_step) tally->cells[groups->first_stage + stage].unsent += count;
}

void unsent_add_iterations(const struct plan *plan, struct tally *tally, uint64_t k, uint64_t count) {
	const struct script *script = plan->source.script;
	const struct group_table *groups = &plan->groups;
	if (!script || script->is_plain) return;
	const struct script_scenario *scenario = script_pick(script, k);
	tally->cells[groups->first_scenario + (size_t)(scenario - script->scenarios)].unsent += count;
	tally->cells[groups->first_step + scenario->first_row].unsent += count;
}
