#include "chart/data.h"

#include <math.h>

#include "stats/fleet.h"

struct reading {
	struct chart_data *data;
	nsec warmup, end;
	size_t slots; /* behind the warm-up */
	double total, ok;
	struct series_slot before; /* the last slot but one, from when that is known */
};

/* Length of the part of a..b that lies in 0..end. */
static double overlap(double a, double b, double end) {
	if (a < 0) a = 0;
	if (b > end) b = end;
	return b > a ? b - a : 0;
}

static void quantiles_read(const struct histlet *times, double ret[DATA_QUANTILES]) {
	static const double at[DATA_QUANTILES] = {0.5, 0.9, 0.99};
	for (int i = 0; i < DATA_QUANTILES; i++) {
		nsec time = histlet_quantile(times, at[i]);
		ret[i] = times->count > 0 ? (double)(time < times->max ? time : times->max) : NAN;
	}
}

static void times_read(const struct series_slot *slot, struct point *point) {
	struct histlet all = slot->response_ok;
	histlet_merge(&all, &slot->response_other);
	quantiles_read(&all, point->all);
	quantiles_read(&slot->response_ok, point->fine);
	point->mean = all.count > 0 ? (double)all.sum / (double)all.count : NAN;
	double late[DATA_QUANTILES];
	quantiles_read(&slot->late, late);
	point->late_p99 = late[DATA_P99];
	point->late_max = slot->late.count > 0 ? (double)slot->late.max : NAN;
}

/* What ended in the rest of a slot is few: its times count with those of the slot before. */
static void times_join(struct reading *reading, const struct series_slot *slot) {
	struct chart_data *data = reading->data;
	struct series_slot *both = &reading->before;
	const struct series_slot none = {0};
	histlet_merge(&both->response_ok, &slot->response_ok);
	histlet_merge(&both->response_other, &slot->response_other);
	histlet_merge(&both->late, &slot->late);
	times_read(both, &data->points[data->count - 2]);
	times_read(&none, &data->points[data->count - 1]);
}

/* Rows since 1 us of a time in ns. */
static double heat_row(double time) {
	double row = log10(time / (double)USEC) * DATA_STEPS;
	return row < 0 ? 0 : row > DATA_ROWS ? DATA_ROWS : row;
}

/* A slot of a histogram may be wider than a row: its requests are dealt out to those that it covers. */
static void heat_add(const struct histlet *times, double rows[DATA_ROWS]) {
	if (times->count == 0) return;
	for (uint32_t i = histlet_slot(times->min); i <= histlet_slot(times->max); i++) {
		if (times->slots[i] == 0) continue;
		double low = heat_row((double)histlet_slot_low(i) + 1), high = heat_row((double)histlet_slot_high(i) + 1);
		if (high - low < 1e-9) low = high > 0 ? high - 1e-9 : 0, high = low + 1e-9;
		double each = (double)times->slots[i] / (high - low);
		for (size_t row = (size_t)low; row < DATA_ROWS && (double)row < high; row++)
			rows[row] += each * (fmin((double)row + 1, high) - fmax((double)row, low));
	}
}

static void slot_read(void *user, const struct series_slot *slot) {
	struct reading *reading = user;
	struct chart_data *data = reading->data;
	double from = (double)(slot->start - reading->warmup), to = from + (double)slot->width;
	double length = overlap(from, to, data->end);
	const struct series_counts *counts = &slot->counts;
	reading->total += (double)(counts->ok + counts->failed + counts->open);
	reading->ok += (double)counts->ok;
	if (length <= 0) return;
	struct point *point = &data->points[data->count++];
	*point = (struct point){
		.from = from > 0 ? from : 0,
		.to = to < data->end ? to : data->end,
		.seconds = length / (double)SEC,
		.load_seconds = overlap(from, to, data->window) / (double)SEC,
		.is_short = length < (double)slot->width / 2,
		.whole = (double)slot->width / (double)SEC,
		.counts = *counts,
		.total = reading->total,
		.ok = reading->ok,
		.wire_mean = series_on_wire(data->report->series, slot),
		.wire_peak = (double)counts->wire_peak / 1000,
	};
	times_read(slot, point);
	if (point->is_short && data->count > 1)
		times_join(reading, slot);
	else if (to + (double)slot->width >= data->end)
		reading->before = *slot;
	size_t column = (data->count - 1) * data->columns / reading->slots;
	heat_add(&slot->response_ok, data->heat[column]);
	heat_add(&slot->response_other, data->heat[column]);
}

/* Puts the agents that were lost in order of time. */
static void losses_read(const struct fleet_report *fleet, nsec warmup, struct chart_data *data) {
	for (size_t i = 0; fleet && i < fleet->count; i++) {
		const struct fleet_agent *agent = &fleet->at[i];
		double at = fmin(fmax((double)(agent->last_heard - warmup), 0), data->end);
		size_t place = data->loss_count;
		if (agent->state != FLEET_LOST) continue;
		while (place > 0 && data->losses[place - 1].at > at) place--;
		if (place == DATA_LOSSES) continue;
		if (data->loss_count < DATA_LOSSES) data->loss_count++;
		for (size_t k = data->loss_count - 1; k > place; k--) data->losses[k] = data->losses[k - 1];
		data->losses[place] = (struct loss){at, agent->id};
	}
}

bool data_read(const struct report *report, struct arena *arena, struct chart_data *ret) {
	const struct series *series = report->series;
	if (!series || report->ok + report->failed + report->open == 0) return false;
	struct reading reading = {
		.data = ret, .warmup = report->run.warmup + report->run.part_from, .end = series_end(series), .slots = series_count(series)};
	if (reading.end <= reading.warmup) return false;
	*ret = (struct chart_data){
		.report = report,
		.end = (double)(reading.end - reading.warmup),
		.window = (double)report->window,
		.points = arena_array(arena, reading.slots, sizeof(*ret->points)),
	};
	size_t before = (size_t)(reading.warmup / series_width(series)); /* slots of the warm-up alone */
	reading.slots -= before;
	ret->columns = reading.slots < DATA_COLUMNS ? reading.slots : DATA_COLUMNS;
	ret->heat = arena_array(arena, ret->columns, sizeof(*ret->heat));
	series_walk(series, slot_read, &reading);
	losses_read(report->fleet, reading.warmup, ret);
	if (ret->count == 1) ret->points[0].is_short = false;
	return ret->count > 0;
}
