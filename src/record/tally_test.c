#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "record/tally.h"

enum {
	ROW_ALL,
	ROW_NEW,
	ROW_REUSED,
	ROW_FIRST_ADDRESS,
	ROW_SECOND_ADDRESS,
	ROW_FIRST_STAGE,
	ROW_SECOND_STAGE,
	ROWS,
	ROW_FIRST_STEP = ROWS,
	ROW_SECOND_STEP,
	ROW_FIRST_SCENARIO,
	ROW_SECOND_SCENARIO,
	ROWS_SCRIPT,
};

static const struct group rows[ROWS_SCRIPT] = {
	{GROUP_BY_ALL, "all"},
	{GROUP_BY_CONNECTION, "new"},
	{GROUP_BY_CONNECTION, "reused"},
	{GROUP_BY_ADDRESS, "127.0.0.1:3000"},
	{GROUP_BY_ADDRESS, "[::1]:3000"},
	{GROUP_BY_STAGE, "1"},
	{GROUP_BY_STAGE, "2"},
	{GROUP_BY_STEP, "buy/login"},
	{GROUP_BY_STEP, "look/list"},
	{GROUP_BY_SCENARIO, "buy"},
	{GROUP_BY_SCENARIO, "look"},
};
static const struct group_table table = {
	.count = ROWS, .rows = rows, .first_address = ROW_FIRST_ADDRESS, .first_stage = ROW_FIRST_STAGE, .first_step = ROWS, .first_scenario = ROWS};

/* The same with two scenarios of one step each. */
static const struct group_table script = {.count = ROWS_SCRIPT,
	.rows = rows,
	.first_address = ROW_FIRST_ADDRESS,
	.first_stage = ROW_FIRST_STAGE,
	.first_step = ROW_FIRST_STEP,
	.first_scenario = ROW_FIRST_SCENARIO};

/* A request on a new connection: due at 1 ms, ready 2 ms later, 3 ms look-up, 4 ms connect, 5 ms TLS, 1 ms late, sent at 16 ms,
 * 1 ms to write, first byte 8 ms later, 2 ms of body: done at 27 ms. */
static const struct sample fresh = {
	.due = 1 * MSEC,
	.ready = 3 * MSEC,
	.sent = 16 * MSEC,
	.written = 17 * MSEC,
	.first = 25 * MSEC,
	.done = 27 * MSEC,
	.dns = 3 * MSEC,
	.connect = 4 * MSEC,
	.tls = 5 * MSEC,
	.bytes = 100,
	.status = 200,
};

struct box {
	struct tally *tally;
	struct totals *totals;
};

static int setup(void **state) {
	struct box *box = mem_zeroed(1, sizeof(*box));
	box->tally = tally_new(ROWS);
	box->totals = mem_zeroed(1, sizeof(*box->totals));
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	free(box->tally);
	free(box->totals);
	free(box);
	return 0;
}

static void the_parts_are_those_of_the_stamps(void **state) {
	(void)state;
	static const nsec want_ms[PART_COUNT] = {[PART_BLOCKED] = 2,
		[PART_LATE] = 1,
		[PART_DNS] = 3,
		[PART_CONNECT] = 4,
		[PART_TLS] = 5,
		[PART_WRITE] = 1,
		[PART_WAIT] = 8,
		[PART_TRANSFER] = 2};
	nsec parts[PART_COUNT];
	sample_parts(&fresh, parts);
	nsec sum = 0;
	for (int i = 0; i < PART_COUNT; i++) {
		assert_int_equal(parts[i], want_ms[i] * MSEC);
		sum += parts[i];
	}
	assert_int_equal(sum, fresh.done - fresh.due);
	assert_int_equal(sample_response(&fresh), 26 * MSEC);
	assert_int_equal(sample_service(&fresh), 23 * MSEC); /* 11 from the send, 12 of set-up */
}

