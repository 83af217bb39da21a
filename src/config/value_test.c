#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config/value.h"

static struct arena arena;
static struct settings settings;
static struct err err;

static int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	value_preset(&arena, &settings);
	err = (struct err){0};
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static bool parse(const char *flag, const char *text) {
	const struct option_row *row = option_by_name(slice_of(flag), COMMAND_RUN);
	if (!row) row = option_by_name(slice_of(flag), COMMAND_TARGET);
	assert_non_null(row);
	return value_parse(row, text, &arena, &settings, &err);
}

/* The table of the specification: what holds when nothing is given. */
static void presets_are_the_documented_defaults(void **state) {
	(void)state;
	assert_null(settings.http.url);
	assert_int_equal(settings.http.method, METHOD_GET);
	assert_int_equal(settings.http.headers.count, 0);
	assert_false(settings.http.no_ua);
	assert_true(status_set_has(&settings.http.status, 200));
	assert_false(status_set_has(&settings.http.status, 201));
	assert_int_equal(settings.http.timeout, 10 * SEC);
	assert_int_equal(settings.http.connect_timeout, 5 * SEC);
	assert_int_equal(settings.http.retry_stale, RETRY_STALE_IDEMPOTENT);
	assert_int_equal(settings.http.redirect, 10);
	assert_int_equal(settings.http.form.count, 0);
	assert_null(settings.http.basic_auth);
	assert_null(settings.net.proxy);
	assert_int_equal(settings.net.bind.count, 0);
	assert_int_equal(settings.net.requests_per_connection, 0);
	assert_int_equal(settings.net.connection_pick, CONNECTION_PICK_LRU);
	assert_int_equal(settings.load.duration, 30 * SEC);
	assert_int_equal(settings.load.requests, 0);
	assert_int_equal(settings.load.warmup, 0);
	assert_int_equal(settings.load.max_tasks, 1000);
	assert_int_equal(settings.load.spawn_rate, 1);
	assert_int_equal(settings.load.spawn_interval, 100);
	assert_true(settings.load.rate == 0);
	assert_int_equal(settings.load.stages.count, 0);
	assert_int_equal(settings.load.arrival, ARRIVAL_EVEN);
	assert_int_equal(settings.load.threads, 0);
	assert_int_equal(settings.load.spin, SPIN_AUTO);
	assert_string_equal(settings.target.listen, "127.0.0.1:3000");
	assert_int_equal(settings.target.threads, 1);
	assert_null(settings.target.stall);
}

static void numbers_are_written_so_that_they_read_back(void **state) {
	(void)state;
	assert_string_equal(value_write_real(5, ".0", &arena), "5.0");
	assert_string_equal(value_write_real(5, "", &arena), "5");
	assert_string_equal(value_write_real(0.1, ".0", &arena), "0.1");
	assert_string_equal(value_write_real(0.1 + 0.2, ".0", &arena), "0.30000000000000004"); /* what Python prints */
	assert_string_equal(value_write_real(1e300, ".0", &arena), "1e+300");
	assert_string_equal(value_write_real(HUGE_VAL, ".0", &arena), "inf");
}

static void every_preset_parses(void **state) {
	unsigned parsed = 0;
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!option_rows[i].preset) continue;
		if (!value_parse(&option_rows[i], option_rows[i].preset, &arena, &settings, &err)) fail_msg("%s", err.text);
		parsed++;
	}
	assert_true(parsed >= 10);
}

