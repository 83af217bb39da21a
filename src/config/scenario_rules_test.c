/* What is said about scenarios that are wrong: each key in its words and place, the rules between them and options, and how they are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/audit.h"
#include "config/check.h"
#include "config/merge.h"
#include "config/print.h"

static struct arena arena;
static struct file file;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	setenv("STREST_TEST_T", "token", 1);
	unsetenv("STREST_TEST_NONE");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

struct refusal {
	const char *path, *text, *want;
};

/* Each text has one fault, with these words. */
static void assert_refused(const struct refusal *cases, size_t count) {
	for (size_t i = 0; i < count; i++) {
		struct err err = {0};
		file_read_text(cases[i].path, slice_of(cases[i].text), &arena, &file);
		if (file_check(&file, &err)) fail_msg("%s\nis taken", cases[i].text);
		assert_string_equal(err.text, cases[i].want);
	}
}

#define STEPS "\nsteps = [{}]"

static void faults_of_a_scenario(void **state) {
	static const struct refusal cases[] = {
		{"a.toml", "scenario = 5", "a.toml:1:12: scenario: '5' is not a table; write one with its steps"},
		{"a.toml", "[scenario]", "a.toml:1:2: scenario: no step; write [[scenario.steps]] and below it path = \"/\""},
		{"a.json", "{\"scenario\": {\"steps\": []}}", "a.json:1:24: scenario.steps: no step; write \"steps\": [{\"path\": \"/\"}]"},
		{"a.toml", "[scenario]\nsteps = {}",
			"a.toml:2:9: scenario.steps: a table is not an array of tables; write [[scenario.steps]] and below it path = \"/\""},
		{"a.toml", "[scenario]\nschema_version = 2" STEPS,
			"a.toml:2:18: scenario.schema_version: '2' is a version that strest does not know; write schema_version = 1"},
		{"a.toml", "[scenario]\nschema_version = \"x\"" STEPS,
			"a.toml:2:18: scenario.schema_version: 'x' is not a whole number; write e.g. schema_version = 1"},
		{"a.toml", "[scenario]\nbase_url = \"localhost:3000\"" STEPS,
			"a.toml:2:12: scenario.base_url: URL 'localhost:3000' has no scheme; write http://localhost:3000"},
		{"a.toml", "[scenario]\nbase_url = \"http://{{h}}\"" STEPS,
			"a.toml:2:12: scenario.base_url: no {{ is filled in here; write the URL itself"},
		{"a.toml", "[scenario]\nbase_url = 5" STEPS, "a.toml:2:12: scenario.base_url: '5' is not a text; write base_url = \"5\""},
		{"a.json", "{\"scenario\": {\"method\": \"gett\", \"steps\": [{}]}}",
			"a.json:1:25: scenario.method: 'gett' is no choice; did you mean 'get'? (one of get, head, post, put, patch, delete, "
			"options)"},
		{"a.toml", "[scenario]\nheaders = \"Authorization: x\"" STEPS,
			"a.toml:2:11: scenario.headers: 'Authorization: ***' is not an array of texts; write e.g. headers = [\"Accept: text/html\"]"},
		{"a.toml", "[scenario]\nheaders = [\"A: b\", \"c\"]" STEPS,
			"a.toml:2:20: scenario.headers, item 2: the header has no colon; write e.g. headers = [\"Accept: text/html\"]"},
		{"a.toml", "[scenario]\nheaders = [\"a b: c\"]" STEPS,
			"a.toml:2:12: scenario.headers, item 1: 'a...' has a character in its name that HTTP does not allow; write e.g. headers = "
			"[\"Accept: "
			"text/html\"]"},
		{"a.toml", "[scenario]\nheaders = [\"{{a}}: \\r\"]" STEPS,
			"a.toml:2:12: scenario.headers, item 1: the header has a control character; leave it out"},
		{"a.toml", "[scenario]\ndata = [1]" STEPS, "a.toml:2:8: scenario.data: an array is not a text; write data = \"TEXT\""},
		{"a.toml", "[scenario]\ndata = \"${STREST_TEST_NONE}\"" STEPS,
			"a.toml:2:8: scenario.data: the environment variable 'STREST_TEST_NONE' is not set; set it, or write $${ for a plain ${"},
		{"a.toml", "[scenario]\nvars = \"x\"" STEPS, "a.toml:2:8: scenario.vars: 'x' is not a table; write e.g. user = \"demo\" in it"},
		{"a.json", "{\"scenario\": {\"vars\": {\"n\": 5}, \"steps\": [{}]}}",
			"a.json:1:29: scenario.vars.n: '5' is not a text; write \"n\": \"5\""},
		{"a.toml", "[scenario]\nvars = { \"1a\" = \"x\" }" STEPS,
			"a.toml:2:10: scenario.vars: '1a' is no name of a variable; write letters, digits, '_', '-' and '.', no digit first"},
		{"a.toml", "[scenario]\nvars = { password = 12 }" STEPS,
			"a.toml:2:21: scenario.vars.password: the value is not a text; write password = \"TEXT\""},
		{"a.toml", "[scenario]\ncookies = \"yes\"" STEPS,
			"a.toml:2:11: scenario.cookies: 'yes' is not true or false; write e.g. cookies = true"},
		{"a.toml", "[scenario]\non_failure = \"stop\"" STEPS,
			"a.toml:2:14: scenario.on_failure: 'stop' is no choice; write one of continue, restart"},
		{"a.toml", "[scenario]\nweight = 3" STEPS, "a.toml:2:1: unknown key 'weight' in scenario"},
		{"a.toml", "[scenario]\nbase_ulr = 3" STEPS, "a.toml:2:1: unknown key 'base_ulr' in scenario; did you mean 'base_url'?"},
		{"a.toml", "[scenario]\nrate = 3" STEPS,
			"a.toml:2:1: unknown key 'rate' in scenario; it belongs to the top level, above the first [table]"},
		{"a.toml", "scenarios = []",
			"a.toml:1:13: scenarios: an array is not a table; write a table for each, such as scenarios.login with its steps"},
		{"a.toml", "[scenarios]\nlogin = 5", "a.toml:2:9: scenarios.login: '5' is not a table; write one with its steps"},
		{"a.toml", "[scenarios.\"a/b\"]" STEPS, "a.toml:1:12: scenarios: 'a/b' is no name of a scenario; write letters, digits, '_' and '-'"},
		{"a.toml", "[scenarios.a]\nweight = 0" STEPS, "a.toml:2:10: scenarios.a.weight: '0' is too small; write at least 1"},
		{"a.toml", "[scenarios.a]\nweight = 1000001" STEPS, "a.toml:2:10: scenarios.a.weight: '1000001' is too large; write at most 1000000"},
		{"a.toml", "[scenarios.a]\nweight = 1.5" STEPS,
			"a.toml:2:10: scenarios.a.weight: '1.5' is not a whole number; write e.g. weight = 1"},
		{"a.toml", "[scenarios.a]\nweight = 2" STEPS "\n[scenario]" STEPS,
			"a.toml:2:10: scenarios.a.weight: a share of a mix, but scenario in line 4 is run alone; take the weight out, or that one"},
	};
	(void)state;
	assert_refused(cases, LENGTH(cases));
}

