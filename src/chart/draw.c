#include "chart/draw.h"

#include <math.h>
#include <pango/pangocairo.h>

#include "chart/footer.h"

enum { LEFT = 120, RIGHT = 1570, TOP = 88, BOTTOM = 482 }; /* of the plot */
enum { CAPTION_SIZE = 30, TEXT_SIZE = 18, FOOT_SIZE = 16, NOTE_SIZE = 26 };
enum { INK = 0x202020, SOFT = 0x606060, GRID = 0xe4e4e4, FRAME = 0x909090, LOSS = 0xb00020 };

#define DOTS_UP_TO 60   /* points that are marked one by one */
#define LOG_FROM 50     /* largest value over smallest */
#define DRAIN_FROM 0.01 /* share of the time axis: a shorter drain is not marked */
#define LOSS_LINES 15   /* of names below each other, before they start anew at the top */

/* A chart being drawn. */
struct canvas {
	cairo_t *cairo;
	PangoLayout *layout; /* NULL: no font */
	const struct chart *chart;
	const struct chart_data *data;
	struct scale x, y;
};

static void color_set(const struct canvas *canvas, uint32_t color, double alpha) {
	cairo_set_source_rgba(canvas->cairo, (color >> 16) / 255.0, (color >> 8 & 0xff) / 255.0, (color & 0xff) / 255.0, alpha);
}

struct place {
	double x, y;  /* of the text's upper edge */
	double align; /* 0: x is its left end, 0.5: its middle, 1: its right end */
	double most;  /* pixels; a longer text is cut */
};

/* Returns the width of the text, in pixels. */
static double text_draw(struct canvas *canvas, const char *text, int size, uint32_t color, struct place place) {
	if (!canvas->layout) return 0;
	PangoFontDescription *font = pango_font_description_from_string("DejaVu Sans, sans-serif");
	int width, height;
	pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
	pango_layout_set_font_description(canvas->layout, font);
	pango_font_description_free(font);
	pango_layout_set_width(canvas->layout, -1);
	pango_layout_set_text(canvas->layout, text, -1);
	pango_layout_get_pixel_size(canvas->layout, &width, &height);
	if (width > place.most) {
		width = (int)place.most;
		pango_layout_set_width(canvas->layout, width * PANGO_SCALE);
	}
	color_set(canvas, color, 1);
	cairo_move_to(canvas->cairo, round(place.x - place.align * width), round(place.y));
	pango_cairo_show_layout(canvas->cairo, canvas->layout);
	return width;
}

static double x_of(const struct canvas *canvas, double time) {
	return LEFT + scale_place(&canvas->x, time) * (RIGHT - LEFT);
}

static double y_of(const struct canvas *canvas, double value) {
	return BOTTOM - scale_place(&canvas->y, value) * (BOTTOM - TOP);
}

static void segment_draw(struct canvas *canvas, double x, double y, double to_x, double to_y) {
	cairo_move_to(canvas->cairo, x, y);
	cairo_line_to(canvas->cairo, to_x, to_y);
	cairo_stroke(canvas->cairo);
}

/* ---- axes ---- */

/* The least value over 0, and the largest one; of a stack the largest sum. */
static void range_find(const struct chart *chart, const struct chart_data *data, double *ret_least, double *ret_most) {
	double least = INFINITY, most = 0;
	for (size_t i = 0; i < data->count; i++) {
		double sum = 0;
		for (size_t k = 0; k < CHART_LINES && chart->lines[k].label; k++) {
			double value = chart->lines[k].value(&data->points[i]);
			if (isnan(value)) continue;
			sum = chart->kind == CHART_STACK ? sum + value : value;
			if (sum > most) most = sum;
			if (sum > 0 && sum < least) least = sum;
		}
	}
	*ret_least = least;
	*ret_most = most;
}

static double row_time(double row) {
	return (double)USEC * pow(10, row / DATA_STEPS);
}

