/* Prints one made-up result for result_json_test.py: "open", "closed", "truth", "aborted", "ways", "script", "fleet" or "empty". */
#include <stdio.h>
#include <string.h>

#include "out/report_sample.h"
#include "out/result_json.h"
#include "stats/fleet.h"

/* Two agents: one that was limited by two causes, and one that was lost. */
static void add_fleet(struct report_sample *sample) {
	static const char *const errors[] = {"agent 'a2' is lost"}, *const own[] = {"3 requests are not in the log"};
	static const struct fleet_agent agents[] = {
		{.id = "a1",
			.hostname = "east",
			.weight = 1,
			.clock_offset = -63494,
			.started_late = 1000,
			.error_count = 1,
			.errors = own,
			.has_figures = true,
			.planned = 20,
			.ok = 10,
			.failed = 5,
			.open = 3,
			.unsent = 2,
			.throughput_per_s = 1.5,
			.response = {{.value = 5 * MSEC}, {.few = true}},
			.late = {{.value = USEC}, {.value = 2 * USEC}},
			.verdict = {.count = 2, .at = {{CAUSE_CPU, "cpu: it was busy"}, {CAUSE_LATE, "late: it was"}}}},
		{.id = "a2", .hostname = "west", .weight = 2, .state = FLEET_LOST, .last_heard = 4 * SEC, .words = "silent for 3 s"}};
	static const struct fleet_report fleet = {.expected = 2,
		.reported = 1,
		.count = 2,
		.at = agents,
		.spread = 150 * USEC,
		.clock_doubt = 80 * USEC,
		.error_count = 1,
		.errors = errors};
	sample->result.fleet = &fleet;
}

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
	if (strcmp(argv[1], "fleet") == 0) add_fleet(&sample);
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
