#include "stats/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "stats/report.h"

#define LATE_LEAST MSEC              /* strest's own p99 matters from here on ... */
#define LATE_SHARE 0.1               /* ... and from this share of the reported p99 on */
#define BUSY_SHARE 0.9               /* a worker that works so much of the time has none left */
#define RUN_QUEUE_SHARE 0.02         /* of the wall time that a worker waited for a processor, ... */
#define RUN_QUEUE_LATE 200 * USEC    /* ... if requests were late by so much as well */
#define THROTTLED_SHARE 0.01         /* of the wall time, ... */
#define THROTTLED_LEAST STRAIN_PAUSE /* ... or so long in all */
#define STEAL_SHARE 0.01             /* of all processors' time: worth a word where requests were late */
#define UNSENT_SHARE 0.01            /* of the planned requests */
#define QUEUE_SHARE 0.1              /* of the service time that responses waited in our own queue */

enum { P50 = 0, P99 = 4 };

static const char *const names[CAUSE_COUNT] = {
	[CAUSE_LATE] = "late",
	[CAUSE_CPU] = "cpu",
	[CAUSE_THROTTLED] = "throttled",
	[CAUSE_RUN_QUEUE] = "run_queue",
	[CAUSE_PORTS] = "ports",
	[CAUSE_DESCRIPTORS] = "descriptors",
	[CAUSE_PAUSED] = "paused",
	[CAUSE_LOG] = "log",
};

const char *cause_name(enum cause cause) {
	return names[cause];
}

/* What is judged by, worked out once. */
struct evidence {
	const struct verdict_evidence *given;
	const struct strain *strain;
	nsec wall;
	bool throttled; /* a quota held strest back for long enough to matter */
	nsec run_queue; /* without the time in which the quota held it back, which the kernel counts there as well */
	int quantile;   /* p99, in a short run the highest below it that is reported */
	bool has_late;  /* there is one */
	nsec late;      /* of strest's own lateness */
	nsec reported;  /* of the times that the results headline: of the ok requests, or of all where too few were ok */
};

static double share_of(nsec part, nsec whole) {
	return whole > 0 ? (double)part / (double)whole : 0;
}

static bool is_throttled(const struct strain *strain) {
	if (!strain->throttled_known) return false;
	return share_of(strain->throttled, strain->wall) > THROTTLED_SHARE || strain->throttled > THROTTLED_LEAST;
}

static struct evidence evidence_gather(const struct verdict_evidence *given) {
	const struct distribution *late = given->late;
	struct evidence e = {.given = given, .strain = given->strain, .wall = given->strain->wall, .quantile = P99};
	e.throttled = is_throttled(e.strain);
	if (e.strain->run_queue_known) e.run_queue = e.strain->run_queue - (e.throttled ? e.strain->throttled : 0);
	while (e.quantile > P50 && late->at[e.quantile].few) e.quantile--;
	e.has_late = !late->at[e.quantile].few;
	e.late = late->at[e.quantile].value;
	e.reported = (given->ok->at[e.quantile].few ? given->all : given->ok)->at[e.quantile].value;
	return e;
}

/* Appends to a text; what does not fit is left out as a whole. */
__attribute__((format(printf, 2, 3))) static void add(char text[200], const char *format, ...) {
	char more[200];
	va_list args;
	va_start(args, format);
	vsnprintf(more, sizeof(more), format, args);
	va_end(args);
	if (strlen(text) + strlen(more) < 200) strcat(text, more);
}

/* The machine's share in requests that were sent late. */
static void add_machine(const struct evidence *e, char text[200]) {
	const struct strain *strain = e->strain;
	char time[32];
	double stolen = strain->steal_known ? share_of(strain->steal, e->wall * (nsec)strain->cpus) : 0;
	const char *before = "; the machine took processor time away: ";
	if (stolen >= STEAL_SHARE) {
		add(text, "%ssteal %.1f %%", before, stolen * 100);
		before = ", ";
	}
	if (strain->throttled > 0) {
		add(text, "%sthrottled %s", before, units_format_duration(strain->throttled, time, sizeof(time)));
		before = ", ";
	}
	if (share_of(e->run_queue, e->wall) > RUN_QUEUE_SHARE) {
		add(text, "%srun queue %.1f %%", before, share_of(e->run_queue, e->wall) * 100);
		before = ", ";
	}
	if (strain->pauses > 0) add(text, "%spaused up to %s", before, units_format_duration(strain->longest_pause, time, sizeof(time)));
}

