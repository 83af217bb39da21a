/* References of redirects, RFC 3986 section 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/url.h"

struct joining {
	const char *reference;
	const char *text; /* NULL: it leads nowhere */
};

/* RFC 3986 sections 5.4.1 and 5.4.2, without the fragments. */
static const struct joining examples[] = {
	{"g:h", NULL}, {"g", "http://a/b/c/g"}, {"./g", "http://a/b/c/g"}, {"g/", "http://a/b/c/g/"}, {"/g", "http://a/g"}, {"//g", "http://g/"},
	{"?y", "http://a/b/c/d;p?y"}, {"g?y", "http://a/b/c/g?y"}, {"#s", "http://a/b/c/d;p?q"}, {"g#s", "http://a/b/c/g"},
	{"g?y#s", "http://a/b/c/g?y"}, {";x", "http://a/b/c/;x"}, {"g;x", "http://a/b/c/g;x"}, {"g;x?y#s", "http://a/b/c/g;x?y"},
	{"", "http://a/b/c/d;p?q"}, {".", "http://a/b/c/"}, {"./", "http://a/b/c/"}, {"..", "http://a/b/"}, {"../", "http://a/b/"},
	{"../g", "http://a/b/g"}, {"../..", "http://a/"}, {"../../", "http://a/"}, {"../../g", "http://a/g"}, {"../../../g", "http://a/g"},
	{"../../../../g", "http://a/g"}, {"/./g", "http://a/g"}, {"/../g", "http://a/g"}, {"g.", "http://a/b/c/g."}, {".g", "http://a/b/c/.g"},
	{"g..", "http://a/b/c/g.."}, {"..g", "http://a/b/c/..g"}, {"./../g", "http://a/b/g"}, {"./g/.", "http://a/b/c/g/"},
	{"g/./h", "http://a/b/c/g/h"}, {"g/../h", "http://a/b/c/h"}, {"g;x=1/./y", "http://a/b/c/g;x=1/y"}, {"g;x=1/../y", "http://a/b/c/y"},
	{"g?y/./x", "http://a/b/c/g?y/./x"}, {"g?y/../x", "http://a/b/c/g?y/../x"}, {"g#s/./x", "http://a/b/c/g"}, {"g#s/../x", "http://a/b/c/g"},
	{"http:g", NULL}, /* "for strict parsers" */
};

/* The same base. */
static const struct joining others[] = {
	{"http://h", "http://h/"},
	{"https://h:8443/x?y#z", "https://h:8443/x?y"},
	{"HTTP://h:80/x", "http://h/x"},
	{"http://h/a/../b/./c", "http://h/a/../b/./c"}, /* as it is: nothing was joined */
	{"//h/a/../b", "http://h/b"},
	{"//h:81", "http://h:81/"},
	{"//[::1]:81/x", "http://[::1]:81/x"},
	{"//u:p@h/x", "http://h/x"},
	{"http://u:p@h/x", "http://h/x"},
	{"g?y?z", "http://a/b/c/g?y?z"},
	{"?", "http://a/b/c/d;p?"},
	{"g?", "http://a/b/c/g?"},
	{"?y/../x", "http://a/b/c/d;p?y/../x"},
	{"/.//x", "http://a//x"},
	{"/a//../b", "http://a/a/b"},
	{"./g:h", "http://a/b/c/g:h"},
	{"g/h:i", "http://a/b/c/g/h:i"},
	{"1:2", "http://a/b/c/1:2"}, /* a scheme begins with a letter */
	/* blanks around it do not matter, others are encoded; so is what is not ASCII */
	{"  /g\t", "http://a/g"},
	{" http://h/ ", "http://h/"},
	{"/g #s", "http://a/g"},
	{"   ", "http://a/b/c/d;p?q"},
	{"/a b?c d", "http://a/a%20b?c%20d"},
	{"http://h/a b", "http://h/a%20b"},
	{"/\xc3\xbc?\xc3\xa4", "http://a/%C3%BC?%C3%A4"},
	{"\xff", "http://a/b/c/%FF"},
	{"/%c3%bc/%2e%2e/%zz", "http://a/%c3%bc/%2e%2e/%zz"},
	{"/\"<>\\^`{|}", "http://a/%22%3C%3E%5C%5E%60%7B%7C%7D"},
	{"\\\\h\\x", "http://a/b/c/%5C%5Ch%5Cx"},
	/* what leads nowhere */
	{"ftp://h/", NULL},
	{"javascript:alert(1)", NULL},
	{"mailto:a@h", NULL},
	{"file:///etc/passwd", NULL},
	{"data:text/html,x", NULL},
	{"localhost:3000/x", NULL},
	{"http:", NULL},
	{"http:/h", NULL},
	{"http:\\\\h", NULL},
	{"http://", NULL},
	{"https://?x", NULL},
	{"//", NULL},
	{"///", NULL},
	{"///x", NULL},
	{"//?x", NULL},
	{"//#x", NULL},
	{"//:80/", NULL},
	{"//u@/", NULL},
	{"//h:0/", NULL},
	{"//h:65536/", NULL},
	{"//h:x/", NULL},
	{"//[::zz]/", NULL},
	{"//a b/", NULL},
	{"http://a b/", NULL},
	{"//\xc3\xbc.example/", NULL},
	{"//a%0d%0ab/", NULL},
	{"//u%0a:p@h/", NULL},
	{"/a\tb", NULL},
	{"/a\r\nX: y", NULL},
	{"/\x01", NULL},
	{"/\x7f", NULL},
	{"http://h/\n", NULL},
};

