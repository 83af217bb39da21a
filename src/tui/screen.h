/* The terminal as a screen: entered, drawn on, read from, left as it was found.
 * In: grids. Out: what they show; keys. The process has one screen; main thread. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "tui/grid.h"
#include "tui/keys.h"

struct screen;

/* Takes over the terminal that standard output is, in the locale of the environment; keys come from it, too. Ctrl-C and Ctrl-Z stay signals, Ctrl-S is
 * a key. A signal that ends the program (SIGSEGV, SIGABRT, SIGHUP, ...) and exit() restore the terminal.
 * NULL, err is filled: it cannot be drawn on (TERM), or the program is in the background; nothing was changed then. The locale is set for characters only. */
struct screen *screen_enter(bool color, struct err *err);

/* Copies the last line that was written on standard error since screen_enter, cut to `size`; true if there is one. If standard error is a terminal,
 * what is written there is held back until the screen is left, by whatever way. */
bool screen_said(const struct screen *screen, char *text, size_t size);

/* Leaves it as it was; once, NULL: nothing. */
void screen_leave(struct screen *screen);

/* Makes the grid as large as the terminal is now, and blank: call it before each drawing, so a change of size shows at once. */
void screen_fit(struct screen *screen, struct grid *grid);

/* Draws what has changed and sends it, as far as the terminal takes it now. While the rest of an earlier drawing is left, a new one is passed over. */
void screen_show(struct screen *screen, const struct grid *grid);

/* Sends what is left, if anything; false: the terminal does not take all of it now. Never waits. */
bool screen_send(struct screen *screen);

/* Returns the next key that was pressed, a character or an enum press (tui/keys.h), without waiting; PRESS_NONE: none. An Escape needs 0.2 s to become one. */
int screen_key(struct screen *screen);

/* Returns the descriptor that keys come from, for poll; -1: there is none now. */
int screen_descriptor(const struct screen *screen);

/* Answers SIGTSTP, which is blocked in all threads: gives the terminal back as it was and stops the process, as the signal does by itself; returns once it
 * goes on. NULL: only stops it. */
void screen_stop(struct screen *screen);

/* Answers SIGCONT: the shell may have used the terminal since. Draws all of it at the next drawing, or is away if it is in the background now. */
void screen_continue(struct screen *screen);

/* Returns whether somebody else has the terminal. Then nothing is drawn or read; screen_return takes it again if it may, and returns whether it did. */
bool screen_is_away(const struct screen *screen);
bool screen_return(struct screen *screen);
