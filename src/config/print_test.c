#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/file.h"
#include "config/print.h"

static struct arena arena;
static struct file file;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_T", "token-of-test", 1);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Returns the page made of a file's settings. */
static const char *page_of(const char *path, const char *text) {
	file_read_text(path, slice_of(text), &arena, &file);
	if (file.findings.faults) fail_msg("%s\n%s", text, file_sentence(&file, findings_first_fault(&file.findings)));
	return print_config(&file.settings, &file.origins, &arena);
}

static void assert_line(const char *page, const char *line) {
	if (!strstr(page, arena_format(&arena, "%s\n", line))) fail_msg("%s\nis missing in\n%s", line, page);
}

static void every_setting_has_a_line_and_its_origin(void **state) {
	const char *page = page_of("a.toml",
		"url = \"http://x\"\nrate = 100\n\nstatus = \"200,201,3xx\"\nheaders = [\"A: \\\"b\\\\\"]\ntimeout = \"1500us\"\n"
		"alpn = [\"http1\", \"\", \"H2\"]\ntls_min = \"1.3\"\nmethod = \"PUT\"\ndata = \"a\\nb\\u0001\\u00e9\"\nstages = \"10s@500,1m@0.5\"");
	(void)state;
	assert_line(page, "url = \"http://x\"  # a.toml:1");
	assert_line(page, "rate = 100.0  # a.toml:2");
	assert_line(page, "status = \"200-201,3xx\"  # a.toml:4");
	assert_line(page, "headers = [\"A: \\\"b\\\\\"]  # a.toml:5");
	assert_line(page, "timeout = \"1500us\"  # a.toml:6");
	assert_line(page, "alpn = [\"http/1.1\", \"h2\"]  # a.toml:7");
	assert_line(page, "tls_min = \"1.3\"  # a.toml:8");
	assert_line(page, "method = \"put\"  # a.toml:9");
	assert_line(page, "data = \"a\\nb\\u0001\xc3\xa9\"  # a.toml:10");
	assert_line(page, "stages = \"10s@500,60s@0.5\"  # a.toml:11");
	assert_line(page, "max_tasks = 1000  # default");
	assert_line(page, "# requests: not set");
	assert_line(page, "# thresholds: not set");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *name = row->check == CHECK_THRESHOLD ? "thresholds" : row->key ? row->key : row->flag;
		if (row->commands & COMMAND_RUN && row->group != GROUP_CONFIG) assert_non_null(strstr(page, name));
	}
}

static void secrets_are_hidden(void **state) {
	const char *page = page_of("a.toml", "url = \"http://user:pw@x/?a=b@c\"\nheaders = [\"Authorization: Bearer abc\", \"X-Api-Key: abc\", "
					     "\"cookie: a=abc\", \"X-A: shown\"]");
	(void)state;
	assert_line(page, "url = \"http://***@x/?a=b@c\"  # a.toml:1");
	assert_line(page, "headers = [\"Authorization: ***\", \"X-Api-Key: ***\", \"cookie: ***\", \"X-A: shown\"]  # a.toml:2");
	assert_null(strstr(page, "abc"));
	assert_null(strstr(page, "pw"));
	page = page_of("a.toml", "proxy = \"http://user:pw@p:3128\"\nproxy_headers = [\"Proxy-Authorization: Basic abc\", \"X-A: shown\"]\n"
				 "basic_auth = \"user:pw\"");
	assert_line(page, "proxy = \"http://***@p:3128\"  # a.toml:1");
	assert_line(page, "proxy_headers = [\"Proxy-Authorization: ***\", \"X-A: shown\"]  # a.toml:2");
	assert_line(page, "basic_auth = \"***:***\"  # a.toml:3");
	assert_null(strstr(page, "abc"));
	assert_null(strstr(page, "pw"));
}

