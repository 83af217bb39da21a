#include <stdio.h>

#include "base/label.h"
#include "base/tree.h"
#include "out/sink.h"

/* The text format 0.0.4 of Prometheus (prometheus.io/docs/instrumenting/exposition_formats). */

/* One page being written. */
struct page {
	struct buf *into;
	const char *run;    /* the labels of the run, "run_id=\"...\",target=\"...\"" */
	bool labels_on_all; /* a scrape */
};

/* Backslash, quote and line feed are escaped in a label's value. */
static void put_escaped(struct buf *into, struct slice text) {
	size_t bad = tree_find_bad_utf8(text);
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];
		if (i == bad) { /* a label's value is UTF-8 */
			buf_add_text(into, "?");
			bad = i + 1 + tree_find_bad_utf8((struct slice){text.at + i + 1, text.size - i - 1});
		} else if (c == '\n')
			buf_add_text(into, "\\n");
		else if (c == '\\' || c == '"')
			buf_add_format(into, "\\%c", c);
		else
			buf_add(into, (struct slice){&text.at[i], 1});
	}
}

static void put_label(struct buf *into, struct slice name, struct slice value) {
	buf_add_format(into, "%s%.*s=\"", into->size > 0 ? "," : "", (int)name.size, name.at);
	put_escaped(into, value);
	buf_add_text(into, "\"");
}

/* Without a --label of the name `own`. */
static void put_run(struct buf *into, const struct sink_run *run, const char *own) {
	put_label(into, SLICE("run_id"), slice_of(run->id));
	put_label(into, SLICE("target"), slice_of(run->target));
	for (size_t i = 0; i < run->label_count; i++) {
		struct label label;
		if (label_parse(slice_of(run->labels[i]), &label) && !slice_equal(label.name, slice_of(own)))
			put_label(into, label.name, label.value);
	}
}

