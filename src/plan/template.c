#include "plan/template.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/files.h"
#include "base/variable.h"
#include "config/option.h"
#include "config/quote.h"
#include "plan/draw.h"
#include "plan/table.h"

#define TEMPLATE_MAX ((size_t)1 << 30) /* bytes of a text with its constants */
#define NAMES_MAX ((size_t)1 << 20)    /* bytes of all names, when one is looked for that is near */
#define RANDOM_LIMIT ((int64_t)1 << 62)
#define UUID_BYTES 36
#define ENCODED_AT_ONCE 64 /* bytes of a value */
#define TO_ESCAPE "or {{{{ for a plain {{"

enum piece_kind {
	PIECE_TEXT,
	PIECE_SLOT,
	PIECE_SEQ,
	PIECE_STEP,
	PIECE_ITER,
	PIECE_WORKER,
	PIECE_MS,
	PIECE_S,
	PIECE_UUID,
	PIECE_RANDOM,
	PIECE_ENV, /* becomes text when it is compiled */
};

struct piece {
	enum piece_kind kind;
	struct slice text; /* PIECE_TEXT: never empty; its place is known at the end of compiling */
	size_t slot;
	uint64_t stream;     /* of draws: of the whole text and the number of the draw in it */
	int64_t from;        /* PIECE_RANDOM */
	uint64_t from_count; /* numbers from there on, below 2^63 */
};

struct template {
	enum template_place place;
	size_t count; /* no two texts are neighbours */
	const struct piece *pieces;
};

static const struct builtin {
	struct slice name;
	enum piece_kind kind;
	const char *arguments; /* NULL: it has none */
	const char *advice;    /* what to write instead of wrong arguments */
} builtins[] = {
	{SLICE("seq"), PIECE_SEQ, NULL, NULL},
	{SLICE("step"), PIECE_STEP, NULL, NULL},
	{SLICE("iter"), PIECE_ITER, NULL, NULL},
	{SLICE("worker"), PIECE_WORKER, NULL, NULL},
	{SLICE("timestamp_ms"), PIECE_MS, NULL, NULL},
	{SLICE("timestamp_s"), PIECE_S, NULL, NULL},
	{SLICE("uuid"), PIECE_UUID, NULL, NULL},
	{SLICE("random"), PIECE_RANDOM, "(a,b)", "needs two whole numbers; write e.g. {{random(1,100)}}"},
	{SLICE("env"), PIECE_ENV, "(NAME)", "needs the name of an environment variable; write e.g. {{env(TOKEN)}}"},
};

/* Which bytes of a value become %XX in a target. */
static const bool encoded[256] = {
	[0 ... ' '] = true,
	['"'] = true,
	['#'] = true,
	['<'] = true,
	['>'] = true,
	['\\'] = true,
	['^'] = true,
	['`'] = true,
	['{'] = true,
	['|'] = true,
	['}'] = true,
	[0x7f ... 0xff] = true,
};

static bool put_encoded(struct slice value, struct buf *into) {
	static const char hex[] = "0123456789ABCDEF";
	char text[3 * ENCODED_AT_ONCE];
	for (size_t at = 0; at < value.size;) {
		char *to = text;
		for (size_t end = value.size - at > ENCODED_AT_ONCE ? at + ENCODED_AT_ONCE : value.size; at < end; at++) {
			unsigned char byte = (unsigned char)value.at[at];
			*to++ = encoded[byte] ? '%' : (char)byte;
			if (!encoded[byte]) continue;
			*to++ = hex[byte >> 4];
			*to++ = hex[byte & 15];
		}
		if (!buf_add(into, (struct slice){text, (size_t)(to - text)})) return false;
	}
	return true;
}

static bool fits_field(struct slice value) {
	return value.size == 0 || !(memchr(value.at, '\n', value.size) || memchr(value.at, '\r', value.size) || memchr(value.at, 0, value.size));
}

/* Appends a value as its place wants it. False: no room, or it cannot stand there. */
static bool put_value(enum template_place place, struct slice value, struct buf *into) {
	if (place == TEMPLATE_TARGET) return put_encoded(value, into);
	return (place != TEMPLATE_FIELD || fits_field(value)) && buf_add(into, value);
}

