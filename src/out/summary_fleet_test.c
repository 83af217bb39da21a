#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "out/summary_fixture.h"
#include "stats/fleet.h"

#define MANY 23

static const char *const errors[] = {"the log of requests lost 3"};

static struct fleet_agent agent_of(const char *id, uint64_t ok) {
	return (struct fleet_agent){.id = id,
		.hostname = "web",
		.weight = 2,
		.has_figures = true,
		.planned = ok + 10,
		.ok = ok,
		.failed = 10,
		.throughput_per_s = 95.5,
		.response = {{.value = 2 * MSEC}, {.value = 30 * MSEC}},
		.late = {{.value = USEC}, {.few = true}}};
}

static const char *told(struct report_sample *sample, const struct fleet_report *fleet) {
	sample->result.fleet = fleet;
	return block(sample);
}

static void one_machine_has_no_agents(void **state) {
	struct report_sample *sample = *state;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	assert_lacks(block(sample), "gents:");
}

static void each_agent_has_a_row(void **state) {
	struct report_sample *sample = *state;
	struct fleet_agent agents[] = {agent_of("a1", 90), agent_of("a2", 190)};
	const struct fleet_report fleet = {.expected = 2, .reported = 2, .count = 2, .at = agents, .spread = 50 * MSEC, .clock_doubt = 81 * USEC};
	agents[1].verdict.count = 1;
	agents[1].verdict.at[0].cause = CAUSE_CPU;
	agents[1].errors = errors;
	agents[1].error_count = 1;
	report_sample_init(sample, true);
	report_sample_fill(sample);
	const char *text = told(sample, &fleet);
	assert_has(text, "\nAgents: 2/2 reported\n"
			 "  agent  weight   requests      ok     per s       p50       p99  late p99  limited by\n"
			 "  a1          2        100  90.00%      95.5   2.00 ms   30.0 ms         -  nothing\n"
			 "  a2          2        200  95.00%      95.5   2.00 ms   30.0 ms         -  cpu\n"
			 "  they started within 50.0 ms of each other, by clocks that may be 81.0 us wrong\n"
			 "  error of a2: the log of requests lost 3\n\n");
	assert_lacks(text, "partial");
	assert_no_line_over_100_columns(text);
}

static void who_is_lost_is_told(void **state) {
	struct report_sample *sample = *state;
	struct fleet_agent agents[] = {
		agent_of("a1", 90), agent_of("a2", 190), {.id = "a3", .weight = 1, .state = FLEET_UNABLE, .words = "no such file"}};
	const struct fleet_report fleet = {.expected = 3, .reported = 1, .count = 3, .at = agents, .spread = 50 * MSEC + 1};
	agents[0].state = FLEET_LOST;
	agents[0].last_heard = 2210 * MSEC;
	agents[0].words = "its connection was closed";
	agents[1].early = true;
	agents[1].words = "a signal";
	report_sample_init(sample, true);
	const char *text = told(sample, &fleet);
	assert_has(text, "\nAgents: 1/3 reported\npartial: 1 of 3 agents\n");
	assert_has(text, "  a1: lost 2.21 s after the start; its last snapshot counts: its connection was closed\n");
	assert_has(text, "  a2: ended early: a signal\n  a3: unable: no such file\n");
	assert_has(text, "  a3          1          -       -         -         -         -         -  unable\n");
	assert_has(text, "  warning: they started within 50.0 ms of each other (over 50 ms)");
	assert_no_line_over_100_columns(text);
}

/* The last one is lost, the one before it has most failures: these come first, and the best three are left out. */
static void of_many_the_worst_come_first(void **state) {
	struct report_sample *sample = *state;
	struct fleet_agent agents[MANY];
	static char ids[MANY][64];
	const struct fleet_report fleet = {.expected = MANY, .reported = MANY - 1, .count = MANY, .at = agents};
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "an-agent-with-quite-a-long-name-%02u", i);
		agents[i] = agent_of(ids[i], 1000000000 - 1000000 * i);
	}
	agents[MANY - 2].failed = 500000000;
	agents[MANY - 1].state = FLEET_LOST;
	report_sample_init(sample, true);
	const char *text = told(sample, &fleet);
	const char *lost = strstr(text, "ame-22 "), *worst = strstr(text, "ame-21 ");
	assert_true(lost && worst && lost < worst);
	for (unsigned i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof(name), "ame-%02u ", i);
		assert_lacks(text, name);
	}
	assert_has(text, "ame-03 ");
	assert_has(text, "\n  and 3 more; these are the worst\n");
	assert_no_line_over_100_columns(text);
}

static void the_line_of_charts_says_why_there_are_none(void **state) {
	struct report_sample *sample = *state;
	const struct fleet_report fleet = {.expected = 1, .reported = 1, .unstreamed = true};
	report_sample_init(sample, true);
	sample->result.fleet = &fleet;
	buf_fini(&sample->text);
	summary_write_lines(report_sample_build(sample), &sample->text);
	const char *text = buf_text(&sample->text);
	unsigned lines = 0;
	for (const char *at = text; *at; at++) lines += *at == '\n';
	assert_int_equal(lines, 16);
	assert_has(text, "\nCharts: unavailable, agents tell the course of a run only with --stream-summaries\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, summary_setup, summary_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(one_machine_has_no_agents),
		TEST(each_agent_has_a_row),
		TEST(who_is_lost_is_told),
		TEST(of_many_the_worst_come_first),
		TEST(the_line_of_charts_says_why_there_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
