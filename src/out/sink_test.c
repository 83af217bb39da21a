#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "out/sink.h"
#include "out/summary_fixture.h"

/* The figures of the specification's examples (section 7). */
static const struct sink_figures example = {
	.run = {.version = "0.1.0",
		.id = "01234567-89ab-4cde-8f01-23456789abcd",
		.target = "http://a/\"x\\y\n\xff",
		.label_count = 1,
		.labels = (const char *const[]){"env=K\xc3\xb6ln"}},
	.figures = {.window = 29991 * MSEC,
		.total = 29873,
		.ok = 29700,
		.errors = 173,
		.timeouts = 11,
		.transport = 160,
		.unexpected = 2,
		.success_x100 = 9942,
		.rps_x100 = 99606,
		.rpm_x100 = 5976360,
		.all = {.count = 29873,
			.min = 2 * MSEC + 999999,
			.max = 10003 * MSEC,
			.p50 = 14 * MSEC,
			.p90 = 33 * MSEC,
			.p99 = 128 * MSEC,
			.mean = 21.9e6,
			.sum = 627 * SEC + 1},
		.good = {.count = 29700,
			.min = 2500 * USEC,
			.max = SEC,
			.p50 = 14 * MSEC,
			.p90 = 33 * MSEC,
			.p99 = 128 * MSEC,
			.mean = 21e6,
			.sum = 600 * SEC},
		.classes = {29700, 0, 2, 0, 0, 171},
		.buckets = {0, 0, 5, 100}},
};

#define RUN "run_id=\"01234567-89ab-4cde-8f01-23456789abcd\",target=\"http://a/\\\"x\\\\y\\n?\",env=\"K\xc3\xb6ln\""

static const char *text_of(
	struct report_sample *sample, void (*write)(const struct sink_figures *, struct buf *), const struct sink_figures *figures) {
	buf_fini(&sample->text);
	buf_init(&sample->text, 1 << 20);
	write(figures, &sample->text);
	return buf_text(&sample->text);
}

static void influx_is_one_line(void **state) {
	assert_string_equal(text_of(*state, sink_influx.write, &example),
		"strest_summary duration_ms=29991i,total_requests=29873i,successful_requests=29700i,error_requests=173i,timeout_requests=11i,"
		"min_latency_ms=2i,max_latency_ms=10003i,avg_latency_ms=21i,p50_latency_ms=14i,p90_latency_ms=33i,p99_latency_ms=128i,"
		"success_rate=99.42,avg_rps=996.06,avg_rpm=59763.60\n");
}

static void each_format_counts_the_agents_of_a_fleet(void **state) {
	struct sink_figures fleet = example;
	assert_lacks(text_of(*state, sink_prometheus.write, &fleet), "agents");
	assert_lacks(text_of(*state, sink_otel.write, &fleet), "agents");
	fleet.agents_expected = 3;
	fleet.agents_reporting = 2;
	assert_has(text_of(*state, sink_influx.write, &fleet), ",avg_rpm=59763.60,agents_expected=3i,agents_reporting=2i\n");
	assert_has(text_of(*state, sink_prometheus.write, &fleet), "\nstrest_agents_reporting{" RUN "} 2\n");
	assert_has(text_of(*state, sink_prometheus.write, &fleet), "# TYPE strest_agents_expected gauge\nstrest_agents_expected{" RUN "} 3\n");
	assert_has(text_of(*state, sink_otel.write, &fleet), "\"name\": \"strest.agents_expected\",\n      \"value\": 3\n");
	assert_has(text_of(*state, sink_otel.write, &fleet), "\"name\": \"strest.agents_reporting\",\n      \"value\": 2\n");
}