static void choices_stand_in_the_order_of_their_enum(void **state) {
	static const struct {
		const char *flag, *text;
		int want;
	} cases[] = {
		{"method", "get", METHOD_GET},
		{"method", "HEAD", METHOD_HEAD},
		{"method", "Post", METHOD_POST},
		{"method", "put", METHOD_PUT},
		{"method", "patch", METHOD_PATCH},
		{"method", "delete", METHOD_DELETE},
		{"method", "options", METHOD_OPTIONS},
		{"retry-stale", "never", RETRY_STALE_NEVER},
		{"retry-stale", "idempotent", RETRY_STALE_IDEMPOTENT},
		{"rate-unit", "requests", RATE_UNIT_REQUESTS},
		{"rate-unit", "iterations", RATE_UNIT_ITERATIONS},
		{"arrival", "even", ARRIVAL_EVEN},
		{"arrival", "poisson", ARRIVAL_POISSON},
		{"spin", "auto", SPIN_AUTO},
		{"spin", "on", SPIN_ON},
		{"spin", "off", SPIN_OFF},
		{"kernel-stamps", "sample", KERNEL_STAMPS_SAMPLE},
		{"kernel-stamps", "all", KERNEL_STAMPS_ALL},
		{"kernel-stamps", "OFF", KERNEL_STAMPS_OFF},
		{"output-format", "auto", OUTPUT_BY_NAME},
		{"output-format", "json", OUTPUT_JSON},
		{"output-format", "jsonl", OUTPUT_JSONL},
		{"output-format", "csv", OUTPUT_CSV},
		{"output-format", "text", OUTPUT_TEXT},
		{"output-format", "quiet", OUTPUT_QUIET},
		{"replay-snapshot-format", "json", SNAPSHOT_JSON},
		{"replay-snapshot-format", "JSONL", SNAPSHOT_JSONL},
		{"replay-snapshot-format", "ndjson", SNAPSHOT_NDJSON},
		{"replay-snapshot-format", "csv", SNAPSHOT_CSV},
		{"controller-mode", "auto", CONTROLLER_AUTO},
		{"controller-mode", "manual", CONTROLLER_MANUAL},
		{"on-agent-loss", "continue", ON_LOSS_CONTINUE},
		{"on-agent-loss", "redistribute", ON_LOSS_REDISTRIBUTE},
		{"on-agent-loss", "abort", ON_LOSS_ABORT},
		{"connection-pick", "lru", CONNECTION_PICK_LRU},
		{"connection-pick", "MRU", CONNECTION_PICK_MRU},
	};
	unsigned choices = 0;
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct option_row *row = option_by_name(slice_of(cases[i].flag), COMMAND_RUN);
		assert_true(parse(cases[i].flag, cases[i].text));
		assert_int_equal(*(int *)((char *)&settings + row->at), cases[i].want);
	}
	for (size_t i = 0; i < OPTION_COUNT; i++) { /* no choice is missing above */
		const char *words = option_rows[i].choices;
		while (option_next_word(&words).size) choices++;
	}
	assert_int_equal(choices, LENGTH(cases));
}

static void times_take_seconds_or_a_unit(void **state) {
	static const struct {
		const char *text;
		nsec want;
	} cases[] = {
		{"30", 30 * SEC},
		{"30s", 30 * SEC},
		{"1.5s", 1500 * MSEC},
		{"1ms", MSEC},
		{"5m", 300 * SEC},
		{"1h", 3600 * SEC},
		{" 2s ", 2 * SEC},
		{"31622400", 31622400 * SEC},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_true(parse("duration", cases[i].text));
		assert_int_equal(settings.load.duration, cases[i].want);
	}
}

static void numbers_take_their_limits_and_what_lies_between(void **state) {
	(void)state;
	assert_true(parse("max-tasks", "1"));
	assert_int_equal(settings.load.max_tasks, 1);
	assert_true(parse("max-tasks", "+1000000"));
	assert_int_equal(settings.load.max_tasks, 1000000);
	assert_true(parse("rate", "0.001"));
	assert_true(settings.load.rate == 0.001);
	assert_true(parse("rate", "1e7"));
	assert_true(settings.load.rate == 1e7);
	assert_true(parse("seed", "0"));
	assert_int_equal(settings.load.seed, 0);
	assert_true(parse("preconnect", "0"));
}

static void a_set_of_codes_is_taken(void **state) {
	(void)state;
	assert_true(parse("status", "200,204,3xx"));
	assert_true(status_set_has(&settings.http.status, 204));
	assert_true(status_set_has(&settings.http.status, 399));
	assert_false(status_set_has(&settings.http.status, 400));
}

static void stages_are_taken_in_order(void **state) {
	(void)state;
	assert_true(parse("stages", "30s@500,1m@2000.5"));
	assert_int_equal(settings.load.stages.count, 2);
	assert_int_equal(settings.load.stages.at[0].duration, 30 * SEC);
	assert_true(settings.load.stages.at[0].target == 500);
	assert_int_equal(settings.load.stages.at[1].duration, 60 * SEC);
	assert_true(settings.load.stages.at[1].target == 2000.5);
}

