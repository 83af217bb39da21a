#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "out/log_sort.h"

static char folder[64], first[100], second[100];

static int set_up(void **state) {
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/log_sort_test.XXXXXX");
	if (!mkdtemp(folder)) return 1;
	snprintf(first, sizeof(first), "%s/0.log", folder);
	snprintf(second, sizeof(second), "%s/1.log", folder);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	unlink(first);
	unlink(second);
	return rmdir(folder);
}

/* Two files with the due times 0 ... count - 1 ms in an order that jumps about; the latency says which one a record is. */
static void write_files(unsigned count) {
	FILE *files[2] = {fopen(first, "w"), fopen(second, "w")};
	fputs("# strest {}\n", files[0]);
	for (unsigned i = 0; i < count; i++) {
		unsigned due = (unsigned)(i * 7919ull % count);
		fprintf(files[i % 2], "%u,%u,200,0,0\n", due, due % 1000);
	}
	fputs("# end {}\n", files[1]);
	fclose(files[0]);
	fclose(files[1]);
}

struct seen {
	unsigned count, most;
	nsec last;
	bool ordered, same;
};

static bool see(void *user, const struct logged *record) {
	struct seen *seen = user;
	nsec due = record->sample.due;
	seen->ordered = seen->ordered && due >= seen->last;
	seen->same = seen->same && due == (nsec)seen->count * MSEC && sample_response(&record->sample) == due / MSEC % 1000 * MSEC;
	seen->last = due;
	return ++seen->count < seen->most;
}

static struct seen walk(uint32_t run_records, unsigned most, struct log_sort_totals *totals) {
	struct seen seen = {.most = most, .ordered = true, .same = true};
	const char *const paths[] = {first, second};
	struct log_sort input = {2, paths, folder, run_records};
	struct err err;
	if (!log_sort_walk(&input, see, &seen, totals, &err)) fail_msg("%s", err.text);
	return seen;
}

static void check_sorted(unsigned count, uint32_t run_records) {
	struct log_sort_totals totals;
	write_files(count);
	struct seen seen = walk(run_records, UINT32_MAX, &totals);
	assert_int_equal(seen.count, count);
	assert_true(seen.ordered && seen.same);
	assert_int_equal(totals.records, count);
	assert_int_equal(totals.skipped, 0);
}

static void what_fits_the_memory_is_sorted(void **state) {
	(void)state;
	check_sorted(1, 0);
	check_sorted(10007, 0);
}

static void what_does_not_fit_is_merged_from_runs(void **state) {
	(void)state;
	check_sorted(10007, 100);
	check_sorted(10007, 10007);
	check_sorted(1000, 1);
}

/* More runs than are merged at once: 256 of 16 records become one, several times. */
static void any_number_of_runs_is_merged(void **state) {
	(void)state;
	check_sorted(20011, 16);
}

static void the_walk_ends_when_no_more_is_wanted(void **state) {
	struct log_sort_totals totals;
	(void)state;
	write_files(1009);
	assert_int_equal(walk(0, 10, &totals).count, 10);
	assert_int_equal(walk(64, 10, &totals).count, 10);
}

static void an_empty_log_has_no_record(void **state) {
	struct log_sort_totals totals;
	(void)state;
	write_files(0);
	assert_int_equal(walk(0, UINT32_MAX, &totals).count, 0);
}

/* Their bytes are their numbers. */
static bool see_number(void *user, const struct logged *record) {
	unsigned *next = user;
	assert_int_equal(record->sample.bytes, *next);
	++*next;
	return true;
}

static void records_of_one_time_keep_the_order_of_the_files(void **state) {
	(void)state;
	struct log_sort_totals totals;
	for (int f = 0; f < 2; f++) {
		FILE *file = fopen(f ? second : first, "w");
		for (int i = 0; i < 50; i++) fprintf(file, "0,0,200,0,0,%d\n", f * 50 + i);
		fclose(file);
	}
	unsigned next = 0;
	const char *const paths[] = {first, second};
	struct log_sort input = {2, paths, folder, 8};
	struct err err;
	assert_true(log_sort_walk(&input, see_number, &next, &totals, &err));
	assert_int_equal(next, 100);
}

static void records_one_by_one_are_sorted_alike(void **state) {
	(void)state;
	struct err err;
	struct seen seen = {.most = UINT32_MAX, .ordered = true, .same = true};
	struct log_sorter *sorter = log_sorter_new(folder, 16, &err);
	for (unsigned i = 0; i < 1009; i++) {
		nsec due = (nsec)(i * 7919ull % 1009) * MSEC;
		struct logged record = {.sample = {.due = due, .done = due + due / MSEC % 1000 * MSEC}};
		assert_true(log_sorter_add(sorter, &record));
	}
	assert_true(log_sorter_walk(sorter, see, &seen));
	log_sorter_free(sorter);
	assert_true(seen.count == 1009 && seen.ordered && seen.same);
}

static void what_is_no_record_is_counted(void **state) {
	(void)state;
	struct log_sort_totals totals;
	write_files(0);
	FILE *file = fopen(first, "w");
	fputs("elapsed_ms,latency_ms,status_code,timed_out,transport_error\n0,12,200,0,0\n\n4,x,200,0,0\n9,31,503,0,0\n20,2000,5", file);
	fclose(file);
	walk(0, UINT32_MAX, &totals);
	assert_int_equal(totals.records, 2);
	assert_int_equal(totals.skipped, 2);
}

static bool never(void *user, const struct logged *record) {
	(void)user;
	(void)record;
	fail();
	return false;
}

static void a_missing_file_is_named(void **state) {
	(void)state;
	const char *const paths[] = {first};
	struct log_sort input = {1, paths, folder, 0};
	struct log_sort_totals totals;
	struct err err;
	assert_false(log_sort_walk(&input, never, NULL, &totals, &err));
	assert_non_null(strstr(err.text, first));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_fits_the_memory_is_sorted),
		TEST(what_does_not_fit_is_merged_from_runs),
		TEST(any_number_of_runs_is_merged),
		TEST(the_walk_ends_when_no_more_is_wanted),
		TEST(an_empty_log_has_no_record),
		TEST(records_of_one_time_keep_the_order_of_the_files),
		TEST(records_one_by_one_are_sorted_alike),
		TEST(what_is_no_record_is_counted),
		TEST(a_missing_file_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
