/* The first and the last line of a run log, read again. */
#include <string.h>

#include "base/json_read.h"
#include "out/run_lines.h"
#include "out/run_json.h"
#include "out/run_numbers.h"
#include "stats/judge.h"

static const char *text_of(const struct tree *root, const char *key, const char *otherwise) {
	const struct tree *found = tree_find(root, key);
	return found && found->kind == TREE_TEXT ? found->text.at : otherwise;
}

static int64_t number_of(const struct tree *root, const char *key) {
	const struct tree *found = tree_find(root, key);
	return found && found->kind == TREE_INT ? found->integer : 0;
}

static uint64_t count_of(const struct tree *root, const char *key) {
	int64_t count = number_of(root, key);
	return count > 0 ? (uint64_t)count : 0;
}

/* A length of time, as long as it may be: so that no sum with a time of a record overflows. */
static nsec span_of(const struct tree *root, const char *key) {
	int64_t span = number_of(root, key);
	if (span < 0) return 0;
	return span < INT64_MAX / 4 ? span : INT64_MAX / 4;
}

static double real_of(const struct tree *root, const char *key) {
	const struct tree *found = tree_find(root, key);
	return found && (found->kind == TREE_REAL || found->kind == TREE_INT) ? found->real : 0;
}

static bool flag_of(const struct tree *root, const char *key) {
	const struct tree *found = tree_find(root, key);
	return found && found->kind == TREE_BOOL && found->truth;
}

/* Returns the array of this name, or an empty one. */
static const struct tree *array_of(const struct tree *root, const char *key) {
	static const struct tree none = {.kind = TREE_ARRAY};
	const struct tree *found = tree_find(root, key);
	return found && found->kind == TREE_ARRAY ? found : &none;
}

static const char **texts_of(const struct tree *array, struct arena *arena) {
	const char **texts = arena_array(arena, array->count + 1, sizeof(*texts));
	size_t count = 0;
	for (const struct tree *at = array->first; at; at = at->next) texts[count++] = at->kind == TREE_TEXT ? at->text.at : "";
	return texts;
}

/* What would be an order to a terminal on which it is printed (C0, C1 and DEL) becomes '?'. */
static void tame_texts(const struct tree *node) {
	for (const struct tree *at = node->first; at; at = at->next) tame_texts(at);
	if (node->kind != TREE_TEXT) return;
	char *text = (char *)node->text.at; /* the arena's, which only this file has seen */
	for (size_t i = 0; i < node->text.size; i++) {
		unsigned char c = (unsigned char)text[i], before = i > 0 ? (unsigned char)text[i - 1] : 0;
		if (c < 0x20 || c == 0x7f) text[i] = '?';
		if (before == 0xc2 && c >= 0x80 && c <= 0x9f) text[i - 1] = text[i] = '?';
	}
}

static bool read_object(struct slice text, struct arena *arena, struct tree **ret) {
	struct tree_fault fault;
	if (!json_read(text, arena, ret, &fault) || (*ret)->kind != TREE_TABLE) return false;
	tame_texts(*ret);
	return true;
}

static size_t add_names(const struct tree *array, enum group_dimension dimension, struct group *rows, size_t row) {
	for (const struct tree *at = array->first; at; at = at->next)
		rows[row++] = (struct group){.dimension = dimension, .name = at->kind == TREE_TEXT ? at->text.at : ""};
	return row;
}

static size_t add_stages(const struct tree *array, struct group *rows, size_t row) {
	for (const struct tree *at = array->first; at; at = at->next)
		rows[row++] = (struct group){GROUP_BY_STAGE, text_of(at, "name", ""), number_of(at, "begin_ns"), number_of(at, "end_ns")};
	return row;
}

static void read_groups(const struct tree *root, struct arena *arena, struct group_table *ret) {
	const struct tree *addresses = array_of(root, "addresses"), *stages = array_of(root, "stages"), *steps = array_of(root, "steps");
	const struct tree *scenarios = array_of(root, "scenarios");
	struct group *rows = arena_array(arena, 4 + addresses->count + stages->count + steps->count + scenarios->count, sizeof(*rows));
	rows[0] = (struct group){.dimension = GROUP_BY_ALL, .name = "all"};
	rows[1] = (struct group){.dimension = GROUP_BY_CONNECTION, .name = "new"};
	rows[2] = (struct group){.dimension = GROUP_BY_CONNECTION, .name = "reused"};
	*ret = (struct group_table){.rows = rows, .first_address = 3};
	ret->first_stage = add_names(addresses, GROUP_BY_ADDRESS, rows, ret->first_address);
	if (ret->first_stage == ret->first_address) /* the records have to go somewhere */
		rows[ret->first_stage++] = (struct group){.dimension = GROUP_BY_ADDRESS, .name = "unknown"};
	ret->first_step = add_stages(stages, rows, ret->first_stage);
	ret->first_scenario = add_names(steps, GROUP_BY_STEP, rows, ret->first_step);
	ret->count = add_names(scenarios, GROUP_BY_SCENARIO, rows, ret->first_scenario);
}