static void a_list_grows_in_order_and_owns_its_texts(void **state) {
	(void)state;
	for (int i = 0; i < 100; i++) {
		char text[32];
		snprintf(text, sizeof(text), "X-N: %d", i);
		assert_true(parse("headers", text));
	}
	assert_int_equal(settings.http.headers.count, 100);
	assert_string_equal(settings.http.headers.at[0], "X-N: 0");
	assert_string_equal(settings.http.headers.at[63], "X-N: 63");
	assert_string_equal(settings.http.headers.at[99], "X-N: 99");
}

static void a_text_is_copied_as_it_is(void **state) {
	char text[] = " {\"a\": 1}\n";
	(void)state;
	assert_true(parse("data", text));
	text[0] = 'x';
	assert_string_equal(settings.http.data, " {\"a\": 1}\n");
	assert_true(parse("data", ""));
	assert_string_equal(settings.http.data, "");
}

static void a_wrong_field_of_a_form_is_refused_in_the_forms_words(void **state) {
	static const char *const wrong[] = {"no sign", "=value", ""};
	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		assert_false(parse("form", wrong[i]));
		assert_int_equal(err.code, ERR_USAGE);
		assert_memory_equal(err.text, "--form: ", 8);
		assert_true(strlen(err.text) > 20);
	}
	assert_true(parse("form", "a=b;c=d"));
	assert_true(parse("form", "a="));
	assert_int_equal(settings.http.form.count, 2);
	assert_string_equal(settings.http.form.at[0], "a=b;c=d");
}

static void right_values_of_checked_texts_are_kept_as_they_are(void **state) {
	static const struct {
		const char *flag, *text;
	} cases[] = {
		{"basic-auth", "ann:"},
		{"basic-auth", "ann:a:b c/\xc3\xa9"},
		{"bearer", "abc.def-_~+/=="},
		{"connect-to", "example.com:443:127.0.0.1:8443"},
		{"connect-to", "[::1]:80:[fd00::1]:8080"},
		{"bind", "127.0.0.1"},
		{"label", "env=staging"},
		{"label", "note="},
		{"metrics-range", "0-0"},
		{"metrics-range", "10-30"},
		{"bind", "127.0.1.0/28,::1,fd00::/64,10.0.0.7/32"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct option_row *row = option_by_name(slice_of(cases[i].flag), COMMAND_RUN);
		if (!parse(cases[i].flag, cases[i].text)) fail_msg("%s", err.text);
		const void *at = (const char *)&settings + row->at;
		const struct text_list *list = at;
		const char *kept = row->kind == KIND_LIST ? list->at[list->count - 1] : *(const char *const *)at;
		assert_string_equal(kept, cases[i].text);
	}
}

/* The spellings of the specification, and the one that OpenSSL prints. */
static void a_tls_version_has_many_names(void **state) {
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{"1.0", TLS_VERSION_1_0},
		{"tls1.0", TLS_VERSION_1_0},
		{"tls1", TLS_VERSION_1_0},
		{"V1.0", TLS_VERSION_1_0},
		{"1.1", TLS_VERSION_1_1},
		{"TLS1.1", TLS_VERSION_1_1},
		{" v1.2 ", TLS_VERSION_1_2},
		{"TLSv1.2", TLS_VERSION_1_2},
		{"1.3", TLS_VERSION_1_3},
		{"tls1.3", TLS_VERSION_1_3},
	};
	(void)state;
	assert_int_equal(settings.tls.min, TLS_VERSION_ANY);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_true(parse("tls-min", cases[i].text));
		assert_int_equal(settings.tls.min, cases[i].want);
	}
	assert_int_equal(TLS_VERSION_1_3, 0x0304); /* RFC 8446 section 4.2.1 */
}

static void a_protocol_is_kept_by_its_registered_name(void **state) {
	static const char *const names[] = {"http/1.1", "HTTP1.1", "http1", " http/1"};
	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		assert_true(parse("alpn", names[i]));
		assert_string_equal(settings.tls.alpn.at[i], "http/1.1");
	}
	assert_true(parse("alpn", "HTTP/2"));
	assert_string_equal(settings.tls.alpn.at[LENGTH(names)], "h2");
	assert_true(parse("alpn", " \t"));
	assert_true(parse("alpn", ""));
	assert_int_equal(settings.tls.alpn.count, LENGTH(names) + 1);
}

