/* Scripts as they are built: heads, fields, bodies, names, shares. Targets: script_target_test.c. */
#include "plan/script_fixture.h"

#include <math.h>
#include <unistd.h>

#define HOST "Host: shop\r\n"
#define STEP "[[scenario.steps]]\n"
#define DATA_FOLDER "/tmp"

/* Row i of the table is step i; its request is the same always, and is this head. */
static void assert_constant(size_t i, const char *head, const char *body) {
	const struct script_step *step = &script->scenarios[0].steps[i];
	assert_true(step->is_constant);
	assert_slice(step->like.head, head);
	if (body)
		assert_slice(step->like.body, body);
	else
		assert_null(step->like.body.at);
	assert_int_equal(step->like.body_bytes, body ? strlen(body) : 0);
}

static void what_is_the_same_always_is_laid_out_once(void **state) {
	(void)state;
	build("[scenario]\n" SHOP "vars = {id = \"7\", \"a.b\" = \"x\"}\n" STEP STEP
	      "path = \"/items/{{id}}\"\nheaders = [\"X-{{a.b}}: {{id}}\"]\n" STEP "method = \"POST\"\n" STEP
	      "method = \"PUT\"\ndata = \"n={{id}}\"\n" STEP "method = \"DELETE\"\n" STEP "data = \"\"\n" STEP
	      "method = \"HEAD\"\nvars = {id = \"8\"}\npath = \"/{{id}}\"\n");
	assert_int_equal(script->step_count, 7);
	assert_constant(0, "GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", NULL);
	assert_constant(1, "GET /items/7 HTTP/1.1\r\n" HOST AGENT ACCEPT "X-x: 7\r\n\r\n", NULL);
	/* RFC 9110 section 8.6: a method that has a body as a rule says that it has none. */
	assert_constant(2, "POST /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Length: 0\r\n\r\n", NULL);
	assert_constant(3, "PUT /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Length: 3\r\n\r\n", "n=7");
	assert_constant(4, "DELETE /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", NULL);
	assert_constant(5, "GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Length: 0\r\n\r\n", "");
	assert_constant(6, "HEAD /8 HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n", NULL);
	assert_true(script->scenarios[0].steps[6].like.is_head);
	assert_false(script->scenarios[0].steps[2].like.is_idempotent);
}

/* Cut where the rest goes: target, fields that differ, cookies, Content-Length. */
static void what_differs_is_cut_out_of_the_head(void **state) {
	(void)state;
	build("[scenario]\n" SHOP STEP
	      "method = \"POST\"\npath = \"/x{{seq}}\"\nheaders = [\"A: 1\", \"B: {{iter}}\", \"C: 3\", \"Cookie: {{uuid}}\"]\ndata = \"{{seq}}\"\n");
	const struct script_step *step = script->scenarios[0].steps;
	assert_false(step->is_constant);
	assert_slice(step->opening, "POST ");
	assert_slice(step->fixed, " HTTP/1.1\r\n" HOST AGENT ACCEPT "A: 1\r\nC: 3\r\n");
	assert_slice(step->ending, "\r\n");
	assert_string_equal(step->folder, "/");
	assert_int_equal(step->field_count, 2);
	assert_slice(step->fields[0].name, "B: ");
	assert_slice(step->fields[1].name, "Cookie: ");
	assert_true(step->is_cookie_own && step->has_body && step->body && step->target);
	assert_null(step->h2);
}

/* A step's field replaces those of its name of the scenario, which replace all of the run. */
static void fields_are_the_steps_then_the_scenarios_or_else_the_runs(void **state) {
	(void)state;
	static const char *const texts[] = {"", "headers = []\n", "headers = [\"X: 2\", \"Y: 2\", \"x: 3\"]\n"};
	static const char *const expected[][2] = {
		{"X: 1\r\nZ: 1\r\n", "Z: 1\r\nx: {}\r\nx: 5\r\n"},
		{"", "x: {}\r\nx: 5\r\n"},
		{"X: 2\r\nY: 2\r\nx: 3\r\n", "Y: 2\r\nx: {}\r\nx: 5\r\n"},
	};
	for (size_t i = 0; i < LENGTH(texts); i++) {
		build(arena_format(
			&arena, "headers = [\"X: 1\", \"Z: 1\"]\n[scenario]\n" SHOP "%s" STEP STEP "headers = [\"x: {}\", \"x: 5\"]\n", texts[i]));
		for (size_t k = 0; k < 2; k++)
			assert_constant(k, arena_format(&arena, "GET /a/b?c HTTP/1.1\r\n" HOST AGENT ACCEPT "%s\r\n", expected[i][k]), NULL);
	}
}

