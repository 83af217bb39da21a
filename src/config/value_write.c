/* An option's value as text: the way back from value.c. */
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/units.h"

#define STAGES_BYTES 65536
#define TEXT_BYTES 4096

const char *value_write_real(double real, const char *tail, struct arena *arena) {
	char text[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtod(text, NULL) == real) break;
	}
	return arena_format(arena, "%s%s", text, strpbrk(text, ".enai") ? "" : tail);
}

static const char *write_stages(const struct stage_list *stages, struct arena *arena) {
	struct buf buf;
	char span[32];
	buf_init(&buf, STAGES_BYTES);
	for (size_t i = 0; i < stages->count; i++) {
		buf_add_format(&buf, "%s%s@", i ? "," : "", units_format_span(stages->at[i].duration, span, sizeof(span)));
		buf_add_text(&buf, value_write_real(stages->at[i].target, "", arena));
	}
	const char *text = arena_copy(arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return text;
}

/* Returns the word at a place of an "a|b|c" list. */
static const char *word_at(const char *words, int index, struct arena *arena) {
	struct slice word = option_next_word(&words);
	while (index-- > 0) word = option_next_word(&words);
	return arena_copy(arena, word);
}

const char *value_write(const struct option_row *row, const struct settings *settings, size_t item, struct arena *arena) {
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	const void *at = (const char *)settings + row->at;
	const struct text_list *list = at;
	char text[TEXT_BYTES];
	if (row->kind == KIND_LIST) return item < list->count ? list->at[item] : NULL;
	if (item > 0) return NULL;
	switch (row->kind) {
	case KIND_BOOL: return *(const bool *)at ? "true" : "false";
	case KIND_COUNT: return arena_format(arena, "%llu", (unsigned long long)*(const uint64_t *)at);
	case KIND_REAL: return value_write_real(*(const double *)at, ".0", arena);
	case KIND_TEXT: return *(const char *const *)at;
	case KIND_TIME: return arena_copy(arena, slice_of(units_format_span(*(const nsec *)at, text, sizeof(text))));
	case KIND_CHOICE: return word_at(row->choices, *(const int *)at, arena);
	case KIND_STATUS: return arena_copy(arena, slice_of(status_set_format(at, text, sizeof(text))));
	case KIND_STAGES: return write_stages(at, arena);
	case KIND_TLS: return *(const int *)at == TLS_VERSION_ANY ? NULL : versions[*(const int *)at - TLS_VERSION_1_0];
	case KIND_LIST: break;
	}
	return NULL;
}
