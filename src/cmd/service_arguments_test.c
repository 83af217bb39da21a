#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena_fixture.h"
#include "cmd/service_arguments.h"
#include "config/origin.h"
#include "config/value.h"

#define WORDS 12

static struct err err;

/* Reads and places a command line, in the folder /x; nobody gave a config file. */
static bool place(const char *const *words, struct service_unit *ret) {
	static char program[] = "strest";
	struct cli cli = {.origins = arena_alloc(&arena, sizeof(struct origins))};
	char *argv[WORDS + 2] = {program};
	int argc = 1;
	value_preset(&arena, &cli.settings);
	for (; words[argc - 1]; argc++) argv[argc] = arena_copy(&arena, slice_of(words[argc - 1]));
	const struct service_origin origin = {&cli, argc, argv, "/x"};
	return service_arguments_place(&origin, &arena, ret, &err);
}

static const struct {
	const char *given[WORDS], *got[WORDS];
} cases[] = {
	{{"--agent-join", "h:1", "--agent-standby", "--install-service", "--service-name", "n"}, {"--agent-join", "h:1", "--agent-standby"}},
	{{"--install-service=true", "--service-name=n", "--agent-join=h:1", "--service-dry-run"}, {"--agent-join=h:1"}},
	{{"--auth-token", "t", "--auth-token=t", "--auth-token-file", "f", "--control-auth-token", "t", "--control-auth-token-file=f", "-v"}, {"-v"}},
	{{"--service-name", "--agent-join", "--agent-join", "h:1"}, {"--agent-join", "h:1"}},
	{{"-u", "http://h/", "-X", "post", "-d", "a=b"}, {"-u", "http://h/", "-X", "post", "-d", "a=b"}},
	{{"-uhttp://h/", "-H", "A: b", "-d=x"}, {"-u", "http://h/", "-H", "A: b", "-d", "x"}},
	{{"-d", "=x", "-d-x", "--data=-y", "-d", "-"}, {"-d", "=x", "--data=-x", "--data=-y", "-d", "-"}},
	{{"--concurrency", "5", "--no-tui=false"}, {"--concurrency", "5", "--no-tui=false"}},
	{{"--agent-join", "h:1", "--"}, {"--agent-join", "h:1"}},
	{{"--unix-socket", "s", "--unix-socket=/run/s"}, {"--unix-socket", "/x/s", "--unix-socket=/run/s"}},
	{{"-o", "out.json", "--export-json=/var/lib/strest/a"}, {"-o", "out.json", "--export-json=/var/lib/strest/a"}},
	{{"--data-file", "/etc/passwd", "-F", "a=@/etc/passwd;type=text/plain"},
		{"--data-file", "/etc/passwd", "-F", "a=@/etc/passwd;type=text/plain"}},
};

static void options_stay_as_they_were_given(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct service_unit unit;
		size_t count = 0;
		if (!place(cases[i].given, &unit)) fail_msg("%zu: %s", i, err.text);
		for (; cases[i].got[count]; count++)
			if (count >= unit.word_count || strcmp(unit.words[count].text, cases[i].got[count]) != 0)
				fail_msg("%zu: word %zu is not '%s' but '%s'", i, count, cases[i].got[count],
					count < unit.word_count ? unit.words[count].text : "missing");
		assert_int_equal(unit.word_count, count);
		assert_int_equal(unit.credential_count, 0);
	}
}

static const char *const refused[][WORDS] = {
	{"--bearer", "secret"},
	{"--basic-auth=u:p"},
	{"-H", "Authorization: x"},
	{"--proxy-header=Proxy-Authorization: x"},
	{"-u", "http://u:p@h/"},
	{"--proxy=http://u:p@h/"},
	{"-F", "a=@missing"},
	{"--config", "missing.toml"},
	{"--fleet-key", "/dev/null"},
	{"--fleet-key", "/etc"},
};

static void what_a_service_cannot_have_is_refused(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct service_unit unit;
		if (place(refused[i], &unit)) fail_msg("%s %s", refused[i][0], refused[i][1] ? refused[i][1] : "");
		assert_memory_equal(err.text, "--", 2);
		assert_null(strstr(err.text, "u:p"));
	}
}

/* An option for a file that is new must be sorted: neither kind leads to one that is not there, in a folder that a service may not write to. */
static void each_option_for_a_file_is_known(void **state) {
	unsigned count = 0;
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *words[WORDS] = {"", "/nowhere/at/all"};
		struct service_unit unit;
		if (!(row->commands & COMMAND_RUN) || !row->unit || strstr(row->flag, "token-file") || row->group == GROUP_REPLAY) continue;
		if (strcmp(row->unit, "FILE") != 0 && strcmp(row->unit, "FOLDER") != 0 && strcmp(row->unit, "PATH") != 0) continue;
		if (strcmp(row->flag, "unix-socket") == 0) continue;
		words[0] = arena_format(&arena, "--%s", row->flag);
		if (place(words, &unit)) fail_msg("--%s: neither read nor written", row->flag);
		assert_non_null(strstr(err.text, words[0]));
		count++;
	}
	assert_true(count >= 20);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(options_stay_as_they_were_given, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_service_cannot_have_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_option_for_a_file_is_known, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