/* Ours stay away where the user has a field of the name, the same always or not. */
static void our_fields_are_replaced_by_those_that_differ(void **state) {
	(void)state;
	build("[scenario]\nbase_url = \"http://u:v@shop/\"\nvars = {n = \"Authorization\"}\n" STEP "headers = [\"accept: {{seq}}\"]\n" STEP
	      "headers = [\"{{n}}: {{seq}}\"]\n" STEP "headers = [\"Host: {{seq}}\"]\n");
	const struct script_step *steps = script->scenarios[0].steps;
	assert_slice(steps[0].fixed, " HTTP/1.1\r\n" HOST AGENT "Authorization: Basic dTp2\r\n");
	assert_slice(steps[1].fixed, " HTTP/1.1\r\n" HOST AGENT ACCEPT);
	assert_slice(steps[1].fields[0].name, "Authorization: ");
	assert_slice(steps[2].fixed, " HTTP/1.1\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\n");
	assert_true(steps[2].fields[0].is_host);
}

/* The run's, the scenario's, the step's: method, data, statuses. */
static void what_a_step_does_not_say_is_the_scenarios_or_the_runs(void **state) {
	(void)state;
	build("method = \"PUT\"\ndata = \"run\"\nstatus = \"204\"\n[scenario]\n" SHOP STEP STEP
	      "assert_status = \"404\"\nmethod = \"POST\"\ndata = \"step\"\n");
	const struct script_step *steps = script->scenarios[0].steps;
	assert_int_equal(steps[0].like.method, METHOD_PUT);
	assert_slice(steps[0].like.body, "run");
	assert_true(status_set_has(steps[0].like.expected, 204) && !status_set_has(steps[0].like.expected, 200));
	assert_int_equal(steps[1].like.method, METHOD_POST);
	assert_slice(steps[1].like.body, "step");
	assert_true(status_set_has(steps[1].like.expected, 404) && !status_set_has(steps[1].like.expected, 204));
	build("data = \"run\"\n[scenario]\nmethod = \"PATCH\"\ndata = \"scenario\"\n" SHOP STEP);
	assert_int_equal(script->scenarios[0].steps[0].like.method, METHOD_PATCH);
	assert_slice(script->scenarios[0].steps[0].like.body, "scenario");
}

static void names_and_times_are_taken_over(void **state) {
	(void)state;
	build("[scenarios.a]\n" SHOP
	      "weight = 3\non_failure = \"restart\"\n[[scenarios.a.steps]]\nname = \"in\"\nthink_time = \"2s\"\n[[scenarios.a.steps]]\n"
	      "assert_time = \"250ms\"\n[scenarios.b]\n" SHOP "cookies = false\n[[scenarios.b.steps]]\n");
	const struct script_scenario *a = &script->scenarios[0], *b = &script->scenarios[1];
	assert_int_equal(script->scenario_count, 2);
	assert_int_equal(script->step_count, 3);
	assert_int_equal(script->step_most, 2);
	assert_true(script->weight == 4 && fabs(script->step_mean - 1.75) < 1e-12); /* (3 * 2 + 1 * 1) / 4 */
	assert_string_equal(a->name, "a");
	assert_string_equal(a->steps[0].name, "in");
	assert_string_equal(a->steps[1].name, "step 2");
	assert_true(a->steps[0].think_time == 2000000000 && a->steps[1].time_limit == 250000000);
	assert_true(a->is_restarting && !a->no_cookies && !b->is_restarting && b->no_cookies);
	assert_int_equal(a->first_row, 0);
	assert_int_equal(b->first_row, 2);
	assert_int_equal(b->steps[0].like.row, 2);
	assert_int_equal(b->steps[0].number, 1);
	assert_string_equal(script_describe(script, &arena), "2 scenarios of 3 steps (a.toml)");
	build("[scenario]\n" SHOP STEP);
	assert_string_equal(script_describe(script, &arena), "a scenario of 1 step (a.toml)");
	assert_string_equal(script->scenarios[0].name, "scenario");
}

