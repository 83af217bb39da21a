#include "base/units.h"
#include "tui/panel.h"

#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 32
#define FIGURE_COLUMNS 36 /* from label to value at most */

static unsigned figure_columns(const struct pen *pen) {
	return pen->area.columns < FIGURE_COLUMNS ? pen->area.columns : FIGURE_COLUMNS;
}

/* Writes "label    value" with the value at the right of `columns`. */
static void figure_write(struct pen *pen, const char *label, unsigned columns, enum ink ink, const char *value) {
	unsigned begin = pen->column, length = 0;
	for (const char *at = value; *at; at++) length++;
	pen_write(pen, INK_DIM, label);
	unsigned place = begin + columns > length ? begin + columns - length : 0;
	pen_tab(pen, place > pen->column ? place : pen->column + 1);
	pen_write(pen, ink, value);
}

static void figure_count(struct pen *pen, const char *label, unsigned columns, enum ink ink, double count) {
	char text[TEXT_BYTES];
	figure_write(pen, label, columns, ink, panel_count_text(count, text, sizeof(text)));
}

static enum ink ink_of_failures(uint64_t count) {
	return count > 0 ? INK_BAD : INK_TEXT;
}

/* Returns where the right one of two figures in a row begins. */
static unsigned figure_right(const struct pen *pen) {
	return figure_columns(pen) / 2;
}

void figures_draw_requests(const struct sight *sight, struct pen *pen) {
	const struct frame *frame = sight->frame;
	uint64_t total = frame->ok + frame->failed + frame->open, ended = frame->ok + frame->failed;
	unsigned columns = figure_columns(pen), right = figure_right(pen);
	char text[TEXT_BYTES];
	figure_count(pen, "total", right - 1, INK_TEXT, (double)total);
	pen_tab(pen, right);
	figure_count(pen, "failed", columns - right, ink_of_failures(frame->failed), (double)frame->failed);
	pen_next(pen);
	figure_count(pen, "ok", right - 1, INK_GOOD, (double)frame->ok);
	if (ended > 0) {
		uint64_t parts = (uint64_t)((double)frame->ok / (double)ended * 1e4); /* cut off, so 100 % means all */
		snprintf(text, sizeof(text), "%llu.%02llu %%", (unsigned long long)parts / 100, (unsigned long long)parts % 100);
	} else {
		snprintf(text, sizeof(text), "- %%");
	}
	pen_tab(pen, right);
	figure_write(pen, "", columns - right, INK_GOOD, text);
	pen_next(pen);
	figure_count(pen, "  time-outs", columns, ink_of_failures(frame->timeouts), (double)frame->timeouts);
	pen_next(pen);
	figure_count(pen, "  transport", columns, ink_of_failures(frame->transport), (double)frame->transport);
	pen_next(pen);
	figure_count(pen, "  status, asserts", columns, ink_of_failures(frame->unexpected), (double)frame->unexpected);
}

void figures_draw_throughput(const struct sight *sight, struct pen *pen) {
	const struct frame *frame = sight->frame;
	unsigned columns = figure_columns(pen);
	char text[TEXT_BYTES], most[TEXT_BYTES], both[2 * TEXT_BYTES];
	figure_count(pen, "per s (RPS)", columns, INK_TEXT, frame->rps);
	pen_next(pen);
	figure_count(pen, "per min (RPM)", columns, INK_TEXT, frame->rps * 60);
	pen_next(pen);
	figure_count(pen, "sent per s", columns, INK_TEXT, frame->sent_per_s);
	pen_next(pen);
	bool behind = frame->asked_per_s > 0 && frame->sent_per_s < 0.95 * frame->asked_per_s;
	if (frame->asked_per_s >= 0)
		figure_count(pen, behind ? "asked: behind" : "asked per s", columns, behind ? INK_WARN : INK_TEXT, frame->asked_per_s);
	else
		figure_write(pen, "asked", columns, INK_DIM, "closed loop");
	pen_next(pen);
	panel_count_text((double)frame->in_flight, text, sizeof(text));
	if (frame->in_flight_most > 0)
		snprintf(both, sizeof(both), "%s of %s", text, panel_count_text((double)frame->in_flight_most, most, sizeof(most)));
	else
		snprintf(both, sizeof(both), "%s", text);
	figure_write(pen, "in flight", columns, INK_TEXT, both);
}

