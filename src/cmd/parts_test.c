/* Every sample of real runs against the built-in target, plain, over TLS, by redirects, tunnels and lists: its stamps are in order and its parts add up to done - due, to the ns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/parts_relay.h"
#include "cmd/reach.h"
#include "engine/run.h"
#include "net/tls.h"
#include "target/target.h"

struct watch {
	_Atomic uint64_t samples, wrong_sums, negative_parts, wrong_order;
	_Atomic uint64_t nonzero[PART_COUNT];
	/* As the run counted them. */
	uint64_t planned, ok, open, attempts, retries, hops, opened, handshakes_full, handshakes_resumed, outside, client_queue;
	uint64_t relayed;           /* requests, by the relay's own count */
	uint64_t stages[4], unsent; /* planned requests of each stage */
};

static void watch_sample(void *user, const struct sample *sample) {
	struct watch *watch = user;
	nsec parts[PART_COUNT], sum = 0;
	sample_parts(sample, parts);
	for (int i = 0; i < PART_COUNT; i++) {
		sum += parts[i];
		if (parts[i] < 0) atomic_fetch_add(&watch->negative_parts, 1);
		if (parts[i] > 0) atomic_fetch_add(&watch->nonzero[i], 1);
	}
	if (sum != sample->done - sample->due) atomic_fetch_add(&watch->wrong_sums, 1);
	bool order = sample->due <= sample->ready && sample->ready <= sample->sent && sample->sent <= sample->written &&
		     sample->written <= sample->first && sample->first <= sample->done;
	if (!order) atomic_fetch_add(&watch->wrong_order, 1);
	atomic_fetch_add(&watch->samples, 1);
}

/* How a test is played. */
struct manner {
	bool tls, resume;
};

/* How the requests of a scene come to the target. */
enum by {
	BY_ITSELF,
	BY_REDIRECTS, /* three of them, the last one from another origin */
	BY_TUNNEL,
	BY_LIST, /* of this URL and one of another origin */
};

struct scene {
	const struct manner *way;
	const char *path;
	struct load_settings load;
	struct http_settings http;
	const char *stall;
	enum by by;
	struct net_settings net;
};

/* Runs a load and writes down what was seen; asserts what holds for every run. */
static void run_play(const struct run_inputs *inputs, struct watch *watch) {
	struct run *run;
	struct run_totals totals;
	struct err err = {0};
	assert_true(run_start(inputs, &run, &err));
	struct pollfd polled = {.fd = run_descriptor(run), .events = POLLIN};
	for (int i = 0; i < 3000 && !run_tick(run, NULL, NULL).ended; i++) poll(&polled, 1, RUN_TICK_MS);
	run_finish(run, NULL, NULL, &totals);
	const struct tally *tally = totals.tally;
	watch->planned = totals.planned;
	watch->ok = tally->ok;
	watch->open = tally->open;
	watch->opened = tally->opened;
	watch->attempts = tally->attempts;
	watch->retries = tally->retries;
	watch->hops = tally->hops;
	watch->handshakes_full = tally->handshakes_full;
	watch->handshakes_resumed = tally->handshakes_resumed;
	watch->unsent = tally->unsent;
	for (size_t i = 0; i < LENGTH(watch->stages) && inputs->plan->groups.first_stage + i < inputs->plan->groups.first_step; i++) {
		const struct cell *cell = &tally->cells[inputs->plan->groups.first_stage + i];
		watch->stages[i] = cell->ok + cell->failed + cell->open + cell->unsent;
	}
	watch->outside = totals.totals->outside.count;
	watch->client_queue = totals.totals->client_queue.count;
	assert_true(watch->samples > 0);
	assert_int_equal(watch->wrong_sums, 0);
	assert_int_equal(watch->negative_parts, 0);
	assert_int_equal(watch->wrong_order, 0);
	assert_int_equal(watch->samples, tally->ok + tally->failed + tally->open);
	assert_int_equal(totals.planned, tally->ok + tally->failed + tally->open + tally->unsent);
	assert_int_equal(tally->unsent, tally->cells[0].unsent);
	assert_int_equal(tally->opened, tally->closed[CLOSER_PEER] + tally->closed[CLOSER_US] + tally->closed[CLOSER_END]);
	assert_int_equal(watch->outside, watch->client_queue);
	assert_true(totals.strain.wall >= inputs->plan->duration / 2);
	assert_true((totals.tls_version != NULL) == inputs->plan->tls);
	run_free(run);
}