static void variables_stand_as_they_are_written(void **state) {
	const char *page =
		page_of("a.toml", "url = \"http://u:${STREST_TEST_T}@x/$${a}\"\nheaders = [\"Authorization: ${STREST_TEST_T}\", \"Cookie: abc\"]\n"
				  "data = \"$${STREST_TEST_T}\"\naccept = \"$${x}\"");
	(void)state;
	assert_line(page, "url = \"http://***:${STREST_TEST_T}@x/$${a}\"  # a.toml:1");
	assert_line(page, "headers = [\"Authorization: ${STREST_TEST_T}\", \"Cookie: ***\"]  # a.toml:2");
	assert_line(page, "data = \"$${STREST_TEST_T}\"  # a.toml:3");
	assert_null(strstr(page, "token-of-test"));
	page = page_of("a.toml", "proxy = \"http://u:${STREST_TEST_T}@p\"\nbearer = \"${STREST_TEST_T}\"");
	assert_line(page, "proxy = \"http://***:${STREST_TEST_T}@p\"  # a.toml:1");
	assert_line(page, "bearer = \"${STREST_TEST_T}\"  # a.toml:2");
	page = page_of("a.toml", "basic_auth = \"ann:${STREST_TEST_T}\"");
	assert_line(page, "basic_auth = \"***:${STREST_TEST_T}\"  # a.toml:1");
	assert_null(strstr(page, "token-of-test"));
}

static void thresholds_are_written_by_metric(void **state) {
	const char *page = page_of("a.json", "{\"thresholds\": {\"p99\": \"<250ms\",\n\"p99.9\": [\"<1s\", \">=1ms\"],\n\"stage\": {\"1\": {\"p95\": "
					     "\"<3ms\"}}, \"abort\": true}}");
	(void)state;
	assert_line(page, "thresholds.\"p99\" = \"<250ms\"  # a.json:1");
	assert_line(page, "thresholds.\"p99.9\" = [\"<1s\", \">=1ms\"]  # a.json:2");
	assert_line(page, "thresholds.\"stage.1.p95\" = \"<3ms\"  # a.json:3");
	assert_line(page, "thresholds.abort = true  # a.json:3");
}

/* Returns the page without its comments. */
static const char *values_of(const char *page) {
	char *text = arena_copy(&arena, slice_of(page)), *to = text;
	for (const char *from = text; *from; from++) {
		const char *comment = strstr(from, "  # "), *end = strchr(from, '\n');
		size_t size = (size_t)((comment && comment < end ? comment : end) - from);
		memmove(to, from, size);
		to += size;
		*to++ = '\n';
		from = end;
	}
	*to = 0;
	return text;
}

static void a_page_reads_back_as_itself(void **state) {
	static const char *const texts[] = {
		"",
		"url = \"http://u:p@x/\"\nheaders = [\"Cookie: a\", \"B: ${STREST_TEST_T}\", \"C: $${d}\"]\nrpm = 100\nno_ua = true\nauthorized = "
		"true",
		"basic_auth = \"a:b${STREST_TEST_T}c\"\nproxy = \"http://u:p@x:1\"\nproxy_headers = [\"Cookie: a\"]\nform = [\"a=$${b}\"]\nredirect "
		"= 0\n"
		"connect_to = [\"[::1]:80:a:81\"]\nbind = [\"127.0.0.1,::1\"]\nipv4 = true\nlabels = [\"a=b\"]",
		"disable_keepalive = true\nunix_socket = \"/s\"",
		"[sinks]\nupdate_interval_ms = 0\n[sinks.prometheus]\npath = \"a\"\nlisten = \"[::1]:0\"\n[sinks.otel]\npath = \"b\"",
		"bearer = \"x\"\nurls_from_file = \"-\"\nunix_socket = \"/tmp/s\"\nrequests_per_connection = 3\nrate = 1\nconnection_pick = \"mru\"",
		"rate = 0.1\ndata = \"\\\"\\\\\\t\\u007f\"\nseed = 0\npreconnect = 0\nwarmup = \"1ms\"\nheaders = []",
		"[load]\nrate = 0\n[[load.stages]]\nduration = \"1500ns\"\nrpm = 100\n[thresholds]\np99.9 = [\"<1s\", "
		"\"<${STREST_TEST_T}1s\"]\nabort = true",
		"[thresholds.step.\"buy/step 2\"]\np99.9 = \"<1s\"\n[thresholds.step.v1.login]\nerrors = \"<1%\"",
	};
	(void)state;
	setenv("STREST_TEST_T", "", 1);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		const char *first = page_of("a.toml", texts[i]), *again = page_of("b.toml", first);
		assert_string_equal(values_of(first), values_of(again));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(every_setting_has_a_line_and_its_origin),
		TEST(secrets_are_hidden),
		TEST(variables_stand_as_they_are_written),
		TEST(thresholds_are_written_by_metric),
		TEST(a_page_reads_back_as_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