#define SCOPE_COLUMNS 3
#define WHOSE_COLUMNS 4 /* "all " */

/* Writes how long the window is, in at most SCOPE_COLUMNS; rounded where the exact length is longer. */
static const char *times_scope(nsec window, char *text, unsigned size) {
	units_format_span(window, text, size);
	if (strlen(text) <= SCOPE_COLUMNS) return text;
	bool minutes = window >= 100 * SEC - SEC / 2;
	snprintf(text, size, "%.0f%c", (double)window / 1e9 / (minutes ? 60 : 1), minutes ? 'm' : 's');
	return text;
}

/* Writes a list of values or heads into columns of the same width behind the row's name. */
static void times_write_row(struct pen *pen, unsigned left, const char *const texts[4], const enum ink inks[4]) {
	unsigned shown = pen->area.columns >= 40 ? 4 : 3, room = pen->area.columns > left ? pen->area.columns - left : 0;
	for (unsigned i = 0; i < shown; i++) {
		unsigned begin = left + i * room / shown, end = left + (i + 1) * room / shown;
		pen_tab(pen, begin);
		pen_format(pen, inks[i], "%*s", (int)(end - begin), texts[i]);
	}
}

static void times_write(struct pen *pen, unsigned left, const char *name, const struct frame_times *times) {
	static const enum ink inks[] = {INK_FIRST, INK_SECOND, INK_THIRD, INK_FOURTH};
	char text[4][TEXT_BYTES];
	const char *texts[] = {panel_time_text(times->p50, text[0], TEXT_BYTES), panel_time_text(times->p90, text[1], TEXT_BYTES),
		panel_time_text(times->p99, text[2], TEXT_BYTES), panel_time_text(times->max, text[3], TEXT_BYTES)};
	pen_next(pen);
	pen_write(pen, INK_DIM, name);
	times_write_row(pen, left, texts, inks);
}

void figures_draw_times(const struct sight *sight, struct pen *pen) {
	static const char *const heads[] = {"P50", "P90", "P99", "max"};
	static const enum ink dim[] = {INK_DIM, INK_DIM, INK_DIM, INK_DIM};
	const struct frame *frame = sight->frame;
	char scope[TEXT_BYTES], name[2 * TEXT_BYTES];
	unsigned left = WHOSE_COLUMNS + SCOPE_COLUMNS;
	times_scope(frame->window, scope, sizeof(scope));
	times_write_row(pen, left, heads, dim);
	snprintf(name, sizeof(name), "all %s", scope);
	times_write(pen, left, name, &frame->window_all);
	snprintf(name, sizeof(name), "ok %s", scope);
	times_write(pen, left, name, &frame->window_ok);
	times_write(pen, left, "all run", &frame->run_all);
	times_write(pen, left, "ok run", &frame->run_ok);
}

void figures_draw_classes(const struct sight *sight, struct pen *pen) {
	static const struct {
		const char *name;
		enum ink ink;
	} classes[FRAME_CLASSES] = {{"2xx", INK_GOOD}, {"3xx", INK_FIRST}, {"4xx", INK_WARN}, {"5xx", INK_BAD}, {"none", INK_FOURTH}};
	uint64_t total = 0;
	unsigned abreast = pen_rows(pen) >= FRAME_CLASSES ? 1 : 2, width = pen->area.columns / abreast;
	for (size_t i = 0; i < FRAME_CLASSES; i++) total += sight->frame->classes[i];
	for (size_t i = 0; i < FRAME_CLASSES; i++) {
		char text[TEXT_BYTES];
		uint64_t count = sight->frame->classes[i];
		unsigned begin = (unsigned)i % abreast * width, bar = width > 12 ? width - 12 : 0;
		if (i > 0 && i % abreast == 0) pen_next(pen);
		pen_tab(pen, begin);
		pen_format(pen, INK_DIM, "%-4s %5s ", classes[i].name, panel_count_text((double)count, text, sizeof(text)));
		unsigned filled = total > 0 ? (unsigned)(((double)count * bar + (double)total / 2) / (double)total) : 0;
		if (count > 0 && filled == 0 && bar > 0) filled = 1;
		for (unsigned k = 0; k < filled; k++) pen_write(pen, classes[i].ink, "\u2588");
	}
}

