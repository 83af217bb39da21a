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
static const char *const variables[] = {
	"NO_COLOR", "REQUEST_METHOD", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
static char folder[] = "/tmp/strest-merge-XXXXXX";

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < LENGTH(variables); i++) unsetenv(variables[i]);
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

/* What of two options that exclude each other the command line gave stands; the file's goes. */
static void an_option_of_the_command_line_sets_the_files_aside(void **state) {
	const struct http_settings *http = &cli.settings.http;
	const struct net_settings *net = &cli.settings.net;
	(void)state;
	write_file("strest.toml", "url = \"http://x\"\nform = [\"a=b\"]\nbasic_auth = \"a:b\"\nproxy = \"http://p\"\nipv6 = true\n"
				  "disable_keepalive = true");
	assert_taken(PARSE("-d", "body", "--bearer", "t", "--no-proxy", "--ipv4", "--requests-per-connection", "5"));
	assert_int_equal(http->form.count, 0);
	assert_string_equal(http->data, "body");
	assert_null(http->basic_auth);
	assert_string_equal(http->bearer, "t");
	assert_null(net->proxy);
	assert_true(net->ipv4 && !net->ipv6);
	assert_false(net->disable_keepalive);
	assert_taken(PARSE("--urls-from-file", "list", "-H", "Authorization: x", "--unix-socket", "s"));
	assert_null(http->url);
	assert_string_equal(http->urls_from_file, "list");
	assert_null(http->basic_auth);
	assert_null(net->proxy);
	assert_false(net->ipv6);
	assert_taken(PARSE("-T", "a/b"));
	assert_int_equal(http->form.count, 0);
	assert_taken(PARSE("-H", "X-Authorization: x", "--no-proxy=false"));
	assert_string_equal(http->basic_auth, "a:b");
	assert_string_equal(net->proxy, "http://p");
	write_file("strest.toml", "urls_from_file = \"list\"\ndata = \"body\"\nno_proxy = true\nbearer = \"t\"\nform = []");
	assert_taken(PARSE("-u", "http://x", "-F", "a=b", "-p", "http://p", "-a", "a:b"));
	assert_null(http->urls_from_file);
	assert_string_equal(http->url, "http://x");
	assert_null(http->data);
	assert_int_equal(http->form.count, 1);
	assert_false(net->no_proxy);
	assert_null(http->bearer);
	assert_taken(PARSE(NULL)); /* an empty form excludes no data */
	assert_string_equal(http->data, "body");
}

static void a_form_is_posted_unless_a_method_is_given(void **state) {
	(void)state;
	assert_taken(PARSE("-u", "http://x", "-F", "a=b"));
	assert_int_equal(cli.settings.http.method, METHOD_POST);
	assert_taken(PARSE("-u", "http://x", "-F", "a=b", "-X", "get"));
	assert_int_equal(cli.settings.http.method, METHOD_GET);
	assert_taken(PARSE("-u", "http://x", "-d", "a=b"));
	assert_int_equal(cli.settings.http.method, METHOD_GET);
	write_file("strest.toml", "url = \"http://x\"\nmethod = \"put\"");
	assert_taken(PARSE("-F", "a=b"));
	assert_int_equal(cli.settings.http.method, METHOD_PUT);
	write_file("strest.toml", "url = \"http://x\"\nform = [\"a=b\"]");
	assert_taken(PARSE("--print-config"));
	assert_int_equal(cli.settings.http.method, METHOD_POST);
	assert_non_null(strstr(cli.text, "method = \"post\"  # --form\n"));
}

/* As curl has it: lower case first, empty is not set. */
static void the_environment_names_proxies(void **state) {
	const struct proxy_environment *proxies = &cli.settings.proxies;
	(void)state;
	assert_taken(PARSE("-u", "http://x"));
	assert_true(!proxies->http && !proxies->https && !proxies->all && !proxies->none);
	setenv("HTTP_PROXY", "upper:1", 1);
	setenv("https_proxy", "", 1);
	setenv("HTTPS_PROXY", "upper:2", 1);
	setenv("all_proxy", "lower:3", 1);
	setenv("ALL_PROXY", "upper:3", 1);
	setenv("no_proxy", "a,b", 1);
	assert_taken(PARSE("-u", "http://x"));
	assert_string_equal(proxies->http, "upper:1");
	assert_string_equal(proxies->https, "upper:2");
	assert_string_equal(proxies->all, "lower:3");
	assert_string_equal(proxies->none, "a,b");
	setenv("NO_PROXY", "", 1);
	setenv("no_proxy", "", 1);
	setenv("REQUEST_METHOD", "GET", 1);
	assert_taken(PARSE("-u", "http://x"));
	assert_null(proxies->http);
	assert_string_equal(proxies->https, "upper:2");
	assert_null(proxies->none);
	setenv("http_proxy", "lower:1", 1);
	assert_taken(PARSE("-u", "http://x"));
	assert_string_equal(proxies->http, "lower:1");
	assert_taken(PARSE("target"));
	assert_null(proxies->http);
}

static void the_page_shows_the_proxies_that_count(void **state) {
	(void)state;
	setenv("HTTP_PROXY", "http://ann:sesame@p:1", 1);
	setenv("ALL_PROXY", "ann:sesame@q:2", 1);
	setenv("no_proxy", "a\n,b", 1);
	assert_taken(PARSE("--print-config"));
	assert_non_null(strstr(cli.text, "\n# proxy: not set\n# HTTP_PROXY: \"http://***@p:1\"\n# ALL_PROXY: \"***@q:2\"\n# NO_PROXY: \"a\\n,b\"\n"));
	assert_null(strstr(cli.text, "sesame"));
	setenv("https_proxy", "r:3", 1); /* now both schemes have one of their own */
	assert_taken(PARSE("--print-config"));
	assert_non_null(strstr(cli.text, "\n# HTTPS_PROXY: \"r:3\"\n"));
	assert_null(strstr(cli.text, "# ALL_PROXY"));
	assert_taken(PARSE("--print-config", "--no-proxy"));
	assert_null(strstr(cli.text, "PROXY:"));
	assert_taken(PARSE("--print-config", "-p", "http://ann:sesame@p:1"));
	assert_non_null(strstr(cli.text, "\nproxy = \"http://***@p:1\"  # --proxy\n"));
	assert_null(strstr(cli.text, "PROXY:"));
	assert_null(strstr(cli.text, "sesame"));
}

