#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tui/bar.h"

/* 12.4 s of 30 s, 41.33 %: 12 of 30 cells are full. */
static const struct bar_facts middle = {
	.elapsed = 12400 * MSEC,
	.duration = 30 * SEC,
	.phase = "steady",
	.plain_phase = true,
	.open_loop = true,
	.recent = {.sent_per_s = 998.7, .asked_per_s = 1000, .count = 9987, .quantile = 99, .time = 3210 * USEC},
};

static char text[512];

/* Returns the line that a bar without a past draws. */
static const char *line_of(const struct bar_facts *facts, unsigned columns, bool color) {
	struct bar bar = {.columns = columns, .color = color};
	struct buf buf;
	buf_init(&buf, sizeof(text));
	bar_write(&bar, facts, &buf);
	assert_false(buf.full);
	memcpy(text, buf_text(&buf), buf.size + 1);
	buf_fini(&buf);
	return text;
}

static void a_wide_terminal_gets_everything(void **state) {
	(void)state;
	assert_string_equal(line_of(&middle, 200, false),
		"[############------------------] 41.3% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms (last 10 s)");
}

static void a_file_gets_the_same_without_a_bar(void **state) {
	(void)state;
	assert_string_equal(line_of(&middle, 0, false), "41.3% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms (last 10 s)");
}