#define STEP "[[scenario.steps]]\n"
#define AT(column) "a.toml:2:" #column ": scenario.steps, step 1, "

static void faults_of_a_step(void **state) {
	static const struct refusal cases[] = {
		{"a.toml", "[scenario]\nsteps = [{}, 5]",
			"a.toml:2:14: scenario.steps, step 2: '5' is not a table; write one with e.g. path = \"/\""},
		{"a.toml", STEP "name = \"\"", AT(8) "name: '' is empty; write one of at most 64 bytes without '/'"},
		{"a.toml", STEP "name = \"a/b\"", AT(8) "name: 'a/b' has a '/'; write one of at most 64 bytes without '/'"},
		{"a.toml", STEP "name = \"a\\tb\"", AT(8) "name: 'a?b' has a control character; write one of at most 64 bytes without '/'"},
		{"a.toml", STEP "name = \"12345678901234567890123456789012345678901234567890123456789012345\"",
			AT(8) "name: '1234567890123456789012345678901234567890123456789012345678901234...' is too long; write one of at most 64 "
			      "bytes "
			      "without '/'"},
		{"a.toml", STEP "name = \"a\"\n" STEP "name = \"a\"",
			"a.toml:4:8: scenario.steps, step 2, name: 'a' is step 1, too; write another one"},
		{"a.toml", STEP "name = \"step 2\"\n" STEP, AT(8) "name: 'step 2' is step 2, too; write another one"},
		{"a.toml", STEP "url = \"/x\"", AT(7) "url: URL '/x' is relative; write it with scheme and host, e.g. http://localhost:3000/"},
		{"a.toml", STEP "url = \"http://{{h}}/\\n\"", AT(7) "url: the URL has a control character; leave it out"},
		{"a.toml", STEP "path = \"/\"\nurl = \"http://x\"",
			"a.toml:3:1: scenario.steps, step 1, url: excludes path in line 2; keep one of them"},
		{"a.toml", STEP "path = \"ftp://x\"", AT(8) "path: 'ftp://x' leads to no http:// or https:// URL; write e.g. path = \"/login\""},
		{"a.toml", STEP "path = \"/{{a}}\\n\"", AT(8) "path: the path has a control character; leave it out"},
		{"a.toml", STEP "assert_status = 99",
			AT(17) "assert_status: '99' is not a set of status codes from 100 to 599; write e.g. assert_status = \"200,204,3xx\""},
		{"a.toml", STEP "assert_body_contains = \"\"", AT(24) "assert_body_contains: the text is empty; write one, or take the key out"},
		{"a.toml", STEP "assert_body_regex = 5", AT(21) "assert_body_regex: '5' is not a text; write assert_body_regex = \"5\""},
		{"a.toml", STEP "assert_headers = \"x\"", AT(18) "assert_headers: 'x' is not a table; write e.g. Content-Type = \"json\" in it"},
		{"a.toml", STEP "assert_headers = { \"a b\" = \"x\" }",
			AT(20) "assert_headers: 'a b' is no name of a header; write e.g. Content-Type = \"json\""},
		{"a.toml", STEP "assert_headers = { ETag = 5 }", AT(27) "assert_headers.ETag: '5' is not a text; write ETag = \"5\""},
		{"a.toml", STEP "assert_json = [1]", AT(15) "assert_json: an array is not a table; write e.g. \"/id\" = 1 in it"},
		{"a.toml", STEP "assert_json = { \"/a\" = [1] }",
			AT(24) "assert_json, '/a': an array is not a text, a number or a truth value of JSON; write e.g. \"/id\" = 1"},
		{"a.toml", STEP "assert_json = { \"/a\" = nan }",
			AT(24) "assert_json, '/a': 'nan' is not a text, a number or a truth value of JSON; write e.g. \"/id\" = 1"},
		{"a.toml", STEP "think_time = 0", AT(14) "think_time: '0' is no time at all; write e.g. think_time = \"500ms\""},
		{"a.toml", STEP "think_time = 1.5",
			AT(14) "think_time: '1.5' is not a whole number of seconds or a text; write e.g. think_time = \"500ms\""},
		{"a.toml", STEP "assert_time = \"5x\"", AT(15) "assert_time: '5x' is not a duration; write e.g. assert_time = \"500ms\""},
		{"a.toml", STEP "assert_time = \"25h\"", AT(15) "assert_time: '25h' is too long; write at most 86400s"},
		{"a.toml", STEP "extract = \"x\"", AT(11) "extract: 'x' is not a table; write e.g. token = { json = \"/token\" } in it"},
		{"a.toml", STEP "extract = { a = \"/x\" }", AT(17) "extract.a: '/x' is not a table; write e.g. a = { json = \"/token\" }"},
		{"a.json", "{\"scenario\": {\"steps\": [{\"extract\": {\"a\": \"/x\"}}]}}",
			"a.json:1:43: scenario.steps, step 1, extract.a: '/x' is not a table; write e.g. \"a\": { \"json\": \"/token\" }"},
		{"a.toml", STEP "extract = { a = {} }", AT(17) "extract.a: what to take is missing; write e.g. json = \"/token\" in it"},
		{"a.toml", STEP "extract = { a = { json = \"/a\", header = \"b\" } }",
			AT(32) "extract.a.header: excludes json in line 2; keep one of them"},
		{"a.toml", STEP "extract = { a = { header = \"a b\" } }",
			AT(28) "extract.a.header: 'a b' is no name of a header; write e.g. header = \"X-Token\""},
		{"a.toml", STEP "extract = { a = { cookie = \"a;\" } }",
			AT(28) "extract.a.cookie: 'a;' is no name of a cookie; write e.g. cookie = \"session\""},
		{"a.toml", STEP "extract = { a = { regex = \"\" } }", AT(27) "extract.a.regex: the text is empty; write one, or take the key out"},
		{"a.toml", STEP "extract = { \"\" = { json = \"\" } }",
			AT(13) "extract: '' is no name of a variable; write letters, digits, '_', '-' and '.', no digit first"},
		{"a.toml", STEP "extract = { a = { json = \"\", jsn = 1 } }",
			"a.toml:2:30: unknown key 'jsn' in scenario.steps, step 1, extract.a; did you mean 'json'?"},
		{"a.toml", STEP "assert_staus = 1",
			"a.toml:2:1: unknown key 'assert_staus' in scenario.steps, step 1; did you mean 'assert_status'?"},
	};
	(void)state;
	assert_refused(cases, LENGTH(cases));
}