/* The times between which there is anything in the heat map. */
static void heat_range(const struct chart_data *data, double *ret_least, double *ret_most) {
	size_t first = DATA_ROWS, end = 0;
	for (size_t i = 0; i < data->columns; i++) {
		for (size_t row = 0; row < DATA_ROWS; row++) {
			if (data->heat[i][row] <= 0) continue;
			if (row < first) first = row;
			if (row + 1 > end) end = row + 1;
		}
	}
	*ret_least = row_time((double)first);
	*ret_most = row_time((double)end);
}

static void scales_make(struct canvas *canvas) {
	const struct chart *chart = canvas->chart;
	double least, most;
	scale_elapsed(canvas->data->end, &canvas->x);
	if (chart->kind == CHART_HEAT)
		heat_range(canvas->data, &least, &most);
	else
		range_find(chart, canvas->data, &least, &most);
	if (chart->may_be_log && most > 0 && (chart->kind == CHART_HEAT || most > LOG_FROM * least))
		scale_log(least, most, &canvas->y);
	else
		scale_linear(most * 1.03, chart->unit, &canvas->y);
}

static void grid_draw(struct canvas *canvas) {
	cairo_set_line_width(canvas->cairo, 1);
	for (size_t i = 0; i < canvas->y.count; i++) {
		const struct scale_mark *mark = &canvas->y.marks[i];
		double y = round(y_of(canvas, mark->at)) + 0.5;
		color_set(canvas, GRID, 1);
		segment_draw(canvas, LEFT, y, RIGHT, y);
		text_draw(canvas, mark->text, TEXT_SIZE, INK, (struct place){LEFT - 8, y - 12, 1, LEFT});
	}
	for (size_t i = 0; i < canvas->x.count; i++) {
		const struct scale_mark *mark = &canvas->x.marks[i];
		double x = round(x_of(canvas, mark->at)) + 0.5;
		color_set(canvas, GRID, 1);
		segment_draw(canvas, x, TOP, x, BOTTOM);
		text_draw(canvas, mark->text, TEXT_SIZE, INK, (struct place){x, BOTTOM + 4, 0.5, 200});
	}
}

/* A line where an agent was lost, with its name: what comes behind is less load. */
static void losses_draw(struct canvas *canvas) {
	const struct chart_data *data = canvas->data;
	static const double dashes[] = {8, 4};
	char words[96];
	for (size_t i = 0; i < data->loss_count; i++) {
		double x = round(x_of(canvas, data->losses[i].at)) + 0.5;
		bool left = x > (LEFT + RIGHT) / 2; /* of the line there is more room */
		color_set(canvas, LOSS, 1);
		cairo_set_line_width(canvas->cairo, 2);
		cairo_set_dash(canvas->cairo, dashes, 2, 0);
		segment_draw(canvas, x, TOP, x, BOTTOM);
		cairo_set_dash(canvas->cairo, NULL, 0, 0);
		snprintf(words, sizeof(words), "lost: %.80s", data->losses[i].id);
		text_draw(canvas, words, FOOT_SIZE, LOSS, (struct place){left ? x - 6 : x + 6, TOP + 4 + 20 * (double)(i % LOSS_LINES), left, 500});
	}
}

static void frame_draw(struct canvas *canvas) {
	const struct chart_data *data = canvas->data;
	color_set(canvas, FRAME, 1);
	cairo_set_line_width(canvas->cairo, 1);
	segment_draw(canvas, LEFT + 0.5, TOP, LEFT + 0.5, BOTTOM + 0.5);
	segment_draw(canvas, LEFT, BOTTOM + 0.5, RIGHT, BOTTOM + 0.5);
	if (data->end - data->window < DRAIN_FROM * data->end) return;
	double x = round(x_of(canvas, data->window)) + 0.5;
	static const double dashes[] = {3, 5};
	cairo_set_dash(canvas->cairo, dashes, 2, 0);
	segment_draw(canvas, x, TOP, x, BOTTOM);
	cairo_set_dash(canvas->cairo, NULL, 0, 0);
	text_draw(canvas, "end of load", FOOT_SIZE, SOFT, (struct place){x - 6, TOP - 24, 0.5, 200});
}

