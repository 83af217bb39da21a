#include "out/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "out/summary_inner.h"
#include "stats/judge.h"

#define WAY_COLUMNS 75 /* of a proxy's or a socket's name, so that it fits a line with the words before it */

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

static void write_model(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	char rate[32];
	if (run->open_loop)
		buf_add_format(into, "open loop at %s%s/s, %s arrivals", summary_format_rate(run->asked_per_s, rate, sizeof(rate)),
			run->scenario_count > 0 ? " iterations" : "", run->poisson ? "Poisson" : "even");
	else
		buf_add_format(into, "closed loop, each task %s as soon as it may", run->scenario_count > 0 ? "begins its next iteration" : "sends");
	buf_add_format(into, "; at most %llu at once, %u thread%s%s\n", (unsigned long long)run->max_tasks, run->threads,
		run->threads == 1 ? "" : "s", strcmp(run->spin, "off") == 0 ? "" : ", spinning");
}

static void write_end(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	char time[32], warmup[32], missed[SUMMARY_NAME_COLUMNS + 1];
	buf_add_format(into, "measured for %s", units_format_duration(report->window, time, sizeof(time)));
	if (run->warmup > 0) buf_add_format(into, " after %s of warm-up", units_format_duration(run->warmup, warmup, sizeof(warmup)));
	if (run->records_only) {
		buf_add_text(into, "\nreplayed from its requests alone: what else belongs to the run is not known\n");
		return;
	}
	switch (report->cause) {
	case STOP_DURATION:
		buf_add_text(into, "\nended by duration");
		if (run->requests > 0)
			buf_add_format(into, " after %llu of %llu requests", (unsigned long long)report->planned, (unsigned long long)run->requests);
		break;
	case STOP_REQUESTS: buf_add_format(into, "\nended by its %llu requests", (unsigned long long)run->requests); break;
	case STOP_SIGNAL: buf_add_text(into, "\nstopped by a signal"); break;
	case STOP_DATA: buf_add_text(into, "\nended by its data: the rows of a file are used up"); break;
	case STOP_THRESHOLD:
		buf_add_format(into, "\nended early: %s was missed",
			summary_format_cut(report->aborted_by ? report->aborted_by->text : "a threshold", SUMMARY_NAME_COLUMNS, missed));
		break;
	case STOP_UNREACHABLE: buf_add_text(into, "\ngiven up: the target cannot be reached"); break;
	}
	buf_add_text(into, "\n");
}

static void write_verdict(const struct report *report, struct buf *into) {
	const struct verdict *verdict = &report->verdict;
	if (verdict->count == 0) buf_add_text(into, "verdict: nothing on strest's side limited this result\n");
	for (size_t i = 0; i < verdict->count; i++) summary_put_wrapped(into, i == 0 ? "verdict: limited by " : "         and ", verdict->at[i].text);
	for (size_t i = 0; i < verdict->note_count; i++) summary_put_wrapped(into, "note: ", verdict->note[i]);
}

static void write_thresholds(const struct report *report, struct buf *into) {
	size_t width = strlen("Thresholds");
	if (report->threshold_count == 0) return;
	for (size_t i = 0; i < report->threshold_count; i++) {
		size_t size = strlen(report->thresholds[i].threshold->text);
		if (size > width) width = size;
	}
	if (width > SUMMARY_NAME_COLUMNS) width = SUMMARY_NAME_COLUMNS;
	buf_add_format(into, "\n%-*s %12s\n", (int)width + 2, "Thresholds", "value");
	for (size_t i = 0; i < report->threshold_count; i++) {
		const struct judged *judged = &report->thresholds[i];
		char value[32] = "-", text[SUMMARY_NAME_COLUMNS + 1];
		if (!judged->unknown) judge_format(judged->threshold, judged->value, value, sizeof(value));
		buf_add_format(into, "  %-*s %12s  %s%s%s\n", (int)width, summary_format_cut(judged->threshold->text, SUMMARY_NAME_COLUMNS, text),
			value, judged->passed ? "pass" : "FAIL", judged->few ? "  few samples" : "", judged->unknown ? "  nothing to compare" : "");
	}
}

static void write_target(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	bool has_method = !run->listed && run->scenario_count == 0; /* the lines of a list may have methods of their own, and so may steps */
	if (has_method) buf_add_format(into, "%s ", run->method);
	int room = SUMMARY_COLUMNS - (has_method ? (int)strlen(run->method) + 1 : 0);
	bool cut = strlen(run->target) > (size_t)room;
	buf_add_format(into, "%.*s%s\n", cut ? room - 3 : room, run->target, cut ? "..." : "");
}

