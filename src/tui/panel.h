/* The panels of the view: rows of data, each with what it needs and how it is drawn.
 * In: a frame. Out: text and plots inside of a pen's area. Constant; one thread. */
#pragma once

#include "stats/frame.h"
#include "tui/grid.h"
#include "tui/layout.h"

/* What a panel draws from. */
struct sight {
	const struct frame *frame;
	bool log;      /* response times on a logarithmic axis */
	size_t scroll; /* first row of the table */
};

/* Pages that Tab goes through; a panel stands on those whose bit is set. */
enum page { PAGE_ALL, PAGE_TIMES, PAGE_RATES, PAGE_TABLE, PAGE_COUNT };
#define ON(page) (1u << (page))

struct panel {
	const char *title;
	struct layout_panel need;
	unsigned pages;
	void (*draw)(const struct sight *sight, struct pen *pen);
	bool of_rows; /* empty when the frame has no rows */
};

extern const struct panel panels[];
extern const size_t panel_count;

/* tui/figures.c */
void figures_draw_requests(const struct sight *sight, struct pen *pen);
void figures_draw_throughput(const struct sight *sight, struct pen *pen);
void figures_draw_times(const struct sight *sight, struct pen *pen);
void figures_draw_classes(const struct sight *sight, struct pen *pen);
void figures_draw_reasons(const struct sight *sight, struct pen *pen);
void figures_draw_table(const struct sight *sight, struct pen *pen);

/* tui/course.c */
void course_draw_times(const struct sight *sight, struct pen *pen);
void course_draw_rates(const struct sight *sight, struct pen *pen);
void course_draw_heat(const struct sight *sight, struct pen *pen);
void course_draw_flight(const struct sight *sight, struct pen *pen);

/* Writes a count or a rate: three digits and a letter from 10,000 on ("64.7k", "1.23M"); returns `text`, 16 bytes are enough. */
const char *panel_count_text(double count, char *text, unsigned size);

/* Writes a time, "-" when nothing was measured (under 0); 32 bytes are enough. */
const char *panel_time_text(nsec time, char *text, unsigned size);
