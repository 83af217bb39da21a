/* What a POST /start comes to: spec/distributed.md 4, the paragraphs on the body and on the registry. */
#include "cmd/fleet_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/buf.h"
#include "config/travel.h"

static struct arena arena;
static struct cli base;
static struct fleet_registry *registry;
static struct fleet_start start;
static struct err err;
static unsigned status;
static char path[] = "/tmp/fleet_start_test.XXXXXX.toml";

#define SENT "{\"base_url\":\"http://sent:1\",\"steps\":[{\"path\":\"/a\"},{\"path\":\"/b\"}]}"
#define MANUAL "[distributed]\nlisten = \"127.0.0.1:0\"\ncontroller_mode = \"manual\"\ncontrol_listen = \"127.0.0.1:0\"\n"
#define LOGIN                                                                                                                                        \
	"[scenarios.login]\nbase_url = \"http://login:1\"\nvars = { who = \"${FLEET_START_TEST}\" }\n[[scenarios.login.steps]]\npath = \"/login\"\n"
#define ALONE "[scenario]\nbase_url = \"http://alone:1\"\n[[scenario.steps]]\npath = \"/\"\n"

/* A controller whose file is `text`, and whose command line has these words more. */
static void control(const char *text, const char *option, const char *value) {
	const char *argv[] = {"strest", "--config", path, option, value, NULL};
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	setenv("FLEET_START_TEST", "me ${x}", 1);
	fleet_registry_free(registry);
	registry = NULL;
	if (!cli_parse(option ? 5 : 3, (char **)(uintptr_t)argv, &arena, &base, &err)) fail_msg("%s", err.text);
	if (!fleet_registry_new(&base, &registry, &err)) fail_msg("%s", err.text);
}

static bool try_start(const char *body) {
	start = (struct fleet_start){.arena = &arena};
	status = 400;
	return fleet_start_read(&start, slice_of(body), &err) && fleet_start_settle(&start, registry, &status, &err);
}

static const struct settings *run(const char *body) {
	if (!try_start(body)) fail_msg("%s: %u %s", body, status, err.text);
	return &start.cli.settings;
}

static void refused(const char *body, unsigned with, const char *words) {
	if (try_start(body)) fail_msg("%s: was taken", body);
	if (status != with || !strstr(err.text, words)) fail_msg("%s: %u '%s', not %u '%s'", body, status, err.text, with, words);
	assert_null(strpbrk(err.text, "\r\n"));
}

static void check_list(const char *expected) {
	char *list = fleet_registry_list(registry);
	assert_string_equal(list, expected);
	free(list);
}

/* What an agent makes of the settings. */
static struct cli travelled(void) {
	struct cli own, got;
	const char *text, *argv[] = {"strest", "--agent-join", "127.0.0.1:1", NULL};
	assert_true(travel_write(&start.cli.settings, start.cli.origins, &arena, &text, &err));
	assert_true(cli_parse(3, (char **)(uintptr_t)argv, &arena, &own, &err));
	if (!travel_read(slice_of(text), &own, &arena, &got, &err)) fail_msg("%s: %s", text, err.text);
	return got;
}

static void nothing_is_sent_and_the_default_runs(void **state) {
	static const char *const bodies[] = {"", "{}", " {} ", "{\"scenario\":null,\"scenario_name\":null,\"duration\":null}", "{\"unknown\":[1]}"};
	(void)state;
	for (size_t i = 0; i < LENGTH(bodies); i++) {
		control(MANUAL ALONE LOGIN, "--url", "http://plain:1/");
		const struct settings *settings = run(bodies[i]);
		assert_int_equal(settings->scenarios.count, 1);
		assert_string_equal(settings->scenarios.at[0].base_url.text, "http://alone:1");
		assert_int_equal(start.start_after, -1);
		assert_int_equal(start.wait, 0);
		struct cli got = travelled();
		assert_int_equal(got.settings.scenarios.count, 1);
		assert_string_equal(got.settings.scenarios.at[0].base_url.text, "http://alone:1");
		control("duration = 7\n" MANUAL LOGIN, "--url", "http://plain:1/");
		settings = run(bodies[i]);
		assert_int_equal(settings->scenarios.count, 0);
		assert_string_equal(settings->http.url, "http://plain:1/");
		got = travelled();
		assert_int_equal(got.settings.scenarios.count, 0);
		assert_string_equal(got.settings.http.url, "http://plain:1/");
		assert_int_equal(got.settings.load.duration, 7 * SEC);
		control(MANUAL LOGIN, NULL, NULL);
		refused(bodies[i], 400, "nothing to run");
	}
}

