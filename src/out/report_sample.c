#include "out/report_sample.h"

#include <stdlib.h>
#include <string.h>

#include "stats/series.h"

enum { FIRST_ADDRESS = 3, ELSEWHERE = 5, FIRST_STAGE = 6, ROWS = 8, LOGIN = ROWS, PUT, LIST, BUY, LOOK, SCRIPT_ROWS };

static const struct group rows[SCRIPT_ROWS] = {
	{GROUP_BY_ALL, "all"},
	{GROUP_BY_CONNECTION, "new"},
	{GROUP_BY_CONNECTION, "reused"},
	{GROUP_BY_ADDRESS, "127.0.0.1:3000"},
	{GROUP_BY_ADDRESS, "[::1]:3000"},
	{GROUP_BY_ADDRESS, GROUP_ELSEWHERE},
	{GROUP_BY_STAGE, "1", 0, 5 * SEC},
	{GROUP_BY_STAGE, "2", 5 * SEC, NSEC_NEVER},
	{GROUP_BY_STEP, "buy/login"},
	{GROUP_BY_STEP, "buy/put something into the basket, then look, \"again\", at all that is in there now"},
	{GROUP_BY_STEP, "look/list"},
	{GROUP_BY_SCENARIO, "buy"},
	{GROUP_BY_SCENARIO, "look"},
};

static const char *const rules[REPORT_SAMPLE_RULES] = {
	"p50<10ms", "p99<250ms", "p99.9<1s", "errors<=5.5%", "errors<100", "rps>=198", "stage.2.p90<6.8ms", "stage.3.max<1s"};

void report_sample_init(struct report_sample *sample, bool open_loop) {
	*sample = (struct report_sample){0};
	arena_init(&sample->arena);
	buf_init(&sample->text, 1 << 20);
	sample->series = series_new(10 * SEC, 2);
	sample->tally = tally_new(ROWS);
	sample->totals = mem_zeroed(1, sizeof(*sample->totals));
	sample->run = (struct run_info){.id = "01234567-89ab-4cde-8f01-23456789abcd",
		.version = "0.1.0",
		.start_unix_ns = 1767225600123 * MSEC, /* 2026-01-01T00:00:00.123Z */
		.target = "http://127.0.0.1:3000/",
		.method = "GET",
		.keepalive = true,
		.redirects = 10,
		.http = "http/1.1",
		.streams = 1,
		.open_loop = open_loop,
		.spin = "off",
		.kernel_stamps = "sample",
		.asked_per_s = open_loop ? 100 : 0,
		.seed = 1,
		.threads = 2,
		.max_tasks = 64,
		.duration = 10 * SEC,
		.groups = {.count = ROWS,
			.rows = rows,
			.first_address = FIRST_ADDRESS,
			.first_stage = FIRST_STAGE,
			.first_step = ROWS,
			.first_scenario = ROWS}};
	status_set_parse(SLICE("200"), &sample->run.expected);
	sample->result = (struct run_result){
		.cause = STOP_DURATION, .window = 10 * SEC, .tally = sample->tally, .totals = sample->totals, .series = sample->series};
}

void report_sample_fini(struct report_sample *sample) {
	free(sample->tally);
	series_free(sample->series);
	free(sample->totals);
	buf_fini(&sample->text);
	arena_fini(&sample->arena);
}

void report_sample_add(struct report_sample *sample, unsigned count, nsec wait, enum reason reason, uint16_t status) {
	for (unsigned i = 0; i < count; i++) {
		struct sample one = {.first = wait, .done = wait, .status = status, .reason = (uint8_t)reason, .address = i % 2, .row = sample->row};
		if (reason == REASON_OPEN) one.flags |= SAMPLE_OPEN;
		if (i >= 2) one.flags |= SAMPLE_REUSED;
		tally_record(sample->tally, sample->totals, &one, &sample->run.groups, FIRST_STAGE + i % 2);
		sample->result.planned++;
	}
}

