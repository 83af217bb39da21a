/* Every sample of real runs against the built-in target: its stamps are in order and its parts add up to done - due, to the ns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <poll.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "engine/run.h"
#include "target/target.h"

struct watch {
	_Atomic uint64_t samples, wrong_sums, negative_parts, wrong_order;
	_Atomic uint64_t nonzero[PART_COUNT];
	uint64_t planned, ok; /* as the run counted them */
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

struct scene {
	const char *path;
	struct load_settings load;
	struct http_settings http;
	const char *stall;
};

/* Runs a load against a target of its own and writes down what was seen; asserts what holds for every run. */
static void scene_play(const struct scene *scene, struct watch *watch) {
	static struct settings settings;
	struct target *target;
	struct arena arena;
	struct err err = {0};
	struct url url;
	struct address_list addresses;
	struct plan plan;
	struct run *run;
	struct run_totals totals;
	struct target_settings target_settings = {.listen = "127.0.0.1:0", .threads = 1, .stall = scene->stall};
	arena_init(&arena);
	settings.load = scene->load;
	settings.http = scene->http;
	settings.http.url = "";
	assert_true(target_open(&target_settings, &target, &err));
	char *text = arena_format(&arena, "http://127.0.0.1:%u%s", target_port(target), scene->path);
	assert_true(url_parse(text, &arena, &url, &err));
	assert_true(address_resolve(&(struct address_query){url.host, url.port, SEC}, &arena, &addresses, &err));
	struct text_list texts = {1, &addresses.at[0].text};
	struct plan_inputs inputs = {.settings = &settings, .url = &url, .addresses = &texts, .machine = {.cpus = 2, .target_local = true}};
	assert_true(plan_build(&inputs, &arena, &plan, &err));
	struct run_hooks hooks = {watch_sample, watch};
	assert_true(run_start(&plan, &addresses, &hooks, &run, &err));
	struct pollfd polled = {.fd = run_descriptor(run), .events = POLLIN};
	for (int i = 0; i < 600 && !run_tick(run, NULL, NULL).ended; i++) poll(&polled, 1, 100);
	run_finish(run, NULL, NULL, &totals);
	const struct tally *tally = totals.tally;
	watch->planned = totals.planned;
	watch->ok = tally->ok;
	assert_true(watch->samples > 0);
	assert_int_equal(watch->wrong_sums, 0);
	assert_int_equal(watch->negative_parts, 0);
	assert_int_equal(watch->wrong_order, 0);
	assert_int_equal(watch->samples, tally->ok + tally->failed + tally->open);
	assert_int_equal(totals.planned, tally->ok + tally->failed + tally->open + tally->unsent);
	run_free(run);
	target_close(target);
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
	(void)state;
	struct watch watch = {0};
	scene_play(&(struct scene){"/", {LOAD, .max_tasks = 16}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_WAIT] == watch.samples);
	assert_true(watch.nonzero[PART_CONNECT] == 16);
	assert_int_equal(watch.nonzero[PART_BLOCKED], 0);
}

static void an_open_loop_with_too_few_connections_is_blocked(void **state) {
	(void)state;
	struct watch watch = {0};
	scene_play(&(struct scene){"/delay/20ms", {LOAD, .max_tasks = 4, .rate = 400, .preconnect = 0}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_BLOCKED] > watch.samples / 2); /* 4 connections carry 200/s */
	assert_int_equal(watch.planned, 240);
}

static void a_stalling_target_adds_up(void **state) {
	(void)state;
	struct watch watch = {0};
	scene_play(&(struct scene){"/delay/2ms", {LOAD, .max_tasks = 64, .rate = 500}, scene_http(), "50ms/200ms"}, &watch);
	assert_int_equal(watch.planned, 300);
}

static void a_connection_per_request_adds_up(void **state) {
	(void)state;
	struct watch watch = {0};
	scene_play(&(struct scene){"/close", {LOAD, .max_tasks = 8}, scene_http(), NULL}, &watch);
	assert_true(watch.nonzero[PART_CONNECT] == watch.samples);
}

static void time_outs_resets_and_cuts_add_up(void **state) {
	(void)state;
	static const char *const paths[] = {"/hang", "/reset", "/cut", "/garbage", "/endless"};
	for (size_t i = 0; i < LENGTH(paths); i++) {
		struct watch watch = {0};
		scene_play(&(struct scene){paths[i], {LOAD, .max_tasks = 4, .rate = 50}, scene_http(), NULL}, &watch);
		assert_int_equal(watch.ok, 0);
		assert_int_equal(watch.planned, 30);
	}
}

static void large_bodies_both_ways_add_up(void **state) {
	(void)state;
	struct watch watch = {0};
	static char body[8 << 20];
	for (size_t i = 0; i + 1 < sizeof(body); i++) body[i] = 'x';
	struct http_settings http = scene_http();
	http.method = METHOD_POST;
	http.data = body;
	http.timeout = 10 * SEC;
	scene_play(&(struct scene){"/echo", {LOAD, .max_tasks = 2}, http, NULL}, &watch);
	assert_true(watch.nonzero[PART_WRITE] > 0);
	assert_true(watch.nonzero[PART_TRANSFER] > 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_loop_adds_up),
		cmocka_unit_test(an_open_loop_with_too_few_connections_is_blocked),
		cmocka_unit_test(a_stalling_target_adds_up),
		cmocka_unit_test(a_connection_per_request_adds_up),
		cmocka_unit_test(time_outs_resets_and_cuts_add_up),
		cmocka_unit_test(large_bodies_both_ways_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
