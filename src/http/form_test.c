#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/form.h"

static struct arena arena;

static int make_arena(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int free_arena(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

struct reading {
	const char *text;
	struct form_field want;
};

static const struct reading readings[] = {
	{"a=b", {"a", "b", NULL, NULL, NULL}},
	{"a=", {"a", "", NULL, NULL, NULL}},
	{"a=b=c", {"a", "b=c", NULL, NULL, NULL}},
	{"a b=@", {0}},
	{"a b=\\@c", {"a b", "\\@c", NULL, NULL, NULL}},
	{"a= @c", {"a", " @c", NULL, NULL, NULL}},
	{"a=@c", {"a", NULL, "c", NULL, NULL}},
	{"a=@/tmp/c d.txt", {"a", NULL, "/tmp/c d.txt", NULL, NULL}},
	{"a=@@c", {"a", NULL, "@c", NULL, NULL}},
	{"\"x\"=\r\n\t1", {"\"x\"", "\r\n\t1", NULL, NULL, NULL}},
	{"\xc3\xbc=\xc3\xa4", {"\xc3\xbc", "\xc3\xa4", NULL, NULL, NULL}},
	/* words */
	{"a=b;type=text/plain", {"a", "b", NULL, "text/plain", NULL}},
	{"a=;type=text/plain", {"a", "", NULL, "text/plain", NULL}},
	{"a=b;TYPE=text/plain", {"a", "b", NULL, "text/plain", NULL}},
	{"a=b;type= text/plain ", {"a", "b", NULL, "text/plain", NULL}},
	{"a=b;type=text/plain;charset=utf-8", {"a", "b", NULL, "text/plain;charset=utf-8", NULL}},
	{"a=b;type=text/plain; charset=\"x y\"; d=e", {"a", "b", NULL, "text/plain; charset=\"x y\"; d=e", NULL}},
	{"a=@c;type=image/svg+xml", {"a", NULL, "c", "image/svg+xml", NULL}},
	{"a=@c;filename=d e", {"a", NULL, "c", NULL, "d e"}},
	{"a=@c;filename=x\"y", {"a", NULL, "c", NULL, "x\"y"}},
	{"a=@c;filename=d;type=x/y", {"a", NULL, "c", "x/y", "d"}},
	{"a=@c;type=x/y;filename=d", {"a", NULL, "c", "x/y", "d"}},
	{"a=@c;type=x/y;p=q;filename=d", {"a", NULL, "c", "x/y;p=q", "d"}},
	/* other ';' belong to the value */
	{"a=b;c", {"a", "b;c", NULL, NULL, NULL}},
	{"a=b;c=d", {"a", "b;c=d", NULL, NULL, NULL}},
	{"a=;", {"a", ";", NULL, NULL, NULL}},
	{"a=b;type", {"a", "b;type", NULL, NULL, NULL}},
	{"a=b;xtype=x/y", {"a", "b;xtype=x/y", NULL, NULL, NULL}},
	{"a=b; type=x/y", {"a", "b; type=x/y", NULL, NULL, NULL}},
	{"a=b;c;type=x/y", {"a", "b;c", NULL, "x/y", NULL}},
	{"a=b;c=d;type=x/y", {"a", "b;c=d", NULL, "x/y", NULL}},
	{"a=b;type=x/y;", {"a", "b;type=x/y;", NULL, NULL, NULL}},
	{"a=b;type=x/y;z", {"a", "b;type=x/y;z", NULL, NULL, NULL}},
	{"a=b;filename=d", {"a", "b;filename=d", NULL, NULL, NULL}},
	{"a=@c;d", {"a", NULL, "c;d", NULL, NULL}},
	{"a=@c;d=e;type=x/y", {"a", NULL, "c;d=e", "x/y", NULL}},
	{"a=@c;filename=d;p=q", {"a", NULL, "c;filename=d;p=q", NULL, NULL}},
	{"a=@c;type=x/y;filename=d;p=q", {"a", NULL, "c;type=x/y;filename=d;p=q", NULL, NULL}},
	/* errors: a part of the sentence stands in `value` */
	{"", {NULL, "''", NULL, NULL, NULL}},
	{"a", {NULL, "'a' has no '='; write NAME=VALUE", NULL, NULL, NULL}},
	{"=b", {NULL, "no name", NULL, NULL, NULL}},
	{"a\nb", {NULL, "0x0a", NULL, NULL, NULL}},
	{"a\nb=c", {NULL, "0x0a", NULL, NULL, NULL}},
	{"a\x7f=c", {NULL, "0x7f", NULL, NULL, NULL}},
	{"a=@", {NULL, "'a' has an empty file name", NULL, NULL, NULL}},
	{"a=@;type=x/y", {NULL, "'a' has an empty file name", NULL, NULL, NULL}},
	{"a=@c;filename=", {NULL, "'a' has an empty ;filename=", NULL, NULL, NULL}},
	{"a=b;type=", {NULL, "'a' has a ;type= that is no media type", NULL, NULL, NULL}},
	{"a=b;type=text", {NULL, "no media type", NULL, NULL, NULL}},
	{"a=b;type=text/", {NULL, "no media type", NULL, NULL, NULL}},
	{"a=b;type=/plain", {NULL, "no media type", NULL, NULL, NULL}},
	{"a=b;type=text/pl ain", {NULL, "no media type", NULL, NULL, NULL}},
	{"a=b;type=text/x\r\nX: y", {NULL, "no media type", NULL, NULL, NULL}},
	{"a=b;type=x/y;type=x/z", {NULL, "'a' has ;type= twice", NULL, NULL, NULL}},
	{"a=@b;filename=c;type=x/y;filename=d", {NULL, "'a' has ;filename= twice", NULL, NULL, NULL}},
};

static bool same(const char *a, const char *b) {
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* From memory of exactly the text's size, so that a sanitizer sees a read beyond it. */
static bool parse(struct slice text, struct form_field *ret, struct err *err) {
	char *copy = malloc(text.size ? text.size : 1);
	assert_non_null(copy);
	memcpy(copy, text.at, text.size);
	bool good = form_parse((struct slice){copy, text.size}, &arena, ret, err);
	free(copy);
	return good;
}

static void a_field_is_taken_apart(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(readings); i++) {
		const struct form_field *want = &readings[i].want;
		struct form_field got = {.name = "untouched"};
		struct err err = {0};
		bool good = parse(slice_of(readings[i].text), &got, &err);
		if (good != (want->name != NULL)) fail_msg("'%s': %s", readings[i].text, good ? "read" : err.text);
		if (good && !(same(got.name, want->name) && same(got.value, want->value) && same(got.file, want->file) &&
				    same(got.type, want->type) && same(got.filename, want->filename)))
			fail_msg("'%s': name '%s' value '%s' file '%s' type '%s' filename '%s'", readings[i].text, got.name, got.value, got.file,
				got.type, got.filename);
		if (good) continue;
		assert_int_equal(err.code, ERR_FAILED);
		assert_string_equal(got.name, "untouched");
		if (want->value && !strstr(err.text, want->value)) fail_msg("'%s': '%s'", readings[i].text, err.text);
	}
	struct form_field field;
	struct err err;
	assert_false(parse((struct slice){"a=b\0c", 5}, &field, &err));
	assert_non_null(strstr(err.text, "zero byte"));
}

/* All pieces, one behind the other, 0-terminated. */
static char *whole(const struct form *form) {
	char *text = arena_alloc(&arena, form->bytes + 1);
	size_t size = 0;
	for (size_t i = 0; i < form->count; i++) {
		assert_true(form->pieces[i].size > 0);
		memcpy(text + size, form->pieces[i].at, form->pieces[i].size);
		size += form->pieces[i].size;
	}
	assert_int_equal(size, form->bytes);
	return text;
}

static const char *boundary_of(const struct form *form) {
	static const char begin[] = "multipart/form-data; boundary=";
	assert_int_equal(strncmp(form->content_type, begin, sizeof(begin) - 1), 0);
	return form->content_type + sizeof(begin) - 1;
}

static bool build(const char **fields, size_t count, uint64_t seed, struct form *ret, struct err *err) {
	return form_build(&(struct text_list){count, fields}, seed, &arena, ret, err);
}

static const char *file_with(const char *name, const char *text) {
	char *path = arena_format(&arena, "/tmp/strest-form-%d-%s", (int)getpid(), name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
	return path;
}

/* By hand, after RFC 7578 section 4 and RFC 2046 section 5.1.1. */
static void a_small_form_is_these_bytes(void **state) {
	(void)state;
	const char *path = file_with("a.txt", "file\r\n--"), *empty = file_with("empty", "");
	const char *fields[] = {
		"a=1",
		"b \"q\"=x\ny;type=text/plain;charset=utf-8",
		arena_format(&arena, "f=@%s;filename=up\"\r\n.txt", path),
		arena_format(&arena, "g=@%s;type=image/png", empty),
		"c=",
	};
	struct form form;
	struct err err = {0};
	if (!build(fields, LENGTH(fields), 7, &form, &err)) fail_msg("%s", err.text);
	const char *b = boundary_of(&form);
	const char *want = arena_format(&arena,
		"--%s\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		"--%s\r\nContent-Disposition: form-data; name=\"b %%22q%%22\"\r\nContent-Type: text/plain;charset=utf-8\r\n\r\nx\ny\r\n"
		"--%s\r\nContent-Disposition: form-data; name=\"f\"; filename=\"up%%22%%0D%%0A.txt\"\r\n"
		"Content-Type: application/octet-stream\r\n\r\nfile\r\n--\r\n"
		"--%s\r\nContent-Disposition: form-data; name=\"g\"; filename=\"%s\"\r\nContent-Type: image/png\r\n\r\n\r\n"
		"--%s\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n\r\n"
		"--%s--\r\n",
		b, b, b, b, strrchr(empty, '/') + 1, b, b);
	assert_string_equal(whole(&form), want);
	assert_int_equal(form.count, 3);
	unlink(path);
	unlink(empty);
}

/* RFC 2046 section 5.1.1: at most 70 of these characters; and it occurs in no text. */
static void the_boundary_is_a_function_of_the_seed_and_in_no_text(void **state) {
	(void)state;
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=?";
	struct form form, again;
	struct err err;
	const char *fields[] = {"a=b", "c=d"};
	char *last = "";
	for (uint64_t seed = 0; seed < 100; seed++) {
		assert_true(build(fields, 2, seed, &form, &err) && build(fields, 2, seed, &again, &err));
		const char *boundary = boundary_of(&form);
		assert_string_equal(form.content_type, again.content_type);
		assert_string_not_equal(boundary, last);
		assert_in_range(strlen(boundary), 32, 70);
		assert_int_equal(strspn(boundary, letters), strlen(boundary));
		last = arena_copy(&arena, slice_of(boundary));
		/* a text that knows the boundary, and the next one */
		fields[1] = arena_format(&arena, "c=\r\n--%s\r\n", boundary);
		assert_true(build(fields, 2, seed, &form, &err));
		assert_null(strstr(fields[1], boundary_of(&form)));
		fields[1] = arena_format(&arena, "c=%s %s", boundary, boundary_of(&form));
		assert_true(build(fields, 2, seed, &again, &err));
		assert_null(strstr(fields[1], boundary_of(&again)));
		fields[1] = "c=d";
	}
}

static void a_form_that_cannot_be_built_is_refused(void **state) {
	(void)state;
	static const struct {
		const char *field, *says;
	} cases[] = {
		{"a", "--form: 'a' has no '='"},
		{"a=@/nowhere/x", "--form: cannot open '/nowhere/x'"},
		{"a=@/tmp", "--form: '/tmp' is not a regular file"},
		{"a=@/dev/null", "--form: '/dev/null' is not a regular file"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *fields[] = {"x=y", cases[i].field};
		struct form form = {.count = 7};
		struct err err = {0};
		assert_false(build(fields, 2, 1, &form, &err));
		assert_int_equal(err.code, ERR_FAILED);
		if (!strstr(err.text, cases[i].says)) fail_msg("'%s'", err.text);
		assert_int_equal(form.count, 7);
	}
	char *large = malloc(65 << 20);
	assert_non_null(large);
	memset(large, 'x', 65 << 20);
	large[1] = '=';
	large[(65 << 20) - 1] = 0;
	struct form form;
	struct err err = {0};
	assert_false(build((const char *[]){large}, 1, 1, &form, &err));
	assert_non_null(strstr(err.text, "--form: values are over 64 MiB"));
	free(large);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_field_is_taken_apart, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(a_small_form_is_these_bytes, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(the_boundary_is_a_function_of_the_seed_and_in_no_text, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(a_form_that_cannot_be_built_is_refused, make_arena, free_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