/* Each of these says how large a share of the run, or of its requests, its cause took, with the cause in words; 0: it is none. */
static double judge_late(const struct evidence *e, char text[200]) {
	char late[32], reported[32];
	if (!e->has_late || e->late <= LATE_LEAST || (double)e->late <= LATE_SHARE * (double)e->reported) return 0;
	snprintf(text, 200, "late: strest sent late, by a %s of %s; the %s time's is %s", report_quantile_keys[e->quantile],
		units_format_duration(e->late, late, sizeof(late)), e->given->open_loop ? "response" : "service",
		units_format_duration(e->reported, reported, sizeof(reported)));
	add_machine(e, text);
	return 1e-9; /* last: what made it late stands before it */
}

static double judge_cpu(const struct evidence *e, char text[200]) {
	double busy = e->given->busy;
	if (!e->given->open_loop || busy < BUSY_SHARE) return 0;
	snprintf(text, 200, "cpu: the busiest of %u thread%s worked %.0f %% of the time: more --threads, or a lower rate", e->given->threads,
		e->given->threads == 1 ? "" : "s", busy * 100);
	return busy;
}

static double judge_run_queue(const struct evidence *e, char text[200]) {
	char time[32], late[32];
	double share = share_of(e->run_queue, e->wall);
	if (share <= RUN_QUEUE_SHARE || !e->has_late || e->late <= RUN_QUEUE_LATE) return 0;
	snprintf(text, 200, "run_queue: a thread waited for a processor for %s, %.1f %% of the time; requests were late by a %s of %s",
		units_format_duration(e->run_queue, time, sizeof(time)), share * 100, report_quantile_keys[e->quantile],
		units_format_duration(e->late, late, sizeof(late)));
	return share;
}

static double judge_throttled(const struct evidence *e, char text[200]) {
	char time[32];
	const struct strain *strain = e->strain;
	double share = share_of(strain->throttled, e->wall);
	if (!e->throttled) return 0;
	snprintf(text, 200, "throttled: a CPU quota (cgroup) held strest back %llu times, for %s, %.1f %% of the time",
		(unsigned long long)strain->throttled_times, units_format_duration(strain->throttled, time, sizeof(time)), share * 100);
	char unused[200];
	double run_queue = judge_run_queue(e, unused); /* goes behind */
	if (share < run_queue) return run_queue;
	return share < 1 ? share : 1; /* it adds up over processors */
}

static double judge_paused(const struct evidence *e, char text[200]) {
	char time[32];
	if (e->strain->pauses == 0) return 0;
	snprintf(text, 200, "paused: strest, or its machine, stood still %llu time%s, for up to %s", (unsigned long long)e->strain->pauses,
		e->strain->pauses == 1 ? "" : "s", units_format_duration(e->strain->longest_pause, time, sizeof(time)));
	return share_of(e->strain->longest_pause, e->wall) + 1e-6;
}

/* Connections that could not be opened, compared with the requests. */
static double judge_dials(const struct evidence *e, uint64_t failed) {
	double requests = (double)e->given->requests + 1;
	return (double)failed < requests ? (double)failed / requests : 1;
}

static double judge_ports(const struct evidence *e, char text[200]) {
	unsigned long long count = e->strain->no_port;
	if (count == 0) return 0;
	snprintf(text, 200, "ports: no local port was free for %llu connection%s: --bind more local addresses, each has some 28,000 ports", count,
		count == 1 ? "" : "s");
	return judge_dials(e, count);
}

