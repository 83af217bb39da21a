#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "out/replay_read.h"

#define RECORDS_MAX 8

static char path[] = "/tmp/replay_read_XXXXXX";

/* What came of a file. */
struct got {
	struct replay_totals totals;
	size_t records, comments;
	struct logged at[RECORDS_MAX];
	bool from_reference[RECORDS_MAX];
};

static void take_record(void *user, const struct logged *record, bool from_reference) {
	struct got *got = user;
	assert_true(got->records < RECORDS_MAX);
	got->from_reference[got->records] = from_reference;
	got->at[got->records++] = *record;
}

static void take_comment(void *user, struct slice line) {
	struct got *got = user;
	assert_int_equal(line.at[0], '#');
	got->comments++;
}

static void read_text(enum replay_kind kind, const char *text, size_t chunk, struct got *ret) {
	const char *const paths[] = {path};
	struct replay_input input = {kind, 1, paths, chunk};
	struct replay_reader reader = {.record = take_record, .comment = take_comment, .user = ret};
	struct err err;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(ret, 0, sizeof(*ret));
	assert_true(replay_read(&input, &reader, &ret->totals, &err));
	assert_int_equal(ret->totals.records, ret->records);
}

static int setup(void **state) {
	(void)state;
	int file = mkstemp(path);
	if (file >= 0) close(file);
	return file < 0;
}

static int teardown(void **state) {
	(void)state;
	return unlink(path);
}

static void a_log_is_read_at_every_split(void **state) {
	(void)state;
	static const char text[] =
		"# strest {}\n0,12,200,0,0\r\n\n4,15,503,FALSE,0\nrubbish\n20,2000,500,True,0,7,8,more\n"
		"20,2000,500,1,0,7,8\n1,5,200,0,0,5,6,1000000,1000000,1000010,1000020,6000000,6999999,1,2,3,4,ok,none,7,h2,8,5,0\n# end {}\n";
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct got got;
		read_text(REPLAY_LINES, text, chunk, &got);
		assert_int_equal(got.records, 4);
		assert_int_equal(got.comments, 2);
		assert_int_equal(got.totals.skipped, 2);
		assert_int_equal(got.totals.first_skipped, 5);
		assert_false(got.totals.cut);
		assert_int_equal(got.at[1].sample.due, 4 * MSEC);
		assert_int_equal(got.at[1].sample.done, 19 * MSEC);
		assert_int_equal(got.at[1].sample.status, 503);
		assert_true(got.from_reference[1]);
		assert_int_equal(got.at[2].sample.reason, REASON_TIMEOUT_RESPONSE);
		assert_int_equal(got.at[2].sample.bytes, 7);
		assert_false(got.from_reference[3]);
		assert_int_equal(got.at[3].sample.row, 7);
	}
}

static void the_names_of_columns_are_no_bad_line_once(void **state) {
	(void)state;
	struct got got;
	read_text(REPLAY_LINES, "elapsed_ms,latency_ms,status_code\n0,1,200\nelapsed_ms,x\n", 0, &got);
	assert_int_equal(got.records, 1);
	assert_int_equal(got.totals.skipped, 1);
}

static void json_is_read_at_every_split(void **state) {
	(void)state;
	static const char text[] =
		"{\n \"a\": \"rec\\\"ords\", \"n\": {\"records\": [{\"elapsed_ms\":9,\"latency_ms\":9,\"status_code\":200}]},\n \"records\": [\n"
		"  {\"latency_ms\": 12, \"elapsed_ms\": 0, \"status_code\": 200, \"timed_out\": false, \"transport_error\": true},\n"
		"  {\"elapsed_ms\": 4, \"latency_ms\": 15, \"status_code\": 200, \"x\": {\"y\": \"]}\"}}, {\"elapsed_ms\": 4}, 7 ],\n"
		"  \"z\": [{\"elapsed_ms\":9,\"latency_ms\":9,\"status_code\":200}]\n}";
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct got got;
		read_text(REPLAY_JSON, text, chunk, &got);
		assert_int_equal(got.records, 2);
		assert_int_equal(got.totals.skipped, 1);
		assert_int_equal(got.totals.first_skipped, 3);
		assert_false(got.totals.cut);
		assert_int_equal(got.at[0].sample.done, 12 * MSEC);
		assert_int_equal(got.at[0].sample.reason, REASON_CONNECT_FAILED);
		assert_int_equal(got.at[1].sample.due, 4 * MSEC);
	}
}