enum token {
	TOKEN_END,
	TOKEN_TEXT,
	TOKEN_BRACES, /* {{{{ */
	TOKEN_NAME,   /* what stands between {{ and }} */
};

/* A text that is being taken apart. */
struct scan {
	struct slice rest;
	bool is_unclosed; /* no }} follows */
};

static enum token scan_take(struct scan *scan, enum token token, size_t size) {
	scan->rest = (struct slice){scan->rest.at + size, scan->rest.size - size};
	return token;
}

static enum token scan_next(struct scan *scan, struct slice *ret) {
	struct slice rest = *ret = scan->rest;
	if (rest.size == 0) return TOKEN_END;
	const char *open = memmem(rest.at, rest.size, "{{", 2);
	ret->size = open ? (size_t)(open - rest.at) : rest.size;
	if (ret->size > 0) return scan_take(scan, TOKEN_TEXT, ret->size);
	size_t braces = 2;
	while (braces < 4 && braces < rest.size && rest.at[braces] == '{') braces++;
	ret->size = braces == 3 ? 1 : 2;
	if (braces == 4) return scan_take(scan, TOKEN_BRACES, braces);
	const char *close = braces == 2 && !scan->is_unclosed ? memmem(rest.at + 2, rest.size - 2, "}}", 2) : NULL;
	if (close) {
		*ret = (struct slice){rest.at + 2, (size_t)(close - rest.at) - 2};
		return scan_take(scan, TOKEN_NAME, ret->size + 4);
	}
	if (braces == 2) scan->is_unclosed = true;
	return scan_take(scan, TOKEN_TEXT, ret->size);
}

bool template_is_in(struct slice text) {
	struct scan scan = {.rest = text};
	struct slice part;
	enum token token;
	while ((token = scan_next(&scan, &part)) == TOKEN_TEXT) {
	}
	return token != TOKEN_END;
}

static bool is_letter(char c) {
	return (unsigned)((c | 0x20) - 'a') < 26;
}

static bool is_digit(char c) {
	return (unsigned)(c - '0') < 10;
}

/* A text that is being compiled. */
struct compiling {
	struct slice text;
	const struct template_scope *scope;
	enum template_place place;
	struct template_fault *fault;
	size_t offset;       /* of the {{ */
	struct buf constant; /* the texts of all pieces, one behind the other */
	struct piece *pieces;
	size_t count, room;
	unsigned draws;
};

static bool fail(struct compiling *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct compiling *c, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(c->fault->text, sizeof(c->fault->text), format, args);
	va_end(args);
	c->fault->offset = c->offset;
	return false;
}

static struct piece *add_piece(struct compiling *c, enum piece_kind kind) {
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 8;
		c->pieces = mem_resize(c->pieces, c->room * sizeof(*c->pieces));
	}
	c->pieces[c->count] = (struct piece){.kind = kind};
	return &c->pieces[c->count++];
}

/* Adds bytes that are always the same. False: they cannot stand in this place. */
static bool add_constant(struct compiling *c, struct slice bytes, enum template_place place) {
	size_t before = c->constant.size;
	if (!put_value(place, bytes, &c->constant) && !c->constant.full) return false;
	size_t size = c->constant.size - before;
	if (size == 0) return true;
	if (c->count == 0 || c->pieces[c->count - 1].kind != PIECE_TEXT) add_piece(c, PIECE_TEXT);
	c->pieces[c->count - 1].text.size += size;
	return true;
}

static bool add_value(struct compiling *c, struct slice name, struct slice value) {
	struct quote quote;
	if (add_constant(c, value, c->place)) return true;
	return fail(c, "the value of %s has a line end or a 0 byte, which no header field can hold; take it out", quote_text(&quote, name));
}

static struct piece *add_draw(struct compiling *c, enum piece_kind kind) {
	struct piece *piece = add_piece(c, kind);
	piece->stream = draw_mix(table_hash(c->place, c->text) + c->draws++);
	return piece;
}

