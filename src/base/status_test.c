#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/status.h"

static struct status_set parse(const char *text) {
	struct status_set set;
	if (!status_set_parse(slice_of(text), &set)) fail_msg("'%s' was refused", text);
	return set;
}

static void sets_have_their_members_and_no_others(void **state) {
	(void)state;
	static const struct {
		const char *text;
		unsigned ranges[3][2]; /* from, to; 0: none */
	} rows[] = {
		{"200", {{200, 200}}},
		{"200,204", {{200, 200}, {204, 204}}},
		{"200,204,3xx", {{200, 200}, {204, 204}, {300, 399}}},
		{"2xx", {{200, 299}}},
		{"200-204", {{200, 204}}},
		{"100,599", {{100, 100}, {599, 599}}},
		{"100-599", {{100, 599}}},
		{"200-200", {{200, 200}}},
		{"190-310,5xx,404", {{190, 310}, {404, 404}, {500, 599}}},
		{" 200 , 204 ", {{200, 200}, {204, 204}}},
		{"200,2xx,200-250", {{200, 299}}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct status_set set = parse(rows[i].text);
		for (unsigned status = 0; status < 2000; status++) {
			bool expected = false;
			for (size_t j = 0; j < 3; j++) expected |= status > 0 && status >= rows[i].ranges[j][0] && status <= rows[i].ranges[j][1];
			if (status_set_has(&set, status) != expected)
				fail_msg("'%s': %u should%s be in", rows[i].text, status, expected ? "" : " not");
		}
	}
}

static void anything_else_is_refused(void **state) {
	(void)state;
	static const char *const rows[] = {"", ",", "200,", ",200", "200,,204", "20", "2000", "099", "99", "600", "999", "6xx", "0xx", "2x", "2xxx",
		"xxx", "x00", "20x", "200-", "-200", "-", "204-200", "200-201-202", "200-600", "99-200", "200 204", "200;204", "2xx-3xx", "+200",
		"abc", "200-2 4"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct status_set set = {{42}};
		if (status_set_parse(slice_of(rows[i]), &set)) fail_msg("'%s' was taken", rows[i]);
		assert_int_equal(set.bits[0], 42);
	}
}

static void sets_are_written_in_their_shortest_form(void **state) {
	(void)state;
	static const struct {
		const char *text, *written;
	} rows[] = {
		{"200", "200"},
		{"204,200", "200,204"},
		{"200,204,3xx", "200,204,3xx"},
		{"200-299", "2xx"},
		{"200-298", "200-298"},
		{"200,201,202", "200-202"},
		{"1xx,599", "1xx,599"},
		{"2xx,200", "2xx"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct status_set set = parse(rows[i].text);
		char text[100];
		assert_ptr_equal(status_set_format(&set, text, sizeof(text)), text);
		assert_string_equal(text, rows[i].written);
	}
}

/* What is written reads back as the same set and is not longer than what somebody wrote by hand. */
static void sets_across_a_hundred_read_back(void **state) {
	(void)state;
	static const char *const rows[] = {
		"199,200", "199-201", "298-301", "150-350", "200-304", "299,3xx", "2xx,300", "2xx,300-301", "1xx,2xx,3xx,4xx,5xx"};
	size_t wrong = 0;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct status_set set = parse(rows[i]), again;
		char text[100];
		status_set_format(&set, text, sizeof(text));
		again = parse(text);
		assert_memory_equal(&set, &again, sizeof(set));
		if (strlen(text) > strlen(rows[i])) print_error("'%s' became '%s'\n", rows[i], text);
		wrong += strlen(text) > strlen(rows[i]);
	}
	assert_int_equal(wrong, 0);
}

static void random_sets_read_back(void **state) {
	(void)state;
	uint64_t x = 1;
	for (int round = 0; round < 200; round++) {
		struct status_set set = {{0}}, again;
		for (int i = 0; i < 40; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			unsigned from = 100 + (unsigned)(x >> 33) % 500, count = (unsigned)(x >> 60);
			for (unsigned code = from; code < 600 && code < from + count; code++) set.bits[code / 64] |= 1ull << (code % 64);
		}
		char text[4000];
		status_set_format(&set, text, sizeof(text));
		again = parse(text);
		assert_memory_equal(&set, &again, sizeof(set));
	}
}

/* The text lies at the very end of its block, so that a sanitizer sees a byte too many. */
static void a_small_room_is_not_overrun(void **state) {
	(void)state;
	struct status_set set = parse("200,204,3xx");
	for (unsigned size = 1; size < 16; size++) {
		char *text = malloc(size);
		status_set_format(&set, text, size);
		assert_true(strnlen(text, size) < size);
		if (size >= sizeof("200,204,3xx")) assert_string_equal(text, "200,204,3xx");
		free(text);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_have_their_members_and_no_others),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(sets_are_written_in_their_shortest_form),
		cmocka_unit_test(sets_across_a_hundred_read_back),
		cmocka_unit_test(random_sets_read_back),
		cmocka_unit_test(a_small_room_is_not_overrun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
