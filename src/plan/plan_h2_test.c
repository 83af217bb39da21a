#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/arena_fixture.h"
#include "config/protocol.h"
#include "plan/plan.h"

#define H1 "http/1.1"

static const struct text_list addresses = {1, (const char *[]){"127.0.0.1:3000"}};
static struct err err;

/* The settings of `strest --url URL --max-tasks N --threads N`, and what a row changes in them. */
static struct settings *settings_of(const char *url, uint64_t max_tasks, uint64_t threads) {
	struct settings *settings = arena_alloc(&arena, sizeof(*settings));
	settings->load.duration = 30 * SEC;
	settings->load.max_tasks = max_tasks;
	settings->load.threads = threads;
	settings->load.spawn_rate = 1;
	settings->load.spawn_interval = 100;
	settings->net.http2_parallel = 1;
	settings->http.url = url;
	assert_true(status_set_parse(SLICE("200"), &settings->http.status));
	return settings;
}

/* NULL: `err` says why. */
static const struct plan *build(struct settings *settings, bool preconnect_given, unsigned cpus) {
	struct plan *plan = arena_alloc(&arena, sizeof(*plan));
	struct targets *targets = arena_alloc(&arena, sizeof(*targets));
	struct route *route = arena_alloc(&arena, sizeof(*route));
	struct source *source = arena_alloc(&arena, sizeof(*source));
	protocol_settle(settings, &arena);
	struct source_inputs made = {&settings->http, &settings->net, 1, targets, route, protocols_of(settings)};
	struct plan_inputs inputs = {.settings = settings,
		.preconnect_given = preconnect_given,
		.targets = targets,
		.route = route,
		.source = source,
		.addresses = &addresses,
		.machine.cpus = cpus};
	bool good = targets_read(&settings->http, &arena, targets, &err) && route_open(settings, ROUTE_ORIGINS_MAX, &arena, route, &err) &&
		    source_build(&made, &arena, source, &err);
	if (!good) fail_msg("%s", err.text);
	return plan_build(&inputs, &arena, plan, &err) ? plan : NULL;
}

/* 100 tasks on connections of 10 streams are 10 connections: 4, 3 and 3 for three workers. The last connection may be smaller. */
static void workers_get_whole_connections(void **state) {
	(void)state;
	static const struct {
		uint64_t tasks, streams, threads, shares[3], connections;
	} rows[] = {
		{100, 10, 3, {40, 30, 30}, 10},
		{95, 10, 3, {35, 30, 30}, 10},
		{91, 10, 3, {31, 30, 30}, 10},
		{100, 1, 3, {34, 33, 33}, 100},
		{30, 10, 3, {10, 10, 10}, 3},
		{21, 10, 3, {10, 10, 1}, 3},
		{20, 10, 3, {7, 7, 6}, 3}, /* two connections cannot be shared among three: plain shares, each on one connection */
		{3, 10, 3, {1, 1, 1}, 3},
		{7, 10, 1, {7}, 1},
		{1000, 1000, 2, {500, 500}, 2},
		{1000, 999, 2, {999, 1}, 2},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = settings_of("http://h/", rows[i].tasks, rows[i].threads);
		settings->net.http2 = true;
		settings->net.http2_parallel = rows[i].streams;
		const struct plan *plan = build(settings, false, 8);
		assert_int_equal(plan->threads, rows[i].threads);
		assert_int_equal(plan->streams, rows[i].streams);
		if (plan->connections != rows[i].connections) fail_msg("row %zu: %d connections", i, (int)plan->connections);
		for (unsigned worker = 0; worker < plan->threads; worker++) {
			uint64_t share = plan_tasks(plan, plan->max_tasks, worker);
			if (share != rows[i].shares[worker]) fail_msg("row %zu: worker %u has %d", i, worker, (int)share);
		}
	}
}

/* However many have started: they are those with the smallest numbers, and each number belongs to one worker. */
static void tasks_start_in_the_order_of_their_numbers(void **state) {
	(void)state;
	for (uint64_t tasks = 1; tasks <= 60; tasks++) {
		for (uint64_t threads = 1; threads <= 4 && threads <= tasks; threads++) {
			for (uint64_t streams = 1; streams <= 11; streams += 2) {
				const struct plan plan = {.max_tasks = tasks, .threads = (unsigned)threads, .streams = streams};
				for (uint64_t started = 0; started <= tasks; started++) {
					uint64_t seen = 0, all = 0;
					for (unsigned worker = 0; worker < threads; worker++) {
						uint64_t mine = plan_tasks(&plan, started, worker);
						all += mine;
						for (uint64_t i = 0; i < mine; i++) {
							uint64_t number = plan_task_number(&plan, worker, i);
							assert_true(number < started);
							assert_int_equal(seen & 1ULL << number, 0);
							seen |= 1ULL << number;
						}
						if (started == tasks) assert_true(mine >= 1);
					}
					assert_int_equal(all, started);
				}
			}
		}
	}
}

