#include "out/figures.h"
#include "out/summary.h"

static unsigned long long wide(uint64_t value) {
	return value;
}

void summary_write_lines(const struct report *report, struct buf *into) {
	struct figures f;
	char text[32];
	figures_read(report, &f);
	buf_add_format(into, "Duration: %llus\n", wide(f.duration_ms / 1000));
	buf_add_format(into, "Total Requests: %llu\n", wide(f.total));
	buf_add_format(into, "Successful: %llu (%s%%)\n", wide(f.successful), figures_format_x100(f.success_x100, text));
	buf_add_format(into, "Errors: %llu\n", wide(f.errors));
	buf_add_format(into, "Timeouts: %llu\n", wide(f.timeouts));
	buf_add_format(into, "Transport Errors: %llu\n", wide(f.transport_errors));
	buf_add_format(into, "Non-Expected Status: %llu\n", wide(f.non_expected_status));
	buf_add_format(into, "Avg Latency (all): %llums\n", wide(f.all.avg_ms));
	buf_add_format(into, "Avg Latency (ok): %llums\n", wide(f.ok.avg_ms));
	buf_add_format(into, "Min/Max Latency (all): %llums / %llums\n", wide(f.all.min_ms), wide(f.all.max_ms));
	buf_add_format(into, "Min/Max Latency (ok): %llums / %llums\n", wide(f.ok.min_ms), wide(f.ok.max_ms));
	buf_add_format(into, "P50/P90/P99 Latency (all): %llums / %llums / %llums\n", wide(f.all.p50_ms), wide(f.all.p90_ms), wide(f.all.p99_ms));
	buf_add_format(into, "P50/P90/P99 Latency (ok): %llums / %llums / %llums\n", wide(f.ok.p50_ms), wide(f.ok.p90_ms), wide(f.ok.p99_ms));
	buf_add_format(into, "Avg RPS: %s\n", figures_format_x100(f.rps_x100, text));
	buf_add_format(into, "Avg RPM: %s\n", figures_format_x100(f.rpm_x100, text));
	buf_add_format(into, "Charts: %s", report->run.charts > 0 ? "enabled" : "disabled");
	if (report->run.truncated_at > 0) buf_add_format(into, " (truncated at %llu metrics).", wide(report->run.truncated_at));
	buf_add_text(into, "\n");
}
