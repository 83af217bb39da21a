/* Files that are read: keys.c, load_keys.c, threshold_keys.c and file.c together, from texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/file.h"

static struct arena arena;
static struct file file;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_N", "12", 1);
	setenv("STREST_TEST_T", "token", 1);
	unsetenv("STREST_TEST_NONE");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void take(const char *path, const char *text) {
	file_read_text(path, slice_of(text), &arena, &file);
	if (file.findings.faults) fail_msg("%s\n%s", text, file_sentence(&file, findings_first_fault(&file.findings)));
}

static const struct option_origin *origin_of(const char *flag) {
	return &file.origins.rows[option_index(option_by_name(slice_of(flag), COMMAND_RUN))];
}

static void toml_and_json_say_the_same(void **state) {
	static const struct {
		const char *path, *text;
	} cases[] = {
		{"a.toml",
			"url = \"http://x\"\nmethod = \"post\"\nheaders = [\"A: b\", \"C: d\",]\nduration = 60\ntimeout = \"250ms\"\nstatus = 204\n"
			"max_tasks = 1_000\nrate = 12.5\ninsecure = true\nseed = 0\nspin = \"on\"\ntls_min = \"tls1.2\"\n"},
		{"a.json",
			"{\"url\": \"http://x\", \"method\": \"post\", \"headers\": [\"A: b\", \"C: d\"], \"duration\": 60, \"timeout\": \"250ms\","
			"\"status\": 204, \"max_tasks\": 1000, \"rate\": 12.5, \"insecure\": true, \"seed\": 0, \"spin\": \"on\", \"tls_min\": "
			"\"tls1.2\","
			"\"data\": null, \"load\": null, \"thresholds\": null, \"rpm\": null, \"proxy\": null, \"no_ua\": null}"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		take(cases[i].path, cases[i].text);
		assert_string_equal(file.settings.http.url, "http://x");
		assert_int_equal(file.settings.http.method, METHOD_POST);
		assert_int_equal(file.settings.http.headers.count, 2);
		assert_string_equal(file.settings.http.headers.at[1], "C: d");
		assert_int_equal(file.settings.load.duration, 60 * SEC);
		assert_int_equal(file.settings.http.timeout, 250 * MSEC);
		assert_true(status_set_has(&file.settings.http.status, 204));
		assert_false(status_set_has(&file.settings.http.status, 200));
		assert_int_equal(file.settings.load.max_tasks, 1000);
		assert_true(file.settings.load.rate == 12.5);
		assert_true(file.settings.tls.insecure);
		assert_int_equal(file.settings.load.seed, 0);
		assert_int_equal(file.settings.load.spin, SPIN_ON);
		assert_int_equal(file.settings.tls.min, TLS_VERSION_1_2);
		assert_int_equal(file.settings.http.connect_timeout, 5 * SEC); /* a preset */
		assert_int_equal(origin_of("url")->kind, ORIGIN_FILE);
		assert_int_equal(origin_of("data")->kind, ORIGIN_PRESET);
		assert_int_equal(origin_of("connect-timeout")->kind, ORIGIN_PRESET);
		assert_int_equal(file.findings.warnings, 0);
	}
}

static void origins_have_places(void **state) {
	(void)state;
	take("a.toml", "\n  url = \"http://x\"\nheaders = [\"A: b\",\n \"C: d\"]\n[load]\nrate = 5");
	assert_int_equal(origin_of("url")->at.line, 2);
	assert_int_equal(origin_of("url")->at.column, 9);
	assert_int_equal(origin_of("url")->key_at.column, 3);
	assert_int_equal(origin_of("headers")->items[1].line, 4);
	assert_int_equal(origin_of("headers")->items[1].column, 2);
	assert_string_equal(origin_of("rate")->name, "load.rate");
	assert_int_equal(origin_of("rate")->at.line, 6);
}

static void every_alias_is_a_key(void **state) {
	static const char *const names[] = {"max_tasks", "concurrency", "connections"};
	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		take("a.toml", arena_format(&arena, "%s = 7", names[i]));
		assert_int_equal(file.settings.load.max_tasks, 7);
	}
}

