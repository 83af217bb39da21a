#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tui/layout.h"

/* Two rows of figures, two plots, as in the view. */
static const struct layout_panel panels[] = {
	{.rows = 7, .columns = 20, .priority = 1},
	{.rows = 7, .columns = 30, .priority = 2},
	{.rows = 8, .columns = 40, .priority = 3, .grows = true},
	{.rows = 8, .columns = 40, .priority = 5, .grows = true},
	{.rows = 5, .columns = 30, .priority = 4},
};
#define COUNT (sizeof(panels) / sizeof(*panels))

static void assert_area(const struct area *area, unsigned top, unsigned left, unsigned rows, unsigned columns) {
	assert_int_equal(area->top, top);
	assert_int_equal(area->left, left);
	assert_int_equal(area->rows, rows);
	assert_int_equal(area->columns, columns);
}

static void panels_fill_shelves(void **state) {
	struct area room = {1, 0, 22, 80}, areas[COUNT];
	(void)state;
	layout_place(panels, COUNT, &room, areas);
	assert_area(&areas[0], 1, 0, 7, 32);
	assert_area(&areas[1], 1, 32, 7, 48);
	assert_area(&areas[2], 8, 0, 10, 40);
	assert_area(&areas[3], 8, 40, 10, 40);
	assert_area(&areas[4], 18, 0, 5, 80);
}

static void the_least_important_is_dropped_first(void **state) {
	struct area room = {1, 0, 20, 60}, areas[COUNT];
	(void)state;
	layout_place(panels, COUNT, &room, areas);
	assert_area(&areas[2], 8, 0, 8, 60);
	assert_int_equal(areas[3].rows, 0);
	assert_area(&areas[4], 16, 0, 5, 60);
	room.rows = 15;
	layout_place(panels, COUNT, &room, areas);
	assert_area(&areas[2], 8, 0, 8, 60);
	assert_int_equal(areas[4].rows, 0);
}

static void nothing_overlaps_and_nothing_leaves_the_room(void **state) {
	(void)state;
	for (unsigned rows = 0; rows <= 60; rows++) {
		for (unsigned columns = 0; columns <= 120; columns += 3) {
			struct area room = {2, 3, rows, columns}, areas[COUNT];
			bool taken[80][140] = {{false}};
			layout_place(panels, COUNT, &room, areas);
			for (size_t i = 0; i < COUNT; i++) {
				if (areas[i].rows == 0) continue;
				assert_true(areas[i].rows >= panels[i].rows && areas[i].columns >= panels[i].columns);
				assert_true(areas[i].top >= 2 && areas[i].top + areas[i].rows <= 2 + rows);
				assert_true(areas[i].left >= 3 && areas[i].left + areas[i].columns <= 3 + columns);
				for (unsigned y = 0; y < areas[i].rows; y++) {
					for (unsigned x = 0; x < areas[i].columns; x++) {
						assert_false(taken[areas[i].top + y][areas[i].left + x]);
						taken[areas[i].top + y][areas[i].left + x] = true;
					}
				}
			}
		}
	}
}

static void a_hidden_one_is_not_placed(void **state) {
	struct layout_panel some[COUNT];
	struct area room = {0, 0, 40, 100}, areas[COUNT];
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		some[i] = panels[i];
		some[i].hidden = i != 2;
	}
	layout_place(some, COUNT, &room, areas);
	assert_area(&areas[2], 0, 0, 40, 100);
	assert_int_equal(areas[0].rows, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panels_fill_shelves),
		cmocka_unit_test(the_least_important_is_dropped_first),
		cmocka_unit_test(nothing_overlaps_and_nothing_leaves_the_room),
		cmocka_unit_test(a_hidden_one_is_not_placed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
