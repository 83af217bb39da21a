#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/frame_fixture.h"
#include "tui/screen.h"
#include "tui/view.h"

#define TEXT_MAX (GRID_ROWS * (GRID_COLUMNS * 4 + 2))

static char text[TEXT_MAX];

/* Draws a frame and returns all rows as one text. */
static const char *draw(struct view *view, const struct frame *frame, unsigned rows, unsigned columns) {
	struct grid grid = {0};
	char *at = text;
	grid_resize(&grid, rows, columns);
	view_draw(view, frame, &grid);
	*at = 0;
	for (unsigned row = 0; row < rows; row++) {
		grid_row_text(&grid, row, at);
		at += strlen(at);
		*at++ = '\n';
		*at = 0;
	}
	grid_fini(&grid);
	return text;
}

static bool shows(const char *words) {
	return strstr(text, words) != NULL;
}

static void every_size_can_be_drawn(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	for (unsigned rows = 0; rows <= 100; rows += 3) {
		for (unsigned columns = 0; columns <= 300; columns += 7) draw(view, &frame, rows, columns);
	}
	frame_fixture(&frame, FRAME_COLUMNS);
	draw(view, &frame, 100, 300);
	frame = (struct frame){.asked_per_s = -1}; /* before the start line */
	draw(view, &frame, 50, 200);
	view_free(view);
}

static void a_small_screen_shows_what_matters_most(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	draw(view, &frame, 16, 60);
	assert_true(shows(" Requests (run) ") && shows(" Response times ") && shows(" Response times by time "));
	assert_false(shows(" Status codes (run) "));
	assert_true(shows("98.57 %")); /* 12,000 of 12,173, cut off */
	assert_true(shows("12.2k") && shows("939/s") && shows("q stop"));
	view_free(view);
}

/* What the README promises: total, success, the three kinds of errors, percentiles of all and of ok, RPS and RPM. */
static void a_screen_of_80_by_24_shows_all_figures(void **state) {
	static const char *const figures[] = {"total 12.2k failed   173", "ok    12.0k      98.57 %", "time-outs           11",
		"transport            4", "status, asserts    158", "P50     P90     P99", "all 10s 4.10 ms 8.20 ms 20.5 ms",
		"ok 10s  4.00 ms 8.00 ms 19.0 ms", "all run 4.00 ms 7.00 ms 38.0 ms", "ok run  4.00 ms 6.00 ms 31.0 ms", "per s (RPS)     939",
		"per min (RPM) 56.3k", "asked: behind  1000", "14 of 256"};
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	frame.words = "late: strest sent late";
	draw(view, &frame, 24, 80);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		if (!shows(figures[i])) fail_msg("'%s' is not in:\n%s", figures[i], text);
	}
	assert_true(shows("! late: strest sent late"));
	draw(view, &frame, 16, 60);
	for (size_t i = 0; i < 5; i++) {
		if (!shows(figures[i])) fail_msg("'%s' is not in:\n%s", figures[i], text);
	}
	assert_true(shows("all 10s") && shows("ok run") && shows("939/s"));
	view_free(view);
}

static void the_scope_of_a_window_is_never_cut(void **state) {
	static const struct {
		nsec window;
		const char *shown;
	} cases[] = {{SEC, "all 1s "}, {1500 * MSEC, "all 2s "}, {12345 * MSEC, "all 12s "}, {90 * SEC, "all 90s "}, {100 * SEC, "all 2m "},
		{600 * SEC, "all 10m "}};
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		frame_fixture(&frame, 100);
		frame.window = cases[i].window;
		draw(view, &frame, 24, 80);
		if (!shows(cases[i].shown)) fail_msg("'%s' is not in:\n%s", cases[i].shown, text);
		assert_true(shows("4.10 ms 8.20 ms 20.5 ms"));
	}
	view_free(view);
}

static void the_light_says_whose_the_numbers_are(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	draw(view, &frame, 24, 80);
	assert_true(shows("\u25cf target") && !shows("% fail") && !shows("! strest"));
	frame.failed_per_s = frame.rps;
	draw(view, &frame, 24, 80);
	assert_true(shows("\u25cf target, 100 % fail"));
	frame.failed_per_s = frame.rps / 1000;
	draw(view, &frame, 24, 80);
	assert_true(shows("target, < 1 % fail"));
	frame.failed_per_s = 0;
	frame.limited = true;
	frame.light = "cpu, late";
	draw(view, &frame, 16, 60);
	assert_true(shows("! strest: cpu, late"));
	view_free(view);
}

static void names_are_cut_at_characters(void **state) {
	static const struct {
		const char *name, *shown;
	} cases[] = {{"log in", " log in "}, {"caf\u00e9 au lait, et autre chose, et encore davantage de mots", "caf\u00e9 au lait"},
		{"a\033[2Jb", " a?[2Jb "}, {"\u6c34", " ? "}, {"e\u0301t", " e?t "}, {"x\xff\xfey", " x??y "}, {"", "step "}};
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	view_key(view, '\t');
	view_key(view, '\t');
	view_key(view, '\t'); /* the table */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame_row row = {"step", cases[i].name, 7, 8, 0, {MSEC, MSEC, MSEC, MSEC}};
		frame_fixture(&frame, 100);
		frame.rows = &row;
		frame.row_count = 1;
		draw(view, &frame, 24, 80);
		if (!shows(cases[i].shown)) fail_msg("'%s' is not in:\n%s", cases[i].shown, text);
		assert_true(shows("     7      8 1.00 ms 1.00 ms 1.00 ms"));
	}
	view_free(view);
}

