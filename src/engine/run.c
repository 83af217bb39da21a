#include "engine/run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/unsent.h"
#include "engine/worker.h"

#define START_AHEAD MSEC        /* the start line lies so far ahead of the last worker's "ready" */
#define START_LEAD (500 * MSEC) /* a start line at an instant is given so long before, until then a stop need not wait for it */
#define STOP_AHEAD (200 * MSEC) /* a stop is told two ticks before it holds, so that every worker has seen it; a new stripe, too */

/* What a worker has told of itself. */
struct run_seen {
	nsec from, to; /* between these; CLOCK_MONOTONIC. 0: nothing yet */
	struct strain_told first, last;
	struct strain_gaps gaps;
};

struct run {
	struct run_shared shared;
	unsigned count; /* workers with a thread */
	struct worker *workers;
	struct run_seen *seen;       /* of each worker */
	struct tally *tally, *fresh; /* the sum so far, and what this tick collects */
	struct totals *totals;
	struct digest *urls;   /* one for each row of a list of URLs; NULL: no list */
	struct cursor planned; /* open loop: walks what is this machine's of the schedule */
	uint64_t planned_count;
	uint64_t told[RUN_RESTRIPES + 1];       /* of each piece: the number from which on it was to hold, if it was not late */
	uint64_t missed;                        /* numbers of pieces that were late */
	uint64_t (*step_reasons)[REASON_COUNT]; /* with scenarios; else NULL */
	int descriptor;                         /* eventfd: all workers are ready, or done */
	_Atomic unsigned running;
	/* The start line: the workers report, main gives the start. Not on any request's path. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned ready;
	nsec start_at; /* asked for; 0: none */
	bool started;
	bool stopped; /* before the start line: nothing will be sent */
	/* Attempts on the wire one to two seconds ago, to judge those that had time to be answered. */
	uint64_t older_attempts, newer_attempts;
	nsec attempts_at;
	nsec upto; /* elapsed up to which `fresh` and `tally` count */
	/* Whether main came when it should: a tick is asked for RUN_TICK_MS after the last. */
	nsec tick_asked; /* 0: none yet */
	struct strain_gaps gaps;
};

struct run_seat {
	struct run *run;
	struct worker *worker;
};

/* Wakes main; if that fails, it looks at its next tick. */
static void run_notify(const struct run *run) {
	uint64_t one = 1;
	if (write(run->descriptor, &one, sizeof(one)) < 0) return;
}

/* Waits for the start line to be given, and looks after the connections meanwhile. The caller holds the lock. */
static void run_await_start(struct run *run, struct worker *worker) {
	while (!run->started) {
		struct timespec until = clock_timespec(clock_now() + RUN_TICK_MS * MSEC);
		if (pthread_cond_timedwait(&run->changed, &run->lock, &until) == 0 || run->started) continue;
		pthread_mutex_unlock(&run->lock);
		worker_tend(worker, 0);
		pthread_mutex_lock(&run->lock);
	}
}

static void *run_thread(void *argument) {
	struct run_seat seat = *(struct run_seat *)argument;
	struct run *run = seat.run;
	free(argument);
	worker_prepare(seat.worker);
	pthread_mutex_lock(&run->lock);
	run->ready++;
	pthread_cond_broadcast(&run->changed);
	if (run->ready == run->shared.plan->threads) run_notify(run);
	run_await_start(run, seat.worker);
	pthread_mutex_unlock(&run->lock);
	worker_run(seat.worker);
	if (atomic_fetch_sub(&run->running, 1) == 1) run_notify(run);
	return NULL;
}

/* Gives the start if all workers are ready; `wait`: waits for them. Returns whether the run has started. */
static bool run_give_start(struct run *run, bool wait) {
	const struct plan *plan = run->shared.plan;
	if (run->started) return true;
	pthread_mutex_lock(&run->lock);
	while (wait && run->ready < run->count) pthread_cond_wait(&run->changed, &run->lock);
	nsec now = clock_now(), start = now + START_AHEAD;
	if (run->start_at > start && !run->stopped) start = run->start_at;
	if (run->ready == run->count && start - now <= START_LEAD) {
		run->shared.start = start;
		atomic_store(&run->shared.stop, run->shared.start + (run->stopped ? 0 : plan->duration));
		run->started = true;
		pthread_cond_broadcast(&run->changed);
	}
	pthread_mutex_unlock(&run->lock);
	if (!run->started) return false;
	run->attempts_at = run->shared.start;
	return true;
}

