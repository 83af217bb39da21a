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
	box->run.groups = (struct group_table){.count = 4, .rows = rows, .first_address = 3, .first_stage = 4, .first_step = 4, .first_scenario = 4};
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
	box->tally->attempts = 8;
	box->tally->hops = 3; /* are attempts, and no requests of the books */
	assert_true(build(box)->balanced);
	assert_int_equal(box->report.hops, 3);
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
	box->tally->opened_in_window = 7;
	box->tally->shaken_in_window = 5;
	box->result.strain.busiest_cpu = 500;
	box->result.strain.busiest_wall = 2000;
	const struct report *r = build(box);
	assert_true(r->achieved_per_s == 1500);
	assert_true(r->throughput_per_s == 1250);
	assert_true(r->opened_per_s == 3.5);
	assert_true(r->shaken_per_s == 2.5);
	assert_true(r->worker_busy == 0.25);
	box->result.window = 0;
	box->result.strain.busiest_wall = 0;
	r = build(box);
	assert_true(r->achieved_per_s == 0);
	assert_true(r->throughput_per_s == 0);
	assert_true(r->opened_per_s == 0);
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

/* Every way in which something can be counted in it shows the row; the rows behind it keep their own numbers. */
static void the_row_of_other_addresses_is_left_out_while_it_is_empty(void **state) {
	struct box *box = *state;
	static const struct group with[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"},
		{GROUP_BY_ADDRESS, "[::1]:3000"}, {GROUP_BY_ADDRESS, GROUP_ELSEWHERE}, {GROUP_BY_STAGE, "1", 0, NSEC_NEVER}};
	free(box->tally);
	box->result.tally = box->tally = tally_new(LENGTH(with));
	box->run.groups =
		(struct group_table){.count = LENGTH(with), .rows = with, .first_address = 3, .first_stage = 5, .first_step = 6, .first_scenario = 6};
	struct sample sample = {.first = MSEC, .done = MSEC, .status = 200};
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 5);
	const struct report *r = build(box);
	assert_int_equal(r->group_count, 5);
	assert_string_equal(r->groups[3].group.name, "[::1]:3000");
	assert_string_equal(r->groups[4].group.name, "1");
	assert_int_equal(r->groups[4].ok, 1);
	box->tally->cells[4].opened = 1;
	r = build(box);
	assert_int_equal(r->group_count, 6);
	assert_string_equal(r->groups[4].group.name, GROUP_ELSEWHERE);
	assert_int_equal(r->groups[4].opened, 1);
	assert_int_equal(r->groups[5].ok, 1);
	box->tally->cells[4].opened = 0;
	sample.address = 1;
	sample.reason = REASON_DNS; /* no connection, but a request that failed */
	tally_record(box->tally, box->totals, &sample, &box->run.groups, 5);
	assert_int_equal(build(box)->group_count, 6);
}

/* `count` URLs named "GET /0" ... ; both belong to the arena. */
static struct digest *list(struct box *box, size_t count) {
	const char **names = arena_array(&box->arena, count, sizeof(*names));
	struct digest *digests = arena_array(&box->arena, count, sizeof(*digests));
	for (size_t i = 0; i < count; i++) names[i] = arena_format(&box->arena, "GET /%zu", i);
	box->result.url_count = count;
	box->result.urls = names;
	box->result.url_digests = digests;
	return digests;
}

static void count(struct digest *digest, unsigned times, nsec wait, enum reason reason) {
	struct sample sample = {.done = wait, .reason = (uint8_t)reason, .bytes = 7};
	if (reason == REASON_OPEN) sample.flags = SAMPLE_OPEN;
	for (unsigned i = 0; i < times; i++) digest_record(digest, &sample);
}

static void without_a_list_there_are_no_rows_of_urls(void **state) {
	struct box *box = *state;
	assert_int_equal(build(box)->url_count + box->report.url_rest.urls, 0);
}

