#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plan/plan.h"

static const struct machine eight = {.cpus = 8};
static const struct text_list addresses = {2, (const char *[]){"127.0.0.1:3000", "[::1]:3000"}};
static int setup(void **state) {
	struct arena *arena = malloc(sizeof(*arena));
	arena_init(arena);
	*state = arena;
	return 0;
}

static int teardown(void **state) {
	arena_fini(*state);
	free(*state);
	return 0;
}

/* The settings of a command line without options. */
static struct settings *presets(struct arena *arena) {
	struct settings *settings = arena_alloc(arena, sizeof(*settings));
	settings->load.duration = 30 * SEC;
	settings->load.max_tasks = 1000;
	settings->load.spawn_rate = 1;
	settings->load.spawn_interval = 100;
	settings->load.seed = 1;
	settings->http.url = "http://localhost:3000/";
	settings->http.redirect = 10;
	settings->http.timeout = 10 * SEC;
	settings->http.connect_timeout = 5 * SEC;
	settings->http.retry_stale = RETRY_STALE_IDEMPOTENT;
	assert_true(status_set_parse(SLICE("200"), &settings->http.status));
	return settings;
}

static const struct plan *build(struct plan_inputs inputs, struct arena *arena) {
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct targets *targets = arena_alloc(arena, sizeof(*targets));
	struct route *route = arena_alloc(arena, sizeof(*route));
	struct source *source = arena_alloc(arena, sizeof(*source));
	struct source_inputs made = {&inputs.settings->http, &inputs.settings->net, 1, targets, route};
	struct err err;
	inputs.targets = targets;
	inputs.route = route;
	inputs.source = source;
	inputs.addresses = &addresses;
	bool good = targets_read(&inputs.settings->http, arena, targets, &err) &&
		    route_open(inputs.settings, ROUTE_ORIGINS_MAX, arena, route, &err) && source_build(&made, arena, source, &err) &&
		    plan_build(&inputs, arena, plan, &err);
	if (!good) fail_msg("%s", err.text);
	return plan;
}

static void add_stages(struct settings *settings, const char *stages) {
	struct slice bad;
	if (stages) assert_true(stage_list_parse(slice_of(stages), &settings->load.stages, &bad));
}

static void shares_differ_by_one_and_add_up(void **state) {
	(void)state;
	static const uint64_t totals[] = {0, 1, 2, 3, 7, 100, 1000, 999999, 1000000000000000000};
	for (unsigned threads = 1; threads <= 64; threads++) {
		struct plan plan = {.threads = threads};
		for (size_t i = 0; i < LENGTH(totals); i++) {
			uint64_t sum = 0, least = UINT64_MAX, most = 0;
			for (unsigned worker = 0; worker < threads; worker++) {
				uint64_t share = plan_share(&plan, totals[i], worker);
				sum += share;
				least = share < least ? share : least;
				most = share > most ? share : most;
			}
			assert_int_equal(sum, totals[i]);
			assert_true(most - least <= 1);
		}
	}
}

/* Architecture: under a rate ceil(rate / 50,000); in a closed loop the processors, half of them for a target on this machine, at least 32
 * connections a worker; never more than max-tasks. */
