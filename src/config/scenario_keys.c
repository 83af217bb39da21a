#include "config/scenario_keys.h"

#include <ctype.h>
#include <inttypes.h>

#include "config/quote.h"

#define NAME_MAX_BYTES 64
#define WEIGHT_MAX 1000000
#define WORDS "schema_version|base_url|method|headers|data|vars|cookies|on_failure|steps"

/* All scenarios of a file being read. */
struct reader {
	struct keys *keys;
	struct settings *scratch;
	struct scenario_set *set;
	size_t steps; /* of all so far */
};

static void read_version(const struct scenario_field *f) {
	const struct tree *node = keys_find(f->table, "schema_version");
	uint64_t version;
	if (!node || !scenario_field_count(f, "schema_version", UINT32_MAX, &version) || version == 1) return;
	findings_add(f->keys->findings, node->at, "%s: '%" PRIu64 "' is a version that strest does not know; write %s",
		scenario_field_path(f, "schema_version"), version, keys_show(f->keys, "schema_version", "1"));
}

static void read_weight(const struct scenario_field *f, struct scenario *scenario) {
	const struct tree *node = keys_find(f->table, "weight");
	if (!node || !scenario_field_count(f, "weight", WEIGHT_MAX, &scenario->weight)) return;
	scenario->given = (struct placed){node->kind == TREE_TEXT ? node->text.at : keys_write_bare(node, f->keys->arena), node->at};
}

/* Returns whether the step has a name of its own. */
static bool is_named(const struct scenario_step *step) {
	return step->name.at.line != step->at.line || step->name.at.column != step->at.column;
}

/* Two steps of one name would be one row of the results. */
static void check_names(const struct scenario_field *f, const struct scenario_step *steps, size_t count) {
	struct quote quote;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count && is_named(&steps[i]); k++) {
			if (k == i || (k > i && is_named(&steps[k])) || strcmp(steps[i].name.text, steps[k].name.text) != 0) continue;
			findings_add(f->keys->findings, steps[i].name.at, "%s, step %zu, name: %s is step %zu, too; write another one",
				scenario_field_path(f, "steps"), i + 1, quote_text(&quote, slice_of(steps[i].name.text)), k + 1);
			break;
		}
	}
}

/* Returns how a step is begun. */
static const char *show_step(const struct scenario_field *f) {
	const char *path = scenario_field_path(f, "steps");
	if (f->keys->origins->syntax == VALUE_JSON) return "\"steps\": [{\"path\": \"/\"}]";
	return arena_format(f->keys->arena, "[[%s]] and below it path = \"/\"", path);
}

static void read_steps(struct reader *r, const struct scenario_field *f, struct scenario *scenario) {
	struct keys *keys = r->keys;
	const struct tree *array = keys_find(f->table, "steps");
	const char *path = scenario_field_path(f, "steps"), *advice = arena_format(keys->arena, "write %s", show_step(f));
	struct scenario_step *steps;
	size_t count = 0;
	if (array && array->kind != TREE_ARRAY) {
		keys_refuse_kind(keys, array, path, "an array of tables", advice);
		return;
	}
	if (!array || !array->count) {
		findings_add(keys->findings, array ? array->at : f->table->key_at, "%s: no step; %s", array ? path : f->path, advice);
		return;
	}
	steps = arena_array(keys->arena, array->count < SCENARIO_STEPS_MAX ? array->count : SCENARIO_STEPS_MAX, sizeof(*steps));
	for (const struct tree *table = array->first; table; table = table->next) {
		const char *own = arena_format(keys->arena, "%s, step %zu", path, count + 1);
		const struct scenario_field step = {keys, r->scratch, table, own, arena_format(keys->arena, "%s, ", own)};
		if (r->steps == SCENARIO_STEPS_MAX) {
			findings_add(keys->findings, table->at, "%s: too many steps; write at most %d in all scenarios together", path,
				SCENARIO_STEPS_MAX);
			break;
		}
		scenario_step_keys_read(&step, count + 1, &steps[count]);
		count++;
		r->steps++;
	}
	check_names(f, steps, count);
	scenario->step_count = count;
	scenario->steps = steps;
}

