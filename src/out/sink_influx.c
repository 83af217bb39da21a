#include <string.h>

#include "out/sink.h"

/* The line protocol of InfluxDB: measurement, fields; integers end in i. */

static void put_int(struct buf *into, const char *name, int64_t value) {
	buf_add_format(into, "%s=%lldi,", name, (long long)value);
}

static void put_ms(struct buf *into, const char *name, nsec time) {
	put_int(into, name, time / MSEC);
}

static void put_hundredths(struct buf *into, const char *name, uint64_t hundredths) {
	buf_add_format(into, "%s=%llu.%02llu", name, (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
}

static void write_line(const struct sink_figures *all, struct buf *into) {
	const struct figures *f = &all->figures;
	buf_add_text(into, "strest_summary ");
	put_ms(into, "duration_ms", f->window);
	put_int(into, "total_requests", (int64_t)f->total);
	put_int(into, "successful_requests", (int64_t)f->ok);
	put_int(into, "error_requests", (int64_t)f->errors);
	put_int(into, "timeout_requests", (int64_t)f->timeouts);
	put_ms(into, "min_latency_ms", f->all.min);
	put_ms(into, "max_latency_ms", f->all.max);
	put_ms(into, "avg_latency_ms", (nsec)f->all.mean);
	put_ms(into, "p50_latency_ms", f->all.p50);
	put_ms(into, "p90_latency_ms", f->all.p90);
	put_ms(into, "p99_latency_ms", f->all.p99);
	put_hundredths(into, "success_rate", f->success_x100);
	put_hundredths(into, ",avg_rps", f->rps_x100);
	put_hundredths(into, ",avg_rpm", f->rpm_x100);
	if (all->agents_expected > 0)
		buf_add_format(into, ",agents_expected=%zui,agents_reporting=%zui", all->agents_expected, all->agents_reporting);
	buf_add_text(into, "\n");
}

/* A tag's value: commas, equals signs and blanks are escaped. A backslash is not; a line end, or a backslash at the end, would break the line. */
static void put_tag(struct buf *into, const char *name) {
	for (const char *at = name; *at; at++) {
		bool breaks = *at == '\n' || *at == '\r' || (*at == '\\' && (at[1] == 0 || strchr(",= ", at[1])));
		if (strchr(",= ", *at)) buf_add_text(into, "\\");
		buf_add(into, breaks ? SLICE("?") : (struct slice){at, 1});
	}
}

/* `begin`: measurement and name of the tag; `counted`: what is counted. */
static void write_row(const char *begin, const char *counted, const struct figures_row *row, struct buf *into) {
	buf_add_text(into, begin);
	put_tag(into, row->name);
	buf_add_format(into, " successful_%s=%llui,error_%s=%llui,", counted, (unsigned long long)row->ok, counted, (unsigned long long)row->errors);
	put_ms(into, "p50_latency_ms", row->p50);
	put_ms(into, "p95_latency_ms", row->p95);
	buf_add_format(into, "p99_latency_ms=%lldi\n", (long long)(row->p99 / MSEC));
}

/* A line for the run, and one for each step and scenario. */
static void write_lines(const struct sink_figures *all, struct buf *into) {
	write_line(all, into);
	for (size_t i = 0; i < all->script.step_count; i++) write_row("strest_step,step=", "requests", &all->script.steps[i], into);
	for (size_t i = 0; i < all->script.scenario_count; i++) write_row("strest_scenario,scenario=", "iterations", &all->script.scenarios[i], into);
}

const struct sink sink_influx = {"influx", write_lines};