static void otel_has_numbers_and_texts(void **state) {
	const char *text = text_of(*state, sink_otel.write, &example);
	assert_has(text,
		"{\n  \"resource\": {\n    \"service.name\": \"strest\"\n  },\n  \"metrics\": [\n    {\n      \"name\": \"strest.duration\",\n"
		"      \"unit\": \"s\",\n      \"value\": 29\n    },\n    {\n      \"name\": \"strest.requests_total\",\n      \"value\": 29873\n    "
		"},");
	assert_has(text, "\"name\": \"strest.latency_p99_ms\",\n      \"value\": 128\n");
	assert_has(text, "\"name\": \"strest.success_rate\",\n      \"value\": \"99.42\"\n");
	assert_has(text, "\"name\": \"strest.avg_rpm\",\n      \"value\": \"59763.60\"\n    }\n  ]\n}\n");
}

static void the_textfile_has_compatible_names_bare(void **state) {
	const char *text = text_of(*state, sink_prometheus.write, &example);
	assert_has(text, "# TYPE strest_duration_seconds gauge\nstrest_duration_seconds 29\n");
	assert_has(text, "# TYPE strest_requests_total counter\nstrest_requests_total 29873\n");
	assert_has(text, "# TYPE strest_success_rate gauge\nstrest_success_rate 99.42\n");
	assert_has(text, "# TYPE strest_latency_ms gauge\nstrest_latency_ms{stat=\"min\"} 2\nstrest_latency_ms{stat=\"avg\"} 21\n"
			 "strest_latency_ms{stat=\"max\"} 10003\nstrest_latency_ms{quantile=\"0.5\"} 14\nstrest_latency_ms{quantile=\"0.9\"} 33\n"
			 "strest_latency_ms{quantile=\"0.99\"} 128\n");
	assert_has(text, "\nstrest_transport_errors_total{" RUN "} 160\n");
	assert_has(text, "\nstrest_responses_total{status_class=\"none\"," RUN "} 171\n");
	assert_has(text, "\nstrest_build_info{version=\"0.1.0\"," RUN "} 1\n");
	assert_lacks(text, "strest_target_rps");
}

static void a_histogram_has_its_buckets_sum_and_count(void **state) {
	const char *text = text_of(*state, sink_prometheus.write, &example);
	assert_has(text, "# TYPE strest_response_time_seconds histogram\nstrest_response_time_seconds_bucket{le=\"0.0005\"," RUN "} 0\n");
	assert_has(text, "_bucket{le=\"0.005\"," RUN "} 100\n");
	assert_has(text, "_bucket{le=\"+Inf\"," RUN "} 29873\nstrest_response_time_seconds_sum{" RUN "} 627.000000001\n"
			 "strest_response_time_seconds_count{" RUN "} 29873\n");
}

static void in_a_scrape_every_sample_has_the_labels(void **state) {
	struct sink_figures open = example;
	open.open_loop = true;
	open.asked_per_s = 1000;
	const char *text = text_of(*state, sink_prometheus_scrape, &open);
	assert_has(text, "\nstrest_requests_total{" RUN "} 29873\n");
	assert_has(text, "\nstrest_latency_ms{quantile=\"0.99\"," RUN "} 128\n");
	assert_has(text, "\nstrest_target_rps{" RUN "} 1000.00\n");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (*line != '#' && !strstr(line, RUN)) fail_msg("%s", line);
}

static struct sink_figures with_steps(void) {
	static const char *const labels[] = {"env=K\xc3\xb6ln", "step=mine"};
	struct sink_figures all = example;
	all.run.label_count = LENGTH(labels);
	all.run.labels = labels;
	all.script.step_count = 2;
	all.script.steps[0] = (struct figures_row){"buy/log in", 90, 5, 12 * MSEC, 34 * MSEC + 900 * USEC, 56 * MSEC, 95, 2 * SEC};
	all.script.steps[1] = (struct figures_row){"a=\"b\",\n\\", 1, 0, MSEC, MSEC, MSEC, 1, MSEC};
	all.script.scenario_count = 1;
	all.script.scenarios[0] = (struct figures_row){"buy", 80, 4, SEC, 2 * SEC, 3 * SEC, 84, 90 * SEC};
	return all;
}