static bool run_start_worker(struct run *run, unsigned i, struct err *err) {
	struct worker *worker = &run->workers[i];
	if (!worker_open(worker, i, &run->shared, err)) return false;
	struct run_seat *seat = mem_alloc(sizeof(*seat));
	*seat = (struct run_seat){run, worker};
	atomic_fetch_add(&run->running, 1);
	int failed = pthread_create(&worker->thread, NULL, run_thread, seat);
	if (failed) {
		atomic_fetch_sub(&run->running, 1);
		free(seat);
		worker_close(worker);
		return err_set_sys(err, ERR_FAILED, failed, "cannot start worker thread %u of %u", i + 1, run->shared.plan->threads);
	}
	run->count++;
	return true;
}

/* The condition's waits are by clock_now(). */
static void run_init_lock(struct run *run) {
	pthread_condattr_t by_clock;
	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&by_clock);
	pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
	pthread_cond_init(&run->changed, &by_clock);
	pthread_condattr_destroy(&by_clock);
}

bool run_start(const struct run_inputs *inputs, struct run **ret, struct err *err) {
	const struct plan *plan = inputs->plan;
	struct run *run = mem_zeroed(1, sizeof(*run));
	run->shared.plan = plan;
	run->shared.places = inputs->places;
	run->shared.tls = inputs->tls;
	run->shared.tls_settings = inputs->tls_settings;
	run->shared.sources = inputs->sources;
	run->shared.family = inputs->family;
	run->shared.hooks = inputs->hooks;
	run->shared.log = inputs->log;
	run->shared.shards = inputs->shards;
	atomic_init(&run->shared.stop, NSEC_NEVER);
	atomic_init(&run->shared.tickets, plan->tickets);
	run->shared.pieces[0] = (struct stripe_piece){0, 0, plan->stripe};
	atomic_init(&run->shared.piece_count, 1);
	if (plan->open_loop) cursor_init_part(&run->planned, &plan->schedule, &(struct cursor_part){run->shared.pieces, 0, 1, plan->k_limit});
	run->start_at = inputs->start_at;
	run_init_lock(run);
	run->workers = mem_zeroed(plan->threads, sizeof(*run->workers));
	run->seen = mem_zeroed(plan->threads, sizeof(*run->seen));
	run->tally = tally_new(plan->groups.count);
	run->fresh = tally_new(plan->groups.count);
	run->totals = mem_zeroed(1, sizeof(*run->totals));
	size_t rows = plan->targets->row_count;
	if (rows > 0) run->urls = mem_zeroed(rows < SAMPLE_ROWS_MAX ? rows : SAMPLE_ROWS_MAX, sizeof(*run->urls));
	const struct script *script = plan->source.script;
	if (script && !script->is_plain) run->step_reasons = mem_zeroed(script->step_count, sizeof(*run->step_reasons));
	run->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bool ok = run->descriptor >= 0 || err_set_sys(err, ERR_FAILED, errno, "cannot make an event descriptor");
	for (unsigned i = 0; ok && i < plan->threads; i++) ok = run_start_worker(run, i, err);
	if (!ok) { /* those that run are let go with nothing to do */
		struct run_totals unused;
		run_stop(run);
		run_give_start(run, true);
		run_finish(run, NULL, NULL, &unused);
		run_free(run);
		return false;
	}
	*ret = run;
	return true;
}

int run_descriptor(const struct run *run) {
	return run->descriptor;
}

/* Counts this machine's requests of the window due before `until` (from the start), not beyond the stop. */
static void run_count_planned(struct run *run, nsec until) {
	const struct plan *plan = run->shared.plan;
	nsec stop = atomic_load(&run->shared.stop) - run->shared.start;
	if (!plan->open_loop) return;
	if (until > stop) until = stop;
	cursor_skip(&run->planned, until < plan->warmup ? until : plan->warmup);
	run->planned_count += cursor_skip(&run->planned, until);
}

