#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "out/records.h"
#include "out/summary_fixture.h"
#include "stats/fleet.h"

/* A log of four requests: two of step 0, one of step 1 and one of step 2, or of as many rows of a list. */
static char folder[64], log_path[100], out_path[100];

static int set_up(void **state) {
	snprintf(folder, sizeof(folder), "/tmp/records_test.XXXXXX");
	if (!mkdtemp(folder)) return 1;
	snprintf(log_path, sizeof(log_path), "%s/0.log", folder);
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	return summary_setup(state);
}

static int tear_down(void **state) {
	unlink(log_path);
	unlink(out_path);
	assert_int_equal(rmdir(folder), 0);
	return summary_teardown(state);
}

static void write_log(bool has_steps) {
	static const uint16_t rows[] = {0, 1, 2, 0};
	FILE *file = fopen(log_path, "w");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char line[RUNLOG_LINE_MAX];
		nsec due = (nsec)i * MSEC;
		struct logged record = {.sample = {due, due, due, due, due, due}, .has_step = has_steps};
		record.sample.row = rows[i];
		fwrite(line, 1, runlog_format(&record, 0, line), file);
	}
	fclose(file);
}

/* Writes the export and returns its bytes, which are the sample's text. */
static const char *export_of(struct report_sample *sample, const struct record_ops *ops) {
	struct records_run run = {.report = report_sample_build(sample), .records = 4, .range_to = NSEC_NEVER, .max = 100};
	struct record_output output = {.ops = ops, .option = "--export", .path = out_path};
	const char *const paths[] = {log_path};
	struct log_sort sort = {.count = 1, .paths = paths, .folder = folder};
	if (!records_write(&output, 1, &run, &sort)) fail_msg("%s", output.fault.text);
	buf_fini(&sample->text);
	FILE *file = fopen(out_path, "r");
	char part[4096];
	for (size_t size; (size = fread(part, 1, sizeof(part), file)) > 0;) buf_add(&sample->text, (struct slice){part, size});
	fclose(file);
	return buf_text(&sample->text);
}

static const char *export_script(struct report_sample *sample, const struct record_ops *ops) {
	report_sample_init(sample, true);
	report_sample_script(sample);
	write_log(true);
	return export_of(sample, ops);
}

#define LONG "buy/put something into the basket, then look, "
#define LONG_END ", at all that is in there now"

/* RFC 4180: a field with commas and quotes is quoted, its quotes are doubled. */
static void csv_has_the_name_of_the_step_last(void **state) {
	const char *text = export_script(*state, &csv_ops);
	assert_has(text, ",outcome,reason,step,protocol,connection,bytes,url,step_name\n0,0,0,0,0,");
	assert_has(text, ",ok,none,0,none,0,0,0,buy/login\n1,");
	assert_has(text, ",ok,none,1,none,0,0,0,\"" LONG "\"\"again\"\"" LONG_END "\"\n2,");
	assert_has(text, ",ok,none,2,none,0,0,0,look/list\n3,");
}

static void json_names_the_step_of_each_record(void **state) {
	const char *text = export_script(*state, &json_ops);
	assert_has(text, "\"steps\":[\"buy/login\",\"" LONG "\\\"again\\\"" LONG_END "\",\"look/list\"]");
	assert_has(text, "\"step\":0,\"protocol\":\"none\",\"connection\":0,\"bytes\":0,\"url\":0,\"step_name\":\"buy/login\"},\n{");
	assert_has(
		text, "\"step\":1,\"protocol\":\"none\",\"connection\":0,\"bytes\":0,\"url\":0,\"step_name\":\"" LONG "\\\"again\\\"" LONG_END "\"}");
}

static void jsonl_names_the_step_of_each_record(void **state) {
	const char *text = export_script(*state, &jsonl_ops);
	assert_has(text, "\"url\":0,\"step_name\":\"look/list\"}\n{\"type\":\"record\",");
	assert_has(text, "\"step_name\":\"buy/login\"}\n{\"type\":\"end\",\"records\":4}\n");
}

static void without_steps_the_number_is_the_urls_and_there_are_no_names(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	write_log(false);
	const char *text = export_of(sample, &csv_ops);
	assert_has(text, ",bytes,url\n");
	assert_has(text, ",ok,none,0,none,0,0,2\n3,");
	text = export_of(sample, &jsonl_ops);
	assert_has(text, "\"steps\":[]");
	assert_has(text, "\"step\":0,\"protocol\":\"none\",\"connection\":0,\"bytes\":0,\"url\":2}\n");
	assert_lacks(text, "step_name");
}

