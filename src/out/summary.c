#include "out/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "stats/judge.h"

#define COLUMNS 100
#define NAME_COLUMNS 47 /* the longest IPv6 address with brackets and port */

enum { P50, P75, P90, P95, P99, P99_9, P99_99 };

/* The columns of a table of times. */
static const struct {
	const char *title;
	int quantile;
} columns[] = {{"p50", P50}, {"p90", P90}, {"p99", P99}, {"p99.9", P99_9}};

/* What a part of a response time is, in few words. */
static const char *const part_words[PART_COUNT] = {
	[PART_BLOCKED] = "all connections were busy: the target, or --max-tasks",
	[PART_LATE] = "strest itself, between due and sent",
	[PART_DNS] = "looking up the name",
	[PART_CONNECT] = "connecting",
	[PART_TLS] = "TLS handshake",
	[PART_WRITE] = "sending the request",
	[PART_WAIT] = "from the request sent to the first byte of the response",
	[PART_TRANSFER] = "from the first to the last byte of the response",
	[PART_RETRY] = "attempts before the last one",
};

static const char *rate_format(double rate, char *text, unsigned size) {
	snprintf(text, size, rate < 10 ? "%.3g" : rate < 10000 ? "%.1f" : "%.0f", rate);
	return text;
}

/* The cells of a table of times: a blank and nine columns. */
static void put_duration(struct buf *into, nsec time) {
	char text[32];
	buf_add_format(into, " %9s", units_format_duration(time, text, sizeof(text)));
}

static void put_dash(struct buf *into) {
	buf_add_text(into, "         -");
}

static void put_quantile(struct buf *into, const struct quantile *at) {
	if (at->few)
		put_dash(into);
	else
		put_duration(into, at->value);
}

static void write_model(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	char rate[32];
	if (run->open_loop)
		buf_add_format(
			into, "open loop at %s/s, %s arrivals", rate_format(run->asked_per_s, rate, sizeof(rate)), run->poisson ? "Poisson" : "even");
	else
		buf_add_text(into, "closed loop, each task sends as soon as it may");
	buf_add_format(into, "; at most %llu at once, %u thread%s%s\n", (unsigned long long)run->max_tasks, run->threads,
		run->threads == 1 ? "" : "s", strcmp(run->spin, "off") == 0 ? "" : ", spinning");
}

static void write_end(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	char time[32], warmup[32];
	buf_add_format(into, "measured for %s", units_format_duration(report->window, time, sizeof(time)));
	if (run->warmup > 0) buf_add_format(into, " after %s of warm-up", units_format_duration(run->warmup, warmup, sizeof(warmup)));
	switch (report->cause) {
	case STOP_DURATION:
		buf_add_text(into, "\nended by duration");
		if (run->requests > 0)
			buf_add_format(into, " after %llu of %llu requests", (unsigned long long)report->planned, (unsigned long long)run->requests);
		break;
	case STOP_REQUESTS: buf_add_format(into, "\nended by its %llu requests", (unsigned long long)run->requests); break;
	case STOP_SIGNAL: buf_add_text(into, "\nstopped by a signal"); break;
	case STOP_THRESHOLD:
		buf_add_format(into, "\nended early: %.*s was missed", NAME_COLUMNS, report->aborted_by ? report->aborted_by->text : "a threshold");
		break;
	case STOP_UNREACHABLE: buf_add_text(into, "\ngiven up: the target cannot be reached"); break;
	}
	buf_add_text(into, "\n");
}

/* Writes `first`, then words in lines of at most COLUMNS; further lines begin with as many blanks. A word that is longer stays whole. */
static void write_wrapped(const char *first, const char *words, struct buf *into) {
	size_t indent = strlen(first), column = indent;
	buf_add_text(into, first);
	while (*words) {
		size_t size = strcspn(words, " ");
		bool begins = column == indent;
		if (!begins && column + 1 + size > COLUMNS) {
			buf_add_format(into, "\n%*s", (int)indent, "");
			column = indent;
			begins = true;
		}
		buf_add_format(into, "%s%.*s", begins ? "" : " ", (int)size, words);
		column += size + !begins;
		words += size;
		while (*words == ' ') words++;
	}
	buf_add_text(into, "\n");
}

static void write_verdict(const struct report *report, struct buf *into) {
	const struct verdict *verdict = &report->verdict;
	if (verdict->count == 0) buf_add_text(into, "verdict: nothing on strest's side limited this result\n");
	for (size_t i = 0; i < verdict->count; i++) write_wrapped(i == 0 ? "verdict: limited by " : "         and ", verdict->at[i].text, into);
	for (size_t i = 0; i < verdict->note_count; i++) write_wrapped("note: ", verdict->note[i], into);
}

