/* Was it the target or us? Names what on this side limited a result, with its figures.
 * In: a report with its strain, or what is known of a run so far. Out: causes and notes, in words. Plain values; any thread. Rules: docs/architecture.md, "Verdict". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cause {
	CAUSE_LATE,        /* strest sent late */
	CAUSE_CPU,         /* its busiest worker had no time left (open loop) */
	CAUSE_THROTTLED,   /* a cgroup's CPU quota */
	CAUSE_RUN_QUEUE,   /* its threads waited for a processor, by more than the quota explains */
	CAUSE_PORTS,       /* no free local port */
	CAUSE_DESCRIPTORS, /* no free file descriptor */
	CAUSE_PAUSED,      /* the process or the machine stood still */
	CAUSE_LOG,         /* the run log lacks requests */
	CAUSE_COUNT
};

#define VERDICT_NOTES 3

struct verdict {
	size_t count; /* 0: nothing on this side limited the result */
	struct verdict_cause {
		enum cause cause;
		char text[200]; /* with figures: "late: p99 of strest's own lateness is 12 ms, over 10 % of the response time's" */
	} at[CAUSE_COUNT]; /* the one that took the largest share of the run first, but throttled always before run_queue; late, to which the others lead, last */
	size_t note_count;
	char note[VERDICT_NOTES][200]; /* what is no cause but should be known */
};

struct report;
struct distribution;
struct strain;

/* What causes are judged by: of a whole run, or of one so far. */
struct verdict_evidence {
	bool open_loop;
	unsigned threads;
	double busy;                         /* share of its time that the busiest worker had to work; 0: not known */
	const struct strain *strain;         /* what is not known in it is no cause */
	const struct distribution *late;     /* strest's own lateness */
	const struct distribution *ok, *all; /* the times that the results headline: of the ok requests, and of all */
	uint64_t requests;                   /* ok, failed and open */
};

/* Fills causes, without notes. Cannot fail. */
void verdict_judge(const struct verdict_evidence *evidence, struct verdict *ret);

/* Returns whether so many requests that were not sent are worth a word, of so many that were due: the target, or --max-tasks, was too little. */
bool verdict_minds_unsent(double unsent, double due);

/* Judges a report whose books, times and strain are filled. Cannot fail. */
void verdict_build(const struct report *report, struct verdict *ret);

/* Returns a cause's name as it stands in JSON: "late", "cpu", "run_queue", "throttled", "ports", "descriptors", "paused", "log". */
const char *cause_name(enum cause cause);
