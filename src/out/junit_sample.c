/* Writes one made-up JUnit report for junit_test.py: KIND PATH; "plain", "strict", "odd" (characters that XML knows or forbids),
 * "bare" (no thresholds), or one that is no result: "empty" (no request), "silent" (no response at all) or "unbalanced". An error stands on stderr, exit 1. */
#include <stdio.h>
#include <string.h>

#include "out/junit.h"
#include "out/report_sample.h"

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	struct report_sample sample;
	struct err err;
	report_sample_init(&sample, true);
	if (strcmp(argv[1], "empty") != 0) report_sample_fill(&sample);
	if (strcmp(argv[1], "bare") == 0) sample.run.threshold_count = 0;
	if (strcmp(argv[1], "unbalanced") == 0) sample.result.planned++;
	if (strcmp(argv[1], "silent") == 0) sample.tally->lost = sample.tally->attempts;
	if (strcmp(argv[1], "empty") == 0 && threshold_parse(SLICE("errors<=100%"), &sample.thresholds[0]) == THRESHOLD_GOOD) {
		sample.thresholds[0].text = "errors<=100%";
		sample.run.thresholds = sample.thresholds;
		sample.run.threshold_count = 1;
	}
	if (strcmp(argv[1], "odd") == 0) {
		sample.thresholds[0].text = "a<b&\"c'>d\te\nf \x01 gr\xc3\xbcn \xff \xc0\xaf \xed\xa0\x80 \xf0\x9f\x98\x80 ]]>";
		sample.run.target = "http://127.0.0.1:3000/?a=1&b=<2>";
	}
	bool good = junit_write(report_sample_build(&sample), strcmp(argv[1], "strict") == 0, argv[2], &err);
	if (!good) fprintf(stderr, "%s\n", err.text);
	report_sample_fini(&sample);
	return good ? 0 : 1;
}
