#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "out/summary_fixture.h"

/* The four records of the specification: 12 and 15 ms with 200, 31 ms with 503, a time-out after 2 s; the run ended with the last of them. */
static void four_records_give_the_lines_of_the_specification(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	report_sample_add(sample, 1, 12 * MSEC, REASON_NONE, 200);
	report_sample_add(sample, 1, 15 * MSEC, REASON_NONE, 200);
	report_sample_add(sample, 1, 31 * MSEC, REASON_STATUS, 503);
	report_sample_add(sample, 1, 2000 * MSEC, REASON_TIMEOUT_RESPONSE, 0);
	sample->result.window = 2020 * MSEC; /* the last was due at 20 ms; 100000 * 4 / 2020 = 198 */
	summary_write_lines(report_sample_build(sample), &sample->text);
	assert_string_equal(buf_text(&sample->text), "Duration: 2s\n"
						     "Total Requests: 4\n"
						     "Successful: 2 (50.00%)\n"
						     "Errors: 2\n"
						     "Timeouts: 1\n"
						     "Transport Errors: 0\n"
						     "Non-Expected Status: 1\n"
						     "Avg Latency (all): 514ms\n"
						     "Avg Latency (ok): 13ms\n"
						     "Min/Max Latency (all): 12ms / 2000ms\n"
						     "Min/Max Latency (ok): 12ms / 15ms\n"
						     "P50/P90/P99 Latency (all): 15ms / 2000ms / 2000ms\n"
						     "P50/P90/P99 Latency (ok): 12ms / 15ms / 15ms\n"
						     "Avg RPS: 1.98\n"
						     "Avg RPM: 118.80\n"
						     "Charts: disabled\n");
}

/* The example of the specification: 29,873 requests in 29,991 ms, of which 29,700 were ok. */
static void figures_are_cut_off_and_never_rounded(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	report_sample_build(sample);
	struct report *report = &sample->report;
	report->window = 29991 * MSEC + 999999;
	report->ok = 29700;
	report->failed = 162;
	report->open = 11;
	report->reasons[REASON_OPEN] = 4;
	report->reasons[REASON_TIMEOUT_RESPONSE] = 5;
	report->reasons[REASON_TIMEOUT_CONNECT] = 2;
	report->reasons[REASON_RESET] = 1;
	report->reasons[REASON_REFUSED] = 1;
	report->reasons[REASON_STALE] = 1;
	report->reasons[REASON_MALFORMED] = 1;
	report->reasons[REASON_STATUS] = 158;
	summary_write_lines(report, &sample->text);
	const char *text = buf_text(&sample->text);
	assert_has(text, "Duration: 29s\nTotal Requests: 29873\nSuccessful: 29700 (99.42%)\nErrors: 173\nTimeouts: 11\nTransport Errors: 4\n"
			 "Non-Expected Status: 158\n");
	assert_has(text, "Avg RPS: 996.06\nAvg RPM: 59763.60\n");
}

static void a_percentile_of_the_lines_may_pass_the_maximum(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_add(sample, 3, 3000 * MSEC, REASON_NONE, 200);
	summary_write_lines(report_sample_build(sample), &sample->text);
	assert_has(buf_text(&sample->text), "Min/Max Latency (ok): 3000ms / 3000ms\n");
	assert_has(buf_text(&sample->text), "P50/P90/P99 Latency (ok): 3001ms / 3001ms / 3001ms\n");
}

static void no_request_gives_sixteen_lines_of_zeros(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	sample->result.window = 0;
	summary_write_lines(report_sample_build(sample), &sample->text);
	const char *text = buf_text(&sample->text);
	int lines = 0;
	for (const char *at = text; *at; at++) lines += *at == '\n';
	assert_int_equal(lines, 16);
	assert_has(text, "Duration: 0s\nTotal Requests: 0\nSuccessful: 0 (0.00%)\n");
	assert_has(text, "P50/P90/P99 Latency (all): 0ms / 0ms / 0ms\n");
	assert_has(text, "Avg RPS: 0.00\n");
}

static void an_open_loop_headlines_the_response_time(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	sample->run.poisson = true;
	const char *text = block(sample);
	assert_has(text, "GET http://127.0.0.1:3000/\nopen loop at 100.0/s, Poisson arrivals; at most 64 at once, 2 threads\n");
	assert_true(strstr(text, "Response time") < strstr(text, "Service time"));
	assert_lacks(text, "Closed loop");
	assert_has(text, "198.0/s answered, 198.5/s sent, 100.0/s asked; busiest thread 34 % busy\n");
	assert_no_line_over_100_columns(text);
}