static void put_head(const struct page *page, const char *name, const char *type, const char *help) {
	buf_add_format(page->into, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Begins a sample: its name and labels, `own` ("" or "stat=\"min\"") and those of the run if it bears them. */
static void put_name(const struct page *page, const char *name, const char *own, bool labelled) {
	buf_add_text(page->into, name);
	if (!labelled && !*own) {
		buf_add_text(page->into, " ");
		return;
	}
	buf_add_format(page->into, "{%s%s%s} ", own, labelled && *own ? "," : "", labelled ? page->run : "");
}

static void put_count(const struct page *page, const char *name, const char *own, uint64_t value) {
	put_name(page, name, own, true);
	buf_add_format(page->into, "%llu\n", (unsigned long long)value);
}

static void put_seconds(const struct page *page, const char *name, const char *own, nsec time) {
	put_name(page, name, own, true);
	buf_add_format(page->into, "%lld.%09lld\n", (long long)(time / SEC), (long long)(time % SEC));
}

/* A sample of the compatible metrics. */
static void put_plain(const struct page *page, const char *name, const char *own, uint64_t value) {
	put_name(page, name, own, page->labels_on_all);
	buf_add_format(page->into, "%llu\n", (unsigned long long)value);
}

static void put_hundredths(const struct page *page, const char *name, uint64_t hundredths) {
	put_name(page, name, "", page->labels_on_all);
	buf_add_format(page->into, "%llu.%02llu\n", (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
}

static void put_counters(const struct page *page, const struct figures *f) {
	put_head(page, "strest_duration_seconds", "gauge", "Length of the measured time so far, whole seconds.");
	put_plain(page, "strest_duration_seconds", "", (uint64_t)(f->window / SEC));
	put_head(page, "strest_requests_total", "counter", "Requests.");
	put_plain(page, "strest_requests_total", "", f->total);
	put_head(page, "strest_requests_success_total", "counter", "Requests with a complete response of an expected status.");
	put_plain(page, "strest_requests_success_total", "", f->ok);
	put_head(page, "strest_requests_error_total", "counter", "All other requests.");
	put_plain(page, "strest_requests_error_total", "", f->errors);
	put_head(page, "strest_requests_timeout_total", "counter", "Requests that timed out.");
	put_plain(page, "strest_requests_timeout_total", "", f->timeouts);
	put_head(page, "strest_success_rate", "gauge", "Share of successful requests in percent.");
	put_hundredths(page, "strest_success_rate", f->success_x100);
	put_head(page, "strest_avg_rps", "gauge", "Requests per second.");
	put_hundredths(page, "strest_avg_rps", f->rps_x100);
	put_head(page, "strest_avg_rpm", "gauge", "Requests per minute.");
	put_hundredths(page, "strest_avg_rpm", f->rpm_x100);
}

static void put_latency(const struct page *page, const struct figures_times *times) {
	static const char name[] = "strest_latency_ms";
	put_head(page, name, "gauge", "Latency over all requests, milliseconds.");
	put_plain(page, name, "stat=\"min\"", (uint64_t)(times->min / MSEC));
	put_plain(page, name, "stat=\"avg\"", (uint64_t)((nsec)times->mean / MSEC));
	put_plain(page, name, "stat=\"max\"", (uint64_t)(times->max / MSEC));
	put_plain(page, name, "quantile=\"0.5\"", (uint64_t)(times->p50 / MSEC));
	put_plain(page, name, "quantile=\"0.9\"", (uint64_t)(times->p90 / MSEC));
	put_plain(page, name, "quantile=\"0.99\"", (uint64_t)(times->p99 / MSEC));
}

static void put_classes(const struct page *page, const struct figures *f) {
	static const char *const labels[STATUS_CLASSES] = {"status_class=\"2xx\"", "status_class=\"3xx\"", "status_class=\"4xx\"",
		"status_class=\"5xx\"", "status_class=\"other\"", "status_class=\"none\""};
	put_head(page, "strest_transport_errors_total", "counter", "Requests that a connection, TLS or the protocol failed.");
	put_count(page, "strest_transport_errors_total", "", f->transport);
	put_head(page, "strest_non_expected_status_total", "counter", "Requests whose response was complete, but not as expected.");
	put_count(page, "strest_non_expected_status_total", "", f->unexpected);
	put_head(page, "strest_responses_total", "counter", "Requests by the class of their status; none: no status arrived.");
	for (int i = 0; i < STATUS_CLASSES; i++) put_count(page, "strest_responses_total", labels[i], f->classes[i]);
}

static void put_histogram(const struct page *page, const struct figures *f) {
	static const char name[] = "strest_response_time_seconds", bucket[] = "strest_response_time_seconds_bucket";
	put_head(page, name, "histogram", "Response times of all requests, from the moment they were due.");
	for (size_t i = 0; i < FIGURES_BUCKETS; i++) {
		char label[32];
		snprintf(label, sizeof(label), "le=\"%g\"", (double)figures_bounds[i] / (double)SEC);
		put_count(page, bucket, label, f->buckets[i]);
	}
	put_count(page, bucket, "le=\"+Inf\"", f->all.count);
	put_seconds(page, "strest_response_time_seconds_sum", "", f->all.sum);
	put_count(page, "strest_response_time_seconds_count", "", f->all.count);
}

static void put_good(const struct page *page, const struct figures_times *times) {
	static const char name[] = "strest_ok_response_time_seconds";
	put_head(page, name, "summary", "Response times of the successful requests.");
	put_seconds(page, name, "quantile=\"0.5\"", times->p50);
	put_seconds(page, name, "quantile=\"0.9\"", times->p90);
	put_seconds(page, name, "quantile=\"0.99\"", times->p99);
	put_seconds(page, "strest_ok_response_time_seconds_sum", "", times->sum);
	put_count(page, "strest_ok_response_time_seconds_count", "", times->count);
	put_head(page, "strest_ok_response_time_min_seconds", "gauge", "Shortest response time of the successful requests.");
	put_seconds(page, "strest_ok_response_time_min_seconds", "", times->min);
	put_head(page, "strest_ok_response_time_max_seconds", "gauge", "Longest response time of the successful requests.");
	put_seconds(page, "strest_ok_response_time_max_seconds", "", times->max);
}

/* What rows are called: the name of their label, and their metrics with their help. */
struct row_words {
	const char *label, *ok, *ok_help, *errors, *errors_help, *time, *time_help;
};

static const struct row_words step_words = {"step", "strest_step_requests_success_total", "Requests of a step that were as it expects.",
	"strest_step_requests_error_total", "All other requests of a step.", "strest_step_response_time_seconds",
	"Response times of all requests of a step, from the moment they were due."};
static const struct row_words scenario_words = {"scenario", "strest_iterations_success_total", "Iterations of a scenario of which no step failed.",
	"strest_iterations_error_total", "Iterations of a scenario of which a step failed.", "strest_iteration_duration_seconds",
	"Durations of iterations that came to their end, think times included."};

/* Writes a row's label into `own`, with a quantile unless that is NULL; returns its text. */
static const char *row_label(struct buf *own, const char *label, const char *name, const char *quantile) {
	own->size = 0;
	put_label(own, slice_of(label), slice_of(name));
	if (quantile) put_label(own, SLICE("quantile"), slice_of(quantile));
	return buf_text(own);
}

static void put_row_times(const struct page *page, const struct row_words *words, const struct figures_row *row, struct buf *own) {
	char name[80];
	put_seconds(page, words->time, row_label(own, words->label, row->name, "0.5"), row->p50);
	put_seconds(page, words->time, row_label(own, words->label, row->name, "0.95"), row->p95);
	put_seconds(page, words->time, row_label(own, words->label, row->name, "0.99"), row->p99);
	snprintf(name, sizeof(name), "%s_sum", words->time);
	put_seconds(page, name, row_label(own, words->label, row->name, NULL), row->sum);
	snprintf(name, sizeof(name), "%s_count", words->time);
	put_count(page, name, buf_text(own), row->times);
}

/* The samples of a metric stand together. */
static void put_rows(const struct page *page, const struct row_words *words, const struct figures_row *rows, size_t count) {
	struct buf own;
	buf_init(&own, 1 << 16);
	put_head(page, words->ok, "counter", words->ok_help);
	for (size_t i = 0; i < count; i++) put_count(page, words->ok, row_label(&own, words->label, rows[i].name, NULL), rows[i].ok);
	put_head(page, words->errors, "counter", words->errors_help);
	for (size_t i = 0; i < count; i++) put_count(page, words->errors, row_label(&own, words->label, rows[i].name, NULL), rows[i].errors);
	put_head(page, words->time, "summary", words->time_help);
	for (size_t i = 0; i < count; i++) put_row_times(page, words, &rows[i], &own);
	buf_fini(&own);
}

/* The labels "step" and "scenario" are ours here, whatever --label says. */
static void put_script(const struct page *page, const struct sink_figures *all) {
	const struct figures_script *script = &all->script;
	const struct {
		const struct row_words *words;
		const struct figures_row *rows;
		size_t count;
	} tables[] = {{&step_words, script->steps, script->step_count}, {&scenario_words, script->scenarios, script->scenario_count}};
	for (size_t i = 0; i < LENGTH(tables); i++) {
		if (tables[i].count == 0) continue;
		struct buf run;
		buf_init(&run, 1 << 20);
		put_run(&run, &all->run, tables[i].words->label);
		const struct page own = {page->into, buf_text(&run), page->labels_on_all};
		put_rows(&own, tables[i].words, tables[i].rows, tables[i].count);
		buf_fini(&run);
	}
}

static void put_asked(const struct page *page, const struct sink_figures *all) {
	bool iterates = all->script.scenario_count > 0;
	const char *name = iterates ? "strest_target_iterations_per_second" : "strest_target_rps";
	if (!all->open_loop) return;
	put_head(page, name, "gauge",
		iterates ? "Iterations per second that the schedule asks for now; of a run that has ended, asked for in the mean."
			 : "Requests per second that the schedule asks for now; of a run that has ended, asked for in the mean.");
	put_name(page, name, "", true);
	buf_add_format(page->into, "%.2f\n", all->asked_per_s);
}

static void put_agents(const struct page *page, const struct sink_figures *all) {
	if (all->agents_expected == 0) return;
	put_head(page, "strest_agents_expected", "gauge", "Agents of the run.");
	put_count(page, "strest_agents_expected", "", all->agents_expected);
	put_head(page, "strest_agents_reporting", "gauge", "Agents that are not lost; of a run that has ended, those whose report is here.");
	put_count(page, "strest_agents_reporting", "", all->agents_reporting);
}

static void put_facts(const struct page *page, const struct sink_figures *all) {
	struct buf version;
	put_asked(page, all);
	put_agents(page, all);
	buf_init(&version, 1024);
	put_label(&version, SLICE("version"), slice_of(all->run.version));
	put_head(page, "strest_build_info", "gauge", "The strest that runs.");
	put_count(page, "strest_build_info", buf_text(&version), 1);
	buf_fini(&version);
}

static void write_page(const struct sink_figures *all, bool labels_on_all, struct buf *into) {
	struct buf run;
	buf_init(&run, 1 << 20);
	put_run(&run, &all->run, "");
	const struct page page = {into, buf_text(&run), labels_on_all};
	put_counters(&page, &all->figures);
	put_latency(&page, &all->figures.all);
	put_classes(&page, &all->figures);
	put_histogram(&page, &all->figures);
	put_good(&page, &all->figures.good);
	put_script(&page, all);
	put_facts(&page, all);
	buf_fini(&run);
}

static void write_textfile(const struct sink_figures *all, struct buf *into) {
	write_page(all, false, into);
}

const struct sink sink_prometheus = {"prometheus", write_textfile};

void sink_prometheus_scrape(const struct sink_figures *all, struct buf *into) {
	write_page(all, true, into);
}