void figures_draw_reasons(const struct sight *sight, struct pen *pen) {
	const struct frame *frame = sight->frame;
	if (frame->reason_count == 0) pen_write(pen, INK_DIM, "none so far");
	for (size_t i = 0; i < frame->reason_count && pen_rows(pen) > 0; i++) {
		char text[TEXT_BYTES];
		pen_format(pen, INK_BAD, "%6s ", panel_count_text((double)frame->reasons[i].count, text, sizeof(text)));
		pen_write(pen, INK_TEXT, reason_words(frame->reasons[i].reason));
		pen_next(pen);
	}
}

#define TABLE_FIXED 22 /* columns besides name and times */
#define TABLE_NAME 12
#define TABLE_TIME 8
#define TABLE_TIMES 3

/* How the table is laid out: with how many of the times, P50 and P90 give way first. */
struct table {
	unsigned name, first;
};

static struct table table_fit(unsigned columns) {
	unsigned room = columns > TABLE_FIXED + TABLE_NAME ? columns - TABLE_FIXED - TABLE_NAME : 0;
	unsigned shown = room / TABLE_TIME < TABLE_TIMES ? room / TABLE_TIME : TABLE_TIMES;
	return (struct table){TABLE_NAME + room - shown * TABLE_TIME, TABLE_TIMES - shown};
}

static void row_write(struct pen *pen, const struct frame_row *row, const struct table *table) {
	const nsec times[TABLE_TIMES] = {row->times.p50, row->times.p90, row->times.p99};
	static const enum ink colors[TABLE_TIMES] = {INK_FIRST, INK_SECOND, INK_THIRD};
	char text[TEXT_BYTES];
	pen_format(pen, INK_DIM, "%-9s", row->kind);
	pen_write_cut(pen, INK_TEXT, row->name, table->name - 1);
	pen_tab(pen, 9 + table->name);
	pen_format(pen, INK_GOOD, "%6s", panel_count_text((double)row->ok, text, sizeof(text)));
	pen_format(pen, ink_of_failures(row->failed), "%7s", panel_count_text((double)row->failed, text, sizeof(text)));
	for (unsigned i = table->first; i < TABLE_TIMES; i++)
		pen_format(pen, colors[i], "%*s", TABLE_TIME, panel_time_text(times[i], text, sizeof(text)));
}

void figures_draw_table(const struct sight *sight, struct pen *pen) {
	static const char *const heads[TABLE_TIMES] = {"P50", "P90", "P99"};
	const struct frame *frame = sight->frame;
	struct table table = table_fit(pen->area.columns);
	size_t shown = pen_rows(pen) > 0 ? pen_rows(pen) - 1 : 0;
	size_t first = frame->row_count > shown ? frame->row_count - shown : 0;
	if (sight->scroll < first) first = sight->scroll;
	if (frame->row_count == 0) {
		pen_write(pen, INK_DIM, "no stages, steps or scenarios");
		return;
	}
	pen_tab(pen, 9 + table.name);
	pen_format(pen, INK_DIM, "%6s%7s", "ok", "failed");
	for (unsigned i = table.first; i < TABLE_TIMES; i++) pen_format(pen, INK_DIM, "%*s", TABLE_TIME, heads[i]);
	for (size_t i = first; i < frame->row_count && i < first + shown; i++) {
		pen_next(pen);
		row_write(pen, &frame->rows[i], &table);
	}
}
