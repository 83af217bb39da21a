#include "cmd/conclude.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mapped.h"
#include "cmd/charts_out.h"
#include "cmd/describe.h"
#include "out/junit.h"
#include "out/result_json.h"
#include "out/summary.h"
#include "out/whole_file.h"
#include "stats/judge.h"

#define RESULT_MAX ((size_t)64 << 20)

/* What an exit status is made of; if several hold, the first one decides. */
struct outcome_flags {
	bool invalid;     /* --strict and a verdict against us */
	bool unreachable; /* nothing could be measured */
	bool missed;      /* a threshold */
	bool failed;      /* an error of ours */
};

static int conclude_status(const struct outcome_flags *flags) {
	if (flags->invalid) return ERR_INVALID;
	if (flags->unreachable) return ERR_UNREACHABLE;
	if (flags->missed) return ERR_THRESHOLD;
	return flags->failed ? ERR_FAILED : 0;
}

static void conclude_describe_run(const struct conclusion *c, struct arena *arena, struct run_info *info) {
	const struct run_totals *totals = &c->watch->totals;
	const struct description description = {c->plan, c->reach, c->settings, c->threshold_count, c->thresholds};
	if (c->info)
		*info = *c->info;
	else
		describe_run(&description, arena, info);
	info->truncated_at = run_log_truncates(c->log) ? c->out->metrics_max : 0;
	info->start_unix_ns = c->watch->start_unix_ns;
	info->asked_per_s = totals->asked_per_s;
	info->tls = info->tls || totals->tls_version;
	info->tls_version = totals->tls_version;
	info->tls_cipher = totals->tls_cipher;
	memcpy(info->id, c->watch->run_id, sizeof(info->id));
}

/* Prints on stdout; a reader that has left is no error. */
static bool conclude_write(const struct buf *text) {
	size_t done = 0;
	while (done < text->size) {
		ssize_t more = write(STDOUT_FILENO, text->at + done, text->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0 && errno == EPIPE) return true;
		if (more < 0) {
			log_write(LOG_ERROR, "cannot write the results: %s", strerror(errno));
			return false;
		}
		done += (size_t)more;
	}
	return true;
}

static enum stop_cause conclude_cause(const struct watch *watch) {
	if (watch->cause != STOP_DURATION) return watch->cause;
	if (watch->totals.data_ran_out) return STOP_DATA;
	return watch->totals.limit_reached ? STOP_REQUESTS : STOP_DURATION;
}

static void conclude_report(const struct conclusion *c, struct arena *arena, struct report *ret) {
	const struct run_totals *totals = &c->watch->totals;
	struct run_info info;
	conclude_describe_run(c, arena, &info);
	struct run_result result = {
		.cause = conclude_cause(c->watch),
		.window = totals->window,
		.planned = totals->planned,
		.iterations_planned = totals->iterations_planned,
		.step_reasons = totals->step_reasons,
		.tally = totals->tally,
		.totals = totals->totals,
		.strain = *c->strain,
		.aborted_by = c->watch->missed,
		.series = c->watch->series,
		.fleet = c->fleet,
		.url_count = c->plan->targets->row_count,
		.urls = c->plan->targets->rows,
		.url_digests = totals->urls,
	};
	report_build(&info, &result, arena, ret);
}

static bool conclude_print(const struct report *report, const struct conclusion *c) {
	struct buf text;
	buf_init(&text, RESULT_MAX);
	if (c->debug) {
		debug_write(c->debug, &text);
	} else if (c->out->json) {
		result_json_write(report, &text);
	} else {
		summary_write_block(report, &text);
		summary_write_lines(report, &text);
	}
	bool written = c->log->quiet || conclude_write(&text);
	buf_fini(&text);
	return written;
}

/* Returns the result as JSON; free() it. */
static char *conclude_json(const struct report *report) {
	struct buf text;
	buf_init(&text, RESULT_MAX);
	result_json_write(report, &text);
	char *copy = mem_alloc(text.size + 1);
	memcpy(copy, buf_text(&text), text.size + 1);
	buf_fini(&text);
	return copy;
}

/* --output with the summary in it. */
static bool conclude_text(const struct conclusion *c, const struct report *report) {
	struct whole_file file;
	struct buf text;
	struct err err;
	if (!c->log->text_path) return true;
	buf_init(&text, RESULT_MAX);
	summary_write_block(report, &text);
	summary_write_lines(report, &text);
	bool written = whole_file_open(c->log->text_path, &file, &err);
	if (written) {
		written = whole_file_add(&file, (struct slice){buf_text(&text), text.size}, &err) && whole_file_commit(&file, &err);
		whole_file_abandon(&file);
	}
	buf_fini(&text);
	if (!written) log_write(LOG_ERROR, "--output: %s", err.text);
	return written;
}

