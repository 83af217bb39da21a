#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "out/summary_fixture.h"
#include "out/summary_inner.h"

static void groups_are_shown_when_there_is_more_than_one(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	const char *text = block(sample);
	assert_has(text, "\nResponse time per stage ");
	assert_has(text, "\n[::1]:3000                       945         47");
	static const struct group rows[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_ADDRESS, "127.0.0.1:3000"}, {GROUP_BY_STAGE, "1"}};
	sample->report.group_count = 3;
	for (int i = 0; i < 3; i++) sample->report.groups[i].group = rows[i];
	buf_fini(&sample->text);
	summary_write_block(&sample->report, &sample->text);
	assert_lacks(buf_text(&sample->text), "\nResponse time per stage ");
	assert_lacks(buf_text(&sample->text), "\nResponse time per address ");
}

static void other_addresses_have_a_row_once_something_went_there(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_lacks(block(sample), "elsewhere");
	report_sample_reroute(sample);
	assert_has(block(sample), "\nelsewhere                          0          0         -         -         -\n");
}

/* URL i takes i + 1 ms, number 7 fails at times. The others took 1 .. 141 ms without 8: rank 1,400 of 2,800 is of the 70th, 71 ms, in the slot of
 * 69,632 .. 73,727 us; rank 2,772 of the 139th, 140 ms, in that of 139,264 .. 147,455 us, which ends beyond the longest. */
static void the_worst_urls_stand_first_and_all_others_together(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, false);
	report_sample_fill(sample);
	report_sample_list(sample, 150);
	const char *text = block(sample);
	assert_int_equal(strncmp(text, "150 URLs from urls.txt\nclosed loop", 34), 0);
	assert_has(text, "\nResponse time per URL                      ok     not ok       p50       p99       max\n"
			 "GET http://127.0.0.1:3000/item/007         20          4   8.00 ms   8.00 ms   8.00 ms\n"
			 "GET http://127.0.0.1:3000/item/149         20          0    150 ms    150 ms    150 ms\n");
	assert_has(text, "/item/141         20          0    142 ms    142 ms    142 ms\n"
			 "others (140 URLs)                        2800          0   73.7 ms    141 ms    141 ms\n"
			 "  The worst first: ");
	assert_lacks(text, "/item/140");
	assert_no_line_over_100_columns(text);
}

static void a_short_list_has_no_others_and_one_url_no_table(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	report_sample_list(sample, 10);
	assert_has(block(sample), "/item/000         20          0   1.00 ms   1.00 ms   1.00 ms\n  The worst first: ");
	report_sample_list(sample, 11);
	assert_has(block(sample), "\nothers (1 URL)                             20          0   1.00 ms   1.00 ms   1.00 ms\n");
	report_sample_list(sample, 1);
	assert_lacks(block(sample), "per URL");
}

static void a_url_without_a_request_has_no_times(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	static const char *const names[] = {"GET http://127.0.0.1:3000/", "GET http://127.0.0.1:3000/2"};
	static const struct digest digests[2] = {{.ok = 1, .sum = 500, .min = 500, .max = 500, .slots = {1}}};
	sample->result.url_count = 2;
	sample->result.urls = names;
	sample->result.url_digests = digests;
	assert_has(block(sample), "3000/           1          0    500 ns    500 ns    500 ns\n"
				  "GET http://127.0.0.1:3000/2          0          0         -         -         -\n");
}

static void long_names_are_cut_in_the_middle(void **state) {
	(void)state;
	static const struct {
		const char *name;
		size_t width;
		const char *want;
	} cases[] = {
		{"", 16, ""}, {"0123456789abcdef", 16, "0123456789abcdef"}, {"0123456789abcdefg", 16, "0123456...bcdefg"},
		{"0123456789abcdefg", 17, "0123456789abcdefg"}, {"http://localhost/a/very/long/path", 20, "http://lo...ong/path"},
		{"0123456789abcdefgh", 17, "0123456...bcdefgh"},
		{"012345\u00fc9abcdefghij", 16, "012345...efghij"},        /* u with dots is 2 bytes: would be cut behind the 7th */
		{"0123456789abcde\u00fcghijk", 16, "0123456...ghijk"},     /* and before the 6th from the end */
		{"0123456\U0001f600\U0001f600ghij", 16, "0123456...ghij"}, /* 4 bytes each */
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char text[32];
		assert_string_equal(summary_format_cut(cases[i].name, cases[i].width, text), cases[i].want);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(groups_are_shown_when_there_is_more_than_one, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(other_addresses_have_a_row_once_something_went_there, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(the_worst_urls_stand_first_and_all_others_together, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_short_list_has_no_others_and_one_url_no_table, summary_setup, summary_teardown),
		cmocka_unit_test_setup_teardown(a_url_without_a_request_has_no_times, summary_setup, summary_teardown),
		cmocka_unit_test(long_names_are_cut_in_the_middle),
	};
	return cmocka_run_group_tests_name("out/summary_groups", tests, NULL, NULL);
}
