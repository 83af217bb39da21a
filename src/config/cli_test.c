#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/cli.h"
#include "config/option.h"

#define ARGS 12
#define URL "http://127.0.0.1:3000/"

static struct cli cli;
static struct err err;

/* Parses "strest" and the given words, up to NULL. */
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

struct refused {
	const char *args[ARGS];
	const char *want;
};

static void check_refused(const struct refused *cases, size_t count, enum err_code code) {
	for (size_t i = 0; i < count; i++) {
		struct cli before = {.text = "untouched"};
		cli = before;
		if (parse(cases[i].args)) fail_msg("taken, instead of: %s", cases[i].want);
		assert_string_equal(err.text, cases[i].want);
		assert_int_equal(err.code, code);
		assert_memory_equal(&cli, &before, sizeof(cli));
	}
}

static void a_value_may_stand_in_five_ways(void **state) {
	static const char *const cases[][ARGS] = {
		{"--url", URL, "--max-tasks", "5"},
		{"--url=" URL, "--max-tasks=5"},
		{"-u" URL, "-m5"},
		{"-u", URL, "-m", "5"},
		{"-u=" URL, "-m=5"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_taken(parse(cases[i]));
		assert_int_equal(cli.action, CLI_RUN);
		assert_string_equal(cli.settings.http.url, URL);
		assert_int_equal(cli.settings.load.max_tasks, 5);
	}
}

static void a_value_that_begins_with_a_dash_is_glued(void **state) {
	static const struct {
		const char *args[ARGS], *want;
	} cases[] = {
		{{"-u", URL, "--data=-x"}, "-x"},
		{{"-u", URL, "-d-x"}, "-x"},
		{{"-u", URL, "-d=-x"}, "-x"},
		{{"-u", URL, "--data=--json"}, "--json"},
		{{"-u", URL, "-d", "-"}, "-"},
		{{"-u", URL, "-d", "=x"}, "=x"},
		{{"-u", URL, "-d==x"}, "=x"},
		{{"-u", URL, "--data==x"}, "=x"},
		{{"-u", URL, "--data="}, ""},
		{{"-u", URL, "-d="}, ""},
		{{"-u", URL, "-d", ""}, ""},
		{{"-u", URL, "--data", "a=b"}, "a=b"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_taken(parse(cases[i].args));
		assert_string_equal(cli.settings.http.data, cases[i].want);
	}
}

static void flags_are_on_off_or_said(void **state) {
	(void)state;
	assert_taken(PARSE("-u", URL));
	assert_false(cli.settings.out.json);
	assert_taken(PARSE("-u", URL, "--json"));
	assert_true(cli.settings.out.json);
	assert_taken(PARSE("-u", URL, "--json=true"));
	assert_true(cli.settings.out.json);
	assert_taken(PARSE("-u", URL, "--json=false"));
	assert_false(cli.settings.out.json);
	assert_taken(PARSE("-u", URL, "--"));
	assert_false(PARSE("-u", URL, "--json", "true")); /* a word of its own is no value of a flag */
}

/* Every alias writes into the same place as its flag and counts as the same option. */
static void every_alias_is_its_option(void **state) {
	static const struct {
		const char *flag, *alias, *value;
		bool list;
	} cases[] = {
		{"headers", "header", "A: b", true},
		{"no-ua", "no-default-ua", "false", false},
		{"max-tasks", "concurrency", "5", false},
		{"max-tasks", "connections", "5", false},
		{"proxy", "proxy-url", "http://127.0.0.1:1", false},
		{"proxy-header", "proxy-headers", "A: b", true},
		{"http2-parallel", "streams", "1", false},
		{"no-tui", "no-ui", "false", false},
	};
	unsigned aliases = 0;
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *flag = arena_format(&arena, "--%s=%s", cases[i].flag, cases[i].value);
		const char *alias = arena_format(&arena, "--%s=%s", cases[i].alias, cases[i].value);
		assert_ptr_equal(option_by_name(slice_of(cases[i].flag), COMMAND_RUN), option_by_name(slice_of(cases[i].alias), COMMAND_RUN));
		assert_taken(PARSE("-u", URL, alias));
		assert_int_equal(PARSE("-u", URL, flag, alias), cases[i].list);
		assert_int_equal(PARSE("-u", URL, alias, alias), cases[i].list);
	}
	for (size_t i = 0; i < OPTION_COUNT; i++) aliases += (option_rows[i].alias != NULL) + (option_rows[i].alias2 != NULL);
	assert_int_equal(aliases, LENGTH(cases)); /* none is missing above */
	assert_taken(PARSE("-u", URL, "--concurrency", "7"));
	assert_int_equal(cli.settings.load.max_tasks, 7);
}

static void every_option_but_a_list_is_given_once(void **state) {
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *value = row->preset                ? row->preset
				    : row->kind == KIND_TIME   ? "1s"
				    : row->kind == KIND_STAGES ? "1s@1"
				    : row->kind == KIND_BOOL   ? "true"
				    : row->kind == KIND_TLS    ? "1.2"
							       : "1";
		const char *option, *want = arena_format(&arena, "--%s may be given only once", row->flag);
		if (row->kind == KIND_LIST) continue;
		if (row->check == CHECK_BOUND) value = "10s";
		if (row->check == CHECK_RANGE) value = "1-2";
		if (row->check == CHECK_STALL) value = "1ms/1s";
		if (row->check == CHECK_BASIC) value = "a:b";
		if (row->check == CHECK_FOLDER) value = "a";
		if (row->check == CHECK_HTTP_VERSION) value = "2";
		if (row->check == CHECK_LISTEN) value = ":1";
		option = arena_format(&arena, "--%s=%s", row->flag, value);
		const char *command = row->commands & COMMAND_RUN ? "" : row->commands & COMMAND_TARGET ? "target" : "cleanup";
		assert_false(*command ? PARSE(command, option, option) : PARSE(option, option));
		assert_int_equal(err.code, ERR_USAGE);
		assert_memory_equal(err.text, want, strlen(want));
	}
}

