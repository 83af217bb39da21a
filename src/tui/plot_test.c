#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tui/plot.h"

static const char *format(double value, char *text, unsigned size) {
	snprintf(text, size, "%g", value);
	return text;
}

static void an_axis_has_round_ticks(void **state) {
	static const struct {
		double low, high;
		size_t most;
		double first, step, last;
	} cases[] = {{0, 10, 3, 0, 5, 10}, {0, 97, 6, 0, 20, 100}, {0, 0.7, 4, 0, 0.5, 1}, {0, 1234, 5, 0, 500, 1500}, {0, 0, 2, 0, 1, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plot_axis axis = plot_axis(cases[i].low, cases[i].high, false, cases[i].most);
		assert_float_equal(axis.ticks[0], cases[i].first, 1e-9);
		assert_true(fabs(axis.ticks[1] - axis.ticks[0] - cases[i].step) < 1e-9);
		assert_float_equal(axis.high, cases[i].last, 1e-9);
		assert_float_equal(axis.ticks[axis.tick_count - 1], cases[i].last, 1e-9);
		assert_true(axis.tick_count <= cases[i].most);
	}
}

static void a_log_axis_has_powers_of_ten(void **state) {
	(void)state;
	struct plot_axis axis = plot_axis(0.0021, 3.5, true, 8);
	assert_float_equal(axis.low, 0.001, 1e-9);
	assert_float_equal(axis.high, 10, 1e-9);
	assert_int_equal(axis.tick_count, 5);
	assert_float_equal(plot_place(&axis, 0.1), 0.5, 1e-9);
	axis = plot_axis(1e-6, 1e6, true, 4); /* 13 powers: every fourth */
	assert_int_equal(axis.tick_count, 4);
	axis = plot_axis(5, 5, true, 4);
	assert_float_equal(axis.low, 1, 1e-9);
	assert_float_equal(axis.high, 10, 1e-9);
}

/* Draws one series into 6 rows and 20 columns; rows 1 to 3 and columns 10 to 19 hold the lines. */
static void draw(struct grid *grid, const double *values, size_t count) {
	struct plot plot = {
		.count = count, .series_count = 1, .series = {{"p50", INK_FIRST, '1', values}}, .at_least = 1, .to = 10, .format = format};
	struct area area = {0, 0, 6, 20};
	grid_resize(grid, 6, 20);
	plot_draw(&plot, grid, &area);
}

static uint32_t code(const struct grid *grid, unsigned row, unsigned column) {
	return grid->cells[(size_t)row * grid->columns + column].code;
}

/* Dots of a braille cell: 1 2 3 7 in its left column from the top, 4 5 6 8 in its right one (Unicode, chapter 21). */
static void a_flat_line_is_a_row_of_dots(void **state) {
	static const double floor_line[] = {0, 0}, ceiling[] = {1, 1};
	struct grid grid = {0};
	(void)state;
	draw(&grid, floor_line, 2);
	for (unsigned column = 10; column < 20; column++) assert_int_equal(code(&grid, 3, column), 0x28c0);
	assert_int_equal(code(&grid, 1, 12), ' ');
	draw(&grid, ceiling, 2);
	for (unsigned column = 10; column < 20; column++) assert_int_equal(code(&grid, 1, column), 0x2809);
	grid_fini(&grid);
}

static void a_gap_stays_empty(void **state) {
	static const double values[] = {0, 0, NAN, 0, 0};
	struct grid grid = {0};
	(void)state;
	draw(&grid, values, 5);
	assert_int_equal(code(&grid, 3, 10), 0x28c0);
	assert_int_equal(code(&grid, 3, 14), ' ');
	assert_int_equal(code(&grid, 3, 15), ' ');
	assert_int_equal(code(&grid, 3, 19), 0x28c0);
	grid_fini(&grid);
}

static void ascii_puts_marks(void **state) {
	static const double values[] = {0, 1};
	struct grid grid = {.ascii = true};
	char text[100];
	(void)state;
	draw(&grid, values, 2);
	grid_row_text(&grid, 0, text);
	assert_string_equal(text, " 1 p50");
	grid_row_text(&grid, 1, text);
	assert_string_equal(text, "       1 +       111");
	grid_row_text(&grid, 3, text);
	assert_string_equal(text, "       0 +111");
	grid_row_text(&grid, 5, text);
	assert_string_equal(text, "          0.0 10.0 s");
	grid_fini(&grid);
}

static void a_small_area_is_left_alone(void **state) {
	static const double values[] = {0, 1};
	struct grid grid = {0};
	struct plot plot = {.count = 2, .series_count = 1, .series = {{"p50", INK_FIRST, '1', values}}, .at_least = 1, .to = 10, .format = format};
	(void)state;
	for (unsigned rows = 0; rows < 8; rows++) {
		for (unsigned columns = 0; columns < 24; columns++) {
			struct area area = {0, 0, rows, columns};
			grid_resize(&grid, rows, columns);
			plot_draw(&plot, &grid, &area);
		}
	}
	grid_fini(&grid);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_axis_has_round_ticks),
		cmocka_unit_test(a_log_axis_has_powers_of_ten),
		cmocka_unit_test(a_flat_line_is_a_row_of_dots),
		cmocka_unit_test(a_gap_stays_empty),
		cmocka_unit_test(ascii_puts_marks),
		cmocka_unit_test(a_small_area_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
