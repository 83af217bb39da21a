#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena_fixture.h"
#include "plan/targets.h"

static struct targets parse(const char *text) {
	const struct http_settings http = {.method = METHOD_PUT, .urls_from_file = "urls.txt"};
	struct targets targets;
	struct err err;
	if (!targets_parse(&http, slice_of(text), &arena, &targets, &err)) fail_msg("%s", err.text);
	return targets;
}

static void a_line_is_a_url_with_or_without_a_method(void **state) {
	(void)state;
	static const struct {
		const char *line;
		enum method method;
		bool plain;
		const char *row, *host, *authority, *target, *userinfo;
		uint16_t port;
	} rows[] = {
		{"http://localhost:3000/a", METHOD_PUT, true, "PUT http://localhost:3000/a", "localhost", "localhost:3000", "/a", NULL, 3000},
		{"GET http://localhost/a?b=c", METHOD_GET, false, "GET http://localhost/a?b=c", "localhost", "localhost", "/a?b=c", NULL, 80},
		{"post https://h", METHOD_POST, false, "POST https://h/", "h", "h", "/", NULL, 443},
		{" \tDeLeTe \t http://[::1]:81?x#y \t", METHOD_DELETE, false, "DELETE http://[::1]:81/?x", "::1", "[::1]:81", "/?x", NULL, 81},
		{"HEAD http://h/%7e", METHOD_HEAD, false, "HEAD http://h/%7e", "h", "h", "/%7e", NULL, 80},
		{"patch http://h/\xc3\xbc", METHOD_PATCH, false, "PATCH http://h/%C3%BC", "h", "h", "/%C3%BC", NULL, 80},
		{"OPTIONS http://ann:p%20w@h/..", METHOD_OPTIONS, false, "OPTIONS http://h/..", "h", "h", "/..", "ann:p w", 80},
		{"http://h/a?", METHOD_PUT, true, "PUT http://h/a?", "h", "h", "/a?", NULL, 80}, /* an empty query is one (RFC 3986 section 3.4) */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		/* Twice: the second time the line is not the first one with this host. */
		struct targets targets = parse(arena_format(&arena, "%s\n%s\r\n", rows[i].line, rows[i].line));
		assert_true(targets.listed);
		assert_int_equal(targets.count, 2);
		assert_int_equal(targets.row_count, 1);
		assert_string_equal(targets.rows[0], rows[i].row);
		for (size_t j = 0; j < 2; j++) {
			const struct target_item *item = &targets.at[j];
			assert_int_equal(item->method, rows[i].method);
			assert_int_equal(item->plain, rows[i].plain);
			assert_int_equal(item->row, 0);
			assert_string_equal(item->url.text, strchr(rows[i].row, ' ') + 1);
			assert_string_equal(item->url.host, rows[i].host);
			assert_string_equal(item->url.authority, rows[i].authority);
			assert_string_equal(item->url.target, rows[i].target);
			assert_string_equal(item->url.userinfo ? item->url.userinfo : "-", rows[i].userinfo ? rows[i].userinfo : "-");
			assert_int_equal(item->url.port, rows[i].port);
			assert_int_equal(item->url.tls, item->url.port == 443);
		}
	}
}

static void lines_that_say_the_same_share_a_row(void **state) {
	(void)state;
	static const uint32_t expected[] = {0, 1, 0, 2, 1, 3, 0, 0, 4};
	struct targets targets =
		parse("http://a/\nhttp://b/\nhttp://a/\nGET http://a/\nPUT http://b/\nhttps://a/\nhttp://ann:pw@a/\nhttp://a\nhttp://a:81/");
	assert_int_equal(targets.count, LENGTH(expected));
	assert_int_equal(targets.row_count, 5);
	for (size_t i = 0; i < LENGTH(expected); i++) assert_int_equal(targets.at[i].row, expected[i]);
	assert_string_equal(targets.at[6].url.userinfo, "ann:pw");
	assert_null(targets.at[7].url.userinfo);
	for (size_t i = 0; i < targets.row_count; i++) assert_null(strstr(targets.rows[i], "pw"));
	assert_string_equal(targets.name, "5 URLs from urls.txt");
	assert_string_equal(parse("http://a/").name, "1 URL from urls.txt");
}