static void write_thresholds(const struct report *report, struct buf *into) {
	size_t width = strlen("Thresholds");
	if (report->threshold_count == 0) return;
	for (size_t i = 0; i < report->threshold_count; i++) {
		size_t size = strlen(report->thresholds[i].threshold->text);
		if (size > width) width = size;
	}
	if (width > NAME_COLUMNS) width = NAME_COLUMNS;
	buf_add_format(into, "\n%-*s %12s\n", (int)width + 2, "Thresholds", "value");
	for (size_t i = 0; i < report->threshold_count; i++) {
		const struct judged *judged = &report->thresholds[i];
		char value[32] = "-";
		if (!judged->unknown) judge_format(judged->threshold, judged->value, value, sizeof(value));
		buf_add_format(into, "  %-*.*s %12s  %s%s%s\n", (int)width, (int)width, judged->threshold->text, value,
			judged->passed ? "pass" : "FAIL", judged->few ? "  few samples" : "", judged->unknown ? "  nothing to compare" : "");
	}
}

static void write_head(const struct report *report, struct buf *into) {
	const char *method = report->run.method;
	int room = COLUMNS - 1 - (int)strlen(method);
	bool cut = strlen(report->run.target) > (size_t)room;
	buf_add_format(into, "%s %.*s%s\n", method, cut ? room - 3 : room, report->run.target, cut ? "..." : "");
	write_model(report, into);
	write_end(report, into);
	if (report->planned + report->attempts + report->connect_failed > 0) write_verdict(report, into);
	write_thresholds(report, into);
}

static void write_time_titles(struct buf *into) {
	buf_add_format(into, "  %-8s", "");
	for (size_t i = 0; i < LENGTH(columns); i++) buf_add_format(into, " %9s", columns[i].title);
	buf_add_format(into, " %9s %9s %9s %12s\n", "max", "min", "mean", "requests");
}

/* Returns whether a quantile was left out because too few requests lie beyond it. */
static bool write_time_row(const char *name, const struct distribution *times, struct buf *into) {
	bool few = false;
	buf_add_format(into, "  %-8s", name);
	for (size_t i = 0; i < LENGTH(columns); i++) {
		few |= times->at[columns[i].quantile].few;
		put_quantile(into, &times->at[columns[i].quantile]);
	}
	const nsec rest[] = {times->max, times->min, times->max == NSEC_NEVER ? NSEC_NEVER : (nsec)times->mean};
	for (size_t i = 0; i < LENGTH(rest); i++) {
		if (times->count > 0)
			put_duration(into, rest[i]);
		else
			put_dash(into);
	}
	buf_add_format(into, " %12llu\n", (unsigned long long)times->count);
	return few;
}

/* What the rows "all" and "planned" count. */
static void write_notes(const struct report *report, struct buf *into) {
	if (report->open > 0)
		buf_add_format(into, "  all: the %llu still open at the end count with their age, which is a lower bound.\n",
			(unsigned long long)report->open);
	buf_add_format(into, "  planned: the %llu that were not ok count as never answered%s\n", (unsigned long long)report->never,
		report->run.open_loop ? "." : "; what a slow server kept from being\n  sent is missing here.");
}

static bool write_response(const struct report *report, struct buf *into) {
	buf_add_text(into, "\nResponse time (from the moment a request was due to its last byte)\n");
	write_time_titles(into);
	bool few = write_time_row("ok", &report->response_ok, into);
	if (report->never == 0) return few;
	few |= write_time_row("all", &report->response_all, into);
	struct distribution planned = report->slo;
	planned.max = NSEC_NEVER;
	if (report->ok == 0) planned.min = NSEC_NEVER;
	few |= write_time_row("planned", &planned, into);
	write_notes(report, into);
	return few;
}

static bool write_service(const struct report *report, struct buf *into) {
	buf_add_text(into, "\nService time (from its send to its last byte, and the connection set-up it needed)\n");
	write_time_titles(into);
	bool few = write_time_row("ok", &report->service_ok, into);
	if (report->never > 0) few |= write_time_row("all", &report->service_all, into);
	return few;
}

