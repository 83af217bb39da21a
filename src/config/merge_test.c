#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/cli.h"

#define ARGS 12

static struct arena arena;
static struct cli cli;
static struct err err;
static char folder[] = "/tmp/strest-merge-XXXXXX";

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	unsetenv("NO_COLOR");
	unlink("strest.toml");
	unlink("strest.json");
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* All files stand in a folder of their own, which is the current one. */
static int enter(void **state) {
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
	(void)state;
	unlink("strest.toml");
	unlink("strest.json");
	unlink("a.toml");
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *text) {
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool parse(const char *const args[ARGS]) {
	char *argv[ARGS + 2] = {arena_copy(&arena, SLICE("strest"))};
	int argc = 1;
	while (argc <= ARGS && args[argc - 1]) {
		argv[argc] = arena_copy(&arena, slice_of(args[argc - 1]));
		argc++;
	}
	err = (struct err){0};
	return cli_parse(argc, argv, &arena, &cli, &err);
}

#define PARSE(...) parse((const char *const[ARGS]){__VA_ARGS__})

static void assert_taken(bool taken) {
	if (!taken) fail_msg("refused: %s", err.text);
}

static void a_file_here_is_read(void **state) {
	(void)state;
	assert_taken(PARSE(NULL));
	assert_int_equal(cli.action, CLI_HELP);
	write_file("strest.json", "{\"url\": \"http://json\"}");
	assert_taken(PARSE(NULL));
	assert_int_equal(cli.action, CLI_RUN);
	assert_string_equal(cli.settings.http.url, "http://json");
	assert_string_equal(cli.config_file, "strest.json");
	write_file("strest.toml", "url = \"http://toml\"\n");
	assert_taken(PARSE("--"));
	assert_string_equal(cli.settings.http.url, "http://toml");
	write_file("a.toml", "url = \"http://named\"\n");
	assert_taken(PARSE("--config", "a.toml"));
	assert_string_equal(cli.settings.http.url, "http://named");
	assert_taken(PARSE("target"));
	assert_null(cli.config_file);
	assert_taken(PARSE("--help"));
}

static void the_command_line_wins_over_the_file_and_the_file_over_presets(void **state) {
	(void)state;
	write_file("strest.toml",
		"url = \"http://file\"\nmax_tasks = 7\nheaders = [\"A: 1\", \"B: 2\"]\njson = true\nstrict = true\nspawn_rate = 3\ntimeout = \"3s\"");
	assert_taken(PARSE("-H", "C: 3", "--json=false", "-m", "9", "--connect-timeout", "2s"));
	assert_string_equal(cli.settings.http.url, "http://file");
	assert_int_equal(cli.settings.load.max_tasks, 9);
	assert_int_equal(cli.settings.http.headers.count, 1);
	assert_string_equal(cli.settings.http.headers.at[0], "C: 3");
	assert_false(cli.settings.out.json);
	assert_true(cli.settings.out.strict);
	assert_int_equal(cli.settings.http.timeout, 3 * SEC);
	assert_int_equal(cli.settings.http.connect_timeout, 2 * SEC);
	assert_int_equal(cli.settings.load.duration, 30 * SEC);
	assert_true(cli.spawn_given);
	assert_false(cli.preconnect_given);
}

static void a_rate_or_stages_stand_for_all_of_the_files_load(void **state) {
	static const char *const files[] = {
		"url = \"http://x\"\nrate = 5\nstages = \"1s@6\"",
		"url = \"http://x\"\nrpm = 300",
		"url = \"http://x\"\n[load]\nrate = 5\n[[load.stages]]\nduration = \"1s\"\ntarget = 6",
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(files); i++) {
		write_file("strest.toml", files[i]);
		assert_taken(PARSE(NULL));
		assert_true(cli.settings.load.rate == 5);
		assert_int_equal(cli.settings.load.stages.count, i != 1);
		assert_taken(PARSE("--rate", "9"));
		assert_true(cli.settings.load.rate == 9);
		assert_int_equal(cli.settings.load.stages.count, 0);
		assert_taken(PARSE("--stages", "2s@8"));
		assert_true(cli.settings.load.rate == 0);
		assert_int_equal(cli.settings.load.stages.count, 1);
		assert_true(cli.settings.load.stages.at[0].target == 8);
	}
}

static void a_body_of_the_command_line_replaces_the_files(void **state) {
	(void)state;
	write_file("strest.toml", "url = \"http://x\"\ndata = \"a\"");
	assert_taken(PARSE("--data-file", "b"));
	assert_null(cli.settings.http.data);
	assert_string_equal(cli.settings.http.data_file, "b");
	assert_taken(PARSE("--data-lines", "c"));
	assert_null(cli.settings.http.data);
	assert_string_equal(cli.settings.http.data_lines, "c");
}

static void insecure_and_cacert_set_each_other_aside(void **state) {
	const struct tls_settings *tls = &cli.settings.tls;
	(void)state;
	write_file("strest.toml", "url = \"http://x\"\ncacert = \"file.pem\"");
	assert_taken(PARSE("--insecure"));
	assert_true(tls->insecure);
	assert_null(tls->cacert);
	assert_taken(PARSE("--insecure=false"));
	assert_string_equal(tls->cacert, "file.pem");
	write_file("strest.toml", "url = \"http://x\"\ninsecure = true");
	assert_taken(PARSE("--cacert", "line.pem"));
	assert_false(tls->insecure);
	assert_string_equal(tls->cacert, "line.pem");
	write_file("strest.toml", "url = \"http://x\"");
	assert_taken(PARSE("--cacert", "line.pem", "--insecure=false"));
	assert_string_equal(tls->cacert, "line.pem");
}

static void no_color_comes_last(void **state) {
	(void)state;
	setenv("NO_COLOR", "", 1);
	assert_taken(PARSE("-u", "http://x"));
	assert_false(cli.settings.out.no_color);
	setenv("NO_COLOR", "0", 1); /* any text that is not empty */
	assert_taken(PARSE("-u", "http://x"));
	assert_true(cli.settings.out.no_color);
	assert_taken(PARSE("target"));
	assert_true(cli.settings.out.no_color);
	assert_taken(PARSE("-u", "http://x", "--no-color=false"));
	assert_false(cli.settings.out.no_color);
	write_file("strest.toml", "url = \"http://x\"\nno_color = false");
	assert_taken(PARSE(NULL));
	assert_false(cli.settings.out.no_color);
}

static void warnings_are_handed_on(void **state) {
	(void)state;
	write_file("strest.toml", "url = \"http://x\"\nno_charts = true\nhttp2 = true");
	assert_taken(PARSE(NULL));
	assert_int_equal(cli.warning_count, 2);
	assert_string_equal(cli.warnings[0], "strest.toml:2:1: no_charts: charts come with a later version of strest; left out");
}

/* The rules across options name the file's keys and places, and the command line's flags. */
static void rules_speak_of_where_the_values_stand(void **state) {
	static const struct {
		const char *text, *args[ARGS], *want;
	} cases[] = {
		{"max_tasks = 5", {NULL}, "no URL to load: strest.toml has none; write e.g. --url http://localhost:3000/"},
		{"url = \"localhost:3000\"", {NULL}, "strest.toml:1:7: url: URL 'localhost:3000' has no scheme; write http://localhost:3000"},
		{"url = \"http://x\"\nwarmup = \"30s\"", {NULL},
			"strest.toml:2:10: warmup: 30s leaves nothing of the duration of 30s; write a shorter warm-up or a longer duration"},
		{"url = \"http://x\"\nwarmup = \"30s\"", {"-t", "20"},
			"strest.toml:2:10: warmup: 30s leaves nothing of the --duration of 20s; write a shorter warm-up or a longer duration"},
		{"url = \"http://x\"\nduration = 20", {"--warmup", "20s"},
			"--warmup: 20s leaves nothing of the duration of 20s; write a shorter warm-up or a longer duration"},
		{"url = \"http://x\"\nno_ua = true", {NULL},
			"strest.toml:2:9: no_ua needs authorized (I have explicit permission to test this target); add authorized = true"},
		{"url = \"http://x\"\nheaders = [\"A: b\",\n\"User-Agent: x\"]", {NULL},
			"strest.toml:3:1: headers: another User-Agent needs permission to test this target; if you have it, add authorized = true"},
		{"url = \"http://x\"\narrival = \"even\"", {NULL}, "strest.toml:2:11: arrival needs a rate; add e.g. rate = 100"},
		{"url = \"http://x\"\n[[load.stages]]\nduration = \"1s\"\ntarget = 0\n[[load.stages]]\nduration = \"1s\"\ntarget = 0", {NULL},
			"strest.toml:2:1: load.stages: every rate is 0, nothing would be sent; write one over 0"},
		{"url = \"http://x\"\nthreads = 4\nmax_tasks = 3", {NULL},
			"strest.toml:2:11: threads: 4 is more than the max_tasks of 3; write at most as many"},
		{"url = \"http://x\"\nthreads = 4", {"-m", "3"},
			"strest.toml:2:11: threads: 4 is more than the --max-tasks of 3; write at most as many"},
		{"url = \"http://x\"\ntls_min = \"1.3\"\ntls_max = \"1.2\"", {NULL},
			"strest.toml:2:11: tls_min: 1.3 is over the tls_max of 1.2; write a lower one, or a higher tls_max"},
		{"url = \"http://x\"\ncert = \"a\"", {NULL}, "strest.toml:2:8: cert needs key (Private key of --cert, PEM); add key = \"FILE\""},
		{"url = \"http://x\"\nrate = 5\n[thresholds]\np99 = \"<1s\"\nstage.2.p95 = \"<1s\"", {NULL},
			"strest.toml:5:15: thresholds: 'stage.2.p95<1s' asks about a stage, but the load has none; add e.g. --stages "
			"30s@500,1m@2000"},
		{"url = \"http://x\"\n[thresholds]\nabort = true", {NULL},
			"strest.toml:3:9: thresholds.abort: there is no threshold that could be missed; add one"},
		{"url = \"x\"\nx = 1\ny = 2", {NULL}, "strest.toml:2:1: unknown key 'x' (and 1 more: strest config check strest.toml)"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		write_file("strest.toml", cases[i].text);
		assert_false(parse(cases[i].args));
		assert_string_equal(err.text, cases[i].want);
		assert_int_equal(err.code, ERR_FAILED);
	}
}

static void check_says_everything_in_order(void **state) {
	(void)state;
	write_file("a.toml", "warmup = \"30s\"\nno_charts = true\nrate = \"x\"\narrival = \"even\"\nx = 1\nno_ua = true\n");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_int_equal(cli.action, CLI_CHECK_CONFIG);
	assert_true(cli.failed);
	assert_string_equal(cli.text,
		"a.toml:1:10: warmup: 30s leaves nothing of the duration of 30s; write a shorter warm-up or a longer duration\n"
		"a.toml:2:1: warning: no_charts: charts come with a later version of strest; left out\n"
		"a.toml:3:8: rate: 'x' is not a number; write e.g. rate = 100\n" /* and nothing about the arrival: the rate is not known */
		"a.toml:5:1: unknown key 'x'\n"
		"a.toml:6:9: no_ua needs authorized (I have explicit permission to test this target); add authorized = true\n");
	write_file("a.toml", "max_tasks = 5");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_false(cli.failed);
	assert_string_equal(cli.text, "a.toml: good\n");
	write_file("a.toml", "no_charts = true");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_false(cli.failed);
	assert_string_equal(cli.text, "a.toml:1:1: warning: no_charts: charts come with a later version of strest; left out\n"
				      "a.toml: good, with 1 key left out\n");
	write_file("strest.toml", "x = \n");
	assert_taken(PARSE("config", "check"));
	assert_true(cli.failed);
	assert_string_equal(cli.text, "strest.toml:1:5: key-value pair: expected value, saw '\\n'\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(a_file_here_is_read),
		TEST(the_command_line_wins_over_the_file_and_the_file_over_presets),
		TEST(a_rate_or_stages_stand_for_all_of_the_files_load),
		TEST(a_body_of_the_command_line_replaces_the_files),
		TEST(insecure_and_cacert_set_each_other_aside),
		TEST(no_color_comes_last),
		TEST(warnings_are_handed_on),
		TEST(rules_speak_of_where_the_values_stand),
		TEST(check_says_everything_in_order),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
