#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record/parcel_bytes.h"
#include "record/parcel_fixture.h"

#define PARTS 5

/* The examples of DWARF 5, section 7.6, and the largest number. */
static void numbers_are_leb128(void **state) {
	(void)state;
	static const struct {
		uint64_t number;
		const char *bytes;
		size_t size;
	} cases[] = {{0, "\0", 1}, {2, "\x02", 1}, {127, "\x7f", 1}, {128, "\x80\x01", 2}, {129, "\x81\x01", 2}, {12857, "\xb9\x64", 2},
		{UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf buf;
		buf_init(&buf, 100);
		struct parcel_out out = {.buf = &buf};
		parcel_put(&out, cases[i].number);
		parcel_flush(&out);
		assert_int_equal(buf.size, cases[i].size);
		assert_memory_equal(buf.at, cases[i].bytes, buf.size);
		struct parcel_in in = parcel_open(bytes_of(&buf));
		assert_true(parcel_take(&in) == cases[i].number);
		assert_null(in.why);
		in = parcel_open((struct slice){buf.at, buf.size - 1});
		assert_int_equal(parcel_take(&in), 0);
		assert_string_equal(in.why, "it is cut off");
		buf_fini(&buf);
	}
	static const char *const bad[] = {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x82\x80\x00"};
	static const size_t sizes[] = {10, 11, 3};
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct parcel_in in = parcel_open((struct slice){bad[i], sizes[i]});
		assert_int_equal(parcel_take(&in), 0);
		assert_string_equal(in.why, "a number is not as strest writes it");
	}
}

static void many_parts_are_the_whole_bucket_by_bucket(void **state) {
	(void)state;
	struct counted *whole = counted_new(), *sum = counted_new(), *parts[PARTS];
	for (int i = 0; i < PARTS; i++) parts[i] = counted_new();
	uint64_t seed = 4711;
	for (int i = 0; i < 20000; i++) {
		struct sample sample = sample_draw(&seed);
		counted_add(whole, &sample);
		counted_add(parts[draw(&seed) % (PARTS - 1)], &sample); /* the last one gets none */
	}
	assert_true(whole->totals->response_ok.clipped > 0);
	for (int i = 0; i < PARTS; i++) {
		struct buf buf = counted_write(parts[i], true);
		struct err err;
		assert_true(counted_take(sum, bytes_of(&buf), &same_rows, &err));
		buf_fini(&buf);
		counted_free(parts[i]);
	}
	assert_counted_equal(sum, whole);
	/* What was added up may travel on. */
	struct counted *again = counted_new();
	struct buf buf = counted_write(sum, true);
	struct err err;
	assert_true(counted_take(again, bytes_of(&buf), &same_rows, &err));
	assert_counted_equal(again, whole);
	buf_fini(&buf);
	counted_free(again);
	counted_free(whole);
	counted_free(sum);
}

static void every_counter_travels(void **state) {
	(void)state;
	struct counted *from = counted_new(), *to = counted_new();
	struct err err;
	tally_fill(from->tally, 3);
	struct buf buf = counted_write(from, false);
	assert_true(counted_take(to, bytes_of(&buf), &same_rows, &err));
	assert_counted_equal(to, from);
	tally_fill(to->tally, UINT64_C(1) << 40);
	struct tally *merged = tally_new(ROWS);
	tally_fill(merged, UINT64_C(1) << 40);
	tally_merge(merged, from->tally);
	assert_true(counted_take(to, bytes_of(&buf), &same_rows, &err));
	assert_memory_equal(to->tally, merged, TALLY_BYTES);
	free(merged);
	buf_fini(&buf);
	counted_free(from);
	counted_free(to);
}

static void counters_wrap_around_and_times_saturate(void **state) {
	(void)state;
	struct counted *from = counted_new(), *to = counted_new();
	struct err err;
	from->tally->ok = UINT64_MAX;
	from->tally->wire_area = UINT64_MAX - 1;
	from->tally->spun = INT64_MAX;
	struct buf buf = counted_write(from, false);
	to->tally->ok = 5;
	assert_true(counted_take(to, bytes_of(&buf), &same_rows, &err));
	assert_true(counted_take(to, bytes_of(&buf), &same_rows, &err));
	assert_int_equal(to->tally->ok, 3);
	assert_true(to->tally->wire_area == UINT64_MAX - 3);
	assert_true(to->tally->spun == INT64_MAX);
	buf_fini(&buf);
	counted_free(from);
	counted_free(to);
}

static void little_counted_takes_little_room(void **state) {
	(void)state;
	struct tally *tally = tally_new(6);
	struct buf buf;
	buf_init(&buf, 500);
	assert_true(parcel_write(&(struct parcel){.tally = tally}, &buf));
	assert_true(buf.size <= 500);
	buf_fini(&buf);
	free(tally);
	/* 100,000 requests between 1 and 20 ms. */
	struct counted *busy = counted_new();
	uint64_t seed = 1;
	for (int i = 0; i < 100000; i++) {
		struct sample sample = {.status = 200, .bytes = draw(&seed) % 1000, .address = (uint16_t)(draw(&seed) % 3)};
		sample.first = sample.done = MSEC + (nsec)(draw(&seed) % (19 * MSEC));
		counted_add(busy, &sample);
	}
	buf = counted_write(busy, false);
	assert_true(buf.size < 40000); /* some 1,400 slots of the 8 groups with requests, twice, at two to four bytes */
	buf_fini(&buf);
	counted_free(busy);
}

static void a_buffer_that_is_too_small_stays_as_it_was(void **state) {
	(void)state;
	struct counted *from = counted_new();
	uint64_t seed = 7;
	for (int i = 0; i < 5000; i++) {
		struct sample sample = sample_draw(&seed);
		counted_add(from, &sample);
	}
	struct buf whole = counted_write(from, true), small;
	for (size_t missing = 0; missing < 2; missing++) {
		buf_init(&small, 2 + whole.size - missing);
		buf_add_text(&small, "{}");
		struct parcel parcel = {.tally = from->tally,
			.totals = from->totals,
			.step_count = STEPS,
			.step_reasons = (const uint64_t(*)[REASON_COUNT])(const void *)from->reasons,
			.url_count = URLS,
			.urls = from->urls};
		assert_int_equal(parcel_write(&parcel, &small), missing == 0);
		assert_int_equal(small.full, missing > 0);
		assert_int_equal(small.size, missing == 0 ? 2 + whole.size : 2);
		assert_memory_equal(small.at, "{}", 2);
		if (missing == 0) assert_memory_equal(small.at + 2, whole.at, whole.size);
		buf_fini(&small);
	}
	buf_fini(&whole);
	counted_free(from);
}

/* The sender has looked up the addresses in another order, and one that we do not tell apart from another. */
static void rows_go_where_the_map_says(void **state) {
	(void)state;
	static const size_t to[ROWS] = {0, 1, 2, ADDRESS_3, ADDRESS_1, ADDRESS_1, STAGE_1, STAGE_2, STEP_1, STEP_2, SCENARIO};
	static const uint16_t places[] = {2, 0, 0};
	const struct parcel_map map = {ROWS, to};
	struct counted *sent = counted_new(), *whole = counted_new(), *sum = counted_new();
	struct tally *tick = tally_new(ROWS);
	struct err err;
	uint64_t seed = 99;
	for (int i = 0; i < 3000; i++) {
		struct sample sample = sample_draw(&seed);
		counted_add(sent, &sample);
		sample.address = places[sample.address];
		counted_add(whole, &sample);
	}
	struct buf buf = counted_write(sent, true);
	assert_true(counted_take(sum, bytes_of(&buf), &map, &err));
	assert_counted_equal(sum, whole);
	assert_true(parcel_subtract((struct slice){0}, bytes_of(&buf), &map, tick, &err));
	assert_memory_equal(tick, whole->tally, TALLY_BYTES);
	assert_int_equal(sum->tally->cells[ADDRESS_2].ok, 0);
	buf_fini(&buf);
	free(tick);
	counted_free(sent);
	counted_free(whole);
	counted_free(sum);
}

/* A sum that wants only some of it gets that. */
static void what_is_not_wanted_is_left_out(void **state) {
	(void)state;
	struct counted *from = counted_new();
	uint64_t seed = 3;
	struct sample sample = sample_draw(&seed);
	counted_add(from, &sample);
	struct buf buf = counted_write(from, true);
	struct parcel_sum sum = {.tally = tally_new(ROWS)};
	struct err err;
	assert_true(parcel_add(bytes_of(&buf), &same_rows, &sum, &err));
	assert_memory_equal(sum.tally, from->tally, TALLY_BYTES);
	free(sum.tally);
	buf_fini(&buf);
	counted_free(from);
}

static void facts_fill(struct parcel_facts *facts) {
	*facts = (struct parcel_facts){.planned = 1,
		.iterations_planned = 2,
		.window = 3,
		.asked_per_s = 1234.56789,
		.last_failure = REASON_REFUSED,
		.failures = 4,
		.strain = {.wall = 5,
			.busiest_cpu = 6,
			.busiest_wall = 7,
			.run_queue = 8,
			.throttled = 9,
			.throttled_times = 10,
			.steal = 11,
			.cpus = 12,
			.no_port = 13,
			.no_descriptor = 14,
			.shed = 15,
			.pauses = 16,
			.longest_pause = 17},
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384"};
}

static bool *facts_flag(struct parcel_facts *facts, int n) {
	bool *const flags[] = {&facts->limit_reached, &facts->answered, &facts->data_ran_out, &facts->strain.run_queue_known,
		&facts->strain.throttled_known, &facts->strain.steal_known};
	return flags[n];
}

static void every_fact_travels(void **state) {
	(void)state;
	for (int flag = 0; flag < 6; flag++) {
		struct counted *from = counted_new(), *to = counted_new();
		struct err err;
		facts_fill(&from->facts);
		*facts_flag(&from->facts, flag) = true;
		struct buf buf = counted_write(from, false);
		assert_true(counted_take(to, bytes_of(&buf), &same_rows, &err));
		assert_memory_equal(&to->facts, &from->facts, sizeof(to->facts));
		for (int i = 0; i < 6; i++) assert_int_equal(*facts_flag(&to->facts, i), i == flag);
		buf_fini(&buf);
		counted_free(from);
		counted_free(to);
	}
}

static void the_facts_of_several_become_one(void **state) {
	(void)state;
	struct parcel_sum sum = {.tally = tally_new(1)};
	struct tally *tally = tally_new(1);
	struct parcel_facts of[3];
	for (int i = 0; i < 3; i++) facts_fill(&of[i]);
	of[0].tls_version[0] = of[0].tls_cipher[0] = '\0';
	of[0].last_failure = REASON_NONE;
	of[0].strain.busiest_wall = 0; /* no worker was watched */
	of[1].failures = 6;
	of[1].last_failure = REASON_CUT;
	of[1].strain.busiest_cpu = 5; /* the smaller share */
	of[1].strain.steal = -1;      /* as old kernels say */
	of[1].window = 300;
	of[2].strain.longest_pause = 99;
	strcpy(of[2].tls_version, "TLSv1.2");
	for (int i = 0; i < 3; i++) {
		struct buf buf;
		struct err err;
		buf_init(&buf, 10000);
		assert_true(parcel_write(&(struct parcel){.tally = tally, .facts = of[i]}, &buf));
		assert_true(parcel_add(bytes_of(&buf), &(struct parcel_map){.count = 1}, &sum, &err));
		buf_fini(&buf);
	}
	const struct parcel_facts *facts = &sum.facts;
	assert_int_equal(facts->planned, 3);
	assert_int_equal(facts->window, 300);
	assert_true(facts->asked_per_s > 3703.7036 && facts->asked_per_s < 3703.7037);
	assert_int_equal(facts->failures, 14);
	assert_int_equal(facts->last_failure, REASON_CUT);
	assert_int_equal(facts->strain.wall, 5);
	assert_int_equal(facts->strain.busiest_cpu, 6);
	assert_int_equal(facts->strain.busiest_wall, 7);
	assert_int_equal(facts->strain.run_queue, 8);
	assert_int_equal(facts->strain.throttled, 9);
	assert_int_equal(facts->strain.throttled_times, 10);
	assert_int_equal(facts->strain.steal, 22);
	assert_int_equal(facts->strain.cpus, 36);
	assert_int_equal(facts->strain.shed, 45);
	assert_int_equal(facts->strain.pauses, 48);
	assert_int_equal(facts->strain.longest_pause, 99);
	assert_string_equal(facts->tls_version, "TLSv1.3");
	assert_string_equal(facts->tls_cipher, "TLS_AES_256_GCM_SHA384");
	free(sum.tally);
	free(tally);
}

/* Two ok, one failed; slots by hand: 100 us stands in [100, 101) us, 100 ms in [99.840, 100.352) ms. */
static void a_lost_agent_has_totals_of_its_slots(void **state) {
	(void)state;
	struct counted *lost = counted_new();
	struct totals *totals = lost->totals;
	static const nsec times[] = {100 * USEC, 100 * USEC, 100 * MSEC, 3 * SEC};
	for (size_t i = 0; i < LENGTH(times); i++) {
		struct sample sample = {
			.status = 200, .reason = i == 3 ? REASON_CUT : REASON_NONE, .done = times[i], .sent = i == 2 ? 30 * USEC : 500};
		tally_record(lost->tally, totals, &sample, &group_table, 0);
	}
	memset(totals, 0, sizeof(*totals));
	parcel_totals_from_tally(lost->tally, totals);
	assert_int_equal(totals->response_ok.count, 3);
	assert_int_equal(totals->response_ok.min, 101 * USEC - 1);
	assert_int_equal(totals->response_ok.max, 100 * MSEC); /* the exact max: the slot reaches up to 100.352 ms */
	assert_int_equal(totals->response_failed.count, 1);
	assert_int_equal(totals->response_failed.max, 3 * SEC);
	assert_int_equal(totals->response_open.count, 0);
	assert_int_equal(totals->service_ok.count, 3);
	assert_int_equal(totals->service_failed.count, 1);
	assert_int_equal(totals->parts[PART_LATE].count, 1); /* 30 us; 500 ns are as good as 0 */
	assert_int_equal(totals->parts[PART_LATE].max, 30 * USEC);
	assert_int_equal(totals->parts[PART_WAIT].count, 0);
	counted_free(lost);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_leb128),
		cmocka_unit_test(many_parts_are_the_whole_bucket_by_bucket),
		cmocka_unit_test(every_counter_travels),
		cmocka_unit_test(counters_wrap_around_and_times_saturate),
		cmocka_unit_test(little_counted_takes_little_room),
		cmocka_unit_test(a_buffer_that_is_too_small_stays_as_it_was),
		cmocka_unit_test(rows_go_where_the_map_says),
		cmocka_unit_test(what_is_not_wanted_is_left_out),
		cmocka_unit_test(every_fact_travels),
		cmocka_unit_test(the_facts_of_several_become_one),
		cmocka_unit_test(a_lost_agent_has_totals_of_its_slots),
	};
	return cmocka_run_group_tests_name("record/parcel", tests, NULL, NULL);
}