static void threads_follow_load_and_machine(void **state) {
	static const struct {
		double rate;
		const char *stages;
		uint64_t asked, max_tasks;
		unsigned cpus;
		bool local;
		unsigned threads;
	} rows[] = {
		{0, NULL, 0, 1000, 8, false, 8},
		{0, NULL, 0, 1000, 8, true, 4},
		{0, NULL, 0, 1000, 7, true, 3},
		{0, NULL, 0, 1000, 1, true, 1},
		{0, NULL, 0, 1000, 1, false, 1},
		{0, NULL, 0, 256, 8, false, 8},
		{0, NULL, 0, 255, 8, false, 7},
		{0, NULL, 0, 64, 8, false, 2},
		{0, NULL, 0, 63, 8, false, 1},
		{0, NULL, 0, 1, 8, false, 1},
		{0, NULL, 6, 1000, 2, true, 6}, /* asked for is asked for */
		{0, NULL, 6, 6, 8, false, 6},
		{0, NULL, 6, 4, 8, false, 4}, /* but never more than tasks */
		{100, NULL, 0, 1000, 8, false, 1},
		{50000, NULL, 0, 1000, 8, false, 1},
		{50001, NULL, 0, 1000, 8, false, 2},
		{200000, NULL, 0, 1000, 8, true, 4},
		{200000, NULL, 0, 3, 8, true, 3},
		{0.001, NULL, 0, 1000, 8, false, 1},
		{100, NULL, 5, 1000, 8, false, 5},
		{0, "10s@120000", 0, 1000, 8, false, 3},
		{0, "10s@120000,10s@10", 0, 1000, 8, false, 3}, /* the peak counts */
		{0, "60s@120000", 0, 1000, 8, false, 2},        /* in 30 s it comes to 60,000 */
		{0, "60s@90000", 0, 1000, 8, false, 1},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.rate = rows[i].rate;
		settings->load.threads = rows[i].asked;
		settings->load.max_tasks = rows[i].max_tasks;
		add_stages(settings, rows[i].stages);
		struct machine machine = {.cpus = rows[i].cpus, .target_local = rows[i].local};
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = machine}, *state);
		if (plan->threads != rows[i].threads) fail_msg("row %zu: %u threads", i, plan->threads);
		assert_int_equal(plan->max_tasks, rows[i].max_tasks);
	}
}

/* Architecture: left to itself, spinning is off under a quota, with workers >= CPUs, or with a local target and no spare core; a closed loop has no due times. */
static void spinning_needs_a_spare_core(void **state) {
	static const struct {
		enum spin wish;
		double rate;
		uint64_t threads;
		struct machine machine;
		enum waiting waiting;
	} rows[] = {
		{SPIN_AUTO, 100, 1, {.cpus = 8}, WAITING_TAIL},
		{SPIN_AUTO, 100, 1, {.cpus = 2}, WAITING_TAIL},
		{SPIN_AUTO, 100, 1, {.cpus = 1}, WAITING_SLEEPS},
		{SPIN_AUTO, 100, 2, {.cpus = 2}, WAITING_SLEEPS},
		{SPIN_AUTO, 100, 3, {.cpus = 2}, WAITING_SLEEPS},
		{SPIN_AUTO, 100, 1, {.cpus = 2, .target_local = true}, WAITING_SLEEPS},
		{SPIN_AUTO, 100, 1, {.cpus = 3, .target_local = true}, WAITING_TAIL},
		{SPIN_AUTO, 100, 1, {.cpus = 8, .quota = true}, WAITING_SLEEPS},
		{SPIN_AUTO, 0, 1, {.cpus = 8}, WAITING_SLEEPS},
		{SPIN_ON, 100, 1, {.cpus = 1, .quota = true, .target_local = true}, WAITING_SPINS},
		{SPIN_ON, 0, 1, {.cpus = 8}, WAITING_SLEEPS},
		{SPIN_OFF, 100, 1, {.cpus = 8}, WAITING_SLEEPS},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.spin = rows[i].wish;
		settings->load.rate = rows[i].rate;
		settings->load.threads = rows[i].threads;
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = rows[i].machine}, *state);
		if (plan->waiting != rows[i].waiting) fail_msg("row %zu", i);
	}
}

/* --requests counts from the end of the warm-up: at 100/s 2 s of it are the numbers 0 to 199. */
static void requests_count_from_the_window_on(void **state) {
	static const struct {
		double rate;
		const char *stages;
		nsec warmup;
		uint64_t requests, window, limit;
	} rows[] = {
		{100, NULL, 0, 0, 0, UINT64_MAX}, {100, NULL, 0, 50, 0, 50}, {100, NULL, 2 * SEC, 50, 200, 250},
		{100, NULL, 2 * SEC, 0, 200, UINT64_MAX}, {100, NULL, 2 * SEC + 1, 50, 201, 251}, /* request 200 is due at 2 s: before the window */
		{100, NULL, 2 * SEC - 1, 50, 200, 250}, {0, "10s@100", 2 * SEC, 50, 20, 70},      /* 5 t^2 */
		{0, NULL, 2 * SEC, 50, 0, UINT64_MAX},                                            /* closed loop */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.rate = rows[i].rate;
		settings->load.warmup = rows[i].warmup;
		settings->load.requests = rows[i].requests;
		add_stages(settings, rows[i].stages);
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
		if (plan->k_window != rows[i].window || plan->k_limit != rows[i].limit) fail_msg("row %zu", i);
		assert_int_equal(plan->requests, rows[i].requests);
		assert_int_equal(plan->warmup, rows[i].warmup);
	}
}

