/* One load test, from the start line to the last request.
 * In: a plan and the target's addresses. Out: tallies by the tick, totals at the end. Main thread; the workers are its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/address.h"
#include "plan/plan.h"
#include "record/tally.h"

struct run;

/* How the run stands. */
struct run_state {
	bool started; /* the workers are prepared and the start was given */
	nsec elapsed; /* since the start line */
	bool ended;   /* all workers are done: run_finish may be called */
};

/* What a run came to. */
struct run_totals {
	struct tally *tally;
	struct totals *totals;
	uint64_t planned;         /* from the schedule alone (open loop) or tickets taken (closed loop) */
	nsec window;              /* length of the measured window, >= 0 */
	double asked_per_s;       /* open loop: mean rate of the schedule within the window; closed loop: 0 */
	bool limit_reached;       /* --requests ended the run */
	bool answered;            /* at least one byte of a response arrived */
	enum reason last_failure; /* the most frequent reason of failed dials and requests; REASON_NONE: none */
	uint64_t failures;
	uint64_t busiest_cpu_ns, busiest_wall_ns; /* of the busiest worker */
};

/* Sees every sample of the window before it is counted; for tests. Called by the workers, each on its own thread. */
struct run_hooks {
	void (*sample)(void *user, const struct sample *sample);
	void *user;
};

/* Starts the workers; they prepare (open connections in advance), and run_tick gives the start when all are ready.
 * `plan`, `addresses`, `hooks` (NULL: none) outlive the run. ERR_FAILED. */
bool run_start(const struct plan *plan, const struct address_list *addresses, const struct run_hooks *hooks, struct run **ret, struct err *err);

/* Readable when all workers are ready or done, until the next run_tick; for poll(). */
int run_descriptor(const struct run *run);

/* Receives what was counted since the last call; `elapsed` ns from the start line. */
typedef void run_tick_fn(void *user, nsec elapsed, const struct tally *tally);

/* To be called every 100 ms and when the descriptor says so: gives the start, collects what the workers counted since the last call and hands it to `tick` (NULL: dropped after adding up). */
struct run_state run_tick(struct run *run, run_tick_fn *tick, void *user);

/* Returns whether nothing can be measured: no byte of a response has ever arrived, and every attempt that had a second's time failed. */
bool run_is_hopeless(const struct run *run);

/* Ends the run early: no request due later than 200 ms from now is sent, what waits then is counted as unsent, what is in flight may finish. */
void run_stop(struct run *run);

/* Waits for the workers, hands their last counts to `tick`, adds everything up. The result points into the run. */
void run_finish(struct run *run, run_tick_fn *tick, void *user, struct run_totals *ret);

/* Frees the run after run_finish. */
void run_free(struct run *run);