static void a_retry_takes_the_time_up_to_the_last_attempt(void **state) {
	(void)state;
	/* first sent at 10, second attempt ready at 30 after 20 of retry, sent at 31 */
	struct sample sample = {.due = 5, .ready = 9, .sent = 31, .written = 31, .first = 40, .done = 41, .retry = 20};
	nsec parts[PART_COUNT];
	sample_parts(&sample, parts);
	assert_int_equal(parts[PART_BLOCKED], 4);
	assert_int_equal(parts[PART_RETRY], 20);
	assert_int_equal(parts[PART_LATE], 2); /* 1 before each attempt */
	assert_int_equal(parts[PART_WAIT], 9);
	assert_int_equal(parts[PART_TRANSFER], 1);
}

static void an_ok_request_counts_in_the_books_its_cells_and_the_totals(void **state) {
	struct box *box = *state;
	tally_record(box->tally, box->totals, &fresh, &table, ROW_SECOND_STAGE);
	const struct tally *tally = box->tally;
	assert_int_equal(tally->ok, 1);
	assert_int_equal(tally->failed + tally->open + tally->unsent + tally->planned + tally->reused, 0);
	assert_int_equal(tally->status[200], 1);
	for (int i = 0; i < REASON_COUNT; i++) assert_int_equal(tally->reasons[i], 0);
	static const unsigned want[ROWS] = {[ROW_ALL] = 1, [ROW_NEW] = 1, [ROW_FIRST_ADDRESS] = 1, [ROW_SECOND_STAGE] = 1};
	for (int row = 0; row < ROWS; row++) {
		const struct cell *cell = &tally->cells[row];
		assert_int_equal(cell->ok, want[row]);
		assert_int_equal(cell->complete, want[row]);
		assert_int_equal(cell->failed + cell->open, 0);
		assert_int_equal(cell->bytes, want[row] * 100);
		assert_int_equal(cell->response_ok.count, want[row]);
		assert_int_equal(cell->response_ok.sum, want[row] * 26 * MSEC);
		assert_int_equal(cell->service.sum, want[row] * 23 * MSEC);
	}
	assert_int_equal(box->totals->response_ok.count, 1);
	assert_int_equal(box->totals->response_ok.max, 26 * MSEC);
	assert_int_equal(box->totals->service_ok.max, 23 * MSEC);
	assert_int_equal(box->totals->response_failed.count + box->totals->response_open.count, 0);
	for (int part = 0; part < PART_COUNT; part++) assert_int_equal(box->totals->parts[part].count, part == PART_RETRY ? 0 : 1);
}

static void failures_and_open_requests_count_by_reason(void **state) {
	struct box *box = *state;
	struct sample refused = {.due = 1, .ready = 1, .sent = 9, .written = 9, .first = 9, .done = 9, .connect = 8, .reason = REASON_REFUSED};
	struct sample busy = {.due = 1, .ready = 1, .sent = 1, .written = 1, .first = 8, .done = 9, .status = 503, .reason = REASON_STATUS};
	busy.flags = SAMPLE_REUSED;
	busy.address = 1;
	struct sample open = {.due = 1, .ready = 1, .sent = 1, .written = 1, .first = 50, .done = 50, .flags = SAMPLE_OPEN | SAMPLE_REUSED};
	tally_record(box->tally, box->totals, &refused, &table, 0);
	tally_record(box->tally, box->totals, &busy, &table, 0);
	tally_record(box->tally, box->totals, &open, &table, 0);
	const struct tally *tally = box->tally;
	assert_int_equal(tally->ok, 0);
	assert_int_equal(tally->failed, 2);
	assert_int_equal(tally->open, 1);
	assert_int_equal(tally->reused, 2);
	assert_int_equal(tally->reasons[REASON_REFUSED], 1);
	assert_int_equal(tally->reasons[REASON_STATUS], 1);
	assert_int_equal(tally->reasons[REASON_OPEN], 1);
	assert_int_equal(tally->status[0], 2);
	assert_int_equal(tally->status[503], 1);
	assert_int_equal(tally->cells[ROW_ALL].failed, 2);
	assert_int_equal(tally->cells[ROW_ALL].complete, 1); /* the 503 */
	assert_int_equal(tally->cells[ROW_REUSED].complete, 1);
	assert_int_equal(tally->cells[ROW_NEW].complete, 0);
	assert_int_equal(tally->cells[ROW_ALL].open, 1);
	assert_int_equal(tally->cells[ROW_NEW].failed, 1);
	assert_int_equal(tally->cells[ROW_REUSED].failed, 1);
	assert_int_equal(tally->cells[ROW_REUSED].open, 1);
	assert_int_equal(tally->cells[ROW_FIRST_ADDRESS].failed, 1);
	assert_int_equal(tally->cells[ROW_FIRST_ADDRESS].open, 1);
	assert_int_equal(tally->cells[ROW_SECOND_ADDRESS].failed, 1);
	assert_int_equal(tally->cells[ROW_FIRST_STAGE].response_other.count + tally->cells[ROW_SECOND_STAGE].response_other.count, 0);
	assert_int_equal(box->totals->response_failed.count, 2);
	assert_int_equal(box->totals->response_open.count, 1);
	assert_int_equal(box->totals->service_open.max, 49);
	assert_int_equal(box->totals->parts[PART_LATE].count, 0); /* zeros are left out */
	assert_int_equal(tally->late.count, 3);                   /* and here they are not */
	assert_int_equal(tally->late.max, 0);
	assert_int_equal(box->totals->parts[PART_CONNECT].sum, 8);
	assert_int_equal(box->totals->parts[PART_WAIT].count, 2);
}

