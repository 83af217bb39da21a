#include "tui/panel.h"

#include <math.h>
#include <stdio.h>

#include "tui/plot.h"

#define TEXT_BYTES 32
#define LABEL_COLUMNS 10

static const char *course_format_time(double value, char *text, unsigned size) {
	return panel_time_text((nsec)llround(value), text, size);
}

static const char *course_format_rate(double value, char *text, unsigned size) {
	return panel_count_text(value, text, size);
}

/* Sets the span of time of a plot. */
static void course_set_time(const struct frame *frame, struct plot *plot) {
	const struct frame_column *columns = frame->columns;
	plot->count = frame->column_count;
	if (plot->count == 0) return;
	nsec width = plot->count > 1 ? columns[1].start - columns[0].start : columns[0].width;
	plot->from = (double)columns[0].start / 1e9;
	plot->to = (double)(columns[plot->count - 1].start + width) / 1e9;
}

static double course_time(nsec time) {
	return time < 0 ? NAN : (double)time;
}

void course_draw_times(const struct sight *sight, struct pen *pen) {
	double values[4][FRAME_COLUMNS];
	struct plot plot = {
		.series_count = sight->log ? 4 : 3, /* a single slow request would flatten all else on a linear axis */
		.series = {{"P99", INK_THIRD, '*', values[2]}, {"P90", INK_SECOND, 'o', values[1]}, {"P50", INK_FIRST, '.', values[0]},
			{"max", INK_FOURTH, '^', values[3]}},
		.log = sight->log,
		.at_least = sight->log ? (double)MSEC : 100e3,
		.format = course_format_time,
	};
	course_set_time(sight->frame, &plot);
	for (size_t i = 0; i < plot.count; i++) {
		const struct frame_column *column = &sight->frame->columns[i];
		bool there = column->width > 0;
		values[0][i] = there ? course_time(column->all.p50) : NAN;
		values[1][i] = there ? course_time(column->all.p90) : NAN;
		values[2][i] = there ? course_time(column->all.p99) : NAN;
		values[3][i] = there ? course_time(column->all.max) : NAN;
	}
	plot_draw(&plot, pen->grid, &pen->area);
}

void course_draw_rates(const struct sight *sight, struct pen *pen) {
	double values[4][FRAME_COLUMNS];
	struct plot plot = {
		.series_count = 4,
		.series = {{"asked", INK_SECOND, '-', values[0]}, {"sent", INK_FIRST, 'o', values[1]}, {"done", INK_GOOD, '*', values[2]},
			{"failed", INK_BAD, 'x', values[3]}},
		.at_least = 1,
		.format = course_format_rate,
	};
	course_set_time(sight->frame, &plot);
	for (size_t i = 0; i < plot.count; i++) {
		const struct frame_column *column = &sight->frame->columns[i];
		bool there = column->width > 0 && !column->is_gap;
		values[0][i] = there && column->asked_per_s >= 0 ? column->asked_per_s : NAN;
		values[1][i] = there ? column->sent_per_s : NAN;
		values[2][i] = there ? column->done_per_s : NAN;
		values[3][i] = there && column->failed_per_s > 0 ? column->failed_per_s : NAN;
	}
	plot_draw(&plot, pen->grid, &pen->area);
}

void course_draw_flight(const struct sight *sight, struct pen *pen) {
	double values[FRAME_COLUMNS];
	struct plot plot = {.series_count = 1, .series = {{"mean", INK_FIRST, 'o', values}}, .at_least = 1, .format = course_format_rate};
	course_set_time(sight->frame, &plot);
	for (size_t i = 0; i < plot.count; i++) {
		const struct frame_column *column = &sight->frame->columns[i];
		values[i] = column->width > 0 && !column->is_gap ? column->in_flight : NAN;
	}
	plot_draw(&plot, pen->grid, &pen->area);
}

/* The part of the bands that is drawn, and how. */
struct heat {
	unsigned low, high; /* bands, both inclusive */
	unsigned rows, columns;
	uint64_t most; /* requests in a cell */
};