static void a_scenario_of_no_name_is_run_alone(void **state) {
	(void)state;
	build("[scenario]\n" SHOP STEP "[scenarios.b]\n[[scenarios.b.steps]]\nurl = \"http://other/{{nobody}}\"\n");
	assert_int_equal(script->scenario_count, 1);
	assert_int_equal(route.origin_count, 1);
}

static void what_somebody_looks_at_is_known(void **state) {
	(void)state;
	static const struct {
		const char *step;
		bool body, head;
	} rows[] = {
		{"", false, false},
		{"assert_body_contains = \"a\"", true, false},
		{"assert_body_regex = \"a\"", true, false},
		{"assert_json = {\"/a\" = 1}", true, false},
		{"assert_headers = {A = \"b\"}", false, true},
		{"extract = {a = {json = \"/a\"}}", true, false},
		{"extract = {a = {regex = \"a\"}}", true, false},
		{"extract = {a = {header = \"a\"}}", false, true},
		{"assert_time = \"1s\"\nassert_status = 200", false, false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		build(arena_format(&arena, "[scenario]\ncookies = false\n" SHOP STEP "%s\n", rows[i].step));
		assert_int_equal(script->wants_body, rows[i].body);
		assert_int_equal(script->wants_head, rows[i].head);
		assert_int_equal(script->scenarios[0].steps[0].wants_body, rows[i].body);
		assert_int_equal(script->scenarios[0].steps[0].wants_head, rows[i].head);
	}
	build("[scenario]\n" SHOP STEP); /* cookies are kept */
	assert_true(script->wants_head && !script->wants_body);
	script_try(script);
	assert_true(script->wants_body && script->is_tried && script->iterations_max == 1);
}

/* Writes a data file, and returns its path. */
static const char *write_data(const char *name, const char *text) {
	const char *path = arena_format(&arena, DATA_FOLDER "/strest_script_test_%d_%s", (int)getpid(), name);
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	fputs(text, to);
	assert_int_equal(fclose(to), 0);
	return path;
}

static void columns_are_variables_of_every_scenario(void **state) {
	(void)state;
	const char *path = write_data("users.csv", "user,pass\nann,1\nbob,2\n");
	build(arena_format(&arena,
		"[scenarios.a]\n" SHOP "[[scenarios.a.steps]]\npath = \"/{{user}}\"\n[scenarios.b]\n" SHOP
		"[[scenarios.b.steps]]\npath = \"/{{pass}}\"\n[[data]]\nfile = \"%s\"\norder = \"unique\"\n",
		path));
	assert_int_equal(script->slot_count, 2);
	assert_int_equal(script->iterations_max, 2);
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP "vars = {user = \"x\"}\n" STEP "[[data]]\nfile = \"%s\"\n", path),
		arena_format(&arena, "3:9: scenario.vars: 'user' is a column of %s, too; write another name", path));
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP STEP "extract = {user = {json = \"\"}}\n[[data]]\nfile = \"%s\"\n", path),
		arena_format(&arena, "4:12: scenario.steps, step 1, extract: 'user' is a column of %s, too; write another name", path));
	const char *other = write_data("more.csv", "id,user\n1,ann\n");
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP STEP "[[data]]\nfile = \"%s\"\n[[data]]\nfile = \"%s\"\n", path, other),
		arena_format(&arena, "7:8: data: %s:1: 'user' is a column of %s, too; give one of them another name", other, path));
	other = write_data("bad.csv", "id,seq\n1,2\n");
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP STEP "[[data]]\nfile = \"%s\"\n", other),
		arena_format(&arena, "5:8: data: %s:1: 'seq' is built in; give the column another name", other));
	other = write_data("short.csv", "id,name\n1\n");
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP STEP "[[data]]\nfile = \"%s\"\n", other),
		arena_format(&arena, "5:8: data: %s:2: 1 cell, but 2 columns; write one for each name in the first line", other));
	static const char *const names[] = {"users.csv", "more.csv", "bad.csv", "short.csv"};
	for (size_t i = 0; i < LENGTH(names); i++)
		assert_int_equal(remove(arena_format(&arena, DATA_FOLDER "/strest_script_test_%d_%s", (int)getpid(), names[i])), 0);
}

