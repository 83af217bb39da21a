#include "help/facts.h"

const char fact_summary[] = "load tester for HTTP servers";

const char fact_description[] =
	"strest sends many requests to a server that you own or may test, and says afterwards how fast, how steady and how correct it was. "
	"With `--rate` or `--stages` requests are sent when they are due, however slowly the server answers (open loop), and response times count "
	"from the "
	"moment a request was due; without a rate each task sends its next request when the last one is answered (closed loop). "
	"Results are printed on standard output; progress, warnings and errors on standard error. "
	"Ctrl-C ends a run in order, with its results; a second one leaves at once.";

const struct fact_command fact_commands[FACT_COMMANDS] = {
	{COMMAND_RUN, "strest --url URL [OPTION]...", "run a load test"},
	{COMMAND_TARGET, "strest target [OPTION]...", "be a server to test against"},
	{COMMAND_CLEANUP, "strest cleanup [OPTION]...", "delete what runs left behind"},
	{0, "strest config check [FILE]", "check a config file: every fault with its line"},
	{0, "strest scenario check|try FILE", "check scenarios; or let one user run them once, and show it"},
	{0, "strest help [COMMAND] [all]", "show this help, or a command's, or all of it"},
};

const struct fact_code fact_codes[FACT_CODES] = {
	{0, COMMAND_RUN, "the run finished, whatever the server answered"},
	{0, COMMAND_TARGET, "ended by a signal"},
	{0, COMMAND_CLEANUP, "everything that was to be deleted is gone, or there was nothing"},
	{1, COMMAND_RUN, "a configuration, set-up or run-time error"},
	{1, COMMAND_TARGET, "it could not listen"},
	{1, COMMAND_CLEANUP, "something could not be deleted, or the folder not be read"},
	{2, COMMAND_RUN | COMMAND_TARGET | COMMAND_CLEANUP, "the command line is wrong"},
	{3, COMMAND_RUN, "the server, or the proxy to it, could not be reached"},
	{4, COMMAND_RUN, "strest or its machine limited the result (--strict)"},
	{99, COMMAND_RUN, "a threshold was missed"},
	{130, COMMAND_RUN, "a second Ctrl-C"},
};

const char fact_code_order[] = "If several hold, the first of 130, 4, 3, 99, 1 counts.";

const struct fact_variable fact_variables[FACT_VARIABLES] = {
	{"STREST_LOG", "how much is logged: off, error, warn, info, debug or trace, or a list such as warn,strest=debug; decides over --verbose"},
	{"RUST_LOG", "the same, where STREST_LOG is not set"},
	{"NO_COLOR", "if set and not empty: no colours, as with --no-color"},
	{"HTTP_PROXY", "the proxy for http:// URLs, where --proxy is not given; in lower case too, which goes first; ignored in upper case if "
		       "REQUEST_METHOD is set (CGI)"},
	{"HTTPS_PROXY", "the proxy for https:// URLs, likewise"},
	{"ALL_PROXY", "the proxy for URLs that have none by these two"},
	{"NO_PROXY", "hosts without a proxy: names, each with all below it, addresses, blocks such as 10.0.0.0/8, commas between; * is all. "
		     "localhost and loopback addresses never "
		     "go by a proxy of the environment"},
	{"SSL_CERT_FILE", "a PEM bundle of trusted certificates in place of the system's"},
	{"SSL_CERT_DIR", "a folder of trusted certificates in place of the system's"},
};

