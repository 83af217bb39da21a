/* The terminal that standard output is: taken, written to and read from without ever waiting, given back by whatever way the program ends.
 * In: bytes for it. Out: bytes of its keyboard. The process has one; main thread, but for terminal_restore.
 * Standard error, if it is a terminal, is held back meanwhile: it would stand in the midst of the screen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Opens it a second time, as non-blocking: those who share standard output see nothing of that. False, err is filled: it cannot be opened, or the
 * program runs in the background. */
bool terminal_open(struct err *err);
void terminal_close(void);

/* Returns whether the program is in the foreground: only then it may be drawn on or read from. */
bool terminal_is_ours(void);

/* Sets the modes of a screen: keys come one by one and unseen, signals are signals, Ctrl-S is a key, bytes arrive as they are. From now on exit() and
 * signals that end the program (SIGSEGV, SIGABRT, SIGHUP, ...) give it back: they write `back` (not copied, as long as the program), then set the modes. */
void terminal_take(const char *back, size_t size);

/* Writes `back` and sets the modes that it had before. If it takes nothing, what it has not shown yet is thrown away; 0.5 s at most. Not taken: nothing. */
void terminal_give_back(void);

/* Leaves it as it is, for somebody else has it already; if it is taken once more, it is given back as it was before all this. */
void terminal_lose(void);

/* Gives it back, and says what was held back, with system calls only: for signal handlers and last moments; any thread. */
void terminal_restore(void);

/* After it was given back: says what was held back, and lets signals end the program as they did. */
void terminal_finish(void);

/* Writes what it takes now, and returns how much that was. A terminal that is gone takes everything. */
size_t terminal_write(const char *bytes, size_t size);

/* Waits until it takes something, 20 ms at most. */
void terminal_wait(void);

/* Throws away what it has taken and not shown yet, so that there is room. */
void terminal_drop(void);

/* Reads what was typed, without waiting; returns the number of bytes. Its descriptor, for poll: */
size_t terminal_read(char *bytes, size_t size);
int terminal_descriptor(void);

/* Copies the last line that was held back, cut to `size`; true if there is one. */
bool terminal_said(char *text, size_t size);