/* How requests get there, where that is not as ever. */
static void write_way(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	char name[WAY_COLUMNS + 1];
	struct buf words;
	buf_init(&words, 1024);
	if (run->scenario_count > 1)
		buf_add_format(&words, ", %zu scenarios of %zu steps, %.3g an iteration", run->scenario_count, report->step_count, run->steps_mean);
	else if (run->scenario_count == 1)
		buf_add_format(&words, ", a scenario of %zu step%s", report->step_count, report->step_count == 1 ? "" : "s");
	if (run->http_words) buf_add_format(&words, ", %s", run->http_words);
	if (run->proxy) buf_add_format(&words, ", by way of %s", summary_format_cut(run->proxy, WAY_COLUMNS, name));
	if (run->unix_path) buf_add_format(&words, ", over the Unix socket %s", summary_format_cut(run->unix_path, WAY_COLUMNS, name));
	if (run->sources > 0) buf_add_format(&words, ", from %llu local address%s", (unsigned long long)run->sources, run->sources == 1 ? "" : "es");
	if (!run->keepalive)
		buf_add_text(&words, ", a connection for each request (keep-alive off)");
	else if (run->requests_per_connection > 0)
		buf_add_format(&words, ", %llu request%s per connection", (unsigned long long)run->requests_per_connection,
			run->requests_per_connection == 1 ? "" : "s");
	if (words.size > 0) summary_put_wrapped(into, "", buf_text(&words) + strlen(", "));
	buf_fini(&words);
}

static void write_labels(const struct run_info *run, struct buf *into) {
	struct buf words;
	buf_init(&words, 4096);
	for (size_t i = 0; i < run->label_count; i++) buf_add_format(&words, "%s%s", i > 0 ? ", " : "", run->labels[i]);
	if (words.size > 0) summary_put_wrapped(into, "labels: ", buf_text(&words));
	buf_fini(&words);
}

static void write_head(const struct report *report, struct buf *into) {
	write_target(report, into);
	write_way(report, into);
	write_labels(&report->run, into);
	if (!report->run.unknown) write_model(report, into);
	write_end(report, into);
	if (!report->run.records_only && report->planned + report->attempts + report->connect_failed > 0) write_verdict(report, into);
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
		summary_put_quantile(into, &times->at[columns[i].quantile]);
	}
	const nsec rest[] = {times->max, times->min, times->max == NSEC_NEVER ? NSEC_NEVER : (nsec)times->mean};
	for (size_t i = 0; i < LENGTH(rest); i++) {
		if (times->count > 0)
			summary_put_duration(into, rest[i]);
		else
			summary_put_dash(into);
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
		buf_add_text(into, "  Closed loop: a slow server slows the load down, so its stalls are under-counted here.\n");
		if (!report->run.records_only)
			buf_add_format(into, "  The longest time without a finished request was %s%s.\n",
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
		summary_put_quantile(into, &times[i]->at[P50]);
		summary_put_quantile(into, &times[i]->at[P99]);
		buf_add_format(into, "  %s\n", words[i]);
	}
}

/* The same where requests may share a connection. */
static const char *part_words_h2(enum part part) {
	if (part == PART_BLOCKED) return "no stream was free: the target, or --max-tasks";
	if (part == PART_WRITE) return "sending the request, with waits for the target's window";
	return part_words[part];
}

static void write_parts(const struct report *report, struct buf *into) {
	if (report->response_all.max == 0) return;
	buf_add_format(into, "\nWhere the time went %9s %9s\n", "mean", "p99");
	for (enum part part = 0; part < PART_COUNT; part++) {
		const struct distribution *times = &report->parts[part];
		if (!part_shows(report, part)) continue;
		buf_add_format(into, "  %-17s", part_name(part));
		summary_put_duration(into, (nsec)times->mean);
		summary_put_quantile(into, &times->at[P99]);
		buf_add_format(into, "  %s\n", report->run.http_words ? part_words_h2(part) : part_words[part]);
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
		summary_put_wrapped(into, first, reason_words(reason));
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
		if (column + (size_t)size > SUMMARY_COLUMNS) {
			buf_add_format(into, "\n%11s", "");
			column = 11;
		}
		buf_add_text(into, text);
		column += (size_t)size;
	}
	buf_add_text(into, "\n");
	if (report->run.proxy && report->status[407] > 0) /* RFC 9110 section 15.5.8: no origin server says this */
		summary_put_wrapped(into, "             ", "407: the proxy wants a user and a password, http://USER:PASSWORD@HOST:PORT");
}

static void write_results(const struct report *report, struct buf *into) {
	write_times(report, into);
	summary_write_script(report, into);
	write_parts(report, into);
	summary_write_groups(report, into);
	write_errors(report, into);
	write_status(report, into);
}

void summary_write_block(const struct report *report, struct buf *into) {
	write_head(report, into);
	if (report->ok + report->failed + report->open == 0)
		buf_add_text(into, "\nNo request was sent in the measured time: there are no times to show.\n\n");
	else
		write_results(report, into);
	summary_write_fleet(report, into);
	summary_write_wire(report, into);
	buf_add_text(into, "\n");
}
