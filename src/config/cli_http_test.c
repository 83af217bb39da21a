/* Which versions of HTTP a command line and a file ask for together: check.c, merge.c and cli.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/cli.h"

#define ARGS 12
#define URL "http://127.0.0.1:3000/"

static struct cli cli;
static struct err err;
static char folder[] = "/tmp/strest-cli-http-XXXXXX";

/* The file stands in a folder of its own, which is the current one. */
static int enter(void **state) {
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
	(void)state;
	unlink("strest.toml");
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

/* Parses "strest --url URL" and the given words, up to NULL, beside a file with this text; NULL: without one. */
static bool parse(const char *text, const char *const *args) {
	const char *argv[ARGS + 3] = {"strest", "--url", URL};
	int argc = 3;
	for (; argc < ARGS && args[argc - 3]; argc++) argv[argc] = args[argc - 3];
	unlink("strest.toml");
	if (text) {
		FILE *f = fopen("strest.toml", "w");
		assert_non_null(f);
		assert_true(fputs(text, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	for (int i = 0; i < argc; i++) argv[i] = arena_copy(&arena, slice_of(argv[i]));
	err = (struct err){0};
	return cli_parse(argc, (char **)argv, &arena, &cli, &err);
}

static void what_contradicts_itself_is_refused(void **state) {
	static const struct {
		const char *text, *args[ARGS], *want;
	} cases[] = {
		{NULL, {"--http-version", "1.1", "--http2"}, "--http-version: 1.1 and --http2 exclude each other; leave one of them out"},
		{NULL, {"--http-version", "1.1", "--alpn", "http2"}, "--http-version: 1.1 excludes the h2 of --alpn; leave one of them out"},
		{NULL, {"--http-version", "2", "--alpn", "h2", "--alpn", "http/1.1"},
			"--http-version: 2 excludes the http/1.1 of --alpn; leave one of them out"},
		{NULL, {"--http2", "--alpn", "http/1.1"},
			"--http2: the protocols of --alpn leave h2 out; add it there, or leave one of the two options out"},
		{NULL, {"--alpn", ""}, "--alpn: the name is blank; write e.g. --alpn h2"},
		{NULL, {"--http2", "--alpn", " ", "--alpn", ""}, "--alpn: the name is blank; write e.g. --alpn h2"},
		{NULL, {"--http2", "--tls-max", "1.1"}, "--tls-max: HTTP/2 needs TLS 1.2 or 1.3, not 1.1; write one of them, or leave HTTP/2 out"},
		{NULL, {"--http2-parallel", "2"}, "--http2-parallel: HTTP/1.1 has one request at a time on a connection; add --http2"},
		{NULL, {"--streams", "2", "--http2=false"}, "--http2-parallel: HTTP/1.1 has one request at a time on a connection; add --http2"},
		{NULL, {"--streams", "2", "--http-version", "1.1"},
			"--http2-parallel: HTTP/1.1, which --http-version asks for, has one request at a time on a connection; leave one of them "
			"out"},
		{NULL, {"--streams", "2", "--alpn", "http/1.1"},
			"--http2-parallel: HTTP/1.1, which --alpn asks for, has one request at a time on a connection; leave one of them out"},
		{NULL, {"--streams", "2", "--http2", "--disable-keepalive"},
			"--http2-parallel: with --disable-keepalive a connection has one request only; leave one of them out"},
		{NULL, {"--streams", "10", "--http2", "--connections", "100"},
			"--connections: with 10 streams on each it is not the number of connections; write --max-tasks 1000 for so many connections, "
			"--max-tasks 100 for so many requests at once"},
		{"http_version = \"1.1\"\nhttp2 = true", {NULL},
			"strest.toml:1:16: http_version: 1.1 and http2 exclude each other; leave one of them out"},
		{"http2 = true\nalpn = [\"http/1.1\"]", {NULL},
			"strest.toml:1:9: http2: the protocols of alpn leave h2 out; add it there, or leave one of the two options out"},
		{"http2_parallel = 4", {NULL},
			"strest.toml:1:18: http2_parallel: HTTP/1.1 has one request at a time on a connection; add http2 = true"},
		{"http2_parallel = 4", {"--alpn", "http/1.1"},
			"strest.toml:1:18: http2_parallel: HTTP/1.1, which --alpn asks for, has one request at a time on a connection; leave one of "
			"them "
			"out"},
		{"http2 = true\nstreams = 10\nconnections = 5", {NULL},
			"strest.toml:3:15: connections: with 10 streams on each it is not the number of connections; write max_tasks = 50 for so "
			"many "
			"connections, max_tasks = 5 for so many requests at once"},
		{"disable_keepalive = true", {"--http2", "--streams=3"},
			"--http2-parallel: with disable_keepalive a connection has one request only; leave one of them out"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (parse(cases[i].text, cases[i].args)) fail_msg("taken, instead of: %s", cases[i].want);
		assert_string_equal(err.text, cases[i].want);
		assert_int_equal(err.code, ERR_FAILED);
	}
}

/* What is in force afterwards; `offer` is what TLS offers, in its order. The command line sets aside what the file says to the contrary. */
static void the_command_line_and_the_file_make_one_wish(void **state) {
	static const struct {
		const char *text, *args[ARGS], *offer[2], *version;
		bool http2;
		uint64_t streams;
	} cases[] = {
		{NULL, {NULL}, {NULL}, NULL, false, 1},
		{NULL, {"--http2"}, {"h2", "http/1.1"}, NULL, true, 1},
		{NULL, {"--http2", "--streams", "8", "-m", "80"}, {"h2", "http/1.1"}, NULL, true, 8},
		{NULL, {"--http2", "--connections", "80"}, {"h2", "http/1.1"}, NULL, true, 1},
		{NULL, {"--http2", "--streams", "8", "--concurrency", "80"}, {"h2", "http/1.1"}, NULL, true, 8},
		{NULL, {"--http2=false", "--http2-parallel", "1"}, {NULL}, NULL, false, 1},
		{NULL, {"--alpn", "H2"}, {"h2"}, NULL, false, 1},
		{NULL, {"--alpn", "http1", "--alpn", "", "--alpn", "http2"}, {"http/1.1", "h2"}, NULL, false, 1},
		{NULL, {"--http-version", "2", "--streams", "1000"}, {"h2"}, "2", false, 1000},
		{NULL, {"--http-version", "2", "--http2", "--alpn", "h2"}, {"h2"}, "2", true, 1},
		{NULL, {"--http-version", "1.1", "--alpn", "http/1.1", "--http2=false"}, {"http/1.1"}, "1.1", false, 1},
		{NULL, {"--http2", "--tls-max", "1.2", "--disable-keepalive"}, {"h2", "http/1.1"}, NULL, true, 1},
		/* of the README of the reference */
		{"http2 = true\nalpn = [\"h2\"]", {NULL}, {"h2"}, NULL, true, 1},
		{"http_version = \"2\"\nstreams = 5", {NULL}, {"h2"}, "2", false, 5},
		{"http2 = true\nhttp2_parallel = 5", {"--http-version", "1.1"}, {NULL}, "1.1", false, 1},
		{"http2 = true\nhttp2_parallel = 5", {"--alpn", "http/1.1"}, {"http/1.1"}, NULL, false, 1},
		{"http2 = true\nhttp2_parallel = 5", {"--http2=false"}, {NULL}, NULL, false, 1},
		{"http2 = true\nhttp2_parallel = 5", {"--http-version", "2"}, {"h2"}, "2", false, 5},
		{"http2 = true\nhttp2_parallel = 5", {"--alpn", "h2"}, {"h2"}, NULL, true, 5},
		{"http2 = true\nhttp2_parallel = 5", {"--streams", "7"}, {"h2", "http/1.1"}, NULL, true, 7},
		{"http_version = \"1.1\"", {"--http2"}, {"h2", "http/1.1"}, NULL, true, 1},
		{"http_version = \"2\"", {"--alpn", "h2", "--alpn", "http/1.1"}, {"h2", "http/1.1"}, NULL, false, 1},
		{"alpn = [\"http/1.1\"]", {"--http2"}, {"h2", "http/1.1"}, NULL, true, 1},
		{"alpn = [\"http/1.1\", \"h2\"]", {"--http2"}, {"http/1.1", "h2"}, NULL, true, 1},
		{"alpn = [\"h2\"]", {"--http-version", "1.1"}, {NULL}, "1.1", false, 1},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct settings *settings = &cli.settings;
		size_t count = 0;
		if (!parse(cases[i].text, cases[i].args)) fail_msg("case %zu: %s", i, err.text);
		for (; count < LENGTH(cases[i].offer) && cases[i].offer[count]; count++) {
			if (count >= settings->tls.alpn.count) fail_msg("case %zu: %s is missing", i, cases[i].offer[count]);
			assert_string_equal(settings->tls.alpn.at[count], cases[i].offer[count]);
		}
		if (settings->tls.alpn.count != count) fail_msg("case %zu: %zu protocols", i, settings->tls.alpn.count);
		if (settings->net.http2 != cases[i].http2) fail_msg("case %zu: http2 is %d", i, settings->net.http2);
		if (settings->net.http2_parallel != cases[i].streams) fail_msg("case %zu: %d streams", i, (int)settings->net.http2_parallel);
		if (!cases[i].version)
			assert_null(settings->net.http_version);
		else
			assert_string_equal(settings->net.http_version, cases[i].version);
	}
}

/* The page shows what was said, not what follows from it. */
static void the_page_shows_what_was_said(void **state) {
	(void)state;
	assert_true(parse(NULL, (const char *const[]){"--http2", "--streams", "9", "--print-config", NULL}));
	assert_non_null(strstr(cli.text, "\nhttp2 = true  # --http2\n"));
	assert_non_null(strstr(cli.text, "\nhttp2_parallel = 9  # --http2-parallel\n"));
	assert_non_null(strstr(cli.text, "\n# http_version: not set\n"));
	assert_non_null(strstr(cli.text, "\n# alpn: not set\n"));
	assert_true(parse("alpn = [\"http2\"]", (const char *const[]){"--http-version", "2", "--print-config", NULL}));
	assert_non_null(strstr(cli.text, "\nhttp_version = \"2\"  # --http-version\n"));
	assert_non_null(strstr(cli.text, "\n# alpn: not set\n"));
	assert_non_null(strstr(cli.text, "\nhttp2 = false  # default\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_contradicts_itself_is_refused),
		TEST(the_command_line_and_the_file_make_one_wish),
		TEST(the_page_shows_what_was_said),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