static void a_scenario_alone_is_not_kept(void **state) {
	(void)state;
	control("rate = 50\n" MANUAL ALONE, NULL, NULL);
	const struct settings *settings = run("{\"scenario\":" SENT "}");
	assert_int_equal(settings->scenarios.count, 1);
	assert_true(settings->scenarios.is_single);
	assert_int_equal(settings->scenarios.at[0].step_count, 2);
	assert_true(settings->load.rate > 49 && settings->load.rate < 51);
	check_list("{\"scenarios\":[]}");
	struct cli got = travelled();
	assert_string_equal(got.settings.scenarios.at[0].base_url.text, "http://sent:1");
	assert_true(got.settings.load.rate > 49);
	assert_string_equal(run("{}")->scenarios.at[0].base_url.text, "http://alone:1");
}

static void a_scenario_with_a_name_is_kept_and_replaced(void **state) {
	(void)state;
	control(MANUAL LOGIN, NULL, NULL);
	run("{\"scenario_name\":\"shop\",\"scenario\":" SENT "}");
	assert_string_equal(start.cli.settings.scenarios.at[0].name.text, "shop");
	check_list("{\"scenarios\":[{\"name\":\"login\",\"steps\":1,\"bytes\":83},{\"name\":\"shop\",\"steps\":2,\"bytes\":66}]}");
	assert_string_equal(run("{\"scenario_name\":\"shop\"}")->scenarios.at[0].base_url.text, "http://sent:1");
	assert_string_equal(travelled().settings.scenarios.at[0].base_url.text, "http://sent:1");
	run("{\"scenario_name\":\"login\",\"scenario\":{\"base_url\":\"http://new:1\",\"steps\":[{\"path\":\"/$${y}\"}]}}");
	check_list("{\"scenarios\":[{\"name\":\"login\",\"steps\":1,\"bytes\":55},{\"name\":\"shop\",\"steps\":2,\"bytes\":66}]}");
	const struct settings *settings = run("{\"scenario_name\":\"login\"}");
	assert_string_equal(settings->scenarios.at[0].base_url.text, "http://new:1");
	assert_string_equal(settings->scenarios.at[0].steps[0].path.text, "/${y}");
}

static void a_name_alone_is_looked_up(void **state) {
	(void)state;
	control(MANUAL ALONE LOGIN, NULL, NULL);
	const struct settings *settings = run("{\"scenario_name\":\"login\"}");
	assert_int_equal(settings->scenarios.count, 1);
	assert_string_equal(settings->scenarios.at[0].name.text, "login");
	assert_string_equal(settings->scenarios.at[0].vars.at[0].value.text, "me ${x}");
	struct cli got = travelled();
	assert_int_equal(got.settings.scenarios.count, 1);
	assert_string_equal(got.settings.scenarios.at[0].base_url.text, "http://login:1");
	assert_string_equal(got.settings.scenarios.at[0].vars.at[0].value.text, "me ${x}");
	refused("{\"scenario_name\":\"nobody\"}", 404, "'nobody'");
	refused("{\"scenario_name\":\"scenario\"}", 404, "'scenario'");
}

