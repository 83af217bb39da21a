#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void log_write(enum log_level level, const char *format, ...) {
	static const char *const marks[] = {"error: ", "warning: ", ""};
	char line[1024];
	int used = snprintf(line, sizeof(line), "strest: %s", marks[level]);
	va_list args;
	va_start(args, format);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	va_end(args);
	if (more < 0) return;
	int size = used + more;
	if (size > (int)sizeof(line) - 2) size = (int)sizeof(line) - 2;
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)size) < 0) return; /* nobody is left to tell */
}
