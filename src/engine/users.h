/* The users of a worker: which request of which iteration a task sends, and what came of it.
 * In: tasks that may send, answers. Out: requests, think times, counts of iterations. The worker's thread. plan/user.h is one of them. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "engine/task.h"
#include "plan/user.h"
#include "record/sample.h"

struct worker;

/* Takes memory for what they share, and gives everything back. */
void users_open(struct worker *worker);
void users_close(struct worker *worker);

/* Returns whether the task is in the middle of an iteration. */
static inline bool users_are_under_way(const struct task *task) {
	return task->user && task->user->scenario;
}

/* The task's user begins iteration n, which is due at `due`; it is in none. */
void users_begin(struct worker *worker, struct task *task, uint64_t n, nsec due);

/* Puts the request of the user's present step, due and ready at `due`, into task->flight. False: it cannot be made, has been counted as failed, and the step is over. */
bool users_make(struct worker *worker, struct task *task, nsec due, nsec ready, nsec now);

/* A head came for the task's request. */
void users_see_head(struct task *task, struct slice head);

/* The task's request is over: says so if the step's asserts fail. */
void users_judge(struct worker *worker, struct task *task, struct sample *sample);

/* The present step of the task is over; the iteration is counted if it was the last one. Returns the think time; users_are_under_way tells whether a step follows. */
nsec users_end_step(struct worker *worker, struct task *task, nsec now);

/* The run ends: an iteration that is under way is counted as open. */
void users_cut(struct worker *worker, struct task *task, nsec now);