static void influx_has_a_line_for_each_step_and_scenario(void **state) {
	struct sink_figures all = with_steps();
	const char *text = text_of(*state, sink_influx.write, &all);
	assert_has(text, "avg_rpm=59763.60\nstrest_step,step=buy/log\\ in successful_requests=90i,error_requests=5i,p50_latency_ms=12i,"
			 "p95_latency_ms=34i,p99_latency_ms=56i\n"
			 "strest_step,step=a\\=\"b\"\\,?? successful_requests=1i,error_requests=0i,p50_latency_ms=1i,p95_latency_ms=1i,"
			 "p99_latency_ms=1i\n"
			 "strest_scenario,scenario=buy successful_iterations=80i,error_iterations=4i,p50_latency_ms=1000i,p95_latency_ms=2000i,"
			 "p99_latency_ms=3000i\n");
}

static void otel_names_steps_and_scenarios_in_attributes(void **state) {
	struct sink_figures all = with_steps();
	const char *text = text_of(*state, sink_otel.write, &all);
	assert_has(text, "    {\n      \"name\": \"strest.step.requests_success_total\",\n      \"attributes\": {\n        \"step\": \"buy/log in\"\n"
			 "      },\n      \"value\": 90\n    },");
	assert_has(text, "\"name\": \"strest.iterations_error_total\",\n      \"attributes\": {\n        \"scenario\": \"buy\"\n      },\n"
			 "      \"value\": 4\n");
}

/* Of two labels of one name ours is there: a sample with both would be refused. */
static void a_page_has_the_samples_of_steps_by_their_label(void **state) {
	struct sink_figures all = with_steps();
	all.open_loop = true;
	all.asked_per_s = 10;
	const char *text = text_of(*state, sink_prometheus_scrape, &all);
	assert_has(text, "# TYPE strest_step_requests_success_total counter\nstrest_step_requests_success_total{step=\"buy/log in\"," RUN "} 90\n"
			 "strest_step_requests_success_total{step=\"a=\\\"b\\\",\\n\\\\\"," RUN "} 1\n# HELP");
	assert_has(text, "strest_step_requests_error_total{step=\"buy/log in\"," RUN "} 5\n");
	assert_has(text, "# TYPE strest_step_response_time_seconds summary\n"
			 "strest_step_response_time_seconds{step=\"buy/log in\",quantile=\"0.5\"," RUN "} 0.012000000\n"
			 "strest_step_response_time_seconds{step=\"buy/log in\",quantile=\"0.95\"," RUN "} 0.034900000\n"
			 "strest_step_response_time_seconds{step=\"buy/log in\",quantile=\"0.99\"," RUN "} 0.056000000\n"
			 "strest_step_response_time_seconds_sum{step=\"buy/log in\"," RUN "} 2.000000000\n"
			 "strest_step_response_time_seconds_count{step=\"buy/log in\"," RUN "} 95\n");
	assert_has(text, "strest_iterations_success_total{scenario=\"buy\"," RUN ",step=\"mine\"} 80\n");
	assert_has(text, "strest_iteration_duration_seconds_count{scenario=\"buy\"," RUN ",step=\"mine\"} 84\n");
	assert_has(text, "\nstrest_target_iterations_per_second{" RUN ",step=\"mine\"} 10.00\n");
	assert_lacks(text, "strest_target_rps");
}

