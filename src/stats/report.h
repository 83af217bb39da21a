/* The numbers to show: everything that people, JSON and later outputs print comes from here.
 * In: what was planned, the summed tally and totals. Out: plain values. The caller owns the struct; any thread reads it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/outcome.h"
#include "base/status.h"
#include "base/threshold.h"
#include "record/digest.h"
#include "record/group.h"
#include "record/strain.h"
#include "record/tally.h"
#include "stats/distribution.h"
#include "stats/url_report.h"
#include "stats/verdict.h"

struct series;
struct fleet_report;
struct judged; /* stats/judge.h */

enum stop_cause { STOP_DURATION, STOP_REQUESTS, STOP_SIGNAL, STOP_UNREACHABLE, STOP_THRESHOLD, STOP_DATA }; /* DATA: a data file had no further row */

/* What the run was: filled by engine/ and cmd/. Texts outlive the report. */
struct run_info {
	char id[37]; /* random UUID, RFC 9562 version 4 */
	const char *version;
	uint64_t truncated_at;      /* --metrics-max, if it leaves something out of an export; 0: it does not */
	bool records_only, unknown; /* a replay of records alone: what else belongs to the run is not known; nor how it was loaded */
	size_t charts;              /* files drawn (chart/chart.h); 0: none */
	size_t label_count;
	const char *const *labels;        /* --label: "env=staging", as base/label.h reads it; each name once */
	int64_t start_unix_ns;            /* CLOCK_REALTIME at the start line */
	const char *target;               /* URL without userinfo, or "3 URLs from urls.txt" */
	const char *method;               /* "GET"; with a list of URLs that of the lines without one */
	bool listed;                      /* --urls-from-file */
	const char *proxy;                /* "http://proxy:3128 (HTTP_PROXY)", without user and password; NULL: none was used */
	const char *unix_path;            /* --unix-socket; NULL: none */
	uint64_t sources;                 /* local addresses of --bind; 0: not given */
	bool keepalive;                   /* false: --disable-keepalive */
	uint64_t requests_per_connection; /* 0: any number */
	bool compressed;                  /* --compressed */
	uint64_t redirects;               /* hops that a request may take; 0: redirects are not followed */
	const char
		*http; /* what was asked for: "http/1.1"; "h2"; "either": h2 where the server agrees, or some targets in one and some in the other */
	const char *http_words; /* the same for people, "HTTP/2 (h2c), 10 connections ..."; NULL: HTTP/2 was not asked for */
	uint64_t streams;       /* --http2-parallel; 1 if HTTP/2 was not asked for */
	bool open_loop;         /* model: open or closed */
	double asked_per_s;     /* the schedule's mean rate over the window in an open loop, with scenarios of iterations; 0 in a closed one */
	bool poisson;
	uint64_t seed;
	unsigned threads;
	uint64_t max_tasks;
	const char *spin;                 /* the mode that was used: "off", "tail", "always" */
	nsec duration, warmup, part_from; /* as asked; of a replay where it begins, after the warm-up */
	uint64_t requests;                /* --requests; 0: none */
	struct status_set expected;
	bool truth;                           /* --truth was on */
	const char *kernel_stamps;            /* "sample", "all", "off" */
	bool tls;                             /* an https URL */
	bool tls_unverified;                  /* --insecure */
	const char *tls_version, *tls_cipher; /* of the first handshake; NULL: there was none */
	size_t threshold_count;
	const struct threshold *thresholds;
	size_t scenario_count; /* 0: none, each request stands for itself */
	double steps_mean;     /* of an iteration, weighted as the scenarios are; 0 without scenarios */
	struct group_table groups;
};

/* What came of it: filled by engine/ at the end. */
struct run_result {
	enum stop_cause cause;
	nsec window;                 /* |W|: from the end of the warm-up to the stop, >= 0 */
	uint64_t planned;            /* from the schedule alone (open loop) or tickets taken (closed loop) */
	uint64_t iterations_planned; /* the same of iterations; 0 without scenarios */
	const struct tally *tally;
	const struct totals *totals;
	const uint64_t (*step_reasons)[REASON_COUNT]; /* a row for each step: failed requests of the books by reason; NULL without scenarios */
	const struct series *series;                  /* the course of the run; NULL: not kept */
	size_t url_count;                 /* with a list of URLs: rows; those from SAMPLE_ROWS_MAX - 1 on share one digest if they are more */
	const char *const *urls;          /* "GET http://localhost:3000/a" ... */
	const struct digest *url_digests; /* ... and what came of each */
	struct strain strain;
	const struct threshold *aborted_by; /* STOP_THRESHOLD: the one that was missed */
	const struct fleet_report *fleet;   /* the agents of a run on several machines (stats/fleet.h); NULL: one machine */
};

