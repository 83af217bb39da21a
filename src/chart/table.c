#include "chart/table.h"

#include <math.h>

/* Colours that those who cannot tell red from green can tell apart (Okabe and Ito, 2008). */
enum {
	BLACK = 0x000000,
	ORANGE = 0xe69f00,
	SKY = 0x56b4e9,
	GREEN = 0x009e73,
	BLUE = 0x0072b2,
	RED = 0xd55e00,
	PURPLE = 0xcc79a7,
	GREY = 0x8c8c8c,
};

static double rate(double count, double seconds) {
	return seconds > 0 ? count / seconds : NAN;
}

/* Of what goes on all the time: the rest of a slot would look like a crash. */
static double flow(const struct point *point, uint64_t count) {
	return point->is_short ? NAN : rate((double)count, point->seconds);
}

/* Of what happens now and then: nothing is left out, and the rest of a slot counts as a whole one. */
static double incidents(const struct point *point, uint64_t count) {
	return rate((double)count, point->is_short ? point->whole : point->seconds);
}

static double value_mean(const struct point *point) {
	return point->mean;
}
static double value_total(const struct point *point) {
	return point->total;
}
static double value_ok(const struct point *point) {
	return point->ok;
}
static double value_error_rate(const struct point *point) {
	return point->total > 0 ? 100 * (point->total - point->ok) / point->total : NAN;
}
static double value_sent(const struct point *point) {
	return point->load_seconds < point->whole / 2 && point->load_seconds < point->seconds ? NAN : flow(point, point->counts.sent);
}
static double value_p50(const struct point *point) {
	return point->all[DATA_P50];
}
static double value_p90(const struct point *point) {
	return point->all[DATA_P90];
}
static double value_p99(const struct point *point) {
	return point->all[DATA_P99];
}
static double value_ok_p50(const struct point *point) {
	return point->fine[DATA_P50];
}
static double value_ok_p90(const struct point *point) {
	return point->fine[DATA_P90];
}
static double value_ok_p99(const struct point *point) {
	return point->fine[DATA_P99];
}
static double value_timeouts(const struct point *point) {
	return incidents(point, point->counts.timeouts + point->counts.open);
}
static double value_transport(const struct point *point) {
	return incidents(point, point->counts.transport);
}
static double value_unexpected(const struct point *point) {
	return incidents(point, point->counts.unexpected);
}
static double value_2xx(const struct point *point) {
	return flow(point, point->counts.classes[0]);
}
static double value_3xx(const struct point *point) {
	return flow(point, point->counts.classes[1]);
}
static double value_4xx(const struct point *point) {
	return flow(point, point->counts.classes[2]);
}
static double value_5xx(const struct point *point) {
	return flow(point, point->counts.classes[3]);
}
static double value_no_class(const struct point *point) {
	return flow(point, point->counts.classes[4]);
}
static double value_wire_mean(const struct point *point) {
	return point->is_short ? NAN : point->wire_mean; /* the drain is no course */
}
static double value_wire_peak(const struct point *point) {
	if (point->is_short) return NAN;
	return point->wire_peak > point->wire_mean ? point->wire_peak : point->wire_mean;
}
static double value_late_p99(const struct point *point) {
	return point->late_p99;
}
static double value_late_max(const struct point *point) {
	return point->late_max;
}

static const char *note_success(const struct chart_data *data) {
	return data->report->ok == 0 ? "no successful request" : NULL;
}
static const char *note_errors(const struct chart_data *data) {
	return data->report->failed + data->report->open == 0 ? "no errors" : NULL;
}
static const char *note_timeouts(const struct chart_data *data) {
	uint64_t count = 0;
	for (size_t i = 0; i < data->count; i++) count += data->points[i].counts.timeouts + data->points[i].counts.open;
	return count == 0 ? "no timeouts" : NULL;
}

#define TIMEOUT_WORDS "timeouts, and still open at the end"
#define LATENCY(file_, caption_, all_, ok_)                                                                                                          \
	{                                                                                                                                            \
		.file = file_, .caption = caption_, .y_title = "Latency", .kind = CHART_LINE, .unit = SCALE_TIME, .may_be_log = true,                \
		.lines = {{"All", SKY, PEN_BAND, all_}, {"OK", BLACK, PEN_DASHED, ok_}}, .note = note_success                                        \
	}