/* Keeps what a worker tells of itself. */
static void run_see(struct run *run, const struct worker *worker, const struct tally *filled) {
	struct run_seen *seen = &run->seen[worker - run->workers];
	const struct strain_gap *gap = &filled->told.gap;
	if (gap->end > seen->last.gap.end) strain_note(&seen->gaps, gap->begin, gap->end);
	if (seen->from == 0 && filled->upto >= run->shared.start + run->shared.plan->warmup) {
		seen->from = filled->upto;
		seen->first = filled->told;
	}
	seen->to = filled->upto;
	seen->last = filled->told;
}

/* Takes what a worker filled, and gives the tally back to it, empty. Two tallies go to and fro between main and each worker. */
static bool run_collect(struct run *run, struct worker *worker) {
	struct tally *filled = mailbox_swap(&worker->filled, NULL);
	if (!filled) return false; /* it has not come by since the last tick */
	nsec upto = filled->upto - run->shared.start;
	if (upto > run->upto) run->upto = upto;
	run_see(run, worker, filled);
	tally_merge(run->fresh, filled);
	tally_clear(filled);
	mailbox_swap(&worker->fresh, filled);
	return true;
}

/* Remembers how many attempts there were a second ago. */
static void run_age_attempts(struct run *run, nsec elapsed) {
	nsec now = run->shared.start + elapsed;
	if (now - run->attempts_at < SEC) return;
	run->older_attempts = run->newer_attempts;
	run->newer_attempts = run->tally->attempts;
	run->attempts_at = now;
}

/* Hands on what was collected in `fresh`, and empties it. */
static void run_pass_on(struct run *run, run_tick_fn *tick, void *user) {
	if (tick && run->upto > 0) tick(user, run->upto, run->fresh);
	tally_merge(run->tally, run->fresh);
	tally_clear(run->fresh);
}

struct run_state run_tick(struct run *run, run_tick_fn *tick, void *user) {
	uint64_t notes;
	if (read(run->descriptor, &notes, sizeof(notes)) < 0) notes = 0; /* nothing was noted since the last tick */
	if (!run_give_start(run, false)) return (struct run_state){0};
	nsec now = clock_now(), elapsed = now - run->shared.start;
	if (run->tick_asked > 0) strain_note(&run->gaps, run->tick_asked, now);
	run->tick_asked = now + RUN_TICK_MS * MSEC;
	struct run_state state = {.started = true, .start = run->shared.start, .elapsed = elapsed, .ended = atomic_load(&run->running) == 0};
	bool any = false;
	for (unsigned i = 0; i < run->count; i++) any |= run_collect(run, &run->workers[i]);
	if (any) run_pass_on(run, tick, user);
	run_count_planned(run, elapsed - SEC);
	run_age_attempts(run, elapsed);
	return state;
}

void run_read_strain(const struct run *run, struct strain *ret) {
	const struct run_shared *shared = &run->shared;
	struct strain_gaps common = {1, {{shared->start + shared->plan->warmup, shared->start + run->upto}}};
	*ret = (struct strain){.wall = run->upto > shared->plan->warmup ? run->upto - shared->plan->warmup : 0};
	strain_intersect(&common, &run->gaps);
	for (unsigned i = 0; i < run->count; i++) {
		const struct run_seen *seen = &run->seen[i];
		nsec cpu = seen->last.cpu - seen->first.cpu - (seen->last.spun - seen->first.spun);
		if (seen->from > 0 && cpu > ret->busiest_cpu) {
			ret->busiest_cpu = cpu;
			ret->busiest_wall = seen->to - seen->from;
		}
		ret->no_port += seen->last.no_port;
		ret->no_descriptor += seen->last.no_descriptor;
		for (unsigned k = 0; shared->log && k < shared->shards; k++)
			ret->shed += atomic_load_explicit(&shared->log[(size_t)i * shared->shards + k].shed, memory_order_relaxed);
		strain_intersect(&common, &seen->gaps);
	}
	strain_count_pauses(&common, ret);
}

