#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/stage.h"

static void stages_are_read(void **state) {
	(void)state;
	static const struct {
		const char *text;
		size_t count;
		struct stage at[3];
	} rows[] = {
		{"30s@500", 1, {{30 * SEC, 500}}},
		{"30s@500,1m@2000", 2, {{30 * SEC, 500}, {60 * SEC, 2000}}},
		{" 30s @ 500 , 1m @ 2000 ", 2, {{30 * SEC, 500}, {60 * SEC, 2000}}},
		{"1.5s@0.25,250ms@0,2@1e3", 3, {{1500 * MSEC, 0.25}, {250 * MSEC, 0}, {2 * SEC, 1000}}},
		{"1ns@1e7", 1, {{1, 1e7}}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct stage_list list;
		struct slice bad;
		if (!stage_list_parse(slice_of(rows[i].text), &list, &bad)) fail_msg("'%s' was refused", rows[i].text);
		assert_int_equal(list.count, rows[i].count);
		for (size_t j = 0; j < list.count; j++) {
			assert_int_equal(list.at[j].duration, rows[i].at[j].duration);
			assert_true(list.at[j].target == rows[i].at[j].target);
		}
	}
}

/* `bad` is the stage that is wrong, as a part of the text. */
static void wrong_stages_are_named(void **state) {
	(void)state;
	static const struct {
		const char *text, *bad;
	} rows[] = {
		{"", ""},
		{",", ""},
		{"30s@500,", ""},
		{"30s@500,,1m@5", ""},
		{"30s", "30s"},
		{"500@", "500@"},
		{"@500", "@500"},
		{"30s@500,abc@5", "abc@5"},
		{"0s@5", "0s@5"},
		{"30s@-1", "30s@-1"},
		{"30s@nan", "30s@nan"},
		{"30s@1e400", "30s@1e400"},
		{"30s@10000001", "30s@10000001"},
		{"30s@5@6", "30s@5@6"},
		{"30s@5;1m@6", "30s@5;1m@6"},
		{"-30s@5", "-30s@5"},
		{"1s@1, 2x@3 ,4s@5", "2x@3"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct stage_list list = {.count = 77};
		struct slice bad = SLICE("untouched");
		if (stage_list_parse(slice_of(rows[i].text), &list, &bad)) fail_msg("'%s' was taken", rows[i].text);
		if (!slice_equal(bad, slice_of(rows[i].bad))) fail_msg("'%s': '%.*s' was named", rows[i].text, (int)bad.size, bad.at);
		assert_int_equal(list.count, 77);
	}
}

static void there_are_at_most_256_stages(void **state) {
	(void)state;
	char text[257 * 8];
	size_t used = 0;
	for (int i = 0; i < 257; i++) used += (size_t)snprintf(text + used, sizeof(text) - used, "%s1s@%d", i ? "," : "", i);
	static struct stage_list list;
	struct slice bad;
	assert_false(stage_list_parse((struct slice){text, used}, &list, &bad));
	assert_true(slice_equal(bad, SLICE("1s@256")));
	assert_true(stage_list_parse((struct slice){text, used - sizeof(",1s@256") + 1}, &list, &bad));
	assert_int_equal(list.count, 256);
	assert_true(list.at[255].target == 255);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_are_read),
		cmocka_unit_test(wrong_stages_are_named),
		cmocka_unit_test(there_are_at_most_256_stages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