/* Only a response that came as a whole is one, whatever it said. */
static void each_reason_says_whether_a_response_was_complete(void **state) {
	struct box *box = *state;
	for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
		if (reason == REASON_OPEN) continue;
		struct sample sample = {.status = 200, .reason = (uint8_t)reason};
		uint64_t before = box->tally->cells[ROW_SECOND_STAGE].complete;
		tally_record(box->tally, box->totals, &sample, &table, ROW_SECOND_STAGE);
		enum outcome outcome = reason_outcome(reason);
		bool want = outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT;
		assert_int_equal(box->tally->cells[ROW_SECOND_STAGE].complete - before, want);
	}
	assert_int_equal(box->tally->cells[ROW_SECOND_STAGE].complete, 10); /* ok, another status, and the 8 of what a step asserts */
	assert_int_equal(box->tally->cells[ROW_SECOND_STAGE].failed, REASON_COUNT - 2);
}

static void an_odd_status_counts_as_none(void **state) {
	struct box *box = *state;
	struct sample sample = {.status = 1000, .reason = REASON_STATUS};
	tally_record(box->tally, box->totals, &sample, &table, 0);
	sample.status = 999;
	tally_record(box->tally, box->totals, &sample, &table, 0);
	assert_int_equal(box->tally->status[0], 1);
	assert_int_equal(box->tally->status[999], 1);
}

static void a_request_of_a_step_counts_there_too(void **state) {
	struct box *box = *state;
	struct tally *tally = tally_new(ROWS_SCRIPT);
	struct sample sample = fresh;
	sample.row = 1;
	tally_record(tally, box->totals, &sample, &script, ROW_FIRST_STAGE);
	sample.reason = REASON_ASSERT_BODY;
	tally_record(tally, box->totals, &sample, &script, 0);
	static const unsigned want[ROWS_SCRIPT] = {
		[ROW_ALL] = 2, [ROW_NEW] = 2, [ROW_FIRST_ADDRESS] = 2, [ROW_FIRST_STAGE] = 1, [ROW_SECOND_STEP] = 2};
	for (int row = 0; row < ROWS_SCRIPT; row++) assert_int_equal(tally->cells[row].ok + tally->cells[row].failed, want[row]);
	assert_int_equal(tally->cells[ROW_SECOND_STEP].ok, 1);
	assert_int_equal(tally->cells[ROW_SECOND_STEP].complete, 2); /* what is not as the step asserts is a response */
	assert_int_equal(tally->cells[ROW_SECOND_STEP].response_ok.max, 26 * MSEC);
	assert_int_equal(tally->cells[ROW_SECOND_STEP].service.sum, 2 * 23 * MSEC);
	assert_int_equal(tally->failed, 1);
	free(tally);
}

