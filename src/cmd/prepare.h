/* Everything that a run needs before its threads: what is sent, where to, when.
 * In: settings. Out: a plan and what it stands on. Steps in this order: source, reach, plan. One thread at a time. */
#pragma once

#include "cmd/reach.h"
#include "cmd/scenario.h"
#include "config/cli.h"
#include "engine/run.h"
#include "plan/plan.h"

struct prepared {
	const struct cli *cli;
	struct targets targets;
	struct scenario_loaded scenario; /* its script NULL: none */
	struct route route;              /* until the plan has its own */
	struct source source;
	struct plan plan;
	struct reach reach;
	struct tls_context *tls; /* NULL: neither a target nor a proxy is https */
	size_t threshold_count;
	struct threshold *thresholds;
};

/* A machine's part of a run that several make. */
struct prepare_share {
	const struct stripe *stripe; /* NULL: all */
	uint64_t tickets;            /* as in struct plan_inputs */
};

/* Reads what is sent: URLs, bodies, scenarios and their data. `tries`: for scenario try. ERR_FAILED. */
bool prepare_source(struct prepared *ready, const struct cli *cli, bool tries, struct arena *arena, struct err *err);

/* Looks up where it goes. ERR_UNREACHABLE, ERR_FAILED. */
bool prepare_reach(struct prepared *ready, struct arena *arena, struct err *err);

/* Makes the plan, checks the thresholds against it and opens TLS. reach.texts are the addresses: a controller fills those of its agents in, and has no need of
 * TLS (`sends` false). ERR_FAILED. */
bool prepare_plan(struct prepared *ready, const struct prepare_share *share, bool sends, struct arena *arena, struct err *err);

/* Says on stderr what may go wrong: local ports, --connect-to for nobody. */
void prepare_warn(const struct prepared *ready);

/* Fills a run's inputs as far as they follow from it. */
void prepare_inputs(const struct prepared *ready, struct run_inputs *ret);

/* Frees what is not in the arena. */
void prepare_free(struct prepared *ready);
