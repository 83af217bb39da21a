/* Scenarios and data files in a config file: scenario_*.c and data_keys.c together, from texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/settings.h"
#include "config/file.h"

static struct arena arena;
static struct file file;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_T", "tok\"en", 1);
	unsetenv("STREST_TEST_NONE");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static const struct scenario_set *take(const char *path, const char *text) {
	file_read_text(path, slice_of(text), &arena, &file);
	if (file.findings.faults + file.findings.warnings) fail_msg("%s\n%s", text, file_sentence(&file, file.findings.first));
	return &file.settings.scenarios;
}

static void assert_place(struct tree_place at, unsigned line, unsigned column) {
	assert_int_equal(at.line, line);
	assert_int_equal(at.column, column);
}

static const char full_toml[] =
	"[scenario]\n"
	"schema_version = 1\n"
	"base_url = \"http://localhost:3000/a\"\n"
	"method = \"post\"\n"
	"headers = [\"A: b\", \"{{n}}: {{v}}\"]\n"
	"data = \"${STREST_TEST_T} {{user}}\"\n"
	"vars = { user = \"demo\", \"a.b\" = \"\" }\n"
	"cookies = false\n"
	"on_failure = \"restart\"\n"
	"[[scenario.steps]]\n"
	"name = \"login\"\n"
	"method = \"PUT\"\n"
	"url = \"http://{{host}}/x y\"\n"
	"headers = [\"C: d\"]\n"
	"data = \"\"\n"
	"assert_status = \"201,3xx\"\n"
	"assert_body_contains = \"tok\"\n"
	"assert_body_regex = \"t.k\"\n"
	"assert_headers = { Content-Type = \"json\" }\n"
	"assert_json = { \"/a\" = 1, \"/b\" = 1.5, \"\" = true, \"/c\" = \"x\" }\n"
	"assert_time = \"250ms\"\n"
	"think_time = 2\n"
	"vars = { a = \"1\" }\n"
	"extract = { t = { json = \"/t\" }, h = { header = \"X-H\" }, c = { cookie = \"sid\" }, r = { regex = \"(x)\" }, all = { json = "
	"\"\" } }\n"
	"[[scenario.steps]]\n";

static const char full_json[] =
	"{\"scenario\": {\"schema_version\": 1, \"base_url\": \"http://localhost:3000/a\", \"method\": \"post\", \"headers\": [\"A: b\", \"{{n}}: "
	"{{v}}\"],\n\"data\": \"${STREST_TEST_T} {{user}}\", \"vars\": {\"user\": \"demo\", \"a.b\": \"\"}, \"cookies\": false, \"on_failure\": "
	"\"restart\",\n\"steps\": [{\"name\": \"login\", \"method\": \"PUT\", \"url\": \"http://{{host}}/x y\", \"path\": null, \"headers\": [\"C: "
	"d\"], "
	"\"data\": \"\", \"assert_status\": \"201,3xx\", \"assert_body_contains\": \"tok\", \"assert_body_regex\": \"t.k\",\n\"assert_headers\": "
	"{\"Content-Type\": \"json\"}, \"assert_json\": {\"/a\": 1, \"/b\": 1.5, \"\": true, \"/c\": \"x\"}, \"assert_time\": \"250ms\", "
	"\"think_time\": 2,\n"
	"\"vars\": {\"a\": \"1\", \"gone\": null}, \"extract\": {\"t\": {\"json\": \"/t\", \"header\": null}, \"h\": {\"header\": \"X-H\"}, \"c\": "
	"{\"cookie\": \"sid\"}, \"r\": {\"regex\": \"(x)\"}, \"all\": {\"json\": \"\"}}},\n{}]}}";

static void assert_asserts(const struct scenario_step *step) {
	static const struct {
		enum scenario_assert_kind kind;
		const char *name, *value;
		enum tree_kind value_kind;
	} want[] = {
		{SCENARIO_BODY_CONTAINS, NULL, "tok", TREE_TEXT},
		{SCENARIO_BODY_REGEX, NULL, "t.k", TREE_TEXT},
		{SCENARIO_HEADER_HAS, "Content-Type", "json", TREE_TEXT},
		{SCENARIO_JSON_IS, "/a", "1", TREE_INT},
		{SCENARIO_JSON_IS, "/b", "1.5", TREE_REAL},
		{SCENARIO_JSON_IS, "", "true", TREE_BOOL},
		{SCENARIO_JSON_IS, "/c", "x", TREE_TEXT},
	};
	assert_int_equal(step->assert_count, LENGTH(want));
	for (size_t i = 0; i < LENGTH(want); i++) {
		assert_int_equal(step->asserts[i].kind, want[i].kind);
		if (want[i].name) assert_string_equal(step->asserts[i].name.text, want[i].name);
		assert_string_equal(step->asserts[i].value.text, want[i].value);
		assert_int_equal(step->asserts[i].value_kind, want[i].value_kind);
	}
}

static void assert_extracts(const struct scenario_step *step) {
	static const struct {
		const char *name, *what;
		enum scenario_source from;
	} want[] = {
		{"t", "/t", SCENARIO_JSON},
		{"h", "X-H", SCENARIO_HEADER},
		{"c", "sid", SCENARIO_COOKIE},
		{"r", "(x)", SCENARIO_REGEX},
		{"all", "", SCENARIO_JSON},
	};
	assert_int_equal(step->extract_count, LENGTH(want));
	for (size_t i = 0; i < LENGTH(want); i++) {
		assert_string_equal(step->extracts[i].name.text, want[i].name);
		assert_string_equal(step->extracts[i].what.text, want[i].what);
		assert_int_equal(step->extracts[i].from, want[i].from);
	}
}

static void assert_full(const struct scenario *scenario) {
	const struct scenario_step *step = scenario->steps;
	assert_null(scenario->name.text);
	assert_string_equal(scenario->base_url.text, "http://localhost:3000/a");
	assert_int_equal(scenario->method, METHOD_POST);
	assert_true(scenario->has_headers);
	assert_int_equal(scenario->headers.count, 2);
	assert_string_equal(scenario->headers.at[1].text, "{{n}}: {{v}}");
	assert_string_equal(scenario->data.text, "tok\"en {{user}}");
	assert_int_equal(scenario->vars.count, 2);
	assert_string_equal(scenario->vars.at[0].name.text, "user");
	assert_string_equal(scenario->vars.at[0].value.text, "demo");
	assert_string_equal(scenario->vars.at[1].name.text, "a.b");
	assert_true(scenario->no_cookies);
	assert_true(scenario->is_restarting);
	assert_int_equal(scenario->weight, 1);
	assert_int_equal(scenario->step_count, 2);
	assert_string_equal(step->name.text, "login");
	assert_int_equal(step->method, METHOD_PUT);
	assert_string_equal(step->url.text, "http://{{host}}/x y");
	assert_null(step->path.text);
	assert_int_equal(step->headers.count, 1);
	assert_string_equal(step->data.text, "");
	assert_true(step->has_status);
	assert_true(status_set_has(&step->status, 201) && status_set_has(&step->status, 302) && !status_set_has(&step->status, 200));
	assert_int_equal(step->time_limit, 250000000);
	assert_int_equal(step->think_time, 2000000000);
	assert_int_equal(step->vars.count, 1);
	assert_asserts(step);
	assert_extracts(step);
}

static void every_key_is_read_from_toml_and_json(void **state) {
	(void)state;
	assert_full(take("a.toml", full_toml)->at);
	assert_full(take("a.json", full_json)->at);
}

static void values_know_their_place(void **state) {
	const struct scenario *scenario = take("a.toml", full_toml)->at;
	(void)state;
	assert_place(scenario->at, 1, 2);
	assert_place(scenario->base_url.at, 3, 12);
	assert_place(scenario->headers.at[1].at, 5, 20);
	assert_place(scenario->vars.at[0].name.at, 7, 10);
	assert_place(scenario->vars.at[0].value.at, 7, 17);
	assert_place(scenario->steps[0].at, 10, 1);
	assert_place(scenario->steps[0].name.at, 11, 8);
	assert_place(scenario->steps[0].asserts[3].name.at, 20, 17);
	assert_place(scenario->steps[0].asserts[3].value.at, 20, 24);
	assert_place(scenario->steps[0].extracts[0].name.at, 24, 13);
	assert_place(scenario->steps[0].extracts[0].what.at, 24, 26);
	assert_place(scenario->steps[1].name.at, 25, 1);
}

static void what_is_not_given_is_told_from_what_is_empty(void **state) {
	const struct scenario *scenario = take("a.toml", "[scenario]\nsteps = [{}]")->at;
	const struct scenario_step *step = scenario->steps;
	(void)state;
	assert_null(scenario->base_url.text);
	assert_int_equal(scenario->method, -1);
	assert_false(scenario->has_headers || scenario->no_cookies || scenario->is_restarting);
	assert_null(scenario->data.text);
	assert_int_equal(scenario->weight, 1);
	assert_null(scenario->given.text);
	assert_string_equal(step->name.text, "step 1");
	assert_int_equal(step->method, -1);
	assert_false(step->has_status);
	assert_null(step->url.text);
	assert_null(step->path.text);
	assert_null(step->data.text);
	assert_int_equal(step->time_limit + step->think_time, 0);
	assert_int_equal(step->assert_count + step->extract_count + step->vars.count + step->headers.count, 0);
	assert_true(take("a.toml", "[scenario]\nheaders = []\nsteps = [{}]")->at->has_headers);
	assert_string_equal(take("a.toml", "[scenario]\ndata = \"\"\nsteps = [{}]")->at->data.text, "");
}

static void null_is_a_value_of_json(void **state) {
	const struct scenario_step *step = take("a.json", "{\"scenario\": {\"steps\": [{\"assert_json\": {\"/a\": null}}]}}")->at->steps;
	(void)state;
	assert_int_equal(step->assert_count, 1);
	assert_int_equal(step->asserts[0].value_kind, TREE_NULL);
	assert_string_equal(step->asserts[0].value.text, "null");
}

static void named_scenarios_are_a_mix_unless_one_stands_alone(void **state) {
	const struct scenario_set *set;
	(void)state;
	set = take("a.toml", "[scenarios.b]\nweight = 3\nsteps = [{}]\n[scenarios.a-1_]\nsteps = [{}]");
	assert_false(set->is_single);
	assert_int_equal(set->count, 2);
	assert_string_equal(set->at[0].name.text, "b");
	assert_int_equal(set->at[0].weight, 3);
	assert_string_equal(set->at[0].given.text, "3");
	assert_place(set->at[0].given.at, 2, 10);
	assert_string_equal(set->at[1].name.text, "a-1_");
	assert_string_equal(set->path, "a.toml");
	set = take("a.toml", "[scenarios.b]\nsteps = [{}]\n[scenario]\nsteps = [{}]\n");
	assert_true(set->is_single);
	assert_int_equal(set->count, 2);
	assert_null(set->at[0].name.text);
	assert_string_equal(set->at[1].name.text, "b");
	assert_int_equal(take("a.json", "{\"scenario\": null, \"scenarios\": {\"a\": null}}")->count, 0);
}

static void data_files_are_read(void **state) {
	const struct scenario_set *set = take("a.toml", "[[data]]\nfile = \"a.csv\"\n[[data]]\nfile = \"${STREST_TEST_T}.jsonl\"\norder = "
							"\"unique\"\n[data.types]\nage = \"integer\"\nb = \"boolean\"");
	(void)state;
	assert_int_equal(set->data_count, 2);
	assert_string_equal(set->data[0].path.text, "a.csv");
	assert_int_equal(set->data[0].order, DATA_SEQUENTIAL);
	assert_place(set->data[1].at, 3, 1);
	assert_string_equal(set->data[1].path.text, "tok\"en.jsonl");
	assert_int_equal(set->data[1].order, DATA_UNIQUE);
	assert_int_equal(set->data[1].type_count, 2);
	assert_string_equal(set->data[1].types[0].column.text, "age");
	assert_int_equal(set->data[1].types[0].type, DATA_INTEGER);
	assert_int_equal(set->data[1].types[1].type, DATA_BOOLEAN);
	set = take("a.json", "{\"data\": [{\"file\": \"b.jsonl\", \"order\": \"random\", \"types\": null}]}");
	assert_int_equal(set->data[0].order, DATA_RANDOM);
	set = take("a.toml", "data = \"x\"");
	assert_int_equal(set->data_count, 0);
	assert_string_equal(file.settings.http.data, "x");
}

static void values_that_are_good(void **state) {
	static const char *const cases[] = {
		"method = \"delete\"",
		"url = \"http://h:1/{{a}}\"",
		"url = \"{{base}}/x\"",
		"path = \"\"",
		"path = \"../x?y={{z}}#f\"",
		"path = \"{{a}}\"",
		"headers = [\"A:\", \"B: {{c}}\", \"X-{{d}}-Y: 1\"]",
		"assert_status = 100",
		"assert_status = \"2xx,599\"",
		"assert_json = {}",
		"assert_headers = {}",
		"assert_headers = { etag = \"\" }",
		"extract = {}",
		"vars = { a = \"${STREST_TEST_T}\", _ = \"{{b}}\", \"-x.y\" = \"\" }",
		"think_time = \"24h\"",
		"assert_time = \"1.5s\"",
		"name = \"\xc3\xa9 {{x}} 1\"",
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) take("a.toml", arena_format(&arena, "[[scenario.steps]]\n%s", cases[i]));
}

static void bounds_are_kept(void **state) {
	const char *steps = "{}", *named = "", *files = "";
	(void)state;
	for (int i = 1; i < SCENARIO_STEPS_MAX; i++) steps = arena_format(&arena, "%s,\n{}", steps);
	assert_int_equal(take("a.toml", arena_format(&arena, "[scenario]\nsteps = [%s]", steps))->at->step_count, SCENARIO_STEPS_MAX);
	file_read_text("a.toml", slice_of(arena_format(&arena, "[scenario]\nsteps = [%s]\n[scenarios.a]\nsteps = [{}, {}]", steps)), &arena, &file);
	assert_int_equal(file.findings.faults, 1);
	assert_string_equal(file_sentence(&file, file.findings.first),
		"a.toml:259:10: scenarios.a.steps: too many steps; write at most 256 in all scenarios together");
	for (int i = 0; i < SCENARIOS_MAX; i++) named = arena_format(&arena, "%s[scenarios.a%d]\nsteps = [{}]\n", named, i);
	assert_int_equal(take("a.toml", named)->count, SCENARIOS_MAX);
	file_read_text("a.toml", slice_of(arena_format(&arena, "%s[scenario]\nsteps = [{}]", named)), &arena, &file);
	assert_int_equal(file.findings.faults, 1);
	assert_string_equal(file_sentence(&file, file.findings.first), "a.toml:127:12: scenarios: too many; write at most 64");
	for (int i = 0; i < SCENARIO_DATA_MAX; i++) files = arena_format(&arena, "%s[[data]]\nfile = \"a.csv\"\n", files);
	assert_int_equal(take("a.toml", files)->data_count, SCENARIO_DATA_MAX);
	file_read_text("a.toml", slice_of(arena_format(&arena, "%s[[data]]\nfile = \"a.csv\"\n", files)), &arena, &file);
	assert_int_equal(file.findings.faults, 1);
	assert_string_equal(file_sentence(&file, file.findings.first), "a.toml:33:1: data: too many files; write at most 16");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_key_is_read_from_toml_and_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_know_their_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_given_is_told_from_what_is_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(null_is_a_value_of_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(named_scenarios_are_a_mix_unless_one_stands_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(data_files_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_that_are_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounds_are_kept, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
