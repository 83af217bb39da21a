/* The keys `rpm` and `load`: a rate and its stages. */
#include "config/keys.h"

#include <assert.h>

#define MINUTE 60.0 /* seconds */

/* A number or time of these tables has no row of its own: limits and kind as in the option table. It is read into a place of its own. */
struct reader {
	struct keys *keys;
	struct settings *scratch;
	struct option_row level, level_rpm, rpm, duration;
};

static const struct option_row *run_row(const char *flag) {
	const struct option_row *row = option_by_name(slice_of(flag), COMMAND_RUN);
	assert(row);
	return row;
}

static void reader_init(struct reader *r, struct keys *keys) {
	*r = (struct reader){.keys = keys, .scratch = arena_alloc(keys->arena, sizeof(*r->scratch))};
	r->level = r->rpm = *run_row("rate");
	r->level.min = 0; /* a pause, or the beginning of a ramp */
	r->level_rpm = r->level;
	r->level_rpm.max *= MINUTE;
	r->rpm.min *= MINUTE;
	r->rpm.max *= MINUTE;
	r->duration = *run_row("duration");
	r->duration.min = 1e-9;
	r->duration.preset = NULL;
}

/* Reads requests per second; in requests per minute if the key is "rpm". */
static bool read_level(struct reader *r, const struct tree *node, const char *path, double *ret) {
	bool minutes = strcmp(node->key, "rpm") == 0;
	if (!keys_read_scalar(r->keys, minutes ? &r->level_rpm : &r->level, node, path, r->scratch)) return false;
	*ret = r->scratch->load.rate / (minutes ? MINUTE : 1);
	return true;
}

/* Reads the one of the keys `words` that stands in a table; several are a fault. *ret is untouched if there is none. */
static bool read_one_of(struct reader *r, const struct tree *table, const char *path, const char *words, double *ret) {
	const struct tree *found = NULL;
	bool good = true;
	for (const struct tree *node = table->first; node; node = node->next) {
		const char *own = arena_format(r->keys->arena, "%s%s", path, node->key);
		if (!keys_among(words, node->key) || node->kind == TREE_NULL) continue;
		if (found) good = keys_refuse_both(r->keys, found, arena_format(r->keys->arena, "%s%s", path, found->key), node, own);
		if (!read_level(r, node, own, ret)) good = false;
		found = node;
	}
	return good;
}

static bool read_stage(struct reader *r, const struct tree *table, const char *path, struct stage *ret) {
	struct keys *keys = r->keys;
	const struct tree *duration;
	const char *inner = arena_format(keys->arena, "%s, ", path);
	double target = -1;
	bool good;
	if (table->kind != TREE_TABLE) return keys_refuse_kind(keys, table, path, "a table", "write it with a duration and a target");
	good = read_one_of(r, table, inner, "target|rate|rpm", &target);
	for (const struct tree *node = table->first; node; node = node->next) {
		if (keys_among("duration|target|rate|rpm", node->key)) continue;
		keys_refuse_unknown(keys, node, path, "duration|target|rate|rpm");
		good = false;
	}
	duration = keys_find(table, "duration");
	if (!duration)
		good = findings_add(keys->findings, table->at, "%s: no duration; write e.g. %s", path, keys_show(keys, "duration", "\"10s\""));
	else if (!keys_read_scalar(keys, &r->duration, duration, arena_format(keys->arena, "%sduration", inner), r->scratch))
		good = false;
	if (!keys_find(table, "target") && !keys_find(table, "rate") && !keys_find(table, "rpm"))
		good = findings_add(keys->findings, table->at, "%s: no target; write e.g. %s", path, keys_show(keys, "target", "500"));
	*ret = (struct stage){r->scratch->load.duration, target};
	return good;
}

static bool read_stages(struct reader *r, const struct tree *array) {
	struct keys *keys = r->keys;
	const struct option_row *row = run_row("stages");
	struct stage_list *list = &keys->settings->load.stages;
	struct option_origin *origin = keys_note(keys, row, array, "load.stages");
	size_t number = 0;
	if (array->kind != TREE_ARRAY) {
		origin->broken = true;
		return keys_refuse_kind(keys, array, "load.stages", "an array of tables", "write each stage with a duration and a target");
	}
	for (const struct tree *table = array->first; table; table = table->next) {
		const char *path = arena_format(keys->arena, "load.stages, stage %zu", ++number);
		struct stage stage;
		if (number > STAGE_MAX) {
			origin->broken = true;
			return findings_add(keys->findings, table->at, "load.stages: too many stages; write at most %d", STAGE_MAX);
		}
		if (!read_stage(r, table, path, &stage))
			origin->broken = true;
		else
			list->at[list->count++] = stage;
	}
	if (!number) origin->kind = ORIGIN_PRESET;
	return !origin->broken;
}

/* The top level's own words for a rate stand beside no `load`. */
static void check_top(struct keys *keys, const struct tree *load) {
	static const char *const words[] = {"rate", "rpm", "stages"};
	for (size_t i = 0; i < LENGTH(words); i++) {
		const struct tree *node = keys_find(keys->root, words[i]);
		if (node) keys_refuse_both(keys, node, words[i], load, "load");
	}
}

static void read_load(struct reader *r, const struct tree *load) {
	struct keys *keys = r->keys;
	const struct tree *rate = keys_find(load, "rate"), *stages = keys_find(load, "stages");
	double level = 0;
	bool good = read_one_of(r, load, "load.", "rate|rpm", &level);
	for (const struct tree *node = load->first; node; node = node->next) {
		if (keys_among("rate|rpm|stages", node->key)) continue;
		keys_refuse_unknown(keys, node, "load", "rate|rpm|stages");
		good = false;
	}
	if (!rate) rate = keys_find(load, "rpm");
	if (rate) {
		keys_note(keys, run_row("rate"), rate, arena_format(keys->arena, "load.%s", rate->key))->broken = !good;
		keys->settings->load.rate = level;
	}
	keys->settings->load.stages.count = 0;
	if (stages && !read_stages(r, stages)) good = false;
	if (good && level == 0 && !keys->settings->load.stages.count)
		findings_add(keys->findings, load->key_at, "load: nothing would be sent; write e.g. %s in it", keys_show(keys, "rate", "100"));
}

void load_keys_read(struct keys *keys) {
	const struct tree *load = keys_find(keys->root, "load"), *rpm = keys_find(keys->root, "rpm"), *rate = keys_find(keys->root, "rate");
	struct reader r;
	reader_init(&r, keys);
	if (rate && rpm) keys_refuse_both(keys, rate, "rate", rpm, "rpm");
	if (rpm) {
		struct option_origin *origin = keys_note(keys, run_row("rate"), rpm, "rpm");
		origin->broken = !keys_read_scalar(keys, &r.rpm, rpm, "rpm", r.scratch);
		keys->settings->load.rate = r.scratch->load.rate / MINUTE;
	}
	if (!load) return;
	check_top(keys, load);
	if (load->kind != TREE_TABLE)
		keys_refuse_kind(keys, load, "load", "a table", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "rate", "100")));
	else
		read_load(&r, load);
}