const struct chart chart_table[CHART_COUNT] = {
	{.file = "average_response_time.png",
		.caption = "Average Response Time",
		.y_title = "Avg Response Time",
		.kind = CHART_LINE,
		.unit = SCALE_TIME,
		.lines = {{"mean of all requests", BLUE, PEN_PLAIN, value_mean}}},
	{.file = "cumulative_successful_requests.png",
		.caption = "Cumulative Successful Requests",
		.y_title = "Successful Requests",
		.kind = CHART_SUM,
		.lines = {{"successful requests so far", BLUE, PEN_PLAIN, value_ok}},
		.note = note_success},
	{.file = "cumulative_error_rate.png",
		.caption = "Cumulative Error Rate",
		.y_title = "Failed, share of all",
		.kind = CHART_SUM,
		.unit = SCALE_PER_CENT,
		.lines = {{"failed requests, share of all so far", RED, PEN_PLAIN, value_error_rate}},
		.note = note_errors},
	{.file = "cumulative_total_requests.png",
		.caption = "Cumulative Total Requests",
		.y_title = "Total Requests",
		.kind = CHART_SUM,
		.lines = {{"requests so far", BLACK, PEN_PLAIN, value_total}}},
	{.file = "requests_per_second.png",
		.caption = "Requests per Second",
		.y_title = "Requests per Second",
		.kind = CHART_STEP,
		.lines = {{"requests sent", BLUE, PEN_PLAIN, value_sent}}},
	LATENCY("latency_percentiles_P50.png", "Latency P50 (All vs OK)", value_p50, value_ok_p50),
	LATENCY("latency_percentiles_P90.png", "Latency P90 (All vs OK)", value_p90, value_ok_p90),
	LATENCY("latency_percentiles_P99.png", "Latency P99 (All vs OK)", value_p99, value_ok_p99),
	{.file = "timeouts_per_second.png",
		.caption = "Timeouts per Second",
		.y_title = "Timeouts per Second",
		.kind = CHART_STEP,
		.lines = {{TIMEOUT_WORDS, RED, PEN_PLAIN, value_timeouts}},
		.note = note_timeouts},
	{.file = "error_rate_breakdown.png",
		.caption = "Error Rate per Second (Breakdown)",
		.y_title = "Errors per Second",
		.kind = CHART_STACK,
		.lines = {{"Timeouts", RED, PEN_PLAIN, value_timeouts}, {"Transport Errors", ORANGE, PEN_PLAIN, value_transport},
			{"Non-Expected Status", PURPLE, PEN_PLAIN, value_unexpected}},
		.note = note_errors},
	{.file = "status_code_distribution.png",
		.caption = "HTTP Status Code Distribution",
		.y_title = "Requests per Second",
		.kind = CHART_STACK,
		.lines = {{"2xx", GREEN, PEN_PLAIN, value_2xx}, {"3xx", SKY, PEN_PLAIN, value_3xx}, {"4xx", ORANGE, PEN_PLAIN, value_4xx},
			{"5xx", RED, PEN_PLAIN, value_5xx}, {"Other, or no response", GREY, PEN_PLAIN, value_no_class}}},
	{.file = "inflight_requests.png",
		.caption = "In-Flight Requests",
		.y_title = "Concurrent Requests",
		.kind = CHART_LINE,
		.lines = {{"peak (mean over 0.1 s)", ORANGE, PEN_THIN, value_wire_peak}, {"mean over time", BLUE, PEN_PLAIN, value_wire_mean}}},
	{.file = "latency_heatmap.png",
		.caption = "Latency Heat Map",
		.y_title = "Latency",
		.kind = CHART_HEAT,
		.unit = SCALE_TIME,
		.may_be_log = true},
	{.file = "send_lateness.png",
		.caption = "Send Lateness (strest's own delay)",
		.y_title = "Late by",
		.kind = CHART_LINE,
		.unit = SCALE_TIME,
		.may_be_log = true,
		.lines = {{"max", ORANGE, PEN_THIN, value_late_max}, {"P99", BLUE, PEN_PLAIN, value_late_p99}}},
};

const char *chart_file(size_t number) {
	return number < CHART_COUNT ? chart_table[number].file : NULL;
}