/* Whether a byte of a response has arrived. Not every byte of TLS or of HTTP/2 is one. */
static bool run_answered(const struct run *run) {
	if (!run->shared.tls && !protocols_have_h2(&run->shared.plan->protocols)) return run->tally->bytes_received > 0;
	for (unsigned i = 0; i < run->count; i++)
		if (atomic_load_explicit(&run->workers[i].answered, memory_order_relaxed)) return true;
	return false;
}

bool run_is_hopeless(const struct run *run) {
	const struct tally *tally = run->tally;
	return !run_answered(run) && tally->lost >= run->older_attempts && tally->lost + tally->connect_failed > 0;
}

void run_stop(struct run *run) {
	nsec at = clock_now() + STOP_AHEAD;
	run->stopped = true;
	atomic_store(&run->shared.abandon, true);
	if (!run->started) return;
	if (at < run->shared.start) at = run->shared.start;
	if (at < atomic_load(&run->shared.stop)) atomic_store(&run->shared.stop, at);
}

/* Returns whether number k was this run's by one of the first `count` pieces, which sent it or missed it. */
static bool run_had(const struct run *run, unsigned count, uint64_t k) {
	const struct stripe_piece *pieces = run->shared.pieces;
	unsigned i = count - 1;
	while (pieces[i].from > k) i--;
	if (stripe_has(&pieces[i].stripe, k)) return true;
	for (i++; i < count; i++)
		if (run->told[i] <= k && stripe_has(&pieces[i].stripe, k)) return true;
	return false;
}

/* Counts the numbers of piece `count`, which is late, that were due from `at` (from the start) on before it held: unsent. Returns how many. */
static uint64_t run_count_missed(struct run *run, unsigned count, nsec at) {
	const struct plan *plan = run->shared.plan;
	const struct stripe_piece *piece = &run->shared.pieces[count], only = {.stripe = piece->stripe};
	nsec stop = atomic_load(&run->shared.stop) - run->shared.start, end = piece->at < stop ? piece->at : stop;
	uint64_t missed = 0;
	struct cursor cursor;
	cursor_init(&cursor, &plan->schedule, 0, 1);
	run->told[count] = cursor_first_at(&cursor, at);
	cursor_init_part(&cursor, &plan->schedule, &(struct cursor_part){&only, 0, 1, plan->k_limit});
	for (cursor_skip(&cursor, at > plan->warmup ? at : plan->warmup); cursor.due < end; cursor_next(&cursor)) {
		size_t stage = plan->schedule.count - 1;
		if (run_had(run, count, cursor.k)) continue;
		while (stage > 0 && plan->schedule.at[stage].t0 > cursor.due) stage--;
		unsent_add(plan, run->fresh, stage, 1);
		unsent_add_iterations(plan, run->fresh, cursor.k, 1);
		missed++;
	}
	return missed;
}

bool run_restripe(struct run *run, nsec at, const struct stripe *stripe, uint64_t *ret_missed) {
	unsigned count = atomic_load(&run->shared.piece_count);
	struct stripe_piece *piece = &run->shared.pieces[count];
	*ret_missed = 0;
	if (at < 0) at = 0;
	if (!run->shared.plan->open_loop || count > RUN_RESTRIPES || at < piece[-1].at) return false;
	*piece = (struct stripe_piece){.at = at, .stripe = *stripe};
	for (nsec margin = RUN_TICK_MS * MSEC;; margin *= 2) { /* the look-up takes its time */
		piece->from = run->told[count] = cursor_first_at(&run->planned, piece->at);
		nsec earliest = run->started ? clock_now() - run->shared.start + STOP_AHEAD : 0;
		if (piece->at >= earliest) break;
		piece->at = earliest + margin;
	}
	atomic_store_explicit(&run->shared.piece_count, count + 1, memory_order_release);
	cursor_learn(&run->planned, count + 1);
	if (piece->at > at) *ret_missed = run_count_missed(run, count, at);
	run->planned_count += *ret_missed;
	run->missed += *ret_missed;
	return true;
}

