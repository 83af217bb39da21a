/* Open loop: requests are due by the schedule, whatever the target does. They go out on the least recently used idle connection, on a new
 * one while there are fewer than --max-tasks, or wait their turn; the queue is the distance between the cursor and the clock. */
#include "base/fault.h"
#include "engine/flow.h"
#include "engine/unsent.h"
#include "engine/worker.h"

/* How often a worker looks for a new stripe: that is told at least twice as long before it holds (run_restripe), so that who has looked within this time knows
 * whose everything is that is due by now, however long its thread was held up before. */
#define STRIPE_LOOK (100 * MSEC)

/* Returns whether a slot is there for the next request. */
static bool open_has_slot(const struct worker *worker) {
	return worker->active + worker->pausing < worker->released && pool_has(worker, worker->next_peer);
}

/* Looks up what the request is that the cursor stands on. */
static void open_see_next(struct worker *worker) {
	worker->next_request = worker->plan->source.ops->next(&worker->plan->source, 0, worker->cursor.k);
	worker->next_peer = &worker->peers.at[worker->next_request->origin];
}

/* Goes by the first `known` pieces of the schedule from now on. */
static void open_learn(struct worker *worker, unsigned known) {
	uint64_t lost = cursor_learn(&worker->cursor, known);
	worker->missed += lost;
	unsent_add(worker->plan, worker->tally, 0, lost);
	open_see_next(worker);
}

/* Looks for a new stripe, ahead of a decision to send what is due by `now`. Returns whether there is one. */
static inline bool open_see_stripes(struct worker *worker, nsec now) {
	if (now - worker->stripes_seen < STRIPE_LOOK) return false;
	worker->stripes_seen = now;
	unsigned known = atomic_load_explicit(&worker->shared->piece_count, memory_order_acquire);
	if (known == worker->cursor.known) return false;
	open_learn(worker, known);
	return true;
}

static void open_prepare(struct worker *worker) {
	const struct plan *plan = worker->plan;
	pool_open(worker);
	worker->released = plan->spawn ? 0 : worker->task_count;
	size_t wanted = (size_t)plan_share(plan, plan->preconnect, worker->index);
	if (wanted > worker->released) wanted = worker->released;
	nsec now = clock_now();
	worker->pumping = true; /* nothing is sent before the start line */
	for (size_t i = 0; i < wanted; i++) {
		struct peer *peer = &worker->peers.at[i % plan->route.origin_count];
		struct conn *conn = pool_new(worker, peer);
		if (conn) conn_preconnect(worker, conn, now);
	}
}

/* Connections that the spawn ramp allows at `now`, and (if not all) when the next ones come. */
static nsec open_release(struct worker *worker, nsec now) {
	const struct plan *plan = worker->plan;
	if (worker->released == worker->task_count) return NSEC_NEVER;
	uint64_t ticks = (uint64_t)((now - worker->start) / plan->spawn_interval) + 1;
	uint64_t all = ticks > plan->max_tasks / plan->spawn_rate ? plan->max_tasks : ticks * plan->spawn_rate;
	worker->released = (size_t)plan_tasks(plan, all < plan->max_tasks ? all : plan->max_tasks, worker->index);
	return worker->released == worker->task_count ? NSEC_NEVER : worker->start + (nsec)ticks * plan->spawn_interval;
}

static void open_start(struct worker *worker) {
	const struct plan *plan = worker->plan;
	struct cursor_part part = {worker->shared->pieces, worker->index, plan->threads, plan->k_limit};
	cursor_init_part(&worker->cursor, &plan->schedule, &part);
	open_see_next(worker);
	worker->pumping = false;
	open_release(worker, worker->start);
}

/* The moment of the next request, NSEC_NEVER when there is none. */
static nsec open_due(const struct worker *worker) {
	const struct cursor *cursor = &worker->cursor;
	if (cursor->due == NSEC_NEVER) return NSEC_NEVER;
	nsec due = worker->start + cursor->due;
	return due >= worker->stop || worker->abandoned ? NSEC_NEVER : due;
}

/* When a request that waits may be taken up: its due time (late on purpose in a test). */
static nsec open_moment(nsec due) {
	return fault_on(FAULT_LATE_TIMER) && due != NSEC_NEVER ? due + 2 * MSEC : due;
}

/* Returns a task without a request: there is one while fewer than all are active. */
static struct task *open_take_task(struct worker *worker) {
	struct task *task = worker->free_tasks;
	if (!task) return &worker->tasks[worker->tasks_used++];
	worker->free_tasks = task->next;
	task->next = NULL;
	return task;
}

/* A task without a request, or an iteration, can be taken. */
static void open_free_task(struct worker *worker, struct task *task) {
	task->next = worker->free_tasks;
	worker->free_tasks = task;
}

/* With scenarios: the task's user takes its present step, due at `due`, on the task's connection if that is with the right peer. Steps whose requests cannot be made are
 * passed; false: the iteration is over with them. */
static bool open_step(struct worker *worker, struct task *task, nsec due, nsec ready, nsec now) {
	while (!users_make(worker, task, due, ready, now)) {
		users_end_step(worker, task, now);
		if (users_are_under_way(task)) continue;
		return false;
	}
	struct peer *peer = &worker->peers.at[task->flight.request->origin];
	if (task->conn && task->conn->peer != peer) {
		pool_put(worker, task->conn);
		task->conn = NULL;
	}
	flow_begin(worker, task, peer, now);
	return true;
}