static void write_times(const struct report *report, struct buf *into) {
	bool few;
	if (report->run.open_loop) {
		few = write_response(report, into);
		few |= write_service(report, into);
	} else {
		char gap[32];
		few = write_service(report, into);
		buf_add_format(into,
			"  Closed loop: a slow server slows the load down, so its stalls are under-counted here.\n"
			"  The longest time without a finished request was %s%s.\n",
			units_format_duration(report->longest_gap, gap, sizeof(gap)), report->run.threads > 1 ? " (on one thread)" : "");
		few |= write_response(report, into);
	}
	if (report->run.truth) {
		buf_add_text(into, "\nOwn error (time added by strest and the kernel, by the target's own clock)\n");
		write_time_titles(into);
		few |= write_time_row("added", &report->own_error, into);
	}
	if (few) buf_add_text(into, "  -: needs more requests, fewer than 10 lie beyond it\n");
}

/* A part is worth a line from a thousandth of the mean time or a hundredth of the p99. */
static bool part_shows(const struct report *report, enum part part) {
	const struct distribution *times = &report->parts[part];
	if (times->max == 0) return false;
	return times->mean * 1000 >= report->response_all.mean || times->at[P99].value >= report->response_all.at[P99].value / 100;
}

/* The same times seen by the kernel: p50, p99 and the number of requests that carry its stamp. */
static void write_stamps(const struct report *report, struct buf *into) {
	static const char *const words[] = {
		"network and target: from the send to the arrival here", "strest itself: from the arrival until it was read"};
	static const char *const titles[] = {"outside", "client queue"};
	const struct distribution *times[] = {&report->outside, &report->client_queue};
	if (report->outside.count == 0) return;
	buf_add_format(
		into, "  %-17s %9s %9s   by the kernel's clock, of %llu requests\n", "", "p50", "p99", (unsigned long long)report->outside.count);
	for (size_t i = 0; i < LENGTH(times); i++) {
		buf_add_format(into, "  %-17s", titles[i]);
		put_quantile(into, &times[i]->at[P50]);
		put_quantile(into, &times[i]->at[P99]);
		buf_add_format(into, "  %s\n", words[i]);
	}
}

static void write_parts(const struct report *report, struct buf *into) {
	if (report->response_all.max == 0) return;
	buf_add_format(into, "\nWhere the time went %9s %9s\n", "mean", "p99");
	for (enum part part = 0; part < PART_COUNT; part++) {
		const struct distribution *times = &report->parts[part];
		if (!part_shows(report, part)) continue;
		buf_add_format(into, "  %-17s", part_name(part));
		put_duration(into, (nsec)times->mean);
		put_quantile(into, &times->at[P99]);
		buf_add_format(into, "  %s\n", part_words[part]);
	}
	write_stamps(report, into);
}

static void write_errors(const struct report *report, struct buf *into) {
	char first[64];
	if (report->failed + report->open == 0) return;
	buf_add_text(into, "\nErrors\n");
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		if (reason == REASON_NONE || report->reasons[reason] == 0) continue;
		snprintf(first, sizeof(first), "  %12llu  %s: ", (unsigned long long)report->reasons[reason], outcome_name(reason_outcome(reason)));
		write_wrapped(first, reason_words(reason), into);
	}
}

static void write_status(const struct report *report, struct buf *into) {
	buf_add_text(into, "\nStatus     ");
	size_t column = 11;
	for (int status = 1; status <= TALLY_STATUSES; status++) {
		uint64_t count = report->status[status % TALLY_STATUSES]; /* 0, none, comes last */
		if (count == 0) continue;
		char text[40];
		int size = status < TALLY_STATUSES ? snprintf(text, sizeof(text), "  %d: %llu", status, (unsigned long long)count)
						   : snprintf(text, sizeof(text), "  none: %llu", (unsigned long long)count);
		if (column + (size_t)size > COLUMNS) {
			buf_add_format(into, "\n%11s", "");
			column = 11;
		}
		buf_add_text(into, text);
		column += (size_t)size;
	}
	buf_add_text(into, "\n");
}

static void write_rate(const struct report *report, struct buf *into) {
	char asked[32], sent[32], done[32];
	buf_add_format(into, "Rate         %s/s answered, %s/s sent", rate_format(report->throughput_per_s, done, sizeof(done)),
		rate_format(report->achieved_per_s, sent, sizeof(sent)));
	if (report->run.open_loop) buf_add_format(into, ", %s/s asked", rate_format(report->run.asked_per_s, asked, sizeof(asked)));
	buf_add_format(into, "; busiest thread %.0f %% busy\n", report->worker_busy * 100);
}