double run_rate(const struct run *run, nsec at, bool *ret_moving) {
	unsigned i = atomic_load(&run->shared.piece_count) - 1;
	while (i > 0 && run->shared.pieces[i].at > at) i--;
	return schedule_rate(&run->shared.plan->schedule, at, ret_moving) * stripe_fraction(&run->shared.pieces[i].stripe);
}

static enum reason run_last_failure(const struct run *run) {
	uint64_t most = 0;
	enum reason found = REASON_NONE;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		uint64_t times = run->tally->reasons[reason];
		for (unsigned i = 0; i < run->count; i++) times += run->workers[i].failed_dials[reason];
		if (times <= most || reason == REASON_NONE) continue;
		most = times;
		found = reason;
	}
	return found;
}

/* Adds what a worker, now ended, has counted since the last tick. */
static void run_add_worker(struct run *run, struct worker *worker, struct run_totals *ret) {
	worker->model->finish(worker);
	run->missed += worker->missed;
	run_collect(run, worker);
	if (worker->tally->upto - run->shared.start > run->upto) run->upto = worker->tally->upto - run->shared.start;
	tally_merge(run->fresh, worker->tally);
	totals_merge(run->totals, worker->totals);
	size_t rows = run->shared.plan->targets->row_count;
	for (size_t i = 0; run->urls && i < rows && i < SAMPLE_ROWS_MAX; i++) digest_merge(&run->urls[i], &worker->urls[i]);
	for (size_t i = 0; run->step_reasons && i < run->shared.plan->source.script->step_count; i++)
		for (int reason = 0; reason < REASON_COUNT; reason++) run->step_reasons[i][reason] += worker->step_reasons[i][reason];
	if (!ret->tls_version) {
		ret->tls_version = worker->tls_version;
		ret->tls_cipher = worker->tls_cipher;
	}
}

/* Gathers what the workers and main noted of the machine. The workers have ended. */
static void run_gather_strain(const struct run *run, struct strain *ret) {
	nsec stop = atomic_load(&run->shared.stop);
	struct strain_gaps common = {1, {{run->shared.start + run->shared.plan->warmup, stop}}}; /* all of the window */
	strain_intersect(&common, &run->gaps);
	ret->run_queue_known = run->count > 0;
	for (unsigned i = 0; i < run->count; i++) {
		const struct worker *worker = &run->workers[i];
		const struct effort *from = &worker->effort[0], *to = &worker->effort[1];
		nsec wall = to->at - from->at, queued = to->queued - from->queued;
		nsec cpu = to->cpu - from->cpu -
			   (to->spun - from->spun); /* spinning is measured by the wall: on a shared core it may be more than the thread ran */
		if (wall > ret->wall) ret->wall = wall;
		if (cpu > ret->busiest_cpu) {
			ret->busiest_cpu = cpu;
			ret->busiest_wall = wall;
		}
		if (!from->queued_known || !to->queued_known) ret->run_queue_known = false;
		if (queued > ret->run_queue) ret->run_queue = queued;
		ret->no_port += worker->failed_dials[REASON_NO_PORT];
		ret->no_descriptor += worker->failed_dials[REASON_NO_DESCRIPTOR];
		strain_intersect(&common, &worker->gaps);
	}
	strain_count_pauses(&common, ret);
}

/* Returns the mean rate that this machine's part of the schedule asks for within the window; without a window, the highest of the run. */
static double run_asked(const struct run *run) {
	const struct plan *plan = run->shared.plan;
	if (!plan->open_loop) return 0;
	nsec end = atomic_load(&run->shared.stop) - run->shared.start;
	nsec last = plan->k_limit != UINT64_MAX ? schedule_moment(&plan->schedule, (double)plan->k_limit) : NSEC_NEVER;
	if (last < end) end = last;
	if (end <= plan->warmup) return schedule_peak(&plan->schedule, plan->duration) * stripe_fraction(&plan->stripe);
	unsigned count = atomic_load(&run->shared.piece_count);
	double asked = (double)run->missed;
	for (unsigned i = 0; i < count; i++) {
		const struct stripe_piece *piece = &run->shared.pieces[i];
		nsec from = piece->at > plan->warmup ? piece->at : plan->warmup, to = i + 1 < count && piece[1].at < end ? piece[1].at : end;
		double integral = from < to ? schedule_integral(&plan->schedule, to) - schedule_integral(&plan->schedule, from) : 0;
		asked += integral * stripe_fraction(&piece->stripe);
	}
	return asked * 1e9 / (double)(end - plan->warmup);
}

