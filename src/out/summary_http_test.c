/* What the block says of HTTP/2, where it was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "out/summary_fixture.h"

static void a_run_over_http_1_has_no_word_about_http_2(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	sample->tally->opened_h2 = sample->tally->fell_back = sample->tally->goaways = sample->tally->unprocessed = 9;
	const char *text = block(sample);
	assert_lacks(text, "HTTP/");
	assert_lacks(text, "stream");
	assert_lacks(text, "GOAWAY");
}

static void a_run_over_http_2_says_what_was_spoken_and_what_the_target_allowed(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	report_sample_speak_h2(sample);
	const char *text = block(sample);
	assert_has(
		text, "3000/\nHTTP/2 if the server agrees (ALPN), else HTTP/1.1; in HTTP/2, 7 connections with up to 10 streams\neach\nopen loop at");
	assert_has(text, "Connections  70 opened, ");
	assert_has(text, "at the end\n"
			 "HTTP         66 of 70 connections in HTTP/2; fell back to HTTP/1.1, which the server chose: 4\n"
			 "             the target allows 8 streams on a connection, 10 were asked for: requests waited for a\n"
			 "             slot (blocked)\n"
			 "             the target wanted no more requests on 2 connections (GOAWAY)\n"
			 "             refused by the target unseen (REFUSED_STREAM, GOAWAY), so sent again: 11\n"
			 "TLS          ");
	assert_no_line_over_100_columns(text);
}

static void what_did_not_happen_is_not_said(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	report_sample_speak_h2(sample);
	sample->run.http_words = "HTTP/2 (h2c)";
	sample->tally->opened_h2 = 70;
	sample->tally->fell_back = sample->tally->goaways = sample->tally->unprocessed = 0;
	sample->tally->stream_limit = 10; /* as many as were asked for */
	const char *text = block(sample);
	assert_has(text, "HTTP         70 of 70 connections in HTTP/2\nTLS ");
	sample->tally->stream_limit = 0; /* the target set none */
	text = block(sample);
	assert_has(text, "HTTP         70 of 70 connections in HTTP/2\nTLS ");
	sample->tally->stream_limit = 1;
	sample->tally->goaways = 1;
	text = block(sample);
	assert_has(text, "the target allows 1 stream on a connection, 10 were asked for");
	assert_has(text, "no more requests on 1 connection (GOAWAY)\n");
}

/* A request that waits for a stream is not waiting for a connection, and one that waits for the peer's window is not being sent. */
static void the_parts_say_what_a_request_waited_for(void **state) {
	struct report_sample *sample = *state;
	struct sample one = {.ready = 5 * MSEC, .sent = 5 * MSEC, .written = 9 * MSEC, .first = 10 * MSEC, .done = 10 * MSEC, .status = 200};
	report_sample_init(sample, false);
	for (int i = 0; i < 100; i++) tally_record(sample->tally, sample->totals, &one, &sample->run.groups, 0);
	sample->result.planned = 100;
	assert_has(block(sample), "all connections were busy: the target, or --max-tasks\n");
	sample->run.http_words = "HTTP/2 (h2c)";
	const char *text = block(sample);
	assert_lacks(text, "all connections were busy");
	assert_has(text, "no stream was free: the target, or --max-tasks\n");
	assert_has(text, "sending the request, with waits for the target's window\n");
	assert_no_line_over_100_columns(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_over_http_1_has_no_word_about_http_2, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_run_over_http_2_says_what_was_spoken_and_what_the_target_allowed, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(what_did_not_happen_is_not_said, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_parts_say_what_a_request_waited_for, summary_setup, summary_teardown),
	};
	return cmocka_run_group_tests_name("out/summary_http", tests, NULL, NULL);
}
