/* What will be done: one per run, const afterwards, shared by all threads.
 * In: the settings, the URL, the target's addresses. Out: plain values, ready to use. Everything lives in the given arena. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "http/http.h"
#include "http/url.h"
#include "plan/schedule.h"
#include "plan/source.h"
#include "record/group.h"

/* What the machine gives. */
struct machine {
	unsigned cpus;     /* this process may use, >= 1 */
	bool quota;        /* a cgroup limits its CPU time */
	bool target_local; /* the target's first address belongs to this machine */
};

/* How due times are waited for. */
enum waiting {
	WAITING_SLEEPS, /* until the due time; the wake-up adds some 20 us */
	WAITING_TAIL,   /* sleeps until shortly before, then looks at the clock */
	WAITING_SPINS,  /* never sleeps: a whole core for each worker, and no wake-up adds to the time of a response either */
};

struct plan {
	struct url url;
	bool open_loop;           /* a rate or stages were given */
	struct schedule schedule; /* open loop */
	uint64_t k_limit;         /* open loop with --requests: numbers from here on are not sent; else UINT64_MAX */
	struct cursor at_window;  /* open loop: the whole schedule, at the first request whose due lies in the window */
	uint64_t k_window;        /* open loop: the first number whose due lies in the window */
	nsec duration, warmup;
	uint64_t requests;   /* --requests; 0: none */
	unsigned threads;    /* workers, >= 1 */
	uint64_t max_tasks;  /* connections in all */
	bool spawn;          /* tasks (closed loop) or connections (open loop) are released step by step */
	uint64_t spawn_rate; /* so many ... */
	nsec spawn_interval; /* ... every so often, from the start on */
	uint64_t preconnect; /* connections opened before the start, in all (open loop) */
	enum waiting waiting;
	nsec timeout, connect_timeout;
	bool retry_stale; /* for idempotent methods */
	bool truth;
	enum kernel_stamps kernel_stamps;
	struct status_set expected;
	uint64_t seed;
	const char *method; /* "GET" */
	struct source source;
	struct group_table groups;
};

/* What a plan is made from. */
struct plan_inputs {
	const struct settings *settings;
	bool spawn_given, preconnect_given; /* by the user; presets do not count */
	const struct url *url;
	const struct text_list *addresses; /* of the target, in the order of their indexes */
	struct machine machine;
};

/* Builds the plan. Reads --data-file or --data-lines. ERR_FAILED with the option in the sentence. */
bool plan_build(const struct plan_inputs *inputs, struct arena *arena, struct plan *ret, struct err *err);

/* Returns how many of `total` things worker `worker` of `plan` gets: shares differ by one at most and add up. */
static inline uint64_t plan_share(const struct plan *plan, uint64_t total, unsigned worker) {
	return total / plan->threads + (worker < total % plan->threads);
}

/* Writes what the run is going to do as sentences for people into the arena. */
const char *plan_describe(const struct plan *plan, const struct text_list *address_texts, struct arena *arena);