static void a_closed_loop_headlines_the_service_time_and_warns(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	report_sample_fill(sample);
	const char *text = block(sample);
	assert_has(text, "closed loop");
	assert_true(strstr(text, "Service time") < strstr(text, "Response time"));
	assert_has(text, "a slow server slows the load down, so its stalls are under-counted");
	assert_has(text, "The longest time without a finished request was 204 ms (on one thread).");
	assert_has(text, "what a slow server kept from being\n  sent is missing here.");
	assert_lacks(text, "/s asked");
	assert_no_line_over_100_columns(text);
}

static void failures_are_shown_by_reason_and_in_the_planned_view(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	const char *text = block(sample);
	assert_has(text, "the 110 that were not ok count as never answered.");
	assert_has(text, "all: the 5 still open at the end count with their age, which is a lower bound.\n");
	const char *planned = strstr(text, "  planned  ");
	assert_non_null(planned);
	assert_non_null(memmem(planned, 100, "never", 5));
	assert_has(text, "    20  timeout: no complete response within --timeout\n");
	assert_has(text, "    60  status: status not in --status\n");
	assert_has(text, "Status       200: 1890  503: 60  none: 35\n");
	assert_has(text, "2000 planned = 1890 ok + 90 failed + 5 open + 15 unsent\n");
	assert_has(text, "2010 attempts, 20 of them in the warm-up; 5 retries, 12 lost\n"
			 "             7 redirects followed; 123 kB sent, 7.65 MB received\n");
	assert_has(text, "70 opened, 3 failed to open; 1599 requests on one used before\n");
	assert_has(text, "before\n             closed: 4 by the target, 2 by strest, 64 at the end\n");
	assert_lacks(text, "BALANCE");
	sample->run.requests_per_connection = 25;
	assert_has(block(sample),
		"before\n             6.8/s opened, 6.5/s TLS handshakes\n             closed: 4 by the target, 2 by strest, 64 at the end\n");
}

static void a_run_without_failures_has_no_word_about_them(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_add(sample, 20, MSEC, REASON_NONE, 200);
	const char *text = block(sample);
	assert_lacks(text, "Errors");
	assert_lacks(text, "never");
	assert_lacks(text, "Own error");
	assert_has(text, "-: needs more requests, fewer than 10 lie beyond it\n");
	report_sample_add(sample, 20000, MSEC, REASON_NONE, 200);
	assert_lacks(block(sample), "needs more requests");
}

static void an_imbalance_is_shouted(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	sample->result.planned++;
	assert_has(block(sample), "THE BOOKS DO NOT BALANCE: 2001 requests were planned, 2000 are accounted for.\nDo not trust these results.\n");
}

static void the_end_of_the_run_is_named(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	report_sample_fill(sample);
	assert_has(block(sample), "measured for 10.0 s\nended by duration\n");
	sample->run.requests = 5000;
	sample->run.warmup = 2 * SEC;
	assert_has(block(sample), "after 2.00 s of warm-up\nended by duration after 2000 of 5000 requests\n");
	sample->run.requests = 2000;
	sample->result.cause = STOP_REQUESTS;
	assert_has(block(sample), "ended by its 2000 requests\n");
	sample->result.cause = STOP_SIGNAL;
	assert_has(block(sample), "stopped by a signal\n");
	sample->result.cause = STOP_UNREACHABLE;
	assert_has(block(sample), "given up: the target cannot be reached\n");
}

static void only_parts_that_matter_are_shown(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	struct sample one = {
		.ready = 10 * MSEC, .sent = 10 * MSEC + 1, .written = 10 * MSEC + 1, .first = 30 * MSEC, .done = 30 * MSEC, .status = 200};
	for (int i = 0; i < 100; i++) tally_record(sample->tally, sample->totals, &one, &sample->run.groups, 0);
	const char *text = block(sample);
	assert_has(text, "  blocked             10.0 ms         -  all connections were busy");
	assert_has(text, "  wait                20.0 ms         -  from the request sent");
	assert_lacks(text, "strest itself"); /* 1 ns of 30 ms */
	assert_lacks(text, "TLS handshake");
}

static void the_verdict_stands_near_the_top(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_add(sample, 100, MSEC, REASON_NONE, 200);
	assert_has(block(sample), "ended by duration\nverdict: nothing on strest's side limited this result\n\nResponse time");
	assert_lacks(block(sample), "note:");
	assert_lacks(block(sample), "Thresholds");
	report_sample_fill(sample);
	const char *text = block(sample);
	assert_has(text, "ended by duration\n"
			 "verdict: limited by paused: strest, or its machine, stood still 1 time, for up to 203 ms\n"
			 "         and ports: no local port was free for 3 connections: --bind more local addresses, each has\n"
			 "             some 28,000 ports\n"
			 "note: strest's own queue is 17 % of the service time");
	assert_lacks(text, "nothing on strest's side");
	assert_no_line_over_100_columns(text);
}

