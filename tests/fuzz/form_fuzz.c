/* Any text as a field of a form: what is read can be written again, and read it is the same. */
#include "fuzz.h"
#include "http/form.h"

static bool same(const char *a, const char *b) {
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check(const struct form_field *field, struct arena *arena) {
	assert(field->name && field->name[0] && !field->value != !field->file);
	assert(!field->file || field->file[0]);
	assert(!field->filename || (field->file && field->filename[0]));
	for (const char *at = field->name; *at; at++) assert((unsigned char)*at >= ' ' && *at != 0x7f);
	for (const char *at = field->type ? field->type : ""; *at; at++) assert((*at >= ' ' || *at == '\t') && *at <= '~');
	assert(!field->type || strchr(field->type, '/'));
	const char *type = field->type ? arena_format(arena, ";type=%s", field->type) : "";
	const char *filename = field->filename ? arena_format(arena, ";filename=%s", field->filename) : "";
	const char *value = field->file ? arena_format(arena, "@%s", field->file) : field->value;
	struct form_field again;
	struct err err;
	assert(form_parse(slice_of(arena_format(arena, "%s=%s%s%s", field->name, value, type, filename)), arena, &again, &err));
	assert(same(field->name, again.name) && same(field->value, again.value) && same(field->file, again.file));
	assert(same(field->type, again.type) && same(field->filename, again.filename));
}

/* A value needs no file: it can be built. */
static void check_form(const char *text, const struct form_field *field, struct arena *arena) {
	struct form form;
	struct err err;
	if (field->file) return;
	assert(form_build(&(struct text_list){1, &text}, 1, arena, &form, &err));
	assert(form.count == 1 && form.bytes == form.pieces[0].size && form.bytes > strlen(field->value));
	const char *boundary = strstr(form.content_type, "boundary=") + 9;
	assert(!strstr(text, boundary) && strncmp(form.pieces[0].at + 2, boundary, strlen(boundary)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size ? size : 1); /* of exactly its size */
	assert(text);
	if (size) memcpy(text, data, size);
	struct arena arena;
	struct form_field field;
	struct err err = {0};
	arena_init(&arena);
	if (form_parse((struct slice){text, size}, &arena, &field, &err)) {
		check(&field, &arena);
		check_form(arena_copy(&arena, (struct slice){text, size}), &field, &arena);
	} else {
		assert(err.code == ERR_FAILED && err.text[0] && !strpbrk(err.text, "\r\n"));
	}
	arena_fini(&arena);
	free(text);
	return 0;
}