static void a_frame_without_measurements_shows_dashes(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame = {.phase = FRAME_CONNECT,
		.asked_per_s = -1,
		.window = 10 * SEC,
		.window_ok = {-1, -1, -1, -1},
		.window_all = {-1, -1, -1, -1},
		.run_all = {-1, -1, -1, -1},
		.run_ok = {-1, -1, -1, -1}};
	(void)state;
	draw(view, &frame, 24, 80);
	assert_true(shows("ok 10s        -       -       -"));
	assert_true(shows("connect") && shows("none so far"));
	view_free(view);
}

static void q_stops_and_q_again_leaves(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 10);
	assert_int_equal(view_key(view, 'x'), VIEW_NOTHING);
	assert_int_equal(view_key(view, 'q'), VIEW_QUIT);
	draw(view, &frame, 24, 80);
	assert_true(shows("q again leaves at once"));
	assert_int_equal(view_key(view, 'q'), VIEW_FORCE);
	view_free(view);
}

static void the_window_has_steps_and_ends(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	(void)state;
	view_key(view, '+');
	assert_int_equal(view_window(view), 20 * SEC);
	for (int i = 0; i < 20; i++) view_key(view, '+');
	assert_int_equal(view_window(view), 600 * SEC);
	for (int i = 0; i < 20; i++) view_key(view, '-');
	assert_int_equal(view_window(view), SEC);
	view_free(view);
}

static void keys_change_what_is_shown(void **state) {
	struct view *view = view_new(false, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	view_key(view, '?');
	draw(view, &frame, 24, 80);
	assert_true(shows("Keys (any key closes this)"));
	assert_int_equal(view_key(view, 'p'), VIEW_NOTHING); /* only closes it */
	assert_false(view_is_frozen(view));
	view_key(view, 'p');
	assert_true(view_is_frozen(view));
	view_key(view, '\t');
	draw(view, &frame, 24, 80);
	assert_true(shows("frozen") && shows(" Response times by time ") && !shows(" Requests (run) "));
	view_free(view);
}

static void a_replay_has_its_own_keys(void **state) {
	static const struct {
		int key;
		enum view_wish wish;
	} cases[] = {{' ', VIEW_PLAY}, {PRESS_LEFT, VIEW_BACK}, {'h', VIEW_BACK}, {'l', VIEW_FORWARD}, {PRESS_RIGHT, VIEW_FORWARD},
		{PRESS_HOME, VIEW_FIRST}, {PRESS_END, VIEW_LAST}, {'r', VIEW_RESTART}, {'s', VIEW_MARK_FROM}, {'e', VIEW_MARK_TO}, {'w', VIEW_WRITE},
		{'+', VIEW_FASTER}, {'-', VIEW_SLOWER}, {'n', VIEW_NEXT_ERROR}, {27, VIEW_QUIT}, {'q', VIEW_QUIT}};
	struct view *live = view_new(false, VIEW_WINDOW), *replay = view_new(true, VIEW_WINDOW);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(view_key(replay, cases[i].key), cases[i].wish);
		if (cases[i].key != 'q') assert_int_equal(view_key(live, cases[i].key), VIEW_NOTHING);
	}
	view_key(replay, ']');
	assert_int_equal(view_window(replay), 20 * SEC);
	view_free(live);
	view_free(replay);
}

static void a_replay_says_where_it_is_and_what_it_wrote(void **state) {
	struct view *view = view_new(true, VIEW_WINDOW);
	struct frame frame;
	(void)state;
	frame_fixture(&frame, 100);
	frame.phase = FRAME_REPLAY;
	frame.is_paused = true;
	frame.speed = 0.25;
	frame.to = 30 * SEC;
	frame.cursor = 12 * SEC;
	draw(view, &frame, 24, 80);
	assert_true(shows("paused x0.25") && shows("12.00 s of 30.00 s") && shows("0.00 s to 30.00 s") && shows("from - to -"));
	frame.note = "wrote a.json";
	frame.mark_from = 3 * SEC;
	draw(view, &frame, 24, 80);
	assert_true(shows("from 3.00 s to -") && shows("wrote a.json") && shows("next error"));
	frame.mark_from = -1;
	draw(view, &frame, 16, 60); /* the note takes the place of the keys, not of a panel */
	assert_true(shows("wrote a.json") && shows(" Response times by time ") && !shows("next error"));
	view_free(view);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_can_be_drawn),
		cmocka_unit_test(a_small_screen_shows_what_matters_most),
		cmocka_unit_test(a_screen_of_80_by_24_shows_all_figures),
		cmocka_unit_test(the_scope_of_a_window_is_never_cut),
		cmocka_unit_test(the_light_says_whose_the_numbers_are),
		cmocka_unit_test(names_are_cut_at_characters),
		cmocka_unit_test(a_frame_without_measurements_shows_dashes),
		cmocka_unit_test(q_stops_and_q_again_leaves),
		cmocka_unit_test(the_window_has_steps_and_ends),
		cmocka_unit_test(keys_change_what_is_shown),
		cmocka_unit_test(a_replay_has_its_own_keys),
		cmocka_unit_test(a_replay_says_where_it_is_and_what_it_wrote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
