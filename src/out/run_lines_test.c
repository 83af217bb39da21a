#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "out/run_lines.h"
#include "out/run_numbers.h"

static struct arena arena;

static int setup(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Returns the object as text, in the arena. Takes it. */
static struct slice text_of(struct json *object) {
	char *text = json_format_line(object);
	struct slice kept = slice_of(arena_copy(&arena, slice_of(text)));
	free(text);
	json_free(object);
	return kept;
}

static const struct group rows[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"}, {GROUP_BY_ADDRESS, "a:1"},
	{GROUP_BY_ADDRESS, "elsewhere"}, {GROUP_BY_STAGE, "1", 0, SEC}, {GROUP_BY_STAGE, "2", SEC, NSEC_NEVER}, {GROUP_BY_STEP, "x"},
	{GROUP_BY_SCENARIO, "s"}};
static const struct group_table groups = {9, rows, 3, 5, 7, 8};

static void a_first_line_says_what_was_said(void **state) {
	(void)state;
	const char *const labels[] = {"env=x"}, *const urls[] = {"GET http://a/", "POST http://b/\"\\"};
	struct threshold threshold = {.text = "p99<250ms"};
	struct run_info info = {.id = "12345678-1234-4234-8234-123456789012",
		.version = "9",
		.label_count = 1,
		.labels = labels,
		.start_unix_ns = 5,
		.target = "http://a/",
		.method = "GET",
		.http = "h2",
		.http_words = "HTTP/2",
		.streams = 7,
		.open_loop = true,
		.asked_per_s = 33.25,
		.seed = UINT64_MAX,
		.threads = 2,
		.max_tasks = 10,
		.spin = "tail",
		.duration = 9 * SEC,
		.warmup = SEC,
		.kernel_stamps = "all",
		.keepalive = true,
		.threshold_count = 1,
		.thresholds = &threshold,
		.steps_mean = 1.5,
		.scenario_count = 1,
		.groups = groups};
	struct run_head head;
	struct json *object = json_new_object();
	status_set_parse(SLICE("200,3xx"), &info.expected);
	run_lines_put_head(&info, urls, 2, object);
	assert_true(run_lines_read_head(text_of(object), &arena, &head));
	assert_string_equal(head.info.id, info.id);
	assert_string_equal(head.info.labels[0], "env=x");
	assert_string_equal(head.info.http_words, "HTTP/2");
	assert_null(head.info.proxy);
	assert_true(head.info.seed == UINT64_MAX && head.info.asked_per_s == 33.25 && head.info.open_loop && head.info.keepalive);
	assert_true(status_set_has(&head.info.expected, 304) && !status_set_has(&head.info.expected, 404));
	assert_int_equal(head.info.threshold_count, 1);
	assert_true(head.info.thresholds[0].quantile == 0.99);
	assert_int_equal(head.url_count, 2);
	assert_string_equal(head.urls[1], urls[1]);
	const struct group_table *got = &head.info.groups;
	assert_int_equal(got->count, 9);
	assert_int_equal(got->first_stage, 5);
	assert_int_equal(got->first_step, 7);
	assert_int_equal(got->first_scenario, 8);
	for (size_t i = 0; i < 9; i++) assert_string_equal(got->rows[i].name, rows[i].name);
	assert_int_equal(got->rows[6].begin, SEC);
	assert_int_equal(got->rows[6].end, NSEC_NEVER);
}

static void what_is_no_first_line_is_none_and_a_bare_one_has_a_place_for_records(void **state) {
	(void)state;
	struct run_head head;
	assert_false(run_lines_read_head(SLICE(""), &arena, &head));
	assert_false(run_lines_read_head(SLICE("[1]"), &arena, &head));
	assert_false(run_lines_read_head(SLICE("{\"a\":"), &arena, &head));
	assert_true(
		run_lines_read_head(SLICE("{\"target\":7,\"labels\":{},\"steps\":[1],\"url_count\":-4,\"expected_status\":\"x\"}"), &arena, &head));
	assert_string_equal(head.info.target, "");
	assert_int_equal(head.info.groups.first_address, 3);
	assert_int_equal(head.info.groups.first_stage, 4);
	assert_int_equal(head.url_count, 0);
	assert_true(status_set_has(&head.info.expected, 200));
}

/* A line with many URLs stays short enough to be read. */
static void names_of_urls_that_do_not_fit_are_numbers(void **state) {
	(void)state;
	enum { COUNT = 20000 };
	const char **urls = arena_array(&arena, COUNT, sizeof(*urls));
	struct run_info info = {.groups = groups};
	struct run_head head;
	struct json *object = json_new_object();
	for (size_t i = 0; i < COUNT; i++) urls[i] = "GET http://localhost:3000/a/path/of/some/length";
	run_lines_put_head(&info, urls, COUNT, object);
	struct slice text = text_of(object);
	assert_true(text.size < RUN_LINE_MAX);
	assert_true(run_lines_read_head(text, &arena, &head));
	assert_int_equal(head.url_count, COUNT);
	assert_string_equal(head.urls[0], urls[0]);
	assert_string_equal(head.urls[16000], "URL 16001 of the list");
}

/* Nobody asks for a name beyond SAMPLE_ROWS_MAX; 2^31 - 1 of them would be 17 GB. */
static void a_line_that_claims_many_urls_costs_little(void **state) {
	(void)state;
	struct run_head head;
	assert_true(run_lines_read_head(SLICE("{\"url_count\":2147483647,\"urls\":[\"GET /a\"]}"), &arena, &head));
	assert_int_equal(head.url_count, 2147483647);
	assert_string_equal(head.urls[0], "GET /a");
	assert_string_equal(head.urls[SAMPLE_ROWS_MAX - 1], "URL 16384 of the list");
}

static void what_would_be_an_order_to_a_terminal_is_none(void **state) {
	(void)state;
	struct run_head head;
	assert_true(run_lines_read_head(
		SLICE("{\"target\":\"\\u001b[2Jx\\u0007\\u009bm\",\"run_id\":\"a\\u007fb\",\"labels\":[\"k=\\nv\"],\"steps\":[\"\\u00e9\\t\"]}"),
		&arena, &head));
	assert_string_equal(head.info.target, "?[2Jx???m");
	assert_string_equal(head.info.id, "a?b");
	assert_string_equal(head.info.labels[0], "k=?v");
	assert_string_equal(head.info.groups.rows[head.info.groups.first_step].name, "\u00e9?");
}

static void numbers_below_0_are_0(void **state) {
	(void)state;
	struct run_head head;
	struct run_end end;
	assert_true(run_lines_read_head(SLICE("{\"threads\":-5,\"max_tasks\":-1,\"streams\":-1,\"warmup_ns\":-7}"), &arena, &head));
	assert_true(head.info.threads == 0 && head.info.max_tasks == 0 && head.info.streams == 0 && head.info.warmup == 0);
	assert_true(run_lines_read_end(
		SLICE("{\"ended_by\":\"duration\",\"planned\":-5,\"ok\":9223372036854775807,\"failed\":9223372036854775807,\"attempts\":-3,"
		      "\"strain\":{\"wall_ns\":-1,\"cpus\":-2},\"own_error\":[-1,-1,-1,-1,5,9223372036854775807,6,3]}"),
		&arena, &end));
	assert_true(end.result.planned == 0 && end.result.strain.wall == 0 && end.result.strain.cpus == 0);
	struct tally *tally = tally_new(1);
	struct totals *totals = calloc(1, sizeof(*totals));
	run_numbers_get(end.root, tally);
	run_numbers_get_hist(tree_find(end.root, "own_error"), &totals->own_error);
	assert_int_equal(tally->attempts, 0);
	assert_int_equal(totals->own_error.count, 3);
	assert_int_equal(totals->own_error.min, 0);
	free(tally);
	free(totals);
}

static void times_come_back_as_they_were(void **state) {
	(void)state;
	struct hist *hist = arena_alloc(&arena, sizeof(*hist)), *back = arena_alloc(&arena, sizeof(*back));
	struct histlet *histlet = arena_alloc(&arena, sizeof(*histlet)), *again = arena_alloc(&arena, sizeof(*again));
	const nsec times[] = {0, 1, 999, 5 * MSEC, SEC, 2 * HIST_MAX};
	struct json *object = json_new_object();
	for (size_t i = 0; i < LENGTH(times); i++) {
		nsec exact = times[i];
		hist_record(hist, exact, i + 1);
		nsec time = times[i];
		histlet_record(histlet, time, i + 1);
	}
	run_numbers_put_hist(hist, json_put_array(object, "own_error"));
	run_numbers_put_histlet(histlet, json_put_array(object, "b"));
	json_put_text(object, "ended_by", "data");
	struct run_end end;
	assert_true(run_lines_read_end(text_of(object), &arena, &end));
	assert_int_equal(end.result.cause, STOP_DATA);
	run_numbers_get_hist(tree_find(end.root, "own_error"), back);
	run_numbers_get_histlet(tree_find(end.root, "b"), again);
	assert_memory_equal(hist, back, sizeof(*hist));
	assert_memory_equal(histlet, again, sizeof(*histlet));
}

static void a_last_line_of_an_older_version_has_not_enough(void **state) {
	(void)state;
	struct run_end end;
	assert_false(run_lines_read_end(SLICE("{\"planned\":3,\"ok\":3}"), &arena, &end));
}

static void rows_and_slots_that_are_not_there_are_left_out(void **state) {
	(void)state;
	static const char text[] = "{\"ended_by\":\"?\",\"attempts\":4,\"cells\":[{\"row\":99,\"ok\":1},{\"row\":3,\"ok\":2,\"service\":[0,5,5,5,-1,"
				   "1,999999,1,7,2,3]},7],"
				   "\"status\":[200,4,5000,1,-1],\"unsent_by_row\":[0,6,77,1],\"own_error\":\"x\"}";
	struct tally *tally = tally_new(4);
	struct totals *totals = calloc(1, sizeof(*totals));
	struct run_end end;
	assert_true(run_lines_read_end(SLICE(text), &arena, &end));
	run_lines_apply_end(&end, tally, totals);
	assert_int_equal(tally->attempts, 4);
	assert_int_equal(tally->cells[3].ok, 2);
	assert_int_equal(tally->cells[3].service.count, 2);
	assert_int_equal(tally->cells[0].unsent, 6);
	assert_int_equal(tally->status[200], 4);
	free(tally);
	free(totals);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_line_says_what_was_said),
		cmocka_unit_test(what_is_no_first_line_is_none_and_a_bare_one_has_a_place_for_records),
		cmocka_unit_test(names_of_urls_that_do_not_fit_are_numbers),
		cmocka_unit_test(a_line_that_claims_many_urls_costs_little),
		cmocka_unit_test(what_would_be_an_order_to_a_terminal_is_none),
		cmocka_unit_test(numbers_below_0_are_0),
		cmocka_unit_test(times_come_back_as_they_were),
		cmocka_unit_test(a_last_line_of_an_older_version_has_not_enough),
		cmocka_unit_test(rows_and_slots_that_are_not_there_are_left_out),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
