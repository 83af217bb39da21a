#include "engine/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "engine/carrier.h"
#include "engine/decoding.h"
#include "engine/flow.h"
#include "engine/recording.h"
#include "engine/redirect.h"
#include "engine/setup.h"

#define TIMERS_AT_ONCE 64
#define AWAKE (2 * MSEC)        /* so long before the start line the usual way to wait begins */
#define SPIN_BEFORE (50 * USEC) /* before a due time: no more sleep */

bool worker_open(struct worker *worker, unsigned index, struct run_shared *shared, struct err *err) {
	const struct plan *plan = shared->plan;
	*worker = (struct worker){.index = index, .shared = shared, .plan = plan};
	if (!loop_open_epoll(&conn_loop_events, worker, &worker->loop, err)) return false;
	if (plan->kernel_stamps != KERNEL_STAMPS_OFF) worker->loop->ops->stamp(worker->loop, NULL, true);
	if (shared->hooks && shared->hooks->trace) worker->trace = shared->hooks;
	worker->model = plan->open_loop ? &model_open : &model_closed;
	worker->source_turn = index;
	users_open(worker);
	worker->task_count = (size_t)plan_tasks(plan, plan->max_tasks, index);
	worker->tasks = mem_zeroed(worker->task_count, sizeof(*worker->tasks));
	for (size_t i = 0; i < worker->task_count; i++) worker->tasks[i].id = (uint32_t)i;
	timers_init(&worker->task_timers, worker->task_count);
	worker->end_room = plan->streams < worker->task_count ? (size_t)plan->streams : worker->task_count;
	worker->ends = mem_zeroed(worker->end_room, sizeof(*worker->ends));
	worker_set_events(worker);
	if (shared->log) worker->log = &shared->log[(size_t)index * shared->shards];
	size_t rows = plan->targets->row_count;
	if (rows > 0) worker->urls = mem_zeroed(rows < SAMPLE_ROWS_MAX ? rows : SAMPLE_ROWS_MAX, sizeof(*worker->urls));
	worker->tally = tally_new(plan->groups.count);
	worker->totals = mem_zeroed(1, sizeof(*worker->totals));
	worker->window_start = worker->stop = NSEC_NEVER; /* what is opened in advance is no load */
	mailbox_swap(&worker->fresh, tally_new(plan->groups.count));
	peers_open(worker);
	return true;
}

void worker_close(struct worker *worker) {
	decoding_close(worker);
	users_close(worker);
	peers_close(worker);
	loop_close_epoll(worker->loop);
	tls_context_close(worker->tls);
	free(worker->plain);
	free(worker->unwrapped);
	timers_fini(&worker->timers);
	timers_fini(&worker->task_timers);
	pool_close(worker);
	free(worker->tasks);
	free(worker->ends);
	free(worker->urls);
	free(worker->tally);
	free(worker->totals);
	free(mailbox_swap(&worker->fresh, NULL));
	free(mailbox_swap(&worker->filled, NULL));
}

void worker_show_sent(const struct worker *worker, const struct iovec *iov, size_t size, nsec now) {
	for (; size > 0; iov++) {
		size_t part = iov->iov_len < size ? iov->iov_len : size;
		worker_trace_bytes(worker, TRACE_SENT, (struct slice){iov->iov_base, part}, now);
		size -= part;
	}
}

/* Handles all that has come so far, without waiting; what comes meanwhile may be left. */
static void worker_catch_up(struct worker *worker) {
	size_t turns = worker->slots_used / 64 + 2; /* a turn takes more than 64 */
	do worker->loop->ops->turn(worker->loop, 0, NSEC_NEVER);
	while (worker->loop->more && --turns > 0);
}

static nsec worker_next_timer(const struct worker *worker) {
	nsec conns = timers_next(&worker->timers), tasks = timers_next(&worker->task_timers);
	return conns < tasks ? conns : tasks;
}

