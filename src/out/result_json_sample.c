/* Prints one made-up result for result_json_test.py: "open", "closed", "truth", "aborted", "ways", "script" or "empty". */
#include <stdio.h>
#include <string.h>

#include "out/report_sample.h"
#include "out/result_json.h"

int main(int argc, char **argv) {
	if (argc != 2) return 2;
	struct report_sample sample;
	report_sample_init(&sample, strcmp(argv[1], "closed") != 0);
	sample.run.truth = strcmp(argv[1], "truth") == 0;
	if (strcmp(argv[1], "script") == 0)
		report_sample_script(&sample);
	else if (strcmp(argv[1], "empty") != 0)
		report_sample_fill(&sample);
	if (strcmp(argv[1], "aborted") == 0) {
		sample.result.cause = STOP_THRESHOLD;
		sample.result.aborted_by = &sample.thresholds[0];
	}
	if (strcmp(argv[1], "ways") == 0) {
		report_sample_list(&sample, 150);
		report_sample_reroute(&sample);
		report_sample_speak_h2(&sample);
	}
	if (strcmp(argv[1], "closed") == 0) {
		sample.run.unix_path = "/run/web.sock";
		sample.run.keepalive = false;
		sample.run.redirects = 0;
	}
	result_json_write(report_sample_build(&sample), &sample.text);
	fputs(buf_text(&sample.text), stdout);
	report_sample_fini(&sample);
	return 0;
}