struct group_report {
	struct group group;
	uint64_t ok, failed, open, bytes;
	uint64_t unsent; /* all, stages and steps only */
	uint64_t opened; /* connections; addresses only */
	struct distribution response, service;
	uint64_t never;          /* of slo */
	struct distribution slo; /* stages and steps only: as that of the run */
};

/* A step of a scenario. */
struct step_report {
	struct group_report group;
	uint64_t planned;               /* ok + failed + open + unsent: those that became due */
	uint64_t reasons[REASON_COUNT]; /* of those that failed or were open; REASON_NONE: 0 */
};

/* Ways of a user through the steps of a scenario. */
struct iterations_report {
	const char *name; /* of the scenario; NULL: of all */
	uint64_t planned; /* those whose due lies in the window */
	uint64_t ok, failed, open, unsent;
	double success;               /* ok / (ok + failed); 0 when there are none */
	struct distribution duration; /* of ok and failed ones: from the due of the first step to the end of the last, with the times to think */
};

struct report {
	struct run_info run;
	enum stop_cause cause;
	nsec window;
	uint64_t planned, ok, failed, open, unsent, attempts, attempts_warmup, retries, hops, lost;
	double opened_per_s, shaken_per_s; /* connections opened, TLS handshakes done in the window / window */
	uint64_t encoded, decoded;         /* --compressed */
	size_t url_count;                  /* rows of `urls`; 0: no list of URLs */
	struct url_report *urls;           /* in the arena */
	struct url_report url_rest;        /* all behind the worst REPORT_URLS_WORST together; its `urls` is 0: there are no more */
	bool balanced;                     /* planned = ok + failed + open + unsent, of requests and of iterations */
	double achieved_per_s;             /* sends in the window / window */
	double throughput_per_s;           /* completions in the window / window */
	uint64_t bytes_sent, bytes_received;
	struct distribution response_all, response_ok, service_all, service_ok;
	struct distribution slo; /* response time over all planned; count = planned, min, max and mean of the ok ones */
	uint64_t never;          /* planned - ok */
	struct distribution parts[PART_COUNT];
	struct distribution own_error;
	struct distribution outside, client_queue; /* of requests with a kernel stamp */
	uint64_t handshakes_full, handshakes_resumed, handshakes_failed;
	struct strain strain;
	struct verdict verdict; /* was it the target or us? */
	size_t threshold_count;
	const struct judged *thresholds; /* in the arena */
	bool thresholds_hold;            /* all of them */
	const struct threshold *aborted_by;
	uint64_t reasons[REASON_COUNT];
	uint64_t status[TALLY_STATUSES];
	uint64_t opened, reused, connect_failed, closed[CLOSER_COUNT];
	uint64_t opened_h2, fell_back, goaways, unprocessed; /* as in the tally */
	uint64_t stream_limit;                               /* 0: not known */
	nsec longest_gap, spun;
	const struct fleet_report *fleet;
	const struct series *series; /* of the result, as are these: */
	const struct tally *tally;
	const struct totals *totals;
	double worker_busy; /* CPU share of the busiest worker without its spinning, 0..1 */
	size_t group_count;
	struct group_report
		*groups; /* in the arena given to report_build; those before the steps, without the row GROUP_ELSEWHERE if nothing is counted there */
	size_t step_count;         /* 0: no scenarios */
	struct step_report *steps; /* in the arena, in the order of the group table */
	size_t scenario_count;
	struct iterations_report *scenarios; /* in the arena */
	struct iterations_report iterations; /* of all of them; all 0 without scenarios */
	bool iterations_balanced;            /* their planned = ok + failed + open + unsent; true without scenarios */
};

/* Computes a report. `arena` holds what it points to. Cannot fail. Sources: architecture, section "What is measured". */
struct arena;
void report_build(const struct run_info *run, const struct run_result *result, struct arena *arena, struct report *ret);
