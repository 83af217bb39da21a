#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "stats/report.h"

enum { P50, P75, P90, P95, P99, P99_9, P99_99 };

static const struct group rows[] = {
	{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"}, {GROUP_BY_ADDRESS, "[::1]:3000"}};

struct box {
	struct arena arena;
	struct tally *tally;
	struct totals *totals;
	struct run_info run;
	struct run_result result;
	struct report report;
};

static int setup(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	arena_init(&box->arena);
	box->tally = tally_new(4);
	box->totals = mem_zeroed(1, sizeof(*box->totals));
	box->run.groups = (struct group_table){.count = 4, .rows = rows, .first_address = 3, .first_stage = 4};
	box->result = (struct run_result){.window = 2 * SEC, .tally = box->tally, .totals = box->totals};
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	free(box->tally);
	free(box->totals);
	arena_fini(&box->arena);
	free(box);
	return 0;
}

/* A request whose response takes `wait`, sent when it was due. */
static void add(struct box *box, nsec wait, enum reason reason) {
	struct sample sample = {.first = wait, .done = wait, .status = 200, .reason = (uint8_t)reason, .bytes = 10};
	if (reason == REASON_OPEN) sample.flags = SAMPLE_OPEN;
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	box->result.planned++;
}

static const struct report *build(struct box *box) {
	report_build(&box->run, &box->result, &box->arena, &box->report);
	return &box->report;
}

static void quantiles_of_one_to_a_thousand_are_their_ranks(void **state) {
	(void)state;
	struct hist *hist = mem_zeroed(1, sizeof(*hist));
	for (nsec time = 1; time <= 1000; time++) hist_record(hist, time, 1);
	struct distribution d;
	distribution_from_hist(hist, 0, &d);
	static const nsec want[REPORT_QUANTILES] = {500, 750, 900, 950, 990, 999, 1000};
	for (int i = 0; i < REPORT_QUANTILES; i++) {
		assert_int_equal(d.at[i].value, want[i]);
		assert_int_equal(d.at[i].rank, want[i]);
		assert_int_equal(d.at[i].few, want[i] > 990); /* 10 lie beyond rank 990, 1 beyond 999 */
	}
	assert_int_equal(d.count, 1000);
	assert_int_equal(d.min, 1);
	assert_int_equal(d.max, 1000);
	assert_true(d.mean == 500.5);
	free(hist);
}

static void ten_beyond_are_enough_and_nine_are_few(void **state) {
	(void)state;
	struct hist *hist = mem_zeroed(1, sizeof(*hist));
	struct distribution d;
	hist_record(hist, MSEC, 999); /* rank of p99: 990, 9 beyond */
	distribution_from_hist(hist, 0, &d);
	assert_true(d.at[P99].few);
	assert_false(d.at[P95].few);
	hist_record(hist, MSEC, 1); /* still 990, 10 beyond */
	distribution_from_hist(hist, 0, &d);
	assert_false(d.at[P99].few);
	assert_true(d.at[P99_9].few);
	free(hist);
}

static void a_value_is_clamped_to_the_maximum_and_its_rank_is_not(void **state) {
	(void)state;
	struct hist *hist = mem_zeroed(1, sizeof(*hist));
	hist_record(hist, 3000 * MSEC, 100);
	struct distribution d;
	distribution_from_hist(hist, 0, &d);
	assert_int_equal(d.at[P50].value, 3000 * MSEC);
	assert_int_equal(d.at[P50].rank / MSEC, 3001);
	assert_false(d.at[P90].few);
	assert_true(d.at[P95].few);
	free(hist);
}

static void an_empty_distribution_is_zero_and_says_few(void **state) {
	(void)state;
	struct hist *hist = mem_zeroed(1, sizeof(*hist));
	struct histlet *histlet = mem_zeroed(1, sizeof(*histlet));
	struct distribution d[2];
	distribution_from_hist(hist, 0, &d[0]);
	distribution_from_histlet(histlet, 0, &d[1]);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(d[k].count + (uint64_t)d[k].min + (uint64_t)d[k].max, 0);
		assert_true(d[k].mean == 0);
		for (int i = 0; i < REPORT_QUANTILES; i++) {
			assert_int_equal(d[k].at[i].value, 0);
			assert_true(d[k].at[i].few);
		}
	}
	free(hist);
	free(histlet);
}

static void a_histlet_gives_the_same_ranks_within_a_hundredth(void **state) {
	(void)state;
	struct histlet *histlet = mem_zeroed(1, sizeof(*histlet));
	for (nsec time = 1; time <= 1000; time++) histlet_record(histlet, time * MSEC, 1);
	struct distribution d;
	distribution_from_histlet(histlet, 0, &d);
	static const nsec want[REPORT_QUANTILES] = {500, 750, 900, 950, 990, 999, 1000};
	for (int i = 0; i < REPORT_QUANTILES; i++) assert_in_range(d.at[i].value, want[i] * MSEC, want[i] * MSEC / 100 * 101);
	assert_int_equal(d.at[P99_99].value, 1000 * MSEC); /* clamped */
	assert_int_equal(d.max, 1000 * MSEC);
	assert_true(d.mean == 500.5 * MSEC);
	free(histlet);
}

/* 1000 planned: 900 ok with 1..900 us, 60 failed, 15 open, 25 never sent. */
static void what_is_not_ok_never_answers_in_the_slo_view(void **state) {
	struct box *box = *state;
	for (int i = 1; i <= 900; i++) add(box, i * USEC, REASON_NONE);
	for (int i = 0; i < 60; i++) add(box, 5 * MSEC, REASON_RESET);
	for (int i = 0; i < 15; i++) add(box, 7 * MSEC, REASON_OPEN);
	box->tally->unsent = 25;
	box->result.planned += 25;
	const struct report *r = build(box);
	assert_true(r->balanced);
	assert_int_equal(r->planned, 1000);
	assert_int_equal(r->never, 100);
	assert_int_equal(r->slo.count, 1000);
	assert_int_equal(r->slo.min, 1 * USEC);
	assert_int_equal(r->slo.max, 900 * USEC);
	assert_true(r->slo.mean == 450.5 * USEC);
	assert_in_range(r->slo.at[P50].value, 500 * USEC, 500 * USEC / 1000 * 1001);
	assert_int_equal(r->slo.at[P90].value, 900 * USEC); /* rank 900 is the last that was ok */
	assert_int_equal(r->slo.at[P95].value, NSEC_NEVER);
	assert_int_equal(r->slo.at[P99].value, NSEC_NEVER);
	assert_false(r->slo.at[P99].few); /* 10 beyond rank 990 */
	assert_true(r->slo.at[P99_9].few);
	assert_int_equal(r->response_ok.count, 900);
	assert_int_equal(r->response_all.count, 975);
	assert_int_equal(r->response_all.max, 7 * MSEC);
	assert_int_equal(r->response_all.at[P95].value, 5001215); /* rank 927 is a reset: 5 ms lies in the slot up to 5,001,215 ns */
	assert_int_equal(r->reasons[REASON_RESET], 60);
	assert_int_equal(r->reasons[REASON_OPEN], 15);
	assert_int_equal(r->status[200], 975);
}

static void missing_parts_count_as_zero(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 100; i++) {
		struct sample sample = {.sent = 2000, .written = 2000, .first = 3000, .done = 3000, .status = 200};
		if (i < 20) sample.connect = 1500;
		tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	}
	box->result.planned = 100;
	const struct report *r = build(box);
	const struct distribution *connect = &r->parts[PART_CONNECT];
	assert_int_equal(connect->count, 100);
	assert_int_equal(connect->min, 0);
	assert_int_equal(connect->max, 1500);
	assert_true(connect->mean == 300); /* 20 * 1500 / 100 */
	assert_int_equal(connect->at[P75].value, 0);
	assert_int_equal(connect->at[P90].value, 1500);
	assert_int_equal(r->parts[PART_TLS].count, 100);
	assert_int_equal(r->parts[PART_TLS].max, 0);
	double sum = 0;
	for (int i = 0; i < PART_COUNT; i++) sum += r->parts[i].mean;
	assert_true(sum == r->response_all.mean);
}

