#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "out/sink.h"

/* A small shape of its own with names of OpenTelemetry's kind; it is not OTLP. */

static struct json *put_metric(struct json *metrics, const char *name) {
	struct json *metric = json_put_object(metrics, NULL);
	json_put_text(metric, "name", name);
	return metric;
}

static void put_int(struct json *metrics, const char *name, int64_t value) {
	json_put_int(put_metric(metrics, name), "value", value);
}

static void put_hundredths(struct json *metrics, const char *name, uint64_t hundredths) {
	char text[32];
	snprintf(text, sizeof(text), "%llu.%02llu", (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
	json_put_text(put_metric(metrics, name), "value", text);
}

/* A metric of one step or scenario, which `key` names. */
static void put_of(struct json *metrics, const char *name, const char *key, const char *of, int64_t value) {
	struct json *metric = put_metric(metrics, name);
	json_put_text(json_put_object(metric, "attributes"), key, of);
	json_put_int(metric, "value", value);
}

static void put_script(struct json *metrics, const struct figures_script *script) {
	for (size_t i = 0; i < script->step_count; i++) {
		const struct figures_row *row = &script->steps[i];
		put_of(metrics, "strest.step.requests_success_total", "step", row->name, (int64_t)row->ok);
		put_of(metrics, "strest.step.requests_error_total", "step", row->name, (int64_t)row->errors);
		put_of(metrics, "strest.step.latency_p50_ms", "step", row->name, row->p50 / MSEC);
		put_of(metrics, "strest.step.latency_p95_ms", "step", row->name, row->p95 / MSEC);
		put_of(metrics, "strest.step.latency_p99_ms", "step", row->name, row->p99 / MSEC);
	}
	for (size_t i = 0; i < script->scenario_count; i++) {
		const struct figures_row *row = &script->scenarios[i];
		put_of(metrics, "strest.iterations_success_total", "scenario", row->name, (int64_t)row->ok);
		put_of(metrics, "strest.iterations_error_total", "scenario", row->name, (int64_t)row->errors);
		put_of(metrics, "strest.iteration.duration_p50_ms", "scenario", row->name, row->p50 / MSEC);
		put_of(metrics, "strest.iteration.duration_p95_ms", "scenario", row->name, row->p95 / MSEC);
		put_of(metrics, "strest.iteration.duration_p99_ms", "scenario", row->name, row->p99 / MSEC);
	}
}

static void write_object(const struct sink_figures *all, struct buf *into) {
	const struct figures *f = &all->figures;
	struct json *root = json_new_object();
	json_put_text(json_put_object(root, "resource"), "service.name", "strest");
	struct json *metrics = json_put_array(root, "metrics"), *duration = put_metric(metrics, "strest.duration");
	json_put_text(duration, "unit", "s");
	json_put_int(duration, "value", f->window / SEC);
	put_int(metrics, "strest.requests_total", (int64_t)f->total);
	put_int(metrics, "strest.requests_success_total", (int64_t)f->ok);
	put_int(metrics, "strest.requests_error_total", (int64_t)f->errors);
	put_int(metrics, "strest.requests_timeout_total", (int64_t)f->timeouts);
	put_int(metrics, "strest.latency_min_ms", f->all.min / MSEC);
	put_int(metrics, "strest.latency_avg_ms", (nsec)f->all.mean / MSEC);
	put_int(metrics, "strest.latency_max_ms", f->all.max / MSEC);
	put_int(metrics, "strest.latency_p50_ms", f->all.p50 / MSEC);
	put_int(metrics, "strest.latency_p90_ms", f->all.p90 / MSEC);
	put_int(metrics, "strest.latency_p99_ms", f->all.p99 / MSEC);
	put_hundredths(metrics, "strest.success_rate", f->success_x100);
	put_hundredths(metrics, "strest.avg_rps", f->rps_x100);
	put_hundredths(metrics, "strest.avg_rpm", f->rpm_x100);
	if (all->agents_expected > 0) {
		put_int(metrics, "strest.agents_expected", (int64_t)all->agents_expected);
		put_int(metrics, "strest.agents_reporting", (int64_t)all->agents_reporting);
	}
	put_script(metrics, &all->script);
	char *text = json_format(root);
	buf_add_text(into, text);
	buf_add_text(into, "\n");
	free(text);
	json_free(root);
}

const struct sink sink_otel = {"otel", write_object};