static void words_draw(struct canvas *canvas) {
	const struct chart *chart = canvas->chart;
	char words[64];
	text_draw(canvas, chart->caption, CAPTION_SIZE, INK, (struct place){DRAW_WIDTH / 2, 6, 0.5, DRAW_WIDTH});
	snprintf(words, sizeof(words), "Elapsed Time (%s)", canvas->x.unit);
	text_draw(canvas, words, TEXT_SIZE, INK, (struct place){(LEFT + RIGHT) / 2, BOTTOM + 28, 0.5, RIGHT - LEFT});
	cairo_save(canvas->cairo);
	cairo_translate(canvas->cairo, 6, (TOP + BOTTOM) / 2);
	cairo_rotate(canvas->cairo, -G_PI / 2);
	text_draw(canvas, chart->y_title, TEXT_SIZE, INK, (struct place){0, 0, 0.5, BOTTOM - TOP + 100});
	cairo_restore(canvas->cairo);
	for (unsigned line = 0; line < FOOTER_LINES; line++) {
		struct buf text;
		buf_init(&text, FOOTER_MAX);
		footer_write(&canvas->data->report->run, line, &text);
		char *valid = g_utf8_make_valid(buf_text(&text), -1); /* a label may be anything */
		text_draw(canvas, valid, FOOT_SIZE, SOFT, (struct place){DRAW_WIDTH / 2, 548 + 23 * line, 0.5, DRAW_WIDTH - 40});
		g_free(valid);
		buf_fini(&text);
	}
}

static void note_draw(struct canvas *canvas) {
	const char *note = canvas->chart->note ? canvas->chart->note(canvas->data) : NULL;
	if (note) text_draw(canvas, note, NOTE_SIZE, SOFT, (struct place){(LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2 - 60, 0.5, RIGHT - LEFT});
}

/* ---- what is shown ---- */

static void pen_set(struct canvas *canvas, const struct chart_line *line) {
	static const double widths[] = {[PEN_PLAIN] = 2.5, [PEN_BAND] = 9, [PEN_DASHED] = 2, [PEN_THIN] = 1.3}, dashes[] = {7, 4};
	cairo_set_line_width(canvas->cairo, widths[line->pen]);
	cairo_set_dash(canvas->cairo, dashes, line->pen == PEN_DASHED ? 2 : 0, 0);
	cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
	color_set(canvas, line->color, line->pen == PEN_BAND ? 0.7 : 1);
}

static void dot_draw(struct canvas *canvas, const struct chart_line *line, double x, double y) {
	cairo_new_sub_path(canvas->cairo);
	cairo_arc(canvas->cairo, x, y, line->pen == PEN_BAND ? 7 : 3.5, 0, 2 * G_PI);
	cairo_fill(canvas->cairo);
}

static double point_x(const struct canvas *canvas, const struct point *point) {
	return x_of(canvas, canvas->chart->kind == CHART_SUM ? point->to : (point->from + point->to) / 2);
}

/* Marks points: all if they are few, else those that stand alone. */
static void dots_draw(struct canvas *canvas, const struct chart_line *line) {
	const struct chart_data *data = canvas->data;
	for (size_t i = 0; i < data->count; i++) {
		double value = line->value(&data->points[i]);
		bool before = i > 0 && !isnan(line->value(&data->points[i - 1]));
		bool after = i + 1 < data->count && !isnan(line->value(&data->points[i + 1]));
		if (isnan(value) || (data->count > DOTS_UP_TO && (before || after))) continue;
		dot_draw(canvas, line, point_x(canvas, &data->points[i]), y_of(canvas, value));
	}
}

static void line_draw(struct canvas *canvas, const struct chart_line *line) {
	const struct chart_data *data = canvas->data;
	bool drawing = false;
	pen_set(canvas, line);
	if (canvas->chart->kind == CHART_SUM && canvas->chart->unit == SCALE_COUNT) {
		cairo_move_to(canvas->cairo, LEFT, BOTTOM);
		drawing = true;
	}
	for (size_t i = 0; i < data->count; i++) {
		double value = line->value(&data->points[i]);
		double x = point_x(canvas, &data->points[i]);
		if (drawing && !isnan(value))
			cairo_line_to(canvas->cairo, x, y_of(canvas, value));
		else if (!isnan(value))
			cairo_move_to(canvas->cairo, canvas->chart->kind == CHART_SUM ? x_of(canvas, data->points[i].from) : x, y_of(canvas, value));
		if (canvas->chart->kind == CHART_SUM && !isnan(value)) cairo_line_to(canvas->cairo, x, y_of(canvas, value));
		drawing = !isnan(value);
	}
	cairo_stroke(canvas->cairo);
	cairo_set_dash(canvas->cairo, NULL, 0, 0);
	dots_draw(canvas, line);
}

static void steps_draw(struct canvas *canvas, const struct chart_line *line) {
	const struct chart_data *data = canvas->data;
	bool drawing = false;
	pen_set(canvas, line);
	for (size_t i = 0; i < data->count; i++) {
		const struct point *point = &data->points[i];
		double value = line->value(point);
		if (!isnan(value)) {
			if (!drawing) cairo_move_to(canvas->cairo, x_of(canvas, point->from), y_of(canvas, value));
			cairo_line_to(canvas->cairo, x_of(canvas, point->from), y_of(canvas, value));
			cairo_line_to(canvas->cairo, x_of(canvas, point->to), y_of(canvas, value));
		}
		drawing = !isnan(value);
	}
	cairo_stroke(canvas->cairo);
	cairo_set_dash(canvas->cairo, NULL, 0, 0);
}

static void stack_draw(struct canvas *canvas) {
	const struct chart *chart = canvas->chart;
	cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_NONE); /* else every bar has a pale edge */
	for (size_t i = 0; i < canvas->data->count; i++) {
		const struct point *point = &canvas->data->points[i];
		double sum = 0, from = x_of(canvas, point->from), to = x_of(canvas, point->to);
		if (to - from > 6) to -= 1;
		for (size_t k = 0; k < CHART_LINES && chart->lines[k].label; k++) {
			double value = chart->lines[k].value(point);
			if (isnan(value) || value <= 0) continue;
			double low = y_of(canvas, sum), high = y_of(canvas, sum + value);
			sum += value;
			color_set(canvas, chart->lines[k].color, 1);
			if (low - high < 1) high = low - 1; /* a few among many still show */
			cairo_rectangle(canvas->cairo, from, high, to - from, low - high);
			cairo_fill(canvas->cairo);
		}
	}
	cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_DEFAULT);
}

