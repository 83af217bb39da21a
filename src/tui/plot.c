#include "tui/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DOTS_X 2 /* in a cell */
#define DOTS_Y 4
#define LABEL_COLUMNS 9
#define LABEL_BYTES 32
#define BRAILLE 0x2800
#define ROWS_PER_TICK 2 /* in a plot of few rows, ... */
#define FEW_ROWS 8
#define EQUAL_ROWS 5    /* in so few an uneven distance would look wrong */
#define LINE_ROWS 6     /* a lower plot has no line under it */
#define MORE_PER_TICK 3 /* ... and in one of more */

/* The cells that lines are drawn in. */
struct canvas {
	struct grid *grid;
	unsigned top, left, rows, columns;
	unsigned dots_x, dots_y; /* of a cell */
};

/* Returns the smallest of 1, 2, 5 times a power of ten that is not below `step`. */
static double round_step(double step) {
	double power = pow(10, floor(log10(step)));
	double part = step / power;
	return power * (part <= 1 + 1e-9 ? 1 : part <= 2 + 1e-9 ? 2 : part <= 5 + 1e-9 ? 5 : 10);
}

static struct plot_axis axis_linear(double low, double high, size_t most) {
	struct plot_axis axis = {.low = low, .high = high};
	if (!(high > low)) high = low + 1;
	double step = round_step((high - low) / (double)(most - 1));
	axis.low = floor(low / step + 1e-9) * step;
	axis.high = ceil(high / step - 1e-9) * step;
	while (lround((axis.high - axis.low) / step) + 1 > (long)most) { /* the low end was rounded down */
		step = round_step(step * 1.5);
		axis.low = floor(low / step + 1e-9) * step;
		axis.high = ceil(high / step - 1e-9) * step;
	}
	for (double tick = axis.low; tick < axis.high + step / 2 && axis.tick_count < most; tick += step) axis.ticks[axis.tick_count++] = tick;
	return axis;
}

static struct plot_axis axis_log(double low, double high, size_t most) {
	struct plot_axis axis = {.log = true};
	int first = (int)floor(log10(low) + 1e-9), last = (int)ceil(log10(high) - 1e-9);
	if (last <= first) last = first + 1;
	int step = 1;
	while ((last - first + step - 1) / step + 1 > (int)most) step++;
	axis.low = pow(10, first);
	axis.high = pow(10, last);
	for (int power = first; power <= last && axis.tick_count < most; power += step) axis.ticks[axis.tick_count++] = pow(10, power);
	return axis;
}

struct plot_axis plot_axis(double low, double high, bool log, size_t most) {
	if (most < 2) most = 2;
	if (most > PLOT_TICKS) most = PLOT_TICKS;
	return log ? axis_log(low, high, most) : axis_linear(low, high, most);
}