/* It is kept once it can be read, even if this start comes to nothing. */
static void a_scenario_without_a_server_is_kept_but_does_not_run(void **state) {
	(void)state;
	control(MANUAL, NULL, NULL);
	refused("{\"scenario_name\":\"bare\",\"scenario\":{\"steps\":[{\"path\":\"/\"}]}}", 400, "names no server");
	check_list("{\"scenarios\":[{\"name\":\"bare\",\"steps\":1,\"bytes\":24}]}");
	refused("{\"scenario_name\":\"bare\"}", 400, "names no server");
	refused("{\"scenario_name\":\"bad\",\"scenario\":{\"steps\":[]}}", 400, "no step");
	refused("{\"scenario_name\":\"bad\"}", 404, "'bad'");
}

static void what_a_scenario_leaves_out_is_the_controllers(void **state) {
	(void)state;
	control("method = \"put\"\nheaders = [\"A: b\"]\ndata = \"body\"\n" MANUAL LOGIN, "--url", "http://plain:1/");
	const struct settings *settings = run("{\"scenario\":{\"steps\":[{\"path\":\"/\"}]}}");
	assert_null(settings->scenarios.at[0].base_url.text);
	assert_int_equal(settings->scenarios.at[0].method, -1);
	struct cli got = travelled();
	assert_string_equal(got.settings.http.url, "http://plain:1/");
	assert_int_equal(got.settings.http.method, METHOD_PUT);
	assert_string_equal(got.settings.http.headers.at[0], "A: b");
	assert_string_equal(got.settings.http.data, "body");
}

static void data_files_are_the_controllers(void **state) {
	(void)state;
	control(MANUAL ALONE "[[data]]\nfile = \"users.csv\"\n" LOGIN, NULL, NULL);
	static const char *const bodies[] = {"{}", "{\"scenario\":" SENT "}", "{\"scenario_name\":\"login\"}"};
	for (size_t i = 0; i < LENGTH(bodies); i++) {
		assert_int_equal(run(bodies[i])->scenarios.data_count, 1);
		assert_string_equal(travelled().settings.scenarios.data[0].path.text, "users.csv");
	}
	control(MANUAL "[[data]]\nfile = \"users.csv\"\n" LOGIN, "--url", "http://plain:1/");
	assert_int_equal(run("{}")->scenarios.data_count, 0);
	travelled();
}

static void the_load_is_overridden(void **state) {
	(void)state;
	control("duration = 20\n[load]\n[[load.stages]]\nduration = \"5s\"\ntarget = 7\n" MANUAL, "--url", "http://plain:1/");
	const struct settings *settings = run("{}");
	assert_int_equal(settings->load.stages.count, 1);
	settings = run("{\"duration\":5,\"requests\":1000}");
	assert_int_equal(settings->load.duration, 5 * SEC);
	assert_int_equal(settings->load.requests, 1000);
	assert_int_equal(settings->load.stages.count, 1);
	settings = run("{\"duration\":\"1500ms\",\"rate\":2.5,\"start_after_ms\":0,\"agent_wait_timeout_ms\":2500}");
	assert_int_equal(settings->load.duration, 1500 * MSEC);
	assert_true(settings->load.rate > 2.49 && settings->load.rate < 2.51);
	assert_int_equal(settings->load.stages.count, 0);
	assert_int_equal(start.start_after, 0);
	assert_int_equal(start.wait, 2500 * MSEC);
	struct cli got = travelled();
	assert_int_equal(got.settings.load.duration, 1500 * MSEC);
	assert_int_equal(got.settings.load.stages.count, 0);
	assert_true(got.settings.load.rate > 2.49);
	settings = run("{}"); /* nothing of it stays */
	assert_int_equal(settings->load.duration, 20 * SEC);
	assert_int_equal(settings->load.stages.count, 1);
	assert_int_equal(settings->load.requests, 0);
	refused("{\"duration\":0}", 400, "the request:1:13: duration: '0' is no time");
	refused("{\"duration\":1.5}", 400, "the request:1:13: duration: '1.5' is not a whole number of seconds or a text");
	refused("{\"duration\":\"abc\"}", 400, "the request:1:13: duration: 'abc'");
	refused("{\"rate\":\"fast\"}", 400, "the request:1:9: rate: 'fast' is not a number");
	refused("{\"rate\":-1}", 400, "rate: '-1'");
	refused("{\"requests\":-5}", 400, "requests: '-5' is too small");
	refused("{\"requests\":true}", 400, "requests: 'true' is not a whole number");
	control("warmup = \"10s\"\n" MANUAL, "--url", "http://plain:1/");
	refused("{\"duration\":5}", 400, "warm-up");
}