static void a_list_keeps_order_and_doubles(void **state) {
	(void)state;
	assert_taken(PARSE("-H", "A: 1", "-u", URL, "--headers=B: 2", "-HA: 1", "--header", "C:"));
	assert_int_equal(cli.settings.http.headers.count, 4);
	assert_string_equal(cli.settings.http.headers.at[0], "A: 1");
	assert_string_equal(cli.settings.http.headers.at[1], "B: 2");
	assert_string_equal(cli.settings.http.headers.at[2], "A: 1");
	assert_string_equal(cli.settings.http.headers.at[3], "C:");
}

static void every_letter_is_its_option(void **state) {
	static const char letters[] = "uXHATdDZFaptmriqsv"; /* as in the specification's tables, and q for the rate */
	size_t found = 0;
	(void)state;
	assert_taken(PARSE("-XPOST", "-u", URL, "-AA", "-TT", "-s3xx", "-t90", "-m4", "-r2", "-i3", "-q7"));
	assert_int_equal(cli.settings.http.method, METHOD_POST);
	assert_string_equal(cli.settings.http.accept, "A");
	assert_string_equal(cli.settings.http.content_type, "T");
	assert_true(status_set_has(&cli.settings.http.status, 302));
	assert_int_equal(cli.settings.load.duration, 90 * SEC);
	assert_int_equal(cli.settings.load.spawn_rate, 2);
	assert_int_equal(cli.settings.load.spawn_interval, 3);
	assert_true(cli.settings.load.rate == 7);
	assert_true(cli.spawn_given);
	assert_taken(PARSE("-u", URL, "-D", "body.json"));
	assert_string_equal(cli.settings.http.data_file, "body.json");
	for (size_t i = 0; i < OPTION_COUNT; i++) found += option_rows[i].letter && strchr(letters, option_rows[i].letter);
	assert_int_equal(found, strlen(letters));
}

static void given_looks_at_the_user_only(void **state) {
	(void)state;
	assert_taken(PARSE("-u", URL));
	assert_false(cli.spawn_given);
	assert_false(cli.preconnect_given);
	assert_taken(PARSE("-u", URL, "--spawn-interval=100"));
	assert_true(cli.spawn_given);
	assert_taken(PARSE("-u", URL, "--preconnect=0"));
	assert_true(cli.preconnect_given);
}

