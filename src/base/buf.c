#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

void buf_init(struct buf *buf, size_t cap_bytes) {
	*buf = (struct buf){.cap = cap_bytes};
}

void buf_fini(struct buf *buf) {
	free(buf->at);
	buf_init(buf, buf->cap);
}

/* Makes room for `more` bytes and the final 0; false when the cap would be passed. */
static bool buf_reserve(struct buf *buf, size_t more) {
	if (more > buf->cap - buf->size) {
		buf->full = true;
		return false;
	}
	size_t need = buf->size + more + 1;
	if (need <= buf->room) return true;
	size_t room = buf->room ? buf->room : 64;
	while (room < need) room *= 2;
	buf->at = mem_resize(buf->at, room);
	buf->room = room;
	return true;
}

bool buf_add(struct buf *buf, struct slice bytes) {
	if (!buf_reserve(buf, bytes.size)) return false;
	if (bytes.size > 0) memcpy(buf->at + buf->size, bytes.at, bytes.size);
	buf->size += bytes.size;
	buf->at[buf->size] = 0;
	return true;
}

bool buf_add_text(struct buf *buf, const char *text) {
	return buf_add(buf, slice_of(text));
}

bool buf_add_format(struct buf *buf, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	bool fits = size >= 0 && buf_reserve(buf, (size_t)size);
	if (fits) {
		vsnprintf(buf->at + buf->size, (size_t)size + 1, format, again);
		buf->size += (size_t)size;
	}
	va_end(again);
	return fits;
}

const char *buf_text(const struct buf *buf) {
	return buf->at ? buf->at : "";
}

char *buf_take(struct buf *buf) {
	if (!buf->at) buf_add(buf, (struct slice){NULL, 0});
	char *text = buf->at;
	buf_init(buf, buf->cap);
	return text;
}
