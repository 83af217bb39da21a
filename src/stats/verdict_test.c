#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "stats/report.h"

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

/* An open loop of 10 s on a machine of two processors that tells everything and did nothing wrong. */
static int setup(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	arena_init(&box->arena);
	box->tally = tally_new(4);
	box->totals = mem_zeroed(1, sizeof(*box->totals));
	box->run.groups = (struct group_table){.count = 4, .rows = rows, .first_address = 3, .first_stage = 4, .first_step = 4, .first_scenario = 4};
	box->run.open_loop = true;
	box->run.threads = 1;
	box->result = (struct run_result){.window = 10 * SEC, .tally = box->tally, .totals = box->totals};
	box->result.strain = (struct strain){.wall = 10 * SEC,
		.busiest_cpu = 2 * SEC,
		.busiest_wall = 10 * SEC,
		.run_queue_known = true,
		.throttled_known = true,
		.steal_known = true,
		.cpus = 2};
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

/* Requests that were sent `late` and then took `wait`. */
static void add(struct box *box, unsigned count, nsec late, nsec wait) {
	struct sample sample = {.sent = late, .written = late, .first = late + wait, .done = late + wait, .status = 200};
	for (unsigned i = 0; i < count; i++) tally_record(box->tally, box->totals, &sample, &box->run.groups, 0);
	box->result.planned += count;
}

static const struct verdict *judge(struct box *box) {
	report_build(&box->run, &box->result, &box->arena, &box->report);
	const struct verdict *verdict = &box->report.verdict;
	for (size_t i = 0; i < verdict->count; i++) { /* every text begins with its name */
		const char *name = cause_name(verdict->at[i].cause);
		assert_memory_equal(verdict->at[i].text, name, strlen(name));
		assert_int_equal(verdict->at[i].text[strlen(name)], ':');
	}
	return verdict;
}

/* The causes in their order, such as "paused late". */
static void expect(struct box *box, const char *want) {
	char got[256] = "";
	const struct verdict *verdict = judge(box);
	for (size_t i = 0; i < verdict->count; i++) {
		if (i > 0) strcat(got, " ");
		strcat(got, cause_name(verdict->at[i].cause));
	}
	assert_string_equal(got, want);
}

static void expect_text(struct box *box, size_t cause, const char *part) {
	const struct verdict *verdict = judge(box);
	assert_true(cause < verdict->count);
	if (!strstr(verdict->at[cause].text, part)) fail_msg("'%s' is not in '%s'", part, verdict->at[cause].text);
}

static void a_clean_run_has_no_cause(void **state) {
	struct box *box = *state;
	add(box, 2000, 30 * USEC, 5 * MSEC);
	expect(box, "");
	assert_int_equal(box->report.verdict.note_count, 0);
}

static void a_run_without_requests_has_no_cause(void **state) {
	struct box *box = *state;
	box->result.strain = (struct strain){0};
	expect(box, "");
}

/* Stalls of a second and time-outs are the target's. */
static void a_stalling_target_is_no_cause(void **state) {
	struct box *box = *state;
	add(box, 1000, 30 * USEC, 5 * MSEC);
	add(box, 500, 30 * USEC, 1 * SEC);
	struct sample blocked = {.ready = SEC, .sent = SEC + 1000, .written = SEC + 1000, .first = 2 * SEC, .done = 2 * SEC, .status = 200};
	for (int i = 0; i < 500; i++) tally_record(box->tally, box->totals, &blocked, &box->run.groups, 0);
	box->result.planned += 500;
	expect(box, "");
}

/* 11 of 1,000 are late: the p99 is. The limits are a tenth of the response time's p99, and a millisecond. */
static void late_is_named_beyond_both_of_its_limits(void **state) {
	static const struct {
		nsec late, wait;
		bool named;
	} cases[] = {
		{900 * USEC, 1 * MSEC, false},
		{1100 * USEC, 1 * MSEC, true},
		{1100 * USEC, 10 * MSEC, false}, /* of 11.1 ms, 9.9 % */
		{1200 * USEC, 10 * MSEC, true},  /* of 11.2 ms, 10.7 % */
		{9 * MSEC, 100 * MSEC, false},
		{12 * MSEC, 100 * MSEC, true},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		setup(state);
		struct box *box = *state;
		add(box, 989, 10 * USEC, cases[i].wait);
		add(box, 11, cases[i].late, cases[i].wait);
		expect(box, cases[i].named ? "late" : "");
		teardown(state);
	}
}

static void ten_late_requests_of_a_thousand_are_none_of_its_p99(void **state) {
	struct box *box = *state;
	add(box, 990, 10 * USEC, 1 * MSEC);
	add(box, 10, 500 * MSEC, 1 * MSEC);
	expect(box, "");
}

/* 100 requests have no p99 that says anything: their p90 is judged. Of 19 no percentile is. */
static void a_short_run_is_judged_by_the_percentile_it_has(void **state) {
	struct box *box = *state;
	add(box, 89, 10 * USEC, 1 * MSEC);
	add(box, 2, 50 * MSEC, 1 * MSEC);
	add(box, 9, 10 * USEC, 1 * MSEC);
	expect(box, "");
	teardown(state);
	setup(state);
	box = *state;
	add(box, 85, 10 * USEC, 1 * MSEC);
	add(box, 15, 50 * MSEC, 1 * MSEC);
	expect(box, "late");
	expect_text(box, 0, "by a p90 of 50.0 ms; the response time's is 51.0 ms");
	teardown(state);
	setup(state);
	box = *state;
	add(box, 19, 50 * MSEC, 1 * MSEC);
	expect(box, "");
}

static void the_machine_explains_late_requests(void **state) {
	struct box *box = *state;
	add(box, 1000, 20 * MSEC, 1 * MSEC);
	expect_text(box, 0, "late: strest sent late, by a p99 of 20.0 ms; the response time's is 21.0 ms");
	assert_null(strstr(box->report.verdict.at[0].text, "machine"));
	box->result.strain.steal = 620 * MSEC; /* of 2 x 10 s */
	expect_text(box, 0, "; the machine took processor time away: steal 3.1 %");
	expect(box, "late");
	box->result.strain.pauses = 2;
	box->result.strain.longest_pause = 80 * MSEC;
	expect_text(box, 1, "steal 3.1 %, paused up to 80.0 ms");
	box->result.strain.steal_known = false;
	expect_text(box, 1, "away: paused up to 80.0 ms");
}

static void a_busy_worker_limits_an_open_loop_and_is_noted_in_a_closed_one(void **state) {
	struct box *box = *state;
	add(box, 1000, 0, 1 * MSEC);
	box->result.strain.busiest_cpu = 8990 * MSEC;
	expect(box, "");
	box->result.strain.busiest_cpu = 9000 * MSEC;
	expect(box, "cpu");
	expect_text(box, 0, "the busiest of 1 thread worked 90 % of the time");
	assert_int_equal(box->report.verdict.note_count, 0);
	box->run.open_loop = false;
	expect(box, "");
	assert_int_equal(box->report.verdict.note_count, 1);
	assert_non_null(strstr(box->report.verdict.note[0], "the throughput is its own limit, times include its queue"));
}

static void a_run_queue_limits_when_requests_were_late_too(void **state) {
	struct box *box = *state;
	add(box, 1000, 150 * USEC, 10 * MSEC);
	box->result.strain.run_queue = 5 * SEC;
	expect(box, ""); /* it waited when it had nothing to send */
	add(box, 1000, 250 * USEC, 10 * MSEC);
	expect(box, "run_queue");
	expect_text(box, 0, "for 5.00 s, 50.0 % of the time; requests were late by a p99 of 250 us");
	box->result.strain.run_queue = 200 * MSEC;
	expect(box, ""); /* 2 % */
	box->result.strain.run_queue = 201 * MSEC;
	expect(box, "run_queue");
	box->result.strain.run_queue_known = false;
	expect(box, "");
}

static void throttling_limits_from_a_hundredth_or_50_ms_on(void **state) {
	struct box *box = *state;
	add(box, 1000, 0, 10 * MSEC);
	box->result.strain.throttled = 50 * MSEC;
	box->result.strain.throttled_times = 7;
	expect(box, "");
	box->result.strain.throttled = 51 * MSEC;
	expect(box, "throttled");
	expect_text(box, 0, "held strest back 7 times, for 51.0 ms, 0.5 % of the time");
	box->result.strain.wall = 1 * SEC;
	box->result.strain.throttled = 10 * MSEC;
	expect(box, "");
	box->result.strain.throttled = 11 * MSEC;
	expect(box, "throttled");
	box->result.strain.throttled_known = false;
	expect(box, "");
}

/* The kernel counts the time in which a quota holds a thread back as time in which it waited for a processor. */
static void throttling_is_no_run_queue(void **state) {
	struct box *box = *state;
	add(box, 1000, 20 * MSEC, 1 * MSEC);
	struct strain *strain = &box->result.strain;
	strain->throttled = 7900 * MSEC;
	strain->run_queue = 8700 * MSEC;
	expect(box, "throttled run_queue late");
	expect_text(box, 0, "for 7.90 s, 79.0 % of the time");
	expect_text(box, 1, "for 800 ms, 8.0 % of the time");
	expect_text(box, 2, "throttled 7.90 s, run queue 8.0 %");
	strain->run_queue = 8100 * MSEC; /* 2 % are left */
	expect(box, "throttled late");
	strain->throttled = 16 * SEC; /* of two processors */
	expect(box, "throttled late");
	strain->throttled = 40 * MSEC; /* no cause: nothing is taken off */
	strain->run_queue = 230 * MSEC;
	expect(box, "run_queue late");
	expect_text(box, 0, "for 230 ms, 2.3 % of the time");
}

static void a_single_pause_port_or_descriptor_is_enough(void **state) {
	struct box *box = *state;
	add(box, 1000, 0, 10 * MSEC);
	box->result.strain.pauses = 1;
	box->result.strain.longest_pause = 203 * MSEC;
	expect(box, "paused");
	expect_text(box, 0, "stood still 1 time, for up to 203 ms");
	box->result.strain.pauses = 0;
	box->result.strain.no_port = 1;
	expect(box, "ports");
	expect_text(box, 0, "no local port was free for 1 connection: --bind more local addresses, each has some 28,000 ports");
	box->result.strain.no_port = 0;
	box->result.strain.no_descriptor = 12;
	expect(box, "descriptors");
	expect_text(box, 0, "no file descriptor was free for 12 connections: raise the limit of open files (ulimit -n)");
}

static void what_took_the_largest_share_stands_first_and_late_last(void **state) {
	struct box *box = *state;
	add(box, 1000, 30 * MSEC, 10 * MSEC);
	box->result.strain.pauses = 1;
	box->result.strain.longest_pause = 100 * MSEC; /* 1 % */
	box->result.strain.run_queue = 3 * SEC;        /* 30 % */
	box->result.strain.throttled = 1 * SEC;        /* 10 % */
	box->result.strain.no_port = 500;              /* of 1,000 requests: 50 % */
	box->result.strain.no_descriptor = 40;         /* 4 % */
	box->result.strain.busiest_cpu = 9500 * MSEC;  /* 95 % */
	box->result.strain.steal = 10 * SEC;
	expect(box, "cpu ports throttled run_queue descriptors paused late"); /* throttled explains a part of run_queue: 20 % are left */
	expect_text(box, 2, "for 1.00 s, 10.0 % of the time");
	expect_text(box, 6, "steal 50.0 %, throttled 1.00 s, run queue 20.0 %, paused up to 100 ms");
}

static void the_longest_texts_fit(void **state) {
	struct box *box = *state;
	add(box, 1000, 3599 * SEC, 0);
	struct strain *strain = &box->result.strain;
	strain->wall = 31622400 * SEC;
	strain->run_queue = strain->longest_pause = 31622399 * SEC;
	strain->throttled = 15811199 * SEC;
	strain->steal = strain->wall;
	strain->throttled_times = strain->pauses = strain->no_port = strain->no_descriptor = strain->shed = UINT64_MAX;
	strain->busiest_cpu = strain->busiest_wall = strain->wall;
	strain->cpus = 256;
	box->run.threads = 256;
	const struct verdict *verdict = judge(box);
	assert_int_equal(verdict->count, CAUSE_COUNT);
	for (size_t i = 0; i < verdict->count; i++) assert_in_range(strlen(verdict->at[i].text), 10, sizeof(verdict->at[i].text) - 2);
}

static void responses_that_waited_in_our_own_queue_are_noted(void **state) {
	struct box *box = *state;
	add(box, 1000, 0, 400 * USEC);
	hist_record(&box->totals->outside, 365 * USEC, 100);
	hist_record(&box->totals->client_queue, 35 * USEC, 100); /* under a tenth of 400 us */
	assert_int_equal(judge(box)->note_count, 0);
	hist_record(&box->totals->client_queue, 140 * USEC, 100000);
	assert_int_equal(judge(box)->note_count, 1);
	assert_string_equal(box->report.verdict.note[0], "strest's own queue is 35 % of the service time (p50 140 us of 400 us)");
	box->run.open_loop = false;
	assert_string_equal(
		judge(box)->note[0], "strest's own queue is 35 % of the service time (p50 140 us of 400 us); a --rate below the most leaves it out");
	box->run.open_loop = true;
	expect(box, "");
	memset(&box->totals->client_queue, 0, sizeof(box->totals->client_queue));
	hist_record(&box->totals->client_queue, 140 * USEC, 19);
	assert_int_equal(judge(box)->note_count, 0); /* too few */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_clean_run_has_no_cause, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_without_requests_has_no_cause, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stalling_target_is_no_cause, setup, teardown),
		cmocka_unit_test(late_is_named_beyond_both_of_its_limits),
		cmocka_unit_test_setup_teardown(ten_late_requests_of_a_thousand_are_none_of_its_p99, setup, teardown),
		cmocka_unit_test_setup_teardown(a_short_run_is_judged_by_the_percentile_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(the_machine_explains_late_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(a_busy_worker_limits_an_open_loop_and_is_noted_in_a_closed_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_queue_limits_when_requests_were_late_too, setup, teardown),
		cmocka_unit_test_setup_teardown(throttling_limits_from_a_hundredth_or_50_ms_on, setup, teardown),
		cmocka_unit_test_setup_teardown(throttling_is_no_run_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(a_single_pause_port_or_descriptor_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(what_took_the_largest_share_stands_first_and_late_last, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_texts_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(responses_that_waited_in_our_own_queue_are_noted, setup, teardown),
	};
	return cmocka_run_group_tests_name("stats/verdict", tests, NULL, NULL);
}
