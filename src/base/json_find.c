#include "base/json_find.h"

#include <stdint.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "base/json_pair.h"

#define BLOCK_START ((size_t)8 << 10) /* bytes; enough for a small text */
#define BLOCK_CAP ((size_t)1 << 20)   /* a search that needs more takes the rest from the heap, each time */

struct segment {
	struct slice key; /* "~0" and "~1" decoded */
	bool is_index;
	size_t index; /* if it is one */
};

struct json_pointer {
	size_t count;
	struct segment segments[];
};

/* Takes "0" or digits that do not begin with 0 as an index. */
static void read_index(struct segment *segment) {
	struct slice key = segment->key;
	size_t index = 0;
	if (!key.size || (key.at[0] == '0' && key.size > 1)) return;
	for (size_t i = 0; i < key.size; i++) {
		if (key.at[i] < '0' || key.at[i] > '9') return;
		if (__builtin_mul_overflow(index, 10, &index) || __builtin_add_overflow(index, (size_t)(key.at[i] - '0'), &index)) return;
	}
	segment->is_index = true;
	segment->index = index;
}

static bool read_segment(struct slice text, struct segment *ret, struct arena *arena) {
	char *at = arena_copy(arena, text);
	size_t size = 0;
	for (size_t i = 0; i < text.size; i++) {
		at[size] = text.at[i];
		if (text.at[i] == '~') {
			if (++i == text.size || (text.at[i] != '0' && text.at[i] != '1')) return false;
			at[size] = text.at[i] == '0' ? '~' : '/';
		}
		size++;
	}
	*ret = (struct segment){.key = {at, size}};
	read_index(ret);
	return true;
}

const struct json_pointer *json_pointer_compile(struct slice text, struct arena *arena) {
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++) count += text.at[i] == '/';
	struct json_pointer *pointer = arena_alloc(arena, sizeof(*pointer) + count * sizeof(pointer->segments[0]));
	pointer->count = count;
	if (text.size && text.at[0] != '/') return NULL;
	if (count) slice_cut(text, '/', &text);
	for (size_t i = 0; i < count; i++) {
		if (!read_segment(slice_cut(text, '/', &text), &pointer->segments[i], arena)) return NULL;
	}
	return pointer;
}

/* In front of each piece that yajl gets. */
struct piece {
	_Alignas(max_align_t) size_t size; /* bytes behind it */
};

/* A piece that did not fit into the block. */
struct extra {
	struct extra *next;
	struct piece piece; /* its bytes follow */
};

/* yajl's memory lives until the next search: that is when the block is empty again. Between 0 and `count` segments are matched by the open containers. */
struct json_search {
	char *block;
	size_t room, used;    /* bytes of the block */
	size_t extra_bytes;   /* taken beside it, for want of room */
	struct extra *extras; /* newest first */

	struct slice text; /* from here on: of this search */
	const struct json_pointer *pointer;
	yajl_handle yajl;
	size_t end;       /* of the last token */
	bool ended;       /* yajl reads the blank that it adds after the text: it ends a number */
	unsigned depth;   /* open containers */
	unsigned matched; /* of these, the outer ones that the pointer goes through */
	bool in_array;    /* the innermost of them is one ... */
	size_t index;     /* ... and this is the element to come */
	bool key_hits;    /* else: the key just read is the pointer's */
	bool in_value;    /* the value is a container, open at depth `matched` ... */
	size_t start;     /* ... and begins here */
	enum json_result result;
	struct json_found *ret;
};

static void *take_extra(struct json_search *search, size_t size) {
	struct extra *extra = mem_alloc(sizeof(*extra) + size);
	extra->next = search->extras;
	extra->piece.size = size;
	search->extras = extra;
	search->extra_bytes += sizeof(struct piece) + size;
	return extra + 1;
}

