#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/runlog.h"

static struct logged some(void) {
	return (struct logged){
		.sample = {.due = 4 * MSEC,
			.ready = 4 * MSEC,
			.sent = 4 * MSEC + 10,
			.written = 4 * MSEC + 20,
			.first = 9 * MSEC,
			.done = 9 * MSEC + 999999,
			.dns = 1,
			.connect = 2,
			.tls = 3,
			.retry = 4,
			.bytes = 5,
			.status = 200,
			.row = 7},
		.connection = 8,
		.in_flight = 6,
		.protocol = LOGGED_H2,
	};
}

static void assert_line(const struct logged *record, nsec zero, const char *want) {
	char line[RUNLOG_LINE_MAX + 1];
	size_t size = runlog_format(record, zero, line);
	line[size] = 0;
	assert_string_equal(line, want);
}

static void a_line_has_the_compatible_columns_first(void **state) {
	(void)state;
	struct logged record = some();
	assert_line(&record, 0, "4,5,200,0,0,5,6,4000000,4000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,none,0,h2,8,5,7\n");
	assert_line(&record, 3 * MSEC, "1,5,200,0,0,5,6,1000000,1000000,1000010,1000020,6000000,6999999,1,2,3,4,ok,none,0,h2,8,5,7\n");
}

static void the_row_of_a_step_stands_in_its_own_column(void **state) {
	(void)state;
	struct logged record = some(), got;
	char line[RUNLOG_LINE_MAX];
	record.has_step = true;
	assert_line(&record, 0, "4,5,200,0,0,5,6,4000000,4000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,none,7,h2,8,5,0\n");
	size_t size = runlog_format(&record, 0, line);
	assert_true(runlog_parse((struct slice){line, size - 1}, &got));
	assert_true(got.has_step);
	assert_int_equal(got.sample.row, 7);
	record.has_step = false;
	size = runlog_format(&record, 0, line);
	assert_true(runlog_parse((struct slice){line, size - 1}, &got));
	assert_false(got.has_step);
	assert_int_equal(got.sample.row, 7);
}

/* The states of section 1.2 of the reference tool: 500 where no response came, one flag at most. */
static void failures_have_the_status_of_the_reference_tool(void **state) {
	static const struct {
		enum reason reason;
		unsigned status, want;
		bool timed_out, transport;
	} cases[] = {
		{REASON_NONE, 204, 204, false, false},
		{REASON_STATUS, 404, 404, false, false},
		{REASON_TIMEOUT_RESPONSE, 0, 500, true, false},
		{REASON_TIMEOUT_CONNECT, 0, 500, true, false},
		{REASON_OPEN, 200, 500, true, false},
		{REASON_REFUSED, 0, 500, false, true},
		{REASON_CUT, 200, 500, false, true},
		{REASON_TLS_HOST, 0, 500, false, true},
		{REASON_MALFORMED, 0, 500, false, true},
		{REASON_STALE, 0, 500, false, true},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct logged record = some();
		struct compatible got;
		record.sample.reason = (uint8_t)cases[i].reason;
		record.sample.status = (uint16_t)cases[i].status;
		runlog_translate(&record, &got);
		assert_int_equal(got.status, cases[i].want);
		assert_int_equal(got.timed_out, cases[i].timed_out);
		assert_int_equal(got.transport_error, cases[i].transport);
	}
}

static void a_line_is_read_back_as_it_was(void **state) {
	(void)state;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		struct logged record = some(), got;
		char line[RUNLOG_LINE_MAX], again[RUNLOG_LINE_MAX];
		record.sample.reason = (uint8_t)reason;
		if (reason_outcome(reason) != OUTCOME_OK) record.sample.status = 500;
		size_t size = runlog_format(&record, 0, line);
		assert_true(runlog_parse((struct slice){line, size - 1}, &got));
		assert_int_equal(got.sample.reason, reason);
		assert_int_equal(runlog_format(&got, 0, again), size);
		assert_memory_equal(line, again, size);
	}
}

/* The four records of the reference tool's documentation, with and without the columns of its later versions. */
static void lines_of_the_reference_tool_are_read(void **state) {
	static const struct {
		const char *line;
		nsec due, latency;
		unsigned status;
		enum reason reason;
		uint64_t bytes;
	} cases[] = {
		{"0,12,200,0,0", 0, 12 * MSEC, 200, REASON_NONE, 0},
		{"9,31,503,0,0", 9 * MSEC, 31 * MSEC, 503, REASON_NONE, 0},
		{"20,2000,500,1,0", 20 * MSEC, 2000 * MSEC, 500, REASON_TIMEOUT_RESPONSE, 0},
		{"20,2000,500,0,1", 20 * MSEC, 2000 * MSEC, 500, REASON_CONNECT_FAILED, 0},
		{"20,2000,500,TRUE,false", 20 * MSEC, 2000 * MSEC, 500, REASON_TIMEOUT_RESPONSE, 0},
		{"0,12,200", 0, 12 * MSEC, 200, REASON_NONE, 0},
		{"0,12,200,0,0,77,3", 0, 12 * MSEC, 200, REASON_NONE, 77},
		{"0,12,200,0,0\r", 0, 12 * MSEC, 200, REASON_NONE, 0},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct logged got;
		if (!runlog_parse(slice_of(cases[i].line), &got)) fail_msg("refused: %s", cases[i].line);
		assert_int_equal(got.sample.due, cases[i].due);
		assert_int_equal(sample_response(&got.sample), cases[i].latency);
		assert_int_equal(got.sample.status, cases[i].status);
		assert_int_equal(got.sample.reason, cases[i].reason);
		assert_int_equal(got.sample.bytes, cases[i].bytes);
	}
}

static void anything_else_is_no_record(void **state) {
	static const char *const lines[] = {"", "# strest {}", "elapsed_ms,latency_ms,status_code,timed_out,transport_error", "1,2", "1,2,",
		"a,2,200", "1,-2,200", "1,2,200x", "99999999999999999999999,1,200", "99999999999999999,1,200,0,0",
		/* one of ours, cut off, with a stamp before the one before it, with an unknown reason */
		"4,5,200,0,0,5,6,4000000,4000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,none,0,h2,8,5",
		"4,5,200,0,0,5,6,4000000,3000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,none,0,h2,8,5,7",
		"4,5,200,0,0,5,6,4000000,4000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,what,0,h2,8,5,7",
		/* with a step that no sample can have */
		"4,5,200,0,0,5,6,4000000,4000000,4000010,4000020,9000000,9999999,1,2,3,4,ok,none,16384,h2,8,5,0"};
	(void)state;
	for (size_t i = 0; i < LENGTH(lines); i++) {
		struct logged got = {.in_flight = 77};
		if (runlog_parse(slice_of(lines[i]), &got)) fail_msg("taken: %s", lines[i]);
		assert_int_equal(got.in_flight, 77);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_the_compatible_columns_first),
		cmocka_unit_test(the_row_of_a_step_stands_in_its_own_column),
		cmocka_unit_test(failures_have_the_status_of_the_reference_tool),
		cmocka_unit_test(a_line_is_read_back_as_it_was),
		cmocka_unit_test(lines_of_the_reference_tool_are_read),
		cmocka_unit_test(anything_else_is_no_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
