#include "out/run_lines.h"

#include <stdlib.h>
#include <string.h>

#include "out/run_json.h"
#include "out/run_numbers.h"

static void put_texts(struct json *into, const char *key, const char *const *texts, size_t count) {
	struct json *array = json_put_array(into, key);
	for (size_t i = 0; i < count; i++) json_put_text(array, NULL, texts[i]);
}

static void put_names(struct json *into, const char *key, const struct group *rows, size_t first, size_t end) {
	struct json *array = json_put_array(into, key);
	for (size_t i = first; i < end; i++) json_put_text(array, NULL, rows[i].name);
}

static void put_groups(const struct group_table *groups, struct json *into) {
	put_names(into, "addresses", groups->rows, groups->first_address, groups->first_stage);
	struct json *stages = json_put_array(into, "stages");
	for (size_t i = groups->first_stage; i < groups->first_step; i++) {
		struct json *stage = json_put_object(stages, NULL);
		json_put_text(stage, "name", groups->rows[i].name);
		json_put_int(stage, "begin_ns", groups->rows[i].begin);
		json_put_int(stage, "end_ns", groups->rows[i].end);
	}
	put_names(into, "steps", groups->rows, groups->first_step, groups->first_scenario);
	put_names(into, "scenarios", groups->rows, groups->first_scenario, groups->count);
}

/* The names of as many URLs as fit, and the number of all. */
static void put_urls(const char *const *urls, size_t count, struct json *into) {
	size_t named = 0, size = 0;
	if (count == 0) return;
	while (named < count && size < RUN_LINE_MAX / 2) size += 2 * strlen(urls[named++]) + 3; /* as if each byte were escaped */
	json_put_int(into, "url_count", (int64_t)count);
	put_texts(into, "urls", urls, named);
}

static void put_way(const struct run_info *info, struct json *into) {
	json_put_bool(into, "listed", info->listed);
	json_put_text(into, "proxy", info->proxy);
	json_put_text(into, "unix_socket", info->unix_path);
	json_put_int(into, "sources", (int64_t)info->sources);
	json_put_bool(into, "keepalive", info->keepalive);
	json_put_int(into, "requests_per_connection", (int64_t)info->requests_per_connection);
	json_put_bool(into, "compressed", info->compressed);
	json_put_int(into, "redirects", (int64_t)info->redirects);
	json_put_text(into, "http", info->http);
	json_put_text(into, "http_words", info->http_words);
	json_put_int(into, "streams", (int64_t)info->streams);
	json_put_bool(into, "tls", info->tls);
	json_put_bool(into, "tls_unverified", info->tls_unverified);
}

static void put_load(const struct run_info *info, struct json *into) {
	json_put_int(into, "warmup_ns", info->warmup);
	json_put_int(into, "duration_ns", info->duration);
	json_put_int(into, "requests", (int64_t)info->requests);
	json_put_text(into, "model", info->open_loop ? "open" : "closed");
	json_put_real(into, "asked_per_s", info->asked_per_s);
	json_put_bool(into, "poisson", info->poisson);
	json_put_int(into, "seed", (int64_t)info->seed);
	json_put_int(into, "threads", info->threads);
	json_put_int(into, "max_tasks", (int64_t)info->max_tasks);
	json_put_text(into, "spin", info->spin);
	json_put_bool(into, "truth", info->truth);
	json_put_text(into, "kernel_stamps", info->kernel_stamps);
	json_put_int(into, "scenario_count", (int64_t)info->scenario_count);
	json_put_real(into, "steps_mean", info->steps_mean);
}