double plot_place(const struct plot_axis *axis, double value) {
	if (axis->log) return (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
	return (value - axis->low) / (axis->high - axis->low);
}

static bool plot_shows(const struct plot *plot, double value) {
	return isfinite(value) && (!plot->log || value > 0);
}

static struct plot_axis plot_axis_of(const struct plot *plot, unsigned rows) {
	double low = plot->log ? plot->at_least : 0, high = plot->at_least;
	for (size_t i = 0; i < plot->series_count; i++) {
		for (size_t k = 0; k < plot->count; k++) {
			double value = plot->series[i].values[k];
			if (!plot_shows(plot, value)) continue;
			high = fmax(high, value);
			low = fmin(low, value);
		}
	}
	if (rows > FEW_ROWS) return plot_axis(low, high, plot->log, rows / MORE_PER_TICK + 1);
	size_t most = rows / ROWS_PER_TICK + 1;
	struct plot_axis axis = plot_axis(low, high, plot->log, most);
	while (most > 2 && rows <= EQUAL_ROWS && (rows - 1) % (axis.tick_count - 1) != 0)
		axis = plot_axis(low, high, plot->log, --most); /* ticks equally far apart */
	return axis;
}

/* Sets a dot, (0, 0) is at the bottom left. */
static void canvas_dot(const struct canvas *canvas, unsigned x, unsigned y, const struct plot_series *series) {
	static const uint8_t bits[DOTS_Y][DOTS_X] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
	unsigned row = canvas->top + canvas->rows - 1 - y / canvas->dots_y, column = canvas->left + x / canvas->dots_x;
	if (row >= canvas->grid->rows || column >= canvas->grid->columns) return;
	if (canvas->grid->ascii) {
		grid_put(canvas->grid, row, column, (uint32_t)series->mark, series->ink);
		return;
	}
	uint32_t code = canvas->grid->cells[(size_t)row * canvas->grid->columns + column].code;
	if (code < BRAILLE || code > BRAILLE + 0xff) code = BRAILLE;
	grid_put(canvas->grid, row, column, code | bits[DOTS_Y - 1 - y % DOTS_Y][x % DOTS_X], series->ink);
}

/* Draws a line between two dots. */
static void canvas_line(const struct canvas *canvas, const unsigned from[2], const unsigned to[2], const struct plot_series *series) {
	double dx = (double)to[0] - from[0], dy = (double)to[1] - from[1];
	unsigned steps = (unsigned)fmax(fabs(dx), fabs(dy));
	for (unsigned i = 0; i <= steps; i++) {
		double part = steps ? (double)i / steps : 0;
		canvas_dot(canvas, (unsigned)lround(from[0] + part * dx), (unsigned)lround(from[1] + part * dy), series);
	}
}

static void plot_line(const struct plot *plot, const struct canvas *canvas, const struct plot_axis *axis, const struct plot_series *series) {
	unsigned width = canvas->columns * canvas->dots_x, height = canvas->rows * canvas->dots_y;
	unsigned before[2] = {0, 0};
	bool has_before = false;
	for (size_t i = 0; i < plot->count; i++) {
		if (!plot_shows(plot, series->values[i])) {
			has_before = false;
			continue;
		}
		double x = plot->count > 1 ? (double)i / (double)(plot->count - 1) : 1;
		double y = fmin(fmax(plot_place(axis, series->values[i]), 0), 1);
		unsigned now[2] = {(unsigned)lround(x * (width - 1)), (unsigned)lround(y * (height - 1))};
		canvas_line(canvas, has_before ? before : now, now, series);
		memcpy(before, now, sizeof(before));
		has_before = true;
	}
}

static void plot_label_y(const struct plot *plot, const struct canvas *canvas, const struct plot_axis *axis) {
	for (unsigned row = 0; row < canvas->rows; row++) grid_put(canvas->grid, canvas->top + row, canvas->left - 1, 0x2502, INK_FRAME);
	for (size_t i = 0; i < axis->tick_count; i++) {
		char text[LABEL_BYTES];
		double place = plot_place(axis, axis->ticks[i]);
		unsigned row = canvas->top + canvas->rows - 1 - (unsigned)lround(place * (canvas->rows - 1));
		struct area area = {row, canvas->left - LABEL_COLUMNS - 1, 1, LABEL_COLUMNS};
		struct pen pen = pen_at(canvas->grid, &area);
		pen_format(&pen, INK_DIM, "%*s", LABEL_COLUMNS - 1, plot->format(axis->ticks[i], text, sizeof(text)));
		grid_put(canvas->grid, row, canvas->left - 1, 0x251c, INK_FRAME);
	}
}

void plot_draw_seconds(struct grid *grid, const struct area *area, double from, double to) {
	unsigned parts = area->columns >= 60 ? 4 : area->columns >= 24 ? 2 : 1; /* labels where there is room for them */
	for (unsigned i = 0; i <= parts; i++) {
		char text[LABEL_BYTES];
		unsigned length = (unsigned)snprintf(text, sizeof(text), "%.*f s", to - from < 20 ? 1 : 0, from + (to - from) * i / parts);
		unsigned place = (area->columns - 1) * i / parts;
		unsigned left = place > length / 2 ? place - length / 2 : 0;
		if (left + length > area->columns) left = area->columns > length ? area->columns - length : 0;
		struct area label = {area->top, area->left + left, 1, length};
		struct pen pen = pen_at(grid, &label);
		pen_write(&pen, INK_DIM, text);
	}
}

/* Draws the line of the axis above the labels of time. */
static void plot_draw_line(struct grid *grid, const struct area *below) {
	grid_put(grid, below->top - 1, below->left - 1, 0x2514, INK_FRAME);
	for (unsigned column = 0; column < below->columns; column++) grid_put(grid, below->top - 1, below->left + column, 0x2500, INK_FRAME);
}

static void plot_legend(const struct plot *plot, struct grid *grid, const struct area *area) {
	struct area line = {area->top, area->left + 1, 1, area->columns - 1};
	struct pen pen = pen_at(grid, &line);
	for (size_t i = 0; i < plot->series_count; i++) {
		const struct plot_series *series = &plot->series[i];
		if (grid->ascii)
			pen_format(&pen, series->ink, "%c %s  ", series->mark, series->name);
		else
			pen_format(&pen, series->ink, "\u25cf %s  ", series->name);
	}
}

void plot_draw(const struct plot *plot, struct grid *grid, const struct area *area) {
	if (area->rows < 4 || area->columns < 16) return;
	plot_legend(plot, grid, area);
	unsigned line = area->rows >= LINE_ROWS ? 1 : 0;
	struct canvas canvas = {grid, area->top + 1, area->left + LABEL_COLUMNS + 1, area->rows - 2 - line, area->columns - LABEL_COLUMNS - 1,
		grid->ascii ? 1 : DOTS_X, grid->ascii ? 1 : DOTS_Y};
	struct plot_axis axis = plot_axis_of(plot, canvas.rows);
	plot_label_y(plot, &canvas, &axis);
	struct area below = {canvas.top + canvas.rows + line, canvas.left, 1, canvas.columns};
	if (line) plot_draw_line(grid, &below);
	plot_draw_seconds(grid, &below, plot->from, plot->to);
	for (size_t i = 0; i < plot->series_count; i++) plot_line(plot, &canvas, &axis, &plot->series[i]);
}