static void parts_leave_a_narrow_terminal_by_their_weight(void **state) {
	static const struct {
		unsigned columns;
		const char *want;
	} cases[] = {
		{108, "[############------------------] 41.3% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms"},
		{106, "[########------------] 41.3% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms"},
		{88, "[####------] 41.3% | 12.4s / 30s | steady | 998.7/s of 1000/s | errors 0 | p99 3.21 ms"},
		{80, "[####------] 41.3% | 12.4s / 30s | 998.7/s of 1000/s | errors 0 | p99 3.21 ms"},
		{78, "[####------] 41.3% | 12.4s / 30s | 998.7/s of 1000/s | errors 0 | p99 3.21 ms"},
		{77, "[####------] 41.3% | 12.4s / 30s | 998.7/s of 1000/s | errors 0"},
		{40, "[####------] 41.3% | 12.4s / 30s"},
		{33, "[####------] 41.3% | 12.4s / 30s"},
		{32, "[####------] 41.3%"},
		{19, "[####------] 41.3%"},
		{18, "41.3%"},
		{6, "41.3%"},
		{5, ""},
		{1, ""},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(line_of(&middle, cases[i].columns, false), cases[i].want);
}

static void no_width_is_ever_passed(void **state) {
	struct bar_facts large = middle;
	(void)state;
	large.errors = UINT64_MAX;
	large.recent.sent_per_s = large.recent.asked_per_s = 1e7;
	large.recent.time = 3600 * SEC;
	large.duration = 31622400 * SEC;
	for (unsigned columns = 1; columns < 200; columns++) {
		assert_true(strlen(line_of(&middle, columns, false)) < columns);
		assert_true(strlen(line_of(&large, columns, false)) < columns);
	}
}

static void a_phase_that_says_something_stays_longer_than_the_rate(void **state) {
	struct bar_facts facts = middle;
	(void)state;
	facts.plain_phase = false;
	facts.phase = "warm-up";
	assert_string_equal(line_of(&facts, 50, false), "[####------] 41.3% | 12.4s / 30s | warm-up");
}

static void a_closed_loop_asks_for_no_rate(void **state) {
	struct bar_facts facts = middle;
	(void)state;
	facts.open_loop = false;
	facts.recent.sent_per_s = 123456.7;
	facts.errors = 7;
	assert_string_equal(line_of(&facts, 0, false), "41.3% | 12.4s / 30s | steady | 123457/s | errors 7 | p99 3.21 ms (last 10 s)");
}

static void the_name_of_the_time_says_which_it_is(void **state) {
	struct bar_facts facts = middle;
	(void)state;
	facts.recent.quantile = 90;
	assert_non_null(strstr(line_of(&facts, 0, false), "| p90 3.21 ms"));
	facts.recent.quantile = 100;
	assert_non_null(strstr(line_of(&facts, 0, false), "| max 3.21 ms"));
	facts.recent.count = 0;
	assert_non_null(strstr(line_of(&facts, 0, false), "| p99 -"));
}

static void the_share_follows_the_nearer_limit(void **state) {
	struct bar_facts facts = middle;
	(void)state;
	facts.requests = 1000;
	facts.done = 620;
	assert_string_equal(line_of(&facts, 40, false), "[######----] 62.0% | 12.4s, 620 of 1000");
	assert_non_null(strstr(line_of(&facts, 200, false), "] 62.0% | 12.4s, 620 of 1000 | steady"));
	facts.done = 413;
	assert_non_null(strstr(line_of(&facts, 200, false), "] 41.3% | 12.4s / 30s | steady"));
	facts.done = 1001;
	assert_non_null(strstr(line_of(&facts, 200, false), "] 100.0% | "));
}

static void times_are_written_for_runs_of_any_length(void **state) {
	static const struct {
		nsec elapsed, duration;
		const char *want;
	} cases[] = {
		{0, 30 * SEC, "0.0% | 0.0s / 30s |"},
		{10200 * MSEC, 30 * SEC, "34.0% | 10.2s / 30s |"},
		{29999 * MSEC, 30 * SEC, "99.9% | 29.9s / 30s |"},
		{30 * SEC, 30 * SEC, "100.0% | 30.0s / 30s |"},
		{31 * SEC, 30 * SEC, "100.0% | 30.0s / 30s |"},
		{300 * MSEC, 500 * MSEC, "60.0% | 0.3s / 0.5s |"},
		{1500 * MSEC, 1500 * MSEC, "100.0% | 1.5s / 1.5s |"},
		{90 * SEC, 120 * SEC, "75.0% | 90.0s / 120s |"},
		{754 * SEC, 1200 * SEC, "62.8% | 12m34s / 20m00s |"},
		{3723 * SEC, 7200 * SEC, "51.7% | 1h02m03s / 2h00m00s |"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct bar_facts facts = middle;
		facts.elapsed = cases[i].elapsed;
		facts.duration = cases[i].duration;
		const char *line = line_of(&facts, 0, false);
		if (strncmp(line, cases[i].want, strlen(cases[i].want)) != 0) fail_msg("'%s' does not begin with '%s'", line, cases[i].want);
	}
}

static void colors_are_those_of_the_reference_and_failures_red(void **state) {
	struct bar_facts facts = middle;
	(void)state;
	assert_string_equal(line_of(&facts, 80, true),
		"\033[36m[####------] \033[0m\033[36m41.3%\033[0m | \033[33m12.4s / 30s\033[0m | 998.7/s of 1000/s | "
		"errors 0 | p99 3.21 ms");
	facts.errors = 2;
	assert_non_null(strstr(line_of(&facts, 80, true), " | \033[31merrors 2\033[0m | "));
	assert_null(strchr(line_of(&facts, 80, false), '\033'));
}

static void a_line_that_found_its_shape_keeps_it(void **state) {
	struct bar bar = {.columns = 78};
	struct bar_facts facts = middle;
	struct buf buf;
	(void)state;
	facts.recent.sent_per_s = 1000.7; /* a column more than there is */
	buf_init(&buf, sizeof(text));
	bar_write(&bar, &facts, &buf);
	assert_null(strstr(buf_text(&buf), "p99"));
	buf_fini(&buf);
	bar_write(&bar, &middle, &buf); /* would fit; but nothing is to jump about */
	assert_string_equal(buf_text(&buf), "[####------] 41.3% | 12.4s / 30s | 998.7/s of 1000/s | errors 0");
	buf_fini(&buf);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wide_terminal_gets_everything),
		cmocka_unit_test(a_file_gets_the_same_without_a_bar),
		cmocka_unit_test(parts_leave_a_narrow_terminal_by_their_weight),
		cmocka_unit_test(no_width_is_ever_passed),
		cmocka_unit_test(a_phase_that_says_something_stays_longer_than_the_rate),
		cmocka_unit_test(a_closed_loop_asks_for_no_rate),
		cmocka_unit_test(the_name_of_the_time_says_which_it_is),
		cmocka_unit_test(the_share_follows_the_nearer_limit),
		cmocka_unit_test(times_are_written_for_runs_of_any_length),
		cmocka_unit_test(colors_are_those_of_the_reference_and_failures_red),
		cmocka_unit_test(a_line_that_found_its_shape_keeps_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