static void an_iteration_counts_in_its_scenario_alone(void **state) {
	(void)state;
	struct tally *tally = tally_new(ROWS_SCRIPT), *other = tally_new(ROWS_SCRIPT);
	tally_record_iteration(tally, &script, 1, &(struct iteration){.due = 1 * SEC, .done = 4 * SEC, .ok = true});
	tally_record_iteration(tally, &script, 1, &(struct iteration){.due = 1 * SEC, .done = 2 * SEC});
	tally_record_iteration(tally, &script, 1, &(struct iteration){.due = 1 * SEC, .done = 9 * SEC, .ok = true, .open = true});
	tally_record_iteration(other, &script, 0, &(struct iteration){.due = 1 * SEC, .done = 9 * SEC, .open = true});
	tally_merge(tally, other);
	const struct cell *cell = &tally->cells[ROW_SECOND_SCENARIO];
	assert_int_equal(cell->ok, 1);
	assert_int_equal(cell->failed, 1);
	assert_int_equal(cell->open, 1);
	assert_int_equal(cell->complete, 2);
	assert_int_equal(cell->response_ok.sum, 3 * SEC);
	assert_int_equal(cell->response_other.count, 1);
	assert_int_equal(cell->response_other.sum, 1 * SEC);
	assert_int_equal(cell->service.count, 0);
	assert_int_equal(tally->cells[ROW_FIRST_SCENARIO].open, 1); /* without a time, and merged nevertheless */
	assert_int_equal(tally->ok + tally->failed + tally->open, 0);
	for (int row = 0; row < ROW_FIRST_SCENARIO; row++) assert_int_equal(tally->cells[row].ok + tally->cells[row].failed, 0);
	tally_clear(tally);
	assert_int_equal(tally->cells[ROW_FIRST_SCENARIO].open, 0);
	free(tally);
	free(other);
}

/* Writes a different number into every counter, so that one that is forgotten shows. */
static void fill(struct tally *tally, uint64_t factor) {
	uint64_t *at = &tally->planned;
	for (size_t i = 0; i < offsetof(struct tally, cell_count) / 8; i++) at[i] = factor * (i + 1);
}

static void merging_adds_every_counter_and_keeps_the_extremes(void **state) {
	struct box *box = *state;
	struct tally *other = tally_new(ROWS);
	fill(box->tally, 1);
	fill(other, 1000);
	tally_merge(box->tally, other);
	const uint64_t *at = &box->tally->planned;
	size_t gap = offsetof(struct tally, longest_gap) / 8;
	size_t upto = offsetof(struct tally, upto) / 8, told = offsetof(struct tally, told) / 8; /* are no counts */
	size_t told_end = told + sizeof(box->tally->told) / 8;
	size_t limit = offsetof(struct tally, stream_limit) / 8;
	for (size_t i = 0; i < offsetof(struct tally, cell_count) / 8; i++)
		assert_int_equal(at[i], (i == gap ? 1000 : i == upto || i == limit || (i >= told && i < told_end) ? 1 : 1001) * (i + 1));
	tally_merge(other, box->tally);
	assert_int_equal(other->longest_gap, 1000 * (gap + 1));
	assert_int_equal(other->stream_limit, limit + 1);
	free(other);
}

/* 0 is no limit but says that none is known. */
static void the_smallest_known_stream_limit_is_kept(void **state) {
	struct box *box = *state;
	static const uint64_t pairs[][3] = {{0, 0, 0}, {0, 8, 8}, {8, 0, 8}, {8, 100, 8}, {100, 8, 8}};
	struct tally *other = tally_new(ROWS);
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		box->tally->stream_limit = pairs[i][0];
		other->stream_limit = pairs[i][1];
		tally_merge(box->tally, other);
		assert_int_equal(box->tally->stream_limit, pairs[i][2]);
	}
	free(other);
}