static void faults_have_a_place(void **state) {
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"{", "the request:1:2: "},
		{"{\"scenario\":\n  {]}", "the request:2:4: "},
		{"{\"a\":1,\"a\":2}", "the request:1:8: "},
		{"{\"a\":\"\xff\"}", "the request:1:7: "},
		{"[]", "the request:1:1: an array is no object"},
		{"7", "the request:1:1: "},
		{"{\"scenario\":[]}", "the request:1:13: scenario: an array is not a table"},
		{"{\"scenario\":{}}", "scenario: no step"},
		{"{\"scenario\":\n {\"base_url\":\"http://a\", \"stepz\":[],\"steps\":[{}]}}",
			"the request:2:26: unknown key 'stepz' in scenario; did you mean 'steps'?"},
		{"{\"scenario\":{\"schema_version\":2,\"steps\":[{\"url\":\"http://a/\"}]}}", "schema_version: '2'"},
		{"{\"scenario\":{\"steps\":[{\"url\":\"ftp://a/\"}]}}", "the request:1:30: scenario.steps, step 1, url"},
		{"{\"scenario\":{\"steps\":[{\"url\":1},{\"url\":2}]}}", "(and 1 more)"},
		{"{\"scenario_name\":7}", "the request:1:18: scenario_name: '7' is not a text"},
		{"{\"scenario_name\":\"\"}", "scenario_name: '' is no name"},
		{"{\"scenario_name\":\"a/b\",\"scenario\":" SENT "}", "'a/b' is no name of a scenario"},
		{"{\"start_after_ms\":-1}", "the request:1:19: start_after_ms: '-1' is not a whole number of milliseconds from 0 to 86400000"},
		{"{\"start_after_ms\":1.5}", "start_after_ms: '1.5'"},
		{"{\"start_after_ms\":\"5\"}", "start_after_ms: the text '5'"},
		{"{\"agent_wait_timeout_ms\":86400001}", "agent_wait_timeout_ms: '86400001'"},
	};
	(void)state;
	control(MANUAL, "--url", "http://plain:1/");
	for (size_t i = 0; i < LENGTH(cases); i++) refused(cases[i].body, 400, cases[i].words);
	check_list("{\"scenarios\":[]}");
}

/* Who may send a scenario sees nothing of the machine's environment by it. */
static void a_request_does_not_read_the_environment(void **state) {
	(void)state;
	control(MANUAL, "--url", "http://plain:1/");
	refused("{\"scenario\":{\"steps\":[{\"path\":\"/${FLEET_START_TEST}\"}]}}", 400, "the request:1:31: a text with ${");
	refused("{\"scenario\":{\"vars\":{\"a\":\"${HOME}\"},\"steps\":[{\"path\":\"/\"}]}}", 400, "environment");
	refused("{\"rate\":\"${HOME}\"}", 400, "environment");
	assert_null(strstr(err.text, getenv("HOME") ? getenv("HOME") : "\n"));
	assert_string_equal(run("{\"scenario\":{\"steps\":[{\"path\":\"/$${HOME}\"}]}}")->scenarios.at[0].steps[0].path.text, "/${HOME}");
	assert_string_equal(travelled().settings.scenarios.at[0].steps[0].path.text, "/${HOME}");
}

