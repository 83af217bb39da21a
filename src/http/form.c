#include "http/form.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mapped.h"

#define TEXT_MAX ((size_t)64 << 20) /* of a piece that is no file */
#define SHOWN_MAX 80                /* characters of a field that an error quotes */

/* What stands behind a ';'. */
enum word { WORD_NONE, WORD_TYPE, WORD_FILENAME, WORD_PARAMETER };

/* Returns the length of the token (RFC 9110 section 5.6.2) that the text begins with. */
static size_t token_size(struct slice text) {
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t size = 0;
	for (; size < text.size; size++) {
		unsigned char byte = (unsigned char)text.at[size];
		bool alnum = (unsigned)(byte - '0') < 10 || (unsigned)((byte | 0x20) - 'a') < 26;
		if (!alnum && (!byte || !strchr(others, byte))) break;
	}
	return size;
}

/* Returns whether this is "token=characters", as a media type has behind it. */
static bool is_parameter(struct slice text) {
	text = slice_trim(text);
	size_t size = token_size(text);
	if (!size || size + 1 >= text.size || text.at[size] != '=') return false;
	for (size_t i = size; i < text.size; i++)
		if (text.at[i] < ' ' || text.at[i] > '~') return false;
	return true;
}

static bool is_media_type(struct slice text) {
	struct slice sub, type = slice_cut(text, '/', &sub);
	return type.size && sub.size && token_size(type) == type.size && token_size(sub) == sub.size;
}

/* Finds out which word `text`, which ended or ends at a ';', is; *ret_value is what stands behind its '='. */
static enum word word_read(struct slice text, bool file, struct slice *ret_value) {
	struct slice name = slice_cut(text, '=', ret_value);
	if (ret_value->at && slice_equal_nocase(name, SLICE("type"))) return WORD_TYPE;
	if (ret_value->at && file && slice_equal_nocase(name, SLICE("filename"))) return WORD_FILENAME;
	return is_parameter(text) ? WORD_PARAMETER : WORD_NONE;
}

/* Returns where the words begin that belong to the field and not to its value: the first one's ';', or the end. */
static size_t words_find(struct slice text, bool file) {
	size_t begin = text.size;
	bool parameters = false; /* seen since, and still without a type before them */
	for (size_t end = text.size;;) {
		const char *semicolon = memrchr(text.at, ';', end);
		if (!semicolon) return begin;
		size_t at = (size_t)(semicolon - text.at);
		struct slice value;
		enum word word = word_read((struct slice){semicolon + 1, end - at - 1}, file, &value);
		if (word == WORD_NONE || (word == WORD_FILENAME && parameters)) return begin;
		parameters = word == WORD_PARAMETER;
		if (!parameters) begin = at;
		end = at;
	}
}

/* Reads the words behind the value, ";type=a/b;filename=c", as words_find has found them. */
static bool words_read(struct slice words, struct arena *arena, struct form_field *field, struct err *err) {
	struct slice type = {0}, filename = {0}, rest;
	slice_cut(words, ';', &rest);
	while (rest.at) {
		struct slice value, text = slice_cut(rest, ';', &rest);
		enum word word = word_read(text, field->file != NULL, &value);
		if (word == WORD_PARAMETER) {
			type.size = (size_t)(text.at + text.size - type.at);
			continue;
		}
		struct slice *place = word == WORD_TYPE ? &type : &filename;
		if (place->at)
			return err_set(err, ERR_FAILED, "field '%.*s' has ;%s= twice; write it once", SHOWN_MAX, field->name,
				word == WORD_TYPE ? "type" : "filename");
		*place = value;
	}
	type = slice_trim(type);
	if (type.at && !is_media_type(slice_trim(slice_cut(type, ';', &(struct slice){0}))))
		return err_set(
			err, ERR_FAILED, "field '%.*s' has a ;type= that is no media type; write e.g. ;type=text/plain", SHOWN_MAX, field->name);
	if (filename.at && !filename.size)
		return err_set(err, ERR_FAILED, "field '%.*s' has an empty ;filename=; write a name behind it", SHOWN_MAX, field->name);
	if (type.at) field->type = arena_copy(arena, type);
	if (filename.at) field->filename = arena_copy(arena, filename);
	return true;
}

static bool check_name(struct slice name, struct err *err) {
	for (size_t i = 0; i < name.size; i++) {
		unsigned char byte = (unsigned char)name.at[i];
		if (byte < ' ' || byte == 0x7f)
			return err_set(err, ERR_FAILED, "the name of a field has a control character (0x%02x) in it; leave it out", byte);
	}
	return true;
}

bool form_parse(struct slice text, struct arena *arena, struct form_field *ret, struct err *err) {
	if (text.size && memchr(text.at, 0, text.size))
		return err_set(err, ERR_FAILED, "a field has a zero byte in it; send it from a file with NAME=@FILE");
	struct slice rest, name = slice_cut(text, '=', &rest);
	if (!check_name(name, err)) return false;
	if (!rest.at)
		return err_set(err, ERR_FAILED, "'%.*s' has no '='; write NAME=VALUE or NAME=@FILE",
			name.size < SHOWN_MAX ? (int)name.size : SHOWN_MAX, name.size ? name.at : "");
	if (!name.size) return err_set(err, ERR_FAILED, "a field has no name before '='; write NAME=VALUE or NAME=@FILE");
	bool file = rest.size && *rest.at == '@';
	if (file) rest = (struct slice){rest.at + 1, rest.size - 1};
	struct slice value = {rest.at, words_find(rest, file)};
	struct form_field field = {.name = arena_copy(arena, name)};
	*(file ? &field.file : &field.value) = arena_copy(arena, value);
	if (file && !value.size) return err_set(err, ERR_FAILED, "field '%.*s' has an empty file name; write NAME=@FILE", SHOWN_MAX, field.name);
	if (!words_read((struct slice){rest.at + value.size, rest.size - value.size}, arena, &field, err)) return false;
	*ret = field;
	return true;
}