static void two_merged_tallies_are_the_tally_of_all_samples(void **state) {
	struct box *box = *state;
	struct tally *whole = tally_new(ROWS), *part = tally_new(ROWS);
	struct totals *whole_totals = mem_zeroed(1, sizeof(*whole_totals)), *part_totals = mem_zeroed(1, sizeof(*part_totals));
	for (unsigned i = 0; i < 1000; i++) {
		struct sample sample = fresh;
		sample.done += (nsec)i * i * 1000;
		sample.reason = i % 7 == 0 ? REASON_CUT : i % 5 == 0 ? REASON_STATUS : REASON_NONE;
		sample.flags = (uint8_t)(i % 4);
		sample.address = i % 2;
		size_t stage = ROW_FIRST_STAGE + i % 2;
		tally_record(whole, whole_totals, &sample, &table, stage);
		tally_record(i % 3 ? part : box->tally, i % 3 ? part_totals : box->totals, &sample, &table, stage);
	}
	tally_merge(box->tally, part);
	totals_merge(box->totals, part_totals);
	assert_memory_equal(box->tally, whole, sizeof(*whole) + ROWS * sizeof(struct cell));
	assert_memory_equal(box->totals, whole_totals, sizeof(*whole_totals));
	assert_int_equal(box->tally->late.count, 1000);
	assert_int_equal(box->tally->late.min, MSEC); /* that of `fresh` */
	assert_int_equal(box->tally->late.max, MSEC);
	free(whole);
	free(part);
	free(whole_totals);
	free(part_totals);
}

static void a_cleared_tally_is_a_new_one(void **state) {
	struct box *box = *state;
	for (unsigned i = 0; i < 100; i++) {
		struct sample sample = fresh;
		sample.done += (nsec)i * 77 * MSEC;
		sample.flags = (uint8_t)(i % 4);
		tally_record(box->tally, box->totals, &sample, &table, ROW_FIRST_STAGE);
	}
	fill(box->tally, 3);
	tally_clear(box->tally);
	struct tally *fresh_one = tally_new(ROWS);
	assert_memory_equal(box->tally, fresh_one, sizeof(*fresh_one) + ROWS * sizeof(struct cell));
	free(fresh_one);
}

static void parts_and_dimensions_have_the_names_of_the_json(void **state) {
	(void)state;
	static const char *const parts[PART_COUNT] = {"blocked", "late", "dns", "connect", "tls", "write", "wait", "transfer", "retry"};
	static const char *const dimensions[GROUP_DIMENSIONS] = {"all", "connection", "address", "stage", "step", "scenario"};
	for (int i = 0; i < PART_COUNT; i++) assert_string_equal(part_name((enum part)i), parts[i]);
	for (int i = 0; i < GROUP_DIMENSIONS; i++) assert_string_equal(group_dimension_name((enum group_dimension)i), dimensions[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_are_those_of_the_stamps),
		cmocka_unit_test(a_retry_takes_the_time_up_to_the_last_attempt),
		cmocka_unit_test_setup_teardown(an_ok_request_counts_in_the_books_its_cells_and_the_totals, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_and_open_requests_count_by_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(each_reason_says_whether_a_response_was_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(an_odd_status_counts_as_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_of_a_step_counts_there_too, setup, teardown),
		cmocka_unit_test(an_iteration_counts_in_its_scenario_alone),
		cmocka_unit_test_setup_teardown(merging_adds_every_counter_and_keeps_the_extremes, setup, teardown),
		cmocka_unit_test_setup_teardown(the_smallest_known_stream_limit_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(two_merged_tallies_are_the_tally_of_all_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cleared_tally_is_a_new_one, setup, teardown),
		cmocka_unit_test(parts_and_dimensions_have_the_names_of_the_json),
	};
	return cmocka_run_group_tests_name("record/tally", tests, NULL, NULL);
}
