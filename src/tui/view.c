#include "tui/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/units.h"
#include "tui/panel.h"
#include "tui/screen.h"

#define TEXT_BYTES 32
#define LEAST_ROWS 8
#define LEAST_COLUMNS 40
#define SHORT_ROWS 18 /* below that a replay has no lines of its own unless they say something */
#define WORDS_ROWS 22 /* from here on there is a line for what limits a result */
#define BAR_COLUMNS 24
#define BAR_LARGE 110
#define BAR_LEAST 90  /* of the screen; below that there is no bar, ... */
#define HEAD_LEAST 72 /* ... and below that no percentage and no name: time stands beside it */
#define PAGE_STEP 10

static const nsec windows[] = {SEC, 2 * SEC, 5 * SEC, 10 * SEC, 20 * SEC, 30 * SEC, 60 * SEC, 120 * SEC, 300 * SEC, 600 * SEC};

struct view {
	bool is_replay;
	bool stopping, frozen, log, help;
	nsec window;
	enum page page;
	size_t scroll, rows; /* of the table; `rows` as in the last frame */
};

struct view *view_new(bool is_replay, nsec window) {
	struct view *view = mem_zeroed(1, sizeof(*view));
	view->is_replay = is_replay;
	view->window = window;
	return view;
}

void view_free(struct view *view) {
	free(view);
}

void view_stopping(struct view *view) {
	view->stopping = true;
}

nsec view_window(const struct view *view) {
	return view->window;
}

bool view_is_frozen(const struct view *view) {
	return view->frozen;
}

/* Goes to the next longer or shorter window. */
static void view_widen(struct view *view, bool wider) {
	size_t count = sizeof(windows) / sizeof(*windows);
	for (size_t i = 0; i < count; i++) {
		nsec window = wider ? windows[i] : windows[count - 1 - i];
		if (wider ? window <= view->window : window >= view->window) continue;
		view->window = window;
		return;
	}
}

static void view_scroll(struct view *view, long by) {
	long to = (long)view->scroll + by;
	if (to >= (long)view->rows) to = (long)view->rows - 1;
	view->scroll = to > 0 ? (size_t)to : 0;
}

static enum view_wish view_quit(struct view *view) {
	enum view_wish wish = view->stopping ? VIEW_FORCE : VIEW_QUIT;
	view->stopping = true;
	view->frozen = false;
	return wish;
}

/* Keys that a replay understands besides the others. */
static enum view_wish view_replay_key(int key) {
	static const struct {
		int key;
		enum view_wish wish;
	} wishes[] = {
		{' ', VIEW_PLAY},
		{'p', VIEW_PLAY},
		{PRESS_LEFT, VIEW_BACK},
		{'h', VIEW_BACK},
		{PRESS_RIGHT, VIEW_FORWARD},
		{'l', VIEW_FORWARD},
		{PRESS_HOME, VIEW_FIRST},
		{PRESS_END, VIEW_LAST},
		{'r', VIEW_RESTART},
		{'s', VIEW_MARK_FROM},
		{'e', VIEW_MARK_TO},
		{'w', VIEW_WRITE},
		{'+', VIEW_FASTER},
		{'=', VIEW_FASTER},
		{'-', VIEW_SLOWER},
		{'n', VIEW_NEXT_ERROR},
		{KEY_ESCAPE, VIEW_QUIT},
	};
	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++) {
		if (wishes[i].key == key) return wishes[i].wish;
	}
	return VIEW_NOTHING;
}

enum view_wish view_key(struct view *view, int key) {
	if (view->help && key != 'q' && key != 'Q' && key != PRESS_NONE) {
		view->help = false;
		return VIEW_NOTHING;
	}
	enum view_wish wish = view->is_replay ? view_replay_key(key) : VIEW_NOTHING;
	if (wish != VIEW_NOTHING) return wish;
	switch (key) {
	case 'q':
	case 'Q': return view_quit(view);
	case '?': view->help = true; break;
	case 'p': view->frozen = !view->frozen; break;
	case 'l':
	case 'L': view->log = !view->log; break;
	case '+':
	case '=':
	case ']': view_widen(view, true); break;
	case '-':
	case '[': view_widen(view, false); break;
	case '\t': view->page = (view->page + 1) % PAGE_COUNT; break;
	case PRESS_UP: view_scroll(view, -1); break;
	case PRESS_DOWN: view_scroll(view, 1); break;
	case PRESS_PAGE_UP: view_scroll(view, -PAGE_STEP); break;
	case PRESS_PAGE_DOWN: view_scroll(view, PAGE_STEP); break;
	default: break;
	}
	return VIEW_NOTHING;
}

