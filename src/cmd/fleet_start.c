#include "cmd/fleet_start.h"

#include <stdlib.h>

#include "base/json_read.h"
#include "config/check.h"
#include "config/env.h"
#include "config/keys.h"
#include "config/merge.h"
#include "config/quote.h"
#include "config/scenario_keys.h"

#define REQUEST "the request"        /* stands in sentences where the name of a config file does */
#define STORED "the stored scenario" /* so here */
#define NOT_FOUND 404u
#define BAD_REQUEST 400u

/* Options that a start may set for its run. */
static const char *const overrides[] = {"duration", "rate", "requests"};

struct fleet_asked {
	const struct tree *scenario, *name; /* NULL: not given */
	struct settings given;              /* holds what is overridden */
	bool overrides[LENGTH(overrides)];
};

/* A text that is read as a config file is. */
static struct file *new_file(struct arena *arena, const char *path) {
	struct file *file = arena_alloc(arena, sizeof(*file));
	*file = (struct file){.findings.arena = arena, .origins = {.path = path, .syntax = VALUE_JSON}};
	value_preset(arena, &file->settings);
	return file;
}

static struct keys keys_of(struct file *file, const struct tree *root) {
	return (struct keys){file->findings.arena, &file->settings, &file->origins, &file->findings, root};
}

/* Fails with the first fault, and how many more there are. */
static bool check_findings(struct file *file, struct err *err) {
	size_t more = file->findings.faults - 1;
	if (!file->findings.faults) return true;
	findings_sort(&file->findings);
	const char *sentence = file_sentence(file, findings_first_fault(&file->findings));
	if (more == 0) return err_set(err, ERR_FAILED, "%s", sentence);
	return err_set(err, ERR_FAILED, "%.400s (and %zu more)", sentence, more);
}

/* ---- the body ---- */

/* A body comes from the network: it does not get at the controller's environment. */
static void refuse_variables(struct keys *keys, const struct tree *node) {
	if (node->kind == TREE_TEXT && env_is_in(node->text))
		findings_add(keys->findings, node->at,
			"a text with ${, and the controller's environment is not for requests; write what is meant, or $${ for a plain ${");
	if (node->kind != TREE_TABLE && node->kind != TREE_ARRAY) return;
	for (const struct tree *child = node->first; child; child = child->next) refuse_variables(keys, child);
}

static const struct tree *read_scenario(struct keys *keys) {
	const struct tree *node = keys_find(keys->root, "scenario");
	if (!node) return NULL;
	if (node->kind != TREE_TABLE) keys_refuse_kind(keys, node, "scenario", "a table", "write one with its steps");
	refuse_variables(keys, node);
	return node;
}

static const struct tree *read_name(struct keys *keys) {
	const struct tree *node = keys_find(keys->root, "scenario_name");
	if (!node) return NULL;
	if (node->kind != TREE_TEXT) keys_refuse_kind(keys, node, "scenario_name", "a text", "write e.g. \"scenario_name\": \"login\"");
	if (node->kind == TREE_TEXT && (!node->text.size || memchr(node->text.at, 0, node->text.size)))
		findings_add(keys->findings, node->at, "scenario_name: '%s' is no name; write letters, digits, '_' and '-'", node->text.at);
	return node;
}

/* Returns a time in milliseconds; -1: not given, or a fault. */
static int64_t read_ms(struct keys *keys, const char *key) {
	const struct tree *node = keys_find(keys->root, key);
	if (!node) return -1;
	if (node->kind == TREE_INT && node->integer >= 0 && node->integer <= FLEET_START_MS_MAX) return node->integer;
	keys_refuse_kind(keys, node, key, arena_format(keys->arena, "a whole number of milliseconds from 0 to %d", FLEET_START_MS_MAX),
		arena_format(keys->arena, "write e.g. \"%s\": 3000", key));
	return -1;
}