/* Writes the list of URLs; the file is gone with the test that reads it. */
static const char *scene_write_list(const char *url, const char *other, struct arena *arena) {
	char path[] = "/tmp/strest-parts-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%s\n%s\n", url, other) > 0);
	close(fd);
	return arena_copy(arena, slice_of(path));
}

/* Makes the settings lead to `url` as the scene says. Returns who helps with it; NULL: nobody. */
static struct relay *scene_lead(const struct scene *scene, const char *url, struct arena *arena, struct settings *settings) {
	settings->http.url = url;
	if (scene->by == BY_ITSELF) return NULL;
	struct relay *relay = relay_open(url);
	const char *own = arena_format(arena, "http://127.0.0.1:%u", relay_port(relay));
	if (scene->by == BY_TUNNEL) settings->net.proxy = own;
	if (scene->by == BY_REDIRECTS) {
		settings->http.url = arena_format(arena, "%s/hop/2", own);
		settings->http.redirect = 3;
	} else if (scene->by == BY_LIST) {
		settings->http.url = NULL;
		settings->http.urls_from_file = scene_write_list(url, own, arena);
	}
	return relay;
}

/* Plays a scene with a target of its own. */
static void scene_play(const struct scene *scene, struct watch *watch) {
	static struct settings settings;
	struct target *target;
	struct relay *relay;
	struct arena arena;
	struct err err = {0};
	struct targets targets;
	struct route route;
	struct source source;
	struct reach reach;
	struct plan plan;
	struct tls_context *tls = NULL;
	const struct manner *way = scene->way;
	struct target_settings target_settings = {.listen = "127.0.0.1:0", .threads = 1, .stall = scene->stall, .tls = way->tls};
	arena_init(&arena);
	settings.load = scene->load;
	settings.http = scene->http;
	settings.net = scene->net;
	settings.tls = (struct tls_settings){.insecure = true, .resume = way->resume};
	assert_true(target_open(&target_settings, &target, &err));
	const char *url = arena_format(&arena, "%s://127.0.0.1:%u%s", way->tls ? "https" : "http", target_port(target), scene->path);
	relay = scene_lead(scene, url, &arena, &settings);
	struct source_inputs words = {&settings.http, &settings.net, settings.load.seed, &targets, &route};
	assert_true(targets_read(&settings.http, &arena, &targets, &err));
	assert_true(route_open(&settings, 2, &arena, &route, &err));
	assert_true(source_build(&words, &arena, &source, &err));
	if (settings.http.urls_from_file) unlink(settings.http.urls_from_file);
	assert_true(reach_open(&settings, &route, &arena, &reach, &err));
	struct plan_inputs inputs = {.settings = &settings,
		.targets = &targets,
		.route = &route,
		.source = &source,
		.addresses = &reach.texts,
		.machine = {.cpus = 2, .target_local = true}};
	assert_true(plan_build(&inputs, &arena, &plan, &err));
	assert_true(!way->tls || tls_context_open(&settings.tls, &tls, &err));
	struct run_hooks hooks = {.sample = watch_sample, .user = watch};
	run_play(&(struct run_inputs){.plan = &plan, .places = reach.places, .tls = tls, .tls_settings = &settings.tls, .hooks = &hooks}, watch);
	assert_int_equal(watch->handshakes_full + watch->handshakes_resumed, way->tls ? watch->opened : 0);
	assert_true((watch->handshakes_resumed > 0) == way->resume);
	uint64_t connected = way->tls ? watch->nonzero[PART_CONNECT] : 0;
	assert_in_range(watch->nonzero[PART_TLS], connected > watch->open ? connected - watch->open : 0, connected); /* open ones may be connecting */
	tls_context_close(tls);
	target_close(target);
	if (relay) watch->relayed = relay_close(relay);
	arena_fini(&arena);
}

#define LOAD .duration = 600 * MSEC, .spawn_rate = 16, .spawn_interval = 1, .threads = 2, .seed = 1
#define HTTP .timeout = 300 * MSEC, .connect_timeout = SEC, .retry_stale = RETRY_STALE_IDEMPOTENT

static struct http_settings scene_http(void) {
	struct http_settings http = {HTTP};
	status_set_parse(SLICE("200"), &http.status);
	return http;
}

static void a_closed_loop_adds_up(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/", {LOAD, .max_tasks = 16}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_WAIT] == watch.samples);
	assert_true(watch.nonzero[PART_CONNECT] == 16);
	assert_int_equal(watch.nonzero[PART_BLOCKED], 0);
}

static void an_open_loop_with_too_few_connections_is_blocked(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/delay/20ms", {LOAD, .max_tasks = 4, .rate = 400, .preconnect = 0}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_BLOCKED] > watch.samples / 2); /* 4 connections carry 200/s */
	assert_int_equal(watch.planned, 240);
}

