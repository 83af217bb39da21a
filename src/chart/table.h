/* The charts: which file shows what.
 * In: points. Out: the rows of a constant table. Any thread. */
#pragma once

#include "chart/chart.h"
#include "chart/data.h"
#include "chart/scale.h"

#define CHART_LINES 5

enum chart_kind {
	CHART_LINE,  /* from the middle of each point to that of the next; a gap where there is none */
	CHART_SUM,   /* from the end of each point to that of the next, beginning at 0 */
	CHART_STEP,  /* the value holds for the whole point */
	CHART_STACK, /* bars, one on top of the other */
	CHART_HEAT,  /* time by time: as dark as there were requests */
};

enum chart_pen {
	PEN_PLAIN,
	PEN_BAND,   /* wide and light: what lies on it shows as well */
	PEN_DASHED, /* thin and dark, to lie on a band */
	PEN_THIN,
};

struct chart_line {
	const char *label;
	uint32_t color;                             /* 0xRRGGBB */
	enum chart_pen pen;                         /* of lines and steps */
	double (*value)(const struct point *point); /* NAN: a gap */
};

/* One row. */
struct chart {
	const char *file, *caption, *y_title;
	enum chart_kind kind;
	enum scale_unit unit;
	bool may_be_log;                                    /* a logarithmic axis if the largest value is over 50 times the smallest */
	struct chart_line lines[CHART_LINES];               /* up to the first without a label */
	const char *(*note)(const struct chart_data *data); /* what is written into the chart because there is nothing to draw; NULL: nothing */
};

extern const struct chart chart_table[CHART_COUNT];