static void a_poisson_window_begins_with_the_first_request_due_in_it(void **state) {
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct settings *settings = presets(*state);
		settings->load.rate = 100;
		settings->load.arrival = ARRIVAL_POISSON;
		settings->load.seed = seed;
		settings->load.warmup = 5 * SEC;
		settings->load.requests = 10;
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
		assert_true(plan->schedule.poisson);
		double mass = 0;
		uint64_t k = 0;
		for (; mass < 500; k++) mass += schedule_draw(seed, k); /* 5 s are a mass of 500 */
		assert_int_equal(plan->k_window, k);
		assert_int_equal(plan->k_limit, k + 10);
	}
}

static void assert_rows(const struct group_table *groups, const char *const *names, size_t count, size_t addresses_count) {
	static const enum group_dimension first[] = {GROUP_BY_ALL, GROUP_BY_CONNECTION, GROUP_BY_CONNECTION};
	assert_int_equal(groups->count, count);
	assert_int_equal(groups->first_address, 3);
	assert_int_equal(groups->first_stage, 3 + addresses_count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(groups->rows[i].name, names[i]);
		assert_int_equal(groups->rows[i].dimension, i < 3 ? first[i] : i < 3 + addresses_count ? GROUP_BY_ADDRESS : GROUP_BY_STAGE);
	}
}

/* The stages of the third row end with the run: no time is left to hold the last rate. */
static void groups_are_all_connections_addresses_stages(void **state) {
	static const char *const names[] = {"all", "new", "reused", "127.0.0.1:3000", "[::1]:3000", "elsewhere", "1", "2", "hold"};
	static const struct {
		double rate;
		const char *stages;
		size_t count;
	} rows[] = {{0, NULL, 6}, {100, NULL, 6}, {0, "10s@5,20s@10", 8}, {0, "10s@5,19s@10", 9}, {0, "10s@5,25s@10", 8}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.rate = rows[i].rate;
		add_stages(settings, rows[i].stages);
		assert_rows(&build((struct plan_inputs){.settings = settings, .machine = eight}, *state)->groups, names, rows[i].count, 3);
	}
}

static void elsewhere_is_where_a_run_may_come(void **state) {
	static const char *const names[] = {"all", "new", "reused", "127.0.0.1:3000", "[::1]:3000", "1", "hold"};
	static const struct {
		uint64_t redirect;
		bool no_pre_lookup, elsewhere;
	} rows[] = {{0, false, false}, {1, false, true}, {0, true, true}, {10, true, true}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->http.redirect = rows[i].redirect;
		settings->net.no_pre_lookup = rows[i].no_pre_lookup;
		add_stages(settings, "10s@5");
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
		if (!rows[i].elsewhere) assert_rows(&plan->groups, names, LENGTH(names), 2);
		if (rows[i].elsewhere) assert_string_equal(plan->groups.rows[plan->groups.first_stage - 1].name, GROUP_ELSEWHERE);
		assert_int_equal(plan->groups.count, LENGTH(names) + rows[i].elsewhere);
		assert_int_equal(plan->redirects, rows[i].redirect);
		assert_int_equal(plan->pre_lookup, !rows[i].no_pre_lookup);
	}
}

/* Under a rate the ramp applies only if it was asked for; connections are opened before the start, 64 for each worker or what was asked for, in all. */
static void a_rate_starts_with_connections_instead_of_a_ramp(void **state) {
	static const struct {
		double rate;
		bool spawn_given, preconnect_given;
		uint64_t asked;
		bool spawn;
		uint64_t preconnect;
	} rows[] = {
		{0, false, false, 0, true, 0}, {0, true, false, 0, true, 0}, {100, false, false, 0, false, 256}, {100, true, false, 0, true, 256},
		{100, false, true, 0, false, 0}, {100, false, true, 8, false, 8}, {100, false, true, 9, false, 9}, /* in all, for 4 workers */
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.rate = rows[i].rate;
		settings->load.preconnect = rows[i].asked;
		settings->load.threads = 4;
		const struct plan *plan =
			build((struct plan_inputs){settings, rows[i].spawn_given, rows[i].preconnect_given, .machine = eight}, *state);
		assert_int_equal(plan->open_loop, rows[i].rate > 0);
		assert_int_equal(plan->spawn, rows[i].spawn);
		assert_int_equal(plan->preconnect, rows[i].preconnect);
		assert_int_equal(plan->spawn_rate, 1);
		assert_int_equal(plan->spawn_interval, 100 * MSEC);
	}
}