/* A thread has at least one connection; a rate opens its connections before the start, as many as the tasks fill. Where the server may answer in HTTP/1.1 there
 * may be as many connections as tasks. */
static void connections_follow_from_tasks_and_streams(void **state) {
	(void)state;
	static const struct {
		const char *url;
		bool http2;
		const char *version, *alpn[2];
		uint64_t streams;
		unsigned threads;
		uint64_t connections, most, preconnect;
	} rows[] = {
		{"http://h/", false, NULL, {NULL}, 1, 4, 1000, 1000, 256}, {"http://h/", true, NULL, {NULL}, 1, 4, 1000, 1000, 256},
		{"http://h/", true, NULL, {NULL}, 10, 4, 100, 100, 100}, {"http://h/", true, NULL, {NULL}, 500, 2, 2, 2, 2},
		{"http://h/", true, NULL, {NULL}, 1000, 1, 1, 1, 1}, {"https://h/", true, NULL, {NULL}, 10, 4, 100, 1000, 100},
		{"https://h/", true, NULL, {"h2"}, 10, 4, 100, 100, 100}, {"https://h/", false, "2", {NULL}, 10, 4, 100, 100, 100},
		{"https://h/", false, NULL, {"h2", H1}, 10, 4, 100, 1000, 100},
		{"http://h/", false, NULL, {"h2", H1}, 10, 4, 100, 1000, 100}, /* spoken to in HTTP/1.1 */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = settings_of(rows[i].url, 1000, 0);
		const char *given[2];
		settings->load.rate = 200000; /* 4 threads of 50,000/s */
		settings->net.http2 = rows[i].http2;
		settings->net.http_version = rows[i].version;
		settings->net.http2_parallel = rows[i].streams;
		settings->tls.alpn.at = given;
		for (size_t j = 0; j < LENGTH(given) && rows[i].alpn[j]; j++) given[settings->tls.alpn.count++] = rows[i].alpn[j];
		const struct plan *plan = build(settings, false, 8);
		if (plan->threads != rows[i].threads) fail_msg("row %zu: %u threads", i, plan->threads);
		if (plan->connections != rows[i].connections) fail_msg("row %zu: %d connections", i, (int)plan->connections);
		if (plan_most_connections(plan) != rows[i].most) fail_msg("row %zu: %d at most", i, (int)plan_most_connections(plan));
		if (plan->preconnect != rows[i].preconnect) fail_msg("row %zu: %d before the start", i, (int)plan->preconnect);
	}
}

static void preconnect_counts_connections(void **state) {
	(void)state;
	struct settings *settings = settings_of("http://h/", 100, 1);
	settings->load.rate = 10;
	settings->net.http2 = true;
	settings->net.http2_parallel = 10;
	settings->load.preconnect = 10;
	assert_int_equal(build(settings, true, 8)->preconnect, 10);
	settings->load.preconnect = 11;
	assert_null(build(settings, true, 8));
	assert_string_equal(
		err.text, "--preconnect: 11 is more than the 10 connections of --max-tasks 100 and --http2-parallel 10; write at most as many");
	settings->http.url = "https://h/"; /* there may be 100 */
	assert_int_equal(build(settings, true, 8)->preconnect, 11);
}

/* Requests carry a head for HTTP/2 where it may be spoken. */
static void requests_have_the_head_they_need(void **state) {
	(void)state;
	static const struct {
		const char *url;
		bool http2;
		const char *alpn[2];
		bool h2;
	} rows[] = {
		{"http://h/", false, {NULL}, false},
		{"https://h/", false, {NULL}, false},
		{"https://h/", false, {H1}, false},
		{"http://h/", true, {NULL}, true},
		{"https://h/", true, {NULL}, true},
		{"http://h/", false, {"h2", H1}, false},
		{"https://h/", false, {"h2", H1}, true},
		{"http://h/", false, {"h2"}, true},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = settings_of(rows[i].url, 10, 1);
		const char *given[2];
		settings->net.http2 = rows[i].http2;
		settings->tls.alpn.at = given;
		for (size_t j = 0; j < LENGTH(given) && rows[i].alpn[j]; j++) given[settings->tls.alpn.count++] = rows[i].alpn[j];
		const struct plan *plan = build(settings, false, 8);
		const struct http_request *request = plan->source.ops->next(&plan->source, 0, 0);
		if ((request->h2 != NULL) != rows[i].h2) fail_msg("row %zu", i);
		assert_true(request->head.size > 0);
		for (unsigned tls = 0; tls < 2; tls++) { /* a redirect to either scheme */
			struct url url;
			struct hop hop = {.from = request, .status = 302, .url = &url, .route = &plan->route};
			struct http_request next;
			assert_true(url_parse(tls ? "https://h/next" : "http://h/next", &arena, &url, &err));
			source_hop(&plan->source, &hop, &arena, &next);
			assert_int_equal(next.h2 != NULL, protocols_may_h2(&plan->protocols, tls));
		}
	}
}