const struct fact_example fact_examples[FACT_EXAMPLES] = {
	{COMMAND_RUN, "strest -u http://localhost:3000/ -t 10s -m 64 -r 64", "64 tasks, each sending its next request when the last one is answered",
		true},
	{COMMAND_RUN, "strest -u http://localhost:3000/ -t 1m --rate 500", "500 requests a second, however slowly the server answers", true},
	{COMMAND_RUN, "strest -u http://localhost:3000/ --rate 500 --threshold 'p99<250ms' --threshold 'errors<1%'",
		"fails with exit code 99 when the server is too slow or too often wrong: for CI", true},
	{COMMAND_RUN, "strest -u http://localhost:3000/ -t 90s --stages 30s@500,1m@2000 --json",
		"a rate that climbs to 500 and then to 2000 a second; results as JSON", false},
	{COMMAND_RUN, "strest -u http://localhost:3000/items -X post -T application/json -d '{\"n\":1}' -s 201", "send a body and expect status 201",
		false},
	{COMMAND_RUN, "strest -u http://localhost:3000/upload -F name=Ann -F 'photo=@ann.png;type=image/png'", "post a form with a file in it",
		false},
	{COMMAND_RUN, "strest --urls-from-file urls.txt --rate 200 -t 1m", "load the URLs of a list in turn, with results per URL", false},
	{COMMAND_RUN, "strest --config smoke.toml --rate 100", "settings from a file, and one of them changed for this run", false},
	{COMMAND_RUN, "strest -u 'http://localhost:3000/items/{{random(1,1000)}}' --rate 200", "another item with each request", false},
	{COMMAND_RUN, "strest scenario try shop.toml", "go through the scenarios of a file once, and show each request and answer", false},
	{COMMAND_TARGET, "strest target", "serve on 127.0.0.1:3000", true},
	{COMMAND_TARGET, "strest target --listen 127.0.0.1:0 --threads 2 --stall 200ms/1s", "two threads that stand still for 200 ms in every second",
		true},
	{COMMAND_CLEANUP, "strest cleanup --older-than 24h", "say which logs of runs are older than a day", true},
	{COMMAND_CLEANUP, "strest cleanup --older-than 24h --force", "delete them", true},
};

const char *const fact_groups[GROUP_COUNT] = {
	[GROUP_REQUEST] = "Request",
	[GROUP_LOAD] = "Load",
	[GROUP_CONNECT] = "Connections",
	[GROUP_TLS] = "TLS",
	[GROUP_OUTPUT] = "Output",
	[GROUP_REPLAY] = "Replay",
	[GROUP_FLEET] = "Several machines",
	[GROUP_CONFIG] = "Configuration",
	[GROUP_TARGET] = "Target",
	[GROUP_CLEANUP] = "Cleanup",
};

const char *const fact_notes[FACT_NOTES] = {
	"TIME is a number with ns, us, ms, s, m or h; without a unit it is in seconds: `250ms`, `1.5s`, `30`.",
	"A value that begins with '-' is written with '=': `--option=-value`.",
	"Each option may be given once, unless it says otherwise. Names are not abbreviated.",
};

const char *const fact_file_paragraphs[FACT_PARAGRAPHS] = {
	"Settings can stand in a file: `--config FILE` names it; without it `./strest.toml` is read, else `./strest.json`, if there is one. The end "
	"of its name, "
	"`.toml` or `.json`, says which of the two it is; both have the same keys. What is given on the command line wins over the file, and the "
	"file over "
	"the defaults; a list is replaced, not added to. `--rate` or `--stages` on the command line stand for all that the file says about the load.",
	"A key that is not known, is given twice or has a value of the wrong type is an error, with its line and column. A key of a feature that "
	"this version "
	"does not have is left out with a warning if only outputs depend on it, and an error otherwise. `strest config check` shows all of this and "
	"sends "
	"nothing; without a FILE it checks the one that would be read. `--print-config` shows every setting and where it comes from.",
	"In every text `${NAME}` stands for the environment variable NAME, which must be set; `$${` stands for `${`.",
	"A duration is a whole number of seconds or a text such as `\"250ms\"`; headers are a list of texts such as `\"Accept: text/html\"`.",
	"A threshold `p99<250ms` is written as `p99 = \"<250ms\"` in the table `thresholds`. Times take ns, us, ms, s, m or h, always with the unit; "
	"`errors` a "
	"share such as 1% or a count; `rps` responses per second.",
	"A scenario is a list of steps that a user goes through again and again: each step is a request, with values of answers before it, of data "
	"files or drawn by lot where `{{name}}` stands. `scenario` is one; of several, `scenarios.NAME`, each iteration draws one by its `weight`. "
	"docs/scenarios.md describes the keys with their rules. `strest scenario check FILE` names every fault; `strest scenario try FILE` lets one "
	"user go "
	"through each scenario once and shows what was sent and answered.",
};