static void lines_of_json_are_read_at_every_split(void **state) {
	(void)state;
	static const char text[] =
		"{\"type\":\"summary\",\"elapsed_ms\":1,\"latency_ms\":1,\"status_code\":200}\n"
		"{\"type\":\"record\",\"elapsed_ms\":1,\"latency_ms\":2,\"status_code\":201,\"timed_out\":false,\"transport_error\":false}\n"
		"{\"elapsed_ms\":3,\"latency_ms\":2,\"status_code\":204}\nno json\n{\"type\":\"end\",\"records\":2}\n";
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct got got;
		read_text(REPLAY_JSONL, text, chunk, &got);
		assert_int_equal(got.records, 2);
		assert_int_equal(got.totals.skipped, 1);
		assert_int_equal(got.totals.first_skipped, 4);
		assert_int_equal(got.at[1].sample.status, 204);
	}
}

static void a_file_that_is_cut_off_is_said_to_be(void **state) {
	(void)state;
	struct got got;
	read_text(REPLAY_LINES, "0,1,200\n5,", 0, &got);
	assert_true(got.totals.cut);
	assert_int_equal(got.records, 1);
	read_text(REPLAY_LINES, "0,1,200\n5,1,200", 0, &got); /* whole, as far as anyone can tell */
	assert_false(got.totals.cut);
	assert_int_equal(got.records, 2);
	read_text(REPLAY_JSONL, "{\"elapsed_ms\":1,\"late", 0, &got);
	assert_true(got.totals.cut);
	read_text(REPLAY_JSON, "{\"records\":[{\"elapsed_ms\":1,\"latency_ms\":1,\"status_code\":200}", 0, &got);
	assert_true(got.totals.cut);
	assert_int_equal(got.records, 1);
	read_text(REPLAY_JSON, "", 0, &got);
	assert_false(got.totals.cut);
}

static void a_line_without_end_takes_no_memory_without_end(void **state) {
	(void)state;
	struct got got;
	size_t size = REPLAY_LINE_MAX + 100;
	char *text = malloc(size + 20);
	memset(text, '7', size);
	strcpy(text + size, "\n0,1,200\n");
	read_text(REPLAY_LINES, text, 0, &got);
	assert_int_equal(got.records, 1);
	assert_int_equal(got.totals.skipped, 1);
	free(text);
}

static void a_file_that_cannot_be_read_is_an_error(void **state) {
	(void)state;
	const char *const paths[] = {"/nowhere/at/all", "/tmp"};
	struct replay_reader reader = {.record = take_record};
	struct replay_totals totals;
	struct err err;
	assert_false(replay_read(&(struct replay_input){REPLAY_LINES, 1, paths}, &reader, &totals, &err));
	assert_string_equal(err.text, "cannot read '/nowhere/at/all': No such file or directory");
	assert_false(replay_read(&(struct replay_input){REPLAY_LINES, 1, paths + 1}, &reader, &totals, &err));
	assert_string_equal(err.text, "'/tmp' is a folder; name a file in it");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_read_at_every_split),
		cmocka_unit_test(the_names_of_columns_are_no_bad_line_once),
		cmocka_unit_test(json_is_read_at_every_split),
		cmocka_unit_test(lines_of_json_are_read_at_every_split),
		cmocka_unit_test(a_file_that_is_cut_off_is_said_to_be),
		cmocka_unit_test(a_line_without_end_takes_no_memory_without_end),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
