/* A request that is redirected goes on: another URL, perhaps another method, another origin, another connection.
 * In: heads of responses 301, 302, 303, 307, 308. Out: the next request of a flight. The worker's thread.
 * Not the plain path of a request: each redirect that is followed takes memory, which its flight gives back. */
#pragma once

#include <stdbool.h>

#include "base/outcome.h"
#include "base/str.h"
#include "engine/task.h"

struct worker;

/* Looks at the head of a response (3xx) to the request of a task: remembers where it leads if it is to be followed. Not followed is what --status names,
 * and what has no Location. */
void redirect_note(const struct worker *worker, struct task *task, unsigned status, struct slice head);

/* Returns whether the answer that the flight has got is to be followed. */
bool redirect_wanted(const struct flight *flight);

/* Makes the next request of the task. REASON_NONE: task->flight.request is that; else why it cannot go on. */
enum reason redirect_next(struct worker *worker, struct task *task);

/* Returns the URL of the hop that the flight is on; NULL: it is on none. */
const struct url *redirect_url(const struct flight *flight);

/* Gives back what a flight took. */
void redirect_free(struct flight *flight);