static void read_overrides(struct keys *keys, struct fleet_asked *asked) {
	for (size_t i = 0; i < LENGTH(overrides); i++) {
		const struct tree *node = keys_find(keys->root, overrides[i]);
		if (!node) continue;
		if (node->kind == TREE_TEXT && env_is_in(node->text))
			refuse_variables(keys, node);
		else
			asked->overrides[i] =
				keys_read_scalar(keys, option_by_name(slice_of(overrides[i]), COMMAND_RUN), node, overrides[i], &asked->given);
	}
}

bool fleet_start_read(struct fleet_start *start, struct slice body, struct err *err) {
	struct file *file = new_file(start->arena, REQUEST);
	struct fleet_asked *asked = arena_alloc(start->arena, sizeof(*asked));
	struct tree_fault fault;
	struct tree *root;
	start->asked = asked;
	if (!json_read(body.size ? body : SLICE("{}"), start->arena, &root, &fault))
		return err_set(err, ERR_FAILED, REQUEST ":%u:%u: %s", fault.at.line, fault.at.column, fault.text);
	if (root->kind != TREE_TABLE)
		return err_set(err, ERR_FAILED, REQUEST ":%u:%u: %s is no object; send e.g. {\"scenario_name\": \"login\"}", root->at.line,
			root->at.column, tree_kind_words(root->kind));
	struct keys keys = keys_of(file, root);
	asked->scenario = read_scenario(&keys);
	asked->name = read_name(&keys);
	int64_t after = read_ms(&keys, "start_after_ms"), wait = read_ms(&keys, "agent_wait_timeout_ms");
	start->start_after = after < 0 ? -1 : after * MSEC;
	start->wait = wait < 0 ? 0 : wait * MSEC;
	read_overrides(&keys, asked);
	return check_findings(file, err);
}

/* ---- what is run ---- */

/* A start being settled. */
struct settling {
	struct fleet_start *start;
	struct fleet_registry *registry;
	const struct cli *base;
	struct origins *origins; /* of start->cli */
	struct err *err;
};

/* Returns a copy of a node, alone, under another key. */
static struct tree *copy_node(struct arena *arena, const struct tree *node, const char *key) {
	struct tree *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *node;
	copy->key = key;
	copy->next = NULL;
	return copy;
}

static struct tree *new_table(struct arena *arena, const char *key, struct tree *child) {
	struct tree *table = arena_alloc(arena, sizeof(*table));
	*table = (struct tree){.kind = TREE_TABLE, .key = key, .at = child->at, .key_at = child->key_at, .count = 1, .first = child};
	return table;
}

/* Returns a document of a scenario, under `name` or as the only one (NULL), and of the controller's data files. */
static struct tree *new_document(const struct settling *s, const struct tree *scenario, const struct tree *name) {
	struct arena *arena = s->start->arena;
	const struct tree *document = s->base->origins->document, *data = document ? tree_find(document, "data") : NULL;
	struct tree *node = copy_node(arena, scenario, name ? name->text.at : "scenario");
	if (name) {
		node->key_at = name->at;
		node = new_table(arena, "scenarios", node);
	}
	struct tree *root = new_table(arena, NULL, node);
	if (data && data_keys_are(data)) {
		node->next = copy_node(arena, data, "data");
		root->count++;
	}
	return root;
}

/* Makes a scenario the one that is run. What the controller's file gave keeps its names, but no places: those are of another text now. */
static bool take_scenario(const struct settling *s, const char *path, const struct tree *scenario, const struct tree *name) {
	struct file *file = new_file(s->start->arena, path);
	struct keys keys = keys_of(file, new_document(s, scenario, name));
	keys_read(&keys);
	if (!check_findings(file, s->err)) return false;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		s->origins->rows[i].at = s->origins->rows[i].key_at = (struct tree_place){0, 0};
		s->origins->rows[i].items = NULL;
	}
	merge_file(file, &s->start->cli.settings, s->origins);
	return true;
}

