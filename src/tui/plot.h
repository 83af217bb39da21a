/* A line plot in cells: braille dots, four rows and two columns of them in a cell, or one mark per cell in ASCII.
 * In: series of numbers. Out: cells of a grid. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tui/grid.h"

#define PLOT_SERIES 4
#define PLOT_TICKS 8

struct plot_series {
	const char *name;
	enum ink ink;
	char mark;            /* in ASCII, and in the legend there */
	const double *values; /* NAN: there is none, the line has a gap */
};

struct plot {
	size_t count; /* values of each series, spread over the width */
	size_t series_count;
	struct plot_series series[PLOT_SERIES];                         /* where two share a cell, the later one gives the colour */
	bool log;                                                       /* y; values <= 0 are not shown then */
	double at_least;                                                /* y reaches up to this in any case, > 0 */
	double from, to;                                                /* x of the first and the last value, seconds */
	const char *(*format)(double value, char *text, unsigned size); /* writes a label of y */
};

/* Draws axes, labels, a legend and lines into an area; one of less than 4 rows or 16 columns is left alone. */
void plot_draw(const struct plot *plot, struct grid *grid, const struct area *area);

/* Writes labels of time into one row, seconds from `from` to `to`. */
void plot_draw_seconds(struct grid *grid, const struct area *area, double from, double to);

/* An axis from round to round number. */
struct plot_axis {
	double low, high;
	bool log;
	size_t tick_count;
	double ticks[PLOT_TICKS]; /* 1, 2 or 5 times a power of ten; of a log axis powers of ten, if there are two or more of them */
};

/* Chooses an axis that holds low..high (log: > 0) with at most `most` (2..PLOT_TICKS) ticks. */
struct plot_axis plot_axis(double low, double high, bool log, size_t most);

/* Returns where a value lies on an axis: 0 at the low end, 1 at the high one; not clamped. */
double plot_place(const struct plot_axis *axis, double value);