/* 600 requests a minute are 10 a second. */
static void loads_have_rates_and_stages(void **state) {
	const struct load_settings *load = &file.settings.load;
	(void)state;
	take("a.toml", "rpm = 600");
	assert_true(load->rate == 10);
	take("a.toml", "stages = \"1s@5,2s@6\"");
	assert_int_equal(load->stages.count, 2);
	take("a.toml", "[load]\nrpm = 90");
	assert_true(load->rate == 1.5);
	take("a.toml", "[load]\nrate = 0\n[[load.stages]]\nduration = \"10\"\ntarget = 500\n[[load.stages]]\nduration = \"1500ms\"\nrpm = 30\n"
		       "[[load.stages]]\nduration = 2\nrate = 0");
	assert_true(load->rate == 0);
	assert_int_equal(load->stages.count, 3);
	assert_int_equal(load->stages.at[0].duration, 10 * SEC);
	assert_true(load->stages.at[0].target == 500);
	assert_int_equal(load->stages.at[1].duration, 1500 * MSEC);
	assert_true(load->stages.at[1].target == 0.5);
	assert_int_equal(load->stages.at[2].duration, 2 * SEC);
	assert_true(load->stages.at[2].target == 0);
	assert_int_equal(origin_of("stages")->kind, ORIGIN_FILE);
	take("a.json", "{\"load\": {\"rate\": 1000, \"rpm\": null, \"stages\": [{\"duration\": \"10s\", \"target\": 500}]}}");
	assert_true(load->rate == 1000);
	assert_int_equal(load->stages.count, 1);
}

static void thresholds_are_a_table(void **state) {
	static const char *const want[] = {"p99<250ms", "errors<1%", "rps>900", "rps<=2000", "stage.2.p95<300ms", "p99.9<1s", "stage.1.max<2s"};
	const struct text_list *list = &file.settings.out.threshold;
	(void)state;
	take("a.toml",
		"[thresholds]\np99 = \"< 250ms\"\nerrors = \"<1%\"\nrps = [\">900\", \"<=2000\"]\nstage.2.p95 = \"<300ms\"\n\"p99.9\" = \"<1s\"\n"
		"abort = true\n[thresholds.stage.1]\nmax = \"<2s\"\n");
	assert_int_equal(list->count, 7);
	for (size_t i = 0; i < 4; i++) assert_string_equal(list->at[i], want[i]);
	assert_true(file.settings.out.threshold_abort);
	assert_int_equal(origin_of("threshold")->items[3].line, 4);
	take("a.json", "{\"thresholds\": {\"p99\": \"<250ms\", \"stage\": {\"2\": {\"p95\": \"<300ms\"}}, \"stage.2.p95\": \"<400ms\"}}");
	assert_int_equal(list->count, 3);
	assert_string_equal(list->at[1], "stage.2.p95<300ms");
	assert_string_equal(list->at[2], "stage.2.p95<400ms");
}

static void thresholds_on_steps_are_tables_by_name(void **state) {
	static const char *const want[] = {"step.login.p95<400ms", "step.login.p99.9<1s", "step.buy/step 2.errors<1%", "step.v1.login.max<2s",
		"step.v1.login.max>1ms", "iteration.p95<5s"};
	const struct text_list *list = &file.settings.out.threshold;
	(void)state;
	take("a.toml", "[thresholds.step.login]\np95 = \"< 400ms\"\np99.9 = \"<1s\"\n[thresholds.step.\"buy/step 2\"]\nerrors = \"<1%\"\n"
		       "[thresholds.step.v1.login]\nmax = [\"<2s\", \">1ms\"]\n[thresholds.iteration]\np95 = \"<5s\"\n");
	assert_int_equal(list->count, LENGTH(want));
	for (size_t i = 0; i < LENGTH(want); i++) assert_string_equal(list->at[i], want[i]);
	take("a.json", "{\"thresholds\": {\"step\": {\"v1.login\": {\"p95\": \"<300ms\"}}, \"step.step 2.p95\": \"<400ms\"}}");
	assert_int_equal(list->count, 2);
	assert_string_equal(list->at[0], "step.v1.login.p95<300ms");
	assert_string_equal(list->at[1], "step.step 2.p95<400ms");
}