static void help_and_version_are_asked_for_at_once(void **state) {
	static const struct {
		const char *args[ARGS];
		enum cli_action action;
		enum option_command command;
	} cases[] = {
		{{NULL}, CLI_HELP, COMMAND_RUN},
		{{"--"}, CLI_HELP, COMMAND_RUN},
		{{"-h"}, CLI_HELP, COMMAND_RUN},
		{{"--help"}, CLI_HELP, COMMAND_RUN},
		{{"help"}, CLI_HELP, COMMAND_RUN},
		{{"-m5", "-h", "--unknown"}, CLI_HELP, COMMAND_RUN},
		{{"help", "target"}, CLI_HELP, COMMAND_TARGET},
		{{"target", "--help"}, CLI_HELP, COMMAND_TARGET},
		{{"target", "-h"}, CLI_HELP, COMMAND_TARGET},
		{{"-u", URL, "target", "--help"}, CLI_HELP, COMMAND_TARGET},
		{{"help", "all"}, CLI_HELP, COMMAND_RUN},
		{{"help", "target", "all"}, CLI_HELP, COMMAND_TARGET},
		{{"--help", "all"}, CLI_HELP, COMMAND_RUN},
		{{"target", "-h", "all"}, CLI_HELP, COMMAND_TARGET},
		{{"config", "--help"}, CLI_HELP, COMMAND_RUN},
		{{"config", "check", "-h"}, CLI_HELP, COMMAND_RUN},
		{{"--version"}, CLI_VERSION, 0},
		{{"-V"}, CLI_VERSION, 0},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_taken(parse(cases[i].args));
		assert_int_equal(cli.action, cases[i].action);
		assert_int_equal(cli.command, cases[i].command);
		size_t words = 0;
		while (words < ARGS && cases[i].args[words]) words++;
		assert_int_equal(cli.help_all, words > 0 && strcmp(cases[i].args[words - 1], "all") == 0);
	}
}

static void target_has_its_own_options(void **state) {
	(void)state;
	assert_taken(PARSE("target"));
	assert_int_equal(cli.action, CLI_TARGET);
	assert_string_equal(cli.settings.target.listen, "127.0.0.1:3000");
	assert_taken(PARSE("target", "--listen", "[::1]:0", "--threads=4", "--stall", "200ms/1s", "--record", "truth.rec"));
	assert_string_equal(cli.settings.target.listen, "[::1]:0");
	assert_int_equal(cli.settings.target.threads, 4);
	assert_string_equal(cli.settings.target.stall, "200ms/1s");
	assert_string_equal(cli.settings.target.record, "truth.rec");
	assert_taken(PARSE("--threads", "2", "target", "--threads", "3")); /* before it: of strest, read and unused */
	assert_int_equal(cli.settings.target.threads, 3);
}

