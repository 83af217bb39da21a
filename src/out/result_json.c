#include "out/result_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "out/fleet_json.h"
#include "out/run_json.h"
#include "out/series_json.h"
#include "stats/judge.h"

#define SCHEMA_VERSION 1

static void put_count(struct json *parent, const char *key, uint64_t count) {
	json_put_int(parent, key, count < INT64_MAX ? (int64_t)count : INT64_MAX);
}

static void put_known(struct json *object, const char *key, bool known, nsec time) {
	if (known)
		json_put_int(object, key, time);
	else
		json_put_null(object, key);
}

static void put_quantiles(struct json *object, const struct distribution *times) {
	for (int i = 0; i < REPORT_QUANTILES; i++) series_json_put_quantile(object, report_quantile_keys[i], &times->at[i]);
}

static void put_times(struct json *parent, const char *key, const struct distribution *times) {
	struct json *object = json_put_object(parent, key);
	put_count(object, "count", times->count);
	put_known(object, "min", times->count > 0, times->min);
	json_put_real(object, "mean", times->count > 0 ? times->mean : NAN); /* null */
	put_quantiles(object, times);
	put_known(object, "max", times->count > 0, times->max);
}

static void put_slo(struct json *parent, const char *key, const struct distribution *slo, uint64_t never) {
	struct json *object = json_put_object(parent, key);
	put_count(object, "count", slo->count);
	put_count(object, "never", never);
	put_quantiles(object, slo);
}

/* What the user may leave out: 0 is null. */
static void put_given(struct json *parent, const char *key, uint64_t count) {
	if (count > 0)
		put_count(parent, key, count);
	else
		json_put_null(parent, key);
}

/* How requests got there, and what was asked for. */
static void put_way(struct json *object, const struct report *report) {
	const struct run_info *run = &report->run;
	uint64_t urls = 0;
	for (size_t i = 0; i < report->url_count; i++) urls += report->urls[i].urls;
	put_given(object, "urls", urls);
	json_put_text(object, "proxy", run->proxy);
	json_put_text(object, "unix_socket", run->unix_path);
	put_given(object, "sources", run->sources);
	json_put_bool(object, "keepalive", run->keepalive);
	put_given(object, "requests_per_connection", run->requests_per_connection);
	json_put_bool(object, "compressed", run->compressed);
	put_count(object, "redirect", run->redirects);
}

static void put_run(struct json *root, const struct report *report) {
	const struct run_info *run = &report->run;
	struct json *object = json_put_object(root, "run");
	char expected[2048]; /* the longest set has 250 codes of its own */
	if (run->records_only) json_put_bool(object, "records_only", true);
	json_put_text(object, "id", run->id[0] ? run->id : NULL);
	json_put_text(object, "version", run->version);
	run_json_put_labels(object, run);
	run_json_put_moment(object, "start", run->start_unix_ns);
	json_put_text(object, "target", run->target);
	json_put_text(object, "method", run->method);
	put_way(object, report);
	json_put_text(object, "expected_status", status_set_format(&run->expected, expected, sizeof(expected)));
	json_put_text(object, "model", run->open_loop ? "open" : "closed");
	json_put_text(object, "arrival", !run->open_loop ? NULL : run->poisson ? "poisson" : "even");
	json_put_int(object, "duration_ns", run->duration);
	json_put_int(object, "warmup_ns", run->warmup);
	put_given(object, "requests", run->requests);
	json_put_text(object, "ended_by", run_json_causes[report->cause]);
	json_put_text(object, "ended_by_threshold", report->aborted_by ? report->aborted_by->text : NULL);
	json_put_int(object, "window_ns", report->window);
	json_put_int(object, "threads", run->threads);
	put_count(object, "max_tasks", run->max_tasks);
	json_put_text(object, "spin", run->spin);
	put_count(object, "seed", run->seed);
	json_put_text(object, "kernel_stamps", run->kernel_stamps);
	json_put_bool(object, "truth", run->truth);
}

static void put_books(struct json *root, const struct report *report) {
	struct json *object = json_put_object(root, "books");
	put_count(object, "planned", report->planned);
	put_count(object, "ok", report->ok);
	put_count(object, "failed", report->failed);
	put_count(object, "open", report->open);
	put_count(object, "unsent", report->unsent);
	put_count(object, "attempts", report->attempts);
	put_count(object, "attempts_warmup", report->attempts_warmup);
	put_count(object, "retries", report->retries);
	put_count(object, "hops", report->hops);
	put_count(object, "lost", report->lost);
	json_put_bool(object, "balanced", report->balanced);
}