static void variables_fill_texts_and_numbers(void **state) {
	(void)state;
	take("a.toml", "url = \"http://x:${STREST_TEST_N}/$${y}\"\nmax_tasks = \"${STREST_TEST_N}\"\ntimeout = \"${STREST_TEST_N}s\"\n"
		       "headers = [\"A: ${STREST_TEST_T}\", \"B: c\"]\n[thresholds]\np99 = \"<${STREST_TEST_N}ms\"");
	assert_string_equal(file.settings.http.url, "http://x:12/${y}");
	assert_int_equal(file.settings.load.max_tasks, 12);
	assert_int_equal(file.settings.http.timeout, 12 * SEC);
	assert_string_equal(file.settings.http.headers.at[0], "A: token");
	assert_string_equal(origin_of("headers")->written[0], "A: ${STREST_TEST_T}");
	assert_string_equal(origin_of("headers")->written[1], "B: c");
	assert_string_equal(file.settings.out.threshold.at[0], "p99<12ms");
	assert_string_equal(origin_of("threshold")->written[0], "p99<${STREST_TEST_N}ms");
	assert_null(origin_of("data")->written);
}

static void what_only_later_versions_have_is_left_out(void **state) {
	(void)state;
	take("a.toml", "http3 = false\nproxy_http2 = false\nsummary = true\nalpn = [\"h3\", \"h2\", \"http/1.1\"]\nhttp2 = true\n");
	assert_int_equal(file.findings.warnings, 2);
	assert_string_equal(file_sentence(&file, file.findings.first), "a.toml:3:1: summary: the summary is always printed; left out");
	assert_int_equal(file.settings.tls.alpn.count, 2);
	assert_string_equal(file.settings.tls.alpn.at[0], "h2");
	assert_int_equal(origin_of("alpn")->items[0].column, 15); /* behind h3 */
	take("a.toml", "alpn = [\"h3\", \"\"]");
	assert_int_equal(file.settings.tls.alpn.count, 0);
	assert_int_equal(origin_of("alpn")->kind, ORIGIN_PRESET);
}

static void sinks_are_read_from_their_tables(void **state) {
	(void)state;
	take("a.toml", "[sinks]\nupdate_interval_ms = 250\n[sinks.prometheus]\npath = \"a.prom\"\nlisten = \":9464\"\n[sinks.otel]\npath = \"b\"\n"
		       "[sinks.influx]\npath = \"c\"");
	assert_int_equal(file.findings.warnings, 0);
	assert_int_equal(file.settings.out.sink_interval_ms, 250);
	assert_string_equal(file.settings.out.sink_prometheus, "a.prom");
	assert_string_equal(file.settings.out.sink_listen, ":9464");
	assert_string_equal(file.settings.out.sink_otel, "b");
	assert_string_equal(file.settings.out.sink_influx, "c");
	assert_int_equal(origin_of("sink-otel")->at.line, 7);
}

static void blank_protocols_are_left_out(void **state) {
	(void)state;
	take("a.toml", "alpn = [\"\", \"H2\", \" \", \"http1\"]");
	assert_int_equal(file.findings.warnings, 0);
	assert_int_equal(file.settings.tls.alpn.count, 2);
	assert_string_equal(file.settings.tls.alpn.at[0], "h2");
	assert_string_equal(file.settings.tls.alpn.at[1], "http/1.1");
	assert_int_equal(origin_of("alpn")->items[0].column, 13);
	assert_int_equal(origin_of("alpn")->items[1].column, 24);
	take("a.toml", "alpn = []");
	assert_int_equal(file.settings.tls.alpn.count, 0);
}

/* "insecure = false" excludes nothing. */
static void what_is_off_is_no_conflict(void **state) {
	(void)state;
	take("a.toml", "insecure = false\ncacert = \"x\"");
	assert_string_equal(file.settings.tls.cacert, "x");
}

