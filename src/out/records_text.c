#include "out/records_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "out/figures.h"
#include "out/run_json.h"
#include "stats/fleet.h"

#define SCHEMA_VERSION 1

static void put(struct json *object, const char *key, uint64_t value) {
	json_put_int(object, key, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

static void put_identity(struct json *object, const struct run_info *run) {
	char expected[2048]; /* the longest set has 250 codes of its own */
	json_put_int(object, "schema_version", SCHEMA_VERSION);
	json_put_text(object, "run_id", run->id[0] ? run->id : NULL);
	json_put_text(object, "version", run->version);
	run_json_put_moment(object, "start", run->start_unix_ns);
	json_put_text(object, "target", run->target);
	json_put_text(object, "expected_status", status_set_format(&run->expected, expected, sizeof(expected)));
	json_put_int(object, "warmup_ms", run->warmup / MSEC);
	run_json_put_labels(object, run);
}

/* Times in ms, cut off. */
static void put_ms(struct json *object, const char *key, nsec time) {
	json_put_int(object, key, time / MSEC);
}

static void put_x100(struct json *object, const char *key, uint64_t x100) {
	char text[32];
	snprintf(text, sizeof(text), "%llu.%02llu", (unsigned long long)(x100 / 100), (unsigned long long)(x100 % 100));
	json_put_text(object, key, text);
}

static void put_times(struct json *object, const struct figures *f) {
	put_ms(object, "min_latency_ms", f->all.min);
	put_ms(object, "max_latency_ms", f->all.max);
	put_ms(object, "avg_latency_ms", (nsec)f->all.mean);
	put_ms(object, "success_min_latency_ms", f->good.min);
	put_ms(object, "success_max_latency_ms", f->good.max);
	put_ms(object, "success_avg_latency_ms", (nsec)f->good.mean);
	put_ms(object, "p50_latency_ms", f->all.p50);
	put_ms(object, "p90_latency_ms", f->all.p90);
	put_ms(object, "p99_latency_ms", f->all.p99);
	put_ms(object, "success_p50_latency_ms", f->good.p50);
	put_ms(object, "success_p90_latency_ms", f->good.p90);
	put_ms(object, "success_p99_latency_ms", f->good.p99);
}

void records_put_summary(struct json *object, const struct records_run *run) {
	struct figures f;
	figures_from_report(run->report, &f);
	put_ms(object, "duration_ms", f.window);
	put(object, "total_requests", f.total);
	put(object, "successful_requests", f.ok);
	put(object, "error_requests", f.errors);
	put(object, "timeout_requests", f.timeouts);
	put(object, "transport_errors", f.transport);
	put(object, "non_expected_status", f.unexpected);
	put_times(object, &f);
	put_x100(object, "success_rate", f.success_x100);
	put_x100(object, "avg_rps", f.rps_x100);
	put_identity(object, &run->report->run);
	put(object, "exported_records", run->records);
	json_put_bool(object, "truncated", run->truncated);
	put(object, "missing_records", run->missing);
	if (run->report->fleet) {
		json_put_bool(object, "records_on_agents", true);
		put(object, "agents_expected", run->report->fleet->expected);
		put(object, "agents_reported", run->report->fleet->reported);
	}
	struct json *steps = json_put_array(object, "steps");
	for (size_t i = 0; i < run->report->step_count; i++) json_put_text(steps, NULL, run->report->steps[i].group.group.name);
}

static const char *name_in_csv(const char *name, struct arena *arena) {
	if (!strpbrk(name, ",\"\r\n")) return name;
	char *quoted = arena_alloc(arena, 2 * strlen(name) + 3), *to = quoted;
	*to++ = '"';
	for (const char *from = name; *from; from++) {
		if (*from == '"') *to++ = '"';
		*to++ = *from;
	}
	*to = '"';
	return quoted;
}

static const char *name_in_json(const char *name, struct arena *arena) {
	struct json *object = json_new_object();
	json_put_text(object, "step_name", name);
	char *text = json_format_line(object);
	const char *member = arena_format(arena, ",%.*s", (int)strlen(text) - 2, text + 1); /* without the braces */
	free(text);
	json_free(object);
	return member;
}

const char *const *records_name_steps(const struct report *report, bool is_csv, struct arena *arena) {
	if (report->step_count == 0) return NULL;
	const char **names = arena_array(arena, report->step_count, sizeof(*names));
	for (size_t i = 0; i < report->step_count; i++) {
		const char *name = report->steps[i].group.group.name;
		names[i] = is_csv ? name_in_csv(name, arena) : name_in_json(name, arena);
	}
	return names;
}

const char *records_step_of(const char *const *names, const struct report *report, const struct logged *record) {
	return names && record->sample.row < report->step_count ? names[record->sample.row] : "";
}

static char *put_text(char *at, const char *text) {
	size_t size = strlen(text);
	memcpy(at, text, size);
	return at + size;
}

/* The members' names with what stands around them, and how their value is written. */
#define NUMBER(name, value)                                                                                                                          \
	do {                                                                                                                                         \
		at = put_text(at, ",\"" name "\":");                                                                                                 \
		at = digits_put(at, (uint64_t)(value));                                                                                              \
	} while (0)
#define WORD(name, value)                                                                                                                            \
	do {                                                                                                                                         \
		at = put_text(at, ",\"" name "\":\"");                                                                                               \
		at = put_text(at, value);                                                                                                            \
		*at++ = '"';                                                                                                                         \
	} while (0)

char *records_put_record(const struct logged *record, char *at) {
	const struct sample *sample = &record->sample;
	struct compatible c;
	runlog_translate(record, &c);
	at = put_text(at, "\"elapsed_ms\":");
	at = digits_put(at, c.elapsed_ms);
	NUMBER("latency_ms", c.latency_ms);
	NUMBER("status_code", c.status);
	at = put_text(at, c.timed_out ? ",\"timed_out\":true" : ",\"timed_out\":false");
	at = put_text(at, c.transport_error ? ",\"transport_error\":true" : ",\"transport_error\":false");
	NUMBER("response_bytes", sample->bytes);
	NUMBER("in_flight_ops", record->in_flight);
	NUMBER("due_ns", sample->due);
	NUMBER("ready_ns", sample->ready);
	NUMBER("sent_ns", sample->sent);
	NUMBER("written_ns", sample->written);
	NUMBER("first_byte_ns", sample->first);
	NUMBER("done_ns", sample->done);
	NUMBER("dns_ns", sample->dns);
	NUMBER("connect_ns", sample->connect);
	NUMBER("tls_ns", sample->tls);
	NUMBER("retry_ns", sample->retry);
	WORD("outcome", outcome_name(reason_outcome(sample->reason)));
	WORD("reason", reason_name(sample->reason));
	NUMBER("step", record->has_step ? sample->row : 0);
	WORD("protocol", logged_protocol_name(record->protocol));
	NUMBER("connection", record->connection);
	NUMBER("bytes", sample->bytes);
	NUMBER("url", record->has_step ? 0 : sample->row);
	return at;
}