/* Finds the bands to draw: those in use, and empty ones about them if there are more rows. False: there are none in use. */
static bool heat_bounds(const struct frame *frame, struct heat *ret) {
	bool found = false;
	for (size_t i = 0; i < frame->column_count; i++) {
		for (unsigned band = 0; band < FRAME_BANDS; band++) {
			if (frame->columns[i].bands[band] == 0) continue;
			if (!found || band < ret->low) ret->low = band;
			if (!found || band > ret->high) ret->high = band;
			found = true;
		}
	}
	for (unsigned i = 0; found && ret->high - ret->low + 1 < ret->rows && ret->high - ret->low + 1 < FRAME_BANDS; i++) {
		if ((i % 2 == 0 || ret->low == 0) && ret->high + 1 < FRAME_BANDS)
			ret->high++;
		else if (ret->low > 0)
			ret->low--;
	}
	return found;
}

/* Returns the first band of a row from below; with more rows than bands, neighbours show the same. */
static unsigned heat_band(const struct heat *heat, unsigned row) {
	return heat->low + (heat->high - heat->low + 1) * row / heat->rows;
}

/* Returns the requests of a cell: of the columns of data and the bands under it. */
static uint64_t heat_count(const struct frame *frame, const struct heat *heat, unsigned x, unsigned row) {
	size_t first = frame->column_count * x / heat->columns, end = frame->column_count * (x + 1) / heat->columns;
	unsigned band = heat_band(heat, row), band_end = heat_band(heat, row + 1);
	uint64_t count = 0;
	if (end <= first) end = first + 1;
	if (band_end <= band) band_end = band + 1;
	for (size_t i = first; i < end; i++) {
		for (unsigned k = band; k < band_end; k++) count += frame->columns[i].bands[k];
	}
	return count;
}

static void heat_draw_row(const struct frame *frame, const struct heat *heat, struct pen *pen, unsigned row) {
	static const char *const shades[] = {"\u2591", "\u2591", "\u2592", "\u2592", "\u2593", "\u2593", "\u2588", "\u2588"};
	for (unsigned x = 0; x < heat->columns; x++) {
		uint64_t count = heat_count(frame, heat, x, row);
		if (count == 0) continue;
		unsigned level = (unsigned)(log((double)count + 1) / log((double)heat->most + 1) * GRID_HEATS);
		if (level >= GRID_HEATS) level = GRID_HEATS - 1;
		pen_tab(pen, LABEL_COLUMNS + x);
		pen_write(pen, (enum ink)(INK_HEAT + level), shades[level]);
	}
}

/* Writes from which time on a band is. */
static void heat_label(struct pen *pen, unsigned band) {
	char text[TEXT_BYTES];
	pen_format(pen, INK_DIM, "%8s", panel_time_text(frame_band_low(band), text, sizeof(text)));
}

void course_draw_heat(const struct sight *sight, struct pen *pen) {
	const struct frame *frame = sight->frame;
	if (pen->area.columns <= LABEL_COLUMNS || pen_rows(pen) < 3) return;
	struct heat heat = {.rows = pen_rows(pen) - 1, .columns = pen->area.columns - LABEL_COLUMNS};
	if (!heat_bounds(frame, &heat)) {
		pen_write(pen, INK_DIM, "nothing yet");
		return;
	}
	for (unsigned row = 0; row < heat.rows; row++) {
		for (unsigned x = 0; x < heat.columns; x++) {
			uint64_t count = heat_count(frame, &heat, x, row);
			if (count > heat.most) heat.most = count;
		}
	}
	for (unsigned row = heat.rows; row-- > 0; pen_next(pen)) {
		if (row == 0 || heat_band(&heat, row) != heat_band(&heat, row - 1)) heat_label(pen, heat_band(&heat, row));
		pen_tab(pen, LABEL_COLUMNS - 1);
		pen_write(pen, INK_FRAME, "\u2502");
		heat_draw_row(frame, &heat, pen, row);
	}
	struct plot time = {0};
	struct area below = {pen->area.top + pen->row, pen->area.left + LABEL_COLUMNS, 1, heat.columns};
	course_set_time(frame, &time);
	plot_draw_seconds(pen->grid, &below, time.from, time.to);
}