/* A scenario of the request; one with a name is kept. */
static bool take_sent(const struct settling *s, const struct fleet_asked *asked) {
	return take_scenario(s, REQUEST, asked->scenario, asked->name) &&
	       (!asked->name || fleet_registry_store(s->registry, asked->name->text.at, asked->scenario, s->err));
}

static bool take_stored(const struct settling *s, const struct tree *name, unsigned *ret_status) {
	const char *text = fleet_registry_find(s->registry, name->text.at);
	struct tree_fault fault;
	struct tree *scenario;
	struct quote quote;
	if (!text) {
		*ret_status = NOT_FOUND;
		return err_set(s->err, ERR_FAILED, "there is no scenario %s; GET /scenarios names those there are, or send one along",
			quote_text(&quote, name->text));
	}
	if (!json_read(slice_of(text), s->start->arena, &scenario, &fault))
		return err_set(s->err, ERR_FAILED, STORED ":%u:%u: %s", fault.at.line, fault.at.column, fault.text);
	return take_scenario(s, STORED, scenario, name);
}

/* What the controller's start says: its scenario, or its URL. Those that have a name are not run then. */
static bool take_default(const struct settling *s) {
	struct settings *settings = &s->start->cli.settings;
	const struct tree *document = s->base->origins->document;
	if (settings->scenarios.is_single) {
		settings->scenarios.count = 1;
		s->origins->document = new_document(s, tree_find(document, "scenario"), NULL);
		return true;
	}
	settings->scenarios = (struct scenario_set){0};
	s->origins->document = NULL;
	if (settings->http.url || settings->http.urls_from_file) return true;
	return err_set(s->err, ERR_FAILED,
		"there is nothing to run: the controller has neither [scenario] nor --url; send a scenario, or the scenario_name of one it knows");
}

/* What the body says of the load stands over all that the controller's start says, as the command line over a file. */
static void override(const struct settling *s, const struct fleet_asked *asked) {
	struct settings *settings = &s->start->cli.settings;
	for (size_t i = 0; i < LENGTH(overrides); i++) {
		const struct option_row *row = option_by_name(slice_of(overrides[i]), COMMAND_RUN);
		if (!asked->overrides[i]) continue;
		value_copy(row, settings, &asked->given);
		s->origins->rows[option_index(row)] = (struct option_origin){.kind = ORIGIN_COMMAND, .name = row->flag};
		if (strcmp(row->flag, "rate") != 0) continue;
		settings->load.stages = (struct stage_list){0};
		s->origins->rows[option_index(option_by_name(SLICE("stages"), COMMAND_RUN))] = (struct option_origin){.kind = ORIGIN_PRESET};
	}
}

/* Checks the settings as those of a run: they are not any more of a controller that waits for something to do. */
static bool check_run(const struct settling *s) {
	struct settings *settings = arena_alloc(s->start->arena, sizeof(*settings));
	const struct check check = {settings, s->origins, COMMAND_RUN, s->start->arena};
	*settings = s->start->cli.settings;
	settings->fleet.controller_mode = CONTROLLER_AUTO;
	return check_all(&check, s->err);
}

bool fleet_start_settle(struct fleet_start *start, struct fleet_registry *registry, unsigned *ret_status, struct err *err) {
	const struct cli *base = fleet_registry_base(registry);
	const struct fleet_asked *asked = start->asked;
	struct settling s = {start, registry, base, arena_alloc(start->arena, sizeof(struct origins)), err};
	bool found;
	*s.origins = *base->origins;
	start->cli = *base;
	start->cli.origins = s.origins;
	start->cli.warning_count = 0;
	*ret_status = BAD_REQUEST;
	if (asked->scenario)
		found = take_sent(&s, asked);
	else
		found = asked->name ? take_stored(&s, asked->name, ret_status) : take_default(&s);
	if (!found) return false;
	override(&s, asked);
	return check_run(&s);
}