/* One fault each: the whole sentence. */
static const struct {
	const char *path, *text, *want;
} refused[] = {
	{"a.toml", "rate = \"abc\"", "a.toml:1:8: rate: 'abc' is not a number; write e.g. rate = 100"},
	{"a.json", "{\"rate\": \"abc\"}", "a.json:1:10: rate: 'abc' is not a number; write e.g. \"rate\": 100"},
	{"a.toml", "max_tasks = \"60\"", "a.toml:1:13: max_tasks: the text '60' is not a whole number; write e.g. max_tasks = 1000"},
	{"a.toml", "max_tasks = 1.0", "a.toml:1:13: max_tasks: '1.0' is not a whole number; write e.g. max_tasks = 1000"},
	{"a.toml", "max_tasks = -5", "a.toml:1:13: max_tasks: '-5' is too small; write at least 1"},
	{"a.toml", "rate = nan", "a.toml:1:8: rate: 'nan' is not a number; write e.g. rate = 100"},
	{"a.toml", "rate = 1979-05-27", "a.toml:1:8: rate: the date or time '1979-05-27' is not a number; write e.g. rate = 100"},
	{"a.toml", "url = [1]", "a.toml:1:7: url: an array is not a text; write url = \"URL\""},
	{"a.toml", "url = 5", "a.toml:1:7: url: '5' is not a text; write url = \"URL\""},
	{"a.toml", "url = \"a\\u0000b\"", "a.toml:1:7: url: a text with a 0 character; leave it out"},
	{"a.toml", "headers = \"A: b\"", "a.toml:1:11: headers: 'A: b' is not an array of texts; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "headers = [\"A: b\",\n 5]", "a.toml:2:2: headers, item 2: '5' is not a text; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "headers = \"Cookie: sesame\"",
		"a.toml:1:11: headers: 'Cookie: ***' is not an array of texts; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "headers = \"Bearer sesame\"",
		"a.toml:1:11: headers: '...' is not an array of texts; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "headers = [\"Cookie: ${sesame\"]", "a.toml:1:12: headers, item 1: '${' names no variable; write ${NAME}, or $${ for a plain ${"},
	{"a.toml", "headers = [\"Cookie: ses\\rame ${STREST_TEST_T}\"]",
		"a.toml:1:12: headers, item 1: 'Cookie: *** ${STREST_TEST_T}' has a control character in its value; write e.g. headers = [\"Accept: "
		"text/html\"]"},
	{"a.toml", "cacert = \"x\"\ninsecure = true", "a.toml:2:1: insecure: excludes cacert in line 1; keep one of them"},
	{"a.json", "{\"insecure\": true, \"cacert\": \"x\"}", "a.json:1:20: cacert: excludes insecure in line 1; keep one of them"},
	{"a.toml", "headers = [\"A b\"]", "a.toml:1:12: headers, item 1: the header has no colon; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "insecure = \"true\"", "a.toml:1:12: insecure: the text 'true' is not true or false; write e.g. insecure = true"},
	{"a.toml", "timeout = 1.5", "a.toml:1:11: timeout: '1.5' is not a whole number of seconds or a text; write e.g. timeout = \"10s\""},
	{"a.toml", "timeout = 0", "a.toml:1:11: timeout: '0' is no time at all; write e.g. timeout = \"10s\""},
	{"a.toml", "tls_min = 1.2", "a.toml:1:11: tls_min: '1.2' is not a text; write e.g. tls_min = \"1.2\""},
	{"a.toml", "alpn = [\"x\"]", "a.toml:1:9: alpn, item 1: 'x' is no protocol of HTTP; write h2 or http/1.1"},
	{"a.toml", "alpn = [\"\", \" \"]", "a.toml:1:8: alpn: every name is blank; write e.g. alpn = [\"h2\"]"},
	{"a.toml", "alpn = \"h2\"", "a.toml:1:8: alpn: 'h2' is not an array of texts; write e.g. alpn = [\"h2\"]"},
	{"a.toml", "http_version = 2", "a.toml:1:16: http_version: '2' is not a text; write e.g. http_version = \"2\""},
	{"a.toml", "http_version = \"3\"", "a.toml:1:16: http_version: '3' comes with a later version of strest; write 1.1 or 2"},
	{"a.toml", "http2 = 1", "a.toml:1:9: http2: '1' is not true or false; write e.g. http2 = true"},
	{"a.toml", "http2_parallel = 0", "a.toml:1:18: http2_parallel: '0' is too small; write at least 1"},
	{"a.json", "{\"streams\": 1001}", "a.json:1:13: streams: '1001' is too large; write at most 1000"},
	{"a.toml", "max-tasks = 5", "a.toml:1:1: unknown key 'max-tasks'; did you mean 'max_tasks'?"},
	{"a.toml", "URL = \"x\"", "a.toml:1:1: unknown key 'URL'; did you mean 'url'?"},
	{"a.toml", "wibble = 5", "a.toml:1:1: unknown key 'wibble'"},
	{"a.toml", "verbose = true", "a.toml:1:1: unknown key 'verbose'; it is an option of the command line only: --verbose"},
	{"a.toml", "\"a\\nb\" = 1", "a.toml:1:1: unknown key 'a?b'"},
	{"a.toml", "[load]\nrat = 5\nrate = 5", "a.toml:2:1: unknown key 'rat' in load; did you mean 'rate'?"},
	{"a.toml", "[load]\nrate = 5\nurl = \"x\"", "a.toml:3:1: unknown key 'url' in load; it belongs to the top level, above the first [table]"},
	{"a.json", "{\"load\": {\"rate\": 5, \"url\": \"x\"}}", "a.json:1:22: unknown key 'url' in load; it belongs to the top level"},
	{"a.toml", "connections = 5\nconcurrency = 5", "a.toml:2:1: concurrency: says the same as connections in line 1; keep one of them"},
	{"a.toml", "data = \"a\"\ndata_lines = \"b\"", "a.toml:2:1: data_lines: excludes data in line 1; keep one of them"},
	{"a.toml", "data_file = \"a\"\ndata = \"b\"", "a.toml:2:1: data: excludes data_file in line 1; keep one of them"},
	{"a.toml", "rpm = 5\nrate = 5", "a.toml:2:1: rate: excludes rpm in line 1; keep one of them"},
	{"a.toml", "rate = 5\n[load]\nrate = 5", "a.toml:2:2: load: excludes rate in line 1; keep one of them"},
	{"a.toml", "stages = \"1s@1\"\n[load]\nrate = 5", "a.toml:2:2: load: excludes stages in line 1; keep one of them"},
	{"a.json", "{\"load\": {\"rate\": 5},\n\"rpm\": 5}", "a.json:2:1: rpm: excludes load in line 1; keep one of them"},
	{"a.toml", "rpm = 0", "a.toml:1:7: rpm: '0' is too small; write at least 0.06"},
	{"a.toml", "[load]", "a.toml:1:2: load: nothing would be sent; write e.g. rate = 100 in it"},
	{"a.toml", "[load]\nstages = []", "a.toml:1:2: load: nothing would be sent; write e.g. rate = 100 in it"},
	{"a.toml", "load = 5", "a.toml:1:8: load: '5' is not a table; write e.g. rate = 100 in it"},
	{"a.toml", "[load]\nrate = 5\nrpm = 5", "a.toml:3:1: load.rpm: excludes load.rate in line 2; keep one of them"},
	{"a.toml", "[load]\nrate = -1", "a.toml:2:8: load.rate: '-1' is below 0; write e.g. rate = 100"},
	{"a.toml", "[load]\nrpm = 600000001", "a.toml:2:7: load.rpm: '600000001' is too large; write at most 600000000"},
	{"a.toml", "[load]\nstages = 5", "a.toml:2:10: load.stages: '5' is not an array of tables; write each stage with a duration and a target"},
	{"a.toml", "[load]\nstages = [5]", "a.toml:2:11: load.stages, stage 1: '5' is not a table; write it with a duration and a target"},
	{"a.toml", "[[load.stages]]\ntarget = 5", "a.toml:1:1: load.stages, stage 1: no duration; write e.g. duration = \"10s\""},
	{"a.toml", "[[load.stages]]\nduration = \"1s\"", "a.toml:1:1: load.stages, stage 1: no target; write e.g. target = 500"},
	{"a.toml", "[[load.stages]]\nduration = \"1s\"\ntarget = 5\n[[load.stages]]\nduration = \"0s\"\ntarget = 5",
		"a.toml:5:12: load.stages, stage 2, duration: '0s' is no time at all; write e.g. duration = \"10s\""},
	{"a.toml", "[[load.stages]]\nduration = \"1s\"\ntarget = 5\nrpm = 6",
		"a.toml:4:1: load.stages, stage 1, rpm: excludes load.stages, stage 1, target in line 3; keep one of them"},
	{"a.toml", "[[load.stages]]\nduration = \"1s\"\ntarget = 5\nx = 6", "a.toml:4:1: unknown key 'x' in load.stages, stage 1"},
	{"a.toml", "thresholds = \"p99<1s\"", "a.toml:1:14: thresholds: 'p99<1s' is not a table; write e.g. p99 = \"<250ms\" in it"},
	{"a.toml", "[thresholds]\np99 = \"<250\"",
		"a.toml:2:7: thresholds.p99: '<250' has no time with its unit on the right; write e.g. p99 = \"<250ms\""},
	{"a.toml", "[thresholds]\np99 = \"p99<250ms\"", "a.toml:2:7: thresholds.p99: 'p99<250ms' has no <, <=, > or >=; write e.g. p99 = \"<250ms\""},
	{"a.json", "{\"thresholds\": {\"errors\": \"<x\"}}",
		"a.json:1:27: thresholds.errors: '<x' has neither a share up to 100% nor a whole number on the right; write e.g. \"errors\": "
		"\"<1%\""},
	{"a.toml", "[thresholds]\nrps = 5", "a.toml:2:7: thresholds.rps: '5' is not a text; write e.g. rps = \">900\""},
	{"a.toml", "[thresholds]\np100 = \"<1s\"",
		"a.toml:2:1: thresholds: 'p100' has no percentile over p0 and below p100; write e.g. p99, p99.9 or, for the longest time, max"},
	{"a.toml", "[thresholds.step]\np95 = \"<1s\"", "a.toml:2:1: thresholds: 'step.p95' has no name of a step; write e.g. step.login.p95<400ms"},
	{"a.toml", "[thresholds.step.login]\np95 = \"<1\"",
		"a.toml:2:7: thresholds.step.login.p95: '<1' has no time with its unit on the right; write e.g. p99 = \"<250ms\""},
	{"a.toml", "[thresholds]\nabort = 1", "a.toml:2:9: thresholds.abort: '1' is not true or false; write e.g. abort = true"},
	{"a.toml", "[thresholds]\ntimeout = 1",
		"a.toml:2:1: unknown key 'timeout' in thresholds; it belongs to the top level, above the first [table]"},
	{"a.toml", "proxy_http2 = true",
		"a.toml:1:1: proxy_http2: the proxy is spoken to in HTTP/1.1, other versions come with a later version of strest; take the key out"},
	{"a.toml", "redirect = \"no\"", "a.toml:1:12: redirect: 'no' is not a whole number; write e.g. redirect = 10"},
	{"a.toml", "urls_from_file = true", "a.toml:1:18: urls_from_file: 'true' is not the path of a file; write urls_from_file = \"FILE\""},
	{"a.toml", "url = \"http://x\"\nurls_from_file = \"u\"", "a.toml:2:1: urls_from_file: excludes url in line 1; keep one of them"},
	{"a.toml", "ipv4 = true\nipv6 = true", "a.toml:2:1: ipv6: excludes ipv4 in line 1; keep one of them"},
	{"a.toml", "proxy = \"http://p\"\nproxy_url = \"http://q\"", "a.toml:2:1: proxy_url: says the same as proxy in line 1; keep one of them"},
	{"a.toml", "basic_auth = 12345", "a.toml:1:14: basic_auth: the value is not a text; write basic_auth = \"USER:PASSWORD\""},
	{"a.toml", "bearer = [\"sesame\"]", "a.toml:1:10: bearer: the value is not a text; write bearer = \"TOKEN\""},
	{"a.toml", "basic_auth = \"sesame\"",
		"a.toml:1:14: basic_auth: the value has no ':' between user and password; write basic_auth = \"USER:PASSWORD\""},
	{"a.toml", "bearer = \"a\"\nbasic_auth = \"a:b\"", "a.toml:2:1: basic_auth: excludes bearer in line 1; keep one of them"},
	{"a.toml", "bind = \"127.0.0.1\"", "a.toml:1:8: bind: '127.0.0.1' is not an array of texts; write bind = [\"ADDRESS,...\"]"},
	{"a.toml", "bind = [\"127.0.0.1\", \"127.0.0\"]",
		"a.toml:1:22: bind, item 2: '127.0.0' is no IP address or block of addresses; write e.g. bind = [\"127.0.1.0/28\"]"},
	{"a.json", "{\"connect_to\": [\"a:1:b\"]}",
		"a.json:1:17: connect_to, item 1: 'a:1:b' has fewer than four parts; write e.g. \"connect_to\": "
		"[\"example.com:443:127.0.0.1:8443\"]"},
	{"a.toml", "content_type = \"a\"\nform = [\"a=b\"]", "a.toml:2:1: form: excludes content_type in line 1; keep one of them"},
	{"a.toml", "debug = true", "a.toml:1:1: unknown key 'debug'; it is an option of the command line only: --debug"},
	{"a.toml", "script = \"x.wasm\"", "a.toml:1:1: script: WASM scripts come with a later version of strest; take the key out"},
	{"a.toml", "data = \"${STREST_TEST_NONE}\"",
		"a.toml:1:8: data: the environment variable 'STREST_TEST_NONE' is not set; set it, or write $${ for a plain ${"},
	{"a.toml", "data = \"x${\"", "a.toml:1:8: data: '${' names no variable; write ${NAME}, or $${ for a plain ${"},
	{"a.toml", "headers = [\"${STREST_TEST_T}\"]",
		"a.toml:1:12: headers, item 1: the header has no colon; write e.g. headers = [\"Accept: text/html\"]"},
	{"a.toml", "rate = \"${STREST_TEST_T}\"", "a.toml:1:8: rate: '${STREST_TEST_T}' is not a number; write e.g. rate = 100"},
	{"a.json", "[1]", "a.json:1:1: an array is no table of settings; write { \"url\": \"http://localhost:3000/\" }"},
	{"a.json", "{\"url\": \"x\",}", "a.json:1:13: a comma before '}'; leave it out"},
	{"a.toml", "url = x", "a.toml:1:7: 'x' is no value; a text stands between quotes"},
	{"a\n.toml", "url = x", "a?.toml:1:7: 'x' is no value; a text stands between quotes"},
};

static void faults_are_said_in_these_words(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct err err = {0};
		file_read_text(refused[i].path, slice_of(refused[i].text), &arena, &file);
		assert_false(file_check(&file, &err));
		assert_string_equal(err.text, refused[i].want);
		assert_int_equal(err.code, ERR_FAILED);
		assert_int_equal(file.findings.faults, 1);
	}
}

static void the_first_of_many_says_how_many(void **state) {
	struct err err;
	(void)state;
	file_read_text("a.toml", SLICE("x = 1\ny = 2\nz = 3"), &arena, &file);
	assert_false(file_check(&file, &err));
	assert_string_equal(err.text, "a.toml:1:1: unknown key 'x' (and 2 more: strest config check a.toml)");
}

static void a_file_that_cannot_be_read_is_an_error(void **state) {
	static const struct {
		const char *path, *want;
	} cases[] = {
		{"no-such.toml", "cannot read 'no-such.toml': No such file or directory"},
		{"a.yaml", "cannot read 'a.yaml': the name of a config file ends in .toml or .json"},
		{"strest.TOML", "cannot read 'strest.TOML': the name of a config file ends in .toml or .json"},
		{".toml", "cannot read '.toml': the name of a config file ends in .toml or .json"},
		{"", "cannot read '': the name of a config file ends in .toml or .json"},
	};
	struct err err;
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_false(file_read(cases[i].path, &arena, &file, &err));
		assert_string_equal(err.text, cases[i].want);
		assert_int_equal(err.code, ERR_FAILED);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(sinks_are_read_from_their_tables),
		TEST(blank_protocols_are_left_out),
		TEST(what_is_off_is_no_conflict),
		TEST(toml_and_json_say_the_same),
		TEST(origins_have_places),
		TEST(every_alias_is_a_key),
		TEST(loads_have_rates_and_stages),
		TEST(thresholds_are_a_table),
		TEST(thresholds_on_steps_are_tables_by_name),
		TEST(variables_fill_texts_and_numbers),
		TEST(what_only_later_versions_have_is_left_out),
		TEST(faults_are_said_in_these_words),
		TEST(the_first_of_many_says_how_many),
		TEST(a_file_that_cannot_be_read_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