/* Runs one timer that is due at `now`, if there is one. */
static bool worker_run_timer(struct worker *worker, nsec now) {
	struct timer *timer = timers_take(&worker->task_timers, now);
	if (timer) {
		flow_timer(worker, (struct task *)(void *)((char *)timer - offsetof(struct task, timer)), now);
		return true;
	}
	timer = timers_take(&worker->timers, now);
	if (timer) conn_timer(worker, (struct conn *)(void *)((char *)timer - offsetof(struct conn, timer)), now);
	return timer != NULL;
}

/* Runs the timers that are due at `now`, after everything that had come by then: time-outs are the target's, never our own delay in reading. They may be
 * many, and each may open a connection, which takes a millisecond when free ports are few: the stop is looked at meanwhile. */
static void worker_run_timers(struct worker *worker, nsec now) {
	if (worker_next_timer(worker) > now) return;
	worker_catch_up(worker);
	for (unsigned run = 1; worker_run_timer(worker, now); run++) {
		conn_flush_marked(worker);
		if (run % TIMERS_AT_ONCE == 0 && clock_now() >= atomic_load_explicit(&worker->shared->stop, memory_order_relaxed)) break;
	}
}

static bool worker_is_connecting(const struct worker *worker) {
	for (size_t i = 0; i < worker->slots_used; i++)
		if (conn_is_in_setup(worker_conn(worker, i))) return true;
	return false;
}

void worker_tend(struct worker *worker, nsec until) {
	worker->loop->ops->turn(worker->loop, until, NSEC_NEVER);
	worker_run_timers(worker, clock_now());
}

void worker_prepare(struct worker *worker) {
	nsec now = clock_now(), limit = now + worker->plan->connect_timeout;
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* ns: the default of 50 us would be in every wait */
	worker->model->prepare(worker);
	while (now < limit && worker_is_connecting(worker) && !atomic_load_explicit(&worker->shared->abandon, memory_order_relaxed)) {
		worker_tend(worker, now + 10 * MSEC);
		now = clock_now();
	}
}

/* Hands the filled tally to main if it is time to and an empty one lies ready. It counts up to the moment it was to be handed over, unless we are late. */
static void worker_tell(const struct worker *worker, struct strain_told *ret) {
	const struct strain_gaps *gaps = &worker->gaps;
	*ret = (struct strain_told){effort_cpu(), worker->spun, worker->failed_dials[REASON_NO_PORT], worker->failed_dials[REASON_NO_DESCRIPTOR],
		gaps->count > 0 ? gaps->at[gaps->count - 1] : (struct strain_gap){0, 0}};
}

static void worker_mail(struct worker *worker, nsec now) {
	if (now < worker->mail_at) return;
	if (worker->log) recording_give_log(worker);
	if (!mailbox_full(&worker->fresh)) return;
	worker->tally->upto = now - worker->mail_at < WORKER_MAIL / 4 ? worker->mail_at : now;
	worker->mail_at = now + WORKER_MAIL - (now - worker->start) % WORKER_MAIL;
	worker_tell(worker, &worker->tally->told);
	struct tally *fresh = mailbox_swap(&worker->fresh, NULL);
	recording_wire(worker, worker->tally->upto, fresh);
	void *uncollected = mailbox_swap(&worker->filled, worker->tally);
	assert(!uncollected); /* main puts a fresh one only after it took the last */
	(void)uncollected;
	worker->tally = fresh;
}

static bool worker_is_done(const struct worker *worker, nsec now) {
	if (now >= worker->drain_end) return true;
	return worker->active == 0 && worker->model->exhausted(worker, now);
}

/* The moment until which there is nothing to do but wait for the target. */
static nsec worker_next_moment(const struct worker *worker, nsec now, nsec due) {
	nsec until = now + WORKER_TICK;
	if (due < until) until = due;
	if (worker->mail_at > now && worker->mail_at < until) until = worker->mail_at;
	if (worker_next_timer(worker) < until) until = worker_next_timer(worker);
	if (worker->stop > now && worker->stop < until) until = worker->stop;
	if (worker->drain_end < until) until = worker->drain_end;
	return until;
}