static size_t round_up(size_t size) {
	return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

static void *memory_take(void *user, size_t size) {
	struct json_search *search = user;
	if (size > SIZE_MAX / 4) mem_fail();
	size = round_up(size);
	if (sizeof(struct piece) + size > search->room - search->used) return take_extra(search, size);
	struct piece *piece = (struct piece *)(search->block + search->used);
	piece->size = size;
	search->used += sizeof(*piece) + size;
	return piece + 1;
}

/* What yajl enlarges is most often what it took last: that grows where it is. */
static void *memory_resize(void *user, void *old, size_t size) {
	struct json_search *search = user;
	if (!old) return memory_take(search, size);
	if (size > SIZE_MAX / 4) mem_fail();
	struct piece *piece = (struct piece *)old - 1;
	size = round_up(size);
	if (size <= piece->size) return old;
	size_t more = size - piece->size;
	if ((char *)old + piece->size == search->block + search->used && more <= search->room - search->used) {
		search->used += more;
		piece->size = size;
		return old;
	}
	if (search->extras && old == search->extras + 1) {
		search->extras = mem_resize(search->extras, sizeof(struct extra) + size);
		search->extras->piece.size = size;
		search->extra_bytes += more;
		return search->extras + 1;
	}
	void *new = memory_take(search, size);
	memcpy(new, old, piece->size);
	return new;
}

static void memory_give(void *user, void *old) {
	(void)user;
	(void)old;
}

static void free_extras(struct json_search *search) {
	while (search->extras) {
		struct extra *next = search->extras->next;
		free(search->extras);
		search->extras = next;
	}
}

/* Forgets the last search; if the block was too small for it, the next one has a larger one. */
static void memory_reset(struct json_search *search) {
	size_t room = search->room ? search->room : BLOCK_START;
	free_extras(search);
	while (room < search->used + search->extra_bytes && room < BLOCK_CAP) room *= 2;
	if (room != search->room) {
		free(search->block);
		search->block = mem_alloc(room);
		search->room = room;
	}
	search->used = 0;
	search->extra_bytes = 0;
}

struct json_search *json_search_new(void) {
	return mem_zeroed(1, sizeof(struct json_search));
}

void json_search_free(struct json_search *search) {
	if (!search) return;
	free_extras(search);
	free(search->block);
	free(search);
}

static int stop(struct json_search *s, enum json_result result) {
	s->result = result;
	return 0;
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Goes to the token that yajl has just read and returns where it begins. yajl says only how far it has come: a token begins where the separators behind the
 * one before end. */
static size_t find_token(struct json_search *s) {
	size_t start = s->end;
	while (start < s->text.size && (is_blank(s->text.at[start]) || s->text.at[start] == ',' || s->text.at[start] == ':')) start++;
	s->end = s->ended ? s->text.size : yajl_get_bytes_consumed(s->yajl);
	return start;
}

/* yajl takes two control characters for blanks, which JSON does not. */
static bool is_strange(struct json_search *s, size_t start) {
	return start < s->text.size && (s->text.at[start] == '\v' || s->text.at[start] == '\f');
}

static struct slice token_text(const struct json_search *s, size_t start) {
	return (struct slice){s->text.at + start, s->end - start};
}

/* Returns whether half a character stands in the text that was just read. */
static bool has_half(const struct json_search *s, size_t start) {
	struct slice quoted = token_text(s, start);
	return json_pair_find_half(quoted) < quoted.size;
}

/* Returns whether the value to come is one that the pointer goes through, or the one that it means. */
static bool is_on_path(const struct json_search *s) {
	if (s->in_value || s->depth != s->matched) return false;
	if (!s->depth) return true;
	return s->in_array ? s->index == s->pointer->segments[s->depth - 1].index : s->key_hits;
}

static int found(struct json_search *s, enum tree_kind kind, struct slice text) {
	*s->ret = (struct json_found){kind, text};
	return stop(s, JSON_FOUND);
}

/* A value that is no container begins at `start`. Returns whether it is the one; if not, *ret is what the callback returns. */
static bool is_value(struct json_search *s, size_t start, int *ret) {
	*ret = is_strange(s, start) ? stop(s, JSON_BAD) : 1;
	if (!*ret) return false;
	if (is_on_path(s)) {
		if (s->matched == s->pointer->count) return true;
		*ret = stop(s, JSON_NOT_FOUND);
	} else if (s->depth == s->matched && !s->in_value) {
		s->index++;
	}
	return false;
}

/* A number or a word has no end of its own: what follows must end it. */
static int on_word(struct json_search *s, enum tree_kind kind) {
	size_t start = find_token(s);
	int ret;
	if (!is_value(s, start, &ret)) return ret;
	if (s->end < s->text.size && !is_blank(s->text.at[s->end]) && !memchr(",]}", s->text.at[s->end], 3)) return stop(s, JSON_BAD);
	return found(s, kind, (struct slice){s->text.at + start, s->end - start});
}

static int on_null(void *user) {
	return on_word(user, TREE_NULL);
}

static int on_bool(void *user, int truth) {
	(void)truth;
	return on_word(user, TREE_BOOL);
}

static int on_number(void *user, const char *text, size_t size) {
	bool real = false;
	for (size_t i = 0; i < size; i++) real |= text[i] == '.' || text[i] == 'e' || text[i] == 'E';
	return on_word(user, real ? TREE_REAL : TREE_INT);
}

static int on_text(void *user, const unsigned char *text, size_t size) {
	struct json_search *s = user;
	size_t start = find_token(s);
	int ret;
	if (!is_value(s, start, &ret)) return ret;
	if (has_half(s, start)) return stop(s, JSON_BAD);
	return found(s, TREE_TEXT, (struct slice){(const char *)text, size});
}

static int on_key(void *user, const unsigned char *text, size_t size) {
	struct json_search *s = user;
	size_t start = find_token(s);
	if (is_strange(s, start)) return stop(s, JSON_BAD);
	if (s->in_value || s->depth != s->matched) return 1;
	s->key_hits = slice_equal((struct slice){(const char *)text, size}, s->pointer->segments[s->depth - 1].key);
	if (s->key_hits && has_half(s, start)) return stop(s, JSON_BAD);
	return 1;
}

static int on_open(struct json_search *s, bool is_array) {
	size_t start = find_token(s);
	if (is_strange(s, start) || s->depth == TREE_DEPTH_MAX) return stop(s, JSON_BAD);
	if (is_on_path(s)) {
		if (s->matched == s->pointer->count) {
			s->in_value = true;
			s->start = start;
		} else {
			if (is_array && !s->pointer->segments[s->matched].is_index) return stop(s, JSON_NOT_FOUND);
			s->matched++;
			s->in_array = is_array;
			s->index = 0;
			s->key_hits = false;
		}
	}
	s->depth++;
	return 1;
}

static int on_array(void *user) {
	return on_open(user, true);
}

static int on_table(void *user) {
	return on_open(user, false);
}

static int on_close(struct json_search *s, enum tree_kind kind) {
	if (is_strange(s, find_token(s))) return stop(s, JSON_BAD);
	s->depth--;
	if (s->in_value) return s->depth > s->matched ? 1 : found(s, kind, token_text(s, s->start));
	if (s->depth < s->matched) return stop(s, JSON_NOT_FOUND); /* of equal keys the first one counts */
	if (s->depth == s->matched) s->index++;
	return 1;
}

static int on_array_end(void *user) {
	return on_close(user, TREE_ARRAY);
}

static int on_table_end(void *user) {
	return on_close(user, TREE_TABLE);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_text,
	.yajl_start_map = on_table,
	.yajl_map_key = on_key,
	.yajl_end_map = on_table_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

enum json_result json_find(const struct json_pointer *pointer, struct slice text, struct json_search *search, struct json_found *ret) {
	yajl_alloc_funcs memory = {memory_take, memory_resize, memory_give, search};
	struct json_search *s = search;
	struct json_found value = {0};

	if (text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) text = (struct slice){text.at + 3, text.size - 3};
	memory_reset(s);
	s->text = text;
	s->pointer = pointer;
	s->end = s->start = s->index = 0;
	s->depth = s->matched = 0;
	s->ended = s->in_array = s->key_hits = s->in_value = false;
	s->result = JSON_BAD;
	s->ret = &value;
	s->yajl = yajl_alloc(&callbacks, &memory, s);
	/* What was read is checked afterwards, and more strictly. */
	yajl_config(s->yajl, yajl_dont_validate_strings, 1);
	if (yajl_parse(s->yajl, (const unsigned char *)text.at, text.size) == yajl_status_ok) {
		s->ended = true;
		yajl_complete_parse(s->yajl);
	}
	if (s->result != JSON_BAD && tree_find_bad_utf8((struct slice){text.at, s->end}) < s->end) s->result = JSON_BAD;
	if (s->result == JSON_FOUND) *ret = value;
	return s->result;
}