static void a_threshold_is_kept_without_blanks(void **state) {
	(void)state;
	assert_true(parse("threshold", " p99 < 250ms "));
	assert_string_equal(settings.out.threshold.at[0], "p99<250ms");
	assert_true(parse("threshold", " step.step  2.p95 < 250ms "));
	assert_string_equal(settings.out.threshold.at[1], "step.step  2.p95<250ms");
}

/* The same refusals when the value stands in a file: its key, and advice in the file's syntax. */
static void a_files_value_is_refused_in_the_files_words(void **state) {
	static const struct {
		const char *flag, *text, *shown, *toml, *json;
	} cases[] = {
		{"rate", "abc", NULL, "k.x: 'abc' is not a number; write e.g. x = 100", "k.x: 'abc' is not a number; write e.g. \"x\": 100"},
		{"timeout", "abc", NULL, "k.x: 'abc' is not a duration; write e.g. x = \"10s\"",
			"k.x: 'abc' is not a duration; write e.g. \"x\": \"10s\""},
		{"status", "9", NULL, "k.x: '9' is not a set of status codes from 100 to 599; write e.g. x = \"200,204,3xx\"",
			"k.x: '9' is not a set of status codes from 100 to 599; write e.g. \"x\": \"200,204,3xx\""},
		{"headers", "secret", "${TOKEN}", "k.x: the header has no colon; write e.g. x = [\"Accept: text/html\"]",
			"k.x: the header has no colon; write e.g. \"x\": [\"Accept: text/html\"]"},
		{"max-tasks", "0", NULL, "k.x: '0' is too small; write at least 1", "k.x: '0' is too small; write at least 1"},
		{"basic-auth", "sesame", "sesame", "k.x: the value has no ':' between user and password; write x = \"USER:PASSWORD\"",
			"k.x: the value has no ':' between user and password; write \"x\": \"USER:PASSWORD\""},
		{"basic-auth", "sesame", "${TOKEN}", "k.x: '${TOKEN}' has no ':' between user and password; write x = \"USER:PASSWORD\"",
			"k.x: '${TOKEN}' has no ':' between user and password; write \"x\": \"USER:PASSWORD\""},
		{"bearer", "abc\r", "abc${TOKEN}", "k.x: '***${TOKEN}' has a control character; leave it out",
			"k.x: '***${TOKEN}' has a control character; leave it out"},
		{"bind", "10.0.0.7/8,sesame", "10.0.0.7/8,${TOKEN}",
			"k.x: '10.0.0.7/8,${TOKEN}' has a part that is no IP address or block of addresses; write e.g. x = [\"127.0.1.0/28\"]",
			"k.x: '10.0.0.7/8,${TOKEN}' has a part that is no IP address or block of addresses; write e.g. \"x\": [\"127.0.1.0/28\"]"},
		{"bind", "10.0.0.7/8", "10.0.0.7/8", "k.x: '10.0.0.7/8' has bits behind its prefix; write 10.0.0.0/8",
			"k.x: '10.0.0.7/8' has bits behind its prefix; write 10.0.0.0/8"},
		{"form", "sesame", "${TOKEN}", "k.x: '${TOKEN}' is no field of a form with what its variables hold; write NAME=VALUE or NAME=@FILE",
			"k.x: '${TOKEN}' is no field of a form with what its variables hold; write NAME=VALUE or NAME=@FILE"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct option_row *row = option_by_name(slice_of(cases[i].flag), COMMAND_RUN);
		struct value_input input = {cases[i].text, cases[i].shown, VALUE_TOML, "k.x", "x", &arena};
		assert_false(value_read(row, &input, &settings, &err));
		assert_string_equal(err.text, cases[i].toml);
		input.syntax = VALUE_JSON;
		assert_false(value_read(row, &input, &settings, &err));
		assert_string_equal(err.text, cases[i].json);
	}
}

static void every_rows_value_can_be_copied(void **state) {
	static struct settings copy;
	(void)state;
	memset(&copy, 0, sizeof(copy));
	assert_true(parse("data", "x") && parse("headers", "A: b") && parse("stages", "1s@5") && parse("rate", "5") && parse("json", "true"));
	for (size_t i = 0; i < OPTION_COUNT; i++) value_copy(&option_rows[i], &copy, &settings);
	assert_string_equal(copy.http.data, "x");
	assert_int_equal(copy.http.headers.count, 1);
	assert_int_equal(copy.load.stages.count, 1);
	assert_true(copy.load.rate == 5);
	assert_true(copy.out.json);
	assert_int_equal(copy.http.timeout, 10 * SEC);
	assert_true(status_set_has(&copy.http.status, 200));
}

static void too_many_stages_are_refused(void **state) {
	char text[(STAGE_MAX + 1) * 5 + 1] = "";
	(void)state;
	for (int i = 0; i <= STAGE_MAX; i++) memcpy(text + i * 5, i < STAGE_MAX ? "1s@1," : "1s@1", i < STAGE_MAX ? 6 : 5);
	assert_false(parse("stages", text));
	assert_string_equal(err.text, "--stages: too many stages; write at most 256");
	text[STAGE_MAX * 5 - 1] = 0;
	assert_true(parse("stages", text));
	assert_int_equal(settings.load.stages.count, STAGE_MAX);
}

static void the_targets_threads_have_their_own_limits(void **state) {
	const struct option_row *row = option_by_name(SLICE("threads"), COMMAND_TARGET);
	(void)state;
	assert_true(value_parse(row, "64", &arena, &settings, &err));
	assert_int_equal(settings.target.threads, 64);
	assert_int_equal(settings.load.threads, 0);
	assert_false(value_parse(row, "65", &arena, &settings, &err));
	assert_string_equal(err.text, "--threads: '65' is too large; write at most 64");
}

static void a_stall_is_shorter_than_its_period(void **state) {
	static const char *const wrong[] = {"", "/", "200ms", "200ms/", "/1s", "0/1s", "1s/1s", "2s/1s", "200ms/0", "200ms/1s/2s", "-1s/2s", "a/b"};
	nsec length = 0, period = 0;
	(void)state;
	assert_true(units_parse_stall(SLICE("200ms/1s"), &length, &period));
	assert_int_equal(length, 200 * MSEC);
	assert_int_equal(period, SEC);
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		if (units_parse_stall(slice_of(wrong[i]), &length, &period)) fail_msg("taken: '%s'", wrong[i]);
	}
	assert_int_equal(length, 200 * MSEC);
	assert_int_equal(period, SEC);
}

