#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "out/summary_inner.h"

void summary_put_duration(struct buf *into, nsec time) {
	char text[32];
	buf_add_format(into, " %9s", units_format_duration(time, text, sizeof(text)));
}

void summary_put_dash(struct buf *into) {
	buf_add_text(into, "         -");
}

void summary_put_quantile(struct buf *into, const struct quantile *at) {
	if (at->few)
		summary_put_dash(into);
	else
		summary_put_duration(into, at->value);
}

const char *summary_format_rate(double rate, char *text, unsigned size) {
	snprintf(text, size, rate < 10 ? "%.3g" : rate < 10000 ? "%.1f" : "%.0f", rate);
	return text;
}

static bool is_continued(char byte) {
	return ((unsigned char)byte & 0xc0) == 0x80;
}

const char *summary_format_cut(const char *name, size_t width, char *text) {
	size_t size = strlen(name), tail = (width - 3) / 2, head = width - 3 - tail;
	if (size <= width) return memcpy(text, name, size + 1);
	const char *end = name + size - tail;
	while (head > 0 && is_continued(name[head])) head--;
	while (is_continued(*end)) end++;
	snprintf(text, width + 1, "%.*s...%s", (int)head, name, end);
	return text;
}

void summary_put_wrapped(struct buf *into, const char *first, const char *words) {
	size_t indent = strlen(first), column = indent;
	buf_add_text(into, first);
	while (*words) {
		size_t size = strcspn(words, " ");
		bool begins = column == indent;
		if (!begins && column + 1 + size > SUMMARY_COLUMNS) {
			buf_add_format(into, "\n%*s", (int)indent, "");
			column = indent;
			begins = true;
		}
		buf_add_format(into, "%s%.*s", begins ? "" : " ", (int)size, words);
		column += size + !begins;
		words += size;
		while (*words == ' ') words++;
	}
	buf_add_text(into, "\n");
}