static void put_rate(struct json *root, const struct report *report) {
	struct json *object = json_put_object(root, "rate");
	if (report->run.open_loop && report->run.scenario_count == 0)
		json_put_real(object, "asked_per_s", report->run.asked_per_s);
	else
		json_put_null(object, "asked_per_s");
	json_put_real(object, "achieved_per_s", report->achieved_per_s);
	json_put_real(object, "throughput_per_s", report->throughput_per_s);
}

static void put_all_times(struct json *root, const struct report *report) {
	struct json *response = json_put_object(root, "response_ns");
	put_times(response, "all", &report->response_all);
	put_times(response, "ok", &report->response_ok);
	put_slo(response, "slo", &report->slo, report->never);
	struct json *service = json_put_object(root, "service_ns");
	put_times(service, "all", &report->service_all);
	put_times(service, "ok", &report->service_ok);
	struct json *parts = json_put_object(root, "parts_ns");
	for (enum part part = 0; part < PART_COUNT; part++) put_times(parts, part_name(part), &report->parts[part]);
	put_times(root, "outside_ns", &report->outside);
	put_times(root, "client_queue_ns", &report->client_queue);
	json_put_int(root, "longest_gap_ns", report->longest_gap);
	if (report->run.truth) put_times(root, "own_error_ns", &report->own_error);
}

/* Counts by outcome and reason, those over 0. */
static void put_errors(struct json *parent, const uint64_t *reasons) {
	struct json *errors = json_put_object(parent, "errors");
	for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		struct json *object = NULL;
		for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
			if (reason == REASON_NONE || reason_outcome(reason) != outcome || reasons[reason] == 0) continue;
			if (!object) object = json_put_object(errors, outcome_name(outcome));
			put_count(object, reason_name(reason), reasons[reason]);
		}
	}
}

static void put_endings(struct json *root, const struct report *report) {
	struct json *status = json_put_object(root, "status");
	for (int i = 0; i < TALLY_STATUSES; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		if (report->status[i] > 0) put_count(status, key, report->status[i]);
	}
	put_errors(root, report->reasons);
}

static void put_group_counts(struct json *object, const struct group_report *group) {
	put_count(object, "ok", group->ok);
	put_count(object, "failed", group->failed);
	put_count(object, "open", group->open);
	put_count(object, "bytes", group->bytes);
}

static void put_connections(struct json *root, const struct report *report) {
	struct json *bytes = json_put_object(root, "bytes");
	put_count(bytes, "sent", report->bytes_sent);
	put_count(bytes, "received", report->bytes_received);
	struct json *object = json_put_object(root, "connections");
	put_count(object, "opened", report->opened);
	json_put_real(object, "opened_per_s", report->opened_per_s);
	put_count(object, "reused", report->reused);
	put_count(object, "connect_failed", report->connect_failed);
	put_count(object, "handshakes_full", report->handshakes_full);
	put_count(object, "handshakes_resumed", report->handshakes_resumed);
	put_count(object, "handshakes_failed", report->handshakes_failed);
	struct json *closed = json_put_object(object, "closed");
	put_count(closed, "by_peer", report->closed[CLOSER_PEER]);
	put_count(closed, "by_us", report->closed[CLOSER_US]);
	put_count(closed, "at_end", report->closed[CLOSER_END]);
	struct json *addresses = json_put_array(object, "per_address");
	for (size_t i = 0; i < report->group_count; i++) {
		if (report->groups[i].group.dimension != GROUP_BY_ADDRESS) continue;
		struct json *address = json_put_object(addresses, NULL);
		json_put_text(address, "address", report->groups[i].group.name);
		put_count(address, "opened", report->groups[i].opened);
		put_group_counts(address, &report->groups[i]);
	}
}

static void put_protocol(struct json *root, const struct report *report) {
	const struct run_info *run = &report->run;
	struct json *object = json_put_object(root, "protocol");
	json_put_text(object, "asked", run->http);
	put_count(object, "streams", run->streams);
	struct json *connections = json_put_object(object, "connections");
	put_count(connections, "http/1.1", report->opened - report->opened_h2);
	put_count(connections, "h2", report->opened_h2);
	put_count(object, "fell_back", report->fell_back);
	put_given(object, "stream_limit", report->stream_limit);
	put_count(object, "goaways", report->goaways);
	put_count(object, "unprocessed", report->unprocessed);
}