/* With scenarios: what follows a step that is over. Returns whether the iteration goes on, now or after its think time. */
static bool open_goes_on(struct worker *worker, struct task *task, nsec now) {
	nsec pause = users_end_step(worker, task, now);
	if (!users_are_under_way(task)) return false;
	worker_see_stop(worker, now);
	if (now + pause >= worker->stop) {
		users_cut(worker, task, now);
		return false;
	}
	if (pause == 0) return open_step(worker, task, now, now, now);
	if (task->conn) pool_put(worker, task->conn);
	task->conn = NULL;
	task->wake = now + pause;
	task_arm(worker, task, task->wake);
	worker->pausing++;
	return true;
}

/* The first step of an iteration. */
struct open_first {
	uint64_t k;
	nsec due, ready;
};

static void open_begin(struct worker *worker, struct task *task, const struct open_first *first, nsec now) {
	users_begin(worker, task, first->k, first->due);
	if (!open_step(worker, task, first->due, first->ready, now)) open_free_task(worker, task);
}

/* Sends what is due at `now`, which is also the moment since which the slots that were none before are free. */
static void open_pump(struct worker *worker, nsec now) {
	nsec free_since = now, due;
	if (worker->pumping) return;
	worker->pumping = true;
	worker_see_stop(worker, now);
	while (open_has_slot(worker)) {
		if (open_see_stripes(worker, now)) continue; /* the next request may be another one */
		due = open_due(worker);
		if (open_moment(due) > now) break;
		nsec ready = due;
		if (worker->full) { /* it waited for a slot since it was due, or since there was none */
			nsec blocked = free_since - (due > worker->full_since ? due : worker->full_since);
			if (blocked > 0) ready += blocked;
		}
		struct task *task = open_take_task(worker);
		struct peer *peer = worker->next_peer;
		task->flight = (struct flight){
			.request = worker->next_request, .k = worker->cursor.k, .due = due, .ready = ready, .counted = due >= worker->window_start};
		uint64_t k = worker->cursor.k;
		cursor_next(&worker->cursor);
		open_see_next(worker);
		now = clock_now();
		if (!worker->script)
			flow_begin(worker, task, peer, now);
		else
			open_begin(worker, task, &(struct open_first){k, due, ready}, now);
		worker_see_stop(worker, now);
	}
	bool has_slot = open_has_slot(worker);
	if (!has_slot && !worker->full) worker->full_since = now;
	worker->full = !has_slot;
	worker->pumping = false;
}

static void open_freed(struct worker *worker, struct task *task, nsec now) {
	if (!worker->script || !open_goes_on(worker, task, now)) {
		if (task->conn) pool_put(worker, task->conn);
		task->conn = NULL;
		open_free_task(worker, task);
	}
	open_pump(worker, now);
}

/* The think time of a user is over. */
static void open_timer(struct worker *worker, struct task *task, nsec now) {
	if (task->wake == 0) return;
	if (now < task->wake) {
		task_arm(worker, task, task->wake);
		return;
	}
	nsec due = task->wake;
	task->wake = 0;
	worker->pausing--;
	worker_see_stop(worker, now);
	if (due >= worker->stop)
		users_cut(worker, task, now);
	else if (open_step(worker, task, due, due, now))
		return;
	open_free_task(worker, task);
	open_pump(worker, now);
}

static nsec open_next(const struct worker *worker) {
	nsec due = open_has_slot(worker) ? open_moment(open_due(worker)) : NSEC_NEVER;
	if (worker->released == worker->task_count) return due;
	nsec interval = worker->plan->spawn_interval;
	nsec release = worker->start + ((clock_now() - worker->start) / interval + 1) * interval;
	return due < release ? due : release;
}

static void open_advance(struct worker *worker, nsec now) {
	open_release(worker, now);
	open_see_stripes(worker, now); /* also while the next request by the old one finds no room */
	open_pump(worker, now);
}

static bool open_exhausted(const struct worker *worker, nsec now) {
	if (worker->pausing > 0 && now < worker->stop) return false;
	if (worker->cursor.k >= worker->plan->k_limit) return true;
	return now >= worker->stop && open_due(worker) == NSEC_NEVER;
}

/* Counts `count` iterations that were never begun, the first one where `cursor` stands. */
static void open_count_unbegun(struct worker *worker, struct cursor cursor, uint64_t count) {
	uint64_t at_once = worker->script->scenario_count == 1 ? count : 1;
	if (worker->script->is_plain) return;
	for (uint64_t i = 0; i < count; i += at_once) {
		if (i > 0) cursor_next(&cursor);
		unsent_add_iterations(worker->plan, worker->tally, cursor.k, at_once);
	}
}

/* Everything of the window that was due before the stop and never taken up, by stage. What a stripe gave that was told when the worker had ended was missed. */
static void open_finish(struct worker *worker) {
	const struct schedule *schedule = &worker->plan->schedule;
	nsec stop = atomic_load(&worker->shared->stop) - worker->start;
	unsigned known = atomic_load(&worker->shared->piece_count);
	bool is_late = known != worker->cursor.known;
	uint64_t before = worker->tally->unsent;
	if (is_late) open_learn(worker, known);
	cursor_skip(&worker->cursor, worker->window_start - worker->start);
	for (size_t i = 0; i < schedule->count; i++) {
		nsec end = i + 1 < schedule->count && schedule->at[i + 1].t0 < stop ? schedule->at[i + 1].t0 : stop;
		struct cursor first = worker->cursor;
		uint64_t passed = cursor_skip(&worker->cursor, end);
		unsent_add(worker->plan, worker->tally, i, passed);
		if (worker->script) open_count_unbegun(worker, first, passed);
	}
	if (is_late) worker->missed += worker->tally->unsent - before;
}

const struct model_ops model_open = {
	.prepare = open_prepare,
	.start = open_start,
	.next = open_next,
	.advance = open_advance,
	.freed = open_freed,
	.roomy = open_pump,
	.timer = open_timer,
	.exhausted = open_exhausted,
	.finish = open_finish,
};
