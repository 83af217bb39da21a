/* The text of the progress line: which parts, how wide, in which colours.
 * In: plain figures. Out: one line of text that fits. No descriptor, no clock; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tui/recent.h"

/* What the line says. */
struct bar_facts {
	nsec elapsed, duration;  /* elapsed is shown as at most the duration */
	uint64_t done, requests; /* requests 0: no limit */
	const char *phase;       /* a word */
	bool plain_phase;        /* the word says nothing special: it gives way early */
	bool open_loop;
	uint64_t errors;
	struct recent_figures recent;
};

/* The parts after the bar, in their order. */
enum bar_part { BAR_PERCENT, BAR_TIME, BAR_PHASE, BAR_RATE, BAR_ERRORS, BAR_TAIL, BAR_PARTS };

/* How the line is laid out. */
struct bar {
	unsigned columns; /* of the terminal; 0: no limit, and no bar: a line for a file */
	bool color;
	unsigned widest[BAR_PARTS]; /* of each part so far, so that a line that has found its shape keeps it; zero at the start */
};

/* Returns how much of the run is done, 0 to 1: by time or by requests, whichever is further. */
double bar_share(const struct bar_facts *facts);

/* Appends the line, without a newline, at most columns - 1 wide (a terminal that shows fewer than 8 columns gets nothing):
 *   [############------------------] 41.2% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms (last 10 s)
 * When it is narrow, parts go: first the note, a dull phase and the bar's length, then from the right. */
void bar_write(struct bar *bar, const struct bar_facts *facts, struct buf *into);