/* The moment from which the wait for `until` does without sleep. */
static nsec worker_spin_from(const struct worker *worker, nsec due, nsec until) {
	switch (worker->plan->waiting) {
	case WAITING_SLEEPS: break;
	case WAITING_TAIL: return due == until ? due - SPIN_BEFORE : NSEC_NEVER;
	case WAITING_SPINS: return 0;
	}
	return NSEC_NEVER;
}

void worker_see_stop(struct worker *worker, nsec now) {
	worker->stop = atomic_load_explicit(&worker->shared->stop, memory_order_relaxed);
	worker->drain_end = worker->stop + worker->plan->timeout;
	/* Of an iteration that begins behind the stop nothing but the first step would be sent. */
	bool gives_up = (worker->script && !worker->script->is_plain) || atomic_load_explicit(&worker->shared->abandon, memory_order_relaxed);
	worker->abandoned = now >= worker->stop && gives_up;
}

/* Ends what the drain left: requests in flight are counted as open. */
static void worker_end(struct worker *worker) {
	nsec now = clock_now();
	for (size_t i = 0; i < worker->tasks_used; i++) {
		struct task *task = &worker->tasks[i];
		if (task->flight.active) recording_open(worker, task, now);
		if (task->flight.redirect) redirect_free(&task->flight);
		users_cut(worker, task, now);
	}
	for (size_t i = 0; i < worker->slots_used; i++) {
		struct conn *conn = worker_conn(worker, i);
		if (conn_is_in_setup(conn)) setup_abandon(worker, conn, now);
		if (conn_is_open(conn) || conn->state == CONN_LEAVING) conn_close(worker, conn, CLOSER_END);
	}
	recording_wire(worker, now, NULL);
	if (worker->tally->done_in_window + worker->tally->sent_in_window + worker->tally->ok + worker->tally->failed + worker->tally->open > 0)
		worker->tally->upto = now;
	if (worker->log) recording_give_log(worker);
	nsec gap = (now < worker->stop ? now : worker->stop) - worker->last_done;
	if (worker->last_done > 0 && gap > worker->tally->longest_gap) worker->tally->longest_gap = gap;
}

/* Reads what this thread has used, at the bounds of the window: what it does in the warm-up and in the drain is not the measurement's. */
static void worker_mark(struct worker *worker, nsec now) {
	while (worker->marks < 2 && now >= (worker->marks == 0 ? worker->window_start : worker->stop))
		effort_read(now, worker->spun, &worker->effort[worker->marks++]);
}

/* The thread ends: a bound that was not reached is now. */
static void worker_mark_end(struct worker *worker) {
	while (worker->marks < 2) effort_read(clock_now(), worker->spun, &worker->effort[worker->marks++]);
}

void worker_run(struct worker *worker) {
	nsec asked = NSEC_NEVER;
	worker->start = worker->shared->start;
	worker->window_start = worker->start + worker->plan->warmup;
	worker->mail_at = worker->start + WORKER_MAIL;
	for (unsigned i = 0; worker->log && i < worker->shared->shards; i++) worker->log[i].zero = worker->window_start;
	worker->wire_from = worker->start;
	worker_see_stop(worker, worker->start);
	while (clock_now() < worker->start - AWAKE) worker_tend(worker, worker->start - AWAKE);
	worker->model->start(worker);
	for (;;) {
		nsec now = clock_now();
		strain_note(&worker->gaps, asked, now);
		worker_see_stop(worker, now);
		worker_mark(worker, now);
		worker_run_timers(worker, now);
		worker->model->advance(worker, now);
		if (worker->dirty) conn_flush_marked(worker);
		worker_mail(worker, now);
		if (worker_is_done(worker, now)) break;
		nsec due = worker->model->next(worker);
		nsec until = worker_next_moment(worker, now, due);
		nsec spun = worker->loop->ops->turn(worker->loop, until, worker_spin_from(worker, due, until));
		if (worker->dirty) conn_flush_marked(worker);
		asked = until;
		worker->tally->spun += spun;
		worker->spun += spun;
	}
	worker_mark_end(worker);
	worker_end(worker);
}
