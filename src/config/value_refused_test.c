#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena_fixture.h"
#include "config/value.h"

static struct settings settings;
static struct err err;

static bool parse(const char *flag, const char *text) {
	const struct option_row *row = option_by_name(slice_of(flag), COMMAND_RUN);
	for (size_t i = 1; !row && i < OPTION_COMMANDS; i++) row = option_by_name(slice_of(flag), option_commands[i].command);
	assert_non_null(row);
	return value_parse(row, text, &arena, &settings, &err);
}

/* Every row that can be given wrongly, once or more; the sentence is part of what people get. */
static const struct {
	const char *flag, *text, *want;
} refused[] = {
	{"method", "trace", "--method: 'trace' is no choice; write one of get, head, post, put, patch, delete, options"},
	{"method", "pots", "--method: 'pots' is no choice; did you mean 'post'? (one of get, head, post, put, patch, delete, options)"},
	{"method", "", "--method: '' is no choice; write one of get, head, post, put, patch, delete, options"},
	{"headers", "Accept", "--headers: header 1 has no colon; write e.g. --headers 'Accept: text/html'"},
	{"headers", "Authorization Bearer sesame", "--headers: header 1 has no colon; write e.g. --headers 'Accept: text/html'"},
	{"headers", "Authorization: ses\rame",
		"--headers: 'Authorization: ***' has a control character in its value; write e.g. --headers 'Accept: text/html'"},
	{"headers", ": x", "--headers: header 1 has no name before the colon; write e.g. --headers 'Accept: text/html'"},
	{"headers", "A b: x", "--headers: 'A...' has a character in its name that HTTP does not allow; write e.g. --headers 'Accept: text/html'"},
	{"headers", "A: x\r\nB: y", "--headers: 'A: x??B: y' has a control character in its value; write e.g. --headers 'Accept: text/html'"},
	{"accept", "a\nb", "--accept: 'a?b' has a control character; leave it out"},
	{"content-type", "a\nb", "--content-type: 'a?b' has a control character; leave it out"},
	{"host", "a\r", "--host: 'a?' has a control character; leave it out"},
	{"no-ua", "yes", "--no-ua: 'yes' is not a truth value; write true or false"},
	{"authorized", "", "--authorized: '' is not a truth value; write true or false"},
	{"json", "1", "--json: '1' is not a truth value; write true or false"},
	{"truth", "TRUE", "--truth: 'TRUE' is not a truth value; write true or false"},
	{"status", "99", "--status: '99' is not a set of status codes from 100 to 599; write e.g. --status 200,204,3xx"},
	{"status", "200,", "--status: '200,' is not a set of status codes from 100 to 599; write e.g. --status 200,204,3xx"},
	{"timeout", "0", "--timeout: '0' is no time at all; write e.g. --timeout 10s"},
	{"timeout", "500ns", "--timeout: '500ns' is too short; write at least 1us"},
	{"timeout", "25h", "--timeout: '25h' is too long; write at most 86400s"},
	{"connect-timeout", "5 s", "--connect-timeout: '5 s' is not a duration; write e.g. --connect-timeout 5s"},
	{"connect-timeout", "86401", "--connect-timeout: '86401' is too long; write at most 86400s"},
	{"retry-stale", "always", "--retry-stale: 'always' is no choice; write one of never, idempotent"},
	{"duration", "0s", "--duration: '0s' is no time at all; write e.g. --duration 30s"},
	{"duration", "-1s", "--duration: '-1s' is not a duration; write e.g. --duration 30s"},
	{"duration", "30S", "--duration: '30S' is not a duration; write e.g. --duration 30s"},
	{"duration", "1us", "--duration: '1us' is too short; write at least 1ms"},
	{"duration", "", "--duration: '' is not a duration; write e.g. --duration 30s"},
	{"duration", "31622401", "--duration: '31622401' is too long; write at most 31622400s"},
	{"requests", "0", "--requests: '0' is too small; write at least 1"},
	{"requests", "1e3", "--requests: '1e3' is not a whole number; write e.g. --requests 100"},
	{"requests", "1000000000000000001", "--requests: '1000000000000000001' is too large; write at most 1000000000000000000"},
	{"requests", "18446744073709551616", "--requests: '18446744073709551616' is too large; write at most 1000000000000000000"},
	{"warmup", "0", "--warmup: '0' is no time at all; write e.g. --warmup 10s"},
	{"warmup", "x", "--warmup: 'x' is not a duration; write e.g. --warmup 10s"},
	{"max-tasks", "0", "--max-tasks: '0' is too small; write at least 1"},
	{"max-tasks", "1000001", "--max-tasks: '1000001' is too large; write at most 1000000"},
	{"max-tasks", "-5", "--max-tasks: '-5' is too small; write at least 1"},
	{"max-tasks", "1_000", "--max-tasks: '1_000' is not a whole number; write e.g. --max-tasks 1000"},
	{"spawn-rate", "0", "--spawn-rate: '0' is too small; write at least 1"},
	{"spawn-rate", "ate", "--spawn-rate: 'ate' is not a whole number; write e.g. --spawn-rate 1"},
	{"spawn-interval", "0", "--spawn-interval: '0' is too small; write at least 1"},
	{"spawn-interval", "3600001", "--spawn-interval: '3600001' is too large; write at most 3600000"},
	{"spawn-interval", "100ms", "--spawn-interval: '100ms' is not a whole number; write e.g. --spawn-interval 100"},
	{"rate", "abc", "--rate: 'abc' is not a number; write e.g. --rate 100"},
	{"rate", "nan", "--rate: 'nan' is not a number; write e.g. --rate 100"},
	{"rate", "-5", "--rate: '-5' is below 0; write e.g. --rate 100"},
	{"rate", "0", "--rate: '0' is too small; write at least 0.001"},
	{"rate", "10000001", "--rate: '10000001' is too large; write at most 10000000"},
	{"stages", "x", "--stages: stage 1, 'x', is not TIME@RATE with a time over 0 and a rate up to 10000000; write e.g. --stages 30s@500,1m@2000"},
	{"stages", "", "--stages: stage 1, '', is not TIME@RATE with a time over 0 and a rate up to 10000000; write e.g. --stages 30s@500,1m@2000"},
	{"stages", "1s@5,0s@9",
		"--stages: stage 2, '0s@9', is not TIME@RATE with a time over 0 and a rate up to 10000000; write e.g. --stages 30s@500,1m@2000"},
	{"stages", "1s@5,,1s@9",
		"--stages: stage 2, '', is not TIME@RATE with a time over 0 and a rate up to 10000000; write e.g. --stages 30s@500,1m@2000"},
	{"stages", "1s@5,1s@6,8785h@9", "--stages: stage 3, '8785h@9', is too long; write e.g. --stages 30s@500,1m@2000"},
	{"rate-unit", "request", "--rate-unit: 'request' is no choice; did you mean 'requests'? (one of requests, iterations)"},
	{"arrival", "evn", "--arrival: 'evn' is no choice; did you mean 'even'? (one of even, poisson)"},
	{"preconnect", "-1", "--preconnect: '-1' is too small; write at least 0"},
	{"preconnect", "1000001", "--preconnect: '1000001' is too large; write at most 1000000"},
	{"streams", "0", "--http2-parallel: '0' is too small; write at least 1"},
	{"threads", "0", "--threads: '0' is too small; write at least 1"},
	{"threads", "257", "--threads: '257' is too large; write at most 256"},
	{"spin", "yes", "--spin: 'yes' is no choice; write one of auto, on, off"},
	{"seed", "0x1", "--seed: '0x1' is not a whole number; write e.g. --seed 1"},
	{"seed", "1000000000000000001000", "--seed: '1000000000000000001000' is too large; write at most 1000000000000000000"},
	{"kernel-stamps", "some", "--kernel-stamps: 'some' is no choice; write one of sample, all, off"},
	{"tls-min", "1.4", "--tls-min: '1.4' is no version of TLS; write 1.0, 1.1, 1.2 or 1.3"},
	{"tls-min", "", "--tls-min: '' is no version of TLS; write 1.0, 1.1, 1.2 or 1.3"},
	{"tls-max", "ssl3", "--tls-max: 'ssl3' is no version of TLS; write 1.0, 1.1, 1.2 or 1.3"},
	{"tls-max", "1", "--tls-max: '1' is no version of TLS; write 1.0, 1.1, 1.2 or 1.3"},
	{"alpn", " HTTP/3", "--alpn: ' HTTP/3' comes with a later version of strest; write h2 or http/1.1"},
	{"alpn", "h3-29", "--alpn: 'h3-29' comes with a later version of strest; write h2 or http/1.1"},
	{"alpn", "spdy/3", "--alpn: 'spdy/3' is no protocol of HTTP; write h2 or http/1.1"},
	{"alpn", "h2c", "--alpn: 'h2c' is no protocol of HTTP; write h2 or http/1.1"},
	{"http2", "1", "--http2: '1' is not a truth value; write true or false"},
	{"http2-parallel", "0", "--http2-parallel: '0' is too small; write at least 1"},
	{"http2-parallel", "1001", "--http2-parallel: '1001' is too large; write at most 1000"},
	{"http2-parallel", "ten", "--http2-parallel: 'ten' is not a whole number; write e.g. --http2-parallel 1"},
	{"http-version", "0.9", "--http-version: '0.9' is a version that is not spoken; write 1.1 or 2"},
	{"http-version", "1.0", "--http-version: '1.0' is a version that is not spoken; write 1.1, perhaps with --disable-keepalive"},
	{"http-version", "3", "--http-version: '3' comes with a later version of strest; write 1.1 or 2"},
	{"http-version", "h3", "--http-version: 'h3' comes with a later version of strest; write 1.1 or 2"},
	{"http-version", "2.0", "--http-version: '2.0' is no version of HTTP; did you mean '2'?"},
	{"http-version", " 2", "--http-version: ' 2' is no version of HTTP; did you mean '2'?"},
	{"http-version", "HTTP/2", "--http-version: 'HTTP/2' is no version of HTTP; did you mean '2'?"},
	{"http-version", "http/1.1", "--http-version: 'http/1.1' is no version of HTTP; did you mean '1.1'?"},
	{"http-version", "1", "--http-version: '1' is no version of HTTP; did you mean '1.1'?"},
	{"http-version", "", "--http-version: '' is no version of HTTP; write 1.1 or 2"},
	{"insecure", "yes", "--insecure: 'yes' is not a truth value; write true or false"},
	{"tls-resume", "on", "--tls-resume: 'on' is not a truth value; write true or false"},
	{"threshold", "p99", "--threshold: 'p99' has no <, <=, > or >=; write e.g. p99<250ms"},
	{"threshold", "p99<250", "--threshold: 'p99<250' has no time with its unit on the right; write e.g. p99<250ms"},
	{"threshold", "rps>fast", "--threshold: 'rps>fast' has no number on the right; write e.g. rps>900"},
	{"threshold-abort", "1", "--threshold-abort: '1' is not a truth value; write true or false"},
	{"strict", "1", "--strict: '1' is not a truth value; write true or false"},
	{"verbose", "2", "--verbose: '2' is not a truth value; write true or false"},
	{"no-color", "never", "--no-color: 'never' is not a truth value; write true or false"},
	{"no-tui", "x", "--no-tui: 'x' is not a truth value; write true or false"},
	{"ui-window-ms", "10s", "--ui-window-ms: '10s' is not a whole number; write e.g. --ui-window-ms 10000"},
	{"ui-window-ms", "600001", "--ui-window-ms: '600001' is too large; write at most 600000"},
	{"fps", "0", "--fps: '0' is too small; write at least 1"},
	{"print-config", "x", "--print-config: 'x' is not a truth value; write true or false"},
	{"tls", "x", "--tls: 'x' is not a truth value; write true or false"},
	{"basic-auth", "sesame", "--basic-auth: the value has no ':' between user and password; write --basic-auth USER:PASSWORD"},
	{"basic-auth", "", "--basic-auth: the value has no ':' between user and password; write --basic-auth USER:PASSWORD"},
	{"basic-auth", ":sesame", "--basic-auth: the value has no user before the ':'; write --basic-auth USER:PASSWORD"},
	{"basic-auth", "ann:ses\tame", "--basic-auth: the value has a control character; leave it out"},
	{"basic-auth", "ann:sesame\x7f", "--basic-auth: the value has a control character; leave it out"},
	{"bearer", "ses\name", "--bearer: the value has a control character; leave it out"},
	{"bearer", "", "--bearer: the value is empty; write --bearer TOKEN"},
	{"compressed", "gzip", "--compressed: 'gzip' is not a truth value; write true or false"},
	{"redirect", "-1", "--redirect: '-1' is too small; write at least 0"},
	{"redirect", "1001", "--redirect: '1001' is too large; write at most 1000"},
	{"proxy-header", "sesame", "--proxy-header: header 1 has no colon; write e.g. --proxy-header 'Accept: text/html'"},
	{"proxy-header", "Proxy-Authorization: ses\rame",
		"--proxy-header: 'Proxy-Authorization: ***' has a control character in its value; write e.g. --proxy-header 'Accept: text/html'"},
	{"no-proxy", "localhost", "--no-proxy: 'localhost' is not a truth value; write true or false"},
	{"connect-to", "a:1", "--connect-to: 'a:1' has fewer than four parts; write e.g. --connect-to example.com:443:127.0.0.1:8443"},
	{"connect-to", "a:1:::1:2",
		"--connect-to: 'a:1:::1:2' has more than four parts (an IPv6 address stands in brackets); write e.g. --connect-to "
		"example.com:443:127.0.0.1:8443"},
	{"connect-to", ":1:b:2", "--connect-to: ':1:b:2' has an empty host; write e.g. --connect-to example.com:443:127.0.0.1:8443"},
	{"connect-to", "a:1:b:0",
		"--connect-to: 'a:1:b:0' has a port that is not a number from 1 to 65535; write e.g. --connect-to example.com:443:127.0.0.1:8443"},
	{"charts-path", "", "--charts-path: '' is empty; write e.g. --charts-path charts"},
	{"charts-path", "50",
		"--charts-path: '50' is a number; for so many at once write --max-tasks N --spawn-rate N; a folder of that name is written ./NAME"},
	{"no-charts", "1", "--no-charts: '1' is not a truth value; write true or false"},
	{"label", "env", "--label: 'env' has no '=' between name and value; write e.g. --label env=staging"},
	{"label", "le=1", "--label: 'le=1' has a name that strest uses itself; write e.g. --label env=staging"},
	{"output-format", "xml", "--output-format: 'xml' is no choice; write one of auto, json, jsonl, csv, text, quiet"},
	{"replay", "1", "--replay: '1' is not a truth value; write true or false"},
	{"replay-start", "soon", "--replay-start: 'soon' is neither min, max nor a time; write e.g. --replay-start 10s"},
	{"replay-end", "soon", "--replay-end: 'soon' is neither min, max nor a time; write e.g. --replay-end 10s"},
	{"replay-snapshot-start", "soon", "--replay-snapshot-start: 'soon' is neither min, max nor a time; write e.g. --replay-snapshot-start 10s"},
	{"replay-snapshot-end", "soon", "--replay-snapshot-end: 'soon' is neither min, max nor a time; write e.g. --replay-snapshot-end 10s"},
	{"replay-step", "0", "--replay-step: '0' is no time at all; write e.g. --replay-step 1s"},
	{"replay-snapshot-interval", "0", "--replay-snapshot-interval: '0' is no time at all; write e.g. --replay-snapshot-interval 10s"},
	{"replay-snapshot-format", "xml", "--replay-snapshot-format: 'xml' is no choice; write one of json, jsonl, ndjson, csv"},
	{"metrics-range", "30-10", "--metrics-range: '30-10' is no range of whole seconds, first-last; write e.g. --metrics-range 10-30"},
	{"metrics-range", "10", "--metrics-range: '10' is no range of whole seconds, first-last; write e.g. --metrics-range 10-30"},
	{"metrics-max", "0", "--metrics-max: '0' is too small; write at least 1"},
	{"log-shards", "65", "--log-shards: '65' is too large; write at most 64"},
	{"keep-tmp", "1", "--keep-tmp: '1' is not a truth value; write true or false"},
	{"sink-listen", "9464", "--sink-listen: '9464' is not ADDRESS:PORT; write e.g. --sink-listen 127.0.0.1:9464"},
	{"sink-listen", "::1:80", "--sink-listen: '::1:80' is not ADDRESS:PORT; write e.g. --sink-listen 127.0.0.1:9464"},
	{"sink-interval-ms", "1s", "--sink-interval-ms: '1s' is not a whole number; write e.g. --sink-interval-ms 1000"},
	{"sink-interval-ms", "3600001", "--sink-interval-ms: '3600001' is too large; write at most 3600000"},
	{"ipv4", "1", "--ipv4: '1' is not a truth value; write true or false"},
	{"ipv6", "1", "--ipv6: '1' is not a truth value; write true or false"},
	{"no-pre-lookup", "1", "--no-pre-lookup: '1' is not a truth value; write true or false"},
	{"bind", "", "--bind: '' is empty; write e.g. --bind 127.0.1.0/28"},
	{"bind", "eth0", "--bind: 'eth0' is no IP address or block of addresses; write e.g. --bind 127.0.1.0/28"},
	{"bind", "127.0.0.1,", "--bind: '127.0.0.1,' has an empty part; write e.g. --bind 127.0.1.0/28"},
	{"bind", "127.0.0.1, ::1",
		"--bind: '127.0.0.1, ::1' has a part ' ::1' that is no IP address or block of addresses; write e.g. --bind 127.0.1.0/28"},
	{"bind", "127.0.0.1:80", "--bind: '127.0.0.1:80' is no IP address or block of addresses; write e.g. --bind 127.0.1.0/28"},
	{"bind", "10.0.0.7/24", "--bind: '10.0.0.7/24' has bits behind its prefix; write 10.0.0.0/24"},
	{"bind", "10.0.0.7/33", "--bind: '10.0.0.7/33' is no IP address or block of addresses; write e.g. --bind 127.0.1.0/28"},
	{"bind", "::1,fd00::7:1/112", "--bind: '::1,fd00::7:1/112' has a part 'fd00::7:1/112' that has bits behind its prefix; write fd00::7:0/112"},
	{"disable-keepalive", "x", "--disable-keepalive: 'x' is not a truth value; write true or false"},
	{"requests-per-connection", "0", "--requests-per-connection: '0' is too small; write at least 1"},
	{"connection-pick", "fifo", "--connection-pick: 'fifo' is no choice; write one of lru, mru"},
	{"agent-weight", "0", "--agent-weight: '0' is too small; write at least 1"},
	{"min-agents", "0", "--min-agents: '0' is too small; write at least 1"},
	{"agent-wait-timeout-ms", "0", "--agent-wait-timeout-ms: '0' is too small; write at least 1"},
	{"agent-reconnect-ms", "0", "--agent-reconnect-ms: '0' is too small; write at least 1"},
	{"agent-heartbeat-interval-ms", "0", "--agent-heartbeat-interval-ms: '0' is too small; write at least 1"},
	{"agent-heartbeat-timeout-ms", "0", "--agent-heartbeat-timeout-ms: '0' is too small; write at least 1"},
	{"stream-interval-ms", "0", "--stream-interval-ms: '0' is too small; write at least 1"},
	{"agent-standby", "1", "--agent-standby: '1' is not a truth value; write true or false"},
	{"stream-summaries", "1", "--stream-summaries: '1' is not a truth value; write true or false"},
	{"insecure-fleet", "1", "--insecure-fleet: '1' is not a truth value; write true or false"},
	{"install-service", "1", "--install-service: '1' is not a truth value; write true or false"},
	{"uninstall-service", "1", "--uninstall-service: '1' is not a truth value; write true or false"},
	{"service-dry-run", "1", "--service-dry-run: '1' is not a truth value; write true or false"},
	{"controller-mode", "hand", "--controller-mode: 'hand' is no choice; write one of auto, manual"},
	{"on-agent-loss", "stop", "--on-agent-loss: 'stop' is no choice; write one of continue, redistribute, abort"},
	{"controller-listen", "9009", "--controller-listen: '9009' is not ADDRESS:PORT; write e.g. --controller-listen 127.0.0.1:9464"},
	{"control-listen", "9010", "--control-listen: '9010' is not ADDRESS:PORT; write e.g. --control-listen 127.0.0.1:9464"},
	{"debug", "all", "--debug: 'all' is not a truth value; write true or false"},
	{"older-than", "old", "--older-than: 'old' is not a duration; write e.g. --older-than 10s"},
	{"force", "1", "--force: '1' is not a truth value; write true or false"},
	{"dry-run", "1", "--dry-run: '1' is not a truth value; write true or false"},
	{"with-charts", "1", "--with-charts: '1' is not a truth value; write true or false"},
	{"stall", "1s/1s", "--stall: '1s/1s' is not TIME/PERIOD with a TIME over 0 and below PERIOD; write e.g. --stall 200ms/1s"},
};

static void wrong_values_are_refused_in_these_words(void **state) {
	(void)state;
	value_preset(&arena, &settings);
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct settings before = settings;
		if (parse(refused[i].flag, refused[i].text)) fail_msg("taken: --%s '%s'", refused[i].flag, refused[i].text);
		assert_string_equal(err.text, refused[i].want);
		assert_int_equal(err.code, ERR_USAGE);
		assert_memory_equal(&before, &settings, sizeof(settings));
	}
}

/* A text without a check can hold anything; every other row has to be above. */
static void no_row_is_missing_among_the_refused(void **state) {
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		bool found =
			row->check == CHECK_FORM || (row->kind == KIND_TEXT && row->check == CHECK_NONE); /* the form's sentences are http/form.c's */
		for (size_t k = 0; k < LENGTH(refused); k++) found |= strcmp(refused[k].flag, row->flag) == 0;
		if (!found) fail_msg("--%s", row->flag);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(wrong_values_are_refused_in_these_words),
		TEST(no_row_is_missing_among_the_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