/* Reads the reference from memory of exactly its size, so that a sanitizer sees a read beyond it. */
static bool join(const char *base, struct slice reference, struct arena *arena, struct url *ret) {
	struct url url;
	struct err err;
	if (!url_parse(base, arena, &url, &err)) fail_msg("%s: %s", base, err.text);
	char *copy = malloc(reference.size ? reference.size : 1);
	assert_non_null(copy);
	memcpy(copy, reference.at, reference.size);
	bool good = url_join(&url, (struct slice){copy, reference.size}, arena, ret);
	free(copy);
	return good;
}

static void check(const struct joining *want) {
	struct arena arena;
	struct url url = {.port = 7}, again;
	struct err err;
	arena_init(&arena);
	bool good = join("http://a/b/c/d;p?q", slice_of(want->reference), &arena, &url);
	if (good != (want->text != NULL)) fail_msg("'%s': %s", want->reference, good ? url.text : "refused");
	if (good) {
		if (strcmp(url.text, want->text) != 0) fail_msg("'%s': got '%s', want '%s'", want->reference, url.text, want->text);
		assert_true(url_parse(want->text, &arena, &again, &err));
		assert_string_equal(url.target, again.target);
		assert_string_equal(url.authority, again.authority);
		assert_string_equal(url.host, again.host);
		assert_string_equal(url.scheme, again.scheme);
		assert_int_equal(url.port, again.port);
		assert_int_equal(url.tls, again.tls);
	} else {
		assert_int_equal(url.port, 7);
	}
	arena_fini(&arena);
}

static void references_lead_where_the_rfc_says(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(examples); i++) check(&examples[i]);
}

static void references_lead_to_http_or_nowhere(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(others); i++) check(&others[i]);
	struct arena arena;
	struct url url;
	arena_init(&arena);
	assert_false(join("http://a/", (struct slice){"/a\0b", 4}, &arena, &url));
	arena_fini(&arena);
}

