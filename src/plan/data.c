#include "plan/data.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/mapped.h"
#include "base/variable.h"
#include "config/option.h"
#include "config/quote.h"
#include "plan/draw.h"
#include "plan/table.h"
#include "plan/template.h"

#define NAMES_MAX ((size_t)1 << 20) /* bytes of all names, when one is looked for that is near */
#define LINE_MAX_BYTES ((size_t)1 << 24)
#define SCRATCH_BYTES ((size_t)1 << 16) /* of lines whose trees are kept until they are freed together */
#define ZERO "a 0 byte, which no cell can hold; save the file as UTF-8, or take it out"
#define EMPTY_LINE "the line is empty; take it out"

/* A file that is being read. */
struct reading {
	const struct data_file *file;
	const char *at, *end; /* what is left of it */
	size_t line;          /* of `at`, from 1 */
	size_t row_line;      /* where the row begins */
	struct arena *arena;
	struct arena scratch; /* JSONL: trees of lines */
	size_t scratch_bytes; /* of the lines whose trees it holds */
	struct slice columns[DATA_COLUMNS_MAX];
	size_t column_count;
	enum data_type types[DATA_COLUMNS_MAX];
	struct slice *cells;
	uint64_t row_count, room; /* rows */
	struct err *err;
};

static bool fail(struct reading *r, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(struct reading *r, size_t line, const char *format, ...) {
	char sentence[sizeof(r->err->text)];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return err_set(r->err, ERR_FAILED, "data: %s:%zu: %s", r->file->path.text, line, sentence);
}

/* Sentences about the file as a whole. */
static bool fail_file(struct reading *r, const char *sentence) {
	return err_set(r->err, ERR_FAILED, "data: %s %s", r->file->path.text, sentence);
}

static const char *skip_digits(const char *at, const char *end) {
	while (at < end && (unsigned)(*at - '0') < 10) at++;
	return at;
}

/* Reads the digits before the fraction: RFC 8259 section 6 has no zeros in front. NULL: none. */
static const char *skip_whole(const char *at, const char *end) {
	if (at < end && *at == '-') at++;
	const char *last = skip_digits(at, end);
	return last == at || (*at == '0' && last > at + 1) ? NULL : last;
}

static bool is_number(struct slice cell) {
	const char *end = cell.at + cell.size, *at = skip_whole(cell.at, end), *from;
	if (at && at < end && *at == '.') {
		from = at + 1;
		at = skip_digits(from, end);
		if (at == from) return false;
	}
	if (at && at < end && (*at == 'e' || *at == 'E')) {
		from = at + 1;
		if (from < end && (*from == '+' || *from == '-')) from++;
		at = skip_digits(from, end);
		if (at == from) return false;
	}
	return at == end;
}

static bool is_of_type(struct slice cell, enum data_type type) {
	switch (type) {
	case DATA_INTEGER: return cell.size > 0 && skip_whole(cell.at, cell.at + cell.size) == cell.at + cell.size;
	case DATA_NUMBER: return cell.size > 0 && is_number(cell);
	case DATA_BOOLEAN: return slice_equal(cell, SLICE("true")) || slice_equal(cell, SLICE("false"));
	case DATA_TEXT: break;
	}
	return true;
}

/* Takes the row whose cells lie behind those of the rows before, as many as there are columns. */
static bool take_row(struct reading *r) {
	static const char *const wanted[] = {
		[DATA_INTEGER] = "a whole number; write it as JSON does, e.g. 42 or -1",
		[DATA_NUMBER] = "a number; write it as JSON does, e.g. 42 or 0.5",
		[DATA_BOOLEAN] = "a truth value; write true or false",
	};
	const struct slice *row = &r->cells[r->row_count * r->column_count];
	struct quote quote, column;
	for (size_t i = 0; i < r->column_count && r->file->type_count > 0; i++)
		if (!is_of_type(row[i], r->types[i]))
			return fail(r, r->row_line, "%s in column %s is not %s", quote_text(&quote, row[i]), quote_text(&column, r->columns[i]),
				wanted[r->types[i]]);
	r->row_count++;
	return true;
}

static size_t find_column(const struct reading *r, struct slice name) {
	size_t i = 0;
	while (i < r->column_count && !slice_equal(r->columns[i], name)) i++;
	return i;
}

static bool take_column(struct reading *r, struct slice name) {
	struct quote quote;
	if (r->column_count == DATA_COLUMNS_MAX)
		return fail(r, r->row_line, "more than %d columns; take out those that are not used", DATA_COLUMNS_MAX);
	if (name.size == 0) return fail(r, r->row_line, "the name of column %zu is empty; write one", r->column_count + 1);
	if (!variable_is_name(name))
		return fail(r, r->row_line, "%s is no name of a column; write letters, digits, '_', '-' and '.', not beginning with a digit",
			quote_text(&quote, name));
	if (template_is_built_in(name)) return fail(r, r->row_line, "%s is built in; give the column another name", quote_text(&quote, name));
	if (find_column(r, name) < r->column_count)
		return fail(r, r->row_line, "column %s stands there twice; rename one of them", quote_text(&quote, name));
	r->columns[r->column_count++] = name;
	return true;
}

static bool fail_type(struct reading *r, struct slice name) {
	struct quote quote, other;
	struct buf names;
	buf_init(&names, NAMES_MAX);
	for (size_t i = 0; i < r->column_count; i++) {
		buf_add(&names, r->columns[i]);
		buf_add(&names, SLICE("|"));
	}
	struct slice nearest = option_nearest_word(name, buf_text(&names));
	if (nearest.size)
		fail(r, 1, "no column %s, for which there is a type; did you mean %s?", quote_text(&quote, name), quote_text(&other, nearest));
	else
		fail(r, 1, "no column %s, for which there is a type; take the type out", quote_text(&quote, name));
	buf_fini(&names);
	return false;
}

/* Readies everything for rows, once the columns are known: their types, and room for as many rows as there can be in what is left of the file. */
static bool take_columns(struct reading *r, uint64_t rows) {
	for (size_t i = 0; i < r->file->type_count; i++) {
		struct slice name = slice_of(r->file->types[i].column.text);
		size_t column = find_column(r, name);
		if (column == r->column_count) return fail_type(r, name);
		r->types[column] = r->file->types[i].type;
	}
	uint64_t filled = (uint64_t)(r->end - r->at) / r->column_count + 1; /* a cell and what ends it have a byte at least */
	if (rows == 0) return fail_file(r, "has no row; write one or more below the names");
	if (rows > DATA_ROWS_MAX)
		return err_set(r->err, ERR_FAILED, "data: %s has more than %d rows; take a part of it", r->file->path.text, DATA_ROWS_MAX);
	r->room = rows < filled ? rows : filled;
	r->cells = arena_array(r->arena, r->room * r->column_count, sizeof(*r->cells));
	return true;
}

/* Reads a cell between quotes. */
static bool csv_take_quoted(struct reading *r, struct slice *ret) {
	const char *from = ++r->at;
	size_t line = r->line, doubled = 0;
	for (; r->at < r->end; r->at++) {
		if (*r->at == '\n') r->line++;
		if (!*r->at) return fail(r, r->line, ZERO);
		if (*r->at != '"') continue;
		if (r->at + 1 == r->end || r->at[1] != '"') break;
		doubled++;
		r->at++;
	}
	if (r->at == r->end) return fail(r, line, "a quote that is not closed; write one at the end of the cell");
	*ret = (struct slice){from, (size_t)(r->at++ - from)};
	if (doubled == 0) return true;
	char *copy = arena_alloc(r->arena, ret->size - doubled), *to = copy;
	for (size_t i = 0; i < ret->size; i++) {
		*to++ = ret->at[i];
		i += ret->at[i] == '"';
	}
	*ret = (struct slice){copy, ret->size - doubled};
	return true;
}

/* Reads a cell without quotes. */
static bool csv_take_plain(struct reading *r, struct slice *ret) {
	static const bool stops[256] = {[','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true, [0] = true};
	const char *from = r->at;
	while (r->at < r->end && !stops[(unsigned char)*r->at]) r->at++;
	*ret = (struct slice){from, (size_t)(r->at - from)};
	if (r->at == r->end || (*r->at && *r->at != '"')) return true;
	if (!*r->at) return fail(r, r->line, ZERO);
	return fail(
		r, r->line, "a quote within a cell; put the whole cell into quotes, without blanks before them, and write \"\" for a quote in it");
}

/* Reads a cell and what ends it. */
static bool csv_take_cell(struct reading *r, struct slice *ret, bool *ret_last) {
	bool is_quoted = r->at < r->end && *r->at == '"';
	if (!(is_quoted ? csv_take_quoted(r, ret) : csv_take_plain(r, ret))) return false;
	*ret_last = r->at == r->end || *r->at != ',';
	if (r->at == r->end) return true;
	if (*r->at == '\r' && r->end - r->at > 1 && r->at[1] == '\n') r->at++;
	if (*r->at == ',' || *r->at == '\n') {
		r->line += *r->at++ == '\n';
		return true;
	}
	if (*r->at == '\r') return fail(r, r->line, "a CR that is no line end; end lines with LF or CRLF, or put the cell into quotes");
	return fail(r, r->line, "more of a cell behind its closing quote; write \"\" for a quote in a cell");
}

/* Returns how many rows are left: lines, but for line ends within quotes. If something is wrong with a row, it and those before it are counted. */
static uint64_t csv_count_rows(const struct reading *r) {
	uint64_t rows = 0;
	bool is_quoted = false;
	for (const char *at = r->at; at < r->end; at++) {
		is_quoted ^= *at == '"';
		rows += *at == '\n' && !is_quoted;
	}
	return rows + (r->at < r->end && (is_quoted || r->end[-1] != '\n'));
}

static bool line_is_empty(const struct reading *r) {
	return *r->at == '\n' || (*r->at == '\r' && r->end - r->at > 1 && r->at[1] == '\n');
}

static bool csv_take_row(struct reading *r) {
	struct slice *row = &r->cells[r->row_count * r->column_count], more;
	size_t count = 0;
	r->row_line = r->line;
	if (line_is_empty(r)) return fail(r, r->line, EMPTY_LINE);
	for (bool is_last = false; !is_last; count++)
		if (!csv_take_cell(r, count < r->column_count ? &row[count] : &more, &is_last)) return false;
	if (count == r->column_count) return take_row(r);
	return fail(r, r->row_line, "%zu cell%s, but %zu column%s; write one for each name in the first line", count, count == 1 ? "" : "s",
		r->column_count, r->column_count == 1 ? "" : "s");
}

static bool csv_parse(struct reading *r) {
	struct slice name;
	if (line_is_empty(r)) return fail(r, r->line, "the line is empty; write the names of the columns");
	for (bool is_last = false; !is_last;)
		if (!csv_take_cell(r, &name, &is_last) || !take_column(r, name)) return false;
	if (!take_columns(r, csv_count_rows(r))) return false;
	while (r->at < r->end) {
		assert(r->row_count < r->room);
		if (!csv_take_row(r)) return false;
	}
	return true;
}

/* Takes the next line and makes a tree of it. */
static bool jsonl_take_line(struct reading *r, struct slice *ret, struct tree **ret_tree) {
	struct tree_fault fault;
	const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	*ret = (struct slice){r->at, (size_t)((end ? end : r->end) - r->at)};
	r->at += ret->size + (end != NULL);
	r->row_line = r->line++;
	if (ret->size > 0 && ret->at[ret->size - 1] == '\r') ret->size--;
	struct slice trimmed = slice_trim(*ret);
	if (trimmed.size == 0) return fail(r, r->row_line, EMPTY_LINE);
	if (trimmed.at[0] != '{') return fail(r, r->row_line, "no JSON object; write e.g. {\"name\": \"ann\", \"age\": 42}, one a line");
	if (ret->size > LINE_MAX_BYTES) return fail(r, r->row_line, "the line is longer than %zu MiB; write a shorter one", LINE_MAX_BYTES >> 20);
	if (r->scratch_bytes > SCRATCH_BYTES) {
		arena_fini(&r->scratch);
		r->scratch_bytes = 0;
	}
	r->scratch_bytes += ret->size;
	if (json_read(*ret, &r->scratch, ret_tree, &fault)) return true;
	return err_set(r->err, ERR_FAILED, "data: %s:%zu:%u: %s", r->file->path.text, r->row_line, fault.at.column, fault.text);
}

/* A line as its values are looked up in it, from left to right. */
struct walk {
	const char *at, *end;
	unsigned column; /* of `at`, in characters from 1 */
};

/* Returns what begins where the value does. */
static struct slice walk_to(struct walk *walk, const struct tree *value) {
	for (; walk->column < value->at.column && walk->at < walk->end; walk->column++) {
		walk->at++;
		while (walk->at < walk->end && ((unsigned char)*walk->at & 0xc0) == 0x80) walk->at++;
	}
	return (struct slice){walk->at, (size_t)(walk->end - walk->at)};
}

static bool jsonl_take_text(struct reading *r, struct slice raw, struct slice text, struct slice *ret) {
	if (text.size > 0 && memchr(text.at, 0, text.size)) return fail(r, r->row_line, ZERO);
	bool is_plain = raw.size >= text.size + 2 && raw.at[text.size + 1] == '"' && !memchr(raw.at + 1, '\\', text.size);
	*ret = (struct slice){is_plain ? raw.at + 1 : arena_copy(r->arena, text), text.size};
	return true;
}

static bool jsonl_take_value(struct reading *r, struct slice raw, const struct tree *value, struct slice *ret) {
	struct quote quote;
	switch (value->kind) {
	case TREE_NULL: *ret = SLICE(""); return true;
	case TREE_BOOL: *ret = value->truth ? SLICE("true") : SLICE("false"); return true;
	case TREE_TEXT: return jsonl_take_text(r, raw, value->text, ret);
	case TREE_INT:
	case TREE_REAL:
		*ret = (struct slice){raw.at, 0};
		while (ret->size < raw.size && raw.at[ret->size] && strchr("+-.0123456789Ee", raw.at[ret->size])) ret->size++;
		return true;
	case TREE_ARRAY:
	case TREE_TABLE:
	case TREE_OTHER: break;
	}
	return fail(r, r->row_line, "%s is %s; write a text, a number, a truth value or null", quote_text(&quote, slice_of(value->key)),
		value->kind == TREE_ARRAY ? "an array" : "an object");
}

/* Says which column a line does not have. */
static bool jsonl_fail_missing(struct reading *r, const struct tree *tree) {
	struct quote quote;
	size_t i = 0;
	while (i + 1 < r->column_count && tree_find(tree, r->columns[i].at)) i++;
	return fail(r, r->row_line, "no key %s, which the first line has; write it, with null for an empty text", quote_text(&quote, r->columns[i]));
}

static bool jsonl_take_row(struct reading *r) {
	struct slice *row = &r->cells[r->row_count * r->column_count], line;
	struct quote quote;
	struct tree *tree;
	size_t i = 0;
	if (!jsonl_take_line(r, &line, &tree)) return false;
	struct walk walk = {line.at, line.at + line.size, 1};
	for (const struct tree *value = tree->first; value; value = value->next, i++) {
		struct slice key = slice_of(value->key);
		size_t column = i < r->column_count && slice_equal(r->columns[i], key) ? i : find_column(r, key);
		if (column == r->column_count)
			return fail(r, r->row_line, "the first line has no key %s; write it in all lines or in none", quote_text(&quote, key));
		if (!jsonl_take_value(r, walk_to(&walk, value), value, &row[column])) return false;
	}
	return i == r->column_count ? take_row(r) : jsonl_fail_missing(r, tree);
}

static bool jsonl_parse(struct reading *r) {
	const char *from = r->at;
	struct slice line;
	struct tree *tree;
	if (!jsonl_take_line(r, &line, &tree)) return false;
	for (const struct tree *value = tree->first; value; value = value->next) {
		struct slice key = slice_of(value->key);
		if (!take_column(r, (struct slice){arena_copy(r->arena, key), key.size})) return false;
	}
	if (r->column_count == 0) return fail(r, r->row_line, "an object without keys; write e.g. {\"name\": \"ann\"}");
	r->at = from; /* it is the first row, too */
	r->line = r->row_line;
	uint64_t lines = r->end[-1] != '\n';
	for (const char *at = r->at; at < r->end && (at = memchr(at, '\n', (size_t)(r->end - at))); at++) lines++;
	if (!take_columns(r, lines)) return false;
	while (r->at < r->end) {
		assert(r->row_count < r->room);
		if (!jsonl_take_row(r)) return false;
	}
	return true;
}

static bool ends_in(struct slice path, struct slice ending) {
	return path.size >= ending.size && slice_equal_nocase((struct slice){path.at + path.size - ending.size, ending.size}, ending);
}

bool data_parse(const struct data_file *file, struct slice text, struct arena *arena, struct data *ret, struct err *err) {
	bool is_jsonl = ends_in(slice_of(file->path.text), SLICE(".jsonl"));
	if (text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) text = (struct slice){text.at + 3, text.size - 3};
	struct reading r = {.file = file, .at = text.at, .end = text.at + text.size, .line = 1, .row_line = 1, .arena = arena, .err = err};
	if (text.size == 0)
		return fail_file(&r,
			is_jsonl ? "is empty; write one JSON object a line" : "is empty; write a line with the names of the columns, then the rows");
	arena_init(&r.scratch);
	bool good = is_jsonl ? jsonl_parse(&r) : csv_parse(&r);
	arena_fini(&r.scratch);
	if (!good) return false;
	struct slice *columns = arena_array(arena, r.column_count, sizeof(*columns));
	memcpy(columns, r.columns, r.column_count * sizeof(*columns));
	*ret = (struct data){file, r.column_count, columns, r.row_count, r.cells, draw_mix(table_hash(0, slice_of(file->path.text)))};
	return true;
}

bool data_load(const struct data_file *file, struct arena *arena, struct data *ret, struct err *err) {
	struct slice path = slice_of(file->path.text), text;
	struct quote quote;
	if (!ends_in(path, SLICE(".jsonl")) && !ends_in(path, SLICE(".csv")))
		return err_set(err, ERR_FAILED, "data: %s ends neither in .csv nor in .jsonl; give it the ending of what it holds",
			quote_text(&quote, path));
	if (!mapped_open(file->path.text, &text, err)) return err_add(err, "data");
	return data_parse(file, text, arena, ret, err);
}

uint64_t data_row(const struct data *data, uint64_t seed, uint64_t n) {
	switch (data->file->order) {
	case DATA_SEQUENTIAL: return n % data->row_count;
	case DATA_RANDOM: return draw_below(draw_bits(seed, n, data->stream), data->row_count);
	case DATA_UNIQUE: break;
	}
	return n < data->row_count ? n : DATA_NO_ROW;
}
