#include "tui/grid.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

#define TEXT_MAX 512

void grid_resize(struct grid *grid, unsigned rows, unsigned columns) {
	grid->rows = rows < GRID_ROWS ? rows : GRID_ROWS;
	grid->columns = columns < GRID_COLUMNS ? columns : GRID_COLUMNS;
	free(grid->cells);
	grid->cells = mem_zeroed((size_t)grid->rows * grid->columns + 1, sizeof(*grid->cells));
	grid_clear(grid);
}

void grid_clear(struct grid *grid) {
	for (size_t i = 0; i < (size_t)grid->rows * grid->columns; i++) grid->cells[i] = (struct grid_cell){' ', INK_TEXT};
}

void grid_fini(struct grid *grid) {
	free(grid->cells);
	*grid = (struct grid){0};
}

/* Returns what a code point looks like in ASCII. */
static uint32_t grid_ascii(uint32_t code) {
	static const struct {
		uint32_t code;
		char like;
	} likes[] = {{0x2500, '-'}, {0x2502, '|'}, {0x2591, '.'}, {0x2592, '+'}, {0x2593, '*'}, {0x2588, '#'}, {0x25cf, '*'}, {0x2026, '.'},
		{0xb7, '|'}, {0x2190, '<'}, {0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'}};
	if (code < 0x80) return code;
	for (size_t i = 0; i < sizeof(likes) / sizeof(*likes); i++) {
		if (likes[i].code == code) return (uint32_t)likes[i].like;
	}
	return code >= 0x2500 && code < 0x2580 ? '+' : '?';
}

void grid_put(struct grid *grid, unsigned row, unsigned column, uint32_t code, enum ink ink) {
	if (row >= grid->rows || column >= grid->columns) return;
	grid->cells[(size_t)row * grid->columns + column] = (struct grid_cell){grid->ascii ? grid_ascii(code) : code, (uint8_t)ink};
}

struct pen grid_box(struct grid *grid, const struct area *area, const char *title) {
	if (area->rows < 2 || area->columns < 2) return (struct pen){.grid = grid};
	unsigned bottom = area->top + area->rows - 1, right = area->left + area->columns - 1;
	for (unsigned column = area->left + 1; column < right; column++) {
		grid_put(grid, area->top, column, 0x2500, INK_FRAME);
		grid_put(grid, bottom, column, 0x2500, INK_FRAME);
	}
	for (unsigned row = area->top + 1; row < bottom; row++) {
		grid_put(grid, row, area->left, 0x2502, INK_FRAME);
		grid_put(grid, row, right, 0x2502, INK_FRAME);
	}
	grid_put(grid, area->top, area->left, 0x250c, INK_FRAME);
	grid_put(grid, area->top, right, 0x2510, INK_FRAME);
	grid_put(grid, bottom, area->left, 0x2514, INK_FRAME);
	grid_put(grid, bottom, right, 0x2518, INK_FRAME);
	struct area top = {area->top, area->left + 1, 1, area->columns - 2};
	struct area inner = {area->top + 1, area->left + 1, area->rows - 2, area->columns - 2};
	struct pen pen = pen_at(grid, &top);
	pen_write(&pen, INK_TITLE, " ");
	pen_write(&pen, INK_TITLE, title);
	pen_write(&pen, INK_TITLE, " ");
	return pen_at(grid, &inner);
}

struct pen pen_at(struct grid *grid, const struct area *area) {
	return (struct pen){.grid = grid, .area = *area};
}

/* Returns whether a code point takes one column, as far as plain ranges tell: no control, no mark that combines or turns the direction, nothing wide.
 * Source: Unicode 15, EastAsianWidth.txt, and the general categories Mn, Cf. */
static bool code_is_single(uint32_t code) {
	static const uint32_t others[][2] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x600, 0x605},
		{0x610, 0x61c}, {0x64b, 0x65f}, {0x900, 0x902}, {0x1100, 0x115f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f}, {0x20d0, 0x20f0}, {0x231a, 0x231b}, {0x23e9, 0x23f3}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},
		{0xd800, 0xfaff}, {0xfe00, 0xfe6f}, {0xfeff, 0xfeff}, {0xff00, 0xff60}, {0xffe0, 0xffff}, {0x1f000, UINT32_MAX}};
	for (size_t i = 0; i < sizeof(others) / sizeof(*others) && others[i][0] <= code; i++) {
		if (code <= others[i][1]) return false;
	}
	return true;
}

/* Reads one code point of UTF-8; a wrong byte is '?'. Returns where the next one begins. */
static const char *code_read(const char *at, uint32_t *ret) {
	unsigned char first = (unsigned char)*at++;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	*ret = more ? first & (0x3fu >> more) : first;
	if (first >= 0x80 && first < 0xc0) *ret = '?';
	for (; more > 0; more--) {
		if (((unsigned char)*at & 0xc0) != 0x80) {
			*ret = '?';
			return at;
		}
		*ret = *ret << 6 | ((unsigned char)*at++ & 0x3f);
	}
	if (!code_is_single(*ret)) *ret = '?';
	return at;
}

void pen_write(struct pen *pen, enum ink ink, const char *text) {
	while (*text) {
		uint32_t code;
		text = code_read(text, &code);
		if (pen->row >= pen->area.rows || pen->column >= pen->area.columns) return;
		grid_put(pen->grid, pen->area.top + pen->row, pen->area.left + pen->column++, code, ink);
	}
}

void pen_write_cut(struct pen *pen, enum ink ink, const char *text, unsigned columns) {
	unsigned end = pen->column + columns;
	uint32_t code;
	if (columns == 0) return;
	while (*text && pen->column < end) {
		const char *next = code_read(text, &code);
		bool last = pen->column + 1 == end && *next;
		if (pen->row < pen->area.rows && pen->column < pen->area.columns)
			grid_put(pen->grid, pen->area.top + pen->row, pen->area.left + pen->column, last ? 0x2026 : code, ink);
		pen->column++;
		text = next;
	}
}

void pen_format(struct pen *pen, enum ink ink, const char *format, ...) {
	char text[TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pen_write(pen, ink, text);
}

void pen_tab(struct pen *pen, unsigned column) {
	pen->column = column;
}

void pen_next(struct pen *pen) {
	pen->column = 0;
	pen->row++;
}

unsigned pen_rows(const struct pen *pen) {
	return pen->row < pen->area.rows ? pen->area.rows - pen->row : 0;
}

static char *code_write(char *at, uint32_t code) {
	if (code < 0x80) {
		*at++ = (char)code;
	} else if (code < 0x800) {
		*at++ = (char)(0xc0 | code >> 6);
		*at++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*at++ = (char)(0xe0 | code >> 12);
		*at++ = (char)(0x80 | (code >> 6 & 0x3f));
		*at++ = (char)(0x80 | (code & 0x3f));
	} else {
		*at++ = '?';
	}
	return at;
}

void grid_row_text(const struct grid *grid, unsigned row, char *text) {
	const struct grid_cell *cells = grid->cells + (size_t)row * grid->columns;
	unsigned length = grid->columns;
	assert(row < grid->rows);
	while (length > 0 && cells[length - 1].code == ' ') length--;
	for (unsigned i = 0; i < length; i++) text = code_write(text, cells[i].code);
	*text = 0;
}