static void settings_are_carried_over(void **state) {
	struct settings *settings = presets(*state);
	settings->load.rate = 50;
	settings->load.seed = 77;
	settings->load.duration = 12 * SEC;
	settings->http.method = METHOD_POST;
	settings->http.retry_stale = RETRY_STALE_NEVER;
	settings->http.timeout = 3 * SEC;
	settings->http.connect_timeout = 2 * SEC;
	settings->out.truth = true;
	const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
	assert_int_equal(plan->seed, 77);
	assert_int_equal(plan->schedule.seed, 77);
	assert_false(plan->schedule.poisson);
	assert_int_equal(plan->duration, 12 * SEC);
	assert_string_equal(plan->method, "POST");
	assert_false(plan->retry_stale);
	assert_int_equal(plan->timeout, 3 * SEC);
	assert_int_equal(plan->connect_timeout, 2 * SEC);
	assert_true(plan->truth);
	assert_true(status_set_has(&plan->expected, 200));
	assert_false(status_set_has(&plan->expected, 204));
	assert_string_equal(plan->target, "http://localhost:3000/");
	assert_string_equal(plan->route.origins[0].host, "localhost");
	assert_false(plan->tls);
	assert_true(slice_equal((struct slice){plan->source.ops->next(&plan->source, 0, 0)->head.at, 15}, SLICE("POST / HTTP/1.1")));
}

static void connections_live_as_long_as_they_are_meant_to(void **state) {
	static const struct {
		bool disable_keepalive;
		uint64_t asked;
		enum connection_pick pick;
		bool keepalive;
		uint64_t requests;
		bool mru;
	} rows[] = {
		{false, 0, CONNECTION_PICK_LRU, true, UINT64_MAX, false},
		{false, 5, CONNECTION_PICK_MRU, true, 5, true},
		{false, 1, CONNECTION_PICK_LRU, true, 1, false},
		{true, 0, CONNECTION_PICK_LRU, false, 1, false},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->net.disable_keepalive = rows[i].disable_keepalive;
		settings->net.requests_per_connection = rows[i].asked;
		settings->net.connection_pick = rows[i].pick;
		settings->http.compressed = rows[i].mru;
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
		assert_int_equal(plan->keepalive, rows[i].keepalive);
		assert_int_equal(plan->requests_per_connection, rows[i].requests);
		assert_int_equal(plan->pick_mru, rows[i].mru);
		assert_int_equal(plan->compressed, rows[i].mru);
	}
}

static void debug_is_one_exchange(void **state) {
	struct settings *settings = presets(*state);
	settings->out.debug = true;
	settings->load.rate = 100;
	settings->load.requests = 50;
	settings->load.threads = 4;
	settings->load.warmup = 40 * SEC; /* longer than the run */
	settings->load.preconnect = 9;
	add_stages(settings, "10s@5");
	const struct plan *plan = build((struct plan_inputs){.settings = settings, .preconnect_given = true, .machine = eight}, *state);
	assert_false(plan->open_loop);
	assert_int_equal(plan->threads, 1);
	assert_int_equal(plan->max_tasks, 1);
	assert_int_equal(plan->requests, 1);
	assert_int_equal(plan->warmup, 0);
	assert_int_equal(plan->preconnect, 0);
	assert_int_equal(plan->groups.first_stage, plan->groups.first_step);
	assert_int_equal(plan->waiting, WAITING_SLEEPS);
}