static void a_reference_stays_with_what_it_does_not_name(void **state) {
	(void)state;
	static const struct {
		const char *base, *reference, *text, *host, *userinfo;
	} cases[] = {
		{"https://h", "x", "https://h/x", "h", NULL},
		{"https://h:8443/a", "/x", "https://h:8443/x", "h", NULL},
		{"https://h/a", "//i/x", "https://i/x", "i", NULL},
		{"https://h/a", "http://i/x", "http://i/x", "i", NULL},
		{"http://h?q", "x", "http://h/x", "h", NULL},
		{"http://h/a?b/c", "x", "http://h/x", "h", NULL},
		{"http://h/a?b/c", "?d", "http://h/a?d", "h", NULL},
		{"http://h/a/../b/x?y", "?z", "http://h/a/../b/x?z", "h", NULL},
		{"http://h/a/../b/x?y", "", "http://h/a/../b/x?y", "h", NULL},
		{"http://h/a/../b/x?y", "z", "http://h/b/z", "h", NULL},
		{"http://u:p@h/a", "x", "http://h/x", "h", "u:p"},
		{"http://u:p@h/a", "//h/x", "http://h/x", "h", NULL},
		{"http://u:p@h/a", "http://v:q@h/x", "http://h/x", "h", "v:q"},
		{"http://h/a", "//v%40:q@i/x", "http://i/x", "i", "v@:q"},
		{"http://[fe80::1%25eth0]:81/a", "x", "http://[fe80::1]:81/x", "fe80::1%eth0", NULL},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct arena arena;
		struct url url;
		arena_init(&arena);
		if (!join(cases[i].base, slice_of(cases[i].reference), &arena, &url)) fail_msg("%s: refused", cases[i].reference);
		assert_string_equal(url.text, cases[i].text);
		assert_string_equal(url.host, cases[i].host);
		assert_int_equal(url.userinfo != NULL, cases[i].userinfo != NULL);
		if (url.userinfo) assert_string_equal(url.userinfo, cases[i].userinfo);
		arena_fini(&arena);
	}
}

static void a_long_reference_is_kept_whole(void **state) {
	(void)state;
	enum { SIZE = 70000 };
	static char text[SIZE + 1], path[3 * SIZE + 1];
	struct arena arena;
	struct url url;
	arena_init(&arena);
	memset(text, 'a', SIZE);
	assert_true(join("http://h/b/c", (struct slice){text, SIZE}, &arena, &url));
	assert_int_equal(strlen(url.target), SIZE + 3);
	assert_memory_equal(url.target + 3, text, SIZE);
	memset(text, ' ', SIZE);
	memcpy(text, "/", 1);
	memcpy(text + SIZE - 1, "x", 1);
	for (size_t i = 0; i < SIZE - 2; i++) memcpy(path + 3 * i, "%20", 3);
	assert_true(join("http://h/b/c", (struct slice){text, SIZE}, &arena, &url));
	assert_int_equal(strlen(url.target), 3 * (SIZE - 2) + 2);
	assert_memory_equal(url.target + 1, path, 3 * (SIZE - 2));
	for (size_t i = 0; i < SIZE; i++) text[i] = "../"[i % 3];
	assert_true(join("http://h/b/c", (struct slice){text, SIZE - SIZE % 3}, &arena, &url));
	assert_string_equal(url.target, "/");
	arena_fini(&arena);
}

/* A chain of redirects gives each base back before the one after next is joined. */
static void texts_outlive_the_base(void **state) {
	(void)state;
	struct arena first, second;
	struct url base, url;
	struct err err;
	arena_init(&first);
	arena_init(&second);
	assert_true(url_parse("http://u:p@h:81/b/c", &first, &base, &err));
	assert_true(url_join(&base, SLICE("x?y"), &second, &url));
	memset((char *)(uintptr_t)base.host, '!', strlen(base.host));
	memset((char *)(uintptr_t)base.userinfo, '!', strlen(base.userinfo));
	memset((char *)(uintptr_t)base.authority, '!', strlen(base.authority));
	arena_fini(&first);
	assert_string_equal(url.host, "h");
	assert_string_equal(url.userinfo, "u:p");
	assert_string_equal(url.authority, "h:81");
	assert_string_equal(url.target, "/b/x?y");
	arena_fini(&second);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_lead_where_the_rfc_says),
		cmocka_unit_test(references_lead_to_http_or_nowhere),
		cmocka_unit_test(a_reference_stays_with_what_it_does_not_name),
		cmocka_unit_test(a_long_reference_is_kept_whole),
		cmocka_unit_test(texts_outlive_the_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
