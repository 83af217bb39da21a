/* Closed loop: a fixed number of tasks, each sends its next request when the last one is done, on the same connection. */
#include "engine/flow.h"
#include "engine/worker.h"

#define BLOCK 128 /* so many tickets or numbers are taken from the shared counter at once */

#define BACKOFF_FIRST (100 * MSEC)
#define BACKOFF_LAST SEC

static void closed_start(struct worker *worker) {
	const struct plan *plan = worker->plan;
	for (size_t i = 0; i < worker->task_count; i++) {
		struct task *task = &worker->tasks[i];
		uint64_t tick = plan_task_number(plan, worker->index, i) / plan->spawn_rate;
		if (tick > (uint64_t)(plan->duration / plan->spawn_interval)) break; /* never within the run */
		task->wake = worker->start + (nsec)tick * plan->spawn_interval;
		task_arm(worker, task, task->wake);
	}
}

/* Takes a ticket of --requests and the number of its request; false: none is left. */
static bool closed_take_ticket(struct worker *worker, uint64_t *ret_k) {
	if (worker->tickets == 0) {
		_Atomic uint64_t *left = &worker->shared->tickets;
		uint64_t seen = atomic_load_explicit(left, memory_order_relaxed), block;
		do {
			if (seen == 0) return false;
			block = seen / (worker->plan->threads * 64);
			block = block < 1 ? 1 : block > BLOCK ? BLOCK : block;
		} while (!atomic_compare_exchange_weak_explicit(left, &seen, seen - block, memory_order_relaxed, memory_order_relaxed));
		worker->tickets = block;
		worker->ticket_j = worker->plan->tickets - seen;
	}
	worker->tickets--;
	*ret_k = stripe_number(&worker->plan->stripe, worker->ticket_j++);
	return true;
}

/* Returns the number of a request that needs no ticket: those of this machine in order, each once; at the end of a run the rest of a worker's block stays unused. */
static uint64_t closed_take_number(struct worker *worker) {
	if (worker->numbers == 0) {
		worker->number_j = atomic_fetch_add_explicit(&worker->shared->numbers, BLOCK, memory_order_relaxed);
		worker->numbers = BLOCK;
	}
	worker->numbers--;
	return stripe_number(&worker->plan->stripe, worker->number_j++);
}

/* `task`, which has no request, gives its connection back. */
static void closed_part(struct worker *worker, struct task *task) {
	if (task->conn) pool_put(worker, task->conn);
	task->conn = NULL;
}

/* `task` sends its next request since `due` at `at`. */
static void closed_wait(struct worker *worker, struct task *task, nsec at) {
	closed_part(worker, task);
	task->wake = at;
	task_arm(worker, task, at);
}

/* The pause before the next set-up behind some that failed in a row. */
static nsec closed_backoff(const struct task *task) {
	nsec wait = BACKOFF_FIRST << (task->backoff - 1);
	return wait < BACKOFF_LAST ? wait : BACKOFF_LAST;
}

/* The same with scenarios: the task's user takes its next step, or begins another iteration. */
static void closed_next_step(struct worker *worker, struct task *task, nsec due, nsec now) {
	bool is_first = !users_are_under_way(task), counted = due >= worker->window_start;
	uint64_t unused;
	bool may = due < worker->stop && now < worker->stop;
	if (may && is_first) may = worker_has_iterations(worker);
	if (may && counted && worker->plan->requests > 0) may = closed_take_ticket(worker, &unused);
	uint64_t j = may && is_first ? atomic_fetch_add_explicit(&worker->shared->numbers, 1, memory_order_relaxed) : 0;
	if (!may || (is_first && j >= worker->plan->iterations)) {
		closed_part(worker, task);
		return;
	}
	if (is_first) users_begin(worker, task, stripe_number(&worker->plan->stripe, j), due);
	if (!users_make(worker, task, due, due, now)) {
		nsec pause = users_end_step(worker, task, now);
		closed_wait(worker, task, now + (pause > BACKOFF_FIRST ? pause : BACKOFF_FIRST));
		return;
	}
	struct peer *peer = &worker->peers.at[task->flight.request->origin];
	if (task->conn && task->conn->peer != peer) closed_part(worker, task);
	flow_begin(worker, task, peer, now);
}

/* `task`, which has none yet or an ended request, may send since `due`. */
static void closed_next(struct worker *worker, struct task *task, nsec due, nsec now) {
	worker_see_stop(worker, now);
	if (worker->script) {
		closed_next_step(worker, task, due, now);
		return;
	}
	bool counted = due >= worker->window_start;
	uint64_t k = 0;
	bool may = due < worker->stop && now < worker->stop; /* a start that could not be kept until the stop is none */
	if (may && (!counted || worker->plan->requests == 0))
		k = closed_take_number(worker);
	else if (may)
		may = closed_take_ticket(worker, &k);
	if (!may) {
		closed_part(worker, task);
		return;
	}
	if (counted) worker->tally->planned++;
	const struct http_request *request = worker->plan->source.ops->next(&worker->plan->source, 0, k);
	struct peer *peer = &worker->peers.at[request->origin];
	if (task->conn && task->conn->peer != peer) closed_part(worker, task);
	task->flight = (struct flight){.request = request, .k = k, .due = due, .ready = due, .counted = counted};
	flow_begin(worker, task, peer, now);
}

static void closed_freed(struct worker *worker, struct task *task, nsec now) {
	nsec pause = worker->script ? users_end_step(worker, task, now) : 0;
	if (task->backoff > 0 && closed_backoff(task) > pause) pause = closed_backoff(task);
	if (pause > 0)
		closed_wait(worker, task, now + pause);
	else
		closed_next(worker, task, now, now);
}

static void closed_timer(struct worker *worker, struct task *task, nsec now) {
	if (task->wake == 0) return;
	if (now < task->wake) {
		task_arm(worker, task, task->wake);
		return;
	}
	nsec due = task->wake;
	task->wake = 0;
	closed_next(worker, task, due, now);
}

static void closed_prepare(struct worker *worker) {
	pool_open(worker);
	worker->tasks_used = worker->task_count;
}

static void closed_finish(struct worker *worker) {
	(void)worker;
}

static nsec closed_never(const struct worker *worker) {
	(void)worker;
	return NSEC_NEVER; /* its moments are timers */
}

static void closed_advance(struct worker *worker, nsec now) {
	(void)worker;
	(void)now;
}

static bool closed_exhausted(const struct worker *worker, nsec now) {
	if (now >= worker->stop) return true;
	if (worker->script && worker->under_way == 0 && !worker_has_iterations(worker)) return true;
	bool limited = worker->plan->requests > 0 && now >= worker->window_start;
	return limited && worker->tickets == 0 && atomic_load_explicit(&worker->shared->tickets, memory_order_relaxed) == 0;
}

const struct model_ops model_closed = {
	.prepare = closed_prepare,
	.start = closed_start,
	.next = closed_never,
	.advance = closed_advance,
	.freed = closed_freed,
	.timer = closed_timer,
	.exhausted = closed_exhausted,
	.finish = closed_finish,
};