/* 0 to 100/s in 0.5 s, to 300/s in 0.5 s, to 0 in 1 s: 25, 100 and 150 requests. Four connections carry 10/s: most are never sent. */
static void unsent_requests_count_in_their_stage(void **state) {
	static const struct stage stages[] = {{500 * MSEC, 100}, {500 * MSEC, 300}, {SEC, 0}};
	struct watch watch = {0};
	struct load_settings load = {LOAD, .max_tasks = 4};
	load.duration = 2 * SEC;
	load.stages.count = LENGTH(stages);
	for (size_t i = 0; i < LENGTH(stages); i++) load.stages.at[i] = stages[i];
	scene_play(&(struct scene){*state, "/delay/400ms", load, scene_http(), NULL}, &watch);
	assert_true(watch.unsent > 200);
	assert_int_equal(watch.stages[0], 25);
	assert_int_equal(watch.stages[1], 100);
	assert_int_equal(watch.stages[2], 150);
	load.requests = 60; /* the first 60: all of the first stage, 35 of the second */
	memset(&watch, 0, sizeof(watch));
	scene_play(&(struct scene){*state, "/delay/400ms", load, scene_http(), NULL}, &watch);
	assert_int_equal(watch.stages[0], 25);
	assert_int_equal(watch.stages[1], 35);
	assert_int_equal(watch.stages[2], 0);
}

static void a_stalling_target_adds_up(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/delay/2ms", {LOAD, .max_tasks = 64, .rate = 500}, scene_http(), "50ms/200ms"}, &watch);
	assert_int_equal(watch.planned, 300);
}

static void a_connection_per_request_adds_up(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/close", {LOAD, .max_tasks = 8}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_CONNECT] == watch.samples);
}

/* In a closed loop and in an open one. */
static const struct load_settings both_loads[] = {{LOAD, .max_tasks = 8}, {LOAD, .max_tasks = 8, .rate = 200, .preconnect = 4}};

static void a_chain_of_redirects_adds_up(void **state) {
	for (size_t i = 0; i < LENGTH(both_loads); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){*state, "/delay/1ms", both_loads[i], scene_http(), NULL, BY_REDIRECTS}, &watch);
		assert_int_equal(watch.ok, watch.samples);
		assert_int_equal(watch.hops, 3 * watch.ok);
		assert_int_equal(watch.relayed, 3 * watch.ok);
		assert_int_equal(watch.attempts, watch.ok + watch.hops + watch.retries);
		assert_int_equal(watch.nonzero[PART_RETRY], watch.samples);
	}
}

static void a_chain_of_redirects_without_keepalive_adds_up(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/close", both_loads[0], scene_http(), NULL, BY_REDIRECTS, {.disable_keepalive = true}}, &watch);
	assert_int_equal(watch.ok, watch.samples);
	assert_int_equal(watch.hops, 3 * watch.ok);
	assert_int_equal(watch.opened, 4 * watch.ok);
	assert_int_equal(watch.nonzero[PART_CONNECT], watch.samples);
}

static void a_tunnel_adds_up(void **state) {
	for (size_t i = 0; i < LENGTH(both_loads); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){*state, "/delay/1ms", both_loads[i], scene_http(), NULL, BY_TUNNEL}, &watch);
		assert_int_equal(watch.ok, watch.samples);
		assert_int_equal(watch.relayed, watch.opened);
		assert_in_range(watch.opened, 1, 8);
		assert_int_equal(watch.attempts, watch.ok);
	}
}

static void a_tunnel_per_request_adds_up(void **state) {
	struct watch watch = {0};
	struct load_settings load = {LOAD, .max_tasks = 4, .rate = 50};
	scene_play(&(struct scene){*state, "/", load, scene_http(), NULL, BY_TUNNEL, {.disable_keepalive = true}}, &watch);
	assert_int_equal(watch.ok, 30);
	assert_int_equal(watch.opened, 30);
	assert_int_equal(watch.relayed, 30);
	assert_int_equal(watch.nonzero[PART_TLS], 30 - 4); /* as many were opened in advance as there are tasks */
}

/* Each task keeps a connection with both origins: none is given up for the other. */
static void a_list_of_two_origins_adds_up(void **state) {
	for (size_t i = 0; i < LENGTH(both_loads); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){*state, "/delay/1ms", both_loads[i], scene_http(), NULL, BY_LIST}, &watch);
		assert_int_equal(watch.ok, watch.samples);
		assert_int_equal(watch.attempts, watch.ok);
		assert_in_range(watch.relayed, watch.ok / 2 - 8, watch.ok / 2 + 8);
		assert_in_range(watch.opened, 2, 16);
	}
}