/* Returns how much of the run is done, 0 to 1: by time or by requests, whichever is further; -1: not known. */
static double frame_share(const struct frame *frame) {
	double by_time = -1, by_requests = -1;
	if (frame->phase == FRAME_REPLAY && frame->to > frame->from)
		by_time = (double)(frame->cursor - frame->from) / (double)(frame->to - frame->from);
	if (frame->phase != FRAME_REPLAY && frame->duration > 0) by_time = (double)frame->elapsed / (double)frame->duration;
	if (frame->phase != FRAME_REPLAY && frame->requests > 0) by_requests = (double)(frame->ok + frame->failed) / (double)frame->requests;
	double share = by_time > by_requests ? by_time : by_requests;
	return share > 1 ? 1 : share;
}

static void view_draw_bar(struct pen *pen, double share) {
	unsigned columns = pen->area.columns >= BAR_LARGE ? BAR_COLUMNS : BAR_COLUMNS / 2;
	if (share < 0 || pen->area.columns < HEAD_LEAST) return;
	if (pen->area.columns >= BAR_LEAST) {
		pen_write(pen, INK_FRAME, "[");
		for (unsigned i = 0; i < columns; i++) {
			bool filled = i < (unsigned)(share * columns);
			pen_write(pen, filled ? INK_FIRST : INK_FRAME, filled ? "\u2588" : "\u2591");
		}
		pen_write(pen, INK_FRAME, "] ");
	}
	pen_format(pen, INK_TEXT, "%u %%", (unsigned)(share * 100));
	pen_write(pen, INK_DIM, " \u00b7 ");
}

/* Whom the numbers are about, and whether the target fails just now. */
static void view_draw_light(const struct frame *frame, struct pen *pen) {
	double failing = frame->rps > 0 ? frame->failed_per_s / frame->rps : 0;
	if (!frame->light) return;
	pen_write(pen, INK_DIM, " \u00b7 ");
	if (frame->limited)
		pen_write(pen, INK_WARN, "! strest: ");
	else
		pen_write(pen, failing > 0 ? INK_BAD : INK_GOOD, "\u25cf ");
	pen_write(pen, frame->limited ? INK_WARN : failing > 0 ? INK_BAD : INK_GOOD, frame->light);
	if (failing > 0) pen_format(pen, INK_BAD, ", %s%.0f %% fail", failing < 0.01 ? "< " : "", failing < 0.01 ? 1 : floor(failing * 100));
}

/* The first line: phase, progress, rate, whom the numbers are about. */
static void view_draw_head(const struct view *view, const struct frame *frame, struct pen *pen) {
	static const char *const phases[] = {"connect", "warm-up", "ramp", "steady", "drain", "done"};
	char text[TEXT_BYTES], limit[TEXT_BYTES];
	if (pen->area.columns >= HEAD_LEAST) pen_write(pen, INK_TITLE, "strest ");
	if (frame->phase == FRAME_REPLAY)
		pen_format(pen, INK_GOOD, "%s x%g ", frame->is_paused ? "paused" : "playing", frame->speed);
	else
		pen_format(pen, INK_GOOD, "%s ", view->frozen ? "frozen" : phases[frame->phase]);
	view_draw_bar(pen, frame_share(frame));
	nsec at = frame->phase == FRAME_REPLAY ? frame->cursor : frame->elapsed;
	nsec end = frame->phase == FRAME_REPLAY ? frame->to : frame->duration;
	snprintf(text, sizeof(text), "%.*f s", frame->phase == FRAME_REPLAY ? 2 : 1, (double)at / 1e9);
	if (frame->phase == FRAME_REPLAY)
		pen_format(pen, INK_TEXT, "%s of %.2f s", text, (double)end / 1e9);
	else if (end > 0)
		pen_format(pen, INK_TEXT, "%s of %s", text, units_format_span(end, limit, sizeof(limit)));
	else
		pen_write(pen, INK_TEXT, text);
	pen_format(pen, INK_DIM, " \u00b7 %s/s", panel_count_text(frame->rps, text, sizeof(text)));
	view_draw_light(frame, pen);
}

/* The line of a replay: its window and the marks of a snapshot. */
static void view_draw_replay(const struct frame *frame, struct pen *pen) {
	pen_format(pen, INK_DIM, "replay of %.2f s to %.2f s \u00b7 snapshot ", (double)frame->from / 1e9, (double)frame->to / 1e9);
	if (frame->mark_from >= 0)
		pen_format(pen, INK_TEXT, "from %.2f s ", (double)frame->mark_from / 1e9);
	else
		pen_write(pen, INK_DIM, "from - ");
	if (frame->mark_to >= 0)
		pen_format(pen, INK_TEXT, "to %.2f s", (double)frame->mark_to / 1e9);
	else
		pen_write(pen, INK_DIM, "to -");
}

