/* A response's head as text, put together from the fields of HTTP/2: for http/h2*.c only.
 * In: fields, HTTP_HEAD_MAX bytes at most as RFC 9113 section 6.5.2 counts. Out: "HTTP/2 200" CR LF "name: value" CR LF ... The memory is there while a head is read;
 * then it goes to `spare`, from where the next connection of the thread takes it. One thread. */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Zeroed: none. */
struct h2_text {
	char *at; /* NULL: none */
	size_t size;
};

/* Begins it with its first line. */
void h2_text_begin(struct h2_text *text, char **spare, struct slice status);

/* Adds a field. */
void h2_text_add(struct h2_text *text, struct slice name, struct slice value);

/* Adds the blank line. */
void h2_text_close(struct h2_text *text);

/* Takes its memory away; none is fine. */
void h2_text_drop(struct h2_text *text, char **spare);