static void figures_of_steps_are_those_of_the_cells(void **state) {
	struct report_sample *sample = *state;
	struct figures_script script;
	report_sample_init(sample, true);
	figures_of_script(sample->tally, &sample->run.groups, &script);
	assert_int_equal(script.step_count + script.scenario_count, 0);
	report_sample_script(sample);
	figures_of_script(sample->tally, &sample->run.groups, &script);
	assert_int_equal(script.step_count, 3);
	assert_int_equal(script.scenario_count, 2);
	assert_string_equal(script.steps[0].name, "buy/login");
	assert_int_equal(script.steps[0].ok, 96);
	assert_int_equal(script.steps[0].errors, 4);
	assert_int_equal(script.steps[0].times, 100);
	assert_int_equal(script.steps[0].sum, 96 * 20 * MSEC + 4 * 30 * MSEC);
	assert_in_range(script.steps[0].p95, 20 * MSEC, 20200 * USEC);
	assert_in_range(script.steps[0].p99, 30 * MSEC, 30300 * USEC);
	assert_int_equal(script.steps[1].errors, 2); /* the open one, too */
	assert_int_equal(script.scenarios[0].ok, 94);
	assert_int_equal(script.scenarios[0].errors, 5);
	assert_int_equal(script.scenarios[0].times, 99);
	assert_int_equal(script.scenarios[1].sum, SEC);
}

/* 100 requests at 1/s of the ms: 1 ms ... 100 ms; those of 50 ms and more failed. */
static void figures_of_a_tally_are_those_of_its_report(void **state) {
	struct report_sample *sample = *state;
	struct figures live, last;
	report_sample_init(sample, true);
	for (int i = 1; i < 50; i++) report_sample_add(sample, 1, i * MSEC, REASON_NONE, 200);
	for (int i = 50; i <= 100; i++)
		report_sample_add(sample, 1, i * MSEC, i % 3 == 0 ? REASON_STATUS : REASON_TIMEOUT_RESPONSE, i % 3 == 0 ? 500 : 0);
	figures_from_tally(sample->tally, 10 * SEC, &live);
	figures_from_report(report_sample_build(sample), &last);
	assert_int_equal(live.total, 100);
	assert_int_equal(live.ok, 49);
	assert_int_equal(live.errors, 51);
	assert_int_equal(live.unexpected, 17);
	assert_int_equal(live.timeouts, 34);
	assert_int_equal(live.success_x100, 4900);
	assert_int_equal(live.rps_x100, 1000);
	assert_int_equal(live.all.sum, 5050 * MSEC);
	assert_int_equal(live.good.count, 49);
	assert_int_equal(live.classes[STATUS_5XX], 17);
	assert_int_equal(live.classes[STATUS_NONE], 34);
	assert_in_range(live.all.p90, 90 * MSEC, 91 * MSEC);
	assert_in_range(last.all.p90, 90 * MSEC, 90 * MSEC + 90 * USEC);
	assert_int_equal(live.buckets[FIGURES_BUCKETS - 1], 100);
	assert_in_range(live.buckets[3], 4, 5);    /* 5 ms: the bound itself is known to 1 % */
	assert_in_range(live.buckets[7], 99, 100); /* 100 ms */
	assert_memory_equal(live.buckets, last.buckets, sizeof(live.buckets));
	assert_memory_equal(live.classes, last.classes, sizeof(live.classes));
	assert_int_equal(live.rpm_x100, last.rpm_x100);
	assert_int_equal(live.all.sum, last.all.sum);
}

static void before_the_first_request_all_is_zero(void **state) {
	struct report_sample *sample = *state;
	struct figures figures, zeros = {0};
	report_sample_init(sample, true);
	figures_from_tally(sample->tally, 0, &figures);
	assert_memory_equal(&figures, &zeros, sizeof(zeros));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, summary_setup, summary_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(influx_is_one_line),
		TEST(each_format_counts_the_agents_of_a_fleet),
		TEST(otel_has_numbers_and_texts),
		TEST(the_textfile_has_compatible_names_bare),
		TEST(a_histogram_has_its_buckets_sum_and_count),
		TEST(in_a_scrape_every_sample_has_the_labels),
		TEST(influx_has_a_line_for_each_step_and_scenario),
		TEST(otel_names_steps_and_scenarios_in_attributes),
		TEST(a_page_has_the_samples_of_steps_by_their_label),
		TEST(figures_of_steps_are_those_of_the_cells),
		TEST(figures_of_a_tally_are_those_of_its_report),
		TEST(before_the_first_request_all_is_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