static void bad_lines_are_named_by_their_number(void **state) {
	(void)state;
	static const struct {
		struct slice text;
		const char *words[3];
	} rows[] = {
		{SLICE(""), {"--urls-from-file: urls.txt is empty; write URL or METHOD URL"}},
		{SLICE("\n"), {"--urls-from-file: urls.txt:1: the line is empty; write URL or METHOD URL"}},
		{SLICE("http://a/\nhttp://a/\n\nhttp://a/\n"), {"urls.txt:3: the line is empty"}},
		{SLICE("http://a/\r\n\r\n"), {"urls.txt:2: the line is empty"}},
		{SLICE("http://a/\n \t \nhttp://a/"), {"urls.txt:2: the line is empty"}},
		{SLICE("http://a/\nlocalhost:3000\n"), {"urls.txt:2: ", "'localhost:3000'", "http://localhost:3000"}},
		{SLICE("http://a/\n/relative\n"), {"urls.txt:2: ", "relative"}},
		{SLICE("ftp://a/"), {"urls.txt:1: ", "'ftp'", "http:// or https://"}},
		{SLICE("GET"), {"urls.txt:1: the line has a method and no URL; write URL or METHOD URL"}},
		{SLICE("http://a/\nget \t\n"), {"urls.txt:2: the line has a method and no URL"}},
		{SLICE("FETCH http://a/"), {"urls.txt:1: ", "no method", "GET, HEAD, POST"}},
		{SLICE("http://a/b c"), {"urls.txt:1: ", "blank", "%20"}},
		{SLICE("GET http://a/b c"), {"urls.txt:1: ", "blank", "%20"}},
		{SLICE("http://a/\nhttp://a/b c"), {"urls.txt:2: ", "blank", "%20"}}, /* also where the host is known */
		{SLICE("http://a/\nhttp://a/\x01"), {"urls.txt:2: ", "control character"}},
		{SLICE("http://a/b\0c"), {"urls.txt:1: ", "0x00"}},
		{SLICE("http://a/\nhttp://a/b\0c"), {"urls.txt:2: ", "0x00"}},
		{SLICE("\x7f\x45LF\x01\x01"), {"urls.txt:1: ", "control character"}},
		{SLICE("http://a:99999/"), {"urls.txt:1: ", "port"}},
		{SLICE("http://ann:geheim@a:0/"), {"urls.txt:1: ", "***@a:0"}},
		{SLICE("ann:geheim@a/ b"), {"urls.txt:1: ", "***@a"}},
	};
	const struct http_settings http = {.urls_from_file = "urls.txt"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct targets targets = {.count = 77};
		struct err err;
		assert_false(targets_parse(&http, rows[i].text, &arena, &targets, &err));
		assert_int_equal(targets.count, 77); /* untouched */
		assert_int_equal(err.code, ERR_FAILED);
		assert_ptr_equal(strstr(err.text, "--urls-from-file: urls.txt"), err.text);
		for (size_t j = 0; j < LENGTH(rows[i].words) && rows[i].words[j]; j++)
			if (!strstr(err.text, rows[i].words[j])) fail_msg("'%s' is missing in '%s'", rows[i].words[j], err.text);
		assert_null(strstr(err.text, "geheim"));
	}
}

/* Returns what the lines from, from + 1 ... up to, with this format, come to. */
static struct slice many(const char *format, size_t count) {
	char *text = malloc(count * 64), *at = text;
	for (size_t i = 0; i < count; i++) at += sprintf(at, format, i);
	return (struct slice){text, (size_t)(at - text)};
}

static void a_list_has_a_million_lines_at_most(void **state) {
	(void)state;
	const struct http_settings http = {.urls_from_file = "urls.txt"};
	struct targets targets;
	struct err err;
	struct slice text = many("http://localhost:3000/%zu?x\n", TARGETS_MAX + 1);
	assert_false(targets_parse(&http, text, &arena, &targets, &err));
	assert_non_null(strstr(err.text, "more than 1000000 lines"));
	text.size -= strlen("http://localhost:3000/1000000?x\n");
	if (!targets_parse(&http, text, &arena, &targets, &err)) fail_msg("%s", err.text);
	assert_int_equal(targets.count, TARGETS_MAX);
	assert_int_equal(targets.row_count, TARGETS_MAX);
	assert_string_equal(targets.rows[999999], "GET http://localhost:3000/999999?x");
	assert_int_equal(targets.at[765432].row, 765432);
	assert_string_equal(targets.at[765432].url.target, "/765432?x");
	free((char *)(uintptr_t)text.at);
}