static void put_groups(struct json *root, const struct report *report) {
	struct json *groups = json_put_array(root, "groups");
	for (size_t i = 0; i < report->group_count; i++) {
		const struct group_report *group = &report->groups[i];
		struct json *object = json_put_object(groups, NULL);
		json_put_text(object, "by", group_dimension_name(group->group.dimension));
		json_put_text(object, "name", group->group.name);
		put_group_counts(object, group);
		put_times(object, "response_ns", &group->response);
		put_times(object, "service_ns", &group->service);
		if (group->group.dimension == GROUP_BY_STAGE)
			put_slo(object, "slo_ns", &group->slo, group->never);
		else
			json_put_null(object, "slo_ns");
	}
}

static void put_iterations(struct json *object, const struct iterations_report *one) {
	put_count(object, "planned", one->planned);
	put_count(object, "ok", one->ok);
	put_count(object, "failed", one->failed);
	put_count(object, "open", one->open);
	put_count(object, "unsent", one->unsent);
	json_put_real(object, "success", one->ok + one->failed > 0 ? one->success : NAN); /* null */
	put_times(object, "duration_ns", &one->duration);
}

static void put_step(struct json *steps, const struct step_report *step) {
	const struct group_report *group = &step->group;
	struct json *object = json_put_object(steps, NULL);
	json_put_text(object, "name", group->group.name);
	put_count(object, "planned", step->planned);
	put_group_counts(object, group);
	put_count(object, "unsent", group->unsent);
	put_errors(object, step->reasons);
	put_times(object, "response_ns", &group->response);
	put_times(object, "service_ns", &group->service);
	put_slo(object, "slo_ns", &group->slo, group->never);
}

/* What came of scenarios. */
static void put_script(struct json *root, const struct report *report) {
	if (report->scenario_count == 0) {
		json_put_null(root, "iterations");
	} else {
		struct json *iterations = json_put_object(root, "iterations");
		json_put_real(iterations, "asked_per_s", report->run.open_loop ? report->run.asked_per_s : NAN); /* null */
		json_put_real(iterations, "steps_mean", report->run.steps_mean);
		put_iterations(iterations, &report->iterations);
		json_put_bool(iterations, "balanced", report->iterations_balanced);
	}
	struct json *scenarios = json_put_array(root, "scenarios");
	for (size_t i = 0; i < report->scenario_count; i++) {
		struct json *object = json_put_object(scenarios, NULL);
		json_put_text(object, "name", report->scenarios[i].name);
		put_iterations(object, &report->scenarios[i]);
	}
	struct json *steps = json_put_array(root, "steps");
	for (size_t i = 0; i < report->step_count; i++) put_step(steps, &report->steps[i]);
}

static void put_bodies(struct json *root, const struct report *report) {
	if (!report->run.compressed) {
		json_put_null(root, "bodies");
		return;
	}
	struct json *object = json_put_object(root, "bodies");
	put_count(object, "encoded_bytes", report->encoded);
	put_count(object, "decoded_bytes", report->decoded);
}

static void put_url(struct json *urls, const struct url_report *url) {
	struct json *object = json_put_object(urls, NULL);
	json_put_text(object, "name", url->name);
	put_count(object, "urls", url->urls);
	put_count(object, "ok", url->ok);
	put_count(object, "failed", url->failed);
	put_count(object, "open", url->open);
	put_count(object, "bytes", url->bytes);
	struct json *times = json_put_object(object, "response_ns");
	bool none = url->ok + url->failed + url->open == 0;
	json_put_real(times, "mean", none ? NAN : url->mean); /* null */
	series_json_put_quantile(times, "p50", &url->p50);
	series_json_put_quantile(times, "p99", &url->p99);
	put_known(times, "max", !none, url->max);
}

static void put_urls(struct json *root, const struct report *report) {
	struct json *urls = json_put_array(root, "urls");
	for (size_t i = 0; i < report->url_count; i++) put_url(urls, &report->urls[i]);
}

static void put_client(struct json *root, const struct report *report) {
	struct json *object = json_put_object(root, "client");
	json_put_real(object, "busiest_worker_busy", report->worker_busy);
	json_put_int(object, "spun_ns", report->spun);
}

static void put_tls(struct json *root, const struct report *report) {
	const struct run_info *run = &report->run;
	if (!run->tls_version) {
		json_put_null(root, "tls");
		return;
	}
	struct json *object = json_put_object(root, "tls");
	json_put_text(object, "version", run->tls_version);
	json_put_text(object, "cipher", run->tls_cipher);
	json_put_bool(object, "verified", !run->tls_unverified);
	json_put_real(object, "handshakes_per_s", report->shaken_per_s);
}