static uint64_t mix(uint64_t number) {
	/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
	number = (number ^ number >> 27) * 0x94d049bb133111ebu;
	return number ^ number >> 31;
}

/* Returns whether the text occurs in what the field says. */
static bool field_has(const struct form_field *field, const char *text) {
	const char *const parts[] = {field->name, field->value, field->file, field->type, field->filename};
	for (size_t i = 0; i < LENGTH(parts); i++)
		if (parts[i] && strstr(parts[i], text)) return true;
	return false;
}

/* Returns the first boundary of the seed's series that occurs in no field. No two of them are equal, and a field holds only so many. */
static const char *boundary_pick(const struct form_field *fields, size_t count, uint64_t seed, struct arena *arena) {
	for (uint64_t number = mix(seed + 1);; number++) {
		uint64_t high = mix(number), low = mix(~number);
		const char *boundary = arena_format(arena, "strest-%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
		size_t i = 0;
		while (i < count && !field_has(&fields[i], boundary)) i++;
		if (i == count) return boundary;
	}
}

/* A body being built. */
struct builder {
	struct form form;
	struct arena *arena;
	struct buf text; /* since the last file */
};

static void add_piece(struct builder *builder, struct slice piece) {
	if (!piece.size) return;
	builder->form.pieces[builder->form.count++] = piece;
	builder->form.bytes += piece.size;
}

/* Makes the text since the last file a piece. */
static bool flush_text(struct builder *builder, struct err *err) {
	if (builder->text.full)
		return err_set(err, ERR_FAILED, "values are over %zu MiB together; send large ones from files, NAME=@FILE", TEXT_MAX >> 20);
	size_t size = builder->text.size;
	add_piece(builder, (struct slice){arena_copy(builder->arena, (struct slice){buf_text(&builder->text), size}), size});
	buf_fini(&builder->text);
	return true;
}

/* HTML, section 4.10.21.8: only these three are replaced. */
static void add_quoted(struct buf *text, const char *name) {
	while (*name) {
		size_t plain = strcspn(name, "\"\r\n");
		buf_add(text, (struct slice){name, plain});
		name += plain;
		if (*name) buf_add_format(text, "%%%02X", (unsigned)*name++);
	}
}

/* Adds the part of one field, but for what stands before its first line. */
static bool add_field(struct builder *builder, const struct form_field *field, struct err *err) {
	struct buf *text = &builder->text;
	buf_add_text(text, "\r\nContent-Disposition: form-data; name=\"");
	add_quoted(text, field->name);
	if (field->file) {
		const char *slash = strrchr(field->file, '/');
		buf_add_text(text, "\"; filename=\"");
		add_quoted(text, field->filename ? field->filename : slash ? slash + 1 : field->file);
	}
	buf_add_text(text, "\"\r\n");
	const char *type = field->type ? field->type : field->file ? "application/octet-stream" : NULL;
	if (type) buf_add_format(text, "Content-Type: %s\r\n", type);
	buf_add_text(text, "\r\n");
	if (!field->file) {
		buf_add_text(text, field->value);
		return true;
	}
	struct slice bytes;
	if (!mapped_open(field->file, &bytes, err)) return false;
	if (!bytes.size) return true;
	if (!flush_text(builder, err)) return false;
	add_piece(builder, bytes);
	return true;
}

static bool add_fields(struct builder *builder, const struct form_field *fields, size_t count, const char *boundary, struct err *err) {
	for (size_t i = 0; i < count; i++) {
		buf_add_format(&builder->text, "%s--%s", i ? "\r\n" : "", boundary);
		if (!add_field(builder, &fields[i], err)) return false;
	}
	buf_add_format(&builder->text, "%s--%s--\r\n", count ? "\r\n" : "", boundary);
	return flush_text(builder, err);
}

bool form_build(const struct text_list *fields, uint64_t seed, struct arena *arena, struct form *ret, struct err *err) {
	struct form_field *parsed = arena_array(arena, fields->count, sizeof(*parsed));
	for (size_t i = 0; i < fields->count; i++)
		if (!form_parse(slice_of(fields->at[i]), arena, &parsed[i], err)) return err_add(err, "--form");
	const char *boundary = boundary_pick(parsed, fields->count, seed, arena);
	struct builder builder = {.arena = arena};
	buf_init(&builder.text, TEXT_MAX);
	builder.form.pieces = arena_array(arena, 2 * fields->count + 1, sizeof(*builder.form.pieces));
	builder.form.content_type = arena_format(arena, "multipart/form-data; boundary=%s", boundary);
	bool good = add_fields(&builder, parsed, fields->count, boundary, err);
	buf_fini(&builder.text);
	if (!good) return err_add(err, "--form");
	*ret = builder.form;
	return true;
}