static void view_draw_foot(const struct view *view, struct pen *pen) {
	if (view->stopping && !view->is_replay) {
		pen_write(pen, INK_WARN, "stopping: waiting for the requests in flight; q again leaves at once");
		return;
	}
	static const char *const live[] = {
		"q", "stop", "?", "help", "p", "freeze", "l", "log", "+ -", "window", "Tab", "panels", "\u2191 \u2193", "scroll"};
	static const char *const replay[] = {
		"q", "leave", "?", "help", "space", "play", "\u2190 \u2192", "step", "+ -", "speed", "n", "next error", "s e w", "snapshot"};
	const char *const *keys = view->is_replay ? replay : live;
	for (size_t i = 0; i < sizeof(live) / sizeof(*live); i += 2) {
		pen_format(pen, INK_TITLE, "%s ", keys[i]);
		pen_format(pen, INK_DIM, "%s  ", keys[i + 1]);
	}
}

static void view_draw_help(const struct view *view, struct grid *grid, const struct area *room) {
	static const char *const live[] = {
		"p        freeze what is shown; the run goes on",
		"l        response times on a logarithmic axis, or not",
		"[ ] + -  a shorter or longer window, 1 s to 10 min",
		"Tab      all panels, times, rates, the table",
		"up down  scroll the table (and page up, page down)",
		"q        stop; a second time: leave at once",
		NULL,
	};
	static const char *const replay[] = {
		"space    play or pause        + -  faster, slower",
		"\u2190 \u2192 h l  a step back, forward  n  the next failure",
		"Home End first, last moment   r    from the start",
		"s e      begin and end of a snapshot   w  write it",
		"[ ]      a shorter or longer window, 1 s to 10 min",
		"L        response times on a logarithmic axis, or not",
		"Tab      all panels, times, rates, the table",
		"up down  scroll the table (and page up, page down)",
		"q Esc    leave",
		NULL,
	};
	struct pen pen = grid_box(grid, room, "Keys (any key closes this)");
	for (const char *const *line = view->is_replay ? replay : live; *line; line++, pen_next(&pen)) pen_write(&pen, INK_TEXT, *line);
}

static void view_draw_panels(const struct view *view, const struct frame *frame, struct grid *grid, const struct area *room) {
	struct layout_panel needs[LAYOUT_PANELS] = {0};
	struct area areas[LAYOUT_PANELS] = {0};
	struct sight sight = {frame, view->log, view->scroll};
	for (size_t i = 0; i < panel_count; i++) {
		needs[i] = panels[i].need;
		needs[i].hidden = !(panels[i].pages & ON(view->page)) || (panels[i].of_rows && frame->row_count == 0 && view->page == PAGE_ALL);
	}
	layout_place(needs, panel_count, room, areas);
	for (size_t i = 0; i < panel_count; i++) {
		if (areas[i].rows == 0) continue;
		struct pen pen = grid_box(grid, &areas[i], panels[i].title);
		panels[i].draw(&sight, &pen);
	}
}

void view_draw(struct view *view, const struct frame *frame, struct grid *grid) {
	struct area line = {0, 0, 1, grid->columns}, room = {1, 0, 0, grid->columns};
	struct pen pen = pen_at(grid, &line);
	view->rows = frame->row_count;
	if (grid->rows < LEAST_ROWS || grid->columns < LEAST_COLUMNS) {
		pen_format(&pen, INK_TEXT, "too small: %ux%u of %dx%d", grid->columns, grid->rows, LEAST_COLUMNS, LEAST_ROWS);
		return;
	}
	view_draw_head(view, frame, &pen);
	bool is_short = frame->phase == FRAME_REPLAY && grid->rows < SHORT_ROWS;
	if (frame->phase == FRAME_REPLAY && (!is_short || frame->mark_from >= 0 || frame->mark_to >= 0)) {
		line.top = room.top++;
		pen = pen_at(grid, &line);
		view_draw_replay(frame, &pen);
	}
	unsigned bottom = grid->rows - 1;
	line.top = bottom;
	pen = pen_at(grid, &line);
	if (!is_short || !frame->note) view_draw_foot(view, &pen);
	const char *words = frame->note ? frame->note : frame->warning ? frame->warning : grid->rows >= WORDS_ROWS ? frame->words : NULL;
	if (words) {
		if (!is_short || !frame->note) line.top = --bottom;
		pen = pen_at(grid, &line);
		if (!frame->note) pen_write(&pen, INK_WARN, "! ");
		pen_write_cut(&pen, frame->note ? INK_TITLE : INK_WARN, words, grid->columns - pen.column);
	}
	room.rows = bottom - room.top;
	if (view->help)
		view_draw_help(view, grid, &room);
	else
		view_draw_panels(view, frame, grid, &room);
}
