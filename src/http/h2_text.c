#include "http/h2_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/http.h"

#define ROOM (HTTP_HEAD_MAX + 64) /* a field counts for 32 bytes more than it has, and takes 4 */

static void add(struct h2_text *text, struct slice bytes) {
	assert(text->size + bytes.size <= ROOM);
	memcpy(text->at + text->size, bytes.at, bytes.size);
	text->size += bytes.size;
}

void h2_text_begin(struct h2_text *text, char **spare, struct slice status) {
	text->at = *spare ? *spare : mem_alloc(ROOM);
	text->size = 0;
	*spare = NULL;
	add(text, SLICE("HTTP/2 "));
	add(text, status);
	h2_text_close(text);
}

void h2_text_add(struct h2_text *text, struct slice name, struct slice value) {
	add(text, name);
	add(text, SLICE(": "));
	add(text, value);
	h2_text_close(text);
}

void h2_text_close(struct h2_text *text) {
	add(text, SLICE("\r\n"));
}

void h2_text_drop(struct h2_text *text, char **spare) {
	if (!text->at) return;
	if (*spare)
		free(text->at);
	else
		*spare = text->at;
	text->at = NULL;
}
