/* Real runs against the built-in target that own a part of a schedule: what each of them sends, by the due times of its samples; a start at an instant; other parts
 * while they run. No time is asserted but that of the schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>

#include "cmd/reach.h"
#include "engine/run.h"
#include "target/target.h"

enum { SENT = 4096, TURNS = 3000 };

/* One of the machines that share the load. */
struct agent {
	struct settings settings;
	struct targets targets;
	struct route route;
	struct source source;
	struct reach reach;
	struct plan plan;
	struct run_hooks hooks;
	struct run *run;
	struct run_state state;
	struct run_totals totals;
	_Atomic size_t count; /* of samples */
	nsec due[SENT];
	unsigned rows[SENT];
};

static struct arena arena;
static struct target *target;
static struct agent agents[2];

static int setup(void **state) {
	(void)state;
	struct err err;
	struct target_settings settings = {.listen = "127.0.0.1:0", .threads = 1};
	arena_init(&arena);
	return target_open(&settings, &target, &err) ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	target_close(target);
	arena_fini(&arena);
	return 0;
}

static void agent_see(void *user, const struct sample *sample) {
	struct agent *agent = user;
	size_t i = atomic_fetch_add(&agent->count, 1);
	if (i >= SENT) return;
	agent->due[i] = sample->due;
	agent->rows[i] = sample->row;
}

static struct load_settings open_load(double rate) {
	return (struct load_settings){.duration = 1200 * MSEC,
		.spawn_rate = 16,
		.spawn_interval = 1,
		.threads = 2,
		.seed = 7,
		.max_tasks = 64,
		.preconnect = 4,
		.rate = rate};
}

static struct stripe stripe_of(uint64_t one, uint64_t other, size_t agent) {
	struct stripe stripe;
	struct err err;
	assert_true(stripe_build(&(struct stripe_share){2, agent, (const uint64_t[]){one, other}}, &arena, &stripe, &err));
	return stripe;
}

/* How an agent takes part. */
struct lot {
	struct load_settings load;
	struct stripe stripe;
	uint64_t tickets;
	nsec start_at;
	const char *list; /* of URLs; NULL: the target's front page */
};

static void agent_start(struct agent *agent, const struct lot *lot) {
	struct err err = {0};
	memset(agent, 0, sizeof(*agent));
	struct settings *settings = &agent->settings;
	settings->load = lot->load;
	settings->http = (struct http_settings){.timeout = 5 * SEC, .connect_timeout = 5 * SEC, .retry_stale = RETRY_STALE_IDEMPOTENT};
	status_set_parse(SLICE("200"), &settings->http.status);
	settings->http.url = arena_format(&arena, "http://127.0.0.1:%u/", target_port(target));
	if (lot->list) {
		settings->http.url = NULL;
		settings->http.urls_from_file = lot->list;
	}
	struct source_inputs words = {&settings->http, &settings->net, settings->load.seed, &agent->targets, &agent->route};
	assert_true(targets_read(&settings->http, &arena, &agent->targets, &err));
	assert_true(route_open(settings, 2, &arena, &agent->route, &err));
	assert_true(source_build(&words, &arena, &agent->source, &err));
	assert_true(reach_open(settings, &agent->route, &arena, &agent->reach, &err));
	struct plan_inputs inputs = {.settings = settings,
		.targets = &agent->targets,
		.route = &agent->route,
		.source = &agent->source,
		.addresses = &agent->reach.texts,
		.machine = {.cpus = 2, .target_local = true},
		.stripe = &lot->stripe,
		.tickets = lot->tickets};
	assert_true(plan_build(&inputs, &arena, &agent->plan, &err));
	agent->hooks = (struct run_hooks){.sample = agent_see, .user = agent};
	struct run_inputs run = {.plan = &agent->plan, .places = agent->reach.places, .hooks = &agent->hooks, .start_at = lot->start_at};
	assert_true(run_start(&run, &agent->run, &err));
}

/* Ticks the first `count` agents until `elapsed` of the first one, or until all have ended. */
static void agents_tick(size_t count, nsec elapsed) {
	for (int turn = 0; turn < TURNS; turn++) {
		bool ended = true;
		for (size_t i = 0; i < count; i++) {
			agents[i].state = run_tick(agents[i].run, NULL, NULL);
			ended = ended && agents[i].state.ended;
		}
		if (ended || (agents[0].state.started && agents[0].state.elapsed >= elapsed)) return;
		poll(NULL, 0, RUN_TICK_MS);
	}
	fail_msg("the run did not end");
}

