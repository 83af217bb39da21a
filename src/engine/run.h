/* One load test, from the start line to the last request.
 * In: a plan and the target's addresses. Out: tallies by the tick, totals at the end. Main thread; the workers are its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/address.h"
#include "plan/plan.h"
#include "record/logport.h"
#include "record/strain.h"
#include "record/tally.h"

struct run;
struct tls_context;
struct sources;
struct user;

/* How the run stands. */
struct run_state {
	bool started; /* the workers are prepared and the start was given */
	nsec start;   /* the start line, by clock_now(): the instant that was asked for, or when all were ready; 0: not given yet */
	nsec elapsed; /* since the start line; below 0 shortly before it */
	bool ended;   /* all workers are done: run_finish may be called */
};

/* What a run came to. */
struct run_totals {
	struct tally *tally;
	struct totals *totals;
	uint64_t planned; /* from the schedule alone (open loop) or tickets taken (closed loop); with scenarios also steps that became due */
	uint64_t iterations_planned;                  /* with scenarios: from the schedule alone (open loop) or begun (closed loop) */
	const uint64_t (*step_reasons)[REASON_COUNT]; /* with scenarios: of each step, failed and open requests by reason; NULL: none */
	bool data_ran_out;                            /* a data file had no row for another iteration */
	nsec window;                                  /* length of the measured window, >= 0 */
	double asked_per_s;                           /* open loop: mean rate of the schedule within the window; closed loop: 0 */
	uint64_t missed;                              /* numbers of new stripes that were told too late (run_restripe); `unsent` counts them, too */
	bool limit_reached;                           /* --requests ended the run: this machine's share of them is done */
	bool answered;                                /* at least one byte of a response arrived */
	enum reason last_failure;                     /* the most frequent reason of failed dials and requests; REASON_NONE: none */
	uint64_t failures;
	struct strain strain;                 /* what the workers and their machine tell; throttling and steal are the caller's */
	const char *tls_version, *tls_cipher; /* of the first handshake; NULL: there was none */
	const struct digest *urls;            /* one for each row of a list of URLs; NULL: no list */
};

/* What of an exchange is seen. */
enum run_trace {
	TRACE_OPENED,         /* TCP (or the Unix socket) is connected; the bytes are the address, in text */
	TRACE_SHAKEN,         /* a TLS handshake is done; the bytes are its version and cipher, in text */
	TRACE_PROXY_SENT,     /* bytes of CONNECT ... */
	TRACE_PROXY_RECEIVED, /* ... and of its answer */
	TRACE_SENT,           /* plain bytes of a request, as the kernel or TLS took them */
	TRACE_RECEIVED,       /* plain bytes that came */
	TRACE_FRAME_SENT,     /* instead of them, if it is HTTP/2: its frames, in text (struct http_events, frame) */
	TRACE_FRAME_RECEIVED,
};

/* A step that is over, as its user saw it. Valid during the call. */
struct run_exchange {
	const struct user *user; /* its answer_head and answer hold what came */
	const struct http_request *request;
	const struct sample *sample;
};

/* For tests, --debug and scenario try. Called by the workers, each on its own thread. */
struct run_hooks {
	void (*sample)(void *user, const struct sample *sample);           /* every sample of the window, before it is counted. NULL: not wanted */
	void (*exchange)(void *user, const struct run_exchange *exchange); /* every step of a scenario. NULL: not wanted */
	void (*trace)(void *user, enum run_trace what, struct slice bytes, nsec at); /* NULL: not wanted */
	void *user;
};

/* What a run is made of; everything outlives it. */
struct run_inputs {
	const struct plan *plan;
	const struct address_list *places; /* of each place of the plan's route; an empty list: it is looked up in the run */
	const struct tls_context *tls;     /* NULL: neither a target nor a proxy is https. Every worker makes its own from it (tls_context_share) */
	const struct tls_settings *tls_settings; /* without `tls`: what a redirect to https goes by */
	const struct sources *sources;           /* local addresses; NULL: the kernel's choice */
	int family;                              /* of the addresses that are looked up in the run: AF_UNSPEC, AF_INET, AF_INET6 */
	const struct run_hooks *hooks;           /* NULL: none */
	struct logport *log;                     /* the run log's ports, `shards` of each worker (out/logbook.h); NULL: no log */
	unsigned shards;
	nsec start_at; /* the start line, by clock_now(), if all are ready by then; 0 or passed: as soon as they are */
};

/* Starts the workers; they prepare (open connections in advance), and run_tick gives the start when all are ready. ERR_FAILED. */
bool run_start(const struct run_inputs *inputs, struct run **ret, struct err *err);

/* Readable when all workers are ready or done, until the next run_tick; for poll(). */
int run_descriptor(const struct run *run);

/* Receives what was counted since the last call, up to `elapsed` ns from the start line: a multiple of 100 ms unless somebody was held up. */
typedef void run_tick_fn(void *user, nsec elapsed, const struct tally *tally);

#define RUN_TICK_MS 20

/* To be called every RUN_TICK_MS and when the descriptor says so (a later call is taken for a pause of the process): gives the start,
 * collects what the workers counted (each hands it over every 100 ms) and passes it to `tick` (NULL: dropped after adding up). */
struct run_state run_tick(struct run *run, run_tick_fn *tick, void *user);

/* Fills of a strain what the workers have told up to the last tick: the busiest one, dials that failed, pauses, requests that the log lacks; of what lies
 * behind the warm-up. The run queue is known at the end only. */
void run_read_strain(const struct run *run, struct strain *ret);

/* Returns whether nothing can be measured: no byte of a response has ever arrived, and every attempt that had a second's time failed. */
bool run_is_hopeless(const struct run *run);

/* Ends the run early: no request due later than 200 ms from now is sent, what waits then is counted as unsent, what is in flight may finish. */
void run_stop(struct run *run);

#define RUN_RESTRIPES 64

/* Open loop: from `at` (ns from the start line; before it is at it) on, the numbers of another stripe are this run's: k0 is the first number of the whole schedule due at or after
 * `at`; below it the stripe so far holds, from it on the new one. Its residues outlive the run. From run_start to run_finish; `at` is 200 ms ahead at least. If it
 * is nearer or passed, the new stripe holds from 200 ms from now on, and its numbers since `at` that the old one did not have are counted as planned and unsent;
 * *ret_missed tells how many. False, and nothing changed: a closed loop, more than RUN_RESTRIPES of them, or an `at` before that of the last one.
 * Time: constant (even), the draws of a second and up to `at` (Poisson; all from the start, if it is late). */
bool run_restripe(struct run *run, nsec at, const struct stripe *stripe, uint64_t *ret_missed);

/* Open loop: returns the rate at `at` (ns from the start line) that this machine's stripe asks for, as schedule_rate. */
double run_rate(const struct run *run, nsec at, bool *ret_moving);

/* Waits for the workers, hands their last counts to `tick`, adds everything up. The result points into the run. */
void run_finish(struct run *run, run_tick_fn *tick, void *user, struct run_totals *ret);

/* Frees the run after run_finish. */
void run_free(struct run *run);