static void long_causes_are_wrapped(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	report_sample_build(sample);
	struct verdict *verdict = &sample->report.verdict;
	verdict->count = CAUSE_COUNT;
	for (int i = 0; i < CAUSE_COUNT; i++) snprintf(verdict->at[i].text, sizeof(verdict->at[i].text), "late: %0*d and %0*d", 80, 1, 60 + i, 2);
	buf_fini(&sample->text);
	summary_write_block(&sample->report, &sample->text);
	const char *text = buf_text(&sample->text);
	assert_has(text, "verdict: limited by late:\n                    0000000");
	assert_has(text, "1\n                    and 0000000");
	assert_has(text, "         and late: 0000");
	assert_no_line_over_100_columns(text);
}

/* The values are those of result_json_test.py. */
static void thresholds_are_a_table_of_pass_and_fail(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	const char *text = block(sample);
	assert_has(text, "\nThresholds                 value\n"
			 "  p50<10ms               5.99 ms  pass\n"
			 "  p99<250ms                never  FAIL\n"
			 "  p99.9<1s                 never  FAIL  few samples\n"
			 "  errors<=5.5%             5.5 %  pass\n"
			 "  errors<100                 110  FAIL\n"
			 "  rps>=198                 198/s  pass\n"
			 "  stage.2.p90<6.8ms      6.78 ms  pass\n"
			 "  stage.3.max<1s               -  FAIL  nothing to compare\n");
	sample->result.cause = STOP_THRESHOLD;
	sample->result.aborted_by = &sample->thresholds[0];
	text = block(sample);
	assert_has(text, "measured for 10.0 s\nended early: p50<10ms was missed\n");
	assert_has(text, "  p50<10ms               5.99 ms  FAIL\n");
}

static void a_run_over_tls_says_what_was_spoken(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_has(block(sample), "\nTLS          TLSv1.3, TLS_AES_256_GCM_SHA384\n             handshakes: 40 full, 30 resumed, 3 failed\n");
	sample->run.tls_unverified = true;
	assert_has(block(sample), "TLS_AES_256_GCM_SHA384; certificates were not checked\n");
	sample->run.tls_version = sample->run.tls_cipher = NULL;
	assert_has(block(sample), "\nTLS          no handshake\n             handshakes: ");
	sample->run.tls = false;
	assert_lacks(block(sample), "\nTLS ");
}

static void the_kernels_stamps_stand_beside_the_parts(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_has(block(sample), "                          p50       p99   by the kernel's clock, of 120 requests\n"
				  "  outside             5.00 ms         -  network and target: from the send to the arrival here\n"
				  "  client queue        1.00 ms         -  strest itself: from the arrival until it was read\n");
	memset(&sample->totals->outside, 0, sizeof(sample->totals->outside));
	assert_lacks(block(sample), "kernel's clock");
}

static void the_way_to_the_target_is_told_where_it_is_not_as_ever(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_has(block(sample), "GET http://127.0.0.1:3000/\nopen loop at");
	report_sample_reroute(sample);
	assert_has(block(sample), "3000/\nby way of http://proxy:3128 (HTTP_PROXY), from 3 local addresses, 5 requests per connection\nopen loop at");
	sample->run.proxy = NULL;
	sample->run.unix_path = "/run/web.sock";
	sample->run.sources = 0;
	sample->run.requests_per_connection = 1;
	assert_has(block(sample), "3000/\nover the Unix socket /run/web.sock, 1 request per connection\nopen loop at");
	sample->run.unix_path = NULL;
	sample->run.sources = 1;
	sample->run.keepalive = false; /* says all that could be said of requests per connection */
	assert_has(block(sample), "3000/\nfrom 1 local address, a connection for each request (keep-alive off)\nopen loop at");
}

/* Only a proxy answers 407: RFC 9110 section 15.5.8. */
static void a_proxy_that_wants_a_password_is_told_from_the_target(void **state) {
	static const char words[] = "Status       407: 20\n             407: the proxy wants a user and a password, http://USER:PASSWORD@HOST:PORT\n";
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_add(sample, 20, MSEC, REASON_STATUS, 407);
	assert_lacks(block(sample), "the proxy wants");
	sample->run.proxy = "http://proxy:3128";
	assert_has(block(sample), words);
	assert_no_line_over_100_columns(block(sample));
}

