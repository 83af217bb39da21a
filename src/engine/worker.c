#include "engine/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "engine/carrier.h"
#include "engine/setup.h"

#define SPIN_BEFORE (50 * USEC) /* before a due time: no more sleep */

bool worker_open(struct worker *worker, unsigned index, struct run_shared *shared, struct err *err) {
	const struct plan *plan = shared->plan;
	*worker = (struct worker){.index = index, .shared = shared, .plan = plan};
	if (!loop_open_epoll(&conn_loop_events, worker, &worker->loop, err)) return false;
	if (plan->kernel_stamps != KERNEL_STAMPS_OFF) worker->loop->ops->stamp(worker->loop, NULL, true);
	if (shared->tls) {
		worker->tls = tls_context_share(shared->tls);
		worker->plain = mem_alloc(CARRIER_PLAIN_BYTES);
	}
	worker->model = plan->open_loop ? &model_open : &model_closed;
	worker->http = h1_ops.new_shared(plan->truth ? &conn_http_events_truth : &conn_http_events);
	worker->next_address = (uint16_t)(index % shared->addresses->count);
	worker->conn_count = (size_t)plan_share(plan, plan->max_tasks, index);
	worker->stride = (sizeof(struct conn) + h1_ops.state_bytes + 15) / 16 * 16;
	worker->conns = mem_zeroed(worker->conn_count, worker->stride);
	timers_init(&worker->timers, worker->conn_count);
	worker->tally = tally_new(plan->groups.count);
	worker->totals = mem_zeroed(1, sizeof(*worker->totals));
	worker->stop = NSEC_NEVER;
	mailbox_swap(&worker->fresh, tally_new(plan->groups.count));
	return true;
}

void worker_close(struct worker *worker) {
	loop_close_epoll(worker->loop);
	if (worker->http) h1_ops.free_shared(worker->http);
	tls_context_close(worker->tls);
	free(worker->plain);
	timers_fini(&worker->timers);
	free(worker->conns);
	free(worker->tally);
	free(worker->totals);
	free(mailbox_swap(&worker->fresh, NULL));
	free(mailbox_swap(&worker->filled, NULL));
}

/* Handles all that has come so far, without waiting; what comes meanwhile may be left. */
static void worker_catch_up(struct worker *worker) {
	size_t turns = worker->conn_count / 64 + 2; /* a turn takes more than 64 */
	do worker->loop->ops->turn(worker->loop, 0, NSEC_NEVER);
	while (worker->loop->more && --turns > 0);
}

/* Runs the timers that are due at `now`, after everything that had come by then: time-outs are the target's, never our own delay in reading. */
static void worker_run_timers(struct worker *worker, nsec now) {
	struct timer *timer;
	if (timers_next(&worker->timers) > now) return;
	worker_catch_up(worker);
	while ((timer = timers_take(&worker->timers, now)))
		conn_timer(worker, (struct conn *)(void *)((char *)timer - offsetof(struct conn, timer)), now);
}

static bool worker_is_connecting(const struct worker *worker) {
	for (size_t i = 0; i < worker->conn_count; i++) {
		uint8_t state = worker_conn(worker, i)->state;
		if (state == CONN_CONNECTING || state == CONN_SHAKING) return true;
	}
	return false;
}

void worker_prepare(struct worker *worker) {
	nsec now = clock_now(), limit = now + worker->plan->connect_timeout;
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* ns: the default of 50 us would be in every wait */
	worker->model->prepare(worker);
	while (now < limit && worker_is_connecting(worker) && !atomic_load_explicit(&worker->shared->abandon, memory_order_relaxed)) {
		worker->loop->ops->turn(worker->loop, now + 10 * MSEC, NSEC_NEVER);
		now = clock_now();
		worker_run_timers(worker, now);
	}
}

/* Hands the filled tally to main if it is time to and an empty one lies ready. It counts up to the moment it was to be handed over, unless we are late. */
static void worker_mail(struct worker *worker, nsec now) {
	if (now < worker->mail_at || !mailbox_full(&worker->fresh)) return;
	worker->tally->upto = now - worker->mail_at < WORKER_MAIL / 4 ? worker->mail_at : now;
	worker->mail_at = now + WORKER_MAIL - (now - worker->start) % WORKER_MAIL;
	struct tally *fresh = mailbox_swap(&worker->fresh, NULL);
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
	if (timers_next(&worker->timers) < until) until = timers_next(&worker->timers);
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
	worker->abandoned = now >= worker->stop && atomic_load_explicit(&worker->shared->abandon, memory_order_relaxed);
}

/* Ends what the drain left: requests in flight are counted as open. */
static void worker_end(struct worker *worker) {
	nsec now = clock_now();
	for (size_t i = 0; i < worker->conn_count; i++) {
		struct conn *conn = worker_conn(worker, i);
		if (conn->flight.active) recording_open(worker, conn, now);
		if (conn->state == CONN_CONNECTING || conn->state == CONN_SHAKING) setup_abandon(worker, conn);
		if (conn_is_open(conn)) conn_close(worker, conn, CLOSER_END);
	}
	if (worker->tally->done_in_window + worker->tally->sent_in_window + worker->tally->ok + worker->tally->failed + worker->tally->open > 0)
		worker->tally->upto = now;
	worker->model->finish(worker);
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
	worker_see_stop(worker, worker->start);
	worker->model->start(worker);
	for (;;) {
		nsec now = clock_now();
		strain_note(&worker->gaps, asked, now);
		worker_see_stop(worker, now);
		worker_mark(worker, now);
		worker_run_timers(worker, now);
		worker->model->advance(worker, now);
		worker_mail(worker, now);
		if (worker_is_done(worker, now)) break;
		nsec due = worker->model->next(worker);
		nsec until = worker_next_moment(worker, now, due);
		nsec spun = worker->loop->ops->turn(worker->loop, until, worker_spin_from(worker, due, until));
		asked = until;
		worker->tally->spun += spun;
		worker->spun += spun;
	}
	worker_mark_end(worker);
	worker_end(worker);
}