/* What the machine did, TLS, the kernel's stamps and the rules. */
static void report_sample_fill_rest(struct report_sample *sample) {
	struct strain *strain = &sample->result.strain;
	*strain = (struct strain){.wall = 10 * SEC,
		.busiest_cpu = 3400 * MSEC,
		.busiest_wall = 10 * SEC,
		.run_queue_known = true,
		.run_queue = 12 * MSEC,
		.steal_known = true,
		.steal = 34 * MSEC,
		.cpus = 2,
		.no_port = 3,
		.pauses = 1,
		.longest_pause = 203 * MSEC};
	sample->tally->handshakes_full = 40;
	sample->tally->handshakes_resumed = 30;
	sample->tally->handshakes_failed = 3;
	sample->run.tls = true;
	sample->run.tls_version = "TLSv1.3";
	sample->run.tls_cipher = "TLS_AES_256_GCM_SHA384";
	hist_record(&sample->totals->outside, 5 * MSEC, 120);
	hist_record(&sample->totals->client_queue, 1 * MSEC, 120);
	for (size_t i = 0; i < LENGTH(rules); i++) {
		if (threshold_parse(slice_of(rules[i]), &sample->thresholds[i]) != THRESHOLD_GOOD) abort();
		sample->thresholds[i].text = rules[i];
	}
	sample->run.thresholds = sample->thresholds;
	sample->run.threshold_count = LENGTH(rules);
}

void report_sample_fill(struct report_sample *sample) {
	struct tally *tally = sample->tally;
	for (unsigned i = 0; i < 189; i++) report_sample_add(sample, 10, (5000 + (nsec)i * 10) * USEC, REASON_NONE, 200);
	report_sample_add(sample, 60, 7 * MSEC, REASON_STATUS, 503);
	report_sample_add(sample, 20, 10 * SEC, REASON_TIMEOUT_RESPONSE, 0);
	report_sample_add(sample, 10, 3 * MSEC, REASON_RESET, 0);
	report_sample_add(sample, 5, 4 * SEC, REASON_OPEN, 0);
	tally->unsent = 15;
	sample->result.planned += 15;
	tally->attempts = 2010;
	tally->attempts_warmup = 20;
	tally->retries = 5;
	tally->hops = 7;
	tally->lost = 12;
	tally->bytes_sent = 123456;
	tally->bytes_received = 7654321;
	tally->sent_in_window = 1985;
	tally->done_in_window = 1980;
	tally->opened_in_window = 68;
	tally->shaken_in_window = 65;
	tally->encoded = 1200000;
	tally->decoded = 5640000;
	tally->opened = 70;
	tally->cells[3].opened = 40;
	tally->cells[4].opened = 30;
	tally->connect_failed = 3;
	tally->closed[CLOSER_PEER] = 4;
	tally->closed[CLOSER_US] = 2;
	tally->closed[CLOSER_END] = 64;
	tally->longest_gap = 204 * MSEC;
	tally->spun = 3 * SEC;
	report_sample_fill_rest(sample);
	hist_record(&sample->totals->own_error, 12 * USEC, 1000);
}

static void digest_add(struct digest *digest, unsigned count, nsec wait, enum reason reason) {
	struct sample one = {.done = wait, .bytes = 100, .reason = (uint8_t)reason};
	for (unsigned i = 0; i < count; i++) digest_record(digest, &one);
}

void report_sample_list(struct report_sample *sample, size_t urls) {
	const char **names = arena_array(&sample->arena, urls, sizeof(*names));
	struct digest *digests = arena_array(&sample->arena, urls, sizeof(*digests));
	for (size_t i = 0; i < urls; i++) {
		names[i] = arena_format(&sample->arena, "GET http://127.0.0.1:3000/item/%03zu", i);
		digest_add(&digests[i], 20, (nsec)(i + 1) * MSEC, REASON_NONE);
		if (i == 7) digest_add(&digests[i], 4, 2 * MSEC, REASON_STATUS);
	}
	sample->run.listed = true;
	sample->run.target = arena_format(&sample->arena, "%zu URLs from urls.txt", urls);
	sample->result.url_count = urls;
	sample->result.urls = names;
	sample->result.url_digests = digests;
}