static void a_header_for_no_proxy_is_a_warning(void **state) {
	(void)state;
	assert_taken(PARSE("-u", "http://x", "--proxy-header", "A: b"));
	assert_int_equal(cli.warning_count, 1);
	assert_string_equal(cli.warnings[0], "--proxy-header: there is no proxy to send it to; add e.g. --proxy http://localhost:3128");
	assert_taken(PARSE("-u", "http://x", "--proxy-header", "A: b", "-p", "http://p"));
	assert_int_equal(cli.warning_count, 0);
	setenv("ALL_PROXY", "p:1", 1);
	assert_taken(PARSE("-u", "http://x", "--proxy-header", "A: b"));
	assert_int_equal(cli.warning_count, 0);
	assert_taken(PARSE("-u", "http://x", "--proxy-header", "A: b", "--no-proxy"));
	assert_int_equal(cli.warning_count, 1);
	write_file("strest.toml", "url = \"http://x\"\nsummary = true\nproxy_headers = [\"A: b\"]\nunix_socket = \"s\"");
	assert_taken(PARSE(NULL));
	assert_int_equal(cli.warning_count, 2);
	assert_string_equal(
		cli.warnings[1], "strest.toml:3:17: proxy_headers: there is no proxy to send it to; add e.g. --proxy http://localhost:3128");
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
	write_file("strest.toml", "url = \"http://x\"\nsummary = true\nhttp3 = true");
	assert_taken(PARSE(NULL));
	assert_int_equal(cli.warning_count, 2);
	assert_string_equal(cli.warnings[0], "strest.toml:2:1: summary: the summary is always printed; left out");
}

/* The rules across options name the file's keys and places, and the command line's flags. */
static void rules_speak_of_where_the_values_stand(void **state) {
	static const struct {
		const char *text, *args[ARGS], *want;
	} cases[] = {
		{"max_tasks = 5", {NULL}, "no URL to load: strest.toml has none; write e.g. --url http://localhost:3000/, or --urls-from-file FILE"},
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
		{"url = \"http://x\"\nproxy = \"socks5://p:1\"", {NULL},
			"strest.toml:2:9: proxy: URL 'socks5://p:1': scheme 'socks5' is not supported; write http:// or https://"},
		{"url = \"http://x\"\nproxy = \"http://a:sesame@p/x\"", {NULL},
			"strest.toml:2:9: proxy: URL 'http://***@p/x' has a path or a query, which no proxy has; write http://p"},
		{"url = \"https://x\"\nunix_socket = \"s\"", {NULL}, "strest.toml:2:15: unix_socket speaks plain http only; write an http:// URL"},
		{"url = \"http://x\"\nheaders = [\"A: b\",\n\"Authorization: x\"]\nbearer = \"sesame\"", {NULL},
			"strest.toml:3:1: headers: Authorization is made by bearer; give one of them"},
		{"url = \"http://x\"\nheaders = [\"Authorization: x\"]", {"-a", "a:b"},
			"strest.toml:2:12: headers: Authorization is made by --basic-auth; give one of them"},
		{"url = \"http://x\"\nheaders = [\"content-type: x\"]\nform = [\"a=b\"]", {NULL},
			"strest.toml:2:12: headers: form says its own Content-Type; leave this one out"},
		{"url = \"http://x\"\nconnection_pick = \"lru\"", {NULL}, "strest.toml:2:19: connection_pick needs a rate; add e.g. rate = 100"},
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
	write_file("a.toml", "warmup = \"30s\"\nsummary = true\nrate = \"x\"\narrival = \"even\"\nx = 1\nno_ua = true\n");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_int_equal(cli.action, CLI_CHECK_CONFIG);
	assert_true(cli.failed);
	assert_string_equal(cli.text,
		"a.toml:1:10: warmup: 30s leaves nothing of the duration of 30s; write a shorter warm-up or a longer duration\n"
		"a.toml:2:1: warning: summary: the summary is always printed; left out\n"
		"a.toml:3:8: rate: 'x' is not a number; write e.g. rate = 100\n" /* and nothing about the arrival: the rate is not known */
		"a.toml:5:1: unknown key 'x'\n"
		"a.toml:6:9: no_ua needs authorized (I have explicit permission to test this target); add authorized = true\n");
	write_file("a.toml", "max_tasks = 5");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_false(cli.failed);
	assert_string_equal(cli.text, "a.toml: good\n");
	write_file("a.toml", "summary = true");
	assert_taken(PARSE("config", "check", "a.toml"));
	assert_false(cli.failed);
	assert_string_equal(cli.text, "a.toml:1:1: warning: summary: the summary is always printed; left out\n"
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
		TEST(an_option_of_the_command_line_sets_the_files_aside),
		TEST(a_form_is_posted_unless_a_method_is_given),
		TEST(the_environment_names_proxies),
		TEST(the_page_shows_the_proxies_that_count),
		TEST(a_header_for_no_proxy_is_a_warning),
		TEST(no_color_comes_last),
		TEST(warnings_are_handed_on),
		TEST(rules_speak_of_where_the_values_stand),
		TEST(check_says_everything_in_order),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
