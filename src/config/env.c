#include "config/env.h"

#include "base/buf.h"
#include "base/files.h"

#define EXPANDED_MAX ((size_t)16 << 20)

static bool is_name(char c, bool first) {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* Takes the name out of a text that begins with "${". Size 0: there is none. */
static struct slice take_name(struct slice text) {
	size_t end = 2;
	while (end < text.size && is_name(text.at[end], end == 2)) end++;
	return (struct slice){text.at + 2, end < text.size && text.at[end] == '}' ? end - 2 : 0};
}

static bool starts(struct slice text, struct slice with) {
	return text.size >= with.size && memcmp(text.at, with.at, with.size) == 0;
}

static struct slice skip(struct slice text, size_t bytes) {
	return (struct slice){text.at + bytes, text.size - bytes};
}

bool env_expand(struct slice text, struct arena *arena, const char **ret, struct slice *ret_bad, bool *ret_unset) {
	struct buf buf;
	bool good = true;
	buf_init(&buf, EXPANDED_MAX);
	while (text.size && good) {
		struct slice name = {NULL, 0};
		const char *value = NULL;
		if (starts(text, SLICE("$${"))) {
			buf_add(&buf, SLICE("${"));
			text = skip(text, 3);
			continue;
		}
		if (!starts(text, SLICE("${"))) {
			buf_add(&buf, (struct slice){text.at, 1});
			text = skip(text, 1);
			continue;
		}
		name = take_name(text);
		if (name.size) value = files_variable(arena_copy(arena, name));
		good = value && buf_add_text(&buf, value);
		if (good) {
			text = skip(text, name.size + 3);
		} else {
			*ret_bad = name.size ? name : text;
			*ret_unset = name.size > 0;
		}
	}
	if (good) *ret = arena_copy(arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return good;
}

struct slice env_next(struct slice *text, bool *ret_variable) {
	struct slice piece = {text->at, 0}, rest = *text, name = starts(rest, SLICE("${")) ? take_name(rest) : (struct slice){NULL, 0};
	*ret_variable = name.size > 0;
	if (name.size) rest = skip(rest, name.size + 3);
	while (!*ret_variable && rest.size) {
		if (starts(rest, SLICE("${")) && take_name(rest).size) break;
		rest = skip(rest, starts(rest, SLICE("$${")) ? 3 : 1);
	}
	piece.size = text->size - rest.size;
	*text = rest;
	return piece;
}

bool env_is_in(struct slice text) {
	while (text.size) {
		if (starts(text, SLICE("${"))) return true;
		text = skip(text, starts(text, SLICE("$${")) ? 3 : 1);
	}
	return false;
}

const char *env_escape(const char *text, struct arena *arena) {
	size_t size = strlen(text);
	char *escaped = arena_alloc(arena, 2 * size + 1), *to = escaped;
	for (; *text; text++) {
		if (text[0] == '$' && text[1] == '{') *to++ = '$';
		*to++ = *text;
	}
	return escaped;
}
