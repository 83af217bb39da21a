/* What a screen shows, as cells: drawn by the panels, sent to a terminal by tui/screen.h, read by tests.
 * In: text and marks. Out: a grid of code points with a colour each. The caller owns it; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRID_ROWS 200 /* what lies beyond is not drawn on */
#define GRID_COLUMNS 500
#define GRID_HEATS 8

/* What a cell is meant to say; the screen knows the colour of that. Nothing is said by colour alone. */
enum ink {
	INK_TEXT,
	INK_DIM,
	INK_FRAME,
	INK_TITLE,
	INK_GOOD,
	INK_WARN,
	INK_BAD,
	INK_FIRST, /* lines of a plot */
	INK_SECOND,
	INK_THIRD,
	INK_FOURTH,
	INK_HEAT, /* GRID_HEATS of them, from few to many */
	INK_COUNT = INK_HEAT + GRID_HEATS
};

struct grid_cell {
	uint32_t code; /* Unicode; one column wide */
	uint8_t ink;
};

struct grid {
	unsigned rows, columns;
	bool ascii;              /* only ASCII is put: other code points are replaced by what looks like them */
	struct grid_cell *cells; /* rows x columns */
};

struct area {
	unsigned top, left, rows, columns;
};

/* Where in an area the next text goes; what does not fit is cut off. */
struct pen {
	struct grid *grid;
	struct area area;
	unsigned row, column; /* in the area */
};

/* Makes it so large, at most GRID_ROWS x GRID_COLUMNS, and blank. A zeroed grid is an empty one. */
void grid_resize(struct grid *grid, unsigned rows, unsigned columns);
void grid_clear(struct grid *grid);
void grid_fini(struct grid *grid);

/* Puts one code point; outside of the grid: nothing happens. */
void grid_put(struct grid *grid, unsigned row, unsigned column, uint32_t code, enum ink ink);

/* Draws a frame along the edge of an area with a title in it; returns a pen for what it encloses. An area of less than 2x2 gives an empty one. */
struct pen grid_box(struct grid *grid, const struct area *area, const char *title);

/* Returns a pen at the beginning of an area. */
struct pen pen_at(struct grid *grid, const struct area *area);

/* Writes UTF-8 text and moves on. What is not one column wide, and control characters, become '?'. */
void pen_write(struct pen *pen, enum ink ink, const char *text);

/* The same in at most `columns`; what does not fit ends in an ellipsis. */
void pen_write_cut(struct pen *pen, enum ink ink, const char *text, unsigned columns);
void pen_format(struct pen *pen, enum ink ink, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Moves to a column of this row, to the beginning of the next row. */
void pen_tab(struct pen *pen, unsigned column);
void pen_next(struct pen *pen);

/* Returns how many rows are left, this one included. */
unsigned pen_rows(const struct pen *pen);

/* Writes row `row` without trailing blanks as UTF-8; for tests and captures. `text` has room for 4 x columns + 1. */
void grid_row_text(const struct grid *grid, unsigned row, char *text);
