#include "tui/frame_fixture.h"

#include <math.h>

static struct frame_column columns[FRAME_COLUMNS];

static const struct frame_row rows[] = {
	{"stage", "1", 1200, 0, 0, {3 * MSEC, 5 * MSEC, 9 * MSEC, 31 * MSEC}},
	{"stage", "2", 10800, 173, 2, {4 * MSEC, 7 * MSEC, 38 * MSEC, 912 * MSEC}},
	{"step", "buy/log in", 4000, 11, 0, {4 * MSEC, 6 * MSEC, 22 * MSEC, 400 * MSEC}},
	{"step", "buy/add to the cart", 3990, 158, 0, {5 * MSEC, 8 * MSEC, 51 * MSEC, 912 * MSEC}},
	{"scenario", "buy", 3800, 169, 12, {14 * MSEC, 21 * MSEC, 81 * MSEC, 1500 * MSEC}},
};

static void column_fill(struct frame_column *column, size_t i) {
	double wave = 1 + 0.5 * sin((double)i / 9);
	nsec p50 = (nsec)(4e6 * wave);
	*column = (struct frame_column){
		.start = 2400 * MSEC + (nsec)i * 100 * MSEC, .width = 100 * MSEC, .asked_per_s = 1000, .sent_per_s = 1000 - 60 * wave};
	column->done_per_s = column->sent_per_s - 5;
	column->failed_per_s = i > 60 && i < 70 ? 90 : 0;
	column->all = column->ok = (struct frame_times){p50, 2 * p50, 5 * p50, i % 30 == 12 ? 100 * p50 : 8 * p50};
	for (unsigned k = 0; k < 4; k++) column->bands[frame_band(p50 << k)] += 64u >> 2 * k;
	if (i % 30 == 12) column->bands[frame_band(100 * p50)]++;
}

void frame_fixture(struct frame *frame, size_t count) {
	for (size_t i = 0; i < count; i++) column_fill(&columns[i], i);
	*frame = (struct frame){
		.phase = FRAME_STEADY,
		.elapsed = 12400 * MSEC,
		.duration = 30 * SEC,
		.ok = 12000,
		.failed = 173,
		.open = 2,
		.timeouts = 11,
		.transport = 4,
		.unexpected = 158,
		.run_all = {4 * MSEC, 7 * MSEC, 38 * MSEC, 912 * MSEC},
		.run_ok = {4 * MSEC, 6 * MSEC, 31 * MSEC, 400 * MSEC},
		.window = 10 * SEC,
		.window_all = {4100 * USEC, 8200 * USEC, 20500 * USEC, 410 * MSEC},
		.window_ok = {4 * MSEC, 8 * MSEC, 19 * MSEC, 33 * MSEC},
		.rps = 938.6,
		.asked_per_s = 1000,
		.sent_per_s = 941,
		.in_flight = 14,
		.in_flight_most = 256,
		.classes = {12000, 0, 140, 18, 15},
		.reason_count = 3,
		.reasons = {{REASON_STATUS, 158}, {REASON_TIMEOUT_RESPONSE, 11}, {REASON_RESET, 4}},
		.row_count = sizeof(rows) / sizeof(*rows),
		.rows = rows,
		.column_count = count,
		.columns = columns,
		.light = "target",
		.mark_from = -1,
		.mark_to = -1,
	};
}
