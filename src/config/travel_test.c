#include "config/travel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/files.h"
#include "config/value.h"

static struct arena arena;
static struct cli sender, own, got;
static struct err err;
static char path[] = "/tmp/travel_test.XXXXXX.toml";

static bool parse(struct cli *into, char *argv[]) {
	int argc = 0;
	while (argv[argc]) argc++;
	return cli_parse(argc, argv, &arena, into, &err);
}

static void write_file(const char *text) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Sends the settings of `sender` to an agent that has given `own`. */
static const char *travel(void) {
	const char *text;
	assert_true(travel_write(&sender.settings, sender.origins, &arena, &text, &err));
	if (!travel_read(slice_of(text), &own, &arena, &got, &err)) fail_msg("%s", err.text);
	return text;
}

static void every_option_that_shapes_the_load_arrives(void **state) {
	char *argv[] = {"strest", "--url", "http://localhost:3000/a?b=\"c\\", "-X", "put", "-H", "A: b", "-H", "C: \xc3\xa4", "--data", "x\ny",
		"--rate", "0.1", "--stages", "1500ms@10,2m@20.5", "--duration", "90s", "--timeout", "250us", "--status", "200,204,3xx", "--tls-min",
		"1.2", "--http2", "--http2-parallel", "7", "--redirect", "0", "--connect-to", "localhost:3000:127.0.0.1:3001", "--arrival", "poisson",
		"--seed", "42", "--threads", "3", "--no-charts", "--label", "a=b", NULL};
	char *other[] = {"strest", "--url", "http://elsewhere/", "--rate", "7", "--bearer", "mine", "--max-tasks", "9", "--spin", "off", "--tmp-path",
		"/mine", NULL};
	(void)state;
	assert_true(parse(&sender, argv));
	assert_true(parse(&own, other));
	travel();
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (row->travels != TRAVELS) continue;
		for (size_t item = 0; item < 3; item++) {
			const char *sent = value_write(row, &sender.settings, item, &arena), *read = value_write(row, &got.settings, item, &arena);
			if ((sent || read) && (!sent || !read || strcmp(sent, read) != 0)) fail_msg("--%s: '%s' became '%s'", row->flag, sent, read);
		}
	}
	assert_string_equal(got.settings.http.url, "http://localhost:3000/a?b=\"c\\");
	assert_null(got.settings.http.bearer);
	assert_int_equal(got.settings.load.max_tasks, 1000);
	assert_int_equal(got.settings.load.threads, 3);
	assert_int_equal(got.settings.load.spin, SPIN_OFF);
	assert_string_equal(got.settings.out.tmp_path, "/mine");
	assert_int_equal(got.settings.out.label.count, 0);
	assert_int_equal(got.settings.load.stages.count, 2);
	assert_int_equal(got.settings.http.timeout, 250000);
}

static void scenarios_arrive_with_their_variables(void **state) {
	char *argv[] = {"strest", "--config", path, NULL}, *other[] = {"strest", "--url", "http://elsewhere/", NULL};
	(void)state;
	setenv("TRAVEL_TEST", "of the ${controller}", 1);
	write_file("[scenario]\nbase_url = \"http://localhost:3000\"\nvars = { who = \"${TRAVEL_TEST}\", plain = \"$${X}\" }\n"
		   "[[scenario.steps]]\nname = \"a\"\npath = \"/\"\nassert_json = { \"/n\" = 1.25, \"/t\" = \"x\" }\nthink_time = \"5ms\"\n"
		   "[[data]]\nfile = \"users.csv\"\n");
	assert_true(parse(&sender, argv));
	assert_true(parse(&own, other));
	setenv("TRAVEL_TEST", "of the agent", 1);
	setenv("controller", "of the agent", 1);
	travel();
	const struct scenario_set *set = &got.settings.scenarios;
	assert_int_equal(set->count, 1);
	assert_string_equal(set->at[0].vars.at[0].value.text, "of the agent"); /* filled in when it is sent, not before */
	assert_string_equal(set->at[0].vars.at[1].value.text, "${X}");
	assert_int_equal(set->at[0].steps[0].think_time, 5 * MSEC);
	assert_int_equal(set->at[0].steps[0].assert_count, 2);
	assert_string_equal(set->at[0].steps[0].asserts[0].value.text, sender.settings.scenarios.at[0].steps[0].asserts[0].value.text);
	assert_int_equal(set->data_count, 1);
	assert_string_equal(set->data[0].path.text, "users.csv");
	assert_null(got.settings.http.url);
}

