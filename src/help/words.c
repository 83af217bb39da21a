#include "help/words.h"

#include <stdio.h>

#include "base/units.h"
#include "config/value.h"

const char *words_names(const struct option_row *row, struct arena *arena) {
	const char *unit = value_unit(row);
	const char *letter = row->letter ? arena_format(arena, "-%c, ", row->letter) : "";
	return arena_format(arena, "%s--%s%s%s", letter, row->flag, unit ? " " : "", unit ? unit : "");
}

const char *words_aliases(const struct option_row *row, const char *before, const char *between, struct arena *arena) {
	if (!row->alias) return NULL;
	if (!row->alias2) return arena_format(arena, "%s%s", before, row->alias);
	return arena_format(arena, "%s%s%s%s%s", before, row->alias, between, before, row->alias2);
}

const char *words_choices(const struct option_row *row, const char *between, struct arena *arena) {
	const char *words = row->choices, *list = "";
	if (row->kind == KIND_TLS) words = "1.0|1.1|1.2|1.3";
	if (row->check == CHECK_ALPN) words = "h2|http/1.1";
	if (row->check == CHECK_HTTP_VERSION) words = "1.1|2";
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words))
		list = arena_format(arena, "%s%s%.*s", list, *list ? between : "", (int)word.size, word.at);
	return *list ? list : NULL;
}

const char *words_conflicts(const struct option_row *row, struct arena *arena) {
	const char *flags = row->conflicts, *list = "";
	for (struct slice flag = option_next_word(&flags); flag.size; flag = option_next_word(&flags))
		list = arena_format(arena, "%s%s`--%.*s`", list, *list ? ", " : "", (int)flag.size, flag.at);
	return *list ? list : NULL;
}

/* Writes one limit as the user would. */
static const char *limit_text(const struct option_row *row, double limit, struct arena *arena) {
	char text[32];
	if (row->kind == KIND_TIME && limit >= 3600) return arena_format(arena, "%gh", limit / 3600);
	if (row->kind == KIND_TIME) return arena_copy(arena, slice_of(units_format_span((nsec)(limit * 1e9 + 0.5), text, sizeof(text))));
	return arena_format(arena, row->kind == KIND_COUNT ? "%.0f" : "%.15g", limit);
}

const char *words_limits(const struct option_row *row, struct arena *arena) {
	if (row->max == 0) return NULL;
	if (row->max < 1e18) return arena_format(arena, "%s to %s", limit_text(row, row->min, arena), limit_text(row, row->max, arena));
	return row->min > 0 ? arena_format(arena, "at least %s", limit_text(row, row->min, arena)) : NULL;
}

const char *words_keys(const struct option_row *row, const char *quote, struct arena *arena) {
	const char *names[] = {row->key2, row->alias, row->alias2};
	const char *list = row->key ? arena_format(arena, "%s%s%s", quote, row->key, quote) : NULL;
	for (size_t i = 0; i < LENGTH(names) && list; i++) {
		char *name = arena_copy(arena, slice_of(names[i]));
		for (char *c = name; *c; c++)
			if (*c == '-') *c = '_';
		if (names[i] && strcmp(name, row->key) != 0) list = arena_format(arena, "%s or %s%s%s", list, quote, name, quote);
	}
	return list;
}

const char *words_type(const struct option_row *row) {
	static const char *const types[] = {
		[KIND_BOOL] = "true or false",
		[KIND_COUNT] = "whole number",
		[KIND_REAL] = "number",
		[KIND_TEXT] = "text",
		[KIND_LIST] = "list of texts",
		[KIND_TIME] = "duration",
		[KIND_CHOICE] = "text",
		[KIND_STATUS] = "whole number or text",
		[KIND_STAGES] = "text",
		[KIND_TLS] = "text",
	};
	return types[row->kind];
}

bool words_is_file(const struct option_row *row) {
	const char *unit = value_unit(row);
	return unit && (strcmp(unit, "FILE") == 0 || strcmp(unit, "PATH") == 0);
}

void words_wrap(struct buf *into, unsigned indent, unsigned width, const char *words) {
	unsigned column = indent;
	while (*words) {
		unsigned size = (unsigned)(*words == '[' ? strcspn(words, "]") + 1 : strcspn(words, " "));
		size += (unsigned)strcspn(words + size, " "); /* a comma after the bracket */
		if (column + 1 + size > width && column > indent) {
			buf_add_format(into, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_add_text(into, " ");
			column++;
		}
		buf_add(into, (struct slice){words, size});
		column += size;
		words += size;
		words += *words == ' ';
	}
}

const char *words_plain(const char *marked, struct arena *arena) {
	char *text = arena_copy(arena, slice_of(marked)), *to = text;
	for (const char *from = marked; *from; from++)
		if (*from != '`') *to++ = *from;
	*to = 0;
	return text;
}
