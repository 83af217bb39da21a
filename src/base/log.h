/* Messages for people on stderr. Never called on the per-request path.
 * In: printf formats. Out: one line "strest: ...". Any thread (one write(2) a line). */
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