static void an_agent_tells_nothing_of_its_environment(void **state) {
	char *other[] = {"strest", "--url", "http://elsewhere/", NULL};
	static const char text[] =
		"{\"options\":{\"url\":\"http://localhost/\"},\"scenarios\":\"{\\\"scenario\\\":{\\\"base_url\\\":\\\"http://localhost\\\","
		"\\\"steps\\\":[{\\\"path\\\":\\\"/${TRAVEL_TEST}\\\"}]}}\"}";
	(void)state;
	setenv("TRAVEL_TEST", "secret", 1);
	assert_true(parse(&own, other));
	files_seal();
	assert_false(travel_read(slice_of(text), &own, &arena, &got, &err));
	assert_non_null(strstr(err.text, "TRAVEL_TEST"));
	files_reset();
}

static void what_does_not_travel_is_refused(void **state) {
	static const char *const texts[] = {
		"{\"options\":{\"tmp-path\":\"/etc\"}}",
		"{\"options\":{\"export-csv\":\"/etc/passwd\",\"url\":\"http://localhost/\"}}",
		"{\"options\":{\"no-such-option\":\"1\"}}",
		"{\"options\":{\"rate\":5}}",
		"{\"options\":{\"headers\":\"A: b\"}}",
		"{\"options\":{\"headers\":[1]}}",
		"{\"options\":{\"rate\":\"0\",\"url\":\"http://localhost/\"}}",
		"{\"options\":{\"rate\":\"5\"}}",
		"{\"options\":[\"rate\"]}",
		"[]",
		"{",
		"",
	};
	char *other[] = {"strest", "--url", "http://elsewhere/", NULL};
	(void)state;
	assert_true(parse(&own, other));
	for (size_t i = 0; i < LENGTH(texts); i++) {
		err.text[0] = 0;
		if (travel_read(slice_of(texts[i]), &own, &arena, &got, &err)) fail_msg("%s was taken", texts[i]);
		assert_true(strlen(err.text) > 10);
	}
}

static void secrets_are_known(void **state) {
	static const char *const secret[][2] = {
		{"--bearer", "x"}, {"--basic-auth", "a:b"}, {"-H", "Authorization: x"}, {"-H", "cookie: a=b"}, {"--proxy", "http://u:p@localhost:1"}};
	static const char *const plain[][2] = {{"-H", "Accept: x"}, {"--proxy", "http://localhost:1"}, {"--data", "password"}};
	(void)state;
	for (size_t i = 0; i < LENGTH(secret); i++) {
		char *argv[] = {"strest", "--url", "http://localhost/", (char *)secret[i][0], (char *)secret[i][1], NULL};
		assert_true(parse(&sender, argv));
		assert_true(travel_is_secret(&sender.settings, sender.origins));
	}
	for (size_t i = 0; i < LENGTH(plain); i++) {
		char *argv[] = {"strest", "--url", "http://localhost/", (char *)plain[i][0], (char *)plain[i][1], NULL};
		assert_true(parse(&sender, argv));
		assert_false(travel_is_secret(&sender.settings, sender.origins));
	}
	write_file("[scenario]\nbase_url = \"http://localhost:3000\"\nheaders = [\"X-Api-Key: 1\"]\n[[scenario.steps]]\npath = \"/\"\n");
	char *argv[] = {"strest", "--config", path, NULL};
	assert_true(parse(&sender, argv));
	assert_true(travel_is_secret(&sender.settings, sender.origins));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_that_shapes_the_load_arrives),
		cmocka_unit_test(scenarios_arrive_with_their_variables),
		cmocka_unit_test(an_agent_tells_nothing_of_its_environment),
		cmocka_unit_test(what_does_not_travel_is_refused),
		cmocka_unit_test(secrets_are_known),
	};
	int fd = mkstemps(path, 5);
	if (fd < 0) return 1;
	close(fd);
	arena_init(&arena);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_fini(&arena);
	unlink(path);
	return failed;
}