static double judge_descriptors(const struct evidence *e, char text[200]) {
	unsigned long long count = e->strain->no_descriptor;
	if (count == 0) return 0;
	snprintf(text, 200, "descriptors: no file descriptor was free for %llu connection%s: raise the limit of open files (ulimit -n)", count,
		count == 1 ? "" : "s");
	return judge_dials(e, count);
}

static double judge_log(const struct evidence *e, char text[200]) {
	unsigned long long shed = e->strain->shed, all = e->given->requests;
	if (shed == 0) return 0;
	snprintf(text, 200, "log: %llu of %llu requests are missing from the log of all requests: its disk was too slow (--tmp-path, --log-shards)",
		shed, all);
	return all > shed ? (double)shed / (double)all : 1;
}

bool verdict_minds_unsent(double unsent, double due) {
	return unsent > UNSENT_SHARE * due;
}

static void note_build(const struct report *report, struct verdict *ret) {
	if (report->run.open_loop && verdict_minds_unsent((double)report->unsent, (double)report->planned))
		snprintf(ret->note[ret->note_count++], sizeof(ret->note[0]),
			"%llu of %llu planned requests were never sent: the target, or --max-tasks %llu, was too little for this rate",
			(unsigned long long)report->unsent, (unsigned long long)report->planned, (unsigned long long)report->run.max_tasks);
	const struct quantile *queue = &report->client_queue.at[P50], *service = &report->service_all.at[P50];
	if (!report->run.open_loop && report->worker_busy >= BUSY_SHARE)
		snprintf(ret->note[ret->note_count++], sizeof(ret->note[0]),
			"strest worked %.0f %% of the time (busiest thread): the throughput is its own limit, times include its queue",
			report->worker_busy * 100);
	if (!queue->few && !service->few && (double)queue->value > QUEUE_SHARE * (double)service->value) {
		char ours[32], all[32];
		snprintf(ret->note[ret->note_count++], sizeof(ret->note[0]), "strest's own queue is %.0f %% of the service time (p50 %s of %s)%s",
			share_of(queue->value, service->value) * 100, units_format_duration(queue->value, ours, sizeof(ours)),
			units_format_duration(service->value, all, sizeof(all)),
			report->run.open_loop ? "" : "; a --rate below the most leaves it out");
	}
}

void verdict_judge(const struct verdict_evidence *evidence, struct verdict *ret) {
	static double (*const judges[CAUSE_COUNT])(const struct evidence *e, char text[200]) = {
		[CAUSE_LATE] = judge_late,
		[CAUSE_CPU] = judge_cpu,
		[CAUSE_THROTTLED] = judge_throttled,
		[CAUSE_RUN_QUEUE] = judge_run_queue,
		[CAUSE_PORTS] = judge_ports,
		[CAUSE_DESCRIPTORS] = judge_descriptors,
		[CAUSE_PAUSED] = judge_paused,
		[CAUSE_LOG] = judge_log,
	};
	struct evidence e = evidence_gather(evidence);
	double shares[CAUSE_COUNT];
	*ret = (struct verdict){0};
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		struct verdict_cause found = {.cause = cause};
		double share = judges[cause](&e, found.text);
		if (share <= 0) continue;
		size_t at = ret->count++;
		for (; at > 0 && shares[at - 1] < share; at--) {
			shares[at] = shares[at - 1];
			ret->at[at] = ret->at[at - 1];
		}
		shares[at] = share;
		ret->at[at] = found;
	}
}

void verdict_build(const struct report *report, struct verdict *ret) {
	bool open_loop = report->run.open_loop;
	verdict_judge(&(struct verdict_evidence){.open_loop = open_loop,
			      .threads = report->run.threads,
			      .busy = report->worker_busy,
			      .strain = &report->strain,
			      .late = &report->parts[PART_LATE],
			      .ok = open_loop ? &report->response_ok : &report->service_ok,
			      .all = open_loop ? &report->response_all : &report->service_all,
			      .requests = report->ok + report->failed + report->open},
		ret);
	note_build(report, ret);
}
