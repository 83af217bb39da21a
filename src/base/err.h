/* Our own errors (the target's failures are data: see base/outcome.h).
 * In: what went wrong, context added outwards by the callers. Out: one sentence and an exit status, printed once by cmd/.
 * The caller owns the struct; any thread. */
#pragma once

#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_FAILED = 1,      /* configuration, set-up or run-time error */
	ERR_USAGE = 2,       /* the command line is wrong */
	ERR_UNREACHABLE = 3, /* nothing could be measured */
	ERR_INVALID = 4,     /* --strict: the result is limited by this side */
	ERR_THRESHOLD = 99,  /* a threshold was missed */
};

struct err {
	enum err_code code; /* picks the exit status */
	int sys;            /* errno, or 0 */
	char text[480];     /* lower case, where first, subject quoted, then what to do; no newline */
};

/* Sets the error: code and sentence (printf style, cut at the end of `text`). Always returns false, so that failing is one line. */
bool err_set(struct err *err, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with errno `sys` appended in words (": Permission denied"). Always returns false. */
bool err_set_sys(struct err *err, enum err_code code, int sys, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts "context: " before the sentence. Always returns false. */
bool err_add(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