static bool conclude_junit(const struct conclusion *c, const struct report *report) {
	struct err err;
	if (!c->out->junit || junit_write(report, c->out->strict, c->out->junit, &err)) return true;
	log_write(LOG_ERROR, "--junit: %s", err.text);
	return false;
}

static bool conclude_files(const struct conclusion *c, const struct report *report) {
	bool text = conclude_text(c, report);
	if (c->signals >= 0) watch_release_signals(c->signals);
	bool log = run_log_end(c->log, report), junit = conclude_junit(c, report), sinks = !c->watch->sinks || sinks_finish(c->watch->sinks, report);
	return text && log && junit && sinks;
}

static void conclude_say_books(const char *what, uint64_t planned, const uint64_t counts[4]) {
	if (planned == counts[0] + counts[1] + counts[2] + counts[3]) return;
	log_write(LOG_ERROR, "%s do not balance: planned %llu, but ok %llu + failed %llu + open %llu + unsent %llu", what,
		(unsigned long long)planned, (unsigned long long)counts[0], (unsigned long long)counts[1], (unsigned long long)counts[2],
		(unsigned long long)counts[3]);
}

/* Says on stderr what in the results is no result. */
static void conclude_say(const struct report *report, const struct outcome_flags *flags) {
	const struct iterations_report *iterations = &report->iterations;
	conclude_say_books("the books", report->planned, (const uint64_t[]){report->ok, report->failed, report->open, report->unsent});
	conclude_say_books("the books of iterations", iterations->planned,
		(const uint64_t[]){iterations->ok, iterations->failed, iterations->open, iterations->unsent});
	if (mapped_changed())
		log_write(LOG_ERROR, "'%s' became shorter while it was being sent: what it had lost was sent as zeros", mapped_changed());
	if (flags->missed) {
		size_t missed = 0;
		for (size_t i = 0; i < report->threshold_count; i++) missed += !report->thresholds[i].passed;
		log_write(LOG_ERROR, "%zu of %zu threshold%s missed", missed, report->threshold_count, report->threshold_count == 1 ? "" : "s");
	}
	if (flags->invalid) log_write(LOG_ERROR, "--strict: the result is limited by this side: %s", report->verdict.at[0].text);
}

static void conclude_say_unreachable(const struct conclusion *c) {
	const struct run_totals *totals = &c->watch->totals;
	const struct text_list *addresses = &c->reach->texts;
	const char *proxy = route_proxy_words(&c->plan->route);
	char words[240] = "";
	if (proxy)
		snprintf(words, sizeof(words), " by way of %s", proxy);
	else if (addresses->count > 1 || (addresses->count == 1 && !strstr(c->plan->target, addresses->at[0])))
		snprintf(words, sizeof(words), " (%s%s)", addresses->at[0], addresses->count > 1 ? " and others" : "");
	log_write(LOG_ERROR, "cannot measure %s%s: no response at all; %s (%llu failure%s)", c->plan->target, words,
		reason_words(totals->last_failure), (unsigned long long)totals->failures, totals->failures == 1 ? "" : "s");
}

int conclude(const struct conclusion *c, struct arena *arena) {
	const struct run_totals *totals = &c->watch->totals;
	struct outcome_flags flags = {.unreachable = !totals->answered && totals->failures > 0};
	if (c->watch->cause == STOP_SIGNAL && totals->planned == 0 && totals->tally->attempts == 0) {
		log_write(LOG_ERROR, "stopped before anything was sent");
		run_log_end(c->log, NULL);
		return ERR_UNREACHABLE;
	}
	struct report report;
	conclude_report(c, arena, &report);
	if (!charts_out(c->out, &report, arena)) flags.failed = true;
	if (c->ret_result) *c->ret_result = conclude_json(&report);
	bool printed = totals->tally->attempts > 0 || !flags.unreachable || c->out->json || c->debug;
	if (printed && !conclude_print(&report, c)) flags.failed = true;
	if (!conclude_files(c, &report) || !report.balanced) flags.failed = true;
	if (mapped_changed()) flags.failed = true;
	flags.missed = !report.thresholds_hold;
	flags.invalid = c->out->strict && report.verdict.count > 0;
	conclude_say(&report, &flags);
	if (flags.unreachable) conclude_say_unreachable(c);
	return conclude_status(&flags);
}