static void rules_across_options_hold(void **state) {
	(void)state;
	control("bearer = \"x\"\n" MANUAL, "--url", "http://plain:1/");
	refused("{\"scenario\":{\"headers\":[\"Authorization: y\"],\"steps\":[{\"path\":\"/\"}]}}", 400,
		"the request:1:25: scenario: Authorization is made by bearer");
	control("data_lines = \"bodies.txt\"\n" MANUAL, "--url", "http://plain:1/");
	refused("{\"scenario\":" SENT "}", 400, "data_lines: says nothing beside the scenario of the request");
	assert_memory_equal(err.text, "data_lines:", 11); /* not a place in the request */
	control(MANUAL "[load]\n[[load.stages]]\nduration = \"5s\"\ntarget = 7\n[thresholds.stage.1]\np95 = \"<300ms\"\n", "--url",
		"http://plain:1/");
	run("{\"scenario\":" SENT "}");
	refused("{\"rate\":5,\"scenario\":" SENT "}", 400, "asks about a stage");
	assert_memory_equal(err.text, "thresholds", 10);
}

static void there_are_a_thousand_names(void **state) {
	char body[200];
	(void)state;
	control(MANUAL LOGIN, NULL, NULL);
	for (int i = 1; i < FLEET_REGISTRY_NAMES; i++) {
		snprintf(body, sizeof(body), "{\"scenario_name\":\"s%d\",\"scenario\":" SENT "}", i);
		run(body);
	}
	refused("{\"scenario_name\":\"more\",\"scenario\":" SENT "}", 400, "1000");
	refused("{\"scenario_name\":\"more\"}", 404, "'more'");
	run("{\"scenario_name\":\"s7\",\"scenario\":" SENT "}");
	run("{\"scenario\":" SENT "}");
}

/* A file may hold more than the registry does of one scenario. */
static void a_scenario_of_the_file_has_a_mebibyte_at_most(void **state) {
	size_t size = FLEET_REGISTRY_BYTES;
	char *fill = mem_zeroed(1, size + 1);
	struct buf text;
	(void)state;
	memset(fill, 'a', size);
	buf_init(&text, 2 * size);
	buf_add_format(&text, MANUAL LOGIN "data = \"%s\"\n", fill);
	control(MANUAL, NULL, NULL);
	FILE *file = fopen(path, "w");
	fputs(buf_text(&text), file);
	fclose(file);
	const char *argv[] = {"strest", "--config", path, NULL};
	struct fleet_registry *other;
	assert_true(cli_parse(3, (char **)(uintptr_t)argv, &arena, &base, &err));
	assert_false(fleet_registry_new(&base, &other, &err));
	assert_non_null(strstr(err.text, "login"));
	assert_non_null(strstr(err.text, path));
	buf_fini(&text);
	free(fill);
}

static int begin(void **state) {
	(void)state;
	arena_init(&arena);
	int fd = mkstemps(path, 5);
	return fd < 0 || close(fd) != 0;
}

static int finish(void **state) {
	(void)state;
	fleet_registry_free(registry);
	arena_fini(&arena);
	return unlink(path);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_and_the_default_runs),
		cmocka_unit_test(a_scenario_alone_is_not_kept),
		cmocka_unit_test(a_scenario_with_a_name_is_kept_and_replaced),
		cmocka_unit_test(a_name_alone_is_looked_up),
		cmocka_unit_test(a_scenario_without_a_server_is_kept_but_does_not_run),
		cmocka_unit_test(what_a_scenario_leaves_out_is_the_controllers),
		cmocka_unit_test(data_files_are_the_controllers),
		cmocka_unit_test(the_load_is_overridden),
		cmocka_unit_test(faults_have_a_place),
		cmocka_unit_test(a_request_does_not_read_the_environment),
		cmocka_unit_test(rules_across_options_hold),
		cmocka_unit_test(there_are_a_thousand_names),
		cmocka_unit_test(a_scenario_of_the_file_has_a_mebibyte_at_most),
	};
	return cmocka_run_group_tests(tests, begin, finish);
}
