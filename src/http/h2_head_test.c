#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/h2_fields.h"
#include "http/h2_head.h"

/* Heads and what RFC 9113 sections 8.2 and 8.3.1 make of them: "name=value" for each field, one behind the other. */
static const struct {
	const char *head;
	bool tls;
	const char *fields;
} heads[] = {
	{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", false, ":method=GET :scheme=http :authority=example.com :path=/"},
	{"GET /a?b=c HTTP/1.1\r\nHost: [::1]:8443\r\nUser-Agent: x\r\nACCEPT: */*\r\n\r\n", true,
		":method=GET :scheme=https :authority=[::1]:8443 :path=/a?b=c user-agent=x accept=*/*"},
	{"POST http://other.org/p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", false,
		":method=POST :scheme=http :authority=h :path=/p content-length=3"},
	{"GET http://other.org HTTP/1.1\r\nHost: h\r\n\r\n", false, ":method=GET :scheme=http :authority=h :path=/"},
	{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", false, ":method=OPTIONS :scheme=http :authority=h :path=*"},
	{"GET /?u=http://x/y HTTP/1.1\r\nHost: h\r\n\r\n", false, ":method=GET :scheme=http :authority=h :path=/?u=http://x/y"},
	{"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-End: 2\r\n\r\n", false,
		":method=GET :scheme=http :authority=h :path=/ x-end=2"},
	{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nProxy-Connection: close\r\nTransfer-Encoding: chunked\r\nTE: gzip\r\n\r\n", false,
		":method=GET :scheme=http :authority=h :path=/"},
	{"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nX-Empty:\r\nX-Colon: a:b\r\n\r\n", false,
		":method=GET :scheme=http :authority=h :path=/ te=trailers x-empty= x-colon=a:b"},
};

/* Writes "name=value" for each field. */
static void show(const struct h2_head *head, char *text, size_t room) {
	size_t size = 0;
	*text = 0;
	for (size_t k = 0; k < head->count; k++) {
		const nghttp2_nv *field = &head->fields[k];
		size += (size_t)snprintf(text + size, room - size, "%s%.*s=%.*s", k ? " " : "", (int)field->namelen, (const char *)field->name,
			(int)field->valuelen, (const char *)field->value);
	}
}

static void a_head_becomes_fields(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(heads); i++) {
		struct arena arena;
		char text[512];
		arena_init(&arena);
		show(h2_head_make(slice_of(heads[i].head), heads[i].tls, &arena), text, sizeof(text));
		assert_string_equal(text, heads[i].fields);
		arena_fini(&arena);
	}
}

/* RFC 9113 section 8.3: pseudo-fields come first; the path is put before them. */
static void an_open_head_has_all_but_the_path(void **state) {
	(void)state;
	struct arena arena;
	char all[512], text[512], *path;
	for (size_t i = 0; i < LENGTH(heads); i++) {
		arena_init(&arena);
		show(h2_head_make_open(slice_of(heads[i].head), heads[i].tls, &arena), text, sizeof(text));
		snprintf(all, sizeof(all), "%s", heads[i].fields);
		path = strstr(all, " :path=");
		assert_non_null(path);
		char *end = path + 1 + strcspn(path + 1, " ");
		memmove(path, end, strlen(end) + 1);
		assert_string_equal(text, all);
		arena_fini(&arena);
	}
}

static void without_a_host_there_is_no_authority(void **state) {
	(void)state;
	struct arena arena;
	char text[512];
	arena_init(&arena);
	show(h2_head_make(SLICE("GET /a HTTP/1.1\r\nAccept: b\r\n\r\n"), true, &arena), text, sizeof(text));
	assert_string_equal(text, ":method=GET :scheme=https :path=/a accept=b");
	show(h2_head_make_open(SLICE("GET /a HTTP/1.1\r\nAccept: b\r\n\r\n"), true, &arena), text, sizeof(text));
	assert_string_equal(text, ":method=GET :scheme=https accept=b");
	arena_fini(&arena);
}

/* RFC 9113 section 8.2.2. */
static void fields_of_a_connection_do_not_go_whatever_they_say(void **state) {
	(void)state;
	static const char *const left[] = {"connection", "Keep-Alive", "PROXY-CONNECTION", "Transfer-Encoding", "Upgrade", "Host", "TE"};
	static const char *const taken[] = {"Accept", "X-Host", "Cookie", ""};
	for (size_t i = 0; i < LENGTH(left); i++) assert_false(h2_head_takes(slice_of(left[i])));
	for (size_t i = 0; i < LENGTH(taken); i++) assert_true(h2_head_takes(slice_of(taken[i])));
}

static void secrets_never_enter_a_table(void **state) {
	(void)state;
	struct arena arena;
	arena_init(&arena);
	const struct h2_head *head =
		h2_head_make(SLICE("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\nCookie: a=b\r\nAccept: */*\r\n\r\n"), false, &arena);
	assert_int_equal(head->count, 7);
	for (size_t k = 0; k < head->count; k++) assert_int_equal((head->fields[k].flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0, k == 4 || k == 5);
	arena_fini(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_becomes_fields),
		cmocka_unit_test(an_open_head_has_all_but_the_path),
		cmocka_unit_test(without_a_host_there_is_no_authority),
		cmocka_unit_test(fields_of_a_connection_do_not_go_whatever_they_say),
		cmocka_unit_test(secrets_never_enter_a_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