static void a_wrong_line_is_a_usage_error(void **state) {
	static const struct refused cases[] = {
		{{"--rat", "5"}, "unknown option '--rat'; did you mean '--rate'?"},
		{{"--rat=5"}, "unknown option '--rat'; did you mean '--rate'?"},
		{{"--max-task", "5"}, "unknown option '--max-task'; did you mean '--max-tasks'?"},
		{{"--dur=5"}, "unknown option '--dur'; did you mean '--duration'?"},
		{{"--hlep"}, "unknown option '--hlep'; did you mean '--help'?"},
		{{"--versoin"}, "unknown option '--versoin'; did you mean '--version'?"},
		{{"--no-chart"}, "unknown option '--no-chart'; did you mean '--no-charts'?"},
		{{"--summary=true"}, "unknown option '--summary'; the summary is always printed"},
		{{"--http3"}, "unknown option '--http3'; HTTP/3 comes with a later version of strest, HTTP/1.1 and HTTP/2 are spoken"},
		{{"--proxy-http2"},
			"unknown option '--proxy-http2'; the proxy is spoken to in HTTP/1.1, other versions come with a later version of strest"},
		{{"--prxy", "x"}, "unknown option '--prxy'; did you mean '--proxy'?"},
		{{"-u", URL, "--no-proxy", "localhost"}, "unexpected word 'localhost' behind --no-proxy, which takes no value"},
		{{"-u", URL, "-o", "a.csv", "--export-csv", "b"}, "--output and --export-csv exclude each other; give one of them"},
		{{"-m5n"}, "--max-tasks: '5n' is not a whole number; write e.g. --max-tasks 1000"},
		{{"target", "--no-charts"}, "unknown option '--no-charts'; it belongs to 'strest'"},
		{{"config"}, "config: what to do is missing; write 'strest config check FILE'"},
		{{"config", "chekc"}, "unknown command 'config' 'chekc'; write 'strest config check FILE'"},
		{{"config", "check"}, "config check: the file is missing; write 'strest config check FILE'"},
		{{"config", "check", "--all"}, "unknown option '--all'; write 'strest config check FILE'"},
		{{"config", "check", "a.toml", "b.toml"}, "unexpected word 'b.toml' after the file; write 'strest config check FILE'"},
		{{"confg", "check"}, "unknown command 'confg'; did you mean 'config'?"},
		{{"cleanp"}, "unknown command 'cleanp'; did you mean 'cleanup'?"},
		{{"help", "all", "x"}, "unexpected word 'x' after 'help all'"},
		{{"--no-json"}, "unknown option '--no-json'"},
		{{"--=x"}, "unknown option '--'"},
		{{"--\x1b[0m"}, "unknown option '--?[0m'"},
		{{"--listen", "x"}, "unknown option '--listen'; it belongs to 'strest target'"},
		{{"target", "--url", URL}, "unknown option '--url'; it belongs to 'strest'"},
		{{"target", "--recrod", "x"}, "unknown option '--recrod'; did you mean '--record'?"},
		{{"target", "-V"}, "unknown option '-V'"},
		{{"target", "--version"}, "unknown option '--version'"},
		{{"-y"}, "unknown option '-y'"},
		{{"-\xc3\xa9"}, "unknown option '-?'"},
		{{"--rate"}, "--rate: the value is missing; write e.g. --rate 100"},
		{{"-q"}, "--rate: the value is missing; write e.g. --rate 100"},
		{{"--concurrency"}, "--max-tasks: the value is missing; write e.g. --max-tasks 1000"},
		{{"-d", "-x"}, "--data: the value is missing before '-x'; a value that begins with '-' is written --data=VALUE"},
		{{"--data", "--json"}, "--data: the value is missing before '--json'; a value that begins with '-' is written --data=VALUE"},
		{{"-d", "--"}, "--data: the value is missing before '--'; a value that begins with '-' is written --data=VALUE"},
		{{"--rate", "-5"}, "--rate: the value is missing before '-5'; a value that begins with '-' is written --rate=VALUE"},
		{{"--rate=abc"}, "--rate: 'abc' is not a number; write e.g. --rate 100"},
		{{"--help=x"}, "--help takes no value; write it alone"},
		{{"--version="}, "--version takes no value; write it alone"},
		{{"-m5", "--connections", "5"}, "--max-tasks may be given only once (--concurrency and --connections are the same option)"},
		{{"--no-ua", "--no-default-ua"}, "--no-ua may be given only once (--no-default-ua is the same option)"},
		{{"-u", URL, "-u", URL}, "--url may be given only once"},
		{{"targte"}, "unknown command 'targte'; did you mean 'target'?"},
		{{"run"}, "unknown command 'run'"},
		{{"-"}, "unknown command '-'"},
		{{""}, "unknown command ''"},
		{{URL}, "unknown command '" URL "'; write --url before the address"},
		{{"http://ann:sesame@host/"}, "unknown command 'http://***@host/'; write --url before the address"},
		{{"ann:sesame@host/"}, "unknown command '***@host/'"},
		{{"target", "http://ann:sesame@h"}, "unexpected word 'http://***@h'; every value belongs to an option"},
		{{"--", "http://ann:sesame@h"}, "unexpected word 'http://***@h' after '--'"},
		{{"-u", URL, "-H", "Cookie:", "sesame"}, "a word stands alone behind 'Cookie:'; put the whole header between quotes"},
		{{"-u", "--header=Cookie: sesame"},
			"--url: the value is missing before '--header'; a value that begins with '-' is written --url=VALUE"},
		{{"-u", "-HCookie: sesame"}, "--url: the value is missing before '-H'; a value that begins with '-' is written --url=VALUE"},
		{{"-u", URL, "-H", "A: b", "-H", "sesame"}, "--headers: header 2 has no colon; write e.g. --headers 'Accept: text/html'"},
		{{"-u", URL, "5"}, "unknown command '5'"},
		{{"help", "run"}, "unknown command 'run'"},
		{{"help", "target", "x"}, "unexpected word 'x' after 'help target'"},
		{{"target", "x"}, "unexpected word 'x'; every value belongs to an option"},
		{{"--", "target"}, "unexpected word 'target' after '--'"},
		{{"-u", URL, "--", "--json"}, "unexpected word '--json' after '--'"},
		{{"-u", URL, "-a", "sesame"}, "--basic-auth: the value has no ':' between user and password; write --basic-auth USER:PASSWORD"},
		{{"-u", URL, "--bearer", "Bearer sesame"}, "--bearer: the value has a blank; write the token alone, without 'Bearer'"},
		{{"-u", URL, "--bearer", "-sesame"}, "--bearer: the value is missing, or begins with '-'; then it is written --bearer=VALUE"},
		{{"-u", URL, "-a", "ann:open", "sesame"}, "a word stands alone behind the value of --basic-auth; put the whole value between quotes"},
	};
	(void)state;
	check_refused(cases, LENGTH(cases), ERR_USAGE);
}