void run_lines_put_head(const struct run_info *info, const char *const *urls, size_t url_count, struct json *into) {
	char expected[2048];
	json_put_text(into, "run_id", info->id);
	json_put_text(into, "version", info->version);
	json_put_int(into, "start_unix_ns", info->start_unix_ns);
	json_put_text(into, "target", info->target);
	json_put_text(into, "method", info->method);
	json_put_text(into, "expected_status", status_set_format(&info->expected, expected, sizeof(expected)));
	put_load(info, into);
	put_way(info, into);
	put_texts(into, "labels", info->labels, info->label_count);
	struct json *thresholds = json_put_array(into, "thresholds");
	for (size_t i = 0; i < info->threshold_count; i++) json_put_text(thresholds, NULL, info->thresholds[i].text);
	put_groups(&info->groups, into);
	put_urls(urls, url_count, into);
}

static void put_cell(const struct cell *cell, size_t row, struct json *cells) {
	struct json *object = json_put_object(cells, NULL);
	const struct histlet *times[] = {&cell->response_ok, &cell->response_other, &cell->service};
	const char *const names[] = {"response_ok", "response_other", "service"};
	json_put_int(object, "row", (int64_t)row);
	json_put_int(object, "ok", (int64_t)cell->ok);
	json_put_int(object, "failed", (int64_t)cell->failed);
	json_put_int(object, "open", (int64_t)cell->open);
	json_put_int(object, "complete", (int64_t)cell->complete);
	json_put_int(object, "bytes", (int64_t)cell->bytes);
	json_put_int(object, "opened", (int64_t)cell->opened);
	for (size_t i = 0; i < LENGTH(times); i++) run_numbers_put_histlet(times[i], json_put_array(object, names[i]));
}

/* Returns whether the records do not tell what is in the cell of this row: which connection and address, which iterations. */
static bool row_is_told(const struct group_table *groups, size_t row) {
	return (row > 0 && row < groups->first_stage) || row >= groups->first_scenario;
}

/* The times of groups, as far as they fit. */
static void put_cells(const struct report *report, struct json *into) {
	const struct group_table *groups = &report->run.groups;
	struct json *unsent = json_put_array(into, "unsent_by_row"), *cells = json_put_array(into, "cells");
	size_t size = 0;
	for (size_t row = 0; row < groups->count; row++) {
		const struct cell *cell = &report->tally->cells[row];
		if (cell->unsent > 0) {
			json_put_int(unsent, NULL, (int64_t)row);
			json_put_int(unsent, NULL, (int64_t)cell->unsent);
		}
		if (!row_is_told(groups, row) || cell->ok + cell->failed + cell->open + cell->opened == 0) continue;
		struct json *one = json_new_object();
		put_cell(cell, row, json_put_array(one, "cell"));
		char *text = json_format_line(one);
		size += strlen(text);
		free(text);
		json_free(one);
		if (size < RUN_LINE_MAX / 2) put_cell(cell, row, cells);
	}
}

static void put_times(const struct totals *totals, struct json *into) {
	run_numbers_put_hist(&totals->own_error, json_put_array(into, "own_error"));
	run_numbers_put_hist(&totals->outside, json_put_array(into, "outside"));
	run_numbers_put_hist(&totals->client_queue, json_put_array(into, "client_queue"));
}

void run_lines_put_end(const struct report *report, struct json *into) {
	json_put_text(into, "ended_by", run_json_causes[report->cause]);
	for (size_t i = 0; i < report->threshold_count && report->aborted_by; i++)
		if (&report->run.thresholds[i] == report->aborted_by) json_put_int(into, "aborted_by", (int64_t)i);
	json_put_int(into, "iterations_planned", (int64_t)report->iterations.planned);
	json_put_real(into, "asked_per_s", report->run.asked_per_s);
	json_put_text(into, "tls_version", report->run.tls_version);
	json_put_text(into, "tls_cipher", report->run.tls_cipher);
	run_numbers_put(report->tally, &report->strain, into);
	struct json *status = json_put_array(into, "status");
	for (int i = 0; i < TALLY_STATUSES; i++) {
		if (report->status[i] == 0) continue;
		json_put_int(status, NULL, i);
		json_put_int(status, NULL, (int64_t)report->status[i]);
	}
	put_cells(report, into);
	put_times(report->totals, into);
}