#define ONE(lines) "[scenario]\n" SHOP STEP lines "\n"
#define AT "scenario.steps, step 1, "

static void what_is_wrong_is_said_with_its_place(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ONE("vars = {seq = \"1\"}"), "4:9: " AT "vars: 'seq' is built in; write another name"},
		{"[scenario]\nvars = {uuid = \"1\"}\n" SHOP STEP, "2:9: scenario.vars: 'uuid' is built in; write another name"},
		{ONE("extract = {worker = {json = \"\"}}"), "4:12: " AT "extract: 'worker' is built in; write another name"},
		{ONE("headers = [\"A: b\", \"B: {{x}}\"]"),
			"4:20: " AT
			"headers, item 2: 'x' is no variable; write a built-in one (seq, step, iter, worker, timestamp_ms, timestamp_s, uuid, "
			"random(a,b), env(NAME)), or one of vars, extract or data"},
		{ONE("headers = [\"{{seq}}: b\"]"),
			"4:12: " AT "headers, item 1: the name of a field is a word that is the same always; write e.g. \"X-User: {{user}}\""},
		{ONE("vars = {n = \"a b\"}\nheaders = [\"{{n}}: b\"]"),
			"5:12: " AT "headers, item 1: the name of a field is a word that is the same always; write e.g. \"X-User: {{user}}\""},
		{ONE("vars = {n = \"content-length\"}\nheaders = [\"{{n}}: 1\"]"),
			"5:12: " AT "headers, item 1: 'content-length' follows from the body; leave it out"},
		{ONE("vars = {n = \"user-agent\"}\nheaders = [\"{{n}}: 1\"]"),
			"5:12: " AT
			"headers, item 1: another User-Agent needs permission to test this target; if you have it, add authorized = true, or "
			"--authorized"},
		{ONE("vars = {n = \"a\\nb\"}\nheaders = [\"A: {{n}}\"]"),
			"5:12: " AT "headers, item 1: the value of 'n' has a line end or a 0 byte, which no header field can hold; take it out"},
		{"[scenario]\n" SHOP "headers = [\"A: {{sqe}}\"]\n" STEP STEP,
			"3:12: scenario.headers, item 1: 'sqe' is no variable; did you mean 'seq'?"},
		{"[scenario]\n" SHOP "data = \"{{sqe}}\"\n" STEP STEP, "3:8: scenario.data: 'sqe' is no variable; did you mean 'seq'?"},
		{ONE("data = \"{{random(9,1)}}\""), "4:8: " AT "data: 'random(9,1)' has the greater number first; write random(1,9)"},
		{ONE("path = \"/{{id}}\"\n" STEP "extract = {id = {json = \"\"}}"),
			"4:8: " AT "path: 'id' has no value before step 2 has extracted it; give it one in vars"},
		{ONE("data = \"{{id}}\"\nextract = {id = {json = \"\"}}"),
			"4:8: " AT "data: 'id' has no value before step 1 has extracted it; give it one in vars"},
		{ONE("assert_body_regex = \"a(b\""),
			"4:21: " AT "assert_body_regex: 'a(b' is no pattern: missing closing parenthesis (at its character 4)"},
		{ONE("assert_json = {\"a\" = 1}"), "4:16: " AT "assert_json: 'a' is no JSON pointer; write e.g. /items/0/id"},
		{ONE("extract = {t = {json = \"/~2\"}}"), "4:24: " AT "extract.t.json: '/~2' is no JSON pointer; write e.g. /items/0/id"},
		{ONE("extract = {t = {regex = \"*\"}}"),
			"4:25: " AT "extract.t.regex: '*' is no pattern: quantifier does not follow a repeatable item (at its character 1)"},
		{"[scenario]\ncookies = false\n" SHOP STEP "extract = {t = {cookie = \"c\"}}\n",
			"5:26: " AT "extract.t.cookie: no cookies are kept (cookies = false); take that out, or extract the header Set-Cookie"},
		{"[scenarios.buy]\n" SHOP "[[scenarios.buy.steps]]\n[[scenarios.buy.steps]]\ndata = \"{{sqe}}\"",
			"5:8: scenarios.buy.steps, step 2, data: 'sqe' is no variable; did you mean 'seq'?"},
		{"data = \"{{sqe}}\"\n[scenario]\n" SHOP STEP STEP, "0:0: --data: 'sqe' is no variable; did you mean 'seq'?"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_fault(rows[i].text, rows[i].expected);
}