static double heat_most(const struct chart_data *data) {
	double most = 1;
	for (size_t i = 0; i < data->columns; i++)
		for (size_t row = 0; row < DATA_ROWS; row++)
			if (data->heat[i][row] > most) most = data->heat[i][row];
	return most;
}

/* From light to dark: `share` from 0 to 1. */
static void heat_color(const struct canvas *canvas, double share) {
	static const double stops[4][3] = {{0.86, 0.92, 0.97}, {0.34, 0.71, 0.91}, {0, 0.45, 0.70}, {0.02, 0.08, 0.26}};
	double at = share < 0 ? 0 : share > 1 ? 3 : 3 * share;
	int low = at >= 3 ? 2 : (int)at;
	double part = at - low, rgb[3];
	for (int i = 0; i < 3; i++) rgb[i] = stops[low][i] + part * (stops[low + 1][i] - stops[low][i]);
	cairo_set_source_rgb(canvas->cairo, rgb[0], rgb[1], rgb[2]);
}

static void heat_draw(struct canvas *canvas) {
	const struct chart_data *data = canvas->data;
	double most = heat_most(data);
	cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_NONE);
	for (size_t column = 0, i = 0; column < data->columns; column++) {
		double from = data->points[i].from, to = from;
		for (; i < data->count && i * data->columns / data->count == column; i++) to = data->points[i].to;
		double left = round(x_of(canvas, from)), right = round(x_of(canvas, to));
		if (right <= left) right = left + 1;
		for (size_t row = 0; row < DATA_ROWS; row++) {
			double count = data->heat[column][row];
			if (count <= 0) continue;
			double low = y_of(canvas, row_time((double)row)), high = y_of(canvas, row_time((double)row + 1));
			heat_color(canvas, most > 1 ? log(count < 1 ? 1 : count) / log(most) : 1);
			cairo_rectangle(canvas->cairo, left, high, right - left, low - high);
			cairo_fill(canvas->cairo);
		}
	}
	cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_DEFAULT);
}