static void without_new_connections_or_redirects_there_is_no_word_about_them(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_add(sample, 20, MSEC, REASON_NONE, 200);
	const char *text = block(sample);
	assert_lacks(text, "/s opened");
	assert_lacks(text, "handshakes");
	assert_lacks(text, "redirect");
	assert_lacks(text, "\nBodies ");
	sample->tally->opened_in_window = 5;
	assert_lacks(block(sample), "/s opened"); /* they are kept */
	sample->run.keepalive = false;
	text = block(sample);
	assert_has(text, "\n             0.5/s opened\n");
	assert_lacks(text, "handshakes");
}

static void bodies_are_counted_as_they_came_and_as_they_were_meant(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	sample->run.compressed = true;
	assert_has(block(sample), "\nBodies       1.20 MB as they came, 5.64 MB decoded (4.7 x)\nBooks ");
	sample->tally->encoded = sample->tally->decoded = 0;
	assert_has(block(sample), "\nBodies       0 B as they came, 0 B decoded\nBooks ");
}

static void great_numbers_and_names_stay_within_100_columns(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	char url[301];
	memset(url, 'x', 300);
	url[300] = 0;
	sample->run.target = url;
	sample->run.asked_per_s = 9999999;
	sample->run.max_tasks = 1000000;
	sample->run.threads = 256;
	sample->run.truth = true;
	sample->run.proxy = url;
	sample->run.unix_path = url;
	sample->run.sources = 16777216;
	sample->run.requests_per_connection = 1000000000000000000;
	sample->run.compressed = true;
	sample->run.spin = "always";
	sample->run.requests = 1000000000000000000;
	sample->run.warmup = 31622399 * SEC;
	sample->result.window = 31622400 * SEC;
	report_sample_list(sample, 150);
	sample->run.listed = false;
	sample->run.target = url;
	report_sample_build(sample);
	struct report *report = &sample->report;
	report->urls[0].name = url;
	report->urls[0].ok = report->urls[0].failed = 9999999999;
	report->url_rest.urls = 1000000;
	report->opened_per_s = report->shaken_per_s = 12345678;
	report->encoded = report->decoded = 999999999999999999;
	report->hops = 100000000000;
	report->planned = report->ok = report->response_ok.count = report->slo.count = 100000000000;
	report->failed = 1234567;
	report->open = 100000;
	report->unsent = 1234567;
	report->never = 2500000;
	report->attempts = 100000000000;
	report->reused = 100000000000;
	report->opened = report->connect_failed = report->closed[CLOSER_PEER] = report->closed[CLOSER_US] = 12345678;
	for (int i = 1; i < REASON_COUNT; i++) report->reasons[i] = 123456789012;
	for (int i = 0; i < TALLY_STATUSES; i++) report->status[i] = 12345678901;
	for (int i = 0; i < PART_COUNT; i++) report->parts[i] = report->response_all;
	report->handshakes_full = report->handshakes_resumed = report->handshakes_failed = 12345678;
	report->outside.count = 100000000000;
	static const char rule[] = "stage.256.p99.99999999<=000000000000000000001.0000000000000000001h";
	sample->thresholds[0].text = rule;
	sample->result.cause = report->cause = STOP_THRESHOLD;
	report->aborted_by = &sample->thresholds[0];
	report->groups[3].group.name = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535 and more";
	buf_fini(&sample->text);
	summary_write_block(report, &sample->text);
	assert_has(buf_text(&sample->text), "xxx...\n");
	assert_no_line_over_100_columns(buf_text(&sample->text));
}

static void a_run_without_requests_says_so(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	const char *text = block(sample);
	assert_has(text, "No request was sent in the measured time");
	assert_lacks(text, "p50");
	assert_no_line_over_100_columns(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(four_records_give_the_lines_of_the_specification, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(figures_are_cut_off_and_never_rounded, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_percentile_of_the_lines_may_pass_the_maximum, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(no_request_gives_sixteen_lines_of_zeros, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(an_open_loop_headlines_the_response_time, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_closed_loop_headlines_the_service_time_and_warns, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(failures_are_shown_by_reason_and_in_the_planned_view, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_run_without_failures_has_no_word_about_them, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(an_imbalance_is_shouted, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_end_of_the_run_is_named, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(only_parts_that_matter_are_shown, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_verdict_stands_near_the_top, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(long_causes_are_wrapped, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(thresholds_are_a_table_of_pass_and_fail, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_run_over_tls_says_what_was_spoken, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_kernels_stamps_stand_beside_the_parts, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_way_to_the_target_is_told_where_it_is_not_as_ever, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_proxy_that_wants_a_password_is_told_from_the_target, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(without_new_connections_or_redirects_there_is_no_word_about_them, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(bodies_are_counted_as_they_came_and_as_they_were_meant, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(great_numbers_and_names_stay_within_100_columns, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_run_without_requests_says_so, summary_setup, summary_teardown),
	};
	return cmocka_run_group_tests_name("out/summary", tests, NULL, NULL);
}