/* One scenario; `name` is empty for the one that has none. */
static void read_scenario(struct reader *r, const struct tree *table, const char *path, struct placed name) {
	struct keys *keys = r->keys;
	const struct scenario_field f = {keys, r->scratch, table, path, arena_format(keys->arena, "%s.", path)};
	struct scenario *scenario = &r->set->at[r->set->count];
	bool cookies = true;
	int on_failure = 0;
	if (table->kind != TREE_TABLE) {
		keys_refuse_kind(keys, table, path, "a table", "write one with its steps");
		return;
	}
	*scenario = (struct scenario){.at = table->key_at, .name = name, .method = -1, .weight = 1};
	scenario_field_check_keys(&f, name.text ? WORDS "|weight" : WORDS);
	read_version(&f);
	scenario_field_url(&f, "base_url", false, &scenario->base_url);
	scenario_field_method(&f, &scenario->method);
	scenario->has_headers = scenario_field_headers(&f, &scenario->headers);
	scenario_field_text(&f, "data", &scenario->data);
	scenario_field_vars(&f, &scenario->vars);
	scenario_field_truth(&f, "cookies", &cookies);
	scenario->no_cookies = !cookies;
	scenario_field_choice(&f, "on_failure", "continue|restart", &on_failure);
	scenario->is_restarting = on_failure == 1;
	if (name.text) read_weight(&f, scenario);
	read_steps(r, &f, scenario);
	r->set->count++;
}

/* Letters, digits, '_' and '-': a name stands in results, and in front of a '/'. */
static bool check_name(struct keys *keys, const struct tree *node) {
	struct quote quote;
	size_t size = strlen(node->key);
	bool good = size > 0;
	for (const char *c = node->key; *c; c++) good = good && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
	if (!good)
		return findings_add(keys->findings, node->key_at, "scenarios: %s is no name of a scenario; write letters, digits, '_' and '-'",
			quote_text(&quote, slice_of(node->key)));
	if (size <= NAME_MAX_BYTES) return true;
	return findings_add(keys->findings, node->key_at, "scenarios: the name %s is too long; write at most %d characters",
		quote_text(&quote, slice_of(node->key)), NAME_MAX_BYTES);
}

static void read_named(struct reader *r, const struct tree *table) {
	struct keys *keys = r->keys;
	if (table->kind != TREE_TABLE) {
		keys_refuse_kind(keys, table, "scenarios", "a table", "write a table for each, such as scenarios.login with its steps");
		return;
	}
	for (const struct tree *node = table->first; node; node = node->next) {
		if (node->kind == TREE_NULL || !check_name(keys, node)) continue;
		if (r->set->count == SCENARIOS_MAX) {
			findings_add(keys->findings, node->key_at, "scenarios: too many; write at most %d", SCENARIOS_MAX);
			return;
		}
		read_scenario(r, node, arena_format(keys->arena, "scenarios.%s", node->key), (struct placed){node->key, node->key_at});
	}
}

/* Shares of a mix that is not run would be ignored. */
static void check_weights(const struct reader *r) {
	const struct scenario_set *set = r->set;
	for (size_t i = 1; set->is_single && i < set->count; i++) {
		if (!set->at[i].given.text) continue;
		findings_add(r->keys->findings, set->at[i].given.at,
			"scenarios.%s.weight: a share of a mix, but scenario in line %u is run alone; take the weight out, or that one",
			set->at[i].name.text, set->at[0].at.line);
	}
}

void scenario_keys_read(struct keys *keys) {
	const struct tree *single = keys_find(keys->root, "scenario"), *named = keys_find(keys->root, "scenarios");
	struct scenario_set *set = &keys->settings->scenarios;
	struct reader r = {keys, arena_alloc(keys->arena, sizeof(*r.scratch)), set, 0};
	set->path = keys->origins->path;
	if (!single && !named) return;
	set->at = arena_array(keys->arena, SCENARIOS_MAX, sizeof(*set->at));
	if (single) read_scenario(&r, single, "scenario", (struct placed){0});
	set->is_single = set->count == 1;
	if (named) read_named(&r, named);
	check_weights(&r);
	if (!set->count) set->at = NULL;
}
