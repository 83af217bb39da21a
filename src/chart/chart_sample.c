/* Draws a run that never was, to be looked at: chart_sample FOLDER [SECONDS]. A server that slows down, stalls once and answers 503 for a while. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "chart/chart.h"
#include "stats/series.h"

enum { ROWS = 5, RATE = 2000 }; /* requests a second */

static const struct group rows[ROWS] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"}, {GROUP_BY_ADDRESS, "a"},
	{GROUP_BY_ADDRESS, GROUP_ELSEWHERE}};

static double next_random(void) {
	static uint64_t seed = 1;
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(seed >> 11) / (double)(1ull << 53);
}

/* One request that ended at the share `at` of the run. */
static struct sample sample_make(double at) {
	double stall = at > 0.4 && at < 0.45 ? 800 : 0,
	       wait = (2 + 6 * at) * exp(0.35 * next_random() + (next_random() < 0.01 ? 2 : 0)) + stall * next_random();
	nsec late = (nsec)(20e3 * exp(3 * next_random()));
	struct sample sample = {.ready = 0, .sent = late, .written = late, .status = 200};
	if (at > 0.7 && at < 0.75 && next_random() < 0.3) {
		sample.status = 503;
		sample.reason = REASON_STATUS;
		wait = 0.5;
	} else if (stall > 0 && next_random() < 0.05) {
		sample.status = 0;
		sample.reason = next_random() < 0.7 ? REASON_TIMEOUT_RESPONSE : REASON_RESET;
		wait = 1000;
	}
	sample.first = sample.done = late + (nsec)(wait * 1e6);
	return sample;
}

static void run_make(nsec length, struct series *series, struct tally *whole, struct totals *totals, const struct group_table *groups) {
	struct tally *tick = tally_new(ROWS);
	for (nsec at = SERIES_TICK; at <= length + 3 * SERIES_TICK; at += SERIES_TICK) {
		bool is_drain = at > length;
		for (unsigned i = 0; i < (is_drain ? 3 : RATE / 10); i++) {
			struct sample sample = sample_make((double)at / (double)length);
			tally_record(tick, totals, &sample, groups, 0);
			tick->wire_area += (uint64_t)(sample.done - sample.sent);
		}
		tick->done_in_window = is_drain ? 0 : tick->ok;
		tick->sent_in_window = is_drain ? 0 : RATE / 10;
		tick->wire_span = SERIES_TICK;
		series_add(series, at, tick);
		tally_merge(whole, tick);
		tally_clear(tick);
	}
	free(tick);
}

int main(int count, char **words) {
	if (count < 2) return 2;
	nsec length = (count > 2 ? atoi(words[2]) : 600) * SEC;
	const struct group_table groups = {
		.count = ROWS, .rows = rows, .first_address = 3, .first_stage = ROWS, .first_step = ROWS, .first_scenario = ROWS};
	static const char *const labels[] = {"env=staging", "build=1234"};
	struct run_info info = {.id = "01234567-89ab-4cde-8f01-23456789abcd",
		.version = "0.1.0",
		.label_count = 2,
		.labels = labels,
		.start_unix_ns = 1767225600 * SEC,
		.target = "http://127.0.0.1:3000/",
		.open_loop = true,
		.asked_per_s = RATE,
		.threads = 1,
		.max_tasks = 1000,
		.duration = length,
		.groups = groups};
	struct series *series = series_new(SEC, 1);
	struct tally *whole = tally_new(ROWS);
	struct totals *totals = mem_zeroed(1, sizeof(*totals));
	run_make(length, series, whole, totals, &groups);
	struct run_result result = {.window = length, .planned = whole->ok + whole->failed, .tally = whole, .totals = totals, .series = series};
	struct arena arena;
	struct report report;
	struct err err;
	size_t written;
	arena_init(&arena);
	report_build(&info, &result, &arena, &report);
	bool good = charts_write(&report, words[1], &written, &err);
	if (!good) fprintf(stderr, "%s\n", err.text);
	printf("%zu charts\n", written);
	arena_fini(&arena);
	series_free(series);
	free(whole);
	free(totals);
	return good ? 0 : 1;
}
