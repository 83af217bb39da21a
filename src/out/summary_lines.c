#include "out/figures.h"
#include "out/summary.h"
#include "stats/fleet.h"

/* Everything here is cut off, never rounded: that is how the lines are defined. */

static void write_latencies(const struct figures *figures, struct buf *into) {
	const struct figures_times *both[2] = {&figures->all, &figures->good};
	static const char *const names[2] = {"all", "ok"};
	for (int i = 0; i < 2; i++) buf_add_format(into, "Avg Latency (%s): %lldms\n", names[i], (long long)(both[i]->mean / (double)MSEC));
	for (int i = 0; i < 2; i++)
		buf_add_format(into, "Min/Max Latency (%s): %lldms / %lldms\n", names[i], (long long)(both[i]->min / MSEC),
			(long long)(both[i]->max / MSEC));
	for (int i = 0; i < 2; i++)
		buf_add_format(into, "P50/P90/P99 Latency (%s): %lldms / %lldms / %lldms\n", names[i], (long long)(both[i]->p50 / MSEC),
			(long long)(both[i]->p90 / MSEC), (long long)(both[i]->p99 / MSEC));
}

static void write_hundredths(struct buf *into, uint64_t hundredths) {
	buf_add_format(into, "%llu.%02llu", (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
}

void summary_write_lines(const struct report *report, struct buf *into) {
	struct figures figures;
	bool unstreamed = report->fleet && report->fleet->unstreamed;
	figures_from_report(report, &figures);
	buf_add_format(into, "Duration: %llds\n", (long long)(figures.window / SEC));
	buf_add_format(into, "Total Requests: %llu\n", (unsigned long long)figures.total);
	buf_add_format(into, "Successful: %llu (", (unsigned long long)figures.ok);
	write_hundredths(into, figures.success_x100);
	buf_add_text(into, "%)\n");
	buf_add_format(into, "Errors: %llu\n", (unsigned long long)figures.errors);
	buf_add_format(into, "Timeouts: %llu\n", (unsigned long long)figures.timeouts);
	buf_add_format(into, "Transport Errors: %llu\n", (unsigned long long)figures.transport);
	buf_add_format(into, "Non-Expected Status: %llu\n", (unsigned long long)figures.unexpected);
	write_latencies(&figures, into);
	buf_add_text(into, "Avg RPS: ");
	write_hundredths(into, figures.rps_x100);
	buf_add_text(into, "\nAvg RPM: ");
	write_hundredths(into, figures.rpm_x100);
	buf_add_format(into, "\nCharts: %s",
		report->run.charts > 0 ? "enabled"
		: unstreamed           ? "unavailable, agents tell the course of a run only with --stream-summaries"
				       : "disabled");
	if (report->run.truncated_at > 0) buf_add_format(into, " (truncated at %llu metrics).", (unsigned long long)report->run.truncated_at);
	buf_add_text(into, "\n");
}
