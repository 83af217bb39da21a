#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_code code, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	err->code = code;
	err->sys = 0;
	return false;
}

bool err_set_sys(struct err *err, enum err_code code, int sys, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t used = strlen(err->text);
	char words[128];
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror_r(sys, words, sizeof(words)));
	err->code = code;
	err->sys = sys;
	return false;
}

bool err_add(struct err *err, const char *format, ...) {
	char inner[sizeof(err->text)];
	memcpy(inner, err->text, sizeof(inner));
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return false;
}