static void assert_steps(const char *const *names, const int *steps) {
	sqlite3 *db;
	sqlite3_stmt *select;
	assert_int_equal(sqlite3_open(out_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT step, step_name FROM metrics ORDER BY due_ns", -1, &select, NULL), SQLITE_OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(sqlite3_step(select), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(select, 0), steps[i]);
		const char *name = (const char *)sqlite3_column_text(select, 1);
		assert_true(name ? names[i] && strcmp(name, names[i]) == 0 : names[i] == NULL);
	}
	sqlite3_finalize(select);
	sqlite3_close(db);
}

static void the_database_has_step_and_name(void **state) {
	export_script(*state, &sqlite_ops);
	assert_steps((const char *const[]){"buy/login", LONG "\"again\"" LONG_END, "look/list", "buy/login"}, (const int[]){0, 1, 2, 0});
}

static void the_database_has_no_name_without_steps(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	write_log(false);
	export_of(sample, &sqlite_ops);
	assert_steps((const char *const[]){NULL, NULL, NULL, NULL}, (const int[]){0, 0, 0, 0});
}

/* What a controller writes of two agents, of which one is lost: it has no records. */
static const char *export_fleet(struct report_sample *sample, const struct record_ops *ops, bool streamed) {
	static const struct fleet_agent agents[] = {{.id = "a1", .hostname = "web", .weight = 1, .has_figures = true, .ok = 9},
		{.id = "a2", .hostname = "web", .weight = 2, .state = FLEET_LOST, .last_heard = SEC, .words = "its connection was closed"}};
	static const struct fleet_report fleet = {.expected = 2, .reported = 1, .count = 2, .at = agents};
	report_sample_init(sample, true);
	report_sample_fill(sample);
	sample->result.fleet = &fleet;
	if (!streamed) sample->result.series = NULL;
	fclose(fopen(log_path, "w"));
	return export_of(sample, ops);
}

static void an_export_of_a_fleet_has_its_course_and_agents(void **state) {
	const char *text = export_fleet(*state, &json_ops, true);
	assert_has(text, ",\"records_on_agents\":true,\"agents_expected\":2,\"agents_reported\":1,");
	assert_has(text, ",\n\"series\":{\"width_ns\":10000000000,\"slots\":[{\"start_ns\":0,\"sent\":1985,");
	assert_has(text, "\"agents\":[{\"id\":\"a1\",\"hostname\":\"web\",\"weight\":1,\"state\":\"reported\",");
	assert_has(text, "\"reason\":\"its connection was closed\",\"last_heard_ns\":1000000000,");
	assert_has(text, "\"figures\":null}],\n\"records\": [\n]\n}\n");
}

static void lines_of_a_fleet_have_its_course_and_agents(void **state) {
	const char *text = export_fleet(*state, &jsonl_ops, true);
	assert_has(text, "}\n{\"type\":\"series\",\"width_ns\":10000000000,\"start_ns\":0,\"sent\":1985,");
	assert_has(text, "}\n{\"type\":\"agent\",\"id\":\"a1\",");
	assert_has(text, "\"figures\":null}\n{\"type\":\"end\",\"records\":0}\n");
}

/* The longest of all is 10 s, that of the ok ones 6.88 ms. */
static void a_histogram_log_of_a_fleet_has_the_slots_of_its_course(void **state) {
	const char *text = export_fleet(*state, &hdr_log_ops, true);
	assert_has(text, "\n#[of 1 of 2 agents; times are known to 1 %,");
	assert_has(text, "\n0.000,10.000,10000.000,HISTFAAA");
	assert_has(text, "\nTag=ok,0.000,10.000,6.880,HISTFAAA");
}

static void a_histogram_log_without_a_course_is_one_interval(void **state) {
	const char *text = export_fleet(*state, &hdr_log_ops, false);
	assert_has(text, "\n#[of 1 of 2 agents; the whole run is one interval: nothing was streamed]\n");
	assert_has(text, "\n0.000,10.000,10000.000,HISTFAAA");
	assert_has(text, "\nTag=ok,0.000,10.000,6.880,HISTFAAA");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(csv_has_the_name_of_the_step_last),
		TEST(json_names_the_step_of_each_record),
		TEST(jsonl_names_the_step_of_each_record),
		TEST(without_steps_the_number_is_the_urls_and_there_are_no_names),
		TEST(the_database_has_step_and_name),
		TEST(the_database_has_no_name_without_steps),
		TEST(an_export_of_a_fleet_has_its_course_and_agents),
		TEST(lines_of_a_fleet_have_its_course_and_agents),
		TEST(a_histogram_log_of_a_fleet_has_the_slots_of_its_course),
		TEST(a_histogram_log_without_a_course_is_one_interval),
	};
	return cmocka_run_group_tests_name("out/records", tests, NULL, NULL);
}
