/* The terminal as a screen: entered, drawn on, read from, left as it was found.
 * In: grids. Out: what they show; keys. The process has one screen; main thread, but for screen_restore. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "tui/grid.h"

/* Keys that are no characters; they lie beyond Unicode. */
enum press { PRESS_NONE = 0, PRESS_LEFT = 0x110000, PRESS_RIGHT, PRESS_UP, PRESS_DOWN, PRESS_HOME, PRESS_END, PRESS_PAGE_UP, PRESS_PAGE_DOWN };

struct screen;

/* Takes over the terminal that standard output is, in the locale of the environment; keys come from standard input, or from /dev/tty if that is none.
 * Ctrl-C stays a signal; Ctrl-Z is switched off. A signal that ends the program (SIGSEGV, SIGABRT, SIGHUP, ...) and exit() restore the terminal.
 * NULL, err is filled: it cannot be drawn on (TERM); nothing was changed then. The locale is set for characters only. */
struct screen *screen_enter(bool color, struct err *err);

/* Copies the last line that was written on standard error since screen_enter, cut to `size`; true if there is one. If standard error is a terminal,
 * what is written there is held back until the screen is left, by whatever way. */
bool screen_said(const struct screen *screen, char *text, size_t size);

/* Leaves it as it was; once, NULL: nothing. */
void screen_leave(struct screen *screen);

/* Makes the grid as large as the terminal is now, and blank: call it before each drawing, so a change of size shows at once. */
void screen_fit(struct screen *screen, struct grid *grid);

/* Sends what has changed. A terminal that takes nothing now (stopped output) is passed over. */
void screen_show(struct screen *screen, const struct grid *grid);

/* Returns the next key that was pressed, a character or an enum press, without waiting; PRESS_NONE: none. */
int screen_key(struct screen *screen);

/* Returns the descriptor that keys come from, for poll; -1: there are none. */
int screen_descriptor(const struct screen *screen);

/* Restores the terminal with write(2) and tcsetattr alone, if a screen is entered: for signal handlers and last moments; any thread. */
void screen_restore(void);