/* What curl, wrk, ab and hey call otherwise. */
static void habits_of_other_tools_are_answered_with_what_to_write(void **state) {
	static const struct refused cases[] = {
		{{"-n", "5"}, "unexpected word '5' behind --no-charts, which takes no value; for a number of requests write --requests N"},
		{{"-n", "-u", URL, "5"}, "unknown command '5'"},
		{{"-c", "5"},
			"--charts-path: '5' is a number; for so many at once write --max-tasks N --spawn-rate N; a folder of that name is written "
			"./NAME"},
		{{"--vus", "5"}, "unknown option '--vus'; for so many at once write --max-tasks N --spawn-rate N"},
		{{"-k"}, "unknown option '-k'; to leave certificates unchecked write --insecure"},
		{{"--noproxy", "*"},
			"unknown option '--noproxy'; for no proxy at all write --no-proxy; the variable NO_PROXY names the hosts that want none"},
		{{"--max-redirs=3"}, "unknown option '--max-redirs'; write --redirect N"},
		{{"--http2-prior-knowledge"}, "unknown option '--http2-prior-knowledge'; write --http2, which http:// URLs get without asking"},
		{{"--http1.1"}, "unknown option '--http1.1'; write --http-version 1.1"},
		{{"target", "-k"}, "unknown option '-k'"},
	};
	(void)state;
	check_refused(cases, LENGTH(cases), ERR_USAGE);
}

static void options_that_exclude_each_other_are_a_usage_error(void **state) {
	static const struct refused cases[] = {
		{{"-u", URL, "-d", "x", "-D", "y"}, "--data and --data-file exclude each other; give one of them"},
		{{"-u", URL, "--cacert", "x", "--insecure"}, "--cacert and --insecure exclude each other; give one of them"},
		{{"-u", URL, "--insecure", "--cacert", "x"}, "--cacert and --insecure exclude each other; give one of them"},
		{{"-u", URL, "-d", "x", "-F", "a=b"}, "--data and --form exclude each other; give one of them"},
		{{"-u", URL, "-T", "a/b", "-F", "a=b"}, "--content-type and --form exclude each other; give one of them"},
		{{"-u", URL, "--urls-from-file", "x"}, "--url and --urls-from-file exclude each other; give one of them"},
		{{"-u", URL, "--ipv6", "--ipv4"}, "--ipv4 and --ipv6 exclude each other; give one of them"},
		{{"-u", URL, "-a", "a:b", "--bearer", "c"}, "--basic-auth and --bearer exclude each other; give one of them"},
		{{"-u", URL, "--no-proxy", "-p", "http://p"}, "--proxy and --no-proxy exclude each other; give one of them"},
		{{"-u", URL, "--unix-socket", "s", "-p", "http://p"}, "--proxy and --unix-socket exclude each other; give one of them"},
		{{"-u", URL, "--json", "--debug"}, "--json and --debug exclude each other; give one of them"},
	};
	(void)state;
	check_refused(cases, LENGTH(cases), ERR_USAGE);
}