static void a_list_of_two_origins_without_keepalive_adds_up(void **state) {
	for (size_t i = 0; i < LENGTH(both_loads); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){*state, "/close", both_loads[i], scene_http(), NULL, BY_LIST, {.disable_keepalive = true}}, &watch);
		assert_int_equal(watch.ok, watch.samples);
		assert_true(watch.opened >= watch.ok && watch.opened <= watch.ok + 8); /* some may have been opened in advance */
	}
}

static void time_outs_resets_and_cuts_add_up(void **state) {
	static const char *const paths[] = {"/hang", "/reset", "/cut", "/garbage", "/endless"};
	for (size_t i = 0; i < LENGTH(paths); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){*state, paths[i], {LOAD, .max_tasks = 4, .rate = 50}, scene_http(), NULL}, &watch);
		assert_int_equal(watch.ok, 0);
		assert_int_equal(watch.planned, 30);
	}
}

static void large_bodies_both_ways_add_up(void **state) {
	struct watch watch = {0};
	static char body[8 << 20];
	for (size_t i = 0; i + 1 < sizeof(body); i++) body[i] = 'x';
	struct http_settings http = scene_http();
	http.method = METHOD_POST;
	http.data = body;
	http.timeout = 10 * SEC;
	scene_play(&(struct scene){*state, "/echo", {LOAD, .max_tasks = 2}, http, NULL}, &watch);
	assert_true(watch.nonzero[PART_WRITE] > 0);
	assert_true(watch.nonzero[PART_TRANSFER] > 0);
}

static void kernel_stamps_on_all_connections_come_with_every_response(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/delay/1ms", {LOAD, .max_tasks = 4, .kernel_stamps = KERNEL_STAMPS_ALL}, scene_http(), NULL}, &watch);
	assert_true(watch.ok > 100);
	assert_int_equal(watch.outside, watch.ok);
}

static void kernel_stamps_that_are_off_do_not_come(void **state) {
	struct watch watch = {0};
	scene_play(&(struct scene){*state, "/", {LOAD, .max_tasks = 4, .kernel_stamps = KERNEL_STAMPS_OFF}, scene_http(), NULL}, &watch);
	assert_int_equal(watch.outside, 0);
}

/* Of 32 connections of a worker two have them at a time. The target answers after 1 ms, so each connection does about the same. */
static void kernel_stamps_on_a_sample_come_with_a_sixteenth(void **state) {
	struct watch watch = {0};
	struct load_settings load = {LOAD, .max_tasks = 64, .kernel_stamps = KERNEL_STAMPS_SAMPLE};
	load.spawn_rate = 64;
	struct http_settings http = scene_http();
	http.timeout = 10 * SEC; /* 64 handshakes at once take their time */
	scene_play(&(struct scene){*state, "/delay/5ms", load, http, NULL}, &watch);
	assert_in_range(watch.outside, watch.ok / 24, watch.ok / 12);
}

#define TEST(test, way)                                                                                                                              \
	{ #test " (" #way ")", test, NULL, NULL, (void *)(uintptr_t)&way }
#define TESTS(test) TEST(test, plain), TEST(test, tls)

int main(void) {
	static const struct manner plain = {0}, tls = {.tls = true}, tls_resumed = {.tls = true, .resume = true};
	const struct CMUnitTest tests[] = {
		TESTS(a_closed_loop_adds_up),
		TESTS(an_open_loop_with_too_few_connections_is_blocked),
		TEST(unsent_requests_count_in_their_stage, plain),
		TESTS(a_stalling_target_adds_up),
		TESTS(a_connection_per_request_adds_up),
		TEST(a_connection_per_request_adds_up, tls_resumed),
		TEST(a_chain_of_redirects_adds_up, plain),
		TEST(a_chain_of_redirects_without_keepalive_adds_up, plain),
		TEST(a_tunnel_adds_up, tls),
		TEST(a_tunnel_per_request_adds_up, tls),
		TEST(a_list_of_two_origins_adds_up, plain),
		TEST(a_list_of_two_origins_without_keepalive_adds_up, plain),
		TESTS(time_outs_resets_and_cuts_add_up),
		TESTS(large_bodies_both_ways_add_up),
		TESTS(kernel_stamps_on_all_connections_come_with_every_response),
		TESTS(kernel_stamps_that_are_off_do_not_come),
		TESTS(kernel_stamps_on_a_sample_come_with_a_sixteenth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
