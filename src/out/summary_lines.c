#include "out/summary.h"

/* Everything here is cut off, never rounded: that is how the lines are defined. */

enum { P50 = 0, P90 = 2, P99 = 4 };

static uint64_t outcome_sum(const struct report *report, enum outcome outcome) {
	uint64_t sum = 0;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++)
		if (reason != REASON_NONE && reason_outcome(reason) == outcome) sum += report->reasons[reason];
	return sum;
}

static void write_errors(const struct report *report, struct buf *into) {
	uint64_t transport = 0;
	static const enum outcome transports[] = {OUTCOME_CONNECT, OUTCOME_TLS, OUTCOME_PROTOCOL, OUTCOME_RESET, OUTCOME_STALE};
	for (size_t i = 0; i < LENGTH(transports); i++) transport += outcome_sum(report, transports[i]);
	buf_add_format(into, "Errors: %llu\n", (unsigned long long)(report->failed + report->open));
	buf_add_format(into, "Timeouts: %llu\n", (unsigned long long)outcome_sum(report, OUTCOME_TIMEOUT));
	buf_add_format(into, "Transport Errors: %llu\n", (unsigned long long)transport);
	buf_add_format(
		into, "Non-Expected Status: %llu\n", (unsigned long long)(outcome_sum(report, OUTCOME_STATUS) + outcome_sum(report, OUTCOME_ASSERT)));
}

static void write_latencies(const struct distribution *all, const struct distribution *ok, struct buf *into) {
	const struct distribution *both[2] = {all, ok};
	static const char *const names[2] = {"all", "ok"};
	for (int i = 0; i < 2; i++) buf_add_format(into, "Avg Latency (%s): %lldms\n", names[i], (long long)(both[i]->mean / (double)MSEC));
	for (int i = 0; i < 2; i++)
		buf_add_format(into, "Min/Max Latency (%s): %lldms / %lldms\n", names[i], (long long)(both[i]->min / MSEC),
			(long long)(both[i]->max / MSEC));
	for (int i = 0; i < 2; i++) {
		const struct quantile *at = both[i]->at;
		buf_add_format(into, "P50/P90/P99 Latency (%s): %lldms / %lldms / %lldms\n", names[i], (long long)(at[P50].rank / MSEC),
			(long long)(at[P90].rank / MSEC), (long long)(at[P99].rank / MSEC));
	}
}

void summary_write_lines(const struct report *report, struct buf *into) {
	uint64_t total = report->ok + report->failed + report->open;
	uint64_t duration_ms = report->window > MSEC ? (uint64_t)(report->window / MSEC) : 1;
	uint64_t success_x100 = total > 0 ? 10000 * report->ok / total : 0;
	uint64_t rps_x100 = 100000 * total / duration_ms;
	uint64_t rpm_x100 = 60 * rps_x100;
	buf_add_format(into, "Duration: %llds\n", (long long)(report->window / SEC));
	buf_add_format(into, "Total Requests: %llu\n", (unsigned long long)total);
	buf_add_format(into, "Successful: %llu (%llu.%02llu%%)\n", (unsigned long long)report->ok, (unsigned long long)(success_x100 / 100),
		(unsigned long long)(success_x100 % 100));
	write_errors(report, into);
	write_latencies(&report->response_all, &report->response_ok, into);
	buf_add_format(into, "Avg RPS: %llu.%02llu\n", (unsigned long long)(rps_x100 / 100), (unsigned long long)(rps_x100 % 100));
	buf_add_format(into, "Avg RPM: %llu.%02llu\n", (unsigned long long)(rpm_x100 / 100), (unsigned long long)(rpm_x100 % 100));
	buf_add_format(into, "Charts: %s\n", report->run.charts > 0 ? "enabled" : "disabled");
}