/* Waits for the end; asserts what holds for every run. The run is still to be freed. */
static void agents_finish(size_t count) {
	agents_tick(count, NSEC_NEVER);
	for (size_t i = 0; i < count; i++) {
		struct agent *agent = &agents[i];
		run_finish(agent->run, NULL, NULL, &agent->totals);
		const struct tally *tally = agent->totals.tally;
		assert_int_equal(agent->totals.planned, tally->ok + tally->failed + tally->open + tally->unsent);
		assert_int_equal(agent->count, tally->ok + tally->failed + tally->open);
		assert_int_equal(tally->unsent, tally->cells[0].unsent);
		assert_in_range(tally->unsent, agent->totals.missed, UINT64_MAX);
		assert_in_range(agent->count, 0, SENT);
	}
}

static void agents_free(size_t count) {
	for (size_t i = 0; i < count; i++) run_free(agents[i].run);
}

/* Counts how often the agent sent each number of the whole schedule up to its duration; returns how many numbers there are. */
static uint64_t agent_count(const struct agent *agent, unsigned *times) {
	struct cursor cursor;
	uint64_t found = 0;
	for (cursor_init(&cursor, &agent->plan.schedule, 0, 1); cursor.due < agent->plan.duration; cursor_next(&cursor))
		for (size_t i = 0; i < agent->count; i++)
			if (agent->due[i] - agent->state.start == cursor.due) {
				times[cursor.k]++;
				found++;
			}
	assert_int_equal(found, agent->count); /* nothing else was sent */
	return cursor.k;
}

/* Two machines, 1 : 2, from a common start line: 600 numbers at 500/s in 1.2 s. */
static void two_machines_send_every_number_once(void **state) {
	(void)state;
	nsec start_at = clock_now() + SEC;
	unsigned times[2][SENT] = {0};
	for (size_t i = 0; i < 2; i++) agent_start(&agents[i], &(struct lot){open_load(500), stripe_of(1, 2, i), .start_at = start_at});
	agents_finish(2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(agent_count(&agents[i], times[i]), 600);
		assert_int_equal(agents[i].state.start, start_at);
		assert_int_equal(agents[i].totals.planned, i == 0 ? 200 : 400);
		assert_true(fabs(agents[i].totals.asked_per_s - (i == 0 ? 500 / 3.0 : 1000 / 3.0)) < 1e-6);
		assert_int_equal(agents[i].totals.tally->unsent, 0);
	}
	for (int k = 0; k < 600; k++) assert_int_equal(times[0][k] + times[1][k], 1);
	for (int k = 0; k < 600; k++) assert_int_equal(times[0][k], k % 3 == 1); /* windows of the two: 0-1, 1-2 and 0-2 */
	agents_free(2);
}

/* The first 100 numbers of the window: 33 and 67, and each knows that it has done its part. */
static void a_limit_is_a_number_of_the_whole(void **state) {
	(void)state;
	unsigned times[SENT] = {0};
	for (size_t i = 0; i < 2; i++) {
		struct lot lot = {open_load(500), stripe_of(1, 2, i)};
		lot.load.requests = 100;
		lot.load.warmup = 100 * MSEC; /* numbers 0 to 49 */
		agent_start(&agents[i], &lot);
	}
	agents_finish(2);
	for (size_t i = 0; i < 2; i++) {
		agent_count(&agents[i], times);
		assert_int_equal(agents[i].totals.planned, i == 0 ? 33 : 67); /* 52, 55, ... 148 */
		assert_true(agents[i].totals.limit_reached);
	}
	for (unsigned k = 0; k < 600; k++) assert_int_equal(times[k], k >= 50 && k < 150);
	agents_free(2);
}