static void rules_across_options_are_checked(void **state) {
	static const char agent[] = "--headers: another User-Agent needs permission to test this target; if you have it, add --authorized";
	static const char no_ua[] = "--no-ua needs --authorized (I have explicit permission to test this target); add --authorized";
	static const struct refused cases[] = {
		{{"-m5"}, "no URL to load; write e.g. --url http://localhost:3000/, or --urls-from-file FILE"},
		{{"-u", URL, "-p", "socks5://p:1"}, "--proxy: URL 'socks5://p:1': scheme 'socks5' is not supported; write http:// or https://"},
		{{"-u", URL, "-p", "proxy:3128"}, "--proxy: URL 'proxy:3128' has no scheme; write http://proxy:3128"},
		{{"-u", URL, "-p", "http://ann:sesame@p:99999"}, "--proxy: URL 'http://***@p:99999': the port is not a number from 1 to 65535"},
		{{"-u", URL, "-p", "http://ann:sesame@p:3128/path"},
			"--proxy: URL 'http://***@p:3128/path' has a path or a query, which no proxy has; write http://p:3128"},
		{{"-u", URL, "-p", "https://p?x"}, "--proxy: URL 'https://p?x' has a path or a query, which no proxy has; write https://p"},
		{{"-u", "HTTPS://h/", "--unix-socket", "s"}, "--unix-socket speaks plain http only; write an http:// URL"},
		{{"-u", URL, "--unix-socket", ""}, "--unix-socket: the path is empty; write --unix-socket PATH"},
		{{"-u", URL, "--unix-socket",
			 "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
			 "12345678"},
			"--unix-socket: the path has 108 bytes; write one of at most 107"},
		{{"-u", URL, "-a", "a:b", "-H", "A: b", "-H", "authorization: x"},
			"--headers: Authorization is made by --basic-auth; give one of them"},
		{{"-u", URL, "--bearer", "a", "-H", "Authorization: x"}, "--headers: Authorization is made by --bearer; give one of them"},
		{{"-u", URL, "-F", "a=b", "-H", "Content-Type: x"}, "--headers: --form says its own Content-Type; leave this one out"},
		{{"-u", URL, "--connection-pick", "mru"}, "--connection-pick needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000"},
		{{"-u", URL, "--warmup", "30s"},
			"--warmup: 30s leaves nothing of the --duration of 30s; write a shorter warm-up or a longer duration"},
		{{"-u", URL, "-t2s", "--warmup=2001ms"},
			"--warmup: 2001ms leaves nothing of the --duration of 2s; write a shorter warm-up or a longer duration"},
		{{"-u", URL, "--no-ua"}, no_ua},
		{{"-u", URL, "--no-ua", "--authorized=false"}, no_ua},
		{{"-u", URL, "-H", "User-Agent: x"}, agent},
		{{"-u", URL, "-H", "A: b", "-H", " user-agent :"}, agent},
		{{"-u", URL, "--arrival", "poisson"}, "--arrival needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000"},
		{{"-u", URL, "--preconnect", "1"}, "--preconnect needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000"},
		{{"-u", URL, "--spin", "on"}, "--spin on needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000"},
		{{"-u", URL, "--stages", "1s@0,2s@0"}, "--stages: every rate is 0, nothing would be sent; write e.g. --stages 30s@500,1m@2000"},
		{{"-u", "localhost:3000"}, "--url: URL 'localhost:3000' has no scheme; write http://localhost:3000"},
		{{"-u", URL, "--tls-min=1.3", "--tls-max=1.2"},
			"--tls-min: 1.3 is over the --tls-max of 1.2; write a lower one, or a higher --tls-max"},
		{{"-u", URL, "--cert", "a.pem"}, "--cert needs --key (Private key of --cert, PEM); add --key"},
		{{"-u", URL, "--threshold", "stage.1.p95<1s"},
			"--threshold: 'stage.1.p95<1s' asks about a stage, but the load has none; add e.g. --stages 30s@500,1m@2000"},
		{{"-u", URL, "--stages", "1s@5,1s@6", "--threshold", "p99<1s", "--threshold", "stage.3.p95<1s"},
			"--threshold: 'stage.3.p95<1s' asks about a stage that is not there; the last one is stage 2"},
		{{"-u", URL, "--threshold-abort"}, "--threshold-abort: there is no threshold that could be missed; add e.g. --threshold 'p99<250ms'"},
		{{"-u", URL, "--config", "no-such.toml"}, "cannot read 'no-such.toml': No such file or directory"},
		{{"-u", URL, "--config", "strest.yaml"}, "cannot read 'strest.yaml': the name of a config file ends in .toml or .json"},
		{{"config", "check", "no-such.json"}, "cannot read 'no-such.json': No such file or directory"},
		{{"-u", URL, "-m3", "--threads=4"}, "--threads: 4 is more than the --max-tasks of 3; write at most as many"},
		{{"-u", URL, "-m3", "-q1", "--preconnect=4"}, "--preconnect: 4 is more than the --max-tasks of 3; write at most as many"},
	};
	(void)state;
	check_refused(cases, LENGTH(cases), ERR_FAILED);
}