static void advice_shows_how_to_write_an_option(void **state) {
	static const struct {
		const char *flag, *want;
	} cases[] = {
		{"url", "write --url URL"},
		{"headers", "write --headers 'NAME: VALUE'"},
		{"max-tasks", "write e.g. --max-tasks 1000"},
		{"rate", "write e.g. --rate 100"},
		{"warmup", "write e.g. --warmup 10s"},
		{"method", "write e.g. --method get"},
		{"stages", "write e.g. --stages 30s@500,1m@2000"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_string_equal(value_advice(option_by_name(slice_of(cases[i].flag), COMMAND_RUN), &arena), cases[i].want);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(presets_are_the_documented_defaults),
		TEST(numbers_are_written_so_that_they_read_back),
		TEST(every_preset_parses),
		TEST(choices_stand_in_the_order_of_their_enum),
		TEST(times_take_seconds_or_a_unit),
		TEST(numbers_take_their_limits_and_what_lies_between),
		TEST(a_set_of_codes_is_taken),
		TEST(stages_are_taken_in_order),
		TEST(a_list_grows_in_order_and_owns_its_texts),
		TEST(a_text_is_copied_as_it_is),
		TEST(a_wrong_field_of_a_form_is_refused_in_the_forms_words),
		TEST(right_values_of_checked_texts_are_kept_as_they_are),
		TEST(a_tls_version_has_many_names),
		TEST(a_protocol_is_kept_by_its_registered_name),
		TEST(a_threshold_is_kept_without_blanks),
		TEST(a_files_value_is_refused_in_the_files_words),
		TEST(every_rows_value_can_be_copied),
		TEST(too_many_stages_are_refused),
		TEST(the_targets_threads_have_their_own_limits),
		TEST(a_stall_is_shorter_than_its_period),
		TEST(advice_shows_how_to_write_an_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