/* What a run says at its start: tasks, ramp, rate, duration, addresses. */
static void the_plan_says_what_it_will_do(void **state) {
	static const struct {
		double rate;
		const char *stages, *words[8];
	} rows[] = {
		{0, NULL,
			{"GET http://localhost:3000/", "127.0.0.1:3000, [::1]:3000", "closed loop", "1000 tasks", "1 new every 100 ms", "30",
				"8 threads"}},
		{250, NULL, {"GET http://localhost:3000/", "[::1]:3000", "even", "250/s", "1000 in flight", "1 thread"}},
		{0, "10s@500,1m@2000", {"even", "500/s", "2000/s", "the run ends before the last stage does"}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->load.rate = rows[i].rate;
		add_stages(settings, rows[i].stages);
		const char *text = plan_describe(build((struct plan_inputs){.settings = settings, .machine = eight}, *state), &addresses, *state);
		for (size_t j = 0; j < LENGTH(rows[i].words) && rows[i].words[j]; j++)
			if (!strstr(text, rows[i].words[j])) fail_msg("'%s' is missing in '%s'", rows[i].words[j], text);
	}
}

/* Where the requests go, and how long connections live. */
static void the_plan_says_the_way(void **state) {
	const struct {
		struct http_settings http;
		struct net_settings net;
		struct proxy_environment proxies;
		const char *words[2], *absent;
	} rows[] = {
		{.http.url = "https://h/", .words = {"GET https://h/ (127.0.0.1:3000, [::1]:3000): closed"}, .absent = "for each request"},
		{.http.url = "http://h/",
			.net.proxy = "http://ann:pw@p:3128",
			.words = {"GET http://h/ by way of http://p:3128 (127"},
			.absent = "pw"},
		{.http.url = "http://ann:pw@h/", .proxies.all = "p", .words = {"GET http://h/ by way of http://p (ALL_PROXY) (127"}, .absent = "pw"},
		{.http.url = "http://h/",
			.net.unix_socket = "/run/x",
			.words = {"GET http://h/ through the Unix socket /run/x: closed"},
			.absent = "(127"},
		{.http.url = "http://h/", .net.disable_keepalive = true, .words = {", a connection for each request, for 30"}},
		{.http.url = "http://h/", .net.requests_per_connection = 5, .words = {", a connection for every 5 requests, for 30"}},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct settings *settings = presets(*state);
		settings->http.url = rows[i].http.url;
		settings->net = rows[i].net;
		settings->proxies = rows[i].proxies;
		const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
		const char *text = plan_describe(plan, &addresses, *state);
		for (size_t j = 0; j < LENGTH(rows[i].words) && rows[i].words[j]; j++)
			if (!strstr(text, rows[i].words[j])) fail_msg("'%s' is missing in '%s'", rows[i].words[j], text);
		if (rows[i].absent) assert_null(strstr(text, rows[i].absent));
		assert_int_equal(plan->tls, i == 0);
	}
}

static void a_list_is_named_and_not_read_out(void **state) {
	struct settings *settings = presets(*state);
	char path[] = "/tmp/plan_test_XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "http://h/\nhttps://i/\n", 21), 21);
	settings->http.urls_from_file = path;
	const struct plan *plan = build((struct plan_inputs){.settings = settings, .machine = eight}, *state);
	unlink(path);
	close(fd);
	assert_true(plan->tls);
	assert_int_equal(plan->targets->row_count, 2);
	assert_int_equal(plan->route.origin_count, 2);
	assert_int_equal(plan->source.count, 2);
	const char *texts[20];
	for (size_t i = 0; i < LENGTH(texts); i++) texts[i] = "1.2.3.4:80";
	const char *text = plan_describe(plan, &(struct text_list){20, texts}, *state);
	char begin[100];
	snprintf(begin, sizeof(begin), "2 URLs from %s (1.2.3.4:80, ", path);
	assert_ptr_equal(strstr(text, begin), text);
	assert_non_null(strstr(text, " and 12 more): closed loop"));
	text = plan_describe(plan, &(struct text_list){0}, *state);
	snprintf(begin, sizeof(begin), "2 URLs from %s: closed loop", path);
	assert_ptr_equal(strstr(text, begin), text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(shares_differ_by_one_and_add_up),
		CASE(threads_follow_load_and_machine),
		CASE(spinning_needs_a_spare_core),
		CASE(requests_count_from_the_window_on),
		CASE(a_poisson_window_begins_with_the_first_request_due_in_it),
		CASE(groups_are_all_connections_addresses_stages),
		CASE(elsewhere_is_where_a_run_may_come),
		CASE(a_rate_starts_with_connections_instead_of_a_ramp),
		CASE(settings_are_carried_over),
		CASE(connections_live_as_long_as_they_are_meant_to),
		CASE(debug_is_one_exchange),
		CASE(the_plan_says_what_it_will_do),
		CASE(the_plan_says_the_way),
		CASE(a_list_is_named_and_not_read_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