/* Reads a whole number; one that is too large becomes RANDOM_LIMIT. */
static bool read_whole(struct slice text, int64_t *ret) {
	text = slice_trim(text);
	bool is_below = text.size > 0 && text.at[0] == '-';
	const char *at = text.at + is_below, *end = text.at + text.size;
	if (at == end) return false;
	for (const char *digit = at; digit < end; digit++)
		if (!is_digit(*digit)) return false;
	uint64_t value;
	if (!digits_take(&at, end, &value) || value > RANDOM_LIMIT) value = RANDOM_LIMIT;
	*ret = is_below ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool compile_random(struct compiling *c, const struct builtin *builtin, struct slice whole, struct slice arguments) {
	struct slice right, left = slice_cut(arguments, ',', &right);
	struct quote quote;
	int64_t a, b;
	if (!read_whole(left, &a) || !right.at || !read_whole(right, &b)) return fail(c, "%s %s", quote_text(&quote, whole), builtin->advice);
	if (a <= -RANDOM_LIMIT || a >= RANDOM_LIMIT || b <= -RANDOM_LIMIT || b >= RANDOM_LIMIT)
		return fail(c, "%s has a number that is too large; write numbers below 2^62", quote_text(&quote, whole));
	if (a > b) return fail(c, "%s has the greater number first; write random(%jd,%jd)", quote_text(&quote, whole), (intmax_t)b, (intmax_t)a);
	struct piece *piece = add_draw(c, PIECE_RANDOM);
	piece->from = a;
	piece->from_count = (uint64_t)(b - a) + 1;
	return true;
}

static bool compile_env(struct compiling *c, const struct builtin *builtin, struct slice whole, struct slice arguments) {
	struct slice name = slice_trim(arguments);
	struct quote quote;
	char text[256];
	bool good = name.size > 0 && name.size < sizeof(text) && !is_digit(name.at[0]);
	for (size_t i = 0; good && i < name.size; i++) good = is_letter(name.at[i]) || is_digit(name.at[i]) || name.at[i] == '_';
	if (!good) return fail(c, "%s %s", quote_text(&quote, whole), builtin->advice);
	memcpy(text, name.at, name.size);
	text[name.size] = 0;
	const char *value = files_variable(text);
	if (!value) return fail(c, "the environment variable %s is not set; set it, or write its value here", quote_text(&quote, name));
	return add_value(c, whole, slice_of(value));
}

/* Returns the number of a name among slots, then constants; their count: it is none of them. */
static size_t find_variable(const struct template_scope *scope, struct slice name) {
	size_t i = 0, j = 0;
	while (i < scope->slot_count && !slice_equal(scope->slots[i], name)) i++;
	if (i < scope->slot_count) return i;
	while (j < scope->constant_count && !slice_equal(scope->constants[j].name, name)) j++;
	return i + j;
}

/* Returns the name that is nearest to one that nothing stands for, a view of `names`; empty: none is near. */
static struct slice find_nearest(const struct template_scope *scope, struct slice name, struct buf *names) {
	for (size_t i = 0; i < LENGTH(builtins); i++) {
		buf_add(names, builtins[i].name);
		buf_add(names, SLICE("|"));
	}
	for (size_t i = 0; i < scope->slot_count + scope->constant_count; i++) {
		struct slice own = i < scope->slot_count ? scope->slots[i] : scope->constants[i - scope->slot_count].name;
		if (!variable_is_name(own)) continue;
		buf_add(names, own);
		buf_add(names, SLICE("|"));
	}
	return option_nearest_word(name, buf_text(names));
}

static const struct builtin *find_builtin(struct slice name) {
	for (size_t i = 0; i < LENGTH(builtins); i++)
		if (slice_equal(builtins[i].name, name)) return &builtins[i];
	return NULL;
}

bool template_is_built_in(struct slice name) {
	const struct builtin *builtin = find_builtin(name);
	return builtin && !builtin->arguments;
}

static bool fail_unknown(struct compiling *c, struct slice name) {
	struct quote quote, other;
	struct buf names;
	buf_init(&names, NAMES_MAX);
	struct slice nearest = find_nearest(c->scope, name, &names);
	const struct builtin *builtin = find_builtin(nearest);
	if (!nearest.size)
		fail(c,
			"%s is no variable; write a built-in one (seq, step, iter, worker, timestamp_ms, timestamp_s, uuid, random(a,b), env(NAME)), "
			"or one of vars, extract or data",
			quote_text(&quote, name));
	else if (builtin && builtin->arguments)
		fail(c, "%s is no variable; did you mean '%.*s%s'?", quote_text(&quote, name), (int)nearest.size, nearest.at, builtin->arguments);
	else
		fail(c, "%s is no variable; did you mean %s?", quote_text(&quote, name), quote_text(&other, nearest));
	buf_fini(&names);
	return false;
}

static bool compile_builtin(struct compiling *c, const struct builtin *builtin, struct slice whole, struct slice arguments) {
	if (builtin->kind == PIECE_RANDOM) return compile_random(c, builtin, whole, arguments);
	if (builtin->kind == PIECE_ENV) return compile_env(c, builtin, whole, arguments);
	if (builtin->kind == PIECE_UUID)
		add_draw(c, PIECE_UUID);
	else
		add_piece(c, builtin->kind);
	return true;
}

static bool compile_variable(struct compiling *c, struct slice name, size_t variable) {
	size_t slots = c->scope->slot_count;
	if (variable >= slots) return add_value(c, name, c->scope->constants[variable - slots].value);
	add_piece(c, PIECE_SLOT)->slot = variable;
	return true;
}

static bool compile_name(struct compiling *c, struct slice whole) {
	struct slice name = whole = slice_trim(whole), arguments = {NULL, 0};
	struct quote quote;
	if (whole.size == 0) return fail(c, "'{{}}' has no name in it; write e.g. {{seq}}, " TO_ESCAPE);
	if (whole.at[whole.size - 1] == ')') {
		name = slice_trim(slice_cut(whole, '(', &arguments));
		if (arguments.at) arguments.size--;
	}
	if (!variable_is_name(name)) return fail(c, "%s is no name; write e.g. {{seq}}, " TO_ESCAPE, quote_text(&quote, whole));
	const struct builtin *builtin = find_builtin(name);
	size_t variable = find_variable(c->scope, name);
	bool is_variable = variable < c->scope->slot_count + c->scope->constant_count;
	if (builtin && !builtin->arguments == !arguments.at) return compile_builtin(c, builtin, whole, arguments);
	if (is_variable && !arguments.at) return compile_variable(c, name, variable);
	if (builtin && builtin->arguments) return fail(c, "%s %s", quote_text(&quote, whole), builtin->advice);
	if (!builtin && !is_variable) return fail_unknown(c, name);
	return fail(c, "%s takes nothing in parentheses; leave them out", quote_text(&quote, name));
}

static bool compile_text(struct compiling *c) {
	struct scan scan = {.rest = c->text};
	struct slice part;
	enum token token;
	while ((token = scan_next(&scan, &part)) != TOKEN_END) {
		if (token != TOKEN_NAME) {
			add_constant(c, part, TEMPLATE_BODY);
			continue;
		}
		c->offset = (size_t)(part.at - c->text.at) - 2;
		if (!compile_name(c, part)) return false;
	}
	c->offset = 0;
	return !c->constant.full || fail(c, "the text is longer than %zu GiB with its values; write a shorter one", TEMPLATE_MAX >> 30);
}

static const struct template *compile_finish(const struct compiling *c, struct arena *arena) {
	struct template *template = arena_alloc(arena, sizeof(*template));
	const char *at = arena_copy(arena, (struct slice){c->constant.at, c->constant.size});
	struct piece *pieces = arena_array(arena, c->count, sizeof(*pieces));
	for (size_t i = 0; i < c->count; i++) {
		pieces[i] = c->pieces[i];
		pieces[i].text.at = at;
		at += pieces[i].text.size;
	}
	*template = (struct template){c->place, c->count, pieces};
	return template;
}

const struct template *template_compile(
	struct slice text, const struct template_scope *scope, enum template_place place, struct arena *arena, struct template_fault *fault) {
	struct compiling c = {.text = text, .scope = scope, .place = place, .fault = fault};
	buf_init(&c.constant, TEMPLATE_MAX);
	const struct template *template = compile_text(&c) ? compile_finish(&c, arena) : NULL;
	buf_fini(&c.constant);
	free(c.pieces);
	return template;
}

bool template_is_constant(const struct template *template, struct slice *ret) {
	if (template->count > 1 || (template->count == 1 && template->pieces->kind != PIECE_TEXT)) return false;
	*ret = template->count ? template->pieces->text : SLICE("");
	return true;
}

bool template_has_slot(const struct template *template, size_t slot) {
	for (size_t i = 0; i < template->count; i++)
		if (template->pieces[i].kind == PIECE_SLOT && template->pieces[i].slot == slot) return true;
	return false;
}

struct slice template_constant_head(const struct template *template) {
	return template->count ? template->pieces->text : SLICE("");
}

const struct template *template_skip(const struct template *template, size_t size, struct arena *arena) {
	struct template *rest = arena_alloc(arena, sizeof(*rest));
	struct piece *pieces = arena_array(arena, template->count, sizeof(*pieces));
	assert(size <= template_constant_head(template).size);
	*rest = (struct template){template->place, template->count, pieces};
	for (size_t i = 0; i < template->count; i++) pieces[i] = template->pieces[i];
	if (size == 0) return rest;
	pieces->text = (struct slice){pieces->text.at + size, pieces->text.size - size};
	if (pieces->text.size > 0) return rest;
	rest->pieces++;
	rest->count--;
	return rest;
}

static bool put_number(uint64_t value, bool is_below, struct buf *into) {
	char text[DIGITS_MAX + 1] = "-", *end = digits_put(text + is_below, is_below ? -value : value);
	return buf_add(into, (struct slice){text, (size_t)(end - text)});
}

/* Returns the second in which a millisecond lies. */
static int64_t floor_seconds(int64_t ms) {
	return ms / 1000 - (ms % 1000 < 0);
}

static char *hex_put(char *at, uint64_t value, unsigned digits) {
	for (unsigned shift = digits * 4; shift > 0; shift -= 4) *at++ = "0123456789abcdef"[value >> (shift - 4) & 15];
	return at;
}

/* RFC 9562 section 5.4: 122 random bits, version 4, variant 10 in binary. */
static bool put_uuid(uint64_t high, uint64_t low, struct buf *into) {
	char text[UUID_BYTES], *at = text;
	at = hex_put(at, high >> 32, 8);
	*at++ = '-';
	at = hex_put(at, high >> 16, 4);
	*at++ = '-';
	at = hex_put(at, (high & 0x0fff) | 0x4000, 4);
	*at++ = '-';
	at = hex_put(at, (low >> 48 & 0x3fff) | 0x8000, 4);
	*at++ = '-';
	at = hex_put(at, low, 12);
	assert(at == text + UUID_BYTES);
	return buf_add(into, (struct slice){text, UUID_BYTES});
}

static uint64_t moment_draw(const struct template_moment *moment, uint64_t stream) {
	return draw_bits(moment->seed, moment->seq, stream + moment->step * DRAW_STEP);
}

static bool put_piece(enum template_place place, const struct piece *piece, const struct template_moment *moment, struct buf *into) {
	switch (piece->kind) {
	case PIECE_TEXT: return buf_add(into, piece->text);
	case PIECE_SLOT: return put_value(place, moment->values[piece->slot], into);
	case PIECE_SEQ: return put_number(moment->seq, false, into);
	case PIECE_STEP: return put_number(moment->step, false, into);
	case PIECE_ITER: return put_number(moment->iter, false, into);
	case PIECE_WORKER: return put_number(moment->worker, false, into);
	case PIECE_MS: return put_number((uint64_t)moment->unix_ms, moment->unix_ms < 0, into);
	case PIECE_S: return put_number((uint64_t)floor_seconds(moment->unix_ms), moment->unix_ms < 0, into);
	case PIECE_UUID: return put_uuid(moment_draw(moment, piece->stream), moment_draw(moment, ~piece->stream), into);
	case PIECE_RANDOM: break;
	case PIECE_ENV: assert(false); /* has become text */
	}
	int64_t number = piece->from + (int64_t)draw_below(moment_draw(moment, piece->stream), piece->from_count);
	return put_number((uint64_t)number, number < 0, into);
}

bool template_render(const struct template *template, const struct template_moment *moment, struct buf *into) {
	size_t before = into->size;
	for (size_t i = 0; i < template->count; i++) {
		if (put_piece(template->place, &template->pieces[i], moment, into)) continue;
		into->size = before;
		if (into->at) into->at[before] = 0;
		return false;
	}
	return true;
}