/* ---- above the plot ---- */

static void legend_draw(struct canvas *canvas) {
	const struct chart *chart = canvas->chart;
	double x = LEFT;
	for (size_t k = 0; k < CHART_LINES && chart->lines[k].label; k++) {
		const struct chart_line *line = &chart->lines[k];
		pen_set(canvas, line);
		if (chart->kind == CHART_STACK) {
			cairo_rectangle(canvas->cairo, x, 56, 24, 16);
			cairo_fill(canvas->cairo);
		} else {
			segment_draw(canvas, x, 64, x + 40, 64);
		}
		x += chart->kind == CHART_STACK ? 32 : 48;
		cairo_set_dash(canvas->cairo, NULL, 0, 0);
		x += text_draw(canvas, line->label, TEXT_SIZE, INK, (struct place){x, 52, 0, 600}) + 36;
	}
}

static void heat_legend_draw(struct canvas *canvas) {
	char most[24];
	double x = LEFT + text_draw(canvas, "requests in a field:  1", TEXT_SIZE, INK, (struct place){LEFT, 52, 0, 400}) + 8;
	for (int i = 0; i < 200; i++) {
		heat_color(canvas, i / 199.0);
		cairo_rectangle(canvas->cairo, x + i, 56, 1.5, 16);
		cairo_fill(canvas->cairo);
	}
	scale_format_count(round(heat_most(canvas->data)), most, sizeof(most));
	text_draw(canvas, most, TEXT_SIZE, INK, (struct place){x + 210, 52, 0, 400});
}

static void canvas_draw(struct canvas *canvas) {
	const struct chart *chart = canvas->chart;
	color_set(canvas, 0xffffff, 1);
	cairo_paint(canvas->cairo);
	scales_make(canvas);
	grid_draw(canvas);
	if (chart->kind == CHART_HEAT) {
		heat_draw(canvas);
		heat_legend_draw(canvas);
	} else {
		if (chart->kind == CHART_STACK) stack_draw(canvas);
		for (size_t k = 0; k < CHART_LINES && chart->lines[k].label && chart->kind != CHART_STACK; k++)
			(chart->kind == CHART_STEP ? steps_draw : line_draw)(canvas, &chart->lines[k]);
		legend_draw(canvas);
	}
	frame_draw(canvas);
	losses_draw(canvas);
	words_draw(canvas);
	note_draw(canvas);
}

/* ---- the file ---- */

static cairo_status_t bytes_add(void *user, const unsigned char *bytes, unsigned size) {
	return buf_add(user, (struct slice){(const char *)bytes, size}) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static bool fonts_exist(void) {
	PangoFontFamily **families = NULL;
	int count = 0;
	pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
	g_free(families);
	return count > 0;
}

bool draw_chart(const struct chart *chart, const struct chart_data *data, struct buf *into, struct err *err) {
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, DRAW_WIDTH, DRAW_HEIGHT);
	struct canvas canvas = {.cairo = cairo_create(surface), .chart = chart, .data = data};
	if (fonts_exist()) {
		canvas.layout = pango_cairo_create_layout(canvas.cairo);
		pango_layout_set_single_paragraph_mode(canvas.layout, TRUE);
		pango_layout_set_ellipsize(canvas.layout, PANGO_ELLIPSIZE_END);
	}
	canvas_draw(&canvas);
	cairo_status_t status = cairo_status(canvas.cairo);
	if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png_stream(surface, bytes_add, into);
	if (canvas.layout) g_object_unref(canvas.layout);
	cairo_destroy(canvas.cairo);
	cairo_surface_destroy(surface);
	return status == CAIRO_STATUS_SUCCESS || err_set(err, ERR_FAILED, "cannot draw '%s': %s", chart->file, cairo_status_to_string(status));
}

void draw_end(void) {
	pango_cairo_font_map_set_default(NULL);
}