/* Both are told at once of new shares, 1 : 1 first, 1 : 4 from 0.7 s on, 3 : 1 from 0.95 s on; even and Poisson, with stages of the load, too. */
static void no_number_is_lost_or_sent_twice_when_shares_change(void **state) {
	(void)state;
	int exact = 0;
	for (int i = 0; i < 4; i++) {
		unsigned times[SENT] = {0};
		uint64_t planned = 0, missed;
		struct load_settings load = open_load(i < 2 ? 500 : 100);
		load.arrival = i % 2 ? ARRIVAL_POISSON : ARRIVAL_EVEN;
		load.threads = 1 + (unsigned)i % 3;
		if (i >= 2) load.stages = (struct stage_list){.count = 2, .at = {{600 * MSEC, 800}, {800 * MSEC, 200}}};
		nsec start_at = clock_now() + 600 * MSEC;
		for (size_t a = 0; a < 2; a++) agent_start(&agents[a], &(struct lot){load, stripe_of(1, 1, a), .start_at = start_at});
		agents_tick(2, 0);
		for (size_t a = 0; a < 2; a++) {
			struct stripe first = stripe_of(1, 4, a), second = stripe_of(3, 1, a);
			assert_true(run_restripe(agents[a].run, 700 * MSEC, &first, &missed));
			assert_true(run_restripe(agents[a].run, 950 * MSEC, &second, &missed));
		}
		agents_finish(2);
		bool held_up = agents[0].totals.missed + agents[1].totals.missed > 0; /* for 500 ms: the busy machine's fault */
		exact += !held_up;
		for (size_t a = 0; a < 2; a++) planned += agents[a].totals.planned;
		uint64_t count = agent_count(&agents[0], times);
		assert_int_equal(agent_count(&agents[1], times), count);
		for (uint64_t k = 0; k < count && !held_up; k++) assert_int_equal(times[k], 1);
		if (!held_up) assert_int_equal(planned, count);
		if (i == 0 && !held_up) { /* 1/2 of 0.7 s, 1/5 of 0.25 s, 3/4 of 0.25 s at 500/s, in 1.2 s */
			assert_true(fabs(agents[0].totals.asked_per_s - (175 + 25 + 93.75) / 1.2) < 1e-6);
			assert_in_range(agents[0].totals.planned, 175 + 25 + 93, 175 + 25 + 95);
		}
		agents_free(2);
	}
	assert_true(exact > 0);
}

/* Half of the numbers, all of them from 0.1 s (number 20 at 200/s) on, which is told after 0.4 s: what the other half had in between is missed. */
static void what_came_too_late_is_unsent(void **state) {
	(void)state;
	unsigned times[SENT] = {0};
	uint64_t missed, again;
	struct lot lot = {open_load(200), stripe_of(1, 1, 0)};
	lot.load.duration = 3 * SEC;
	agent_start(&agents[0], &lot);
	agents_tick(1, 400 * MSEC);
	assert_true(run_restripe(agents[0].run, 100 * MSEC, &stripe_whole, &missed));
	assert_true(run_restripe(agents[0].run, 700 * MSEC + agents[0].state.elapsed, &stripe_whole, &again));
	agents_finish(1);
	agent_count(&agents[0], times);
	unsigned first = 1;
	while (first < 600 && times[first] == 0) first += 2;
	assert_in_range(first, 120, 599); /* 0.4 s and 200 ms */
	assert_int_equal(missed, (first - 21) / 2);
	assert_int_equal(again, 0);
	assert_int_equal(agents[0].totals.missed, missed);
	assert_int_equal(agents[0].totals.tally->unsent, missed);
	for (unsigned k = 0; k < 600; k++) assert_int_equal(times[k], k % 2 == 0 || k >= first);
	assert_int_equal(agents[0].totals.planned, 10 + 580); /* even ones below 20, all from there on */
	agents_free(1);
}

/* Of the numbers below the limit none is its own by the first stripe, so that its threads end at once; then all are. */
static void a_share_for_those_that_have_ended_is_missed(void **state) {
	(void)state;
	uint64_t missed;
	struct lot lot = {open_load(10), stripe_of(1, 99, 0)};
	lot.load.requests = 12;
	agent_start(&agents[0], &lot); /* its first number is 98, the last place that it may have before the other one, by its place in the list */
	agents_tick(1, 100 * MSEC);
	assert_true(run_restripe(agents[0].run, 950 * MSEC, &stripe_whole, &missed));
	agents_finish(1);
	assert_int_equal(agents[0].count, 0);
	assert_int_equal(agents[0].totals.planned, 2); /* 10 and 11, due at 1 s and 1.1 s */
	assert_int_equal(agents[0].totals.missed, 2);
	assert_false(agents[0].totals.limit_reached);
	agents_free(1);
}

static void wrong_changes_are_refused(void **state) {
	(void)state;
	uint64_t missed;
	agent_start(&agents[0], &(struct lot){open_load(500), stripe_of(1, 1, 0)});
	struct stripe other = stripe_of(1, 1, 1);
	assert_true(run_restripe(agents[0].run, -MSEC, &other, &missed)); /* from the start line on, and the start is not given yet */
	assert_true(run_restripe(agents[0].run, 500 * MSEC, &stripe_whole, &missed));
	assert_false(run_restripe(agents[0].run, 499 * MSEC, &stripe_whole, &missed));
	for (int i = 2; i < RUN_RESTRIPES; i++) assert_true(run_restripe(agents[0].run, SEC, &stripe_whole, &missed));
	assert_false(run_restripe(agents[0].run, SEC, &stripe_whole, &missed));
	agents_finish(1);
	assert_int_equal(agents[0].totals.planned, 125 + 350); /* half of 0.5 s and all of 0.7 s at 500/s */
	agents_free(1);
	agent_start(&agents[0], &(struct lot){open_load(0), stripe_whole});
	assert_false(run_restripe(agents[0].run, SEC, &stripe_whole, &missed));
	run_stop(agents[0].run);
	agents_finish(1);
	agents_free(1);
}

