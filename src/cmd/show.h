/* The live view of a run that is being watched: ticks and keys in, a screen out.
 * In: the ticks of the run, keys. Out: the terminal; what the user wishes. Main thread. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "plan/plan.h"
#include "tui/progress.h"
#include "tui/view.h"

struct show;

struct show_setup {
	const struct plan *plan;
	bool color;
	nsec window;    /* at first */
	unsigned per_s; /* drawings at most: it is drawn when there is something new */
};

/* Takes over the terminal (tui/screen.h). NULL, err is filled: it cannot be drawn on. `setup` is copied. */
struct show *show_new(const struct show_setup *setup, struct err *err);

/* Leaves the terminal as it was, and draws no more; may be called again. */
void show_end(struct show *show);
void show_free(struct show *show);

/* Returns the descriptor that keys come from, -1: none now; and how long may be waited before the next show_draw, ms. */
int show_descriptor(const struct show *show);
int show_wait_ms(const struct show *show);

/* Counts a tick; NULL: nothing, as before the start line. */
void show_tick(struct show *show, const struct progress_moment *moment, const struct tally *tick);

/* Takes what the workers have told of themselves so far. */
void show_heed(struct show *show, const struct strain *strain);

/* Takes the rows of a fleet's agents, as live_tell_agents. */
void show_agents(struct show *show, const struct frame_row *rows, size_t count);

/* Reads keys, draws if it is time to, and returns the last wish: to quit or to leave at once. */
enum view_wish show_draw(struct show *show);

/* Answers SIGTSTP and SIGCONT: the terminal is given back, the process stands still, the view comes back with it (tui/screen.h). NULL: only stands still. */
void show_stop(struct show *show);
void show_continue(struct show *show);

/* Says that the run is being stopped: the next `q` leaves at once. */
void show_stopping(struct show *show);