static void all_faults_are_said(void **state) {
	(void)state;
	read_settings("[scenario]\n" SHOP STEP "path = \"/{{a1}}\"\ndata = \"{{a2}}\"\nassert_body_regex = \"(\"\n" STEP
		      "headers = [\"A: {{a3}}\", \"B: {{a4}}\"]\n");
	assert_false(build_settings());
	assert_int_equal(findings.faults, 5);
}

/* What is put together for each request has a limit of 64 KiB, which can be said before. */
static void a_head_that_is_too_large_is_refused(void **state) {
	(void)state;
	char *large = arena_alloc(&arena, 70000);
	memset(large, 'x', 69999);
	assert_fault(arena_format(&arena, "[scenario]\n" SHOP STEP "headers = [\"A: %s\"]\n", large),
		"3:1: " AT "headers: the request head is larger than 64 KiB; leave something out");
	build(arena_format(&arena, "[scenario]\ncookies = false\n" SHOP STEP "headers = [\"A: %s\"]\n", large));
	large[60000] = 0;
	build(arena_format(&arena, "[scenario]\n" SHOP STEP "headers = [\"A: %s\"]\n", large));
}

static void templates_of_the_command_line_are_one_step(void **state) {
	(void)state;
	const char *fields[] = {"X: {{seq}}", "Y: 1"};
	read_settings("");
	file.settings.http.url = "http://u:v@h/a/../{{seq}}?b";
	assert_true(script_is_wanted(&file.settings));
	file.settings.http.headers = (struct text_list){LENGTH(fields), fields};
	file.settings.http.data = "{{uuid}}";
	file.settings.http.method = METHOD_POST;
	assert_true(build_settings());
	assert_true(script->is_plain && script->step_count == 1 && script->step_most == 1 && script->weight == 1 && script->step_mean == 1);
	assert_false(script->wants_head || script->wants_body);
	const struct script_step *step = script->scenarios[0].steps;
	assert_slice(step->opening, "POST ");
	assert_string_equal(step->folder, "/a/../");
	assert_slice(step->fixed, " HTTP/1.1\r\nHost: h\r\n" AGENT ACCEPT "Authorization: Basic dTp2\r\nY: 1\r\n");
	assert_int_equal(step->like.row, 0);
	file.settings.http.data = "{{x";
	file.settings.http.headers.at[0] = "X: {{sqe}}";
	assert_false(build_settings());
	assert_string_equal(findings.first->text, "--headers: 'sqe' is no variable; did you mean 'seq'?");
}

static void without_templates_no_script_is_wanted(void **state) {
	(void)state;
	const char *fields[] = {"X: {{seq}}"};
	read_settings("url = \"http://h/\"\n");
	assert_false(script_is_wanted(&file.settings));
	file.settings.http.data = "{{seq";
	assert_false(script_is_wanted(&file.settings));
	file.settings.http.data = "{{seq}}";
	assert_true(script_is_wanted(&file.settings));
	file.settings.http.data = NULL;
	file.settings.http.headers = (struct text_list){1, fields};
	assert_true(script_is_wanted(&file.settings));
	read_settings("[scenario]\n" SHOP STEP);
	assert_true(script_is_wanted(&file.settings));
}

static const char mix[] =
	"[scenarios.a]\n" SHOP "weight = 5\n[[scenarios.a.steps]]\n[scenarios.b]\n" SHOP "weight = 3\n[[scenarios.b.steps]]\n"
	"[[scenarios.b.steps]]\n[scenarios.c]\n" SHOP "weight = 2\n[[scenarios.c.steps]]\n[[scenarios.c.steps]]\n[[scenarios.c.steps]]\n";

