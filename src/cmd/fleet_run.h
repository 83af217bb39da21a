/* An agent's part of a run: prepared beside everything else, run, put into bytes.
 * In: what the controller sent. Out: a plan, then a run; parcels for the controller. Main thread; preparing has a thread of its own, because names may take long. */
#pragma once

#include "base/buf.h"
#include "cmd/prepare.h"
#include "dist/agent.h"
#include "record/parcel.h"

struct fleet_run;

/* Begins to prepare. `own` and `config` outlive it. Never NULL. */
struct fleet_run *fleet_run_new(const struct cli *own, const struct message_config *config);

/* Waits until preparing has ended, and frees everything. NULL is fine. */
void fleet_run_free(struct fleet_run *run);

/* Readable once preparing has ended. */
int fleet_run_descriptor(const struct fleet_run *run);

/* Returns whether preparing has ended; then *ret says how, valid as long as the run. */
bool fleet_run_is_ready(struct fleet_run *run, struct agent_prepared *ret);

/* Of a run that is ready: */
const struct cli *fleet_run_cli(const struct fleet_run *run);
const struct prepared *fleet_run_prepared(const struct fleet_run *run);
struct arena *fleet_run_arena(struct fleet_run *run);

/* Makes the stripe of other weights; it lives as long as the run. ERR_FAILED. */
bool fleet_run_stripe(struct fleet_run *run, const struct message_weights *weights, size_t index, struct stripe *ret, struct err *err);

/* Appends what was counted so far: all that is over is planned. False: too large. */
bool fleet_run_write_snapshot(const struct fleet_run *run, const struct tally *so_far, nsec window, struct buf *into);

/* Appends the results. */
bool fleet_run_write_report(const struct fleet_run *run, const struct run_totals *totals, const struct strain *strain, struct buf *into);