static void write_connections(const struct report *report, struct buf *into) {
	buf_add_format(into, "Connections  %llu opened, %llu failed to open; %llu requests on one used before\n", (unsigned long long)report->opened,
		(unsigned long long)report->connect_failed, (unsigned long long)report->reused);
	buf_add_format(into, "             closed: %llu by the target, %llu by strest, %llu at the end\n",
		(unsigned long long)report->closed[CLOSER_PEER], (unsigned long long)report->closed[CLOSER_US],
		(unsigned long long)report->closed[CLOSER_END]);
	if (!report->run.open_loop && report->connect_failed > 0)
		buf_add_text(into, "             a task whose connection could not be opened waits 100 ms, then longer, up to 1 s\n");
}

static void write_tls(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	if (!run->tls) return;
	buf_add_format(into, "TLS          %s%s%.50s%s\n             handshakes: %llu full, %llu resumed, %llu failed\n",
		run->tls_version ? run->tls_version : "no handshake", run->tls_cipher ? ", " : "", run->tls_cipher ? run->tls_cipher : "",
		run->tls_version && run->tls_unverified ? "; certificates were not checked" : "", (unsigned long long)report->handshakes_full,
		(unsigned long long)report->handshakes_resumed, (unsigned long long)report->handshakes_failed);
}

static void write_books(const struct report *report, struct buf *into) {
	char sent[32], received[32];
	buf_add_format(into, "Wire         %llu attempts", (unsigned long long)report->attempts);
	if (report->attempts_warmup > 0) buf_add_format(into, ", %llu of them in the warm-up", (unsigned long long)report->attempts_warmup);
	buf_add_format(into, "; %llu retries, %llu lost\n             %s sent, %s received\n", (unsigned long long)report->retries,
		(unsigned long long)report->lost, units_format_bytes(report->bytes_sent, sent, sizeof(sent)),
		units_format_bytes(report->bytes_received, received, sizeof(received)));
	buf_add_format(into, "Books        %llu planned = %llu ok + %llu failed + %llu open + %llu unsent\n", (unsigned long long)report->planned,
		(unsigned long long)report->ok, (unsigned long long)report->failed, (unsigned long long)report->open,
		(unsigned long long)report->unsent);
	if (report->balanced) return;
	buf_add_format(into, "\nTHE BOOKS DO NOT BALANCE: %llu requests were planned, %llu are accounted for.\nDo not trust these results.\n",
		(unsigned long long)report->planned, (unsigned long long)(report->ok + report->failed + report->open + report->unsent));
}

static void write_group_row(const struct group_report *group, bool open_loop, int width, struct buf *into) {
	const struct distribution *times = open_loop ? &group->response : &group->service;
	buf_add_format(into, "%-*.*s %10llu %10llu", width, width, group->group.name, (unsigned long long)group->ok,
		(unsigned long long)(group->failed + group->open));
	put_quantile(into, &times->at[P50]);
	put_quantile(into, &times->at[P99]);
	if (times->count > 0)
		put_duration(into, times->max);
	else
		put_dash(into);
	buf_add_text(into, "\n");
}

static void write_groups(const struct report *report, enum group_dimension dimension, struct buf *into) {
	char title[NAME_COLUMNS];
	snprintf(title, sizeof(title), "%s time per %s", report->run.open_loop ? "Response" : "Service", group_dimension_name(dimension));
	size_t count = 0, width = strlen(title);
	for (size_t i = 0; i < report->group_count; i++) {
		const struct group *group = &report->groups[i].group;
		if (group->dimension != dimension) continue;
		count++;
		if (strlen(group->name) > width) width = strlen(group->name);
	}
	if (count < 2) return;
	if (width > NAME_COLUMNS) width = NAME_COLUMNS;
	buf_add_format(into, "\n%-*s %10s %10s %9s %9s %9s\n", (int)width, title, "ok", "not ok", "p50", "p99", "max");
	for (size_t i = 0; i < report->group_count; i++)
		if (report->groups[i].group.dimension == dimension) write_group_row(&report->groups[i], report->run.open_loop, (int)width, into);
}

static void write_results(const struct report *report, struct buf *into) {
	write_times(report, into);
	write_parts(report, into);
	write_groups(report, GROUP_BY_STAGE, into);
	write_groups(report, GROUP_BY_ADDRESS, into);
	write_errors(report, into);
	write_status(report, into);
}

void summary_write_block(const struct report *report, struct buf *into) {
	write_head(report, into);
	if (report->ok + report->failed + report->open == 0)
		buf_add_text(into, "\nNo request was sent in the measured time: there are no times to show.\n\n");
	else
		write_results(report, into);
	write_rate(report, into);
	write_connections(report, into);
	write_tls(report, into);
	write_books(report, into);
	buf_add_text(into, "\n");
}