static void faults_of_a_data_file(void **state) {
	static const struct refusal cases[] = {
		{"a.toml", "[data]\nfile = \"a.csv\"",
			"a.toml:1:1: data: a table is not an array of tables; write [[data]] and below it file = \"users.csv\""},
		{"a.json", "{\"data\": [1]}", "a.json:1:11: data, file 1: '1' is not a table; write one with e.g. \"file\": \"users.csv\""},
		{"a.toml", "[[data]]", "a.toml:1:1: data, file 1: no file; write e.g. file = \"users.csv\""},
		{"a.toml", "[[data]]\nfile = \"a.txt\"",
			"a.toml:2:8: data, file 1, file: 'a.txt' ends neither in .csv nor in .jsonl; write e.g. file = \"users.csv\""},
		{"a.toml", "[[data]]\nfile = \"a.csv\"\norder = \"any\"",
			"a.toml:3:9: data, file 1, order: 'any' is no choice; write one of sequential, random, unique"},
		{"a.toml", "[[data]]\nfile = \"a.csv\"\ntypes = { a = \"int\" }",
			"a.toml:3:15: data, file 1, types.a: 'int' is no choice; did you mean 'integer'? (one of text, integer, number, boolean)"},
		{"a.toml", "[[data]]\nfile = \"a.csv\"\ntypes = \"x\"",
			"a.toml:3:9: data, file 1, types: 'x' is not a table; write e.g. age = \"integer\" in it"},
		{"a.toml", "[[data]]\nfile = \"a.csv\"\nordr = 1", "a.toml:3:1: unknown key 'ordr' in data, file 1; did you mean 'order'?"},
	};
	(void)state;
	assert_refused(cases, LENGTH(cases));
}

