#include "http/field.h"

/* Returns the line that begins at `*rest`, without its CR LF, and moves on to the next one. */
static struct slice line_next(struct slice *rest) {
	struct slice line = slice_cut(*rest, '\n', rest);
	if (line.size && line.at[line.size - 1] == '\r') line.size--;
	return line;
}

bool field_find(struct slice head, struct slice name, struct slice *ret) {
	line_next(&head); /* the status line */
	while (head.size) {
		struct slice value, line = line_next(&head);
		/* A folded line begins with a blank, which no name does. */
		if (!slice_equal_nocase(slice_cut(line, ':', &value), name) || !value.at) continue;
		*ret = slice_trim(value);
		return true;
	}
	return false;
}