void run_lines_plain_groups(struct arena *arena, struct group_table *ret) {
	static const struct tree nothing = {.kind = TREE_TABLE};
	read_groups(&nothing, arena, ret);
}

static void read_thresholds(const struct tree *array, struct arena *arena, struct run_info *info) {
	struct threshold *thresholds = arena_array(arena, array->count + 1, sizeof(*thresholds));
	const struct group_table *groups = &info->groups;
	struct err unused;
	info->thresholds = thresholds;
	for (const struct tree *at = array->first; at; at = at->next) {
		struct threshold *threshold = &thresholds[info->threshold_count];
		if (at->kind != TREE_TEXT || threshold_parse(at->text, threshold) != THRESHOLD_GOOD) continue;
		threshold->text = at->text.at;
		if (threshold->stage > groups->first_step - groups->first_stage || !judge_check(threshold, 1, groups, &unused)) continue;
		info->threshold_count++;
	}
}

static void read_way(const struct tree *root, struct run_info *info) {
	info->listed = flag_of(root, "listed");
	info->proxy = text_of(root, "proxy", NULL);
	info->unix_path = text_of(root, "unix_socket", NULL);
	info->sources = count_of(root, "sources");
	info->keepalive = flag_of(root, "keepalive") || !tree_find(root, "keepalive");
	info->requests_per_connection = count_of(root, "requests_per_connection");
	info->compressed = flag_of(root, "compressed");
	info->redirects = count_of(root, "redirects");
	info->http = text_of(root, "http", "http/1.1");
	info->http_words = text_of(root, "http_words", NULL);
	info->streams = count_of(root, "streams");
	info->tls = flag_of(root, "tls");
	info->tls_unverified = flag_of(root, "tls_unverified");
}

static void read_load(const struct tree *root, struct run_info *info) {
	info->warmup = span_of(root, "warmup_ns");
	info->duration = span_of(root, "duration_ns");
	info->requests = count_of(root, "requests");
	info->open_loop = strcmp(text_of(root, "model", "closed"), "open") == 0;
	info->asked_per_s = real_of(root, "asked_per_s");
	info->poisson = flag_of(root, "poisson");
	info->seed = (uint64_t)number_of(root, "seed"); /* all 64 bits of it */
	info->threads = (unsigned)count_of(root, "threads");
	info->max_tasks = count_of(root, "max_tasks");
	info->spin = text_of(root, "spin", "off");
	info->truth = flag_of(root, "truth");
	info->kernel_stamps = text_of(root, "kernel_stamps", "off");
	info->scenario_count = count_of(root, "scenario_count");
	info->steps_mean = real_of(root, "steps_mean");
}

/* Rows of a list that have no name in the line get one; of those beyond SAMPLE_ROWS_MAX nobody asks. */
static void read_urls(const struct tree *root, struct arena *arena, struct run_head *ret) {
	const struct tree *names = array_of(root, "urls");
	size_t count = count_of(root, "url_count"), named = count < SAMPLE_ROWS_MAX ? count : SAMPLE_ROWS_MAX;
	if (count == 0 || count > INT32_MAX) return;
	ret->url_count = count;
	ret->urls = arena_array(arena, named, sizeof(*ret->urls));
	const struct tree *at = names->first;
	for (size_t i = 0; i < named; i++) {
		ret->urls[i] = at && at->kind == TREE_TEXT ? at->text.at : arena_format(arena, "URL %zu of the list", i + 1);
		at = at ? at->next : NULL;
	}
}