void report_sample_reroute(struct report_sample *sample) {
	sample->run.proxy = "http://proxy:3128 (HTTP_PROXY)";
	sample->run.sources = 3;
	sample->run.requests_per_connection = 5;
	sample->run.compressed = true;
	sample->tally->cells[ELSEWHERE].opened = 3;
}

void report_sample_speak_h2(struct report_sample *sample) {
	sample->run.http = "either";
	sample->run.http_words = "HTTP/2 if the server agrees (ALPN), else HTTP/1.1; in HTTP/2, 7 connections with up to 10 streams each";
	sample->run.streams = 10;
	sample->tally->opened_h2 = 66;
	sample->tally->fell_back = 4;
	sample->tally->stream_limit = 8;
	sample->tally->goaways = 2;
	sample->tally->unprocessed = 11;
}

static void iterations_add(struct report_sample *sample, size_t scenario, unsigned count, struct iteration one) {
	for (unsigned i = 0; i < count; i++) tally_record_iteration(sample->tally, &sample->run.groups, scenario, &one);
	sample->result.iterations_planned += count;
}

static void script_add_requests(struct report_sample *sample) {
	report_sample_add(sample, 96, 20 * MSEC, REASON_NONE, 200);
	report_sample_add(sample, 3, 30 * MSEC, REASON_STATUS, 503);
	report_sample_add(sample, 1, 30 * MSEC, REASON_ASSERT_BODY, 200);
	sample->row = 1;
	report_sample_add(sample, 95, 50 * MSEC, REASON_NONE, 200);
	report_sample_add(sample, 1, 40 * MSEC, REASON_EXTRACT, 200);
	report_sample_add(sample, 1, 60 * MSEC, REASON_OPEN, 0);
	sample->row = 2;
	report_sample_add(sample, 200, 5 * MSEC, REASON_NONE, 200);
	sample->row = 0;
	sample->tally->unsent = sample->tally->cells[0].unsent = sample->tally->cells[LOGIN].unsent = 10;
	sample->result.planned += 10;
	sample->tally->attempts = sample->tally->sent_in_window = sample->tally->done_in_window = 397;
}

void report_sample_script(struct report_sample *sample) {
	static const uint64_t reasons[][REASON_COUNT] = {{[REASON_STATUS] = 3, [REASON_ASSERT_BODY] = 1}, {[REASON_EXTRACT] = 1}, {0}};
	static const char rule[] = "step.buy/login.p90<30ms", sum[] = "iteration.errors<1%";
	free(sample->tally);
	sample->result.tally = sample->tally = tally_new(SCRIPT_ROWS);
	sample->result.step_reasons = reasons;
	sample->run.groups.count = SCRIPT_ROWS;
	sample->run.groups.first_scenario = BUY;
	sample->run.scenario_count = 2;
	sample->run.steps_mean = 1.5;
	script_add_requests(sample);
	iterations_add(sample, 0, 80, (struct iteration){.done = SEC, .ok = true});
	iterations_add(sample, 0, 14, (struct iteration){.done = 2 * SEC, .ok = true});
	iterations_add(sample, 0, 5, (struct iteration){.done = 500 * MSEC});
	iterations_add(sample, 0, 1, (struct iteration){.open = true});
	iterations_add(sample, 1, 200, (struct iteration){.done = 5 * MSEC, .ok = true});
	sample->tally->cells[BUY].unsent = 10;
	sample->result.iterations_planned += 10;
	if (threshold_parse(SLICE(rule), &sample->thresholds[0]) != THRESHOLD_GOOD) abort();
	if (threshold_parse(SLICE(sum), &sample->thresholds[1]) != THRESHOLD_GOOD) abort();
	sample->thresholds[0].text = rule;
	sample->thresholds[1].text = sum;
	sample->run.thresholds = sample->thresholds;
	sample->run.threshold_count = 2;
}

const struct report *report_sample_build(struct report_sample *sample) {
	series_add(sample->series, 10 * SEC, sample->tally);
	report_build(&sample->run, &sample->result, &sample->arena, &sample->report);
	return &sample->report;
}
