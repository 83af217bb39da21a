/* The live view: panels over a whole screen, and what keys do to it.
 * In: frames, keys. Out: a grid to show; what the user wishes of the run or replay. One thread; needs no terminal. */
#pragma once

#include <stdbool.h>

#include "stats/frame.h"
#include "tui/grid.h"

#define VIEW_WINDOW (10 * SEC) /* at the start, unless told otherwise */

/* What a key asks of the caller; how the view looks it sees to itself. */
enum view_wish {
	VIEW_NOTHING,
	VIEW_QUIT,  /* stop, with the requests in flight; of a replay: leave */
	VIEW_FORCE, /* the second time: leave at once */
	/* Of a replay: */
	VIEW_PLAY, /* or pause */
	VIEW_BACK, /* a step */
	VIEW_FORWARD,
	VIEW_FIRST, /* to the beginning */
	VIEW_LAST,
	VIEW_RESTART,
	VIEW_MARK_FROM, /* of a snapshot */
	VIEW_MARK_TO,
	VIEW_WRITE, /* the snapshot */
	VIEW_FASTER,
	VIEW_SLOWER,
	VIEW_NEXT_ERROR
};

struct view;

/* `window`: how far back the view looks at first, ns. Free with view_free. Cannot fail. */
struct view *view_new(bool is_replay, nsec window);
void view_free(struct view *view);

/* Draws a frame into a grid that is blank. */
void view_draw(struct view *view, const struct frame *frame, struct grid *grid);

/* Takes a key, a character or an enum press (tui/screen.h). */
enum view_wish view_key(struct view *view, int key);

/* Tells it that the run is being stopped (a signal, or its own wish): the footer says so, and the next `q` is VIEW_FORCE. */
void view_stopping(struct view *view);

/* Returns how far back the frames shall look: 1 s to 10 min. */
nsec view_window(const struct view *view);

/* Returns whether the user froze the view: the last frame is to be drawn again, instead of a new one. The run goes on. */
bool view_is_frozen(const struct view *view);
