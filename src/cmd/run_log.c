#include "cmd/run_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "base/json.h"
#include "base/log.h"
#include "base/output_format.h"
#include "base/units.h"
#include "out/run_lines.h"

static void add_output(struct run_log *log, const char *option, const char *path, const struct record_ops *ops) {
	if (path) log->outputs[log->count++] = (struct record_output){.ops = ops, .option = option, .path = path};
}

/* --output is one of the others by another name. */
static void add_alias(struct run_log *log, const char *path) {
	const struct record_ops *const ops[] = {[OUTPUT_JSON] = &json_ops, [OUTPUT_JSONL] = &jsonl_ops, [OUTPUT_CSV] = &csv_ops};
	enum output_format format = output_format_of(log->out->output, (enum output_format)log->out->output_format);
	log->quiet = format == OUTPUT_QUIET;
	if (format == OUTPUT_TEXT || format == OUTPUT_QUIET)
		log->text_path = path;
	else
		add_output(log, "--output", path, ops[format]);
}

/* In the order in which the reference tool writes them. */
static void add_outputs(struct run_log *log, struct arena *arena) {
	const struct out_settings *out = log->out;
	const struct {
		const char *option, *path;
		const struct record_ops *ops;
	} rows[] = {
		{"--export-csv", out->export_csv, &csv_ops},
		{"--export-json", out->export_json, &json_ops},
		{"--export-jsonl", out->export_jsonl, &jsonl_ops},
		{"--hdr-log", out->hdr_log, &hdr_log_ops},
		{"--db-url", out->db_url, &sqlite_ops},
	};
	if (out->output) add_alias(log, home_path(out->output, NULL, arena));
	for (size_t i = 0; i < LENGTH(rows); i++)
		if (rows[i].path) add_output(log, rows[i].option, home_path(rows[i].path, NULL, arena), rows[i].ops);
}

bool run_log_open(const struct settings *settings, const struct plan *plan, struct arena *arena, struct run_log *ret, struct err *err) {
	const struct out_settings *out = &settings->out;
	*ret = (struct run_log){.out = out, .plan = plan, .folder = home_path(out->tmp_path, "tmp", arena), .range_to = NSEC_NEVER};
	if (out->metrics_range) units_parse_range(slice_of(out->metrics_range), &ret->range_from, &ret->range_to); /* config/ has checked it */
	if (out->debug) return true;
	add_outputs(ret, arena);
	if (ret->count == 0 && !out->keep_tmp) return true;
	struct logbook_setup setup = {ret->folder, (unsigned)out->log_shards, plan->threads, ret->range_from, ret->range_to};
	return logbook_open(&setup, &ret->book, err) || err_add(err, "--tmp-path");
}

bool run_log_open_without(const struct settings *settings, struct arena *arena, struct run_log *ret) {
	*ret = (struct run_log){
		.out = &settings->out, .folder = home_path(settings->out.tmp_path, "tmp", arena), .range_to = NSEC_NEVER, .without = true};
	add_outputs(ret, arena);
	return true;
}

void run_log_join(const struct run_log *log, struct run_inputs *inputs) {
	if (!log->book) return;
	inputs->log = logbook_ports(log->book);
	inputs->shards = (unsigned)log->out->log_shards;
}

/* A line that begins with '#', the object behind it. Takes `object`. */
static char *comment_of(const char *begin, struct json *object) {
	char *text = json_format_line(object);
	size_t size = strlen(begin) + strlen(text) + 2;
	char *line = mem_alloc(size);
	snprintf(line, size, "%s%s\n", begin, text);
	free(text);
	json_free(object);
	return line;
}