/* Two URLs by turns, two machines by turns: each asks for one of them only. And shares of 7 and 0 requests. */
static void closed_loops_share_numbers_and_requests(void **state) {
	(void)state;
	char path[] = "/tmp/strest-stripe-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "http://127.0.0.1:%u/delay/20ms\nhttp://127.0.0.1:%u/delay/21ms\n", target_port(target), target_port(target)) > 0);
	close(fd);
	for (int limited = 0; limited < 2; limited++) {
		for (size_t i = 0; i < 2; i++) {
			struct lot lot = {open_load(0), stripe_of(1, 1, i), .list = path};
			lot.load.duration = limited ? 20 * SEC : 200 * MSEC;
			lot.load.requests = limited ? 7 : 0;
			lot.tickets = limited && i == 1 ? 7 : 0;
			agent_start(&agents[i], &lot);
		}
		for (int turn = 0; turn < TURNS && limited == 0 && (agents[0].count < 20 || agents[1].count < 20); turn++) {
			for (size_t i = 0; i < 2; i++) run_tick(agents[i].run, NULL, NULL);
			poll(NULL, 0, RUN_TICK_MS);
		}
		agents_finish(2);
		for (size_t i = 0; i < 2; i++) {
			for (size_t j = 0; j < agents[i].count && j < SENT; j++) assert_int_equal(agents[i].rows[j], i);
			if (limited) assert_int_equal(agents[i].totals.planned, i == 1 ? 7 : 0);
			assert_int_equal(agents[i].totals.limit_reached, limited);
		}
		agents_free(2);
	}
	unlink(path);
}

static nsec cpu_now(void) {
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (nsec)used.tv_sec * SEC + used.tv_nsec;
}

/* Until the start line nobody is busy, not even those that spin afterwards; a line that has passed is now. */
static void a_start_comes_at_its_instant(void **state) {
	(void)state;
	struct lot lot = {open_load(100), stripe_whole, .start_at = clock_now() + 1500 * MSEC};
	lot.load.spin = SPIN_ON;
	agent_start(&agents[0], &lot);
	nsec used = cpu_now();
	agents_tick(1, -100 * MSEC);
	used = cpu_now() - used;
	nsec waited = clock_now() - (lot.start_at - 1500 * MSEC);
	assert_true(used < waited / 4);
	agents_finish(1);
	assert_int_equal(agents[0].state.start, lot.start_at);
	assert_int_equal(agents[0].totals.planned, 120);
	agents_free(1);
	nsec before = clock_now();
	lot.start_at = before - SEC;
	agent_start(&agents[0], &lot);
	agents_finish(1);
	assert_true(agents[0].state.start > before);
	assert_int_equal(agents[0].totals.planned, 120);
	agents_free(1);
}

/* Long before the start line, and shortly before it: nothing is sent, and nobody waits for a line that is far. */
static void a_stop_before_the_start_ends_the_run(void **state) {
	(void)state;
	static const nsec ahead[] = {600 * SEC, 2 * SEC};
	for (size_t i = 0; i < LENGTH(ahead) * 2; i++) {
		struct lot lot = {open_load(i % 2 ? 500 : 0), stripe_of(1, 1, 0), .start_at = clock_now() + ahead[i / 2]};
		agent_start(&agents[0], &lot);
		if (i / 2 == 1) agents_tick(1, -NSEC_NEVER);
		run_stop(agents[0].run);
		bool in_time = clock_now() < lot.start_at - 200 * MSEC;
		agents_finish(1);
		assert_true(clock_now() < lot.start_at + 300 * SEC);
		if (in_time) assert_int_equal(agents[0].count, 0);
		if (in_time) assert_int_equal(agents[0].totals.planned, 0);
		agents_free(1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_machines_send_every_number_once),
		cmocka_unit_test(a_limit_is_a_number_of_the_whole),
		cmocka_unit_test(no_number_is_lost_or_sent_twice_when_shares_change),
		cmocka_unit_test(what_came_too_late_is_unsent),
		cmocka_unit_test(a_share_for_those_that_have_ended_is_missed),
		cmocka_unit_test(wrong_changes_are_refused),
		cmocka_unit_test(closed_loops_share_numbers_and_requests),
		cmocka_unit_test(a_start_comes_at_its_instant),
		cmocka_unit_test(a_stop_before_the_start_ends_the_run),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
