/* Messages for people on stderr. Never called on the per-request path.
 * In: printf formats. Out: one line "strest: ...". Any thread (one write(2) a line). */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Lines of a higher level are dropped, errors never; LOG_INFO when nobody says otherwise. Before other threads start. */
void log_set_level(enum log_level level);

/* Reads a filter of STREST_LOG or RUST_LOG: a level (off, error, warn, info, debug, trace = debug, any case) or a comma list "target=level" of which
 * "strest=..." and a bare level count. Anything else: LOG_INFO (spec 1.13), and *ret_understood is false. */
enum log_level log_read_filter(struct slice text, bool *ret_understood);

/* "warning:" and "error:" in colour, when stderr is a terminal. Before other threads start. */
void log_set_color(bool on);

/* Returns whether stderr should be coloured: it is a terminal that has colours (TERM is neither unset nor "dumb"), and `refused` is false. */
bool log_color_wanted(bool refused);

/* Called before a line is written by the calling thread, so that a progress bar can leave the terminal's line; NULL: nothing. Main thread. */
void log_set_hide(void (*hide)(void *user), void *user);