#define GOOD "[scenario]\nbase_url = \"http://x\"" STEPS

static void rules_between_scenarios_and_options(void **state) {
	static const struct {
		const char *text, *want;
	} cases[] = {
		{GOOD, "a.toml: good\n"},
		{"rate = 5\nrate_unit = \"iterations\"\n" GOOD, "a.toml: good\n"},
		{"url = \"http://y\"\ndata = \"x\"\n" GOOD, "a.toml: good\n"},
		{"form = []\n" GOOD, "a.toml: good\n"},
		{"urls_from_file = \"x\"\n" GOOD,
			"a.toml:1:18: urls_from_file: says nothing beside the scenario of a.toml; write them as url or path of the steps\n"},
		{"data_file = \"x\"\n" GOOD,
			"a.toml:1:13: data_file: says nothing beside the scenario of a.toml; write the body as data of the steps\n"},
		{"data_lines = \"x\"\n" GOOD, "a.toml:1:14: data_lines: says nothing beside the scenario of a.toml; write the body as data of the "
					      "steps, its parts from a file of [[data]]\n"},
		{"form = [\"a=b\"]\n" GOOD, "a.toml:1:9: form: says nothing beside the scenario of a.toml; write the body as data of the steps\n"},
		{"rate_unit = \"iterations\"\n" GOOD, "a.toml:1:13: rate_unit needs a rate; add e.g. rate = 100\n"},
		{"rate = 1\nrate_unit = \"requests\"",
			"a.toml:2:13: rate_unit: tells requests from iterations of a scenario, and there is no scenario; leave it out\n"},
		{"[scenario]\nheaders = [\"A: b\", \"user-agent: x\"]" STEPS,
			"a.toml:2:20: scenario: another User-Agent needs permission to test this target; if you have it, add authorized = true at "
			"the top level, or "
			"--authorized\n"},
		{"authorized = true\n[scenario]\nheaders = [\"user-agent: x\"]" STEPS, "a.toml: good\n"},
		{"bearer = \"x\"\n[[scenarios.a.steps]]\n[[scenarios.a.steps]]\nheaders = [\"Authorization: x\"]",
			"a.toml:4:12: scenarios.a.steps, step 2: Authorization is made by bearer; give one of them\n"},
		{"unix_socket = \"/x\"\n[[scenario.steps]]\nurl = \"https://x\"",
			"a.toml:3:7: scenario.steps, step 1: unix_socket speaks plain http only; write an http:// URL\n"},
		{"[[data]]\nfile = \"a.csv\"",
			"a.toml:1:1: data: the rows of a file are for scenarios, and there is none; write one, or take the file out\n"},
		{"[[data]]\nfile = \"a.csv\"\n" GOOD, "a.toml: good\n"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		file_read_text("a.toml", slice_of(cases[i].text), &arena, &file);
		assert_string_equal(audit_write(&file), cases[i].want);
	}
}

static void a_run_needs_a_server_for_every_step_that_is_run(void **state) {
	static const struct refusal cases[] = {
		{"a.toml", GOOD, NULL},
		{"a.toml", "url = \"http://x\"\n[[scenario.steps]]\npath = \"/\"", NULL},
		{"a.toml", "[[scenario.steps]]\nurl = \"http://x\"", NULL},
		{"a.toml", "[[scenario.steps]]\nurl = \"http://x\"\n[[scenario.steps]]\npath = \"/\"",
			"a.toml:3:1: scenario.steps, step 2: a path alone names no server; write base_url = \"http://localhost:3000\" in scenario, "
			"or --url URL"},
		{"a.json", "{\"scenarios\": {\"a\": {\"steps\": [{}]}}}",
			"a.json:1:32: scenarios.a.steps, step 1: a step without url and path names no server; write \"base_url\": "
			"\"http://localhost:3000\" in "
			"scenarios.a, or --url URL"},
		{"a.toml", GOOD "\n[[scenarios.a.steps]]\npath = \"/\"", NULL},
		{"a.toml", "timeout = 1", "no URL to load: a.toml has none; write e.g. --url http://localhost:3000/, or --urls-from-file FILE"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = {0};
		struct settings settings;
		struct origins origins = {0};
		const struct check check = {&settings, &origins, COMMAND_RUN, &arena};
		file_read_text(cases[i].path, slice_of(cases[i].text), &arena, &file);
		value_preset(&arena, &settings);
		merge_file(&file, &settings, &origins);
		assert_int_equal(check_all(&check, &err), !cases[i].want);
		if (cases[i].want) assert_string_equal(err.text, cases[i].want);
	}
}

static const char *page_of(const char *path, const char *text) {
	file_read_text(path, slice_of(text), &arena, &file);
	if (file.findings.faults) fail_msg("%s\n%s", text, file_sentence(&file, findings_first_fault(&file.findings)));
	return print_config(&file.settings, &file.origins, &arena);
}

static void scenarios_are_printed_with_their_places_and_without_secrets(void **state) {
	static const char want[] =
		"\n[scenario]  # a.json:2, 1 step\n"
		"base_url = \"http://***@x\"  # a.json:2\n"
		"headers = [\"Authorization: Bearer ${STREST_TEST_T}\", \"Cookie: ***\"]  # a.json:3\n"
		"vars = { user = \"$${a\", password = \"***\", pin-token = \"${STREST_TEST_T}\" }  # a.json:3\n"
		"\n[[scenario.steps]]  # a.json:4\n"
		"data = \"{{a}} ${STREST_TEST_T}\\n\"  # a.json:4\n"
		"assert_json = { \"/a\" = 1, \"/b\" = 1.0, \"/c\" = true }  # a.json:4, without what is null there (1), which TOML cannot say\n"
		"\n[scenarios.b]  # a.json:5, 2 steps\n"
		"\n[[scenarios.b.steps]]  # a.json:5\n"
		"\n[[scenarios.b.steps]]  # a.json:5\n"
		"\n[[data]]  # a.json:6\n"
		"file = \"a.csv\"  # a.json:6\n";
	const char *page = page_of("a.json",
		"{\n\"scenario\": {\"base_url\": \"http://u:p@x\",\n\"headers\": [\"Authorization: Bearer ${STREST_TEST_T}\", \"Cookie: a=b\"], "
		"\"vars\": {\"user\": \"$${a\", \"password\": \"x\", \"pin-token\": \"${STREST_TEST_T}\"}, \"data\": null,\n\"steps\": [{\"data\": "
		"\"{{a}} "
		"${STREST_TEST_T}\\n\", \"assert_json\": {\"/a\": 1, \"/b\": 1.0, \"/n\": null, \"/c\": true}}]},\n\"scenarios\": {\"b\": "
		"{\"steps\": [{}, {}]}},\n"
		"\"data\": [{\"file\": \"a.csv\"}]}");
	(void)state;
	if (!strstr(page, want)) fail_msg("%s\nis not\n%s", strstr(page, "\n[scenario]"), want);
	assert_non_null(strstr(page, "rate_unit = \"requests\"  # default\n"));
	assert_non_null(strstr(page_of("a.toml", ""), "# rate_unit: not set\n"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(faults_of_a_scenario, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults_of_a_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults_of_a_data_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rules_between_scenarios_and_options, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_run_needs_a_server_for_every_step_that_is_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(scenarios_are_printed_with_their_places_and_without_secrets, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