bool run_lines_read_head(struct slice text, struct arena *arena, struct run_head *ret) {
	struct tree *root;
	if (!read_object(text, arena, &root)) return false;
	*ret = (struct run_head){0};
	struct run_info *info = &ret->info;
	const struct tree *labels = array_of(root, "labels");
	const char *id = text_of(root, "run_id", "");
	size_t size = strlen(id) < sizeof(info->id) ? strlen(id) : sizeof(info->id) - 1;
	memcpy(info->id, id, size);
	info->version = text_of(root, "version", "");
	info->start_unix_ns = number_of(root, "start_unix_ns");
	info->target = text_of(root, "target", "");
	info->method = text_of(root, "method", "");
	if (!status_set_parse(slice_of(text_of(root, "expected_status", "200")), &info->expected)) status_set_parse(SLICE("200"), &info->expected);
	read_load(root, info);
	read_way(root, info);
	info->label_count = labels->count;
	info->labels = texts_of(labels, arena);
	read_groups(root, arena, &info->groups);
	read_thresholds(array_of(root, "thresholds"), arena, info);
	read_urls(root, arena, ret);
	return true;
}

bool run_lines_read_end(struct slice text, struct arena *arena, struct run_end *ret) {
	struct tree *root;
	if (!read_object(text, arena, &root) || !tree_find(root, "ended_by")) return false;
	*ret = (struct run_end){.root = root, .aborted_by = tree_find(root, "aborted_by") ? (long)number_of(root, "aborted_by") : -1};
	const char *cause = text_of(root, "ended_by", "");
	for (size_t i = 0; i < RUN_JSON_CAUSES; i++)
		if (strcmp(cause, run_json_causes[i]) == 0) ret->result.cause = (enum stop_cause)i;
	ret->counted = count_of(root, "ok") + count_of(root, "failed") + count_of(root, "open");
	ret->shed = count_of(root, "shed");
	ret->result.window = span_of(root, "window_ns");
	ret->result.planned = count_of(root, "planned");
	ret->result.iterations_planned = count_of(root, "iterations_planned");
	run_numbers_get_strain(root, &ret->result.strain);
	ret->asked_per_s = real_of(root, "asked_per_s");
	ret->tls_version = text_of(root, "tls_version", NULL);
	ret->tls_cipher = text_of(root, "tls_cipher", NULL);
	return true;
}

static void read_cell(const struct tree *from, struct cell *ret) {
	ret->ok = count_of(from, "ok");
	ret->failed = count_of(from, "failed");
	ret->open = count_of(from, "open");
	ret->complete = count_of(from, "complete");
	ret->bytes = count_of(from, "bytes");
	ret->opened = count_of(from, "opened");
	run_numbers_get_histlet(tree_find(from, "response_ok"), &ret->response_ok);
	run_numbers_get_histlet(tree_find(from, "response_other"), &ret->response_other);
	run_numbers_get_histlet(tree_find(from, "service"), &ret->service);
}

static void read_pairs(const struct tree *array, uint64_t *into, size_t count) {
	for (const struct tree *at = array->first; at && at->next; at = at->next->next)
		if (at->integer >= 0 && (uint64_t)at->integer < count && at->next->integer > 0) into[at->integer] = (uint64_t)at->next->integer;
}

void run_lines_apply_end(const struct run_end *end, struct tally *tally, struct totals *totals) {
	const struct tree *root = end->root;
	run_numbers_get(root, tally);
	tally->unsent = count_of(root, "unsent");
	memset(tally->status, 0, sizeof(tally->status));
	read_pairs(array_of(root, "status"), tally->status, TALLY_STATUSES);
	memset(&tally->cells[1], 0, 3 * sizeof(tally->cells[1])); /* where records are counted that say nothing of connection and address */
	for (const struct tree *at = array_of(root, "cells")->first; at; at = at->next) {
		int64_t row = number_of(at, "row");
		if (row > 0 && (uint64_t)row < tally->cell_count) read_cell(at, &tally->cells[row]);
	}
	const struct tree *unsent = array_of(root, "unsent_by_row");
	for (const struct tree *at = unsent->first; at && at->next; at = at->next->next)
		if (at->integer >= 0 && (uint64_t)at->integer < tally->cell_count && at->next->integer > 0)
			tally->cells[at->integer].unsent = (uint64_t)at->next->integer;
	run_numbers_get_hist(tree_find(root, "own_error"), &totals->own_error);
	run_numbers_get_hist(tree_find(root, "outside"), &totals->outside);
	run_numbers_get_hist(tree_find(root, "client_queue"), &totals->client_queue);
}