static void a_line_over_a_mebibyte_is_refused(void **state) {
	(void)state;
	const struct http_settings http = {.urls_from_file = "urls.txt"};
	struct targets targets;
	struct err err;
	char *line = malloc((1 << 20) + 1);
	memset(line, 'x', (1 << 20) + 1);
	memcpy(line, "http://a/", 9);
	assert_true(targets_parse(&http, (struct slice){line, 1 << 20}, &arena, &targets, &err));
	assert_int_equal(strlen(targets.at[0].url.target), (1 << 20) - 8);
	assert_false(targets_parse(&http, (struct slice){line, (1 << 20) + 1}, &arena, &targets, &err));
	assert_non_null(strstr(err.text, "urls.txt:1: the line is longer than 1 MiB"));
	free(line);
}

static void many_hosts_are_told_apart(void **state) {
	(void)state;
	const struct http_settings http = {.urls_from_file = "urls.txt"};
	struct targets targets;
	struct err err;
	struct slice text = many("http://host%zu.example/\n", 3000);
	assert_true(targets_parse(&http, text, &arena, &targets, &err));
	for (size_t i = 0; i < 3000; i++) {
		char host[40];
		sprintf(host, "host%zu.example", i);
		assert_string_equal(targets.at[i].url.host, host);
		assert_int_equal(targets.at[i].row, i);
	}
	free((char *)(uintptr_t)text.at);
}

static void one_url_is_one_item(void **state) {
	(void)state;
	const struct http_settings http = {.method = METHOD_HEAD, .url = "http://ann:pw@h:81/x#y"}, none = {0}, bad = {.url = "ftp://ann:geheim@h"};
	struct targets targets;
	struct err err;
	assert_true(targets_read(&http, &arena, &targets, &err));
	assert_int_equal(targets.count, 1);
	assert_false(targets.listed);
	assert_int_equal(targets.row_count, 0);
	assert_string_equal(targets.name, "http://h:81/x");
	assert_true(targets.at[0].plain);
	assert_int_equal(targets.at[0].method, METHOD_HEAD);
	assert_string_equal(targets.at[0].url.userinfo, "ann:pw");
	assert_false(targets_read(&none, &arena, &targets, &err));
	assert_non_null(strstr(err.text, "--url URL or --urls-from-file FILE"));
	assert_false(targets_read(&bad, &arena, &targets, &err));
	assert_ptr_equal(strstr(err.text, "--url: "), err.text);
	assert_null(strstr(err.text, "geheim"));
}

static void lists_come_from_files_and_standard_input(void **state) {
	(void)state;
	char folder[] = "/tmp/targets_test_XXXXXX";
	assert_non_null(mkdtemp(folder));
	const char *path = arena_format(&arena, "%s/list", folder);
	const struct http_settings http = {.urls_from_file = path}, input = {.urls_from_file = "-"}, wrong = {.urls_from_file = folder};
	struct targets targets;
	struct err err;
	assert_false(targets_read(&http, &arena, &targets, &err));
	assert_string_equal(err.text, arena_format(&arena, "--urls-from-file: cannot open '%s': No such file or directory", path));
	assert_false(targets_read(&wrong, &arena, &targets, &err));
	assert_string_equal(err.text, arena_format(&arena, "--urls-from-file: cannot read '%s': Is a directory", folder));
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(5); /* nobody writes to it: opening it would wait for ever (fifo(7)) */
	assert_false(targets_read(&http, &arena, &targets, &err));
	alarm(0);
	assert_non_null(strstr(err.text, "is empty"));
	unlink(path);
	FILE *file = fopen(path, "w");
	fputs("http://a/\nPOST http://b/", file);
	fclose(file);
	assert_true(targets_read(&http, &arena, &targets, &err));
	assert_string_equal(targets.name, arena_format(&arena, "2 URLs from %s", path));
	assert_string_equal(targets.rows[1], "POST http://b/");
	assert_non_null(freopen(path, "r", stdin));
	assert_true(targets_read(&input, &arena, &targets, &err));
	assert_string_equal(targets.name, "2 URLs from standard input");
	assert_false(targets_read(&input, &arena, &targets, &err)); /* it is at its end */
	assert_string_equal(err.text, "--urls-from-file: standard input is empty; write URL or METHOD URL, one a line");
	unlink(path);
	rmdir(folder);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(a_line_is_a_url_with_or_without_a_method),
		CASE(lines_that_say_the_same_share_a_row),
		CASE(bad_lines_are_named_by_their_number),
		CASE(a_list_has_a_million_lines_at_most),
		CASE(a_line_over_a_mebibyte_is_refused),
		CASE(many_hosts_are_told_apart),
		CASE(one_url_is_one_item),
		CASE(lists_come_from_files_and_standard_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
