/* What the agents of a run have counted, added up: live by intervals, and at the end.
 * In: snapshots and reports of agents. Out: ticks in the order of time; the totals of the run and a row for each agent. Main thread.
 *
 * A snapshot counts in the interval of the stream in which it was taken, as its difference to the one before. An interval is passed on when every agent that is
 * still there has told it, so that one that is slow makes no dent in the course of the run; at most FLEET_SUM_SLOTS of them wait. */
#pragma once

#include "dist/controller.h"
#include "plan/plan.h"
#include "stats/frame.h"
#include "stats/fleet.h"

#define FLEET_SUM_SLOTS 64

struct fleet_sum_setup {
	const struct plan *plan;
	const struct run_info *info; /* of the run, as describe_run fills it; outlives it, too */
	const struct controller_began *began;
	nsec interval; /* of snapshots; 0: there are none, and no ticks */
	bool shown;    /* rows for a live view are kept: each snapshot is read once more */
	void (*tick)(void *user, nsec elapsed, const struct tally *tick);
	void *user;
};

struct fleet_sum;

/* Texts of `began` are copied; the plan outlives it. Never NULL. */
struct fleet_sum *fleet_sum_new(const struct fleet_sum_setup *setup);
void fleet_sum_free(struct fleet_sum *sum);

/* Takes what an agent has counted so far. ERR_FAILED: it cannot be used, and the one before stands. */
bool fleet_sum_snapshot(struct fleet_sum *sum, size_t index, const struct message_snapshot *snapshot, struct err *err);

/* Takes an agent's report. ERR_FAILED: it cannot be used; the last snapshot stands for it. */
bool fleet_sum_report(struct fleet_sum *sum, size_t index, const struct controller_report *report, struct err *err);

/* The agent is gone; its last snapshot counts unless its report comes. `at`: ns from the start. */
void fleet_sum_lose(struct fleet_sum *sum, size_t index, const char *why, nsec at);

/* Returns how many agents are not lost. */
size_t fleet_sum_present(const struct fleet_sum *sum);

/* Returns a row for each agent, in their order, from what each has told last: for the live view. They change with every snapshot; valid as long as the sum. */
const struct frame_row *fleet_sum_live(const struct fleet_sum *sum, size_t *ret_count);

/* Ends it: passes on what waits, adds what lost agents have told, and makes the rows. Once. */
void fleet_sum_finish(struct fleet_sum *sum);

/* After fleet_sum_finish. What they point to belongs to the sum. */
const struct parcel_sum *fleet_sum_all(const struct fleet_sum *sum);
void fleet_sum_rows(const struct fleet_sum *sum, const struct fleet_agent **ret, size_t *ret_count);