/* Lines of --data-lines that share a head share that of HTTP/2, too. */
static void bodies_of_one_length_share_their_heads(void **state) {
	(void)state;
	struct settings *settings = settings_of("http://h/", 10, 1);
	char path[] = "/tmp/plan_h2_test_XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "aa\nb\ncc\n", 8), 8);
	settings->net.http2 = true;
	settings->http.data_lines = path;
	const struct plan *plan = build(settings, false, 8);
	unlink(path);
	close(fd);
	const struct http_request *requests[3];
	for (uint64_t k = 0; k < 3; k++) requests[k] = plan->source.ops->next(&plan->source, 0, k);
	assert_non_null(requests[0]->h2);
	assert_ptr_equal(requests[0]->h2, requests[2]->h2);
	assert_ptr_not_equal(requests[0]->h2, requests[1]->h2);
}

/* What a run says of its protocol at the start; nothing when HTTP/2 is not asked for. */
static void the_plan_says_the_protocol(void **state) {
	(void)state;
	static const struct {
		const char *url;
		bool http2;
		const char *alpn[2];
		uint64_t streams;
		const char *words, *absent;
	} rows[] = {
		{"http://h/", false, {NULL}, 1, "closed loop of 100 tasks, 1 new", "HTTP/"},
		{"https://h/", false, {H1}, 1, "closed loop of 100 tasks, 1 new", "HTTP/"},
		{"http://h/", true, {NULL}, 1, ", HTTP/2 (h2c), for 30", "stream"},
		{"http://h/", true, {NULL}, 10, ", HTTP/2 (h2c), 10 connections with up to 10 streams each, for 30", "ALPN"},
		{"http://h/", true, {NULL}, 100, ", HTTP/2 (h2c), 1 connection with up to 100 streams each, for 30", NULL},
		{"https://h/", false, {"h2"}, 10, ", HTTP/2, 10 connections with up to 10 streams each, for 30", "ALPN"},
		{"https://h/", true, {NULL}, 1, ", HTTP/2 if the server agrees (ALPN), else HTTP/1.1, for 30", "stream"},
		{"https://h/", true, {NULL}, 10,
			", HTTP/2 if the server agrees (ALPN), else HTTP/1.1; in HTTP/2, 10 connections with up to 10 streams each, for 30", NULL},
		{"http://h/", false, {"h2", H1}, 10, ", HTTP/1.1 (only https:// negotiates), for 30", "stream"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = settings_of(rows[i].url, 100, 1);
		const char *given[2];
		settings->net.http2 = rows[i].http2;
		settings->net.http2_parallel = rows[i].streams;
		settings->tls.alpn.at = given;
		for (size_t j = 0; j < LENGTH(given) && rows[i].alpn[j]; j++) given[settings->tls.alpn.count++] = rows[i].alpn[j];
		const char *text = plan_describe(build(settings, false, 8), &addresses, &arena);
		if (!strstr(text, rows[i].words)) fail_msg("'%s' is missing in '%s'", rows[i].words, text);
		if (rows[i].absent && strstr(text, rows[i].absent)) fail_msg("'%s' is in '%s'", rows[i].absent, text);
	}
}

static void a_list_of_both_schemes_says_both(void **state) {
	(void)state;
	struct settings *settings = settings_of(NULL, 100, 1);
	char path[] = "/tmp/plan_h2_test_XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "http://h/\nhttps://i/\n", 21), 21);
	settings->net.http2 = true;
	settings->http.urls_from_file = path;
	const struct plan *plan = build(settings, false, 8);
	unlink(path);
	close(fd);
	assert_false(plan->is_h2_sure);
	const char *text = plan_describe(plan, &addresses, &arena);
	assert_non_null(strstr(text, ", http:// in HTTP/2 (h2c), https:// in HTTP/2 if the server agrees (ALPN), else HTTP/1.1, for 30"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(workers_get_whole_connections),
		CASE(tasks_start_in_the_order_of_their_numbers),
		CASE(connections_follow_from_tasks_and_streams),
		CASE(preconnect_counts_connections),
		CASE(requests_have_the_head_they_need),
		CASE(bodies_of_one_length_share_their_heads),
		CASE(the_plan_says_the_protocol),
		CASE(a_list_of_both_schemes_says_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
