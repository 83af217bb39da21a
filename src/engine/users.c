#include "engine/users.h"

#include <stdlib.h>
#include <time.h>

#include "engine/recording.h"
#include "engine/redirect.h"
#include "engine/worker.h"

void users_open(struct worker *worker) {
	struct timespec unix_time;
	worker->script = worker->plan->source.script;
	if (!worker->script) return;
	user_tools_open(&worker->tools);
	if (!worker->script->is_plain) worker->step_reasons = mem_zeroed(worker->script->step_count, sizeof(*worker->step_reasons));
	clock_gettime(CLOCK_REALTIME, &unix_time);
	worker->unix_ahead = unix_time.tv_sec * SEC + unix_time.tv_nsec - clock_now();
}

void users_close(struct worker *worker) {
	for (size_t i = 0; i < worker->task_count; i++) user_free(worker->tasks[i].user);
	if (worker->script) user_tools_close(&worker->tools);
	free(worker->step_reasons);
}

void users_begin(struct worker *worker, struct task *task, uint64_t n, nsec due) {
	const struct plan *plan = worker->plan;
	if (!task->user) {
		uint64_t number = stripe_number(&plan->stripe, plan_task_number(plan, worker->index, task->id));
		task->user = user_new(worker->script, &worker->tools, number);
	}
	user_begin(task->user, n, due);
	worker->under_way++;
	if (!plan->open_loop && due >= worker->window_start) worker->tally->iterations_planned++;
}

bool users_make(struct worker *worker, struct task *task, nsec due, nsec ready, nsec now) {
	const struct script_step *step = task->user->step;
	bool counted = due >= worker->window_start;
	const struct http_request *request = user_request(task->user, (now + worker->unix_ahead) / MSEC);
	if (counted && (!worker->plan->open_loop || step->number > 1)) worker->tally->planned++;
	task->flight =
		(struct flight){.request = request ? request : &step->like, .k = task->user->iter, .due = due, .ready = ready, .counted = counted};
	if (request) return true;
	recording_finish(worker, task, &(struct http_end){.reason = REASON_REQUEST}, now);
	return false;
}

void users_see_head(struct task *task, struct slice head) {
	const struct url *hop = redirect_url(&task->flight);
	user_see_head(task->user, head, hop ? hop : task->user->url, task->flight.redirect && redirect_wanted(&task->flight));
}

void users_judge(struct worker *worker, struct task *task, struct sample *sample) {
	if (sample->reason == REASON_NONE) sample->reason = (uint8_t)user_judge(task->user, sample_response(sample));
	task->has_failed = sample->reason != REASON_NONE;
	const struct run_hooks *hooks = worker->shared->hooks;
	if (hooks && hooks->exchange) hooks->exchange(hooks->user, &(struct run_exchange){task->user, task->flight.request, sample});
}

/* Counts an iteration of the window. */
static void users_count(struct worker *worker, const struct user *user, const struct script_scenario *scenario, const struct iteration *iteration) {
	const struct script *script = worker->script;
	worker->under_way--;
	if (script->is_plain || user->due < worker->window_start) return;
	tally_record_iteration(worker->tally, &worker->plan->groups, (size_t)(scenario - script->scenarios), iteration);
}

nsec users_end_step(struct worker *worker, struct task *task, nsec now) {
	struct user *user = task->user;
	const struct script_scenario *scenario = user->scenario;
	nsec pause = user->step->think_time;
	if (!user_go_on(user, task->has_failed))
		users_count(worker, user, scenario, &(struct iteration){.due = user->due, .done = now, .ok = !user->has_failed});
	return pause;
}

void users_cut(struct worker *worker, struct task *task, nsec now) {
	struct user *user = task->user;
	if (!users_are_under_way(task)) return;
	users_count(worker, user, user->scenario, &(struct iteration){.due = user->due, .done = now, .open = true});
	user->scenario = NULL;
}