static void what_the_rules_allow_is_taken(void **state) {
	static const char *const cases[][ARGS] = {
		{"-u", URL, "--warmup", "29.999s"},
		{"-u", URL, "--no-ua", "--authorized"},
		{"-u", URL, "--no-ua=false"},
		{"-u", URL, "-H", "User-Agent: x", "--authorized"},
		{"-u", URL, "-q1", "--arrival", "poisson", "--spin", "on", "--preconnect=9"},
		{"-u", URL, "--stages", "1s@0,1s@5", "--arrival", "even"},
		{"-u", URL, "--stages", "1s@0", "-q5"},
		{"-u", URL, "--spin=off", "--preconnect=0"},
		{"-u", URL, "-m4", "--threads=4"},
		{"-u", URL, "-d", "x", "-X", "get"},
		{"-u", URL, "--tls-min=1.2", "--tls-max=1.2"},
		{"-u", URL, "--cert", "a", "--key", "b"},
		{"-u", URL, "--stages", "1s@5", "--threshold", "stage.1.p95<1s", "--threshold-abort"},
		{"--urls-from-file", "-"},
		{"--urls-from-file", "x", "-d", "body", "--unix-socket", "s"},
		{"-u", URL, "-p", "http://ann:sesame@p:3128/", "--proxy-header", "A: b"},
		{"-u", URL, "-p", "https://[::1]:1"},
		{"-u", URL, "--no-proxy=false", "-p", "http://p"},
		{"-u", URL, "--compressed", "-H", "Accept-Encoding: br"},
		{"-u", URL, "-a", "a:b", "-H", "Proxy-Authorization: x"},
		{"-u", URL, "-q1", "--connection-pick", "mru"},
		{"-u", URL, "--debug", "--json=false"},
		{"-u", URL, "--ipv4", "--ipv6=false"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_taken(parse(cases[i]));
		assert_int_equal(cli.action, CLI_RUN);
	}
}

static void a_failed_line_leaves_nothing_for_the_next(void **state) {
	(void)state;
	assert_false(PARSE("-zm5", "-u", URL)); /* stops in the middle of a bundle */
	assert_taken(PARSE("-u", URL, "-m9"));
	assert_int_equal(cli.settings.load.max_tasks, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(a_value_may_stand_in_five_ways),
		TEST(a_value_that_begins_with_a_dash_is_glued),
		TEST(flags_are_on_off_or_said),
		TEST(every_alias_is_its_option),
		TEST(every_option_but_a_list_is_given_once),
		TEST(a_list_keeps_order_and_doubles),
		TEST(every_letter_is_its_option),
		TEST(given_looks_at_the_user_only),
		TEST(help_and_version_are_asked_for_at_once),
		TEST(target_has_its_own_options),
		TEST(a_wrong_line_is_a_usage_error),
		TEST(habits_of_other_tools_are_answered_with_what_to_write),
		TEST(options_that_exclude_each_other_are_a_usage_error),
		TEST(rules_across_options_are_checked),
		TEST(what_the_rules_allow_is_taken),
		TEST(a_failed_line_leaves_nothing_for_the_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