static void one_lost_sample_is_an_imbalance(void **state) {
	struct box *box = *state;
	for (int i = 0; i < 5; i++) add(box, MSEC, REASON_NONE);
	assert_true(build(box)->balanced);
	box->result.planned++;
	assert_false(build(box)->balanced);
	box->tally->unsent++;
	assert_true(build(box)->balanced);
	box->result.planned -= 3; /* more answers than plans */
	assert_false(build(box)->balanced);
	assert_int_equal(box->report.never, 0);
}

static void rates_are_counts_by_the_window(void **state) {
	struct box *box = *state;
	box->tally->sent_in_window = 3000;
	box->tally->done_in_window = 2500;
	box->result.strain.busiest_cpu = 500;
	box->result.strain.busiest_wall = 2000;
	const struct report *r = build(box);
	assert_true(r->achieved_per_s == 1500);
	assert_true(r->throughput_per_s == 1250);
	assert_true(r->worker_busy == 0.25);
	box->result.window = 0;
	box->result.strain.busiest_wall = 0;
	r = build(box);
	assert_true(r->achieved_per_s == 0);
	assert_true(r->throughput_per_s == 0);
	assert_true(r->worker_busy == 0);
}

static void each_group_has_its_own_numbers(void **state) {
	struct box *box = *state;
	add(box, 2 * MSEC, REASON_NONE);
	add(box, 4 * MSEC, REASON_CUT);
	struct sample sample = {.first = MSEC, .done = MSEC, .status = 200, .flags = SAMPLE_REUSED, .bytes = 5};
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	const struct report *r = build(box);
	static const uint64_t ok[] = {2, 1, 1, 2}, failed[] = {1, 1, 0, 1}, bytes[] = {25, 20, 5, 25};
	static const nsec max[] = {4 * MSEC, 4 * MSEC, 1 * MSEC, 4 * MSEC};
	assert_int_equal(r->group_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_ptr_equal(r->groups[i].group.name, rows[i].name);
		assert_int_equal(r->groups[i].ok, ok[i]);
		assert_int_equal(r->groups[i].failed, failed[i]);
		assert_int_equal(r->groups[i].bytes, bytes[i]);
		assert_int_equal(r->groups[i].response.max, max[i]);
		assert_int_equal(r->groups[i].service.count, ok[i] + failed[i]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_of_one_to_a_thousand_are_their_ranks),
		cmocka_unit_test(ten_beyond_are_enough_and_nine_are_few),
		cmocka_unit_test(a_value_is_clamped_to_the_maximum_and_its_rank_is_not),
		cmocka_unit_test(an_empty_distribution_is_zero_and_says_few),
		cmocka_unit_test(a_histlet_gives_the_same_ranks_within_a_hundredth),
		cmocka_unit_test_setup_teardown(what_is_not_ok_never_answers_in_the_slo_view, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_parts_count_as_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(one_lost_sample_is_an_imbalance, setup, teardown),
		cmocka_unit_test_setup_teardown(rates_are_counts_by_the_window, setup, teardown),
		cmocka_unit_test_setup_teardown(each_group_has_its_own_numbers, setup, teardown),
	};
	return cmocka_run_group_tests_name("stats/report", tests, NULL, NULL);
}