static void urls_are_ranked_by_failures_and_then_by_p99(void **state) {
	struct box *box = *state;
	struct digest *digests = list(box, 7);
	count(&digests[0], 5, 2 * MSEC, REASON_NONE);
	count(&digests[1], 1, 9 * MSEC, REASON_NONE);
	/* 2 was never asked for */
	count(&digests[3], 100, 1 * MSEC, REASON_NONE);
	count(&digests[3], 1, 1 * MSEC, REASON_STATUS);
	count(&digests[4], 3, 2 * MSEC, REASON_NONE); /* as slow as 0, which came first */
	count(&digests[5], 1, 1 * MSEC, REASON_CUT);
	count(&digests[5], 1, 5 * MSEC, REASON_OPEN);
	count(&digests[6], 1, 3 * MSEC, REASON_OPEN);
	const struct report *r = build(box);
	static const char *const want[] = {"GET /5", "GET /6", "GET /3", "GET /1", "GET /0", "GET /4", "GET /2"};
	assert_int_equal(r->url_count, LENGTH(want));
	for (size_t i = 0; i < LENGTH(want); i++) {
		assert_string_equal(r->urls[i].name, want[i]);
		assert_int_equal(r->urls[i].urls, 1);
	}
	assert_int_equal(r->urls[0].failed, 1);
	assert_int_equal(r->urls[0].open, 1);
	assert_int_equal(r->urls[0].bytes, 14);
	assert_true(r->urls[0].mean == 3 * MSEC);
	assert_int_equal(r->urls[0].p50.value, 1024 * USEC - 1); /* the end of the slot from 992 us on */
	assert_int_equal(r->urls[0].p99.value, 5 * MSEC);
	assert_int_equal(r->urls[0].max, 5 * MSEC);
	assert_int_equal(r->urls[2].ok, 100);
	assert_int_equal(r->urls[6].ok + (uint64_t)r->urls[6].p99.value + (uint64_t)r->urls[6].max, 0);
	assert_true(r->urls[6].mean == 0);
	assert_true(r->urls[6].p50.few);
	assert_false(r->urls[2].p50.few); /* 50 of 101 lie beyond rank 51 */
	assert_true(r->urls[2].p99.few);
	assert_int_equal(r->url_rest.urls, 0);
}

/* URL i was asked for twice and took i + 1 ms each time. */
static void all_but_the_worst_are_one_row(void **state) {
	static const struct { size_t urls, rows, rest; } cases[] = {{10, 10, 0}, {11, 11, 1}, {100, 100, 90}, {101, 101, 91}, {150, 101, 140}};
	for (size_t k = 0; k < LENGTH(cases); k++) {
		struct box *box = *state;
		struct digest *digests = list(box, cases[k].urls);
		for (size_t i = 0; i < cases[k].urls; i++) count(&digests[i], 2, (nsec)(i + 1) * MSEC, REASON_NONE);
		const struct report *r = build(box);
		assert_int_equal(r->url_count, cases[k].rows);
		assert_int_equal(r->url_rest.urls, cases[k].rest);
		assert_int_equal(r->url_rest.ok, 2 * cases[k].rest);
		uint64_t urls = 0, ok = 0;
		for (size_t i = 0; i < r->url_count; i++) {
			urls += r->urls[i].urls;
			ok += r->urls[i].ok;
		}
		assert_int_equal(urls, cases[k].urls);
		assert_int_equal(ok, 2 * cases[k].urls);
		assert_string_equal(r->urls[0].name, box->result.urls[cases[k].urls - 1]);
	}
	/* Of the last case: 1 .. 50 ms are "others", 1 .. 140 ms all behind the worst ten. */
	const struct report *r = &((struct box *)*state)->report;
	const struct url_report *others = &r->urls[100];
	assert_string_equal(others->name, "others");
	assert_int_equal(others->urls, 50);
	assert_int_equal(others->bytes, 700);
	assert_true(others->mean == 25.5 * MSEC);
	assert_int_equal(others->max, 50 * MSEC);
	assert_in_range(others->p50.value, 25 * MSEC, 25 * MSEC * 17 / 16);
	assert_in_range(others->p99.value, 50 * MSEC, 50 * MSEC);
	assert_string_equal(r->urls[99].name, "GET /50");
	assert_true(r->url_rest.mean == 70.5 * MSEC);
	assert_int_equal(r->url_rest.max, 140 * MSEC);
	assert_in_range(r->url_rest.p50.value, 70 * MSEC, 70 * MSEC * 17 / 16);
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
		cmocka_unit_test_setup_teardown(the_row_of_other_addresses_is_left_out_while_it_is_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_list_there_are_no_rows_of_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(urls_are_ranked_by_failures_and_then_by_p99, setup, teardown),
		cmocka_unit_test_setup_teardown(all_but_the_worst_are_one_row, setup, teardown),
	};
	return cmocka_run_group_tests_name("stats/report", tests, NULL, NULL);
}