/* 100,000 draws: five standard deviations of a share p are 5 * sqrt(p (1 - p) / 100,000), below 0.008 for each of them. */
static void iterations_are_shared_out_by_weight(void **state) {
	(void)state;
	static const double shares[] = {0.5, 0.3, 0.2};
	size_t counts[3] = {0}, same = 0;
	build(mix);
	for (uint64_t n = 0; n < 100000; n++) counts[script_pick(script, n) - script->scenarios]++;
	for (size_t i = 0; i < 3; i++) assert_true(fabs((double)counts[i] / 100000 - shares[i]) < 0.008);
	size_t picks[200];
	for (uint64_t n = 0; n < 200; n++) picks[n] = (size_t)(script_pick(script, n) - script->scenarios);
	file.settings.load.seed = 8;
	assert_true(build_settings());
	for (uint64_t n = 0; n < 200; n++) same += picks[n] == (size_t)(script_pick(script, n) - script->scenarios);
	assert_in_range(same, 40, 120); /* 0.5^2 + 0.3^2 + 0.2^2 = 38 % by chance */
	file.settings.load.seed = 7;
	assert_true(build_settings());
	for (uint64_t n = 0; n < 200; n++) assert_int_equal(picks[n], script_pick(script, n) - script->scenarios);
}

static void who_tries_gets_each_scenario_once(void **state) {
	(void)state;
	build(mix);
	script_try(script);
	assert_int_equal(script->iterations_max, 3);
	for (uint64_t n = 0; n < 3; n++) assert_ptr_equal(script_pick(script, n), &script->scenarios[n]);
}

static void the_first_number_of_iterations_that_has_enough_steps_is_taken(void **state) {
	(void)state;
	build("[scenario]\n" SHOP STEP STEP STEP);
	static const uint64_t rows[][2] = {{1, 1}, {3, 1}, {4, 2}, {6, 2}, {7, 3}, {1000000000000000000, 333333333333333334}};
	for (size_t i = 0; i < LENGTH(rows); i++) assert_true(script_iterations(script, 5, rows[i][0]) == rows[i][1]);
	build(mix);
	for (uint64_t first = 0; first < 50; first += 7) {
		for (uint64_t wanted = 1; wanted < 60; wanted++) {
			uint64_t count = script_iterations(script, first, wanted), steps = 0, before = 0;
			for (uint64_t n = first; n < first + count; n++) {
				before = steps;
				steps += script_pick(script, n)->step_count;
			}
			assert_true(steps >= wanted && before < wanted);
		}
	}
}

static void over_http2_heads_are_made_too(void **state) {
	(void)state;
	protocols.clear_h2 = true;
	build("[scenario]\n" SHOP STEP STEP "path = \"/{{seq}}\"\nheaders = [\"TE: {{seq}}\", \"A: {{seq}}\", \"Host: {{seq}}\"]\n" STEP
	      "url = \"https://h/\"\n");
	const struct script_step *steps = script->scenarios[0].steps;
	assert_non_null(steps[0].like.h2);
	assert_non_null(steps[1].h2);
	assert_null(steps[2].like.h2); /* h2 without TLS only */
	assert_slice(steps[1].fields[0].packed, "");
	assert_true(slice_equal(steps[1].fields[1].packed, SLICE("\x00\x01"
								 "a")));
	assert_true(slice_equal(steps[1].fields[2].packed, SLICE("\x00\x0a:authority")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(what_is_the_same_always_is_laid_out_once),
		CASE(what_differs_is_cut_out_of_the_head),
		CASE(fields_are_the_steps_then_the_scenarios_or_else_the_runs),
		CASE(our_fields_are_replaced_by_those_that_differ),
		CASE(what_a_step_does_not_say_is_the_scenarios_or_the_runs),
		CASE(names_and_times_are_taken_over),
		CASE(a_scenario_of_no_name_is_run_alone),
		CASE(what_somebody_looks_at_is_known),
		CASE(columns_are_variables_of_every_scenario),
		CASE(what_is_wrong_is_said_with_its_place),
		CASE(all_faults_are_said),
		CASE(a_head_that_is_too_large_is_refused),
		CASE(templates_of_the_command_line_are_one_step),
		CASE(without_templates_no_script_is_wanted),
		CASE(iterations_are_shared_out_by_weight),
		CASE(who_tries_gets_each_scenario_once),
		CASE(the_first_number_of_iterations_that_has_enough_steps_is_taken),
		CASE(over_http2_heads_are_made_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