void run_log_begin(struct run_log *log, const char *run_id, int64_t start_unix_ns) {
	if (!log->book) return;
	struct run_info info = *log->info;
	const struct targets *targets = log->plan->targets;
	snprintf(info.id, sizeof(info.id), "%s", run_id);
	info.start_unix_ns = start_unix_ns;
	struct json *object = json_new_object();
	json_put_int(object, "format", 1);
	run_lines_put_head(&info, targets->rows, targets->row_count, object);
	struct json *columns = json_put_array(object, "columns");
	for (int i = 0; i < RUNLOG_COLUMNS; i++) json_put_text(columns, NULL, runlog_columns[i]);
	char *line = comment_of(RUNLOG_HEAD, object);
	logbook_begin(log->book, line);
	free(line);
}

void run_log_watch(struct run_log *log) {
	const struct err *fault = log->book ? logbook_fault(log->book) : NULL;
	if (fault) log_warn("--tmp-path: %s; the run goes on, its log ends here", fault->text);
}

uint64_t run_log_drain(struct run_log *log) {
	if (log->book) logbook_drain(log->book, &log->totals);
	run_log_watch(log);
	return log->totals.shed;
}

bool run_log_truncates(const struct run_log *log) {
	bool bounded = false;
	for (unsigned i = 0; i < log->count; i++) bounded = bounded || log->outputs[i].ops->bounded;
	return bounded && log->totals.in_range > log->out->metrics_max;
}

static char *run_log_last_line(const struct run_log *log, const struct report *report) {
	struct json *object = json_new_object();
	json_put_int(object, "planned", (int64_t)report->planned);
	json_put_int(object, "ok", (int64_t)report->ok);
	json_put_int(object, "failed", (int64_t)report->failed);
	json_put_int(object, "open", (int64_t)report->open);
	json_put_int(object, "unsent", (int64_t)report->unsent);
	json_put_int(object, "shed", (int64_t)log->totals.shed);
	json_put_int(object, "window_ns", report->window);
	struct json *causes = json_put_array(object, "limited_by");
	for (size_t i = 0; i < report->verdict.count; i++) json_put_text(causes, NULL, cause_name(report->verdict.at[i].cause));
	run_lines_put_end(report, object);
	return comment_of(RUNLOG_END, object);
}

static bool run_log_write(struct run_log *log, const struct report *report) {
	const struct out_settings *out = log->out;
	struct records_run run = {
		.report = report,
		.records = log->totals.in_range < out->metrics_max ? log->totals.in_range : out->metrics_max,
		.truncated = run_log_truncates(log),
		.missing = log->totals.shed + log->totals.lost,
		.range_from = log->range_from,
		.range_to = log->range_to,
		.max = out->metrics_max,
	};
	struct log_sort sort = {log->without ? 0 : (unsigned)out->log_shards, log->without ? NULL : logbook_paths(log->book), log->folder};
	if (log->count == 0 || records_write(log->outputs, log->count, &run, &sort)) return true;
	for (unsigned i = 0; i < log->count; i++)
		if (log->outputs[i].fault.text[0]) log_write(LOG_ERROR, "%s: %s", log->outputs[i].option, log->outputs[i].fault.text);
	return false;
}

bool run_log_end(struct run_log *log, const struct report *report) {
	struct err err;
	if (log->without) return !report || run_log_write(log, report);
	if (!log->book) return true;
	char *line = report ? run_log_last_line(log, report) : NULL;
	logbook_end(log->book, line);
	free(line);
	bool ok = !report || run_log_write(log, report);
	if (log->totals.fault.text[0]) {
		log_write(LOG_ERROR, "--tmp-path: %s; %llu of %llu requests are in no export", log->totals.fault.text,
			(unsigned long long)log->totals.lost, (unsigned long long)(log->totals.lost + log->totals.written));
		ok = false;
	}
	if (!log->out->keep_tmp && !logbook_remove(log->book, &err)) {
		log_write(LOG_ERROR, "--tmp-path: %s", err.text);
		ok = false;
	}
	if (log->out->keep_tmp) log_info("the log of all requests is %s", logbook_paths(log->book)[0]);
	return ok;
}

void run_log_close(struct run_log *log) {
	logbook_close(log->book);
}