const struct fact_key fact_keys[FACT_KEYS] = {
	{"rpm", "number", "requests per minute; not together with `rate` or `load`"},
	{"load.rpm", "number", "the rate at the start per minute, in place of `load.rate`"},
	{"load.stages", "list of tables",
		"the stages of `--stages`, one table each; the rate moves in a straight line to that of the stage, the last one holds"},
	{"load.stages[].duration", "text", "how long the stage takes; needed"},
	{"load.stages[].target", "number", "requests per second at its end; exactly one of `target`, `rate` and `rpm`"},
	{"load.stages[].rate", "number", "the same"},
	{"load.stages[].rpm", "number", "requests per minute at its end"},
	{"thresholds.p99", "text or list of texts", "a limit of a quantile of the response times, such as p50 or p99_9, or of `max`: \"<250ms\""},
	{"thresholds.errors, thresholds.rps", "text or list of texts",
		"limits of failures, \"<1%\" or \"<10\", and of responses per second, \">900\""},
	{"thresholds.stage.2.p95", "text or list of texts", "any of these for one stage of the load, counted from 1"},
	{"thresholds.step.login.p95, thresholds.iteration.p95", "text or list of texts",
		"any of these for one step, with several scenarios `step.SCENARIO/STEP`, or for the iterations"},
	{"scenario, scenarios.NAME", "table", "a flow of steps, run alone; one of several, by their weights"},
	{"scenarios.NAME.weight", "number", "its share of the iterations, 1 if it is not given"},
	{"scenario.base_url", "text", "what the paths of the steps belong to; else `url`"},
	{"scenario.method, scenario.headers, scenario.data", "as `method`, `headers`, `data`", "what its steps have that do not say it themselves"},
	{"scenario.vars", "table of texts", "values of names that stand in `{{ }}`; a step may have some of its own"},
	{"scenario.cookies", "true or false", "whether users keep cookies; true if it is not given"},
	{"scenario.on_failure", "text", "`continue`, the default: the step behind one that failed is next; `restart`: another iteration is"},
	{"scenario.schema_version", "number", "1, the version of these keys"},
	{"scenario.steps", "list of tables", "the steps, in their order; needed"},
	{"scenario.steps[].name", "text", "how results call it; `step 2` if it is not given"},
	{"scenario.steps[].path, scenario.steps[].url", "text", "where its request goes, behind the base URL or wholly"},
	{"scenario.steps[].method, scenario.steps[].headers, scenario.steps[].data, scenario.steps[].vars", "as above", "those of the step"},
	{"scenario.steps[].extract", "table of tables",
		"values taken from the answer: `token = { json = \"/token\" }`, or `header`, `cookie`, `regex`"},
	{"scenario.steps[].assert_status", "text or number", "expected status codes, such as \"200,3xx\"; else `status`"},
	{"scenario.steps[].assert_body_contains, scenario.steps[].assert_body_regex", "text",
		"what the body has to contain, or a pattern that has to match in it"},
	{"scenario.steps[].assert_headers", "table of texts", "header fields, and what each has to contain"},
	{"scenario.steps[].assert_json", "table", "JSON pointers, and the value that has to be there"},
	{"scenario.steps[].assert_time", "time", "the longest response time"},
	{"scenario.steps[].think_time", "time", "a pause of the user behind this step"},
	{"data", "list of tables", "data files, whose columns are variables of all scenarios; as a text, it is the body of `--data`"},
	{"data[].file", "text", "a .csv or .jsonl file; needed"},
	{"data[].order", "text", "`sequential`, the default: its rows in turn; `random`: by lot; `unique`: each once, and the run ends with them"},
	{"data[].types", "table of texts", "`text`, `integer`, `number` or `boolean` of a column: cells are checked"},
};

const char fact_file_example[] = "url = \"http://localhost:3000/\"\n"
				 "duration = 60\n"
				 "timeout = \"2s\"\n"
				 "headers = [\"Accept: text/html\", \"Authorization: Bearer ${TOKEN}\"]\n"
				 "\n"
				 "[load]\n"
				 "rate = 100\n"
				 "\n"
				 "[[load.stages]]\n"
				 "duration = \"30s\"\n"
				 "target = 500\n"
				 "\n"
				 "[thresholds]\n"
				 "p99 = \"<250ms\"\n"
				 "errors = \"<1%\"\n";