/* A value in the unit of its threshold. */
static void put_value(struct json *object, const char *key, const struct threshold *threshold, double value) {
	bool is_time = threshold->metric == THRESHOLD_QUANTILE || threshold->metric == THRESHOLD_MAX;
	if (isinf(value))
		json_put_text(object, key, "never");
	else if (is_time && value < (double)NSEC_NEVER)
		json_put_int(object, key, (int64_t)value);
	else
		json_put_real(object, key, value);
}

static void put_threshold(struct json *array, const struct judged *judged) {
	const struct threshold *threshold = judged->threshold;
	struct json *object = json_put_object(array, NULL);
	char metric[24] = "max";
	const char *unit = "ns";
	switch (threshold->metric) {
	case THRESHOLD_QUANTILE: snprintf(metric, sizeof(metric), "p%.12g", threshold->quantile * 100); break;
	case THRESHOLD_MAX: break;
	case THRESHOLD_ERRORS:
		snprintf(metric, sizeof(metric), "errors");
		unit = threshold->is_share ? "share" : "count";
		break;
	case THRESHOLD_RPS:
		snprintf(metric, sizeof(metric), "rps");
		unit = "per_second";
		break;
	}
	json_put_text(object, "rule", threshold->text);
	json_put_text(object, "metric", metric);
	if (threshold->stage > 0)
		json_put_int(object, "stage", threshold->stage);
	else
		json_put_null(object, "stage");
	char step[256];
	snprintf(step, sizeof(step), "%.*s", (int)threshold->step.size, threshold->step.at ? threshold->step.at : "");
	json_put_text(object, "step", threshold->step.at ? step : NULL);
	json_put_bool(object, "iterations", threshold->is_iteration);
	json_put_text(object, "unit", unit);
	put_value(object, "limit", threshold, threshold->limit);
	if (judged->unknown)
		json_put_null(object, "value");
	else
		put_value(object, "value", threshold, judged->value);
	json_put_bool(object, "passed", judged->passed);
	json_put_bool(object, "few_samples", judged->few);
}

static void put_machine(struct json *parent, const struct report *report) {
	const struct strain *strain = &report->strain;
	struct json *object = json_put_object(parent, "machine");
	json_put_int(object, "wall_ns", strain->wall);
	put_known(object, "run_queue_ns", strain->run_queue_known, strain->run_queue);
	put_known(object, "throttled_ns", strain->throttled_known, strain->throttled);
	put_known(object, "steal_ns", strain->steal_known, strain->steal);
	put_count(object, "pauses", strain->pauses);
	json_put_int(object, "longest_pause_ns", strain->longest_pause);
	put_count(object, "no_local_port", strain->no_port);
	put_count(object, "no_descriptor", strain->no_descriptor);
	json_put_real(object, "busiest_cpu", strain->busiest_wall > 0 ? report->worker_busy : NAN); /* null */
	put_known(object, "cpus", strain->cpus > 0, strain->cpus);
}

static void put_verdict(struct json *root, const struct report *report) {
	const struct verdict *verdict = &report->verdict;
	struct json *object = json_put_object(root, "verdict");
	json_put_text(object, "limited_by", report->run.records_only ? "unknown" : verdict->count > 0 ? cause_name(verdict->at[0].cause) : "none");
	struct json *causes = json_put_array(object, "causes");
	for (size_t i = 0; i < verdict->count; i++) {
		struct json *cause = json_put_object(causes, NULL);
		json_put_text(cause, "name", cause_name(verdict->at[i].cause));
		json_put_text(cause, "text", verdict->at[i].text);
	}
	struct json *notes = json_put_array(object, "notes");
	for (size_t i = 0; i < verdict->note_count; i++) json_put_text(notes, NULL, verdict->note[i]);
	put_machine(object, report);
}

void result_json_write(const struct report *report, struct buf *into) {
	struct json *root = json_new_object();
	json_put_int(root, "schema_version", SCHEMA_VERSION);
	put_run(root, report);
	put_verdict(root, report);
	struct json *thresholds = json_put_array(root, "thresholds");
	for (size_t i = 0; i < report->threshold_count; i++) put_threshold(thresholds, &report->thresholds[i]);
	put_books(root, report);
	put_rate(root, report);
	put_all_times(root, report);
	put_endings(root, report);
	put_connections(root, report);
	put_protocol(root, report);
	put_tls(root, report);
	put_bodies(root, report);
	put_groups(root, report);
	put_urls(root, report);
	put_script(root, report);
	series_json_put(root, report->series);
	fleet_json_put(root, report->fleet);
	put_client(root, report);
	char *text = json_format(root);
	buf_add_text(into, text);
	buf_add_text(into, "\n");
	free(text);
	json_free(root);
}
