#include "cmd/fleet_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mapped.h"
#include "config/travel.h"
#include "plan/script.h"
#include "plan/stripe.h"

struct fleet_run {
	const struct cli *own;
	const struct message_config *config;
	struct arena arena;
	struct cli cli;
	struct stripe stripe;
	struct prepared ready;
	struct err err;
	pthread_t thread;
	int descriptor;
	atomic_bool over; /* preparing has ended */
	bool joined, good;
};

bool fleet_run_stripe(struct fleet_run *run, const struct message_weights *weights, size_t index, struct stripe *ret, struct err *err) {
	uint64_t *all = arena_array(&run->arena, weights->count, sizeof(*all));
	for (size_t i = 0; i < weights->count; i++) all[i] = weights->at[i];
	return stripe_build(&(struct stripe_share){weights->count, index, all}, &run->arena, ret, err);
}

static bool take_files(const struct message_config *config, struct err *err) {
	files_seal();
	for (size_t i = 0; i < config->files.count; i++)
		if (!files_give(config->files.at[i].name, config->files.at[i].bytes, err)) return false;
	return true;
}

static bool prepare_all(struct fleet_run *run) {
	const struct message_config *config = run->config;
	struct prepare_share share = {&run->stripe, (uint64_t)config->requests};
	struct err *err = &run->err;
	return take_files(config, err) && travel_read(slice_of(config->config), run->own, &run->arena, &run->cli, err) &&
	       fleet_run_stripe(run, &config->weights, (size_t)config->index, &run->stripe, err) &&
	       prepare_source(&run->ready, &run->cli, false, &run->arena, err) && prepare_reach(&run->ready, &run->arena, err) &&
	       prepare_plan(&run->ready, &share, true, &run->arena, err);
}

static void *prepare_thread(void *argument) {
	struct fleet_run *run = argument;
	uint64_t one = 1;
	run->good = prepare_all(run);
	atomic_store(&run->over, true);
	if (write(run->descriptor, &one, sizeof(one)) < 0) return NULL; /* main looks every tick, too */
	return NULL;
}

struct fleet_run *fleet_run_new(const struct cli *own, const struct message_config *config) {
	struct fleet_run *run = mem_zeroed(1, sizeof(*run));
	run->own = own;
	run->config = config;
	arena_init(&run->arena);
	run->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int failed = pthread_create(&run->thread, NULL, prepare_thread, run);
	if (!failed) return run;
	err_set_sys(&run->err, ERR_FAILED, failed, "cannot start a thread");
	run->joined = true;
	atomic_store(&run->over, true);
	return run;
}

static void join(struct fleet_run *run) {
	if (!run->joined) pthread_join(run->thread, NULL);
	run->joined = true;
}

void fleet_run_free(struct fleet_run *run) {
	if (!run) return;
	join(run);
	prepare_free(&run->ready);
	arena_fini(&run->arena);
	mapped_close_all();
	files_reset();
	if (run->descriptor >= 0) close(run->descriptor);
	free(run);
}

int fleet_run_descriptor(const struct fleet_run *run) {
	return run->joined ? -1 : run->descriptor;
}

bool fleet_run_is_ready(struct fleet_run *run, struct agent_prepared *ret) {
	if (!atomic_load(&run->over)) return false;
	join(run);
	*ret = (struct agent_prepared){.fault = run->good ? NULL : run->err.text};
	if (!run->good) return true;
	ret->addresses = (struct message_texts){run->ready.reach.texts.at, run->ready.reach.texts.count};
	ret->threads = run->ready.plan.threads;
	return true;
}

const struct cli *fleet_run_cli(const struct fleet_run *run) {
	return &run->cli;
}

const struct prepared *fleet_run_prepared(const struct fleet_run *run) {
	return &run->ready;
}

struct arena *fleet_run_arena(struct fleet_run *run) {
	return &run->arena;
}

bool fleet_run_write_snapshot(const struct fleet_run *run, const struct tally *so_far, nsec window, struct buf *into) {
	const struct group_table *groups = &run->ready.plan.groups;
	struct parcel parcel = {.tally = so_far, .facts = {.window = window, .answered = so_far->bytes_received > 0}};
	parcel.facts.planned = so_far->ok + so_far->failed + so_far->open + so_far->unsent;
	for (size_t i = groups->first_scenario; i < groups->count; i++) {
		const struct cell *cell = &so_far->cells[i];
		parcel.facts.iterations_planned += cell->ok + cell->failed + cell->open + cell->unsent;
	}
	return parcel_write(&parcel, into);
}

bool fleet_run_write_report(const struct fleet_run *run, const struct run_totals *totals, const struct strain *strain, struct buf *into) {
	const struct plan *plan = &run->ready.plan;
	size_t rows = plan->targets->row_count;
	struct parcel parcel = {
		.tally = totals->tally,
		.totals = totals->totals,
		.step_count = totals->step_reasons ? plan->source.script->step_count : 0,
		.step_reasons = totals->step_reasons,
		.url_count = rows < SAMPLE_ROWS_MAX ? rows : SAMPLE_ROWS_MAX,
		.urls = totals->urls,
		.facts =
			{
				.planned = totals->planned,
				.iterations_planned = totals->iterations_planned,
				.window = totals->window,
				.asked_per_s = totals->asked_per_s,
				.limit_reached = totals->limit_reached,
				.answered = totals->answered,
				.data_ran_out = totals->data_ran_out,
				.last_failure = totals->last_failure,
				.failures = totals->failures,
				.strain = *strain,
			},
	};
	if (totals->tls_version) snprintf(parcel.facts.tls_version, sizeof(parcel.facts.tls_version), "%s", totals->tls_version);
	if (totals->tls_cipher) snprintf(parcel.facts.tls_cipher, sizeof(parcel.facts.tls_cipher), "%s", totals->tls_cipher);
	return parcel_write(&parcel, into);
}
