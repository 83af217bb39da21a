#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define BLUE "\033[34m"
#define PLAIN "\033[0m"

static enum log_level limit = LOG_INFO;
static bool colored;
/* Of one thread: the line that has to leave is drawn by it, and the others would meet it in the middle of that. */
static _Thread_local void (*hide_line)(void *user);
static _Thread_local void *hide_user;

static const struct {
	const char *name, *color; /* NULL: lines of this level have no name */
} marks[] = {
	[LOG_OFF] = {NULL, NULL},
	[LOG_ERROR] = {"error", RED},
	[LOG_WARN] = {"warning", YELLOW},
	[LOG_INFO] = {NULL, NULL},
	[LOG_DEBUG] = {"debug", BLUE},
};

static const struct {
	struct slice word;
	enum log_level level;
} words[] = {
	{{"off", 3}, LOG_OFF},
	{{"error", 5}, LOG_ERROR},
	{{"warn", 4}, LOG_WARN},
	{{"info", 4}, LOG_INFO},
	{{"debug", 5}, LOG_DEBUG},
	{{"trace", 5}, LOG_DEBUG},
};

/* Writes what stands before the message into `line` of `size` bytes, and returns how much that is. */
static int log_begin(enum log_level level, char *line, size_t size) {
	if (!marks[level].name) return snprintf(line, size, "strest: ");
	if (!colored) return snprintf(line, size, "strest: %s: ", marks[level].name);
	return snprintf(line, size, "strest: %s%s:%s ", marks[level].color, marks[level].name, PLAIN);
}

void log_write(enum log_level level, const char *format, ...) {
	char line[1024];
	if (level > limit && level > LOG_ERROR) return;
	int used = log_begin(level, line, sizeof(line));
	va_list args;
	va_start(args, format);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	va_end(args);
	if (more < 0) return;
	int size = used + more;
	if (size > (int)sizeof(line) - 2) { /* cut, which is shown */
		size = (int)sizeof(line) - 2;
		memcpy(line + size - 3, "...", 3);
	}
	line[size++] = '\n';
	if (hide_line) hide_line(hide_user);
	if (write(STDERR_FILENO, line, (size_t)size) < 0) return; /* nobody is left to tell */
}

void log_set_level(enum log_level level) {
	limit = level;
}

static bool log_read_level(struct slice text, enum log_level *ret) {
	for (size_t i = 0; i < LENGTH(words); i++) {
		if (!slice_equal_nocase(slice_trim(text), words[i].word)) continue;
		*ret = words[i].level;
		return true;
	}
	return false;
}

enum log_level log_read_filter(struct slice text, bool *ret_understood) {
	enum log_level all = LOG_INFO, ours = LOG_INFO;
	bool ours_given = false, any = false;
	struct slice rest = text;
	*ret_understood = false;
	while (rest.at) {
		enum log_level level;
		struct slice value, item = slice_trim(slice_cut(rest, ',', &rest));
		if (item.size == 0) continue;
		struct slice target = slice_trim(slice_cut(item, '=', &value));
		if (!log_read_level(value.at ? value : item, &level)) return LOG_INFO;
		any = true;
		if (!value.at) {
			all = level;
		} else if (slice_equal(target, SLICE("strest"))) {
			ours = level;
			ours_given = true;
		}
	}
	*ret_understood = any;
	return ours_given ? ours : all;
}

bool log_color_wanted(bool refused) {
	const char *terminal = getenv("TERM");
	return !refused && terminal && *terminal && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

void log_set_color(bool on) {
	colored = on && isatty(STDERR_FILENO);
}

void log_set_hide(void (*hide)(void *user), void *user) {
	hide_line = hide;
	hide_user = user;
}
