#include "out/figures.h"

#include <stdio.h>

enum { P50 = 0, P90 = 2, P99 = 4 };

static uint64_t outcome_sum(const struct report *report, enum outcome outcome) {
	uint64_t sum = 0;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++)
		if (reason != REASON_NONE && reason_outcome(reason) == outcome) sum += report->reasons[reason];
	return sum;
}

static struct figures_latency latency_of(const struct distribution *times) {
	return (struct figures_latency){
		.min_ms = (uint64_t)(times->min / MSEC),
		.max_ms = (uint64_t)(times->max / MSEC),
		.avg_ms = (uint64_t)(times->mean / (double)MSEC),
		.p50_ms = (uint64_t)(times->at[P50].rank / MSEC),
		.p90_ms = (uint64_t)(times->at[P90].rank / MSEC),
		.p99_ms = (uint64_t)(times->at[P99].rank / MSEC),
	};
}

void figures_read(const struct report *report, struct figures *ret) {
	static const enum outcome transports[] = {OUTCOME_CONNECT, OUTCOME_TLS, OUTCOME_PROTOCOL, OUTCOME_RESET, OUTCOME_STALE};
	uint64_t total = report->ok + report->failed + report->open, duration_ms = (uint64_t)(report->window / MSEC);
	*ret = (struct figures){
		.duration_ms = duration_ms,
		.total = total,
		.successful = report->ok,
		.errors = report->failed + report->open,
		.timeouts = outcome_sum(report, OUTCOME_TIMEOUT),
		.non_expected_status = outcome_sum(report, OUTCOME_STATUS) + outcome_sum(report, OUTCOME_ASSERT),
		.all = latency_of(&report->response_all),
		.ok = latency_of(&report->response_ok),
		.success_x100 = total > 0 ? 10000 * report->ok / total : 0,
		.rps_x100 = 100000 * total / (duration_ms > 0 ? duration_ms : 1),
	};
	for (size_t i = 0; i < LENGTH(transports); i++) ret->transport_errors += outcome_sum(report, transports[i]);
	ret->rpm_x100 = 60 * ret->rps_x100;
}

const char *figures_format_x100(uint64_t x100, char text[32]) {
	snprintf(text, 32, "%llu.%02llu", (unsigned long long)(x100 / 100), (unsigned long long)(x100 % 100));
	return text;
}
