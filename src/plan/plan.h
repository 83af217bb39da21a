/* What will be done: one per run, const afterwards, shared by all threads.
 * In: the settings, the URL, the target's addresses. Out: plain values, ready to use. Everything lives in the given arena. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "http/http.h"
#include "plan/protocols.h"
#include "plan/route.h"
#include "plan/schedule.h"
#include "plan/source.h"
#include "plan/targets.h"
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
	const char *target; /* for people: the URL, or "3 URLs from urls.txt" */
	bool tls;           /* a target is https */
	const struct targets *targets;
	struct route route;       /* all origins of the targets; workers copy it */
	bool open_loop;           /* a rate or stages were given */
	struct schedule schedule; /* open loop */
	uint64_t
		k_limit; /* open loop with --requests, or data files that end: numbers from here on are not sent; else UINT64_MAX. With scenarios the numbers are iterations */
	struct stripe stripe;    /* the numbers that are this machine's; whoever gave it keeps the residues */
	struct cursor at_window; /* open loop: the whole schedule, at the first request whose due lies in the window */
	uint64_t k_window;       /* open loop: the first number whose due lies in the window */
	nsec duration, warmup;
	uint64_t requests; /* --requests; 0: none */
	uint64_t tickets;  /* closed loop: this machine's share of them */
	uint64_t
		iterations; /* with scenarios, closed loop: this machine's share of those that data files have rows for; UINT64_MAX: there is no end */
	unsigned threads;   /* workers, >= 1 */
	uint64_t max_tasks;  /* requests at once, in all */
	bool spawn;          /* tasks (closed loop) or connections (open loop) are released step by step */
	uint64_t spawn_rate; /* so many ... */
	nsec spawn_interval; /* ... every so often, from the start on */
	uint64_t preconnect; /* connections opened before the start, in all (open loop) */
	enum waiting waiting;
	nsec timeout, connect_timeout;
	bool keepalive;             /* false: a connection for each request */
	struct protocols protocols; /* which HTTP is spoken */
	uint64_t streams;           /* requests at once on a connection of HTTP/2, >= 1; 1 if that is never spoken */
	uint64_t connections;       /* at once, in all, if every target speaks HTTP/2: those that max_tasks fill, at least one for each worker */
	bool may_h2;                /* some target may speak HTTP/2 */
	bool is_h2_sure;            /* every target speaks HTTP/2, or its connection fails; else there may be max_tasks connections */
	uint64_t requests_per_connection; /* UINT64_MAX: any number; 1 without keep-alive */
	bool pick_mru;                    /* open loop: the idle connection that was used last goes first */
	unsigned redirects;               /* hops that a request may take */
	bool compressed;                  /* bodies are decoded */
	bool pre_lookup;                  /* names are looked up before the run */
	bool retry_stale;                 /* for idempotent methods */
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
	const struct targets *targets;
	const struct route *route; /* with the targets' origins, as left by source_build */
	const struct source *source;
	const struct text_list *addresses; /* those of all places that are known before the run, place by place, in the order of their indexes */
	struct machine machine;
	const struct stripe *stripe; /* the numbers that are this machine's; its residues outlive the plan. NULL: all */
	uint64_t tickets;            /* with a stripe, in a closed loop with --requests: this machine's share of them, perhaps 0 */
};

/* Builds the plan: threads, schedule, groups. ERR_FAILED with the option in the sentence. Behind the rows of addresses stands one for all that are found in the
 * run ("elsewhere"), if redirects are followed or names are looked up then. */
bool plan_build(const struct plan_inputs *inputs, struct arena *arena, struct plan *ret, struct err *err);

/* Returns how many of `total` things worker `worker` of `plan` gets: shares differ by one at most and add up. */
static inline uint64_t plan_share(const struct plan *plan, uint64_t total, unsigned worker) {
	return total / plan->threads + (worker < total % plan->threads);
}

/* Returns how many of the first `started` tasks worker `worker` has: those of whole connections of HTTP/2, which go round the workers; only the last one may
 * be smaller. With fewer connections than workers, plain shares. Of all max_tasks, each worker has at least one. */
uint64_t plan_tasks(const struct plan *plan, uint64_t started, unsigned worker);

/* Returns the mean number of requests of what the schedule counts: 1, with scenarios the steps of an iteration. */
double plan_steps_mean(const struct plan *plan);

/* Returns the number of worker `worker`'s task `i` among all, both from 0: the order in which they start. */
uint64_t plan_task_number(const struct plan *plan, unsigned worker, uint64_t i);

/* Returns the most connections that are open to a target at once, in all. */
static inline uint64_t plan_most_connections(const struct plan *plan) {
	return plan->is_h2_sure ? plan->connections : plan->max_tasks;
}

/* Returns which HTTP is spoken, and on how many connections, for people: "HTTP/2 (h2c), 10 connections with up to 10 streams each"; NULL: HTTP/2 was not asked
 * for. */
const char *plan_describe_http(const struct plan *plan, struct arena *arena);

/* Writes what the run is going to do as sentences for people into the arena. */
const char *plan_describe(const struct plan *plan, const struct text_list *address_texts, struct arena *arena);