/* Returns whether iterations were cut off by the end of the run. */
static bool run_has_cut(const struct run *run) {
	const struct group_table *groups = &run->shared.plan->groups;
	bool has = false;
	for (size_t i = groups->first_scenario; i < groups->count; i++) has = has || run->tally->cells[i].open > 0;
	return has;
}

/* Books: what was planned, and whether that was all there was to do. */
static void run_sum_planned(const struct run *run, struct run_totals *ret) {
	const struct plan *plan = run->shared.plan;
	const struct script *script = plan->source.script;
	bool has_all = run->planned.k >= plan->k_limit; /* open loop: nothing of this machine's is left below the limit */
	bool is_whole = run->tally->unsent == 0 && !run_has_cut(run);
	ret->planned = run->tally->planned;
	ret->iterations_planned = run->tally->iterations_planned;
	ret->step_reasons = (const uint64_t(*)[REASON_COUNT])(const void *)run->step_reasons;
	if (plan->open_loop) {
		ret->iterations_planned = run->planned_count;
		ret->planned += ret->iterations_planned;
		ret->limit_reached = plan->requests > 0 && has_all && is_whole;
	} else {
		ret->limit_reached = plan->requests > 0 && ret->planned == plan->tickets && run->tally->unsent == 0;
	}
	if (!script || script->is_plain) ret->iterations_planned = 0; /* nobody counts what becomes of them */
	if (!script || script->iterations_max == UINT64_MAX) return;
	uint64_t begun = atomic_load(&run->shared.numbers);
	ret->data_ran_out = plan->open_loop ? has_all && plan->k_limit == script->iterations_max : begun >= plan->iterations;
	ret->data_ran_out = ret->data_ran_out && is_whole;
	ret->limit_reached = ret->limit_reached && !ret->data_ran_out;
}

void run_finish(struct run *run, run_tick_fn *tick, void *user, struct run_totals *ret) {
	const struct plan *plan = run->shared.plan;
	*ret = (struct run_totals){.tally = run->tally, .totals = run->totals, .urls = run->urls};
	nsec last = 0, window_start = run->shared.start + plan->warmup;
	for (unsigned i = 0; i < run->count; i++) {
		pthread_join(run->workers[i].thread, NULL);
		run_add_worker(run, &run->workers[i], ret);
		if (run->workers[i].ended_at > last) last = run->workers[i].ended_at;
	}
	run_gather_strain(run, &ret->strain);
	run_pass_on(run, tick, user);
	nsec stop = atomic_load(&run->shared.stop);
	run_count_planned(run, NSEC_NEVER);
	run_sum_planned(run, ret);
	ret->missed = run->missed;
	if ((ret->limit_reached || ret->data_ran_out) && last < stop && last > 0) stop = last;
	ret->window = stop > window_start ? stop - window_start : 0;
	ret->asked_per_s = run_asked(run);
	ret->answered = run_answered(run);
	ret->failures = run->tally->lost + run->tally->connect_failed;
	ret->last_failure = run_last_failure(run);
}

void run_free(struct run *run) {
	for (unsigned i = 0; i < run->count; i++) worker_close(&run->workers[i]);
	free(run->workers);
	free(run->seen);
	free(run->tally);
	free(run->fresh);
	free(run->totals);
	free(run->urls);
	free(run->step_reasons);
	if (run->descriptor >= 0) close(run->descriptor);
	pthread_cond_destroy(&run->changed);
	pthread_mutex_destroy(&run->lock);
	free(run);
}
